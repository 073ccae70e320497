"""How the node did in the last day, minute by minute: for charts where nobody runs a monitor."""

from appliance.vitals.service import Vitals

__all__ = ["Vitals"]
