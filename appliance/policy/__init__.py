"""May they? Cedar policies from a pack in the repository, and scopes for lists made from the same policies."""

from appliance.policy.engine import PolicyEngine
from appliance.policy.errors import NotListed, PackRefused, ScopeDisagrees, UnsupportedOperator
from appliance.policy.pack import DEFAULT_PACK
from appliance.policy.ports import Policies
from appliance.policy.scope import Scope
from appliance.policy.values import Resource

__all__ = [
    "DEFAULT_PACK",
    "NotListed",
    "PackRefused",
    "Policies",
    "PolicyEngine",
    "Resource",
    "Scope",
    "ScopeDisagrees",
    "UnsupportedOperator",
]
