"""Attacks on what a token says about itself: which key, which kind, which time, which wrapping."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from appliance.identity.errors import SessionEnded, TokenRefused
from appliance.identity.identities import SECRET
from appliance.store import Store, Tenant, open_store
from tests.attacks.tally import attempt, refusal
from tests.conftest import no_record
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


@pytest.fixture
def key(site: Site) -> OctKey:
    """The node's own, for tokens that are wrong in everything but their signature."""
    return OctKey.import_key(site.store.secret(SECRET))


async def refused(site: Site, token: str) -> None:
    with refusal(TokenRefused):
        await site.sign_in.authenticate(token)


def raised(token: str) -> dict[str, Any]:
    """The claims of somebody who would like to be an admin."""
    return parts(token)[1] | {"role": "admin"}


KIDS = [
    "../../../../dev/null",
    "/dev/null",
    "/proc/sys/kernel/randomize_va_space",
    "file:///dev/null",
    "master.key",
    "x' UNION SELECT 'k'--",
    "' OR 1=1 --",
    "http://127.0.0.1:1/jwks.json",
    "https://evil.example/jwks.json",
    "$(sleep 5)",
    "|whoami",
    "a\x00b",
    "k" * 4000,
    "",
]


@pytest.mark.parametrize("kid", KIDS, ids=range(len(KIDS)))
async def test_the_name_of_a_key_leads_to_no_key(site: Site, token: str, kid: str) -> None:
    for secret in (b"", b"\n", b"0\n", b"2\n", b"k", b"\x00" * 32, b"secret"):
        forged = unsigned({"alg": "HS256", "typ": "JWT", "kid": kid}, raised(token))
        signature = _hs256(secret, forged)
        await refused(site, f"{forged}.{signature}")


def _hs256(secret: bytes, signed: str) -> str:
    return base64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


@pytest.mark.parametrize("maker", [RSAKey, ECKey, OKPKey], ids=lambda maker: maker.__name__)
async def test_a_key_that_the_token_brings_along_is_not_used(site: Site, token: str, maker: Any) -> None:
    size, algorithm = {RSAKey: (2048, "RS256"), ECKey: ("P-256", "ES256"), OKPKey: ("Ed25519", "Ed25519")}[maker]
    own = maker.generate_key(size)
    for header in (
        {},
        {"jwk": own.as_dict(private=False)},
        {"jku": "https://127.0.0.1:1/jwks.json", "kid": "1"},
        {"x5u": "https://127.0.0.1:1/cert.pem"},
        {"x5c": ["MIIB"]},
    ):
        protected = {"alg": algorithm, "typ": "JWT"} | header
        await refused(site, jws.serialize_compact(protected, json.dumps(raised(token)), own, algorithms=[algorithm]))


async def test_a_public_key_is_no_secret_to_sign_with(site: Site, token: str) -> None:
    own = RSAKey.generate_key(2048)
    forged = unsigned({"alg": "HS256", "typ": "JWT"}, raised(token))
    for secret in (own.as_pem(private=False), own.as_pem(private=False).strip(), own.as_der(private=False)):
        await refused(site, f"{forged}.{_hs256(secret, forged)}")


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": ["outpost"], "outpost": "admin"},
        {"zip": "DEF"},
        {"cty": "JWT"},
    ],
    ids=str,
)
async def test_an_extension_that_nobody_knows_is_not_passed_over(
    site: Site, token: str, key: OctKey, header: dict[str, Any]
) -> None:
    forged = unsigned({"alg": "HS256", "typ": "JWT"} | header, raised(token))
    await refused(site, f"{forged}.{_hs256(b'k' * 32, forged)}")
    if "crit" in header:
        secret = base64.urlsafe_b64decode(str(key.as_dict(private=True)["k"]) + "==")
        await refused(site, f"{forged}.{_hs256(secret, forged)}")


@pytest.mark.parametrize(
    "change",
    [
        {"nbf": 4_000_000_000},
        {"nbf": "soon"},
        {"exp": 1},
        {"exp": -1},
        {"exp": None},
        {"exp": "4000000000"},
        {"exp": [4_000_000_000]},
        {"iat": "now"},
        {"iss": ["outpost"]},
        {"aud": None},
        {"aud": []},
        {"aud": {"a": 1}},
        {"sub": None},
        {"sub": ["a"]},
        {"tenant_id": None},
        {"tenant_id": ["*"]},
        {"tenant_id": "../north"},
        {"scopes": "people.create"},
        {"scopes": None},
        {"sid": "x"},
        {"kiosk": "x"},
    ],
    ids=str,
)
async def test_a_claim_of_another_kind_or_time_is_refused_even_under_our_own_signature(
    site: Site, token: str, key: OctKey, change: dict[str, Any]
) -> None:
    await refused(site, jwt.encode({"alg": "HS256"}, parts(token)[1] | change, key, algorithms=["HS256"]))


