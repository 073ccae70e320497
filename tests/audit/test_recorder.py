"""The promises of the recorder, on every store."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from appliance.audit import NewRecord, Recorder
from appliance.audit.errors import RecordUnavailable, Unrecordable
from appliance.audit.instances import Instance
from appliance.audit.notes import verified
from appliance.audit.rules import Frontier
from appliance.audit.tables import CheckpointRow, LeafRow, OpenRow, PersonalRow
from appliance.audit.verify import verify
from appliance.store import AUDIT, Purpose, Store, Tenant, new_id
from tests.audit.conftest import record


async def leaves(store: Store, log: str) -> list[LeafRow]:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        query = select(LeafRow).where(LeafRow.log == log).order_by(LeafRow.seq)
        return list(await session.scalars(query))


async def test_records_stand_in_their_log_in_the_order_they_were_given(
    store: Store, recorder: Recorder, tenant: Tenant
) -> None:
    given = [record(tenant) for _ in range(3)]

    refs = await recorder.append(*given)
    (fourth,) = await recorder.append(record(tenant))

    assert [ref.id for ref in refs] == [new.id for new in given]
    assert [ref.seq for ref in (*refs, fourth)] == [0, 1, 2, 3]
    assert [row.id for row in await leaves(store, f"{tenant.id}/1")] == [str(ref.id) for ref in (*refs, fourth)]


async def test_each_tenant_and_the_node_have_logs_of_their_own(
    recorder: Recorder, tenant: Tenant, other_tenant: Tenant
) -> None:
    refs = await recorder.append(record(tenant), record(None), record(other_tenant), record(tenant))

    assert [(ref.log, ref.seq) for ref in refs] == [
        (f"{tenant.id}/1", 0),
        ("node/1", 0),
        (f"{other_tenant.id}/1", 0),
        (f"{tenant.id}/1", 1),
    ]


async def test_32_callers_at_once_share_batches_and_lose_nothing(
    store: Store, recorder: Recorder, tenant: Tenant
) -> None:
    async def caller() -> list[int]:
        return [(await recorder.append(record(tenant)))[0].seq for _ in range(10)]

    places = await asyncio.gather(*(caller() for _ in range(32)))

    assert sorted(seq for own in places for seq in own) == list(range(320))
    assert all(own == sorted(own) for own in places)
    assert (await verify(store)).ok


async def test_two_appenders_of_one_log_interleave_without_a_gap(
    store: Store, recorder: Recorder, second_recorder: Recorder, tenant: Tenant
) -> None:
    async def appender(which: Recorder) -> None:
        for _ in range(15):
            await which.append(record(tenant), record(None))

    await asyncio.gather(appender(recorder), appender(second_recorder))

    assert [row.seq for row in await leaves(store, f"{tenant.id}/1")] == list(range(30))
    report = await verify(store)
    assert report.ok, report.every_finding()
    assert {log.log: log.size for log in report.logs} == {f"{tenant.id}/1": 30, "node/1": 30}
    assert await recorder.sizes() == {f"{tenant.id}/1": 30, "node/1": 30}


async def test_the_head_file_knows_what_was_acknowledged(store: Store, recorder: Recorder, tenant: Tenant) -> None:
    for size in range(1, 5):
        await recorder.append(record(tenant))

        head = recorder.heads.read().latest[(await leaves(store, f"{tenant.id}/1"))[0].log]  # type: ignore[index]

        assert head.checkpoint.size == size
        assert (
            head.checkpoint.root == Frontier().extend(row.hash for row in await leaves(store, f"{tenant.id}/1")).root()
        )


async def test_a_checkpoint_is_kept_with_the_first_record_and_every_64_more(
    store: Store, recorder: Recorder, tenant: Tenant
) -> None:
    for count in (1, 62, 1, 70):
        await recorder.append(*(record(tenant) for _ in range(count)))

    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        rows = (await session.scalars(select(CheckpointRow).order_by(CheckpointRow.size))).all()
    assert [row.size for row in rows] == [1, 64, 134]
    for row in rows:
        checkpoint = verified(row.note, recorder.signer.public_key, origin=recorder.signer.origin(row.log))
        assert Frontier.from_bytes(row.size, row.frontier).root() == checkpoint.root


async def test_a_closed_recorder_has_checkpointed_its_logs_and_takes_nothing_more(store: Store, tenant: Tenant) -> None:
    recorder = Recorder(store, Instance(store.data / "run"))
    await recorder.append(*(record(tenant) for _ in range(5)))

    await recorder.close()

    with pytest.raises(RecordUnavailable):
        await recorder.append(record(tenant))
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        assert await session.scalar(select(func.max(CheckpointRow.size))) == 5


async def test_a_new_recorder_goes_on_where_the_last_one_ended(store: Store, tenant: Tenant) -> None:
    for start in (0, 3, 6):
        recorder = Recorder(store, Instance(store.data / "run"))
        refs = await recorder.append(*(record(tenant) for _ in range(3)))
        await recorder.close()
        assert refs[0].seq == start

    assert (await verify(store)).ok


async def test_appending_once_gives_the_same_place_again(store: Store, recorder: Recorder, tenant: Tenant) -> None:
    leaf, other = recorder.leaf(record(tenant)), recorder.leaf(record(tenant))

    first = await recorder.append_once([leaf])
    again = await recorder.append_once([leaf, other, leaf])

    assert again == [first[0], again[1], first[0]]
    assert len(await leaves(store, leaf.log)) == 2


async def test_a_pre_record_is_open_until_its_post_record(store: Store, recorder: Recorder, tenant: Tenant) -> None:
    work = new_id()

    async def still_open() -> list[str]:
        async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
            return list(await session.scalars(select(OpenRow.correlation_id)))

    await recorder.append(record(tenant, phase="pre", correlation_id=work))
    assert await still_open() == [str(work)]

    await recorder.append(record(tenant, phase="post", correlation_id=work, result_status="success"))
    assert await still_open() == []


async def test_a_personal_field_is_sealed_beside_the_record_and_can_go(
    store: Store, recorder: Recorder, tenant: Tenant
) -> None:
    await recorder.append(record(tenant, personal={"username": "nora.north"}))

    (leaf,) = await leaves(store, f"{tenant.id}/1")
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        (kept,) = (await session.scalars(select(PersonalRow))).all()
    assert b"nora" not in leaf.record
    assert b"nora" not in kept.sealed
    assert (await verify(store)).ok


async def test_a_value_without_an_exact_form_is_refused_and_stops_nobody_else(
    recorder: Recorder, tenant: Tenant
) -> None:
    with pytest.raises(Unrecordable):
        await recorder.append(record(tenant), record(tenant, metadata={"count": 2**53 + 1}))

    (ref,) = await recorder.append(record(tenant))
    assert ref.seq == 0


async def test_a_record_that_cannot_be_written_is_unavailable_and_the_next_one_may_succeed(
    recorder: Recorder, tenant: Tenant
) -> None:
    twice = record(tenant)
    await recorder.append(twice)

    with pytest.raises(RecordUnavailable):
        await recorder.append(twice)

    (ref,) = await recorder.append(record(tenant))
    assert ref.seq == 1


async def test_a_caller_that_goes_away_takes_no_record_with_it(
    store: Store, recorder: Recorder, tenant: Tenant
) -> None:
    leaving = asyncio.create_task(recorder.append(record(tenant)))
    await asyncio.sleep(0)
    staying = asyncio.create_task(recorder.append(record(tenant)))
    await asyncio.sleep(0)
    leaving.cancel()

    (ref,) = await staying

    assert ref.seq == 1
    assert len(await leaves(store, f"{tenant.id}/1")) == 2


def test_a_new_record_has_an_id_and_a_moment_of_its_own(tenant: Tenant) -> None:
    one, two = record(tenant), record(tenant)

    assert isinstance(one, NewRecord)
    assert one.id != two.id
    assert one.created_at.tzinfo is not None
