"""What the database itself refuses, made from its catalogue at the end of every migration.

The catalogue and not our metadata is asked, so that no table is left out because its module was not imported.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

PREFIX: Final = "guard_"
META: Final = "meta"


def _tables_of_tenants(connection: Connection) -> list[str]:
    rows = connection.execute(
        text(
            "SELECT t.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c"
            " WHERE t.schema = 'main' AND t.type = 'table' AND c.name = 'tenant_id' ORDER BY t.name"
        )
    )
    return [row.name for row in rows]


def guard_file(connection: Connection) -> None:
    """Make a tenant's SQLite file refuse rows of another tenant, and refuse to change hands."""
    old = connection.execute(
        text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard\\_%' ESCAPE '\\'")
    )
    for row in old.all():
        connection.exec_driver_sql(f'DROP TRIGGER "{row.name}"')
    for table in _tables_of_tenants(connection):
        for name, moment, condition in _guards(table):
            connection.exec_driver_sql(
                f'CREATE TRIGGER "{PREFIX}{table}_{name}" BEFORE {moment} ON "{table}" {condition} '
                f"BEGIN SELECT RAISE(ABORT, 'a row of another tenant'); END"
            )


def _guards(table: str) -> list[tuple[str, str, str]]:
    if table == META:
        return [
            ("insert", "INSERT", f'WHEN EXISTS (SELECT 1 FROM "{META}")'),
            ("update", "UPDATE OF tenant_id", ""),
            ("delete", "DELETE", ""),
        ]
    foreign = f'WHEN NEW.tenant_id IS NOT (SELECT tenant_id FROM "{META}")'
    return [("insert", "INSERT", foreign), ("update", "UPDATE OF tenant_id", foreign)]
