"""Holds over both databases, through the gate; and the document that one of them names."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from appliance.audit.tables import LeafRow
from appliance.documents.errors import UnknownDocument
from appliance.gate import Refused
from appliance.holds import Holds, in_force
from appliance.holds.errors import BadHold, HoldReleased, NoSuchHold, OnHold
from appliance.holds.rules import Hold
from appliance.store import AUDIT, Purpose, new_id
from tests.documents.plant import Plant


async def test_a_hold_is_set_listed_and_released_once(plant: Plant) -> None:
    holds, admin = Holds(plant.store, plant.gate), plant.person("admin")
    row = await holds.set(admin, Hold(user_id=admin.id), "  claim 7 ")
    second = await holds.set(admin, Hold(), "everything")

    listed = await holds.page(admin, limit=1, before=None)
    assert ([one.id for one in listed.rows], listed.more) == ([second.id], True)
    assert [one.reason for one in (await holds.page(admin, limit=9, before=second.id)).rows] == ["claim 7"]
    released = await holds.release(admin, row.id, "settled")
    assert (released.released_by, released.release_reason) == (admin.id, "settled")
    with pytest.raises(HoldReleased):
        await holds.release(admin, row.id, "again")
    with pytest.raises(NoSuchHold):
        await holds.release(admin, new_id(), "none")
    async with plant.store.open_internal(Purpose.VERIFY, plant.tenant.id) as session:
        assert await in_force(session) == [Hold()]


async def test_a_hold_without_a_reason_or_with_an_empty_period_is_refused(plant: Plant) -> None:
    holds, admin = Holds(plant.store, plant.gate), plant.person("admin")
    row = await holds.set(admin, Hold(), "all")

    with pytest.raises(BadHold):
        await holds.set(admin, Hold(), " ")
    with pytest.raises(BadHold):
        await holds.set(admin, Hold(row.created_at, row.created_at), "never")
    with pytest.raises(BadHold):
        await holds.release(admin, row.id, " ")


async def test_only_admins_set_holds_and_each_is_recorded(plant: Plant) -> None:
    holds = Holds(plant.store, plant.gate)
    with pytest.raises(Refused):
        await holds.set(plant.person("operator"), Hold(), "mine")
    with pytest.raises(Refused):
        await holds.page(plant.person("operator"), limit=1, before=None)
    await holds.set(plant.person("admin"), Hold(), "all")

    async with plant.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        records = [json.loads(raw) for raw in await session.scalars(select(LeafRow.record).order_by(LeafRow.seq))]
    told = [(one["event_type"], one["phase"], one["result_status"]) for one in records if "hold" in one["event_type"]]
    assert ("holds.manage", "post", "success") in told


async def test_a_document_on_hold_is_not_deleted_until_the_hold_is_released(plant: Plant) -> None:
    holds, admin = Holds(plant.store, plant.gate), plant.person("admin")
    uploaded = await plant.upload("seal.md", b"# Seal\n\nRated for 40 bar.\n", by=admin)
    hold = await holds.set(admin, Hold(document_id=uploaded.document_id), "claim 7")

    with pytest.raises(OnHold):
        await plant.library.delete(admin, uploaded.document_id)
    assert (await plant.library.detail(admin, uploaded.document_id)).id == uploaded.document_id
    await holds.release(admin, hold.id, "settled")
    await plant.library.delete(admin, uploaded.document_id)

    with pytest.raises(UnknownDocument):
        await plant.library.detail(admin, uploaded.document_id)
