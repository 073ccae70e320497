"""Attacks on security keys: copies, relays, answers to other questions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from appliance.identity.errors import FactorRefused, ProofRefused, SecondFactorRefused, TokenRefused
from appliance.identity.values import Answer, Proof
from appliance.store import Store, Tenant
from tests.identity.authenticator import ORIGIN, SecurityKey
from tests.identity.site import Site
from tests.identity.test_security_keys import set_up

pytestmark = pytest.mark.one_try


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


@pytest.fixture
async def key(site: Site, tenant: Tenant) -> SecurityKey:
    """Nora's."""
    await site.add(tenant, "nora")
    key = SecurityKey()
    await set_up(site, tenant, await site.principal(tenant, "nora"), key)
    return key


async def refused(site: Site, challenge: str, said: str, origin: str = ORIGIN) -> None:
    with pytest.raises(SecondFactorRefused):
        await site.sign_in.second_factor(Answer("webauthn", said, challenge, origin))


async def test_a_copy_of_a_key_is_known_by_its_count(site: Site, key: SecurityKey, tenant: Tenant) -> None:
    first = await site.challenge(tenant, "nora")
    key.count = 5
    said = key.get(await site.sign_in.key_request(first, ORIGIN))
    await site.sign_in.second_factor(Answer("webauthn", said, first, ORIGIN))

    for count in (5, 3, 0):
        key.count = count
        second = await site.challenge(tenant, "nora")
        await refused(site, second, key.get(await site.sign_in.key_request(second, ORIGIN)))


async def test_an_answer_to_one_challenge_does_not_answer_another(site: Site, key: SecurityKey, tenant: Tenant) -> None:
    one, other = await site.challenge(tenant, "nora"), await site.challenge(tenant, "nora")
    said = key.get(await site.sign_in.key_request(one, ORIGIN))

    await refused(site, other, said)
    await site.sign_in.second_factor(Answer("webauthn", said, one, ORIGIN))
    with pytest.raises(TokenRefused):
        await site.sign_in.second_factor(Answer("webauthn", said, one, ORIGIN))


async def test_an_answer_that_a_look_alike_site_relays_is_refused(site: Site, key: SecurityKey, tenant: Tenant) -> None:
    challenge = await site.challenge(tenant, "nora")
    options = await site.sign_in.key_request(challenge, ORIGIN)
    key.origin = "https://node.plant.example"
    said = key.get(options)

    await refused(site, challenge, said)
    await refused(site, challenge, said, origin="https://node.plant.example")
    await refused(site, challenge, key.get(options | {"rpId": "node.plant.example"}), "https://node.plant.example")


async def test_the_key_of_another_person_or_of_nobody_is_refused(site: Site, key: SecurityKey, tenant: Tenant) -> None:
    await site.add(tenant, "mallory")
    hers = SecurityKey()
    await set_up(site, tenant, await site.principal(tenant, "mallory"), hers)
    challenge = await site.challenge(tenant, "nora")
    options = await site.sign_in.key_request(challenge, ORIGIN)

    await refused(site, challenge, hers.get(options))
    stolen = json.loads(hers.get(options)) | {name: json.loads(key.get(options))[name] for name in ("id", "rawId")}
    await refused(site, challenge, json.dumps(stolen))
    await refused(site, challenge, SecurityKey().get(options))


@pytest.mark.parametrize("said", ["", "null", "[]", "{}", "0", '{"id": 1}', "[" * 8000, '{"id": "é"}'])
async def test_garbage_is_a_wrong_answer(site: Site, key: SecurityKey, tenant: Tenant, said: str) -> None:
    challenge = await site.challenge(tenant, "nora")

    await refused(site, challenge, said)


async def test_an_offer_made_to_one_person_or_session_serves_no_other(site: Site, tenant: Tenant) -> None:
    for name in ("nora", "mallory"):
        await site.add(tenant, name)
    nora, mallory = await site.principal(tenant, "nora"), await site.principal(tenant, "mallory")
    elsewhere = await site.principal(tenant, "nora")
    offer = await site.factors.begin_key(site.admitted(tenant, principal=nora), "Key", "North", ORIGIN)
    made = SecurityKey().create(offer.options)

    for other in (mallory, elsewhere):
        with pytest.raises(TokenRefused):
            await site.factors.confirm_key(site.admitted(tenant, principal=other), offer.challenge, made, ORIGIN)
    with pytest.raises(FactorRefused):
        await site.factors.confirm_key(
            site.admitted(tenant, principal=nora), offer.challenge, made, "https://other.plant"
        )


async def test_an_answer_for_confirming_serves_once_and_in_its_own_session(
    site: Site, key: SecurityKey, tenant: Tenant
) -> None:
    challenge = await site.challenge(tenant, "nora")
    said = key.get(await site.sign_in.key_request(challenge, ORIGIN))
    opened = await site.sign_in.second_factor(Answer("webauthn", said, challenge, ORIGIN))
    nora = await site.sign_in.authenticate(opened.access_token)
    asked = await site.proofs.key_request(nora, ORIGIN)
    proof = Proof(answer=Answer("webauthn", key.get(asked.options), asked.challenge, ORIGIN))
    await site.proofs.check(nora, proof)

    with pytest.raises(ProofRefused):
        await site.proofs.check(nora, proof)
    with pytest.raises(ProofRefused):
        await site.proofs.check(nora, Proof(answer=Answer("webauthn", said, challenge, ORIGIN)))
