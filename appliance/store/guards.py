"""What the database itself refuses, made from its catalogue at the end of every migration.

The catalogue and not our metadata says which tables hold rows of tenants, so that none is left out because the module
that declares it was not imported. Only the right to change and delete needs the declaration: see `_grants`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from appliance.store.errors import StoreDamaged
from appliance.store.schema import METADATA, Group

META: Final = "meta"
_MINE: Final = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid"


def guard_file(connection: Connection) -> None:
    """Make a tenant's SQLite file refuse rows of another tenant, and refuse to change hands."""
    names = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 6) = 'guard_'")
    for name in connection.scalars(names).all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    tables = text(
        "SELECT t.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c"
        " WHERE t.schema = 'main' AND t.type = 'table' AND c.name = 'tenant_id' ORDER BY t.name"
    )
    for table in connection.scalars(tables).all():
        for name, moment, condition in _triggers(table):
            connection.exec_driver_sql(
                f'CREATE TRIGGER "guard_{table}_{name}" BEFORE {moment} ON "{table}" {condition}'
                " BEGIN SELECT RAISE(ABORT, 'a row of another tenant'); END"
            )


def _triggers(table: str) -> list[tuple[str, str, str]]:
    """Name, event and condition of each guard of `table`."""
    if table == META:
        return [
            ("insert", "INSERT", f'WHEN EXISTS (SELECT 1 FROM "{META}")'),  # noqa: S608 - a name of our own
            ("update", "UPDATE OF tenant_id", ""),
            ("delete", "DELETE", ""),
        ]
    foreign = f'WHEN NEW.tenant_id IS NOT (SELECT tenant_id FROM "{META}")'  # noqa: S608 - a name of our own
    return [("insert", "INSERT", foreign), ("update", "UPDATE OF tenant_id", foreign)]


def guard_schemas(connection: Connection, *, role: str) -> None:
    """Put every tenant table of PostgreSQL under row-level security, and grant `role` what it needs and no more.

    Raises:
        StoreDamaged: a table in the tenants' schema says not whose its rows are.
    """
    quoted = connection.dialect.identifier_preparer.quote(role)
    for group in Group:
        connection.execute(text(f"GRANT USAGE ON SCHEMA {group.value} TO {quoted}"))
        connection.execute(text(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {group.value} TO {quoted}"))
        for table, owned in _tables(connection, group):
            name = f'{group.value}."{table}"'
            connection.execute(text(f"REVOKE ALL ON {name} FROM {quoted}"))
            connection.execute(text(f"GRANT {_grants(group, table)} ON {name} TO {quoted}"))
            if group is not Group.TENANT or table == "alembic_version":
                continue
            if not owned:
                raise StoreDamaged(f"The table {table} does not say whose its rows are.")
            connection.execute(text(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"))
            connection.execute(text(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"))
            connection.execute(text(f"DROP POLICY IF EXISTS tenant_isolation ON {name}"))
            connection.execute(text(f"CREATE POLICY tenant_isolation ON {name} USING ({_MINE}) WITH CHECK ({_MINE})"))


def row_level_security(connection: Connection, *, forced: bool) -> None:
    """Hold the owner of the tenants' tables to row-level security too, or for the time of a restore not."""
    for table, _ in _tables(connection, Group.TENANT):
        if table != "alembic_version":
            word = "FORCE" if forced else "NO FORCE"
            connection.execute(text(f'ALTER TABLE {Group.TENANT.value}."{table}" {word} ROW LEVEL SECURITY'))


def _tables(connection: Connection, group: Group) -> list[tuple[str, bool]]:
    """The tables of a schema, each with whether it has a column `tenant_id`."""
    rows = connection.execute(
        text(
            "SELECT c.relname, EXISTS (SELECT 1 FROM pg_attribute AS a WHERE a.attrelid = c.oid"
            " AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS owned"
            " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') ORDER BY c.relname"
        ),
        {"schema": group.value},
    )
    return [(row.relname, row.owned) for row in rows]


def _grants(group: Group, table: str) -> str:
    """Reading for all, inserting for all but Alembic's; changing and deleting only where a table is declared and not
    append-only. A table that nobody declared is append-only too: the safe side of a forgotten import.
    """
    if table == "alembic_version":
        return "SELECT"
    declared = METADATA[group].tables.get(table)
    if declared is None or declared.info.get("append_only", False):
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE, DELETE"


def may_bypass(connection: Connection) -> str | None:
    """Why the present role could step around row-level security; None if it cannot."""
    role = connection.execute(text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")).one()
    if role.rolsuper or role.rolbypassrls:
        return "is a superuser or has BYPASSRLS"
    owned = connection.scalar(
        text(
            "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname IN ('control', 'audit', 'tenant') AND pg_has_role(current_user, c.relowner, 'MEMBER')"
        )
    )
    return "owns tables, or belongs to the role that does" if owned else None
