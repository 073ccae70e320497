"""Packs: staged, compared, put in force and taken back, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from appliance.commands.doctor import look_at_policy
from appliance.errors import InvalidInput
from appliance.identity import People
from appliance.identity.values import NewPerson
from appliance.news import box
from appliance.news.values import Reader
from appliance.packs import InForce, Packs
from appliance.packs.errors import (
    NeedsConfirmation,
    NothingBefore,
    PackNotSound,
    SwitchedMeanwhile,
    UnknownPack,
    UnknownSubject,
)
from appliance.packs.tables import PackRow, SwitchRow
from appliance.policy import Resource
from appliance.policy.pack import version_of
from appliance.store import Admitted, Principal, Purpose, Store, Tenant, new_id
from tests.identity.site import HandClock
from tests.packs.conftest import RELEASE, Known
from tests.packs.variants import no_drafts, pack, swapped, until, uploads_for_viewers
from tests.policy.people import described

Admin = Callable[[], Admitted]
DRAFT = Resource("document", "d-1", described(1, ("draft",)))
UPLOAD = "documents.upload"
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def viewer(tenant: Tenant) -> Principal:
    return Principal(new_id(), "person", tenant.id, "Vera", "viewer", 2)


async def may(policy: InForce, principal: Principal, action: str, resource: Resource = DRAFT) -> bool:
    await policy.follow()
    return policy.decide(principal, action, resource).allowed


async def put_in_force(packs: Packs, admin: Admin, texts: Mapping[str, str]) -> str:
    staged = await packs.stage(admin(), texts)
    preview = await packs.preview(admin(), staged.version)
    await packs.activate(admin(), staged.version, preview.confirm)
    return staged.version


async def test_the_pack_of_the_release_decides_where_none_was_chosen(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant
) -> None:
    assert await may(policy, viewer(tenant), "documents.read")
    (only,) = await packs.all(admin())
    assert (only.in_force, only.of_the_release, only.version) == (True, True, RELEASE.pack_version)


async def test_a_staged_pack_decides_nothing(packs: Packs, policy: InForce, admin: Admin, tenant: Tenant) -> None:
    staged = await packs.stage(admin(), no_drafts())

    assert not staged.in_force
    assert await may(policy, viewer(tenant), "documents.read")
    assert await packs.texts(admin(), staged.version) == no_drafts()


async def test_a_pack_that_narrows_needs_no_word_and_decides_at_once(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant
) -> None:
    staged = await packs.stage(admin(), no_drafts())
    await packs.activate(admin(), staged.version, None)

    assert not await may(policy, viewer(tenant), "documents.read")
    decision = policy.decide(viewer(tenant), "documents.read", DRAFT)
    assert (decision.policies, decision.reason) == (("no-drafts",), "A draft is for admins.")
    assert decision.pack_version == staged.version
    assert not policy.scope(viewer(tenant), "search.query").admits(dict(DRAFT.attrs))


async def test_a_pack_that_widens_needs_the_word_of_its_own_preview(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant
) -> None:
    staged = await packs.stage(admin(), uploads_for_viewers())
    other = await packs.preview(admin(), (await packs.stage(admin(), no_drafts())).version)
    for word in (None, "", "guessed", other.confirm):
        with pytest.raises(NeedsConfirmation):
            await packs.activate(admin(), staged.version, word)
    assert not await may(policy, viewer(tenant), UPLOAD)

    preview = await packs.preview(admin(), staged.version)
    assert preview.widens
    await packs.activate(admin(), staged.version, preview.confirm)

    assert await may(policy, viewer(tenant), UPLOAD)


async def test_the_word_of_a_preview_is_worth_nothing_once_another_pack_is_in_force(
    packs: Packs, policy: InForce, admin: Admin
) -> None:
    staged = await packs.stage(admin(), uploads_for_viewers())
    word = (await packs.preview(admin(), staged.version)).confirm
    await put_in_force(packs, admin, no_drafts())
    await policy.follow()

    with pytest.raises(NeedsConfirmation):
        await packs.activate(admin(), staged.version, word)


async def test_another_process_follows_within_two_seconds(
    packs: Packs, other_process: InForce, admin: Admin, tenant: Tenant, clock: HandClock
) -> None:
    assert await may(other_process, viewer(tenant), "documents.read")
    await put_in_force(packs, admin, no_drafts())

    clock.pass_(seconds=2)

    assert not await may(other_process, viewer(tenant), "documents.read")


async def test_a_pack_decides_for_its_own_tenant_alone(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant, other_tenant: Tenant, admitted: Callable[..., Admitted]
) -> None:
    version = await put_in_force(packs, admin, no_drafts())

    assert not await may(policy, viewer(tenant), "documents.read")
    assert await may(policy, viewer(other_tenant), "documents.read")
    stranger = admitted(tenant=other_tenant, role="admin", action="policy.activate")
    assert [one.version for one in await packs.all(stranger)] == [RELEASE.pack_version]
    with pytest.raises(UnknownPack):
        await packs.texts(stranger, version)
    with pytest.raises(NothingBefore):
        await packs.rollback(admitted(tenant=other_tenant, role="admin", action="policy.activate"))


async def test_rollback_goes_back_step_by_step_to_the_pack_of_the_release(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant
) -> None:
    first = await put_in_force(packs, admin, no_drafts())
    await policy.follow()
    second = await put_in_force(packs, admin, uploads_for_viewers())

    await policy.follow()
    assert await packs.before(admin()) == first
    assert (await packs.rollback(admin())).version == first
    await policy.follow()
    with pytest.raises(NeedsConfirmation):
        await packs.rollback(admin())
    assert policy.version(tenant.id) == first
    assert await packs.before(admin()) == "release"
    word = (await packs.preview(admin(), "release")).confirm
    assert (await packs.rollback(admin(), word)).version is None
    assert await may(policy, viewer(tenant), "documents.read")
    with pytest.raises(NothingBefore):
        await packs.rollback(admin())
    assert await packs.before(admin()) is None
    assert [one.version for one in await packs.history(admin())] == [None, first, second, first]


async def test_the_pack_of_the_release_can_be_put_in_force_again_by_name(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant
) -> None:
    await put_in_force(packs, admin, no_drafts())
    await policy.follow()
    preview = await packs.preview(admin(), "release")
    assert preview.widens  # drafts are seen again

    switched = await packs.activate(admin(), "release", preview.confirm)

    assert switched.version is None
    assert await may(policy, viewer(tenant), "documents.read")


async def test_of_two_switches_at_once_one_is_refused_or_comes_after_the_other(packs: Packs, admin: Admin) -> None:
    staged = await packs.stage(admin(), no_drafts())
    found = await asyncio.gather(
        *(packs.activate(admin(), staged.version, None) for _ in range(2)), return_exceptions=True
    )

    done = [one for one in found if not isinstance(one, BaseException)]
    assert all(isinstance(one, SwitchedMeanwhile) for one in found if isinstance(one, BaseException))
    assert [one.generation for one in await packs.history(admin())] == list(range(len(done), 0, -1))


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({}, "has the files"),
        ({**no_drafts(), "more.toml": ""}, "has the files"),
        ({**no_drafts(), "pack.toml": "name = "}, "malformed"),
        ({**no_drafts(), "policies.cedar": "permit (principal"}, "does not validate"),
        ({**no_drafts(), "schema.cedarschema": "entity"}, "malformed"),
        (pack(policies="//" + "x" * 300_000), "larger than 256 KiB"),
        (until('"2027-01-01"'), "valid_until is a day"),
    ],
)
async def test_what_is_no_pack_is_refused_with_its_reason_and_not_kept(
    packs: Packs, admin: Admin, texts: Mapping[str, str], says: str
) -> None:
    with pytest.raises(PackNotSound, match=says):
        await packs.stage(admin(), texts)

    assert len(await packs.all(admin())) == 1


async def test_staging_a_pack_again_changes_nothing(packs: Packs, admin: Admin) -> None:
    first = await packs.stage(admin(), no_drafts())
    second = await packs.stage(admin(), no_drafts())

    assert first.version == second.version
    assert len(await packs.all(admin())) == 2


async def test_a_pack_that_was_changed_where_it_is_stored_decides_nothing_and_says_so(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant, store: Store
) -> None:
    version = await put_in_force(packs, admin, no_drafts())
    await damage(store, admin(), version)
    policy.forget()
    assert not await may(policy, viewer(tenant), "documents.read", Resource("document"))

    decision = policy.decide(viewer(tenant), "chat.ask", Resource("chat"))
    assert decision.policies == ("pack-unusable",)
    assert decision.reason == "The policy pack in force cannot be used. It is not what was staged."
    assert policy.scope(viewer(tenant), "search.query").empty
    assert policy.permits(viewer(tenant), "documents.read", [DRAFT]) == [False]


async def test_a_pack_that_knows_less_than_this_release_is_listed_with_its_reason_and_can_be_left(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant, store: Store
) -> None:
    old = swapped("  eligible: Set<String>,\n", "", "schema.cedarschema")
    i = old["policies.cedar"].index('@id("export-controlled")')
    j = old["policies.cedar"].index('@id("', i + 1)
    old = {**old, "policies.cedar": old["policies.cedar"][:i] + old["policies.cedar"][j:]}
    version = version_of(old)
    kept = PackRow(tenant_id=tenant.id, version=version, name="old", texts=dict(old), staged_by=new_id(), staged_at=NOW)
    async with store.open_control(admin(), write=True) as session:
        session.add(kept)
        session.add(SwitchRow(tenant_id=tenant.id, generation=1, version=version, what="activate", by=new_id(), at=NOW))

    owner = Principal(new_id(), "owner", tenant.id, "owner", "admin", 3)
    assert await may(policy, owner, "policy.activate", Resource("policy"))
    assert not await may(policy, viewer(tenant), "chat.ask", Resource("chat"))
    assert "cannot be used" in str(policy.why_unusable(tenant.id))
    await packs.rollback(admin())
    assert await may(policy, viewer(tenant), "chat.ask", Resource("chat"))


async def test_the_owner_alone_can_put_another_pack_in_force_when_none_can_be_used(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant, store: Store
) -> None:
    version = await put_in_force(packs, admin, no_drafts())
    await damage(store, admin(), version)
    policy.forget()
    owner = Principal(new_id(), "owner", tenant.id, "owner", "admin", 3)
    site_admin = Principal(new_id(), "person", tenant.id, "Ada", "admin", 3)

    assert await may(policy, owner, "policy.activate", Resource("policy"))
    assert not await may(policy, site_admin, "policy.activate", Resource("policy"))
    assert not await may(policy, owner, "people.list", Resource("person"))

    await packs.rollback(admin())
    assert await may(policy, site_admin, "policy.activate", Resource("policy"))


async def test_a_pack_decides_until_the_end_of_its_last_day(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant, clock: HandClock
) -> None:
    await put_in_force(packs, admin, until("2026-03-03"))
    clock.pass_(days=1)
    assert await may(policy, viewer(tenant), "documents.read")

    clock.pass_(days=1)

    assert not await may(policy, viewer(tenant), "documents.read")
    assert policy.why_unusable(tenant.id) == "The policy pack in force has come to its last day."
    assert policy.all_unusable().keys() == {tenant.id}


async def test_requests_of_the_record_are_decided_again(
    packs: Packs, admin: Admin, tenant: Tenant, known: Known
) -> None:
    known.documents = {"d-1": DRAFT.attrs, "d-2": {**DRAFT.attrs, "tags": []}}
    vera, otto = str(new_id()), str(new_id())
    known.decisions = [
        decided("documents.read", "document", "d-1", vera),
        decided("documents.read", "document", "d-1", otto),
        decided("documents.read", "document", "d-2", vera),
        decided("documents.read", "document", "gone", vera),
        {**decided("auth.me", "person", None, vera), "metadata": {"action": "auth.me"}},
    ]
    staged = await packs.stage(admin(), no_drafts())

    preview = await packs.preview(admin(), staged.version)

    assert (preview.looked_at, preview.decided_again) == (5, 3)
    assert (preview.now_refused, preview.now_allowed, preview.widens) == (2, 0, False)
    (change,) = preview.changes
    assert (change.who, change.clearance, change.action, change.widens) == ("viewer", 2, "documents.read", False)
    assert (change.reason, change.requests, change.people) == ("A draft is for admins.", 2, 2)
    reads = [one for one in preview.documents if one.action == "documents.read"]
    assert [(one.who, one.gained, one.lost, one.of) for one in reads] == [("viewer", 0, 2, 4)]


def decided(action: str, resource_type: str, resource_id: str | None, user: str) -> dict[str, Any]:
    return {
        "user_id": user,
        "actor": {"kind": "person", "role": "viewer"},
        "resource_type": resource_type,
        "resource_id": resource_id,
        "metadata": {"action": action, "clearance": 2},
    }


async def test_a_decision_is_explained_in_the_words_of_the_policies(
    packs: Packs, policy: InForce, people: People, admin: Admin, known: Known
) -> None:
    await people.create(admin(), NewPerson("vera", "Vera", "viewer"))
    known.documents = {"d-3": described(3)}

    refused = await packs.explain(admin(), "Vera", "documents.read", Resource("document", "d-3"))
    allowed = await packs.explain(admin(), "role:operator", UPLOAD, Resource("document"))

    assert not refused.decision.allowed
    assert refused.words == {
        "need-to-know": "This document is for named people only, and you are not on its list.",
        "within-clearance": "The document is classified above your clearance.",
    }
    assert refused.facts["resource"] == {"level": 3, "tags": [], "stage": "open", "approved": [], "export": "NONE"}
    assert list(allowed.words) == ["operators-keep-documents"]
    assert allowed.decision.allowed


async def test_an_action_that_the_policy_does_not_know_is_named_and_not_explained(packs: Packs, admin: Admin) -> None:
    with pytest.raises(InvalidInput, match=r"no action 'documents.eat'"):
        await packs.explain(admin(), "role:viewer", "documents.eat", Resource("document"))


async def test_it_is_explained_why_a_model_does_not_write_for_somebody(
    packs: Packs, admin: Admin, known: Known
) -> None:
    about = {"name": "hall/big", "provider": "hall", "tiers": ["heavy"], "clearance": 4}
    known.models = [Resource("writer", "hall/big", about)]
    withheld = pack(
        policies="""
