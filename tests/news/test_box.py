"""What is told is heard of by those it is for, once, exactly if it happened, and goes in the end."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import UUID

import pytest

from appliance.news import Notice, box, tell
from appliance.news.values import Reader
from appliance.store import CONTROL, Purpose, Store, Tenant, new_id

NOON = dt.datetime(2027, 3, 31, 12, 0, tzinfo=dt.UTC)
NORA, OTTO = UUID(int=11), UUID(int=12)
ADMIN = Reader(NORA, ("node.health", "people.update"))
VIEWER = Reader(OTTO, ())


async def heard(store: Store, tenant: Tenant, reader: Reader, *, unread: bool = False) -> list[Notice]:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return await box.page(session, reader, unread=unread, limit=100)


async def count(store: Store, tenant: Tenant, reader: Reader) -> int:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return await box.unread(session, reader)


async def low_disk(store: Store, tenant: Tenant, *, slot: str | None = None, minute: int = 0) -> None:
    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        await tell(session, "disk.low", slot=slot, at=NOON + dt.timedelta(minutes=minute), part="disk")


async def test_a_notice_is_for_those_who_may_and_for_whom_it_names(store: Store, tenant: Tenant) -> None:
    await low_disk(store, tenant)
    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        await tell(session, "document.failed", person=OTTO, document="d")

    assert [one.kind for one in await heard(store, tenant, ADMIN)] == ["disk.low"]
    assert [one.kind for one in await heard(store, tenant, VIEWER)] == ["document.failed"]


async def test_who_did_it_need_not_hear_of_it(store: Store, tenant: Tenant) -> None:
    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        await tell(session, "account.locked", author=NORA)

    assert await heard(store, tenant, ADMIN) == []
    assert len(await heard(store, tenant, Reader(OTTO, ADMIN.audiences))) == 1


async def test_another_plant_hears_nothing(store: Store, tenant: Tenant, other_tenant: Tenant) -> None:
    await low_disk(store, tenant)

    assert await heard(store, other_tenant, ADMIN) == []


async def test_what_was_rolled_back_is_not_heard_of(store: Store, tenant: Tenant) -> None:
    with pytest.raises(RuntimeError, match="cut"):
        async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
            await tell(session, "disk.low")
            raise RuntimeError("cut")

    assert await heard(store, tenant, ADMIN) == []


async def test_the_same_slot_is_said_once_also_by_two_at_a_time(store: Store, tenant: Tenant) -> None:
    await asyncio.gather(*(low_disk(store, tenant, slot="disk:2027-03-31") for _ in range(4)))

    assert len(await heard(store, tenant, ADMIN)) == 1


async def test_one_that_was_read_is_read_for_that_reader_alone(store: Store, tenant: Tenant) -> None:
    other = Reader(OTTO, ADMIN.audiences)
    await low_disk(store, tenant)
    (one,) = await heard(store, tenant, ADMIN)

    for _ in range(2):
        async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
            assert await box.mark(session, ADMIN, one.id)

    assert (await count(store, tenant, ADMIN), await count(store, tenant, other)) == (0, 1)
    assert await heard(store, tenant, ADMIN, unread=True) == []


async def test_nobody_marks_what_is_not_theirs(store: Store, tenant: Tenant) -> None:
    await low_disk(store, tenant)
    (one,) = await heard(store, tenant, ADMIN)

    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        assert not await box.mark(session, VIEWER, one.id)
        assert await box.mark_up_to(session, VIEWER, one.id) is None


async def test_what_came_after_the_newest_that_was_seen_stays_unread(store: Store, tenant: Tenant) -> None:
    for minute in range(3):
        await low_disk(store, tenant, minute=minute)
    seen = (await heard(store, tenant, ADMIN))[0]
    await low_disk(store, tenant, minute=9)

    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        assert await box.mark_up_to(session, ADMIN, seen.id) == 3

    assert await count(store, tenant, ADMIN) == 1


async def test_pages_follow_one_another(store: Store, tenant: Tenant) -> None:
    for minute in range(5):
        await low_disk(store, tenant, minute=minute // 2)
    every = await heard(store, tenant, ADMIN)

    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        rest = await box.page(session, ADMIN, unread=False, limit=9, before=(every[1].at, every[1].id))

    assert [one.id for one in rest] == [one.id for one in every[2:]]


async def test_what_is_too_old_or_too_much_goes_with_its_marks(store: Store, tenant: Tenant) -> None:
    for minute in range(4):
        await low_disk(store, tenant, minute=minute)
    newest, *_, oldest = await heard(store, tenant, ADMIN)
    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        await box.mark(session, ADMIN, oldest.id)
        await box.forget(session, NOON, most=2)
    assert len(await heard(store, tenant, ADMIN)) == 2

    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        await box.forget(session, newest.at + dt.timedelta(days=91))
    assert await heard(store, tenant, ADMIN) == []


async def test_what_is_told_beside_rows_of_the_node_reaches_its_plant_once(
    store: Store, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with store.open_internal(Purpose.RELAY, CONTROL, write=True) as session:
        await tell(session, "account.locked", tenant_id=tenant.id, person_id=str(new_id()))

    assert await box.relay(store) == 1
    assert await box.relay(store) == 0
    assert [one.kind for one in await heard(store, tenant, ADMIN)] == ["account.locked"]
    assert await heard(store, other_tenant, ADMIN) == []


async def test_a_move_that_was_cut_off_half_way_is_done_again_and_heard_of_once(
    store: Store, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.open_internal(Purpose.RELAY, CONTROL, write=True) as session:
        await tell(session, "account.locked", tenant_id=tenant.id)

    def cut(_table: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(box, "delete", cut)
        with pytest.raises(RuntimeError, match="power"):
            await box.relay(store)
    await box.relay(store)

    assert len(await heard(store, tenant, ADMIN)) == 1


async def test_each_is_passed_on_once(store: Store, tenant: Tenant) -> None:
    await low_disk(store, tenant)

    async def take() -> int:
        async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
            return len(await box.take(session))

    assert sorted(await asyncio.gather(take(), take())) == [0, 1]
