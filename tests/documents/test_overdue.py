"""Requests that nobody answers: put before the admins, then rejected; over both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.audit.tables import LeafRow
from appliance.documents import approving
from appliance.documents import store as queries
from appliance.documents.approval_rules import Wanted, overdue
from appliance.documents.errors import AlreadyDecided
from appliance.documents.overdue import Overdue
from appliance.documents.settling import library_worker
from appliance.jobs import RunningJob
from appliance.policy.pack import DEFAULT_PACK, parse, read
from appliance.policy.requests import Patience, read_patience
from appliance.store import AUDIT, Principal, Purpose, new_id
from tests.documents.plant import POLICY, Plant

HOUR = dt.timedelta(hours=1)
NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
MANUAL = b"# Pump P-101A\n\nTighten the M12 casing bolts to 47 Nm.\n"


async def look(plant: Plant) -> dict[str, Any]:
    """Run the job of the schedule."""
    sees_to = Overdue(plant.store, plant.gate, POLICY, clock=lambda: plant.now)
    job = SimpleNamespace(
        id=new_id(), tenant_id=plant.tenant.id, owner_id=str(new_id()), kind="approvals.overdue", payload={}
    )
    return dict(await sees_to(cast("RunningJob", job)))


async def asked(plant: Plant, by: Principal, content: bytes = MANUAL) -> UUID:
    """A document of class IV that waits to be taken in; the id of its request."""
    await plant.upload("plan.md", content, by=by, classification="IV")
    shown, _ = await plant.approvals.page(by, state="pending", page_size=9, page_token=None)
    return shown[0].approval.id


async def the_request(plant: Plant, person: Principal) -> Any:
    shown, _ = await plant.approvals.page(person, state=None, page_size=9, page_token=None)
    return shown[0].approval


async def proven() -> None:
    """It is them."""


async def recorded(plant: Plant, action: str) -> list[dict[str, Any]]:
    """What the record says of an action that was done, in order."""
    async with plant.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        query = select(LeafRow.record).where(LeafRow.log == f"{plant.tenant.id}/1").order_by(LeafRow.seq)
        leaves = [json.loads(raw) for raw in await session.scalars(query)]
    return [one["metadata"] for one in leaves if one["phase"] == "post" and one["metadata"]["action"] == action]


async def test_a_request_is_put_before_the_admins_after_four_hours_once(plant: Plant) -> None:
    by = plant.person("admin", 3)
    await asked(plant, by)
    plant.now += 3 * HOUR
    assert await look(plant) == {"escalated": 0, "expired": 0}

    plant.now += HOUR
    assert await look(plant) == {"escalated": 1, "expired": 0}
    at = plant.now
    plant.now += HOUR
    assert await look(plant) == {"escalated": 0, "expired": 0}

    found = await the_request(plant, by)
    assert (found.state, found.escalated_at) == ("pending", at)


async def test_a_request_that_nobody_answers_for_a_day_is_rejected_and_its_document_says_why(plant: Plant) -> None:
    by = plant.person("admin", 3)
    await asked(plant, by)
    plant.now += 4 * HOUR
    await look(plant)
    plant.now += 20 * HOUR

    assert await look(plant) == {"escalated": 0, "expired": 1}

    found = await the_request(plant, by)
    assert (found.state, found.reason, found.decided_by, found.decided_at) == ("rejected", "no-answer", None, plant.now)
    row = await plant.row(found.document_id)
    assert row is not None
    assert (row.status, row.reason) == ("failed", "Nobody answered in time whether it may be taken in.")
    (escalated,), (expired,) = await recorded(plant, "approvals.escalate"), await recorded(plant, "approvals.expire")
    assert (escalated["done"], escalated["kind"]) == (True, "ingest")
    assert (expired["done"], expired["reason"]) == (True, "no-answer")


async def test_after_a_week_off_a_request_is_put_before_the_admins_before_it_is_rejected(plant: Plant) -> None:
    by = plant.person("admin", 3)
    await asked(plant, by)
    plant.now += 7 * 24 * HOUR

    assert await look(plant) == {"escalated": 1, "expired": 0}
    assert await look(plant) == {"escalated": 0, "expired": 0}


async def test_a_clock_set_back_rejects_nothing_twice(plant: Plant) -> None:
    by = plant.person("admin", 3)
    await asked(plant, by)
    plant.now += 4 * HOUR
    await look(plant)
    plant.now += 20 * HOUR
    await look(plant)
    decided = (await the_request(plant, by)).decided_at

    plant.now -= 30 * HOUR
    assert await look(plant) == {"escalated": 0, "expired": 0}
    plant.now += 60 * HOUR
    assert await look(plant) == {"escalated": 0, "expired": 0}
    assert (await the_request(plant, by)).decided_at == decided


async def test_what_was_rejected_by_itself_is_no_longer_decided(plant: Plant) -> None:
    by, other = plant.person("admin", 3), plant.person("admin", 3)
    approval_id = await asked(plant, by)
    plant.now += 4 * HOUR
    await look(plant)
    plant.now += 20 * HOUR
    await look(plant)

    with pytest.raises(AlreadyDecided):
        await plant.approvals.decide(other, approval_id, approve=True, answer="", request=b"", proven=proven)


async def test_of_a_decision_and_the_end_of_waiting_one_wins(plant: Plant) -> None:
    by, other = plant.person("admin", 3), plant.person("admin", 3)
    for number in range(4):
        approval_id = await asked(plant, by, MANUAL + str(number).encode())
        plant.now += 4 * HOUR
        await look(plant)
        plant.now += 20 * HOUR

        deciding = plant.approvals.decide(other, approval_id, approve=True, answer="", request=b"", proven=proven)
        decided, looked = await asyncio.gather(deciding, look(plant), return_exceptions=True)

        found = await the_request(plant, by)
        assert isinstance(looked, dict)
        if isinstance(decided, AlreadyDecided):
            assert (found.state, found.reason, looked["expired"]) == ("rejected", "no-answer", 1)
        else:
            assert (found.state, found.reason, looked["expired"]) == ("approved", None, 0)


async def test_two_workers_reject_a_request_once(plant: Plant) -> None:
    by = plant.person("admin", 3)
    await asked(plant, by)
    plant.now += 4 * HOUR
    await look(plant)
    plant.now += 20 * HOUR

    done = await asyncio.gather(look(plant), look(plant))

    assert sum(one["expired"] for one in done) == 1


async def test_the_review_that_the_appliance_asks_for_waits_until_somebody_answers(plant: Plant) -> None:
    plant.start()
    owner = plant.person("admin", 3)
    document_id = (await plant.upload("plan.md", MANUAL, by=owner, classification="II")).document_id
    await plant.until(document_id, "ready")
    async with plant.store.open_internal(Purpose.VERIFY, plant.tenant.id, write=True) as session:
        row = await queries.find(session, document_id)
        assert row is not None
        wanted = Wanted("declassify", approving.REVIEW_DUE, level=1)
        await approving.ask(session, row, wanted, str(library_worker(plant.tenant.id).id), plant.now)
    plant.now += 4 * HOUR
    assert (await look(plant))["escalated"] == 1
    plant.now += 400 * HOUR

    assert await look(plant) == {"escalated": 0, "expired": 0}


@given(st.integers(-1000, 1000), st.integers(1, 100), st.integers(1, 100))
def test_nothing_is_rejected_that_was_not_put_before_the_admins_first(since: int, first: int, more: int) -> None:
    patience = Patience(first, first + more)

    what = overdue(NOON, None, patience, NOON + since * HOUR, expires=True)

    assert what == ("escalate" if since >= first else None)
    assert overdue(NOON, NOON, patience, NOON + since * HOUR, expires=False) is None
    assert overdue(NOON, NOON, patience, NOON + since * HOUR, expires=True) == ("expire" if since >= more else None)


@pytest.mark.parametrize(
    "table",
    [
        {"escalate_hours": 0},
        {"escalate_hours": 24},
        {"expire_hours": 4},
        {"expire_hours": 99999},
        {"expire_hours": 2.5},
    ],
)
def test_times_that_make_no_sense_are_refused(table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hours"):
        read_patience(table)


def test_a_pack_that_says_nothing_waits_four_hours_and_a_day() -> None:
    assert parse(read(DEFAULT_PACK)).patience == read_patience({}) == Patience(4, 24)
