"""Attacks with duties: an auditor who writes, one whose last day is over, keys made before, duties taken by oneself."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from appliance.identity.values import NewApiKey, PersonChange
from appliance.policy import PolicyEngine, Resource
from appliance.store import Store, Tenant
from tests.attacks.tally import attempt
from tests.identity.site import PASSWORD, POLICY
from tests.identity.web import Web, web
from tests.policy.people import ADMIN, OPERATOR, VIEWER, document

READS = {
    "audit.read_all", "audit.read_own", "auth.me", "policy.read", "guard.violations", "holds.read", "factors.read", "factors.enrol", "factors.remove",
    "passwords.change", "privacy.own",
}  # fmt: skip


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, PolicyEngine()) as node:
        for name in ("ada", "otto"):
            await node.site.add(tenant, name, "admin")
        yield node


@pytest.mark.parametrize("role", [VIEWER, OPERATOR, ADMIN], ids=lambda who: str(who.role))
@pytest.mark.parametrize("others", [frozenset[str](), frozenset({"approver", "supervisor", "data_owner"})])
def test_an_auditor_does_nothing_but_read_the_record(role: object, others: frozenset[str]) -> None:
    assert isinstance(role, type(VIEWER))
    auditor = replace(role, duties=frozenset({"auditor"}) | others)

    for action in POLICY.pack.actions:
        for thing in (
            Resource("node"),
            document(1),
            Resource("approval", "a", {"owner": str(auditor.id), "requester": "x"}),
        ):
            with attempt():
                allowed = POLICY.decide(auditor, action, thing).allowed
                assert not allowed or action in READS, action
    assert POLICY.decide(auditor, "audit.read_all", Resource("audit")).allowed


@pytest.mark.parametrize("role", [VIEWER, ADMIN], ids=lambda who: str(who.role))
def test_a_past_auditor_does_nothing_at_all(role: object) -> None:
    assert isinstance(role, type(VIEWER))
    past = replace(role, duties=frozenset({"past_auditor", "approver"}))

    for action in POLICY.pack.actions:
        with attempt():
            assert not POLICY.decide(past, action, Resource("node")).allowed
    assert "past-auditors-do-nothing" in POLICY.decide(past, "auth.me", Resource("node")).policies


async def test_an_auditor_reads_and_is_refused_what_their_role_may(node: Web, tenant: Tenant) -> None:
    site = node.site
    site.clock.now = dt.datetime.now(dt.UTC)  # who answers requests keeps the real time
    person = await site.add(tenant, "vera", "admin")
    until = site.clock().date() + dt.timedelta(days=30)
    await site.people.update(site.admitted(tenant), person.id, PersonChange(duties={"auditor": until}))

    async with await node.signed_in("north", "vera", PASSWORD) as vera:
        me = await vera.get("/v1/auth/me")
        assert me.json()["duties"] == ["auditor"], me.text
        for method, path, body in (
            ("GET", "/v1/admin/users", None),
            ("POST", "/v1/api-keys", {"name": "x", "scopes": ["chat.ask"]}),
            ("PATCH", f"/v1/admin/users/{person.id}", {"duties": []}),
            ("POST", "/v1/kiosks/enrolment-codes", {"clearance": 1}),
        ):
            with attempt():
                refused = await vera.request(method, path, json=body)
                assert (refused.status_code, refused.json()["code"]) == (403, "policy-denied"), path


async def test_a_duty_that_ends_while_signed_in_ends(node: Web, tenant: Tenant) -> None:
    site = node.site
    person = await site.add(tenant, "vera", "viewer")
    site.clock.now = site.clock.now.replace(hour=23, minute=55)
    await site.people.update(site.admitted(tenant), person.id, PersonChange(duties={"auditor": site.clock().date()}))
    token = (await site.login(tenant, "vera")).access_token
    assert (await site.sign_in.authenticate(token)).duties == {"auditor"}

    site.clock.pass_(minutes=6)

    with attempt():
        assert (await site.sign_in.authenticate(token)).duties == {"past_auditor"}


async def test_a_key_made_before_an_audit_is_held_to_it(node: Web, tenant: Tenant) -> None:
    site = node.site
    ada = await site.principal(tenant, "ada")
    made = await site.api_keys.create(site.admitted(tenant, principal=ada), NewApiKey("x", frozenset({"people.list"})))
    until = site.clock().date()
    await site.people.update(site.admitted(tenant), ada.id, PersonChange(duties={"auditor": until}))

    for days in (0, 2):
        site.clock.pass_(days=days)
        with attempt():
            program = await site.sign_in.authenticate(made.secret)
            assert POLICY.permits(program, "people.list", [Resource("person")]) == [False]


async def test_the_key_of_an_auditor_reads_no_more_than_its_maker(node: Web, tenant: Tenant) -> None:
    site = node.site
    ada = await site.principal(tenant, "ada")
    new = NewApiKey("audit", frozenset({"people.list"}), role="admin", clearance=3, auditor=True)
    made = await site.api_keys.create(site.admitted(tenant, principal=ada), new)
    program = await site.sign_in.authenticate(made.secret)
    with attempt():
        assert POLICY.permits(program, "people.list", [Resource("person")]) == [False]
    assert POLICY.permits(program, "audit.read_all", [Resource("audit")]) == [True]

    await site.people.update(site.admitted(tenant), ada.id, PersonChange(role="viewer"))

    with attempt():
        lower = await site.sign_in.authenticate(made.secret)
        assert POLICY.permits(lower, "audit.read_all", [Resource("audit")]) == [False]


async def test_nobody_takes_a_duty_and_it_is_given_only_after_a_step_up(node: Web, tenant: Tenant) -> None:
    vera = await node.site.add(tenant, "vera", "viewer")
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        own = (await ada.get("/v1/auth/me")).json()["id"]
        wanted = {"duties": [{"duty": "approver"}]}
        with attempt():
            confirmed = await node.step_up(ada, "people.update", own)
            refused = await ada.patch(f"/v1/admin/users/{own}", json=wanted, headers=confirmed)
            assert refused.json()["code"] == "own-account"
        with attempt():
            refused = await ada.patch(f"/v1/admin/users/{vera.id}", json=wanted)
            assert (refused.status_code, refused.json()["code"]) == (403, "step-up-required")
        confirmed = await node.step_up(ada, "people.update", str(vera.id))
        given = await ada.patch(f"/v1/admin/users/{vera.id}", json=wanted, headers=confirmed)
        assert given.json()["duties"] == [{"duty": "approver", "until": None}]
