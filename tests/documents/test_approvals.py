"""Data owners: what waits for them, what they are asked, and what follows from their answer."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from appliance.documents.approval_rules import Approval, Wanted, in_use
from appliance.documents.approvals import Shown
from appliance.documents.errors import (
    AlreadyAsked,
    AlreadyDecided,
    DocumentBusy,
    InvalidApproval,
    NotTheDataOwner,
    UnknownApproval,
    UnknownDocument,
    UnsuitableOwner,
)
from appliance.documents.exporting import ExportControl
from appliance.documents.schemas import Uploaded
from appliance.documents.values import Regime
from appliance.gate import Refused
from appliance.jobs import RunningJob
from appliance.policy import DEFAULT_PACK, PolicyEngine
from appliance.policy.pack import parse, read
from appliance.store import Principal, new_id
from tests.documents.plant import Plant, Somebody

WEEK = dt.timedelta(days=7)
MANUAL = b"# Pump P-101A\n\nTighten the M12 casing bolts to 47 Nm.\n"


async def upload(plant: Plant, by: Principal, level: str, **said: Any) -> Uploaded:
    return await plant.upload("plan.md", MANUAL, by=by, classification=level, **said)


async def sees(plant: Plant, person: Principal, document_id: UUID) -> bool:
    try:
        await plant.library.detail(person, document_id)
    except UnknownDocument:
        return False
    return True


async def listed(plant: Plant, person: Principal, state: str | None = "pending") -> Sequence[Any]:
    shown, _ = await plant.approvals.page(person, state=state, page_size=20, page_token=None)
    return shown


async def proven() -> None:
    """It is them."""


async def decide(plant: Plant, person: Principal, *, approve: bool = True, kind: str | None = None) -> Approval:
    found = [one.approval for one in await listed(plant, person) if kind in {None, one.approval.kind}]
    shown = await plant.approvals.decide(person, found[0].id, approve=approve, answer="", request=b"", proven=proven)
    return shown.approval


async def look_again(plant: Plant) -> None:
    """Run the job that comes when a date is reached."""
    await plant.ingest.look_again(cast("RunningJob", SimpleNamespace(tenant_id=plant.tenant.id)))


async def ask_use(plant: Plant, by: Principal, document_id: UUID, *people: Principal) -> Approval:
    wanted = Wanted("use", "Audit of the line.", tuple(str(one.id) for one in people), plant.now + WEEK)
    return (await plant.approvals.ask(by, document_id, wanted, request=b"")).approval


async def test_a_class_four_is_not_read_in_before_somebody_else_approved(plant: Plant) -> None:
    plant.start()
    uploader, admin = plant.person("admin", 3), plant.person("admin", 3)
    uploaded = await upload(plant, uploader, "IV")
    assert (uploaded.status, uploaded.job_id) == ("processing", None)

    await asyncio.sleep(0.3)
    row = await plant.row(uploaded.document_id)
    assert row is not None
    assert (row.status, row.indexed_by, row.stage) == ("pending", None, "waiting")
    with pytest.raises(UnknownApproval):
        await decide(plant, uploader)
    assert not await sees(plant, admin, uploaded.document_id)

    await decide(plant, admin)

    assert (await plant.until(uploaded.document_id, "ready", "failed")).status == "ready"


async def test_a_class_four_that_was_rejected_stays_out(plant: Plant) -> None:
    plant.start()
    uploader, admin = plant.person("admin", 3), plant.person("admin", 3)
    uploaded = await upload(plant, uploader, "IV")

    await decide(plant, admin, approve=False)
    again = await upload(plant, uploader, "IV")

    row = await plant.row(uploaded.document_id)
    assert row is not None
    assert (row.status, row.reason, row.indexed_by) == ("failed", "Its data owner did not approve it.", None)
    assert again.document_id == uploaded.document_id
    with pytest.raises(DocumentBusy):
        await plant.library.reindex(uploader, uploaded.document_id)


async def test_a_class_four_is_used_by_those_approved_until_the_day_and_no_longer(plant: Plant) -> None:
    plant.start()
    owner, user, other = plant.person("admin", 3), plant.person("operator", 3), plant.person("admin", 3)
    uploaded = await upload(plant, owner, "IV")
    await decide(plant, other)
    await plant.until(uploaded.document_id, "ready")
    assert await sees(plant, owner, uploaded.document_id)
    assert not await sees(plant, user, uploaded.document_id)

    await ask_use(plant, user, uploaded.document_id, user)
    assert not await sees(plant, user, uploaded.document_id)
    await decide(plant, owner)

    assert await sees(plant, user, uploaded.document_id)
    assert not await sees(plant, other, uploaded.document_id)
    assert plant.index.facts[uploaded.document_id].approved == (str(user.id),)

    plant.now += WEEK
    row = await plant.row(uploaded.document_id)
    assert row is not None
    assert row.approved_until == plant.now
    await look_again(plant)

    assert not await sees(plant, user, uploaded.document_id)
    assert plant.index.facts[uploaded.document_id].approved == ()


async def test_an_approval_that_has_ended_is_worth_nothing_though_no_worker_runs(plant: Plant) -> None:
    plant.start()
    owner, user = plant.person("admin", 3), plant.person("operator", 3)
    uploaded = await upload(plant, owner, "IV")
    await decide(plant, plant.person("admin", 3))
    await plant.until(uploaded.document_id, "ready")
    await plant.stop()
    plant.now = dt.datetime.now(dt.UTC) - WEEK + dt.timedelta(seconds=1)
    await ask_use(plant, user, uploaded.document_id, user)
    await decide(plant, owner)
    assert await sees(plant, user, uploaded.document_id)

    await asyncio.sleep(1.1)

    assert not await sees(plant, user, uploaded.document_id)


async def test_a_class_three_that_somebody_else_owns_is_seen_by_its_owner_alone_until_they_agree(plant: Plant) -> None:
    plant.start()
    owner, uploader, reader = plant.person("operator", 3), plant.person("admin", 3), plant.person("operator", 3)
    said = f'{{"owner": "{owner.id}", "acl": ["{reader.id}", "{uploader.id}"]}}'
    uploaded = await upload(plant, uploader, "III", metadata=said)
    await plant.until(uploaded.document_id, "ready")
    assert await sees(plant, owner, uploaded.document_id)
    assert not await sees(plant, uploader, uploaded.document_id)
    assert not await sees(plant, reader, uploaded.document_id)

    (waiting,) = await listed(plant, owner)
    assert (waiting.approval.kind, waiting.is_yours_to_decide) == ("list", True)
    await decide(plant, owner)

    assert await sees(plant, reader, uploaded.document_id)
    assert await sees(plant, uploader, uploaded.document_id)


async def test_who_brings_their_own_class_three_has_agreed_by_bringing_it(plant: Plant) -> None:
    plant.start()
    owner, reader = plant.person("admin", 3), plant.person("operator", 3)
    uploaded = await upload(plant, owner, "III", metadata=f'{{"acl": ["{reader.id}"]}}')
    await plant.until(uploaded.document_id, "ready")

    assert await listed(plant, owner) == []
    assert await sees(plant, reader, uploaded.document_id)


async def test_a_data_owner_is_somebody_here_who_is_cleared(plant: Plant) -> None:
    low, gone = plant.person("operator", 2), plant.person("operator", 3)
    plant.people.people[str(gone.id)] = Somebody(gone.id, 3, is_active=False)
    for owner in (str(low.id), str(gone.id), "nobody"):
        with pytest.raises(UnsuitableOwner):
            await upload(plant, plant.person("admin", 3), "III", metadata=f'{{"owner": "{owner}"}}')
        assert (await plant.library.listed(plant.person("admin", 3), page_size=5)).items == []


async def test_a_plant_that_has_named_its_data_owners_means_those(plant: Plant) -> None:
    cleared, named = plant.person("operator", 3), plant.person("operator", 3)
    owner = f'{{"owner": "{cleared.id}"}}'
    await upload(plant, plant.person("admin", 3), "III", metadata=owner)

    plant.people.people[str(named.id)] = Somebody(named.id, 3, duties=frozenset({"data_owner"}))

    with pytest.raises(UnsuitableOwner):
        await upload(plant, plant.person("admin", 3), "II", metadata=owner)
    await upload(plant, plant.person("admin", 3), "III", metadata=f'{{"owner": "{named.id}", "title": "Another"}}')


async def test_a_class_is_lowered_when_the_data_owner_approves_and_not_before(plant: Plant) -> None:
    plant.start()
    owner, admin, viewer = plant.person("admin", 3), plant.person("admin", 3), plant.person("viewer", 2)
    uploaded = await upload(plant, owner, "III", metadata=f'{{"acl": ["{admin.id}"]}}')
    await plant.until(uploaded.document_id, "ready")
    with pytest.raises(InvalidApproval):
        await plant.approvals.classify(admin, uploaded.document_id, level=2, people=None)

    await plant.approvals.ask(admin, uploaded.document_id, Wanted("declassify", "It is old.", level=2), request=b"")
    with pytest.raises(AlreadyAsked):
        await plant.approvals.ask(admin, uploaded.document_id, Wanted("declassify", "Now!", level=1), request=b"")
    assert not await sees(plant, viewer, uploaded.document_id)
    await decide(plant, owner)

    assert await sees(plant, viewer, uploaded.document_id)
    assert plant.index.facts[uploaded.document_id].level == 2


async def test_a_review_that_falls_due_asks_the_data_owner_once(plant: Plant) -> None:
    plant.start()
    owner = plant.person("admin", 3)
    day = (plant.now + WEEK).date().isoformat()
    uploaded = await upload(plant, owner, "III", metadata=f'{{"review_on": "{day}"}}')
    await plant.until(uploaded.document_id, "ready")
    await look_again(plant)
    assert await listed(plant, owner) == []

    plant.now += WEEK
    await look_again(plant)
    await look_again(plant)

    (due,) = await listed(plant, owner)
    assert (due.approval.kind, due.approval.level, due.is_yours_to_decide) == ("declassify", 2, True)
    await decide(plant, owner)
    assert plant.index.facts[uploaded.document_id].level == 2


async def test_a_class_is_raised_at_once_and_hides_the_document(plant: Plant) -> None:
    plant.start()
    operator, viewer = plant.person("operator", 3), plant.person("viewer", 2)
    uploaded = await upload(plant, operator, "II")
    await plant.until(uploaded.document_id, "ready")
    assert await sees(plant, viewer, uploaded.document_id)

    await plant.approvals.classify(operator, uploaded.document_id, level=4, people=None)

    assert not await sees(plant, viewer, uploaded.document_id)
    assert await sees(plant, operator, uploaded.document_id)
    assert plant.index.facts[uploaded.document_id].level == 4


async def test_the_list_of_a_class_three_is_its_owners_and_the_admins(plant: Plant) -> None:
    plant.start()
    owner, reader, friend = (plant.person("operator", 3) for _ in range(3))
    uploaded = await upload(plant, owner, "III", metadata=f'{{"acl": ["{reader.id}", "{owner.id}"]}}')
    await plant.until(uploaded.document_id, "ready")

    with pytest.raises(NotTheDataOwner):
        await plant.approvals.classify(reader, uploaded.document_id, level=None, people=[str(friend.id)])
    with pytest.raises(UnknownDocument):
        await plant.approvals.classify(friend, uploaded.document_id, level=None, people=[str(friend.id)])
    await plant.approvals.classify(owner, uploaded.document_id, level=None, people=[str(friend.id), str(owner.id)])

    assert await sees(plant, friend, uploaded.document_id)
    assert not await sees(plant, reader, uploaded.document_id)


async def test_a_request_is_decided_once_whoever_is_faster(plant: Plant) -> None:
    uploader, one, two = (plant.person("admin", 3) for _ in range(3))
    await upload(plant, uploader, "IV")
    ((shown), *_) = await listed(plant, one)

    found = await asyncio.gather(
        plant.approvals.decide(one, shown.approval.id, approve=True, answer="", request=b"", proven=proven),
        plant.approvals.decide(two, shown.approval.id, approve=False, answer="", request=b"", proven=proven),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in found) == [AlreadyDecided.__name__, Shown.__name__]


async def test_requests_are_seen_by_who_asked_who_decides_and_admins(plant: Plant) -> None:
    uploader, admin, stranger = plant.person("admin", 3), plant.person("admin", 3), plant.person("operator", 3)
    uploaded = await upload(plant, uploader, "IV")

    assert [one.document for one in await listed(plant, uploader)] == ["plan.md"]
    assert [(one.document, one.is_yours_to_decide) for one in await listed(plant, admin)] == [("plan.md", True)]
    assert await listed(plant, stranger) == []
    ((mine), *_) = await listed(plant, uploader)
    with pytest.raises(UnknownApproval):
        await plant.approvals.decide(stranger, mine.approval.id, approve=True, answer="", request=b"", proven=proven)
    kiosk = Principal(new_id(), "kiosk", plant.tenant.id, "kiosk", "viewer", 3)
    with pytest.raises(Refused):
        await ask_use(plant, kiosk, uploaded.document_id, stranger)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted("use", " ", ("x",), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)), "purpose"),
        (Wanted("use", "Audit.", (), None), "people"),
        (Wanted("declassify", "Old."), "level"),
        (Wanted("declassify", "Old.", level=4), "level"),
        (Wanted("ingest", "Please."), "kind"),
        (Wanted("list", "Please."), "kind"),
    ],
)
async def test_what_cannot_be_approved_is_not_asked(plant: Plant, wanted: Wanted, field: str) -> None:
    plant.start()
    owner = plant.person("admin", 3)
    plant.people.people["x"] = Somebody(new_id(), 3)
    uploaded = await upload(plant, owner, "IV")
    await decide(plant, plant.person("admin", 3))
    await plant.until(uploaded.document_id, "ready")

    with pytest.raises(InvalidApproval) as refused:
        await plant.approvals.ask(owner, uploaded.document_id, wanted, request=b"")

    assert refused.value.context["field"] == field


async def test_fields_above_the_clearance_are_left_out(plant: Plant) -> None:
    plant.start()
    said = '{"price": 12, "line": "L1", "field_labels": {"price": "III"}}'
    uploaded = await upload(plant, plant.person("operator", 2), "II", metadata=said)
    await plant.until(uploaded.document_id, "ready")

    low = await plant.library.detail(plant.person("viewer", 2), uploaded.document_id)
    high = await plant.library.detail(plant.person("operator", 3), uploaded.document_id)

    assert low.metadata == {"line": "L1"}
    assert high.metadata == {"line": "L1", "price": 12}


def test_approvals_that_stand_name_the_people_and_the_first_day_that_one_ends() -> None:
    now = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)

    def use(state: Any, days: int, *people: str) -> Approval:
        until = now + dt.timedelta(days=days)
        return Approval(
            new_id(), "use", new_id(), "o", "r", "p", people, until, None, None, state, None, None, None, (), now
        )

    found = [use("approved", 2, "b"), use("approved", 1, "a", "b"), use("approved", 0, "c"), use("pending", 9, "d")]

    assert in_use(found, now) == (("a", "b"), now + dt.timedelta(days=1))
    assert in_use([], now) == ((), None)


def by_two_approvers(plant: Plant) -> None:
    """A pack by which two approvers, and nobody else, agree to what is taken in."""
    files = dict(read(DEFAULT_PACK))
    files["pack.toml"] = files["pack.toml"].replace("# needed = { ingest = 2, use = 2 }", "needed = { ingest = 2 }")
    files["policies.cedar"] += """
