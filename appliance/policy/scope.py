"""A scope: the rows of a list that a principal may see, made from the policies themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from appliance.policy.conditions import NEVER, Condition, given, holds, sql


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
