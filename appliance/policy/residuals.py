"""From Cedar's residuals to conditions.

Partial evaluation answers a request whose resource is unknown with what is left of each policy: JSON in Cedar's
policy format (EST), in which `{"unknown": …}` stands for the resource. Nothing outside a short list of operators is
understood, so that a policy which could not be rendered faithfully is refused instead of being approximated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.policy.conditions import (
    ALWAYS,
    NEVER,
    Compare,
    Comparison,
    Condition,
    Constant,
    Contains,
    Has,
    OneOf,
    both,
    either,
    negated,
)
from appliance.policy.errors import UnsupportedOperator

# `2 < resource.level` is `resource.level > 2`.
_COMPARISONS: Final[Mapping[str, tuple[Comparison, Comparison]]] = {
    "==": ("==", "=="),
    "<": ("<", ">"),
    "<=": ("<=", ">="),
    ">": (">", "<"),
    ">=": (">=", "<="),
}


def allowed(residuals: Mapping[str, Any], entity: str, kinds: Mapping[str, str]) -> Condition:
    """When some permit holds and no forbid does, for a resource of the type `entity` with attributes `kinds`.

    Raises:
        UnsupportedOperator: a residual uses what this compiler does not know.
    """
    compiler = _Compiler(entity, {**kinds, "tenant": "string"})
    permitted: Condition = NEVER
    forbidden: Condition = NEVER
    for name in sorted(residuals):
        policy = residuals[name]
        condition = compiler.policy(policy)
        if policy["effect"] == "permit":
            permitted = either(permitted, condition)
        else:
            forbidden = either(forbidden, condition)
    return both(permitted, negated(forbidden))


class _Compiler:
    def __init__(self, entity: str, kinds: Mapping[str, str]) -> None:
        self._entity = entity
        self._kinds = kinds

    def policy(self, policy: Mapping[str, Any]) -> Condition:
        for head in ("principal", "action", "resource"):
            if policy[head] != {"op": "All"}:
                raise UnsupportedOperator(f"{head} {policy[head].get('op')}")
        condition: Condition = ALWAYS
        for clause in policy["conditions"]:
            body = self.condition(clause["body"])
            condition = both(condition, body if clause["kind"] == "when" else negated(body))
        return condition

    def condition(self, node: Any) -> Condition:
        match node:
            case {"Value": bool(value)}:
                return Constant(value)
            case {"&&": {"left": left, "right": right}}:
                return both(self.condition(left), self.condition(right))
            case {"||": {"left": left, "right": right}}:
                return either(self.condition(left), self.condition(right))
            case {"!": {"arg": inner}}:
                return negated(self.condition(inner))
            case {"!=": operands}:
                return negated(self.condition({"==": operands}))
            case {"has": {"left": {"unknown": _}, "attr": str(attribute)}}:
                return Has(attribute) if self._kind(attribute).endswith("?") else ALWAYS
            case {"is": {"left": {"unknown": _}, "entity_type": str(entity)}}:
                return Constant(entity == self._entity)
            case {"contains": {"left": left, "right": right}}:
                return self._contains(left, right)
            case dict() if len(node) == 1 and next(iter(node)) in _COMPARISONS:
                name, operands = next(iter(node.items()))
                return self._compare(name, operands["left"], operands["right"])
            case _:
                raise UnsupportedOperator(_name(node))

    def _compare(self, name: str, left: Any, right: Any) -> Condition:
        as_written, mirrored = _COMPARISONS[name]
        if (attribute := self._attribute(left)) is not None:
            return self._compared(as_written, attribute, right)
        if (attribute := self._attribute(right)) is not None:
            return self._compared(mirrored, attribute, left)
        raise UnsupportedOperator(f"{name} without an attribute of the resource")

    def _compared(self, name: Comparison, attribute: str, node: Any) -> Condition:
        value, kind = _literal(node), self._kind(attribute).rstrip("?")
        if (kind == "long" and isinstance(value, int)) or (
            kind == "string" and name == "==" and isinstance(value, str)
        ):
            return Compare(name, attribute, value)
        raise UnsupportedOperator(f"{name} on the {kind} `{attribute}` with {_name(node)}")

    def _contains(self, left: Any, right: Any) -> Condition:
        attribute, value = self._attribute(left), _literal(right)
        if attribute is not None and self._kind(attribute) == "set" and isinstance(value, str):
            return Contains(attribute, value)
        attribute, values = self._attribute(right), _literals(left)
        if attribute is not None and self._kind(attribute) != "set" and values is not None:
            return OneOf(attribute, values)
        raise UnsupportedOperator("contains with anything but a literal")

    def _attribute(self, node: Any) -> str | None:
        match node:
            case {".": {"left": {"unknown": _}, "attr": str(attribute)}}:
                return attribute
            case _:
                return None

    def _kind(self, attribute: str) -> str:
        try:
            return self._kinds[attribute]
        except KeyError:
            raise UnsupportedOperator(f"the attribute `{attribute}`") from None


def _literal(node: Any) -> int | str | None:
    match node:
        case {"Value": bool()}:
            return None
        case {"Value": int(value) | str(value)}:
            return value
        case _:
            return None


def _literals(node: Any) -> tuple[int | str, ...] | None:
    match node:
        case {"Set": list(members)}:
            values = [_literal(member) for member in members]
        case {"Value": list(members)}:
            values = [_literal({"Value": member}) for member in members]
        case _:
            return None
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else None


def _name(node: Any) -> str:
    return next(iter(node), "an empty expression") if isinstance(node, dict) else type(node).__name__