@id("approvers-take-in") @question("5") @reason("Approvers decide what is taken in.")
forbid (principal, action == Action::"approvals.decide", resource is Approval)
when { resource.kind == "ingest" } unless { principal.duties.contains("approver") };
"""
    plant.approvals._policy = PolicyEngine(parse(files))


def approver(plant: Plant) -> Principal:
    return replace(plant.person("viewer", 3), duties=frozenset({"approver"}))


async def test_where_two_must_agree_one_is_not_enough_and_the_same_one_twice_neither(plant: Plant) -> None:
    by_two_approvers(plant)
    plant.start()
    uploaded = await upload(plant, plant.person("admin", 3), "IV")
    first, second, admin = approver(plant), approver(plant), plant.person("admin", 3)

    half = await decide(plant, first)
    assert (half.state, half.agreed, half.decided_by) == ("pending", (str(first.id),), None)
    (shown,) = await listed(plant, first)
    assert (shown.needed, shown.is_yours_to_decide) == (2, False)
    for nobody in (first, admin, plant.person("viewer", 3)):
        with pytest.raises((UnknownApproval, Refused)):
            await plant.approvals.decide(nobody, half.id, approve=True, answer="", request=b"", proven=proven)
    row = await plant.row(uploaded.document_id)
    assert row is not None
    assert row.stage == "waiting"

    whole = await decide(plant, second)

    assert (whole.state, whole.agreed, whole.decided_by) == (
        "approved", (str(first.id), str(second.id)), str(second.id),
    )  # fmt: skip
    assert (await plant.until(uploaded.document_id, "ready", "failed")).status == "ready"


async def test_one_who_refuses_is_enough_whoever_agreed_before(plant: Plant) -> None:
    by_two_approvers(plant)
    await upload(plant, plant.person("admin", 3), "IV")
    await decide(plant, approver(plant))

    refused = await decide(plant, approver(plant), approve=False)

    assert refused.state == "rejected"


async def test_two_who_agree_at_once_are_two_and_an_approver_does_not_agree_to_their_own(plant: Plant) -> None:
    by_two_approvers(plant)
    plant.start()
    uploader = replace(plant.person("admin", 3), duties=frozenset({"approver"}))
    uploaded = await upload(plant, uploader, "IV")
    with pytest.raises(UnknownApproval):
        await decide(plant, uploader)

    done = await asyncio.gather(decide(plant, approver(plant)), decide(plant, approver(plant)))

    assert sorted(one.state for one in done) == ["approved", "pending"]
    assert (await plant.until(uploaded.document_id, "ready", "failed")).status == "ready"


async def test_a_stricter_export_regime_holds_at_once_and_search_follows(plant: Plant) -> None:
    plant.start()
    marker, reader = plant.person("operator"), plant.person("operator", eligible="EAR")
    document_id = (await upload(plant, marker, "II")).document_id
    await plant.until(document_id, "ready")

    await plant.approvals.classify(marker, document_id, level=None, people=None, export=ExportControl("EAR", "5D002"))

    row = await plant.row(document_id)
    assert row is not None
    assert (row.export, row.eccn, row.level) == ("EAR", "5D002", 2)
    assert plant.index.facts[document_id].export == "EAR"
    assert await sees(plant, reader, document_id)
    assert not await sees(plant, marker, document_id)


async def test_a_looser_export_regime_is_for_somebody_else_who_sees_the_document_to_approve(plant: Plant) -> None:
    plant.start()
    owner, other = plant.person("operator", eligible="EAR ITAR"), plant.person("admin", eligible="ITAR")
    said = '{"export_control": {"regime": "ITAR", "category": "XI(b)", "countries": ["DE"]}}'
    document_id = (await upload(plant, owner, "II", metadata=said)).document_id
    await plant.until(document_id, "ready")
    with pytest.raises(InvalidApproval):
        await plant.approvals.classify(owner, document_id, level=None, people=None, export=ExportControl("EAR"))
    wrong: tuple[Regime | None, ...] = (None, "ITAR")
    for regime in wrong:
        with pytest.raises(InvalidApproval):
            await plant.approvals.ask(owner, document_id, Wanted("regime", "No.", regime=regime), request=b"")

    await plant.approvals.ask(owner, document_id, Wanted("regime", "Legal said so.", regime="EAR"), request=b"")
    assert not (await listed(plant, owner))[0].is_yours_to_decide
    await decide(plant, other)

    row = await plant.row(document_id)
    assert row is not None
    assert (row.export, row.eccn, row.countries) == ("EAR", "", ["DE"])
    assert plant.index.facts[document_id].export == "EAR"
    assert await sees(plant, owner, document_id)
    assert not await sees(plant, other, document_id)


async def test_what_was_asked_of_a_looser_regime_ends_when_a_stricter_one_comes(plant: Plant) -> None:
    plant.start()
    owner, other = plant.person("admin", eligible="EAR ITAR"), plant.person("admin", eligible="EAR ITAR")
    said = '{"export_control": {"regime": "EAR", "countries": ["DE"]}}'
    document_id = (await upload(plant, owner, "II", metadata=said)).document_id
    await plant.until(document_id, "ready")
    await plant.approvals.ask(owner, document_id, Wanted("regime", "Legal said so.", regime="NONE"), request=b"")

    await plant.approvals.classify(other, document_id, level=None, people=None, export=ExportControl("ITAR"))

    (ended,) = await listed(plant, owner, "rejected")
    assert (ended.approval.kind, ended.approval.regime) == ("regime", "NONE")
    row = await plant.row(document_id)
    assert row is not None
    assert (row.export, row.countries) == ("ITAR", ["DE"])