@id("heavy-is-for-operators") @question("3") @reason("The large model writes for operators.")
forbid (principal, action == Action::"models.use", resource is Model)
when { resource.tiers.contains("heavy") } unless { principal in Role::"operator" };
"""
    )
    staged = await packs.stage(admin(), withheld)

    for role, allowed in (("viewer", False), ("operator", True)):
        asked = "role:" + role, "models.use", Resource("writer", "hall/big")
        assert (await packs.explain(admin(), *asked, staged.version)).decision.allowed == allowed
        assert (await packs.explain(admin(), *asked)).decision.allowed


@pytest.mark.parametrize("subject", ["nobody", "role:king", "kiosk:none", "team:viewer", ":"])
async def test_a_decision_for_nobody_is_refused(packs: Packs, admin: Admin, subject: str) -> None:
    with pytest.raises(UnknownSubject):
        await packs.explain(admin(), subject, "auth.me", Resource("person"))


async def damage(store: Store, admitted: Admitted, version: str) -> None:
    """Somebody writes into the database what was never staged."""
    statement = text("UPDATE policy_packs SET texts = :texts WHERE version = :version")
    async with store.open_control(admitted, write=True) as session:
        await session.execute(statement, {"texts": '{"pack.toml": ""}', "version": version})
        assert await session.get(SwitchRow, (admitted.tenant_id, 1)) is not None


async def test_a_pack_of_an_older_release_is_told_and_the_owner_still_keeps_the_record(
    packs: Packs, policy: InForce, admin: Admin, tenant: Tenant
) -> None:
    older = swapped('"audit.read_all", ', "", "schema.cedarschema")
    older = {**older, "policies.cedar": older["policies.cedar"].replace('Action::"audit.read_all", ', "")}
    version = await put_in_force(packs, admin, older)
    await policy.follow()
    owner = Principal(new_id(), "owner", tenant.id, "owner", "admin", 3)

    (listed,) = [one for one in await packs.all(admin()) if one.version == version]
    assert listed.in_force
    assert listed.lacking == ("audit.read_all",)
    assert policy.all_lacking() == {tenant.id: ("audit.read_all",)}
    (told,) = look_at_policy(tenant, policy)
    assert (told.state, told.fact.endswith(": audit.read_all")) == ("note", True)
    assert await may(policy, owner, "audit.read_all", Resource("record"))
    assert not await may(policy, admin().principal, "audit.read_all", Resource("record"))
    assert not policy.decide(owner, "doors.open", Resource("node")).allowed


async def test_another_pack_is_heard_of_by_those_who_may_read_it_but_who_switched(
    packs: Packs, store: Store, tenant: Tenant, other_tenant: Tenant, admitted: Callable[..., Admitted]
) -> None:
    nora = Principal(new_id(), "person", tenant.id, "Nora North", "admin", 3)

    version = await put_in_force(packs, lambda: admitted(principal=nora, action="policy.activate"), no_drafts())
    await box.relay(store)

    async def heard(where: Tenant, who: UUID) -> list[Any]:
        async with store.open_internal(Purpose.VERIFY, where.id) as session:
            found = await box.page(session, Reader(who, ("policy.read",)), unread=True, limit=10)
        return [(one.kind, one.params["version"]) for one in found]

    assert await heard(tenant, new_id()) == [("policy.switched", version)]
    assert await heard(tenant, nora.id) == []
    assert await heard(other_tenant, new_id()) == []
