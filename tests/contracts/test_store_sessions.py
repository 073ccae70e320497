"""The promises of a session, kept by SQLCipher and by PostgreSQL alike."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import Unavailable
from appliance.store import CONTROL, Admitted, Purpose, SecondWrite, Store, Tenant, open_store
from tests.contracts.notes import Note

MakeAdmitted = Callable[..., Admitted]


async def texts(store: Store, tenant: Tenant) -> list[str]:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return list(await session.scalars(select(Note.text).order_by(Note.text)))


async def test_what_a_block_wrote_is_there_after_it_ended(noted: Store, admitted: MakeAdmitted, tenant: Tenant) -> None:
    action = admitted()

    async with noted.open_session(action, write=True) as session:
        session.add(Note(text="valve open"))

    assert await texts(noted, tenant) == ["valve open"]
    assert action.outcome.committed


async def test_a_block_that_raises_leaves_nothing_behind(noted: Store, admitted: MakeAdmitted, tenant: Tenant) -> None:
    action = admitted()

    with pytest.raises(ZeroDivisionError):
        async with noted.open_session(action, write=True) as session:
            session.add(Note(text="valve open"))
            await session.flush()
            raise ZeroDivisionError

    assert await texts(noted, tenant) == []
    assert not action.outcome.committed


async def test_a_reading_session_refuses_every_change(noted: Store, admitted: MakeAdmitted) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        async with noted.open_session(admitted()) as session:
            session.add(Note(text="valve open"))

    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        async with noted.open_control(admitted()) as session:
            await session.execute(text("DELETE FROM tenants"))


async def test_a_session_reads_after_one_that_was_refused(noted: Store, admitted: MakeAdmitted, tenant: Tenant) -> None:
    for _ in range(8):
        with pytest.raises(DBAPIError):
            async with noted.open_session(admitted()) as session:
                await session.execute(text("DELETE FROM notes"))

    assert await texts(noted, tenant) == []


async def test_only_the_store_commits_and_rolls_back(noted: Store, admitted: MakeAdmitted, tenant: Tenant) -> None:
    with pytest.raises(TypeError, match="the store commits"):
        async with noted.open_session(admitted(), write=True) as session:
            session.add(Note(text="valve open"))
            await session.commit()

    with pytest.raises(TypeError, match="the store rolls back"):
        async with noted.open_session(admitted(), write=True) as session:
            await session.rollback()

    assert await texts(noted, tenant) == []


async def test_a_savepoint_undoes_only_its_own_part(noted: Store, admitted: MakeAdmitted, tenant: Tenant) -> None:
    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="first"))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                session.add(Note(text="first"))
        session.add(Note(text="second"))

    assert await texts(noted, tenant) == ["first", "second"]


async def test_a_broken_constraint_arrives_as_an_integrity_error(noted: Store, admitted: MakeAdmitted) -> None:
    with pytest.raises(IntegrityError):
        async with noted.open_session(admitted(), write=True) as session:
            session.add_all([Note(text="same"), Note(text="same")])


async def test_a_second_writing_transaction_of_one_admission_is_refused(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    action = admitted()
    async with noted.open_session(action, write=True) as session:
        session.add(Note(text="first"))

    with pytest.raises(SecondWrite):
        async with noted.open_session(action, write=True) as session:
            session.add(Note(text="second"))
    with pytest.raises(SecondWrite):
        async with noted.open_control(action, write=True):
            pass

    assert await texts(noted, tenant) == ["first"]


async def test_a_writing_transaction_inside_another_of_the_same_admission_is_refused(
    noted: Store, admitted: MakeAdmitted
) -> None:
    action = admitted()

    async with noted.open_session(action, write=True):
        with pytest.raises(SecondWrite):
            async with noted.open_control(action, write=True):
                pass


async def test_after_a_rollback_the_admission_may_write_once(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    action = admitted()
    with pytest.raises(ZeroDivisionError):
        async with noted.open_session(action, write=True):
            raise ZeroDivisionError

    async with noted.open_session(action, write=True) as session:
        session.add(Note(text="second try"))

    assert await texts(noted, tenant) == ["second try"]


async def test_reading_does_not_use_up_the_writing_transaction(noted: Store, admitted: MakeAdmitted) -> None:
    action = admitted()
    async with noted.open_session(action) as session:
        await session.execute(select(Note))

    async with noted.open_session(action, write=True) as session:
        session.add(Note(text="later"))

    assert action.outcome.committed


async def test_the_post_record_stands_in_the_transaction_of_its_change(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    async def record(session: AsyncSession, action: Admitted) -> None:
        session.add(Note(text=f"record of {action.action}: {action.outcome.metadata['what']}"))

    noted.post_record = record
    action = admitted(action="valve.open")
    async with noted.open_session(action, write=True) as session:
        session.add(Note(text="valve open"))
        action.outcome.metadata["what"] = "opened"

    assert await texts(noted, tenant) == ["record of valve.open: opened", "valve open"]


async def test_a_change_whose_record_cannot_be_written_does_not_happen(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    async def record(_session: AsyncSession, _action: Admitted) -> None:
        raise Unavailable("the record is full")

    noted.post_record = record
    action = admitted()
    with pytest.raises(Unavailable, match="the record is full"):
        async with noted.open_session(action, write=True) as session:
            session.add(Note(text="valve open"))

    assert await texts(noted, tenant) == []
    assert not action.outcome.committed


async def test_internal_work_writes_no_post_record(noted: Store, tenant: Tenant) -> None:
    async def record(_session: AsyncSession, _action: Admitted) -> None:
        raise AssertionError("internal work has no admission")

    noted.post_record = record
    async with noted.open_internal(Purpose.SEED, tenant.id, write=True) as session:
        session.add(Note(text="seeded"))

    assert await texts(noted, tenant) == ["seeded"]


async def test_cancelling_a_writer_undoes_its_work_and_lets_the_next_one_in(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    written = asyncio.Event()

    async def stuck() -> None:
        async with noted.open_session(admitted(), write=True) as session:
            session.add(Note(text="never"))
            await session.flush()
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stuck())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="next"))
    assert await texts(noted, tenant) == ["next"]


@pytest.mark.parametrize("turns", range(1, 40, 3))
async def test_cancelled_at_any_moment_committed_says_whether_the_change_is_there(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant, turns: int
) -> None:
    action = admitted()

    async def write() -> None:
        async with noted.open_session(action, write=True) as session:
            session.add(Note(text="perhaps"))

    task = asyncio.create_task(write())
    for _ in range(turns):
        await asyncio.sleep(0.0002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert await texts(noted, tenant) == (["perhaps"] if action.outcome.committed else [])


async def test_concurrent_read_then_write_never_fails_on_a_lock(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant, backend: str
) -> None:
    async def count_and_add(writer: int) -> None:
        for turn in range(10):
            async with noted.open_session(admitted(), write=True) as session:
                seen = await session.scalar(select(func.count()).select_from(Note))
                session.add(Note(text=f"{writer}/{turn}", facts={"seen": seen}))

    await asyncio.gather(*(count_and_add(writer) for writer in range(8)))

    async with noted.open_session(admitted()) as session:
        seen = [facts["seen"] for facts in await session.scalars(select(Note.facts)) if facts]
    assert len(seen) == 80
    if backend == "sqlcipher":
        assert sorted(seen) == list(range(80)), "writers of one file take turns, so none read a stale count"


async def test_more_readers_than_connections_all_get_their_turn(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="one"))

    async def read() -> int:
        async with noted.open_session(admitted()) as session:
            return await session.scalar(select(func.count()).select_from(Note)) or 0

    assert await asyncio.gather(*(read() for _ in range(40))) == [1] * 40


async def test_readers_go_on_while_a_writer_is_at_work(noted: Store, admitted: MakeAdmitted, tenant: Tenant) -> None:
    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="half done"))
        await session.flush()

        assert await texts(noted, tenant) == []


async def test_a_moment_comes_back_aware_and_in_utc(noted: Store, admitted: MakeAdmitted) -> None:
    prague = dt.timezone(dt.timedelta(hours=2))
    moment = dt.datetime(2026, 7, 1, 8, 30, tzinfo=prague)
    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="shift", at=moment))

    async with noted.open_session(admitted()) as session:
        found = await session.scalar(select(Note.at))

    assert found == moment
    assert found is not None
    assert found.tzinfo is dt.UTC


async def test_a_moment_without_a_zone_is_refused(noted: Store, admitted: MakeAdmitted) -> None:
    with pytest.raises(Exception, match="time zone"):
        async with noted.open_session(admitted(), write=True) as session:
            session.add(Note(text="shift", at=dt.datetime(2026, 7, 1, 8, 30)))


async def test_json_comes_back_as_it_was_and_none_is_null(noted: Store, admitted: MakeAdmitted) -> None:
    facts = {"torque": [47, "Nm"], "ok": None, "text": "Žďár"}
    async with noted.open_session(admitted(), write=True) as session:
        session.add_all([Note(text="a", facts=facts), Note(text="b", facts=None)])

    async with noted.open_session(admitted()) as session:
        assert await session.scalar(select(Note.facts).where(Note.text == "a")) == facts
        assert await session.scalar(select(Note.text).where(Note.facts.is_(None))) == "b"


async def test_the_tenant_fills_itself_in_whatever_form_the_insert_takes(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant
) -> None:
    async with noted.open_session(admitted(), write=True) as session:
        session.add(Note(text="object"))
        await session.execute(insert(Note), [{"text": "bulk one"}, {"text": "bulk two"}])
        await session.execute(insert(Note).values(text="statement"))
        await session.execute(update(Note).where(Note.text == "object").values(facts={"seen": True}))

    async with noted.open_session(admitted()) as session:
        assert set(await session.scalars(select(Note.tenant_id))) == {tenant.id}


async def test_sql_written_as_text_finds_the_tables(noted: Store, admitted: MakeAdmitted) -> None:
    async with noted.open_session(admitted()) as session:
        assert await session.scalar(text("SELECT count(*) FROM notes")) == 0
    async with noted.open_internal(Purpose.VERIFY, CONTROL) as session:
        assert await session.scalar(text("SELECT count(*) FROM tenants")) == 2


async def test_an_admitted_write_fails_until_somebody_writes_its_record(
    noted: Store, admitted: MakeAdmitted, tenant: Tenant, database_url: str | None
) -> None:
    fresh = await open_store(noted.data, database_url)
    try:
        with pytest.raises(Unavailable, match="record"):
            async with fresh.open_session(admitted(), write=True) as session:
                session.add(Note(text="unrecorded"))
    finally:
        await fresh.close()

    assert await texts(noted, tenant) == []
