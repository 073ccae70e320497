"""What can be wrong with a policy pack, and with a question to it."""

from __future__ import annotations

from appliance.errors import InvalidInput, Unavailable


class PackRefused(Unavailable):
    """The policy pack cannot be used. Without one nothing is permitted, so the node does not start."""

    code, title = "policy-pack-refused", "The policy pack cannot be used"
    hint = "Install the pack that came with this release, or correct the policy that is named."


class UnsupportedOperator(PackRefused):
    """A policy over documents uses something that cannot become a condition in the database."""

    code, title = "policy-operator-unsupported", "A policy uses an operator that lists cannot be filtered by"
    hint = "Use only ==, !=, <, <=, >, >=, &&, ||, !, has, is, contains and literals in policies over documents."

    def __init__(self, operator: str) -> None:
        super().__init__(f"{operator} cannot become a condition in the database.", operator=operator)


class ScopeDisagrees(PackRefused):
    """A scope and Cedar gave different answers about the same document."""

    code, title = "policy-scope-disagrees", "Filtered lists would not match the policies"


class NotListed(InvalidInput):
    """A scope was asked for an action that does not list this kind of resource."""

    code, title = "policy-not-listed", "This action has no list to filter"