async def test_the_role_and_clearance_of_a_token_are_not_believed(site: Site, token: str, key: OctKey) -> None:
    """Who somebody is stands in the token, what they may is looked up."""
    claims = parts(token)[1] | {"clearance": 4, "level": 4, "is_admin": True, "groups": ["admin"]}

    found = await site.sign_in.authenticate(jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"]))
    with attempt():
        assert (found.role, found.clearance) == ("viewer", 2)


async def test_a_token_inside_a_token_is_none(site: Site, token: str, key: OctKey) -> None:
    wrapped = jwt.encode({"alg": "HS256", "cty": "JWT"}, {"token": token}, key, algorithms=["HS256"])
    await refused(site, wrapped)
    for management, content in (("dir", "A256GCM"), ("A256KW", "A128CBC-HS256")):
        own = OctKey.import_key(b"k" * 32)
        for secret in (own, key):
            sealed = jwe.encrypt_compact({"alg": management, "enc": content, "cty": "JWT"}, token.encode(), secret)
            await refused(site, sealed)


@pytest.mark.parametrize("size", [5_000, 100_000, 5_000_000])
async def test_a_token_of_any_size_is_refused_without_being_read(
    site: Site, token: str, key: OctKey, size: int
) -> None:
    claims = parts(token)[1] | {"fill": "x" * size}
    await refused(site, jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"]))
    head, body, signature = token.split(".")
    for long in (f"{head}{'A' * size}.{body}.{signature}", f"{token}{'A' * size}", "." * size):
        await refused(site, long)


@pytest.mark.parametrize("end", ["\n", " ", "=", "==", "%00", "\x00", ".", ".x"])
async def test_nothing_may_stand_before_or_after_a_token(site: Site, token: str, end: str) -> None:
    await refused(site, token + end)
    await refused(site, end + token)


async def test_a_body_in_json_or_in_two_halves_is_no_token(site: Site, token: str) -> None:
    head, body, signature = token.split(".")
    general = {"payload": body, "signatures": [{"protected": head, "signature": signature}]}
    flat = {"payload": body, "protected": head, "signature": signature}
    for one in (
        json.dumps(general),
        json.dumps(flat),
        f"{head}..{signature}",
        f"{head}.{body}",
        f"{body}.{head}.{signature}",
    ):
        await refused(site, one)


async def test_a_token_of_another_node_is_worth_nothing_here(
    site: Site, tenant: Tenant, tmp_path: Path, token: str
) -> None:
    elsewhere = await open_store(tmp_path / "elsewhere")
    other = Site(elsewhere)
    try:
        await elsewhere.migrate()
        elsewhere.post_record = no_record
        theirs = await elsewhere.create_tenant("north", "North plant")
        await other.add(theirs, "ada", "admin")
        foreign = await other.login(theirs, "ada")
        await refused(site, foreign.access_token)
        with refusal(TokenRefused):
            await other.sign_in.authenticate(token)
    finally:
        other.close()
        await elsewhere.close()


async def test_a_new_sign_in_shares_nothing_with_the_one_before(site: Site, tenant: Tenant, token: str) -> None:
    """Session fixation: what somebody brings along is never what they leave with."""
    before = parts(token)[1]
    for _ in range(3):
        again = await site.login(tenant, "vera")
        claims = parts(again.access_token)[1]
        with attempt():
            assert not {before["sid"], before["jti"]} & {claims["sid"], claims["jti"]}


async def test_a_session_that_has_ended_is_refused_under_every_token_of_it(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    first = await site.login(tenant, "nora")
    second = await site.sign_in.refresh(first.refresh_token)
    await site.sign_in.logout(await site.sign_in.authenticate(second.access_token))

    for ended in (first.access_token, second.access_token):
        with refusal(SessionEnded):
            await site.sign_in.authenticate(ended)
    with refusal(SessionEnded):
        await site.sign_in.refresh(second.refresh_token)
