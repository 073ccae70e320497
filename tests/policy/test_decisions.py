"""Decisions about one resource: tenant, owner, class, need-to-know, tags, and what happens when something is off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.policy import PolicyEngine, Resource
from appliance.store import Principal, new_id
from tests.policy.people import ADMIN, KIOSK, NORTH, OPERATOR, OWNER, SOUTH, VIEWER, described, document, principal

READS = ("chat.ask", "search.query", "documents.read")


@pytest.mark.parametrize("action", READS)
@pytest.mark.parametrize("clearance", [1, 2, 3, 4])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_nobody_reads_above_their_clearance_nor_class_four_unapproved(
    engine: PolicyEngine, action: str, clearance: int, level: int
) -> None:
    reader = principal("operator", clearance=clearance)

    decision = engine.decide(reader, action, document(level, acl=(reader.id,)))

    assert decision.allowed == (level <= min(clearance, 3))


@pytest.mark.parametrize("action", [*READS, "documents.list", "documents.delete", "documents.reindex"])
def test_class_three_is_for_the_people_on_its_list_and_for_admins(engine: PolicyEngine, action: str) -> None:
    cleared = principal("operator", clearance=3)

    stranger = engine.decide(cleared, action, document(3, acl=("somebody else",)))

    assert stranger.policies == ("need-to-know",)
    assert stranger.reason == "This document is for named people only, and you are not on its list."
    assert engine.decide(cleared, action, document(3, acl=("somebody else", cleared.id))).allowed
    assert engine.decide(ADMIN, action, document(3)).allowed


@pytest.mark.parametrize("who", [VIEWER, OPERATOR, ADMIN, KIOSK, OWNER], ids=lambda who: f"{who.kind}-{who.role}")
def test_class_four_is_for_those_whom_its_data_owner_approved(engine: PolicyEngine, who: Principal) -> None:
    approved = replace(who, clearance=3)
    for action in (*READS, "documents.list", "documents.delete"):
        if engine.decide(approved, action, document(1)).allowed:
            decision = engine.decide(approved, action, document(4, acl=(who.id,)))
            assert decision.policies == ("class-four-needs-approval",)
            assert engine.decide(approved, action, document(4, approved=[who.id])).allowed
    low = engine.decide(replace(who, clearance=2), "documents.read", document(4, approved=[who.id]))
    assert low.policies == ("within-clearance",)


def test_a_data_owner_looks_after_a_class_four_and_does_not_ask_it_without_approval(engine: PolicyEngine) -> None:
    owner = principal("operator", clearance=3)
    mine = document(4, owner=str(owner.id))

    assert engine.decide(owner, "documents.read", mine).allowed
    assert engine.decide(owner, "documents.delete", mine).allowed
    assert engine.decide(owner, "chat.ask", mine).policies == ("class-four-needs-approval",)
    assert not engine.decide(replace(ADMIN, id=new_id()), "documents.read", mine).allowed


@pytest.mark.parametrize("action", [*READS, "documents.list", "documents.classify"])
def test_what_waits_for_its_data_owner_is_seen_by_them_alone(engine: PolicyEngine, action: str) -> None:
    owner = principal("operator", clearance=3)
    waiting = document(3, acl=(ADMIN.id, owner.id), owner=str(owner.id), stage="waiting")

    assert engine.decide(owner, action, waiting).allowed
    assert engine.decide(replace(ADMIN, id=new_id()), action, waiting).policies == ("not-before-its-owner-has-agreed",)


def test_nobody_decides_what_they_asked_for_and_others_only_what_is_theirs(engine: PolicyEngine) -> None:
    def decides(who: Principal, **attrs: Any) -> bool:
        asked = {"kind": "use", "agreed": []} | attrs
        return engine.decide(who, "approvals.decide", Resource("approval", "a", asked)).allowed

    other = str(new_id())
    assert decides(VIEWER, owner=str(VIEWER.id), requester=other)
    assert not decides(VIEWER, owner=str(VIEWER.id), requester=other, agreed=[str(VIEWER.id)])
    assert decides(ADMIN, owner=other, requester=other)
    assert not decides(OPERATOR, owner=other, requester=other)
    assert not decides(OPERATOR, requester=other)
    assert not decides(KIOSK, owner=str(KIOSK.id), requester=other)
    for who in (VIEWER, OPERATOR, ADMIN):
        assert not decides(who, owner=str(who.id), requester=str(who.id))


def test_a_list_of_people_does_not_raise_anybodys_clearance(engine: PolicyEngine) -> None:
    assert engine.decide(VIEWER, "documents.read", document(3, acl=(VIEWER.id,))).policies == ("within-clearance",)


@pytest.mark.parametrize("action", READS)
def test_restricted_documents_are_hidden_from_viewers_and_kiosks(engine: PolicyEngine, action: str) -> None:
    restricted = document(1, tags=("pumps", "restricted"))

    assert engine.decide(VIEWER, action, restricted).policies == ("restricted-is-for-operators",)
    assert engine.decide(KIOSK, action, restricted).policies == ("restricted-is-for-operators",)
    assert engine.decide(OPERATOR, action, restricted).allowed
    assert engine.decide(ADMIN, action, restricted).allowed


@pytest.mark.parametrize("level", [3, 4])
def test_nobody_uploads_what_they_could_not_have(engine: PolicyEngine, level: int) -> None:
    assert not engine.decide(OPERATOR, "documents.upload", document(level)).allowed
    assert engine.decide(ADMIN, "documents.upload", document(level)).allowed


@pytest.mark.parametrize("who", [VIEWER, OPERATOR, ADMIN, KIOSK, OWNER], ids=lambda who: f"{who.kind}-{who.role}")
def test_another_tenants_document_is_refused_to_everybody(engine: PolicyEngine, who: Principal) -> None:
    decision = engine.decide(who, "documents.read", document(1, tenant=SOUTH))

    assert decision.policies == ("own-tenant-only",)
    assert decision.reason == "This belongs to another tenant."


def test_another_tenant_is_visible_to_the_owner_of_the_data_directory_alone(engine: PolicyEngine) -> None:
    south = Resource("tenant", str(SOUTH), {"tenant": SOUTH})

    assert engine.decide(OWNER, "tenants.read", south).allowed
    assert engine.decide(OWNER, "tenants.update", south).allowed
    assert not engine.decide(ADMIN, "tenants.update", south).allowed
    assert engine.decide(ADMIN, "tenants.read", south).policies == ("own-tenant-only",)
    assert engine.decide(ADMIN, "tenants.read", Resource("tenant", str(NORTH), {"tenant": NORTH})).allowed


def test_a_conversation_is_its_owners_and_an_admin_may_read_or_delete_it(engine: PolicyEngine) -> None:
    mine = Resource("conversation", "c", {"owner": VIEWER.id})
    theirs = Resource("conversation", "c", {"owner": principal(number=8).id})

    for action in ("chat.ask", "chat.read", "chat.delete", "feedback.give"):
        assert engine.decide(VIEWER, action, mine).allowed
        assert engine.decide(VIEWER, action, theirs).policies == ("own-conversations-only",)
    assert engine.decide(ADMIN, "chat.read", theirs).allowed
    assert engine.decide(ADMIN, "chat.delete", theirs).allowed
    assert not engine.decide(ADMIN, "chat.ask", theirs).allowed


def test_a_job_is_cancelled_by_who_started_it_or_by_an_admin(engine: PolicyEngine) -> None:
    theirs = Resource("job", "j", {"owner": principal(number=8).id})

    assert engine.decide(OPERATOR, "jobs.read", theirs).allowed
    assert engine.decide(OPERATOR, "jobs.cancel", theirs).policies == ("own-jobs-only-to-cancel",)
    assert engine.decide(OPERATOR, "jobs.cancel", Resource("job", "j", {"owner": OPERATOR.id})).allowed
    assert engine.decide(ADMIN, "jobs.cancel", theirs).allowed


def test_reasons_come_in_the_order_of_the_five_questions(engine: PolicyEngine) -> None:
    worst = document(4, tags=("restricted",), tenant=SOUTH)

    no_role = engine.decide(VIEWER, "documents.delete", worst)
    no_tenant = engine.decide(VIEWER, "documents.read", worst)

    assert no_role.policies == ("default-deny",)
    assert no_tenant.policies[0] == "own-tenant-only"
    assert set(no_tenant.policies[1:]) == {
        "class-four-needs-approval",
        "restricted-is-for-operators",
        "within-clearance",
    }


def test_scopes_narrow_what_the_role_allows_and_never_widen_it(engine: PolicyEngine) -> None:
    narrowed = principal("operator", scopes=frozenset({"documents.read", "people.list"}))

    assert engine.decide(narrowed, "documents.read", document()).allowed
    assert engine.decide(narrowed, "documents.upload", document()).policies == ("within-scopes",)
    assert engine.decide(narrowed, "people.list", Resource("person")).policies == ("default-deny",)


@pytest.mark.parametrize(
    "attrs",
    [
        {"level": 1},
        {name: value for name, value in described(1).items() if name != "level"},
        {name: value for name, value in described(1).items() if name != "stage"},
        {**described(1), "level": "1"},
        {**described(1), "tags": "restricted"},
        {**described(1), "tags": [3]},
        {**described(1), "level": 1.5},
        {**described(1), "tenant": 5},
    ],
    ids=str,
)
def test_a_resource_that_is_not_fully_stated_is_refused(engine: PolicyEngine, attrs: dict[str, Any]) -> None:
    decision = engine.decide(ADMIN, "documents.read", Resource("document", "d", attrs))

    assert not decision.allowed
    assert decision.policies == ("evaluation-error",)
    assert engine.permits(ADMIN, "documents.read", [Resource("document", "d", attrs)]) == [False]


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("documents.shred", Resource("document")),
        ("", Resource("document")),
        ('x", resource) permit (', Resource("document")),
        ("documents.read", Resource("doc", None, {"level": 1})),
        ("people.list", document(1)),
    ],
    ids=str,
)
def test_what_the_pack_does_not_know_is_refused(engine: PolicyEngine, action: str, resource: Resource) -> None:
    assert not engine.decide(ADMIN, action, resource).allowed
    assert not any(engine.permits(ADMIN, action, [resource, resource]))


def test_a_role_nobody_defined_is_refused(engine: PolicyEngine) -> None:
    nobody = principal("superuser")  # type: ignore[arg-type]

    assert engine.decide(nobody, "documents.read", document(1)).policies == ("evaluation-error",)


def test_attributes_the_policies_do_not_know_are_ignored(engine: PolicyEngine) -> None:
    assert engine.decide(VIEWER, "documents.read", document(1, filename="pump.pdf", owner=None)).allowed


def test_a_batch_answers_as_single_questions_do_and_rows_may_share_an_id(engine: PolicyEngine) -> None:
    rows = [document(1), document(2), document(3), document(1, tags=("restricted",)), document(1, tenant=SOUTH)]

    assert engine.permits(VIEWER, "documents.read", rows) == [True, True, False, False, False]
    assert engine.permits(VIEWER, "documents.read", []) == []


@pytest.mark.parametrize(
    "action", [*READS, "documents.list", "documents.delete", "documents.reindex", "documents.classify"]
)
@pytest.mark.parametrize(
    ("regime", "eligible", "sees"),
    [
        ("NONE", "", True),
        ("EAR", "", False),
        ("ITAR", "", False),
        ("EAR", "EAR", True),
        ("ITAR", "EAR", False),
        ("ITAR", "ITAR", True),
        ("EAR", "ITAR", False),
        ("other", "EAR ITAR other", False),
    ],
)
def test_export_control_asks_who_somebody_is_and_not_what_they_do_here(
    engine: PolicyEngine, action: str, regime: str, eligible: str, sees: bool
) -> None:
    words = frozenset(eligible.split())
    for who in (principal("operator", eligibility=words), principal("admin", clearance=3, eligibility=words)):
        decision = engine.decide(who, action, document(1, acl=(who.id,), owner=str(who.id), export=regime))

        assert decision.allowed == sees
        assert sees or decision.policies == ("export-controlled",)
    assert engine.decide(KIOSK, "chat.ask", document(1, export=regime)).allowed == (regime == "NONE")
