"""A node's files at rest: unreadable without their key, and opened with the settings that keep what was acknowledged."""

from __future__ import annotations

import asyncio
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from appliance.store import AUDIT, CONTROL, Admitted, Purpose, Store, Tenant, Where, open_store
from appliance.store.engines import EncryptedFile, connect
from appliance.store.errors import KeyMissing, StoreBusy, StoreDamaged, StoreFull, StoreMissing
from appliance.store.keys import Keyring
from tests.contracts.notes import tenant_file


async def pragma(store: Store, where: Where, name: str, *, write: bool) -> object:
    async with store.open_internal(Purpose.VERIFY, where, write=write) as session:
        return await session.scalar(text(f"PRAGMA {name}"))


async def test_nothing_of_a_file_can_be_read_without_its_key(node_store: Store) -> None:
    async with node_store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
        await session.execute(text("UPDATE tenants SET name = 'Plant of secrets' WHERE slug = 'north'"))

    files = [path for path in node_store.data.rglob("*.db*") if path.is_file()]
    assert files
    for path in files:
        whole = path.read_bytes()
        assert b"SQLite format 3" not in whole, path.name
        assert b"Plant of secrets" not in whole, path.name


@pytest.mark.parametrize("write", [False, True])
async def test_every_connection_keeps_what_it_acknowledges(node_store: Store, tenant: Tenant, write: bool) -> None:
    for where in (CONTROL, AUDIT, tenant.id):
        found = {
            name: await pragma(node_store, where, name, write=write)
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "page_size", "query_only")
        }
        assert found == {
            "journal_mode": "wal",
            "synchronous": 2,  # FULL
            "foreign_keys": 1,
            "secure_delete": 1,
            "page_size": "4096",
            "query_only": int(not write),
        }


async def test_vectors_can_be_searched_in_every_file(node_store: Store, tenant: Tenant) -> None:
    async with node_store.open_internal(Purpose.VERIFY, tenant.id) as session:
        assert await session.scalar(text("SELECT vec_version()"))


async def test_sql_cannot_load_code_into_the_process(node_store: Store, tenant: Tenant) -> None:
    with pytest.raises(DBAPIError, match="not authorized"):
        async with node_store.open_internal(Purpose.VERIFY, tenant.id) as session:
            await session.execute(text("SELECT load_extension('/tmp/evil')"))


async def test_a_session_cannot_attach_the_file_of_another_tenant(
    node_store: Store, admitted: Callable[..., Admitted], other_tenant: Tenant
) -> None:
    path, _ = tenant_file(node_store.data, other_tenant.id)

    with pytest.raises(StoreDamaged):
        async with node_store.open_session(admitted()) as session:
            await session.execute(text(f"ATTACH DATABASE '{path}' AS theirs"))


async def test_a_file_put_in_the_place_of_anothers_does_not_open(
    node_store: Store, tenant: Tenant, other_tenant: Tenant
) -> None:
    mine, _ = tenant_file(node_store.data, tenant.id)
    theirs, _ = tenant_file(node_store.data, other_tenant.id)
    shutil.copy(theirs, mine)

    with pytest.raises(StoreDamaged):
        async with node_store.open_internal(Purpose.VERIFY, tenant.id):
            pass


async def test_a_file_opened_with_a_wrong_key_is_damaged_not_empty(node_store: Store) -> None:
    with pytest.raises(StoreDamaged):
        connect(node_store.data / "control.db", bytes(32))


@pytest.mark.parametrize("file", ["tenant.db", "control.db"])
async def test_a_missing_file_is_missed_and_not_made_again(node_store: Store, tenant: Tenant, file: str) -> None:
    where: Where = tenant.id if file == "tenant.db" else CONTROL
    path = tenant_file(node_store.data, tenant.id)[0] if file == "tenant.db" else node_store.data / file
    path.unlink()

    with pytest.raises(StoreMissing):
        async with node_store.open_internal(Purpose.VERIFY, where):
            pass
    with pytest.raises(StoreMissing):
        await node_store.migrate()
    assert not path.exists()


async def test_a_file_whose_key_is_gone_says_so(node_store: Store) -> None:
    (node_store.data / "keys" / "control.wrapped").unlink()
    again = await open_store(node_store.data)

    with pytest.raises(KeyMissing):
        await again.migrate()
    await again.close()


