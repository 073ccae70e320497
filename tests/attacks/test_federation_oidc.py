"""Attacks on the code flow: a sign-in that somebody else began, codes used twice or elsewhere, answers of other issuers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from appliance.identity.federation.journeys import COOKIE, Journey, Seals
from appliance.store import Store, Tenant
from tests.identity.federation.company import GROUPS
from tests.identity.federation.idp import Idp, running
from tests.identity.federation.web import URL, FederatedWeb, comes_back, web

pytestmark = pytest.mark.one_try

REFUSED = ("refused", "outside-refused")


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with running() as idp:
        yield idp


@pytest.fixture(scope="module")
def other_idp() -> Iterator[Idp]:
    with running() as idp:
        yield idp


@pytest.fixture
async def node(
    node_store: Store, tmp_path: Path, tenant: Tenant, other_tenant: Tenant, idp: Idp, other_idp: Idp
) -> AsyncIterator[FederatedWeb]:
    """North trusts one provider, south another; Nora and Mallory are known at both."""
    async with web(node_store, tmp_path, allowed=[idp.host, other_idp.host], tenants=[tenant, other_tenant]) as node:
        for where, provider in ((tenant, idp), (other_tenant, other_idp)):
            await node.set_up(where, {"oidc": settings_for(provider, where)})
            for name in ("nora", "mallory"):
                provider.knows(name, preferred_username=name, groups=["plant-operators"])
        yield node


def settings_for(idp: Idp, tenant: Tenant, **changed: Any) -> dict[str, Any]:
    client_id, secret = idp.register(f"{URL}/v1/auth/oidc/{tenant.slug}/callback")
    return {
        "title": "Works login", "issuer": idp.url, "client_id": client_id, "client_secret": secret, "own_client": True,
        "groups": GROUPS, "allow_new": True,
    } | changed  # fmt: skip


def query_of(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def test_a_sign_in_that_somebody_else_began_does_not_end_here(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    """Login CSRF: Mallory signs in, and gives Nora's browser the way back, so that Nora works as Mallory."""
    async with node.browser() as mallory, node.browser() as nora:
        back = idp.signs_in(await node.leaves(mallory, tenant), "mallory")

        assert await comes_back(nora, back) == REFUSED
        await node.leaves(nora, tenant)  # and the same while Nora is on a way of her own
        assert await comes_back(nora, back) == REFUSED


