"""Statements travel to the thread of their connection: few hops, and nothing is left open by one that was given up."""

from __future__ import annotations

import asyncio
import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from appliance.store import CONTROL, Purpose, Store

SLOW = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n")
NAME = text("SELECT name FROM tenants WHERE slug = 'north'")
RENAME = text("UPDATE tenants SET name = :name WHERE slug = 'north'")


async def read(store: Store) -> object:
    async with store.open_internal(Purpose.VERIFY, CONTROL) as session:
        return await session.scalar(NAME)


async def rename(store: Store, name: str) -> None:
    async with store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
        await session.execute(RENAME, {"name": name})


@pytest.mark.parametrize(("write", "hops"), [(False, 2), (True, 3)])
async def test_a_statement_is_one_hop_with_all_its_rows(
    node_store: Store, caplog: pytest.LogCaptureFixture, write: bool, hops: int
) -> None:
    """BEGIN goes with the first statement of a reader, and alone for a writer; COMMIT follows; nothing else does."""

    async def used() -> None:
        async with node_store.open_internal(Purpose.VERIFY, CONTROL, write=write) as session:
            assert len((await session.execute(text("SELECT slug, name FROM tenants"))).all()) == 2

    await used()
    with caplog.at_level(logging.DEBUG, logger="aiosqlite"):
        await used()

    assert [record.msg for record in caplog.records].count("executing %s") == hops


async def test_a_block_that_asked_nothing_does_not_hop_at_all(
    node_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await read(node_store)
    with caplog.at_level(logging.DEBUG, logger="aiosqlite"):
        async with node_store.open_internal(Purpose.VERIFY, CONTROL) as session:
            await session.connection()

    assert not caplog.records


async def test_a_reader_sees_one_snapshot_and_the_next_block_a_new_one(node_store: Store) -> None:
    await rename(node_store, "before")
    async with node_store.open_internal(Purpose.VERIFY, CONTROL) as session:
        assert await session.scalar(NAME) == "before"
        await rename(node_store, "after")
        assert await session.scalar(NAME) == "before"

    assert await read(node_store) == "after"


@pytest.mark.parametrize("turns", range(1, 12))
async def test_a_statement_that_was_given_up_leaves_no_transaction_behind(node_store: Store, turns: int) -> None:
    """Wherever the cancellation strikes, the connection goes back to the pool without an old snapshot."""

    async def slow() -> None:
        async with node_store.open_internal(Purpose.VERIFY, CONTROL) as session:
            await session.execute(SLOW)
            await session.scalar(NAME)

    await rename(node_store, "before")
    tasks = [asyncio.create_task(slow()) for _ in range(2)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await rename(node_store, "after")

    assert await asyncio.gather(*(read(node_store) for _ in range(4))) == ["after"] * 4


async def test_a_writer_that_was_given_up_leaves_the_file_free(node_store: Store) -> None:
    async def slow() -> None:
        async with node_store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
            await session.execute(RENAME, {"name": "half done"})
            began.set()
            await session.execute(SLOW)

    await rename(node_store, "before")
    began = asyncio.Event()
    task = asyncio.create_task(slow())
    await began.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await read(node_store) == "before"
    await rename(node_store, "after")
    assert await read(node_store) == "after"


async def test_what_was_changed_made_and_refused_is_told(node_store: Store) -> None:
    async with node_store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
        changed = await session.execute(RENAME, {"name": "North"})
        returned = await session.execute(text("UPDATE tenants SET name = slug RETURNING name"))

        assert changed.rowcount == 1  # type: ignore[attr-defined]
        assert sorted(returned.scalars()) == ["north", "south"]
    with pytest.raises(IntegrityError):
        async with node_store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
            await session.execute(text("UPDATE tenants SET slug = 'north'"))