async def test_pages_that_were_damaged_are_reported_as_damage(node_store: Store, tenant: Tenant) -> None:
    path, key = tenant_file(node_store.data, tenant.id)
    connect(path, key).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    whole = bytearray(path.read_bytes())
    for start in range(4096, len(whole), 4096):
        whole[start + 100] ^= 0xFF
    path.write_bytes(whole)

    with pytest.raises(StoreDamaged):
        async with node_store.open_internal(Purpose.VERIFY, tenant.id) as session:
            await session.execute(text("SELECT * FROM meta"))


HOLD_THE_WRITE_LOCK = """
import sys, pathlib
from appliance.store.engines import connect
connection = connect(pathlib.Path(sys.argv[1]), bytes.fromhex(sys.argv[2]))
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
connection.close()
"""


async def test_a_writer_waits_for_another_process_and_then_gets_its_turn(node_store: Store, tenant: Tenant) -> None:
    path, key = tenant_file(node_store.data, tenant.id)
    pipe = asyncio.subprocess.PIPE
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_THE_WRITE_LOCK, str(path), key.hex(), stdin=pipe, stdout=pipe
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"

    async def write() -> None:
        async with node_store.open_internal(Purpose.SEED, tenant.id, write=True):
            pass

    waiting = asyncio.create_task(write())
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done, "the other process still holds the lock"
    await holder.communicate(b"")
    await waiting


async def test_a_file_that_stays_locked_is_busy_not_broken(node_store: Store, tenant: Tenant) -> None:
    path, key = tenant_file(node_store.data, tenant.id)
    holder = connect(path, key)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreBusy):
        async with node_store.open_internal(Purpose.SEED, tenant.id, write=True):
            pass
    holder.execute("ROLLBACK")
    holder.close()


async def test_a_change_that_does_not_fit_on_the_disk_is_not_made(node_store: Store, tenant: Tenant) -> None:
    async with node_store.open_internal(Purpose.VERIFY, tenant.id, write=True) as session:
        await session.execute(text("CREATE TABLE ballast (content BLOB)"))

    with pytest.raises(StoreFull):
        async with node_store.open_internal(Purpose.SEED, tenant.id, write=True) as session:
            # Stands for a full disk: SQLite reports both with the same code.
            await session.execute(text("PRAGMA max_page_count = 1"))
            await session.execute(text("INSERT INTO ballast VALUES (zeroblob(1000000))"))

    async with node_store.open_internal(Purpose.VERIFY, tenant.id) as session:
        assert await session.scalar(text("SELECT count(*) FROM ballast")) == 0


async def test_a_file_that_a_full_disk_keeps_closed_is_not_called_damaged(
    node_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node_store.close()
    path, key = tenant_file(node_store.data, tenant.id)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(used=usage.total, free=0))

    # Stands for a full disk: no file can grow.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreFull):
            connect(path, key)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    connect(path, key).close()


async def test_a_writer_inside_a_writer_of_the_same_file_is_refused_instead_of_hanging(
    node_store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.store.engines.PATIENCE_S", 0.2)
    async with node_store.open_internal(Purpose.SEED, tenant.id, write=True):
        with pytest.raises(StoreBusy):
            async with node_store.open_internal(Purpose.SEED, tenant.id, write=True):
                pass


async def test_no_more_connections_are_opened_than_promised(tmp_path: Path) -> None:
    key = bytes(range(32))
    (tmp_path / "some.db").touch()
    connect(tmp_path / "some.db", key).execute("PRAGMA journal_mode = WAL").connection.close()
    file = EncryptedFile(tmp_path / "some.db", key, readers=2)
    at_once = most = 0

    async def read() -> None:
        nonlocal at_once, most
        async with file.connection(write=False) as connection:
            at_once += 1
            most = max(most, at_once)
            await connection.execute(text("SELECT 1"))
            # Long enough for all twelve to ask for one.
            await asyncio.sleep(0.05)
            at_once -= 1

    await asyncio.gather(*(read() for _ in range(12)))
    await file.close()

    assert most == 2


async def test_directories_of_a_node_are_for_its_owner_alone(node_store: Store) -> None:
    fresh = await open_store(node_store.data.parent / "fresh")
    await fresh.migrate()
    await fresh.create_tenant("north", "North plant")
    await fresh.close()

    for path in [fresh.data, *fresh.data.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert Keyring.load(fresh.data / "keys").has("control")
