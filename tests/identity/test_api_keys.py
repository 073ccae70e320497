"""API keys: made, used, rotated, revoked."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.identity import api_keys, rules
from appliance.identity.errors import ApiKeyOver, BeyondOwnClearance, KeyRefused, ScopeRefused, UnknownApiKey
from appliance.identity.tables import ApiKeyRow
from appliance.identity.values import NewApiKey, PersonChange, Role
from appliance.policy import PolicyEngine
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant, new_id
from tests.identity.site import PASSWORD, POLICY, Site
from tests.identity.web import Web, web

READS = NewApiKey("MES", frozenset({"search.query", "documents.read"}), role="viewer")


@pytest.fixture
def site(either_site: Site) -> Site:
    return either_site


async def test_a_key_is_a_principal_of_its_own_with_its_scopes(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")

    made = await site.api_keys.create(site.admitted(tenant, principal=ada), READS)
    program = await site.sign_in.authenticate(made.secret)

    assert (program.kind, program.role, program.clearance, program.name) == ("service", "viewer", 2, "MES")
    assert (program.id, program.tenant_id, program.scopes) == (made.key.id, tenant.id, READS.scopes)
    assert made.secret.startswith(made.key.prefix + "_")
    allowed = {one: POLICY.permits(program, one, [api_keys._ANY])[0] for one in ("search.query", "chat.ask")}
    assert allowed == {"search.query": True, "chat.ask": False}


async def test_of_a_key_only_a_hash_is_kept(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), READS)
    async with site.store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
        (row,) = (await session.scalars(select(ApiKeyRow))).all()

    secret = made.secret.removeprefix(made.key.prefix + "_")
    assert len(secret) == 43
    assert not any(secret in str(getattr(row, column.name)) for column in ApiKeyRow.__table__.columns)
    assert row.maker_id is None


async def test_a_key_has_no_more_than_its_maker_and_falls_with_them(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "ada", "admin")
    await site.add(tenant, "otto", "admin")
    ada = await site.principal(tenant, "ada")
    new = NewApiKey("All", frozenset({"documents.upload", "people.list"}))
    made = await site.api_keys.create(site.admitted(tenant, principal=ada), new)
    assert (await site.sign_in.authenticate(made.secret)).role == "admin"

    await site.people.update(site.admitted(tenant), person.id, PersonChange(role="operator", clearance=1))
    program = await site.sign_in.authenticate(made.secret)
    assert (program.role, program.clearance) == ("operator", 1)

    await site.people.update(site.admitted(tenant), person.id, PersonChange(is_active=False))
    with pytest.raises(KeyRefused):
        await site.sign_in.authenticate(made.secret)


async def test_scopes_are_what_maker_and_role_may_do(site: Site, tenant: Tenant) -> None:
    operator = Principal(new_id(), "person", tenant.id, "olga", "operator", 2)
    wrong: list[tuple[Principal | None, NewApiKey]] = [
        (None, NewApiKey("x", frozenset())),
        (None, NewApiKey("x", frozenset({"no.such"}))),
        (None, NewApiKey("x", frozenset({"people.list"}), role="viewer")),
        (None, NewApiKey("x", frozenset({"factors.enrol"}))),
        (operator, NewApiKey("x", frozenset({"people.list"}), role="admin")),
    ]
    for who, new in wrong:
        with pytest.raises(ScopeRefused) as refused:
            await site.api_keys.create(site.admitted(tenant, principal=who), new)
        assert refused.value.context == {"scopes": sorted(new.scopes)}
    with pytest.raises(BeyondOwnClearance):
        await site.api_keys.create(
            site.admitted(tenant, principal=operator), NewApiKey("x", frozenset({"chat.ask"}), clearance=3)
        )


async def test_a_rotated_key_works_with_its_new_secret_alone_and_for_its_whole_time(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), READS)
    site.clock.pass_(days=80)

    again = await site.api_keys.rotate(site.admitted(tenant), made.key.id)

    assert again.key.id == made.key.id
    assert again.key.expires_at - site.clock.now == dt.timedelta(days=90)
    assert (await site.sign_in.authenticate(again.secret)).id == made.key.id
    with pytest.raises(KeyRefused):
        await site.sign_in.authenticate(made.secret)


async def test_a_revoked_key_stays_revoked(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), READS)
    first = await site.api_keys.revoke(site.admitted(tenant), made.key.id)
    site.clock.pass_(hours=1)

    again = await site.api_keys.revoke(site.admitted(tenant), made.key.id)

    assert again.revoked_at == first.revoked_at
    assert not again.is_active
    with pytest.raises(ApiKeyOver):
        await site.api_keys.rotate(site.admitted(tenant), made.key.id)


async def test_a_key_ends_with_its_time(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(
        site.admitted(tenant, kind="owner"), NewApiKey("x", frozenset({"chat.ask"}), days=1)
    )
    site.clock.pass_(days=1)

    with pytest.raises(KeyRefused):
        await site.sign_in.authenticate(made.secret)
    assert site.record.reasons() == ["api key over"]


async def test_the_last_use_is_kept_to_the_hour(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), READS)
    site.clock.pass_(minutes=100)
    await site.sign_in.authenticate(made.secret)
    site.clock.pass_(minutes=10)
    await site.sign_in.authenticate(made.secret)

    (listed,) = await site.api_keys.page(site.admitted(tenant), limit=5)

    assert listed.last_used_at == dt.datetime(2026, 3, 2, 7, 0, tzinfo=dt.UTC)


async def test_keys_of_another_tenant_are_neither_listed_nor_changed(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    made = await site.api_keys.create(site.admitted(other_tenant, kind="owner"), READS)

    assert not await site.api_keys.page(site.admitted(tenant), limit=5)
    for change in (site.api_keys.rotate, site.api_keys.revoke):
        with pytest.raises(UnknownApiKey):
            await change(site.admitted(tenant), made.key.id)
    assert (await site.sign_in.authenticate(made.secret)).tenant_id == other_tenant.id


ROLES = st.sampled_from(rules.ROLES)


@given(one=ROLES, other=ROLES)
def test_the_lower_of_two_roles_can_do_no_more_than_either(one: Role, other: Role) -> None:
    lower = rules.lower(one, other)

    assert lower in {one, other}
    assert rules.ROLES.index(lower) <= min(rules.ROLES.index(one), rules.ROLES.index(other))


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, PolicyEngine()) as node:
        await node.site.add(tenant, "ada", "admin")
        yield node


async def test_a_key_is_made_used_both_ways_rotated_and_revoked_over_http(node: Web) -> None:
    body = {"name": "MES", "scopes": ["auth.me", "kiosks.list"], "role": "admin"}
    async with await node.signed_in("north", "ada", PASSWORD) as ada, node.client() as program:
        assert (await ada.post("/v1/api-keys", json=body)).json()["code"] == "step-up-required"
        made = await ada.post("/v1/api-keys", json=body, headers=await node.step_up(ada, "api_keys.create"))
        assert made.status_code == 201
        key, key_id = made.json()["key"], made.json()["id"]
        for header in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}):
            me = (await program.get("/v1/auth/me", headers=header)).json()
            assert (me["kind"], me["id"], me["scopes"]) == ("service", key_id, ["auth.me", "kiosks.list"])
            refused = await program.get("/v1/admin/users", headers=header)
            assert (refused.status_code, refused.json()["policies"]) == (403, ["within-scopes"])
        (listed,) = (await ada.get("/v1/api-keys")).json()["items"]
        assert listed["prefix"] == key[:16]
        assert "key" not in listed
        confirmed = await node.step_up(ada, "api_keys.rotate", key_id)
        fresh = (await ada.post(f"/v1/api-keys/{key_id}/rotate", headers=confirmed)).json()["key"]
        assert (await program.get("/v1/auth/me", headers={"x-api-key": key})).status_code == 401
        assert (await program.get("/v1/auth/me", headers={"x-api-key": fresh})).status_code == 200
        assert (await ada.delete(f"/v1/api-keys/{key_id}")).json()["is_active"] is False
        assert (await program.get("/v1/auth/me", headers={"x-api-key": fresh})).status_code == 401


async def test_a_token_does_all_that_its_role_may_for_its_minutes_and_no_longer(site: Site, tenant: Tenant) -> None:
    token = NewApiKey("ops", frozenset(), role="viewer", minutes=15)
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), token)
    program = await site.sign_in.authenticate(made.secret)

    assert (program.kind, program.role) == ("service", "viewer")
    assert {"chat.ask", "documents.read"} <= program.scopes
    assert not {"documents.upload", "people.list"} & program.scopes
    assert all(POLICY.permits(program, scope, [api_keys._ANY])[0] for scope in program.scopes)
    with pytest.raises(ApiKeyOver):
        await site.api_keys.rotate(site.admitted(tenant, kind="owner"), made.key.id)
    site.clock.pass_(minutes=16)
    site.sign_in.forget()
    with pytest.raises(KeyRefused):
        await site.sign_in.authenticate(made.secret)


async def test_a_token_of_a_role_has_no_more_than_who_issues_it(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "otto", "operator")
    otto = await site.principal(tenant, "otto")

    made = await site.api_keys.create(
        site.admitted(tenant, principal=otto), NewApiKey("ops", frozenset(), role="admin", minutes=1)
    )

    assert made.key.role == "operator"
    assert "people.list" not in made.key.scopes
