"""What PostgreSQL itself refuses the application's role of a hub, whatever SQL that role is made to send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import Error, InsufficientPrivilege

from appliance.store import CONTROL, Purpose, Tenant, open_store
from appliance.store.errors import StoreUnreachable, UnsafeRole
from appliance.store.schema import METADATA, Group
from tests.conftest import HubServer, import_all_tables
from tests.contracts.notes import add_notes_to_database


@pytest.fixture
def app(hub_server: HubServer, hub_database: str, other_tenant: Tenant) -> Iterator[psycopg.Connection[Any]]:
    """A bare connection of the application's role; the southern tenant has a note."""
    owner_url = hub_server.url(hub_database, "outpost_owner")
    add_notes_to_database(owner_url)
    with psycopg.connect(hub_server.url(hub_database, "outpost_app"), autocommit=True) as connection:
        with connection.transaction():
            become(connection, other_tenant)
            connection.execute(
                "INSERT INTO tenant.notes (tenant_id, id, text) VALUES (%s, gen_random_uuid(), 'a recipe')",
                [other_tenant.id],
            )
        yield connection


@pytest.fixture
def backend() -> str:
    """These tests are about the hub alone."""
    return "postgres"


def become(connection: psycopg.Connection[Any], tenant: Tenant) -> None:
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant.id)])


def test_without_a_tenant_no_row_is_seen_and_none_can_be_added(
    app: psycopg.Connection[Any], other_tenant: Tenant
) -> None:
    assert app.execute("SELECT * FROM tenant.notes").fetchall() == []
    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        app.execute(
            "INSERT INTO tenant.notes (tenant_id, id, text) VALUES (%s, gen_random_uuid(), 'x')", [other_tenant.id]
        )


def test_the_tenant_of_a_transaction_is_forgotten_at_its_end(
    app: psycopg.Connection[Any], other_tenant: Tenant
) -> None:
    with app.transaction():
        become(app, other_tenant)
        assert len(app.execute("SELECT * FROM tenant.notes").fetchall()) == 1

    assert app.execute("SELECT * FROM tenant.notes").fetchall() == []


def test_another_tenants_rows_are_not_seen_by_name_join_or_upsert(
    app: psycopg.Connection[Any], tenant: Tenant, other_tenant: Tenant
) -> None:
    with app.transaction():
        become(app, tenant)
        for attack in (
            "SELECT * FROM tenant.notes WHERE tenant_id = %s",
            "SELECT n.* FROM tenant.notes AS n JOIN control.tenants AS t ON t.id = n.tenant_id WHERE t.id = %s",
            "UPDATE tenant.notes SET text = 'spoilt' WHERE tenant_id = %s RETURNING *",
            "DELETE FROM tenant.notes WHERE tenant_id = %s RETURNING *",
        ):
            assert app.execute(attack, [other_tenant.id]).fetchall() == []
    with pytest.raises(Error), app.transaction():
        become(app, tenant)
        app.execute(
            "INSERT INTO tenant.notes (tenant_id, id, text) VALUES (%s, gen_random_uuid(), 'a recipe')"
            " ON CONFLICT (text) DO UPDATE SET text = 'spoilt'",
            [tenant.id],
        )


@pytest.mark.parametrize(
    "attack",
    [
        "ALTER TABLE tenant.notes DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenant.notes NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON tenant.notes",
        "CREATE POLICY everything ON tenant.notes USING (true)",
        "DROP TABLE tenant.notes",
        "TRUNCATE tenant.notes",
        "CREATE TABLE tenant.copies (id int)",
        "CREATE VIEW tenant.all_notes AS SELECT * FROM tenant.notes",
        "CREATE TABLE public.copies (id int)",
        "SET ROLE outpost_owner",
        "SET SESSION AUTHORIZATION outpost_owner",
        "ALTER ROLE outpost_app BYPASSRLS",
        "SET row_security = off; SELECT * FROM tenant.notes",
        "UPDATE tenant.alembic_version SET version_num = 'x'",
        "COPY tenant.notes TO PROGRAM 'cat'",
    ],
)
def test_the_applications_role_cannot_change_what_holds_it(app: psycopg.Connection[Any], attack: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        app.execute(attack)


def test_the_owner_of_the_tables_is_held_by_row_level_security_too(
    app: psycopg.Connection[Any], hub_server: HubServer, hub_database: str
) -> None:
    with psycopg.connect(hub_server.url(hub_database, "outpost_owner")) as owner:
        assert owner.execute("SELECT * FROM tenant.notes").fetchall() == []


def test_every_table_of_tenants_is_under_forced_row_level_security(hub_server: HubServer, hub_database: str) -> None:
    with psycopg.connect(hub_server.url(hub_database, "outpost_app")) as connection:
        rows = connection.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, p.polname, p.polqual IS NOT NULL,"
            " p.polwithcheck IS NOT NULL, p.polcmd FROM pg_class AS c LEFT JOIN pg_policy AS p ON p.polrelid = c.oid"
            " WHERE c.relnamespace = 'tenant'::regnamespace AND c.relkind IN ('r', 'p')"
        ).fetchall()

    tables = {name: rest for name, *rest in rows}
    del tables["alembic_version"]
    assert set(METADATA[Group.TENANT].tables) <= set(tables)
    assert {name: rest for name, rest in tables.items() if rest != [True, "tenant_isolation", True, True, "*"]} == {}


def test_append_only_tables_can_be_read_and_added_to_and_no_more(hub_server: HubServer, hub_database: str) -> None:
    import_all_tables()
    with psycopg.connect(hub_server.url(hub_database, "outpost_app")) as connection:
        for group, metadata in METADATA.items():
            for table in metadata.tables.values():
                held = {
                    right
                    for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
                    if connection.execute(
                        "SELECT has_table_privilege(%s, %s)", [f'{group.value}."{table.name}"', right]
                    ).fetchone()
                    == (True,)
                }
                more = set() if table.info.get("append_only") else {"UPDATE", "DELETE"}
                assert held == {"SELECT", "INSERT"} | more, table.name


def test_the_leaves_of_the_record_are_append_only() -> None:
    import_all_tables()
    assert METADATA[Group.AUDIT].tables["leaves"].info["append_only"]


@pytest.mark.parametrize("role", ["postgres", "outpost_owner"])
async def test_a_role_that_could_step_around_the_rules_is_refused(
    hub_server: HubServer, hub_database: str, tmp_path: Path, role: str
) -> None:
    store = await open_store(tmp_path / "data", hub_server.url(hub_database, role))

    with pytest.raises(UnsafeRole):
        await store.migrate()
    await store.close()


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "data", f"postgresql://outpost_app@/outpost?host={tmp_path}")

    with pytest.raises(StoreUnreachable):
        await store.migrate()
    with pytest.raises(StoreUnreachable):
        async with store.open_internal(Purpose.HEALTH, CONTROL):
            pass
    await store.close()
