"""Attacks on access tokens: made up, altered, stretched, moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from appliance.errors import Unauthenticated
from appliance.identity.errors import SessionEnded, TokenRefused
from appliance.identity.identities import SECRET
from appliance.identity.tokens import Claims, Tokens
from appliance.store import Store, Tenant, TenantId, new_id
from tests.attacks.tally import refusal
from tests.identity.site import Site, base64url, parts, unsigned


@pytest.fixture
def site(node_store: Store) -> Iterator[Site]:
    site = Site(node_store)
    yield site
    site.close()


@pytest.fixture
async def token(site: Site, tenant: Tenant) -> str:
    """What a viewer was given."""
    await site.add(tenant, "vera", "viewer")
    return (await site.login(tenant, "vera")).access_token


async def refused(site: Site, token: str) -> None:
    with refusal(TokenRefused) as error:
        await site.sign_in.authenticate(token)
    assert error.value.detail == "The token is not valid, or not any more."
    assert error.value.context == {}


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS512", "RS256", None])
async def test_a_token_does_not_choose_its_algorithm(site: Site, token: str, algorithm: str | None) -> None:
    _, claims, signature = parts(token)
    forged = unsigned({"alg": algorithm, "typ": "JWT"}, claims | {"role": "admin"})

    for end in ("", signature, base64url(b"x" * 32)):
        await refused(site, f"{forged}.{end}")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_a_right_signature_by_another_algorithm_is_refused(site: Site, token: str, algorithm: str) -> None:
    key = OctKey.import_key(site.store.secret(SECRET))

    await refused(site, jwt.encode({"alg": algorithm}, parts(token)[1], key, algorithms=[algorithm]))


async def test_a_token_of_another_node_is_refused(site: Site, token: str) -> None:
    _, claims, _ = parts(token)

    await refused(site, jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(b"k" * 32), algorithms=["HS256"]))


@pytest.mark.parametrize(
    "change",
    [
        {"role": "admin"},
        {"exp": 4_000_000_000},
        {"tenant_id": "00000000-0000-4000-8000-000000000000"},
        {"sub": "00000000-0000-4000-8000-000000000000"},
        {"scopes": ["people.create"]},
        {"kiosk": "00000000-0000-4000-8000-000000000000"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_changed_claims_under_the_old_signature_are_refused(
    site: Site, token: str, change: dict[str, Any]
) -> None:
    header, claims, signature = parts(token)

    await refused(site, f"{unsigned(header, claims | change)}.{signature}")


@pytest.mark.parametrize("place", range(0, 400, 7))
async def test_one_changed_letter_is_enough(site: Site, token: str, place: int) -> None:
    at = place % len(token)
    altered = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    if at == len(token) - 1:
        pytest.fail("the last letter has bits that no byte holds; choose another place")

    await refused(site, altered)


@pytest.mark.parametrize("garbage", ["", ".", "..", "a.b.c", "Bearer", "null", "é.é.é", "x" * 100_000, "eyJ9.eyJ9."])
async def test_what_is_no_token_is_refused(site: Site, garbage: str) -> None:
    await refused(site, garbage)


async def test_our_own_signature_does_not_move_a_person_to_another_tenant(
    site: Site, token: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await site.sign_in.authenticate(token)
    tokens = Tokens(site.store.signing(SECRET), clock=site.clock)
    moved = Claims(person.id, other_tenant.id, "viewer", session=person.session_id)

    await refused(site, tokens.issue(moved, dt.timedelta(minutes=15)))


async def test_a_session_cannot_be_used_under_another_name(site: Site, token: str, tenant: Tenant) -> None:
    other = await site.add(tenant, "ada", "admin")
    session = (await site.sign_in.authenticate(token)).session_id
    tokens = Tokens(site.store.signing(SECRET), clock=site.clock)

    await refused(site, tokens.issue(Claims(other.id, tenant.id, "admin", session=session), dt.timedelta(minutes=15)))


async def test_a_token_without_a_session_or_with_one_that_never_was_is_refused(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "vera", "viewer")
    tokens = Tokens(site.store.signing(SECRET), clock=site.clock)

    await refused(site, tokens.issue(Claims(person.id, tenant.id, "viewer"), dt.timedelta(minutes=15)))
    invented = Claims(person.id, tenant.id, "viewer", session=new_id())
    with refusal(SessionEnded):
        await site.sign_in.authenticate(tokens.issue(invented, dt.timedelta(minutes=15)))


async def test_a_person_cannot_pass_for_a_kiosk(site: Site, token: str, tenant: Tenant) -> None:
    person = await site.sign_in.authenticate(token)
    tokens = Tokens(site.store.signing(SECRET), clock=site.clock)

    with refusal(Unauthenticated):
        await site.sign_in.authenticate(
            tokens.issue(Claims(person.id, tenant.id, "viewer", kiosk=person.id), dt.timedelta(minutes=5))
        )


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub", "tenant_id", "role", "sid", "kiosk", "scopes"])
async def test_a_token_without_one_of_its_claims_is_refused(site: Site, token: str, claim: str) -> None:
    key = OctKey.import_key(site.store.secret(SECRET))
    claims = {name: value for name, value in parts(token)[1].items() if name != claim}

    await refused(site, jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"]))


@pytest.mark.parametrize(
    "change",
    [{"iss": "another"}, {"aud": "another"}, {"exp": "soon"}, {"iat": 4_000_000_000}, {"sub": "nora"}],
    ids=str,
)
async def test_a_token_for_somebody_else_is_refused(site: Site, token: str, change: dict[str, Any]) -> None:
    key = OctKey.import_key(site.store.secret(SECRET))

    await refused(site, jwt.encode({"alg": "HS256"}, parts(token)[1] | change, key, algorithms=["HS256"]))


async def test_a_token_of_a_tenant_that_is_gone_is_refused(site: Site, tenant: Tenant) -> None:
    tokens = Tokens(site.store.signing(SECRET), clock=site.clock)
    nowhere = Claims(new_id(), TenantId(new_id()), "admin", session=new_id())

    with refusal(Unauthenticated):
        await site.sign_in.authenticate(tokens.issue(nowhere, dt.timedelta(minutes=15)))
