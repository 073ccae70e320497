"""Damage of a page is told from what a power cut leaves while the write-ahead log is put into the file."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from appliance.store import Purpose, Store, Tenant
from appliance.store.engines import connect
from appliance.store.pages import bad_pages
from tests.contracts.notes import tenant_file

PAGE = 4096


async def written(store: Store, tenant: Tenant) -> None:
    async with store.open_internal(Purpose.SEED, tenant.id, write=True) as session:
        await session.execute(text("CREATE TABLE notes (id INTEGER PRIMARY KEY)"))
        await session.execute(text("INSERT INTO notes VALUES (1)"))


def torn(path: Path, first: int, end: int) -> None:
    whole = bytearray(path.read_bytes())
    for start in range(first, end, PAGE):
        whole[start + 2000] ^= 0xFF
    path.write_bytes(whole)


async def found(store: Store, tenant: Tenant) -> list[str]:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return await bad_pages(session)


async def test_pages_that_the_write_ahead_log_has_whole_are_no_damage(node_store: Store, tenant: Tenant) -> None:
    path, _ = tenant_file(node_store.data, tenant.id)
    await written(node_store, tenant)  # the first page is in the log now, and every other as it was
    torn(path, 0, PAGE)

    assert await found(node_store, tenant) == []
    async with node_store.open_internal(Purpose.VERIFY, tenant.id) as session:
        assert await session.scalar(text("SELECT count(*) FROM notes")) == 1


async def test_pages_that_nothing_has_whole_are_damage(node_store: Store, tenant: Tenant) -> None:
    path, key = tenant_file(node_store.data, tenant.id)
    await written(node_store, tenant)
    connect(path, key).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    torn(path, path.stat().st_size - PAGE, path.stat().st_size)

    assert await found(node_store, tenant) != []
