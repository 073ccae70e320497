"""L2: what must not pass: personal data, secrets, and orders to a language model. Pure screening; a model only scores."""

from appliance.guard.pii import find, redact
from appliance.guard.values import Finding, Injection

__all__ = ["Finding", "Injection", "find", "redact"]
