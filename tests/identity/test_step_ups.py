"""Step-up: who is signed in shows again that it is them, for one thing, once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import rules
from appliance.identity.errors import NoStepUp, NotAPerson, ProofRefused, StepUpRefused, StepUpRequired
from appliance.identity.values import Answer, Person, PersonChange, Proof
from appliance.policy import PolicyEngine
from appliance.store import Principal, Store, Tenant, TenantId, new_id
from tests.identity.site import PASSWORD, HandClock, Site
from tests.identity.web import Web, web

BY_PASSWORD = Proof(password=PASSWORD)


@pytest.fixture
def site(either_site: Site) -> Site:
    return either_site


async def test_a_person_without_a_factor_gives_the_password_again(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")

    given_ = await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)

    await site.step_ups.require(ada, "kiosks.enrol", "", given_)
    assert site.record.written[-1].event_type == "auth.step_up"
    assert site.record.written[-1].metadata == {"action": "kiosks.enrol"}


async def test_a_person_with_a_factor_gives_a_code_and_the_password_is_not_enough(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")
    app = await site.with_app(tenant, ada)
    site.clock.pass_(seconds=30)

    with pytest.raises(ProofRefused):
        await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)

    given_ = await site.step_ups.give(ada, "kiosks.enrol", "", Proof(answer=Answer("totp", app.code())))
    await site.step_ups.require(ada, "kiosks.enrol", "", given_)


async def test_who_gives_none_is_told_what_to_get_one_for(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")

    with pytest.raises(StepUpRequired) as asked:
        await site.step_ups.require(ada, "people.update", "somebody", None)

    assert asked.value.context == {"action": "people.update", "resource": "somebody"}


async def test_an_action_that_asks_for_none_gets_none(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")

    await site.step_ups.require(ada, "people.list", "", None)
    with pytest.raises(NoStepUp):
        await site.step_ups.give(ada, "people.list", "", BY_PASSWORD)


async def test_the_owner_is_not_asked_and_a_service_cannot_answer(site: Site, tenant: Tenant) -> None:
    owner, service = (Principal(new_id(), kind, tenant.id, "x", "admin", 3) for kind in ("owner", "service"))

    await site.step_ups.require(owner, "kiosks.enrol", "", None)
    with pytest.raises(NotAPerson):
        await site.step_ups.require(service, "kiosks.enrol", "", None)
    with pytest.raises(NotAPerson):
        await site.step_ups.give(service, "kiosks.enrol", "", BY_PASSWORD)


async def test_a_step_up_is_too_old_after_two_minutes_also_if_the_clock_is_set_back(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")
    given_ = await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)

    site.clock.pass_(minutes=2)
    with pytest.raises(StepUpRefused):
        await site.step_ups.require(ada, "kiosks.enrol", "", given_)
    site.clock.set_back(days=1)
    with pytest.raises(StepUpRefused):
        await site.step_ups.require(ada, "kiosks.enrol", "", given_)


ROLES = st.sampled_from(rules.ROLES)


def test_making_somebody_eligible_raises_a_right_and_taking_it_away_ends_their_sessions() -> None:
    now = HandClock().now
    had = Person(new_id(), TenantId(new_id()), "n", "N", "viewer", 2, True, None, None, now, frozenset({"EAR"}))

    assert rules.raises(had, PersonChange(export_eligibility=["EAR", "ITAR"]))
    assert rules.raises(had, PersonChange(export_eligibility=["ITAR"]))
    assert not rules.raises(had, PersonChange(export_eligibility=[]))
    assert rules.ends_sessions(had, PersonChange(export_eligibility=["ITAR"]))
    assert not rules.ends_sessions(had, PersonChange(export_eligibility=["EAR", "ITAR"]))
    assert not rules.ends_sessions(had, PersonChange())


@given(before=ROLES, after=st.none() | ROLES, had=st.integers(1, 3), gets=st.none() | st.integers(1, 3))
def test_a_change_raises_a_right_exactly_when_one_of_them_grows(
    before: str, after: str | None, had: int, gets: int | None
) -> None:
    now = HandClock().now
    person = Person(new_id(), TenantId(new_id()), "n", "N", before, had, True, None, None, now)  # type: ignore[arg-type]
    grows = (after is not None and rules.ROLES.index(after) > rules.ROLES.index(before)) or (gets or 0) > had

    assert rules.raises(person, PersonChange(role=after, clearance=gets)) == grows  # type: ignore[arg-type]


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, PolicyEngine()) as node:
        await node.site.add(tenant, "ada", "admin")
        await node.site.add(tenant, "vera", "viewer")
        yield node


async def test_lowering_a_right_needs_no_step_up_and_raising_one_does(node: Web) -> None:
    vera = (await node.login("north", "vera", PASSWORD)).json()["user"]["id"]
    path = f"/v1/admin/users/{vera}"
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        assert (await ada.patch(path, json={"clearance": 1})).status_code == 200
        for change in ({"clearance": 2}, {"role": "operator"}, {"password": "a new long password"}):
            refused = await ada.patch(path, json=change)
            assert (refused.status_code, refused.json()["code"]) == (403, "step-up-required")
            assert (refused.json()["action"], refused.json()["resource"]) == ("people.update", vera)
        confirmed = await node.step_up(ada, "people.update", vera)
        assert (await ada.patch(path, json={"role": "operator"}, headers=confirmed)).json()["role"] == "operator"


async def test_a_new_admin_needs_a_step_up_and_a_new_viewer_does_not(node: Web) -> None:
    new = {"username": "nora", "display_name": "Nora", "role": "admin"}
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        assert (await ada.post("/v1/admin/users", json=new)).json()["code"] == "step-up-required"
        assert (await ada.post("/v1/admin/users", json=new | {"role": "viewer"})).status_code == 201


async def test_a_factor_is_offered_confirmed_listed_and_reset_over_http(node: Web) -> None:
    async with await node.signed_in("north", "vera", PASSWORD) as vera:
        assert (await vera.post("/v1/auth/factors/totp")).json()["code"] == "step-up-required"
        offer = await vera.post("/v1/auth/factors/totp", headers=await node.step_up(vera, "factors.enrol"))
        assert offer.status_code == 201
        listed = (await vera.get("/v1/auth/factors")).json()
        assert [(one["kind"], one["confirmed_at"]) for one in listed["items"]] == [("totp", None)]
        assert "secret" not in listed["items"][0]
        wrong = await vera.post(f"/v1/auth/factors/{offer.json()['id']}/confirm", json={"code": "000 00"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "factor-refused")
        me = (await vera.get("/v1/auth/me")).json()["id"]
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        path = f"/v1/admin/users/{me}/factors"
        assert (await ada.delete(path)).json()["code"] == "step-up-required"
        assert (await ada.delete(path, headers=await node.step_up(ada, "factors.reset", me))).status_code == 204
        assert (await ada.get("/v1/auth/factors")).json() == {"items": [], "recovery_codes": 0, "has_password": True}
