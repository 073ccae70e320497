"""What the policies of a pack mention, read from Cedar's JSON form of them: what is made up from it meets each of their cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

SELF: Final = str(UUID(int=1))
"""Whoever asks, where a policy compares an attribute with theirs."""


def compared(node: Any) -> dict[str, frozenset[str]]:
    """For each attribute of a resource, the literals on the other side of an operator; `SELF` for who is asking."""
    found: dict[str, set[str]] = {}

    def look(part: Any) -> None:
        match part:
            case {"left": left, "right": right}:
                for one, other in ((left, right), (right, left)):
                    match one:
                        case {".": {"left": {"Var": "resource"}, "attr": str(attribute)}}:
                            found.setdefault(attribute, set()).update(strings(other), _self(other))
                look(left)
                look(right)
            case dict():
                for child in part.values():
                    look(child)
            case list():
                for child in part:
                    look(child)

    look(node)
    return {attribute: frozenset(values) for attribute, values in found.items()}


def duties(node: Any) -> frozenset[str]:
    """The literals that `principal.duties` is compared with."""
    match node:
        case {"left": {".": {"left": {"Var": "principal"}, "attr": "duties"}}, "right": right}:
            return frozenset(strings(right))
        case dict():
            return frozenset().union(*(duties(child) for child in node.values()))
        case list():
            return frozenset().union(*(duties(child) for child in node))
        case _:
            return frozenset()


def _self(node: Any) -> set[str]:
    match node:
        case {".": {"left": {"Var": "principal"}}}:
            return {SELF}
        case _:
            return set()


def strings(node: Any) -> Iterator[str]:
    """Every string literal in a parsed policy."""
    match node:
        case {"Value": str(text)}:
            yield text
        case dict():
            for child in node.values():
                yield from strings(child)
        case list():
            for child in node:
                yield from strings(child)
