"""A scope: the rows of a list that a principal may see, made from the policies themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from appliance.policy.conditions import NEVER, And, Condition, Not, Or, given, holds, sql


@dataclass(frozen=True, slots=True)
class Scope:
    """What is left of the policies for one principal and one action, when only the resource is open."""

    condition: Condition
    tenant: str
    pack_version: str

    @property
    def empty(self) -> bool:
        """No row can ever be in the scope, so the query need not be made."""
        return self.condition == NEVER

    def where(self, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
        """The scope as a WHERE clause for SQLite and PostgreSQL.

        Args:
            columns: "level" (integer), "tags" and "acl" (JSON arrays of strings), "owner" (the principal's id as
                text, nullable). "tenant" may be given; without it the rows are taken to be those of the principal's
                tenant, as they are in a tenant's own database.

        Raises:
            KeyError: the policies read an attribute that `columns` does not name.
        """
        condition = self.condition if "tenant" in columns else given(self.condition, "tenant", self.tenant)
        return sql(condition, columns)

    def admits(self, row: Mapping[str, Any]) -> bool:
        """The same question about one row in memory; absent attributes are missing or `None`."""
        return holds(self.condition, {"tenant": self.tenant, **row})


class Rows:
    """Rows in memory of which many scopes are asked: each comparison is made once for all of them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = rows
        self._all = (1 << len(rows)) - 1
        self._known: dict[tuple[str, Condition], int] = {}

    def admitted(self, scope: Scope) -> int:
        """The rows that the scope admits, as bits: bit n stands for row n."""
        return self._meeting(scope.tenant, scope.condition)

    def _meeting(self, tenant: str, condition: Condition) -> int:
        match condition:
            case Not(inner):
                return self._all ^ self._meeting(tenant, inner)
            case And(left, right):
                return self._meeting(tenant, left) & self._meeting(tenant, right)
            case Or(left, right):
                return self._meeting(tenant, left) | self._meeting(tenant, right)
        key = tenant, condition
        if key not in self._known:
            met = (holds(condition, {"tenant": tenant, **row}) for row in self._rows)
            self._known[key] = sum(1 << at for at, one in enumerate(met) if one)
        return self._known[key]
