"""Which policy pack is in force: staged, looked at before, put in force, taken back."""

from appliance.packs.force import InForce
from appliance.packs.service import Packs

__all__ = ["InForce", "Packs"]
