"""Requests that may be sent again: the work is done once, and the same answer given."""

from appliance.idempotency.service import Keys

__all__ = ["Keys"]
