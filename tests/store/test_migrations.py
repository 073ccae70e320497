"""What the migrations make is what the tables say, on both databases, however often and by however many it is run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlcipher3 import dbapi2 as sqlcipher

from appliance.store import Group, Store, Tenant, open_store
from appliance.store.engines import connect
from appliance.store.errors import StoreOutdated, StoreUnprepared
from appliance.store.keys import Keyring
from appliance.store.migrate import CHAINS, head
from appliance.store.schema import METADATA
from tests.conftest import HubServer, Template, import_all_tables

GROUPS = pytest.mark.parametrize("group", Group, ids=lambda group: group.value)

# Columns and indexes that SQLAlchemy has no word for; retrieval makes them by hand on PostgreSQL.
BY_HAND = {"terms", "embedding", "ix_passages_tenant", "ix_passages_embedding"}


def file_engine(data: Path, group: Group, tenant: Tenant) -> Engine:
    keyring = Keyring.load(data / "keys")
    if group is Group.TENANT:
        path, name = data / "tenants" / str(tenant.id) / "tenant.db", f"tenant-{tenant.id}"
    else:
        path, name = data / f"{group.value}.db", group.value
    key = keyring.key(name)
    return create_engine("sqlite:///migrated", module=sqlcipher, creator=lambda: connect(path, key))


def differences(connection: Connection, group: Group) -> list[Any]:
    import_all_tables()
    virtual: tuple[str, ...] = ()
    if connection.dialect.name == "sqlite":
        virtual = tuple(connection.scalars(text("SELECT name FROM pragma_table_list WHERE type = 'virtual'")))

    def ours(thing: Any, name: str | None, kind: str, reflected: bool, _counterpart: Any) -> bool:
        if connection.dialect.name == "sqlite" and kind == "table" and thing.info.get("hub_only"):
            return False
        # A virtual table and the tables that it keeps its own data in are no tables of ours.
        shadow = kind == "table" and str(name).startswith(virtual)
        return not (reflected and (shadow or name in BY_HAND))

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
    found: list[Any] = compare_metadata(context, METADATA[group])
    return found


@GROUPS
def test_the_migrated_files_are_what_the_tables_say(group: Group, node_template: Template) -> None:
    engine = file_engine(node_template.data, group, node_template.tenants[0])
    with engine.connect() as connection:
        assert differences(connection, group) == []
    engine.dispose()


@pytest.fixture
def hub_schema(group: Group, hub_server: HubServer, hub_database: str) -> Iterator[Connection]:
    url = make_url(hub_server.url(hub_database, "outpost_owner")).set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args={"options": f"-c search_path={group.value},public"})
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Did not recognize type 'vector'")
@GROUPS
def test_the_migrated_schemas_are_what_the_tables_say(group: Group, hub_schema: Connection) -> None:
    assert differences(hub_schema, group) == []


@GROUPS
def test_every_chain_is_one_line_and_each_step_is_named_after_its_file(group: Group) -> None:
    steps = list(ScriptDirectory(str(CHAINS / group.value)).walk_revisions())

    assert [Path(step.path).stem for step in steps] == [step.revision for step in steps]
    assert [step.down_revision for step in steps] == [*(step.revision for step in steps[1:]), None]
    assert [step.revision for step in steps] == sorted((step.revision for step in steps), reverse=True)
    assert head(group) == steps[0].revision


async def test_migrating_twice_changes_nothing(store: Store, tenant: Tenant, other_tenant: Tenant) -> None:
    await store.migrate()
    await store.migrate()

    assert await store.tenants() == [tenant, other_tenant]


LATE_START = """
import asyncio, pathlib, sys
from appliance.store import open_store

async def main():
    store = await open_store(pathlib.Path(sys.argv[1]))
    await store.migrate()
    print(len(await store.tenants()), "alembic" in sys.modules)
    await store.close()

asyncio.run(main())
"""


def started(data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", LATE_START, str(data)], stdout=subprocess.PIPE, text=True)


async def test_a_start_with_nothing_to_migrate_does_not_load_alembic(node_store: Store) -> None:
    out, _ = await asyncio.to_thread(started(node_store.data).communicate, timeout=60)

    assert out.split() == ["2", "False"]


async def test_processes_that_start_together_on_an_empty_directory_all_come_up(tmp_path: Path) -> None:
    processes = [started(tmp_path / "data") for _ in range(3)]

    outs = [await asyncio.to_thread(process.communicate, timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [out.split()[0] for out, _ in outs] == ["0", "0", "0"]


async def test_a_migration_that_fails_leaves_the_file_as_it_was(node_store: Store, tenant: Tenant) -> None:
    engine = file_engine(node_store.data, Group.TENANT, tenant)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001_meta'"))
    with engine.connect() as connection:
        before = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all()

    # The later steps create tables that are there already, so the first of them fails.
    with pytest.raises(Exception, match="already exists"):
        await node_store.migrate()

    with engine.connect() as connection:
        assert connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all() == before
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001_meta"
    engine.dispose()


async def test_an_outdated_hub_is_not_used_without_its_owner(
    hub_template: Template, hub_server: HubServer, hub_database: str, tmp_path: Path
) -> None:
    hub_server.run("UPDATE tenant.alembic_version SET version_num = '0001_meta'", database=hub_database)
    store = await open_store(tmp_path / "data", hub_server.url(hub_database, "outpost_app"))

    with pytest.raises(StoreOutdated):
        await store.migrate()
    await store.close()


async def test_a_database_without_pgvector_is_not_prepared(hub_server: HubServer, tmp_path: Path) -> None:
    hub_server.run("CREATE DATABASE outpost_bare OWNER outpost_owner")
    app, owner = (hub_server.url("outpost_bare", role) for role in ("outpost_app", "outpost_owner"))
    store = await open_store(tmp_path / "data", app, owner_url=owner)

    with pytest.raises(StoreUnprepared):
        await store.migrate()
    await store.close()
    hub_server.run("DROP DATABASE outpost_bare WITH (FORCE)")
