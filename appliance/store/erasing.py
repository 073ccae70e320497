"""Everything of one tenant, found and deleted: rows by what the database itself says of its tables, files by their directory.

A table's rows are the tenant's if it has a column `tenant_id`, or if they refer to rows that are. The catalogue and not our
metadata says so: no table is left out because the module that declares it was not imported.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Uuid, column, delete, func, inspect, or_, select, text
from sqlalchemy import table as named_table
from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint
from sqlalchemy.sql.expression import TableClause

from appliance.store.files import sync_directory

OWNER: Final = "tenant_id"


def erase_rows(connection: Connection, tenant_id: UUID, schema: str | None) -> int:
    """Delete the tenant's rows of every table of a schema, what refers to them first; how many there were.

    Args:
        schema: as PostgreSQL names it; None for a file of its own.
    """
    looked, owned = inspect(connection), _owned(connection, schema)
    conditions: dict[str, ColumnElement[bool]] = {}
    for name, _ in looked.get_sorted_table_and_fkc_names(schema):
        if name is None:
            continue
        keys = looked.get_foreign_keys(name, schema)
        found = column(OWNER, Uuid()) == tenant_id if name in owned else _referring(keys, schema, conditions)
        if found is not None:
            conditions[name] = found
    gone = 0
    for name in reversed(conditions):
        gone += connection.execute(delete(_table(name, schema)).where(conditions[name])).rowcount
    return gone


def rows_left(connection: Connection, tenant_id: UUID, schema: str | None) -> int:
    """How many rows in tables with a column `tenant_id` are the tenant's."""
    mine = column(OWNER, Uuid()) == tenant_id
    return sum(
        connection.scalar(select(func.count()).select_from(_table(name, schema)).where(mine)) or 0
        for name in _owned(connection, schema)
    )


def remove_tree(directory: Path) -> None:
    """Remove a directory with all that is in it, durably; one that is not there is no error."""
    shutil.rmtree(directory, ignore_errors=not directory.exists())
    if directory.parent.is_dir():
        sync_directory(directory.parent)


def _referring(
    keys: Sequence[ReflectedForeignKeyConstraint], schema: str | None, known: Mapping[str, ColumnElement[bool]]
) -> ColumnElement[bool] | None:
    """Which rows of a table refer to rows that are the tenant's; None if it refers to no table that has such rows."""
    refers = [
        column(key["constrained_columns"][0]).in_(
            select(column(key["referred_columns"][0]))
            .select_from(_table(key["referred_table"], schema))
            .where(known[key["referred_table"]])
        )
        for key in keys
        if key["referred_table"] in known
    ]
    return or_(*refers) if refers else None


def _owned(connection: Connection, schema: str | None) -> set[str]:
    """The tables with a column `tenant_id`."""
    if schema is None:
        found = text(
            "SELECT t.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c"
            " WHERE t.schema = 'main' AND t.type = 'table' AND c.name = :owner"
        )
        return set(connection.scalars(found, {"owner": OWNER}))
    found = text(
        "SELECT c.relname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND a.attname = :owner AND NOT a.attisdropped"
    )
    return set(connection.scalars(found, {"owner": OWNER, "schema": schema}))


def _table(name: str, schema: str | None) -> TableClause:
    return named_table(name, column(OWNER, Uuid()), schema=schema)