async def test_the_code_for_the_page_works_in_no_other_browser_and_is_used_up_by_the_try(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with node.browser() as mallory, node.browser() as nora:
        _, code = await comes_back(mallory, idp.signs_in(await node.leaves(mallory, tenant), "mallory"))
        assert (await node.enters(nora, code)).status_code == 401
        await node.leaves(nora, tenant)

        assert (await node.enters(nora, code)).status_code == 401
        assert (await node.enters(mallory, code)).status_code == 401


async def test_the_code_for_the_page_works_once(node: FederatedWeb, tenant: Tenant, idp: Idp) -> None:
    async with node.browser() as nora:
        _, code = await comes_back(nora, idp.signs_in(await node.leaves(nora, tenant), "nora"))
        cookie = nora.cookies[COOKIE]
        assert (await node.enters(nora, code)).status_code == 200
    async with node.browser() as thief:
        thief.cookies.set(COOKIE, cookie)

        assert (await node.enters(thief, code)).status_code == 401


async def test_the_way_back_works_once_even_with_the_cookie(node: FederatedWeb, tenant: Tenant, idp: Idp) -> None:
    async with node.browser() as nora:
        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
        assert (await comes_back(nora, back))[0] == "arrived"

        assert await comes_back(nora, back) == REFUSED


async def test_a_code_of_the_provider_is_no_use_on_another_way(node: FederatedWeb, tenant: Tenant, idp: Idp) -> None:
    """Code injection: Mallory has Nora's code, and a way and a cookie of her own. PKCE and nonce both stand against it."""
    async with node.browser() as nora, node.browser() as mallory:
        stolen = query_of(idp.signs_in(await node.leaves(nora, tenant), "nora"))["code"]
        own = query_of(await node.leaves(mallory, tenant))["state"]

        back = f"/v1/auth/oidc/north/callback?{urlencode({'code': stolen, 'state': own})}"

        assert await comes_back(mallory, back) == REFUSED


async def test_a_token_with_the_nonce_of_another_way_is_refused(node: FederatedWeb, tenant: Tenant, idp: Idp) -> None:
    """The provider is made to put a strange nonce in: everything else fits."""
    async with node.browser() as nora:
        there = await node.leaves(nora, tenant)
        asked = query_of(there)

        back = idp.signs_in(there.replace(quote(asked["nonce"]), "n" * 43), "nora")

        assert await comes_back(nora, back) == REFUSED


async def test_a_challenge_that_was_taken_out_or_replaced_redeems_nothing(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with node.browser() as nora:
        for change in ("x" * 43, ""):
            there = await node.leaves(nora, tenant)
            back = idp.signs_in(there.replace(query_of(there)["code_challenge"], change), "nora")

            assert await comes_back(nora, back) == REFUSED


@pytest.mark.parametrize("state", ["", "x" * 43, None])
async def test_an_answer_without_the_right_state_is_refused(
    node: FederatedWeb, tenant: Tenant, idp: Idp, state: str | None
) -> None:
    async with node.browser() as nora:
        answer = query_of(idp.signs_in(await node.leaves(nora, tenant), "nora"))
        changed = {"code": answer["code"]} | ({} if state is None else {"state": state})

        assert await comes_back(nora, f"/v1/auth/oidc/north/callback?{urlencode(changed)}") == REFUSED


async def test_an_answer_that_names_another_issuer_is_refused(
    node: FederatedWeb, tenant: Tenant, idp: Idp, other_idp: Idp
) -> None:
    """Mix-up (RFC 9207): the answer says that another issuer gave it."""
    async with node.browser() as nora:
        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
        assert await comes_back(nora, f"{back}&iss={quote(other_idp.url, safe='')}") == REFUSED

        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
        assert (await comes_back(nora, f"{back}&iss={quote(idp.url, safe='')}"))[0] == "arrived"


async def test_a_way_that_was_begun_for_one_plant_does_not_end_in_another(
    node: FederatedWeb, tenant: Tenant, other_tenant: Tenant, idp: Idp, other_idp: Idp
) -> None:
    async with node.browser() as nora:
        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
        assert await comes_back(nora, back.replace("/oidc/north/", "/oidc/south/")) == REFUSED

        code = query_of(other_idp.signs_in(await node.leaves(nora, other_tenant), "nora"))["code"]
        state = query_of(await node.leaves(nora, tenant))["state"]
        mixed = f"/v1/auth/oidc/north/callback?{urlencode({'code': code, 'state': state})}"
        assert await comes_back(nora, mixed) == REFUSED


async def test_a_person_of_one_plant_gets_no_session_in_another(
    node: FederatedWeb, tenant: Tenant, other_tenant: Tenant, idp: Idp
) -> None:
    """Both plants use one client; its tokens name the plant."""
    shared = settings_for(idp, tenant, own_client=False)
    await node.set_up(tenant, {"oidc": shared})
    idp.knows("nora", preferred_username="nora", groups=["plant-operators"], tenant_id="south")
    async with node.browser() as nora:
        assert await comes_back(nora, idp.signs_in(await node.leaves(nora, tenant), "nora")) == REFUSED


@pytest.mark.parametrize("cookie", ["", "00", "zz", "00" * 40, "f" * 5000, "e\u0301"])
async def test_a_cookie_that_was_made_up_is_refused(node: FederatedWeb, tenant: Tenant, idp: Idp, cookie: str) -> None:
    async with node.browser() as nora:
        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
    async with node.browser() as other:
        other.headers["cookie"] = f"{COOKIE}={quote(cookie)}"

        assert await comes_back(other, back) == REFUSED


async def test_a_cookie_cannot_be_changed_or_stretched(node: FederatedWeb, tenant: Tenant, idp: Idp) -> None:
    async with node.browser() as nora:
        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
        sealed = nora.cookies[COOKIE]
    for place in range(0, len(sealed), 17):
        altered = sealed[:place] + ("0" if sealed[place] != "0" else "1") + sealed[place + 1 :]
        async with node.browser() as other:
            other.headers["cookie"] = f"{COOKIE}={altered}"
            assert await comes_back(other, back) == REFUSED


async def test_a_cookie_is_good_for_ten_minutes(
    node: FederatedWeb, node_store: Store, tenant: Tenant, idp: Idp
) -> None:
    seals = Seals(node_store.secret("sign-in-journeys"))
    async with node.browser() as nora:
        back = idp.signs_in(await node.leaves(nora, tenant), "nora")
        journey = seals.journey(nora.cookies[COOKIE])
        for ends in (int(time.time()) - 1, int(time.time()) + 100_000):
            old = Journey("oidc", "north", journey.state, journey.nonce, journey.verifier, ends)
            nora.headers["cookie"] = f"{COOKIE}={seals.cookie(old)}"
            assert await comes_back(nora, back) == REFUSED


async def test_nobody_is_sent_anywhere_but_to_the_page_of_this_box(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    """Open redirect: neither a parameter nor the Host header chooses where the browser ends."""
    async with node.browser() as nora:
        for more in (
            "&redirect_uri=https://thief.example/",
            "&next=//thief.example",
            "&RelayState=https://thief.example",
        ):
            back = idp.signs_in(await node.leaves(nora, tenant), "nora") + more
            answer = await nora.get(back, headers={"host": "thief.example"})
            assert answer.headers["location"].startswith(f"{URL}/console#")


async def test_failed_ways_back_are_limited_before_they_are_recorded(
    node_store: Store, tmp_path: Path, tenant: Tenant
) -> None:
    async with web(node_store, tmp_path, tenants=[tenant], burst=5) as node, node.browser() as mallory:
        settings = {"title": "Works login", "issuer": "https://login.example.plant/", "client_id": "outpost"}
        await node.set_up(tenant, {"oidc": settings})
        said = [await comes_back(mallory, f"/v1/auth/oidc/north/callback?code=x&state={n}") for n in range(8)]

    assert said[:4] == [REFUSED] * 4
    assert said[-1] == ("refused", "too-many-attempts")
