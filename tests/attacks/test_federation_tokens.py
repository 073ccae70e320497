"""Attacks on tokens of identity providers: made up, confused, borrowed from another company, plant or client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from appliance.errors import Unauthenticated
from appliance.identity.federation.errors import OutsideRefused
from appliance.store import Store, Tenant
from tests.identity.federation.company import ISSUER, FederatedSite, Issuer, write_keys
from tests.identity.site import base64url, parts, unsigned

pytestmark = pytest.mark.one_try


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def site(node_store: Store, tmp_path: Path, issuer: Issuer, tenant: Tenant) -> AsyncIterator[FederatedSite]:
    site = FederatedSite(node_store, tmp_path)
    write_keys(site.key_file, issuer)
    await site.trust(tenant)
    yield site
    site.close()


async def refused(site: FederatedSite, token: str, why: str | None = None) -> None:
    with pytest.raises(Unauthenticated) as error:
        await site.enters(token)
    assert "nora" not in str(error.value)
    if why is not None:
        assert isinstance(error.value, OutsideRefused)
        assert error.value.why == why


# --- Algorithms and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", "RS1", "EdDSA", None])
async def test_a_token_without_a_signature_is_refused(
    site: FederatedSite, issuer: Issuer, algorithm: str | None
) -> None:
    claims = issuer.claims(site.clock())
    for end in ("", parts(issuer.token(site.clock()))[2]):
        await refused(site, f"{unsigned({'alg': algorithm, 'kid': 'key-1'}, claims)}.{end}")


@pytest.mark.parametrize("form", ["pem", "der", "jwk", "n"])
async def test_the_public_key_is_no_shared_secret(site: FederatedSite, issuer: Issuer, form: str) -> None:
    assert isinstance(issuer.key, RSAKey)
    public = {
        "pem": issuer.key.as_pem(private=False),
        "der": issuer.key.as_der(private=False),
        "jwk": json.dumps(issuer.public()).encode(),
        "n": base64.urlsafe_b64decode(issuer.public()["n"] + "=="),
    }[form]
    body = unsigned({"alg": "HS256", "kid": "key-1"}, issuer.claims(site.clock()))
    forged = hmac.new(public, body.encode(), hashlib.sha256).digest()

    await refused(site, f"{body}.{base64url(forged)}")


async def test_a_key_for_one_algorithm_signs_with_no_other(site: FederatedSite, issuer: Issuer) -> None:
    other = Issuer(algorithm="PS256")

    await refused(site, other.token(site.clock()), "another algorithm than the key's")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS512"])
async def test_algorithms_that_nobody_agreed_on_are_refused(
    site: FederatedSite, issuer: Issuer, algorithm: str
) -> None:
    await refused(site, Issuer(algorithm=algorithm).token(site.clock()))


@pytest.mark.parametrize("place", ["jwk", "jku", "x5u", "x5c"])
async def test_a_key_that_the_token_brings_along_is_never_used(site: FederatedSite, place: str) -> None:
    thief = Issuer.other(ISSUER)
    brought = {
        "jwk": thief.public(), "jku": "https://thief.example/jwks.json",
        "x5u": "https://thief.example/cert.pem", "x5c": [base64.b64encode(b"cert").decode()],
    }[place]  # fmt: skip

    await refused(site, thief.token(site.clock(), header={place: brought}), "signature")


KID_TRICKS = (
    "../../../../dev/null",
    "/proc/sys/kernel/randomize_va_space",
    "file:///etc/passwd",
    "https://thief.example/jwks.json#key-1",
    "key-1' OR '1'='1",
    "x' UNION SELECT 'AAAA' --",
    "key-1; cat /etc/passwd",
    "key-1\0",
    "KEY-1",
    " key-1",
    "",
    "%6bey-1",
    "k" * 5000,
)


@pytest.mark.parametrize("kid", KID_TRICKS, ids=range(len(KID_TRICKS)))
async def test_a_label_is_a_label_and_no_path_query_or_address(site: FederatedSite, issuer: Issuer, kid: str) -> None:
    await refused(site, issuer.token(site.clock(), header={"kid": kid}), "no key with this label")


@pytest.mark.parametrize("kid", [["key-1"], {"kid": "key-1"}, 1, True])
async def test_a_label_of_another_shape_is_refused(site: FederatedSite, issuer: Issuer, kid: Any) -> None:
    claims = issuer.claims(site.clock())

    await refused(site, f"{unsigned({'alg': 'RS256', 'kid': kid}, claims)}.{base64url(b'x' * 256)}")


async def test_without_a_label_nothing_is_tried_out(site: FederatedSite, issuer: Issuer) -> None:
    write_keys(site.key_file, issuer, Issuer.other(ISSUER, "key-2"))
    token = issuer.sign({"alg": "RS256"}, issuer.claims(site.clock()))

    await refused(site, token, "no key with this label")


async def test_a_header_that_must_be_understood_and_is_not_is_refused(site: FederatedSite, issuer: Issuer) -> None:
    claims = issuer.claims(site.clock())
    header = {"alg": "RS256", "kid": "key-1", "crit": ["b64"], "b64": True}

    await refused(site, f"{unsigned(header, claims)}.{base64url(b'x' * 256)}")


# --- Altered, stretched, misshapen ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"groups": ["plant-admins"]}, {"sub": "f3c1-otto"}, {"tenant_id": "south"}, {"exp": 4_000_000_000}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
async def test_changed_claims_under_the_old_signature_are_refused(
    site: FederatedSite, issuer: Issuer, change: dict[str, Any]
) -> None:
    header, claims, signature = parts(issuer.token(site.clock()))

    await refused(site, f"{unsigned(header, claims | change)}.{signature}", "signature")


@pytest.mark.parametrize("place", range(0, 800, 31))
async def test_one_changed_letter_is_enough(site: FederatedSite, issuer: Issuer, place: int) -> None:
    token = issuer.token(site.clock())
    at = place % (len(token) - 1)
    altered = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]

    await refused(site, altered)


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "sub"])
async def test_a_token_without_one_of_its_claims_is_refused(site: FederatedSite, issuer: Issuer, claim: str) -> None:
    await refused(site, issuer.token(site.clock(), **{claim: ...}))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": ISSUER + "/"}, {"iss": ISSUER.upper()}, {"iss": "https://login.example.plant/realms/other"}, {"iss": [ISSUER]},
        {"aud": "another"}, {"aud": []}, {"aud": "outpos"}, {"aud": {"outpost": True}}, {"aud": ["another", "third"]},
        {"exp": "soon"}, {"exp": None}, {"exp": -1}, {"exp": float("inf")}, {"iat": "now"}, {"nbf": "never"},
        {"sub": ""}, {"sub": 7}, {"sub": ["f3c1-nora"]}, {"sub": "a" * 256}, {"sub": " f3c1-nora"}, {"sub": "f3\u0000c1"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_for_somebody_else_or_of_another_shape_is_refused(
    site: FederatedSite, issuer: Issuer, change: dict[str, Any]
) -> None:
    await refused(site, issuer.token(site.clock(), **change))
    assert site.record.written == []


@pytest.mark.parametrize(
    ("change", "is_in"),
    [
        ({"exp": 29}, True), ({"exp": -29}, True), ({"exp": -31}, False),
        ({"nbf": 29}, True), ({"nbf": 31}, False), ({"iat": 29}, True), ({"iat": 31}, False),
    ],
    ids=str,
)  # fmt: skip
async def test_times_are_held_to_within_half_a_minute(
    site: FederatedSite, issuer: Issuer, change: dict[str, int], is_in: bool
) -> None:
    now = int(site.clock().timestamp())
    token = issuer.token(site.clock(), **{name: now + seconds for name, seconds in change.items()})

    if is_in:
        assert (await site.enters(token)).name == "nora"
    else:
        await refused(site, token)


async def test_a_clock_that_was_set_back_refuses_tokens_from_its_future(site: FederatedSite, issuer: Issuer) -> None:
    token = issuer.token(site.clock())
    site.clock.set_back(hours=2)

    await refused(site, token)


@pytest.mark.parametrize(
    "garbage",
    ["eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9..", "eyJhbGciOiJSUzI1NiJ9.e30.", "eyJhbGciOiJSUzI1NiJ9.W10.x",
     "eyJhbGciOiJSUzI1NiJ9." + "A" * 20_000 + ".x", "eyJhbGciOiJSUzI1NiJ9.e30.x.y.z", "\u00e9.\u00e9.\u00e9"],
    ids=range(7),
)  # fmt: skip
async def test_what_is_no_token_is_refused(site: FederatedSite, garbage: str) -> None:
    await refused(site, garbage)


async def test_a_token_nested_without_end_is_refused(site: FederatedSite) -> None:
    header, deep = base64url(b'{"alg":"RS256"}'), base64url(b'{"iss":' + b"[" * 7000)

    await refused(site, f"{header}.{deep}.x")


# --- Another company, plant, client -----------------------------------------------------------------------------------


async def test_one_companys_key_does_not_speak_for_another(
    site: FederatedSite, issuer: Issuer, other_tenant: Tenant
) -> None:
    supplier = Issuer.other("https://login.supplier.example/", "key-9")
    await site.trust(other_tenant, issuer=supplier.issuer)
    site.key_file.write_text(
        json.dumps({"keys": [issuer.public(iss=issuer.issuer), supplier.public(iss=supplier.issuer)]})
    )
    site.later()
    speaks_for_north = Issuer(ISSUER, supplier.key)

    await refused(site, speaks_for_north.token(site.clock()), "no key with this label")
    assert (await site.enters(supplier.token(site.clock(), tenant_id="south"))).tenant_id == other_tenant.id


async def test_keys_that_name_no_issuer_count_for_nobody_where_there_are_several(
    site: FederatedSite, issuer: Issuer, other_tenant: Tenant
) -> None:
    await site.enters(issuer.token(site.clock()))
    supplier = Issuer.other("https://login.supplier.example/", "key-9")
    await site.trust(other_tenant, issuer=supplier.issuer)
    write_keys(site.key_file, issuer, supplier)
    site.later()

    await refused(site, Issuer(ISSUER, supplier.key).token(site.clock()), "no key with this label")


@pytest.mark.parametrize(
    "named", ["south", "SOUTH", "north ", 7, None, "", ["north"], "00000000-0000-0000-0000-000000000000"]
)
async def test_a_token_that_names_another_plant_is_refused(
    site: FederatedSite, issuer: Issuer, tenant: Tenant, named: Any
) -> None:
    await site.trust(tenant, own_client=True)
    token = issuer.token(site.clock(), tenant_id=named)

    if named == "north ":
        assert (await site.enters(token)).tenant_id == tenant.id
    else:
        await refused(site, token, "another tenant")


async def test_the_first_claim_that_names_a_plant_counts_and_no_later_one_saves_it(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant, directory_ids=("d-1",))

    await refused(site, issuer.token(site.clock(), tenant_id="south", extension_PlatformTenantId="north"))
    await refused(site, issuer.token(site.clock(), tenant_id=..., extension_PlatformTenantId="south", tid="d-1"))
    assert (await site.enters(issuer.token(site.clock(), tenant_id=..., extension_PlatformTenantId="north"))).name


async def test_a_directory_alone_is_no_plant(site: FederatedSite, issuer: Issuer, tenant: Tenant) -> None:
    token = issuer.token(site.clock(), tenant_id=..., tid="9188040d-6c67-4c5b-b112-36a304b66dad")
    await refused(site, token, "another directory")
    await site.trust(tenant, own_client=True)
    await refused(site, token, "another directory")

    await site.trust(tenant, directory_ids=("9188040d-6c67-4c5b-b112-36a304b66dad",))

    assert (await site.enters(token)).tenant_id == tenant.id


async def test_a_directory_or_a_platform_id_that_is_the_tenants_id_by_chance_is_not_enough(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await refused(site, issuer.token(site.clock(), tenant_id=..., tid=str(tenant.id)), "another directory")


async def test_a_token_that_names_no_plant_is_taken_only_where_the_client_is_one_plants_own(
    site: FederatedSite, issuer: Issuer, tenant: Tenant, other_tenant: Tenant
) -> None:
    silent = issuer.token(site.clock(), tenant_id=...)
    await refused(site, silent, "no tenant is named")
    await site.trust(tenant, own_client=True)
    assert (await site.enters(silent)).tenant_id == tenant.id

    await site.trust(other_tenant, own_client=True)

    await refused(site, silent, "fits several tenants")


async def test_the_same_id_at_another_provider_is_another_person(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.enters(issuer.token(site.clock()))
    successor = Issuer.other("https://new.example.plant/")
    write_keys(site.key_file, successor)
    await site.trust(tenant, issuer=successor.issuer)

    await refused(site, successor.token(site.clock(), preferred_username="nora2"))
    assert site.record.reasons() == ["the id belongs to another provider"]


async def test_an_admin_of_one_plant_cannot_make_people_of_another(
    site: FederatedSite, tenant: Tenant, other_tenant: Tenant
) -> None:
    """The issuer is the attacker's own, and set up by the rules, in the attacker's own plant."""
    theirs = Issuer.other("https://theirs.example/", "t-1")
    await site.trust(other_tenant, issuer=theirs.issuer, own_client=True)
    site.key_file.write_text(json.dumps({"keys": [theirs.public(iss=theirs.issuer)]}))
    site.later()

    for name in ("north", str(tenant.id)):
        await refused(site, theirs.token(site.clock(), tenant_id=name, groups=["plant-admins"]), "another tenant")


async def test_groups_that_the_provider_left_out_are_not_taken_for_none(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant, profile="entra", default_role="operator")
    left_out = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/"}}}

    await refused(site, issuer.token(site.clock(), groups=..., **left_out), "groups left out by the provider")


async def test_a_stolen_key_that_was_taken_out_of_the_file_opens_nothing(site: FederatedSite, issuer: Issuer) -> None:
    token = issuer.token(site.clock(), sub="thief", preferred_username="thief")
    write_keys(site.key_file, Issuer.other(ISSUER, "key-2"))
    site.later()

    await refused(site, token, "no key with this label")
