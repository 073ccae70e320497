"""L1: the record. What happened, in one tamper-evident log for each tenant and one for the node."""

from __future__ import annotations

from appliance.audit.recorder import Recorder
from appliance.audit.records import Leaf
from appliance.audit.values import Entry, LogName, NewRecord

__all__ = ["Entry", "Leaf", "LogName", "NewRecord", "Recorder"]
