"""Conditions over one row: the small language that policies over lists are compiled to.

Three readings of the same tree must agree: `holds` (plain Python, used to check a pack when it is loaded), `sql`
(what lists are filtered by) and Cedar itself. An absent attribute reads as NULL in SQL and as `None` here; the
schema's validation makes every policy ask `has` before it reads an optional attribute, so neither ever decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, String, and_, false, literal, not_, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean

Comparison = Literal["==", "<", "<=", ">", ">="]
OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPPOSITE: Final[Mapping[Comparison, Comparison]] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True, slots=True)
class Constant:
    value: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """`attribute <operator> value`; only `==` is used with strings."""

    operator: Comparison
    attribute: str
    value: int | str


@dataclass(frozen=True, slots=True)
class Contains:
    """The set `attribute` (a JSON array of strings in the database) has the member `value`."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """The string or number `attribute` is one of `values`."""

    attribute: str
    values: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Has:
    attribute: str


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Or:
    left: Condition
    right: Condition


Condition = Constant | Compare | Contains | OneOf | Has | Not | And | Or
ALWAYS: Final = Constant(value=True)
NEVER: Final = Constant(value=False)


def both(left: Condition, right: Condition) -> Condition:
    if NEVER in (left, right):
        return NEVER
    if left == ALWAYS:
        return right
    return left if right == ALWAYS else And(left, right)


def either(left: Condition, right: Condition) -> Condition:
    if ALWAYS in (left, right):
        return ALWAYS
    if left == NEVER:
        return right
    return left if right == NEVER else Or(left, right)


def negated(condition: Condition) -> Condition:
    """The opposite, with the negation pushed inwards: what reaches the database reads like `level < 4 AND …`."""
    match condition:
        case Constant(value):
            return Constant(not value)
        case Not(inner):
            return inner
        case And(left, right):
            return either(negated(left), negated(right))
        case Or(left, right):
            return both(negated(left), negated(right))
        case Compare(name, attribute, value) if name in OPPOSITE:
            return Compare(OPPOSITE[name], attribute, value)
        case _:
            return Not(condition)


def given(condition: Condition, attribute: str, value: str) -> Condition:
    """The condition once the string `attribute` is known to be `value`."""
    match condition:
        case Compare("==", name, expected) if name == attribute:
            return Constant(value == expected)
        case OneOf(name, values) if name == attribute:
            return Constant(value in values)
        case Has(name) if name == attribute:
            return ALWAYS
        case Not(inner):
            return negated(given(inner, attribute, value))
        case And(left, right):
            return both(given(left, attribute, value), given(right, attribute, value))
        case Or(left, right):
            return either(given(left, attribute, value), given(right, attribute, value))
        case _:
            return condition


def holds(condition: Condition, row: Mapping[str, Any]) -> bool:
    """Whether `row` (attribute -> int, str, collection of str, or None if absent) meets the condition."""
    match condition:
        case Constant(value):
            return value
        case Compare(name, attribute, value):
            found = row.get(attribute)
            return found is not None and bool(OPERATORS[name](found, value))
        case Contains(attribute, value):
            return value in (row.get(attribute) or ())
        case OneOf(attribute, values):
            return row.get(attribute) in values
        case Has(attribute):
            return row.get(attribute) is not None
        case Not(inner):
            return not holds(inner, row)
        case And(left, right):
            return holds(left, row) and holds(right, row)
        case Or(left, right):
            return holds(left, row) or holds(right, row)


def sql(condition: Condition, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    """The condition as a WHERE clause for SQLite and PostgreSQL.

    Raises:
        KeyError: the condition reads an attribute that `columns` does not name.
    """
    match condition:
        case Constant(value):
            return true() if value else false()
        case Compare(name, attribute, value):
            compared: ColumnElement[bool] = OPERATORS[name](columns[attribute], value)
            return compared
        case Contains(attribute, value):
            return ArrayContains(columns[attribute], literal(value, String()))
        case OneOf(attribute, values):
            return columns[attribute].in_(values)
        case Has(attribute):
            return columns[attribute].is_not(None)
        case Not(inner):
            return not_(sql(inner, columns))
        case And(left, right):
            return and_(sql(left, columns), sql(right, columns))
        case Or(left, right):
            return or_(sql(left, columns), sql(right, columns))


class ArrayContains(FunctionElement[bool]):
    """Whether the JSON array of strings in the first argument holds the string in the second."""

    name = "array_contains"
    type = Boolean()
    inherit_cache = True


@compiles(ArrayContains, "sqlite")
def _array_contains_sqlite(element: ArrayContains, compiler: SQLCompiler, **options: Any) -> str:
    array, member = (compiler.process(clause, **options) for clause in element.clauses)
    # Both parts were rendered by the compiler; values are bound parameters.
    return f"(EXISTS (SELECT 1 FROM json_each({array}) AS member WHERE member.value = {member}))"  # noqa: S608


@compiles(ArrayContains, "postgresql")
def _array_contains_postgresql(element: ArrayContains, compiler: SQLCompiler, **options: Any) -> str:
    array, member = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST({array} AS JSONB) @> to_jsonb(CAST({member} AS TEXT)))"
