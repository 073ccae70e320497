"""Security keys: set up, signed in with, confirmed with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import security_keys
from appliance.identity.errors import FactorExists, FactorRefused, KeyUnavailable
from appliance.identity.factors import MOST_KEYS
from appliance.identity.values import Answer, Proof
from appliance.policy import PolicyEngine
from appliance.store import Principal, Store, Tenant
from tests.identity.authenticator import ORIGIN, SecurityKey
from tests.identity.site import PASSWORD, Site
from tests.identity.web import Web, web


@pytest.fixture
def site(either_site: Site) -> Site:
    return either_site


async def set_up(site: Site, tenant: Tenant, person: Principal, key: SecurityKey) -> tuple[str, ...]:
    admitted = site.admitted(tenant, principal=person)
    offer = await site.factors.begin_key(admitted, "Blue key", tenant.name, ORIGIN)
    credential = key.create(offer.options)
    confirmed = await site.factors.confirm_key(
        site.admitted(tenant, principal=person), offer.challenge, credential, key.origin
    )
    return confirmed.recovery_codes


async def test_a_person_signs_in_with_a_security_key(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    key = SecurityKey()
    codes = await set_up(site, tenant, await site.principal(tenant, "nora"), key)
    challenge = await site.challenge(tenant, "nora")

    answer = key.get(await site.sign_in.key_request(challenge, ORIGIN))
    signed_in = await site.sign_in.second_factor(Answer("webauthn", answer, challenge, ORIGIN))

    assert signed_in.person.username == "nora"
    assert len(codes) == 10
    assert site.record.written[-1].metadata == {"second_factor": "webauthn"}


async def test_a_key_stands_beside_an_app_and_brings_no_second_set_of_codes(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")
    await site.with_app(tenant, nora)

    assert await set_up(site, tenant, nora, SecurityKey()) == ()
    own = await site.factors.own(site.admitted(tenant, principal=nora))
    assert [one.kind for one in own.factors] == ["totp", "webauthn"]


async def test_a_person_confirms_with_a_security_key_once(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    ada = await site.principal(tenant, "ada")
    key = SecurityKey()
    await set_up(site, tenant, ada, key)
    asked = await site.proofs.key_request(ada, ORIGIN)
    proof = Proof(answer=Answer("webauthn", key.get(asked.options), asked.challenge, ORIGIN))

    given_ = await site.step_ups.give(ada, "kiosks.enrol", "", proof)

    await site.step_ups.require(ada, "kiosks.enrol", "", given_)


async def test_a_key_is_taken_once_and_a_person_has_so_many(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    await site.add(tenant, "otto")
    nora, otto = await site.principal(tenant, "nora"), await site.principal(tenant, "otto")
    key = SecurityKey()
    await set_up(site, tenant, nora, key)
    with pytest.raises(FactorRefused):
        await set_up(site, tenant, otto, key)

    for _ in range(MOST_KEYS - 1):
        await set_up(site, tenant, nora, SecurityKey())
    with pytest.raises(FactorExists):
        await set_up(site, tenant, nora, SecurityKey())


@pytest.mark.parametrize(
    "origin", ["https://10.1.2.3", "https://[::1]:8443", "http://node.plant", "https://", "://", ""]
)
async def test_where_browsers_make_no_keys_none_is_offered(site: Site, tenant: Tenant, origin: str) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")

    with pytest.raises(KeyUnavailable):
        await site.factors.begin_key(site.admitted(tenant, principal=nora), "Key", "North", origin)


async def test_at_another_name_the_keys_of_this_one_are_not_asked_for(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    await set_up(site, tenant, await site.principal(tenant, "nora"), SecurityKey())
    challenge = await site.challenge(tenant, "nora")

    with pytest.raises(KeyUnavailable):
        await site.sign_in.key_request(challenge, "https://other.plant")


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_what_no_key_says_is_refused_and_raises_nothing_else(said: object) -> None:
    text = json.dumps(said)

    assert isinstance(security_keys.handle_of(text), str)
    with pytest.raises(FactorRefused):
        security_keys.registered(text, challenge="c", origin=ORIGIN)
    assert (
        security_keys.counted(text, challenge="c", origin=ORIGIN, host="node.plant", public_key=b"", counter=0) is None
    )


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, PolicyEngine()) as node:
        await node.site.add(tenant, "vera", "viewer")
        yield node


async def test_a_key_is_set_up_and_signed_in_with_over_http(node: Web) -> None:
    key = SecurityKey("http://localhost")
    async with await node.signed_in("north", "vera", PASSWORD) as vera:
        vera.base_url = httpx.URL("http://localhost")
        confirmed = await node.step_up(vera, "factors.enrol")
        offer = (await vera.post("/v1/auth/factors/webauthn", headers=confirmed)).raise_for_status().json()
        body = {"challenge": offer["challenge"], "credential": key.create(offer["public_key"])}
        made = (await vera.post("/v1/auth/factors/webauthn/confirm", json=body)).raise_for_status().json()
        assert (made["kind"], len(made["recovery_codes"])) == ("webauthn", 10)

    step = (await node.login("north", "vera", PASSWORD)).json()
    assert (step["code"], step["kinds"]) == ("second-factor-required", ["webauthn", "recovery"])
    async with node.client() as anybody:
        anybody.base_url = httpx.URL("http://localhost")
        asked = {"challenge": step["challenge"]}
        options = (await anybody.post("/v1/auth/second-factor/options", json=asked)).raise_for_status().json()
        answer = asked | {"kind": "webauthn", "code": key.get(options["public_key"])}
        signed_in = (await anybody.post("/v1/auth/second-factor", json=answer)).raise_for_status().json()

    async with node.client(signed_in["access_token"]) as vera:
        vera.base_url = httpx.URL("http://localhost")
        asked = (await vera.post("/v1/auth/step-up/options")).raise_for_status().json()
        proof = {"kind": "webauthn", "challenge": asked["challenge"], "code": key.get(asked["public_key"])}
        removed = await vera.delete(
            f"/v1/auth/factors/{made['id']}", headers=await node.step_up(vera, "factors.remove", made["id"], **proof)
        )
        assert removed.status_code == 204
    assert (await node.login("north", "vera", PASSWORD)).status_code == 200
