"""The code flow, with a real OpenID provider on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from appliance.identity.federation.journeys import COOKIE
from appliance.store import Store, Tenant
from tests.identity.federation.company import GROUPS
from tests.identity.federation.idp import Idp, running
from tests.identity.federation.web import URL, FederatedWeb, comes_back, web


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with running() as idp:
        yield idp


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant, idp: Idp) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, allowed=[idp.host], tenants=[tenant]) as node:
        yield node


def settings_for(idp: Idp, tenant: Tenant, **changed: Any) -> dict[str, Any]:
    client_id, secret = idp.register(f"{URL}/v1/auth/oidc/{tenant.slug}/callback")
    return {
        "title": "Works login", "issuer": idp.url, "client_id": client_id, "client_secret": secret, "own_client": True,
        "groups": GROUPS, "allow_new": True,
    } | changed  # fmt: skip


async def signed_in(
    node: FederatedWeb, browser: httpx.AsyncClient, tenant: Tenant, idp: Idp, sub: str
) -> dict[str, Any]:
    back = idp.signs_in(await node.leaves(browser, tenant), sub)
    what, code = await comes_back(browser, back)
    assert what == "arrived", code
    answer = await node.enters(browser, code)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def test_a_person_signs_in_at_the_company_and_has_a_session_of_ours(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    await node.set_up(tenant, {"oidc": settings_for(idp, tenant)})
    idp.knows("nora-1", preferred_username="Nora", name="Nora North", groups=["plant-operators"])
    async with node.browser() as browser:
        ways = (await browser.get("/v1/auth/ways", params={"tenant": tenant.slug})).json()["items"]
        assert ways == [{"kind": "oidc", "title": "Works login", "start": f"{URL}/v1/auth/oidc/north/start"}]

        tokens = await signed_in(node, browser, tenant, idp, "nora-1")

        assert browser.cookies.get(COOKIE) is None
    assert (tokens["user"]["username"], tokens["user"]["role"], tokens["user"]["tenant"]) == (
        "nora",
        "operator",
        "north",
    )
    async with node.browser(tokens["access_token"]) as nora:
        assert (await nora.get("/v1/auth/me")).json()["display_name"] == "Nora North"
    async with node.browser() as anybody:
        fresh = await anybody.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert fresh.status_code == 200


async def test_the_browser_is_sent_with_everything_that_protects_it(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    settings = settings_for(idp, tenant)
    await node.set_up(tenant, {"oidc": settings})
    async with node.browser() as browser:
        answer = await browser.get(f"/v1/auth/oidc/{tenant.slug}/start")

    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert answer.headers["location"].startswith(f"{idp.url}/oauth2/authorize?")
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"{URL}/v1/auth/oidc/north/callback"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=lax", "Path=/v1/auth", "Max-Age=600"))
    assert asked["state"] not in cookie
    assert settings["client_secret"] not in str(asked)


async def test_the_session_follows_the_groups_at_the_next_sign_in_and_the_mapping_at_the_next_refresh(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    settings = settings_for(idp, tenant)
    await node.set_up(tenant, {"oidc": settings})
    idp.knows("otto-1", preferred_username="otto", groups=["plant-admins"])
    async with node.browser() as browser:
        tokens = await signed_in(node, browser, tenant, idp, "otto-1")
        assert tokens["user"]["role"] == "admin"
        await node.set_up(tenant, {"oidc": settings | {"groups": {"plant-admins": "viewer"}}})

        fresh = (await browser.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).json()
        assert fresh["user"]["role"] == "viewer"

        idp.knows("otto-1", preferred_username="otto", groups=["canteen"])
        back = idp.signs_in(await node.leaves(browser, tenant), "otto-1")
        assert await comes_back(browser, back) == ("refused", "no-role-here")
        ended = await browser.post("/v1/auth/refresh", json={"refresh_token": fresh["refresh_token"]})
        assert ended.json()["code"] == "session-ended"


async def test_a_provider_that_is_switched_off_ends_its_sessions_and_no_others(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    settings = settings_for(idp, tenant)
    await node.set_up(tenant, {"oidc": settings})
    idp.knows("olga-1", preferred_username="olga", groups=["plant-operators"])
    async with node.browser() as browser, await node.signed_in(tenant, "ada") as ada:
        tokens = await signed_in(node, browser, tenant, idp, "olga-1")
        await node.set_up(tenant, {"oidc": settings | {"enabled": False}})

        refused = await browser.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert refused.json()["code"] == "session-ended"
        assert (await ada.get("/v1/auth/me")).status_code == 200
        assert (await browser.get("/v1/auth/ways", params={"tenant": "north"})).json()["items"] == []
        start = await browser.get("/v1/auth/oidc/north/start")
        assert start.headers["location"].endswith("#refused=sign-in-not-offered")


async def test_a_session_outlives_an_outage_of_the_provider(store: Store, tmp_path: Path, tenant: Tenant) -> None:
    idp = Idp()
    idp.start()
    try:
        async with web(store, tmp_path, allowed=[idp.host], tenants=[tenant]) as node, node.browser() as browser:
            await node.set_up(tenant, {"oidc": settings_for(idp, tenant)})
            idp.knows("nora-1", preferred_username="nora", groups=["plant-operators"])
            tokens = await signed_in(node, browser, tenant, idp, "nora-1")
            idp.stop()

            fresh = await browser.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})

            assert fresh.status_code == 200
    finally:
        idp.stop()


async def test_a_provider_that_cannot_be_asked_is_said_so_and_passwords_still_work(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    await node.set_up(tenant, {"oidc": settings_for(idp, tenant, issuer="http://127.0.0.1:1")})
    async with node.browser() as browser:
        start = await browser.get("/v1/auth/oidc/north/start")

    assert start.headers["location"] == f"{URL}/console#refused=identity-address-refused"
    async with await node.signed_in(tenant, "ada") as ada:
        assert (await ada.get("/v1/auth/me")).status_code == 200


async def test_who_is_not_invited_or_has_the_name_of_somebody_else_is_told(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    settings = settings_for(idp, tenant)
    await node.set_up(tenant, {"oidc": settings | {"allow_new": False}})
    idp.knows("vera-1", preferred_username="vera", groups=["plant-viewers"])
    idp.knows("ada-1", preferred_username="ada", groups=["plant-viewers"])
    async with node.browser() as browser:
        back = idp.signs_in(await node.leaves(browser, tenant), "vera-1")
        assert await comes_back(browser, back) == ("refused", "not-invited")
        await node.set_up(tenant, {"oidc": settings})
        back = idp.signs_in(await node.leaves(browser, tenant), "ada-1")
        assert await comes_back(browser, back) == ("refused", "name-held")


async def test_a_person_who_says_no_at_the_provider_comes_back_unsigned(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    await node.set_up(tenant, {"oidc": settings_for(idp, tenant)})
    async with node.browser() as browser:
        there = await node.leaves(browser, tenant)
        state = parse_qs(urlsplit(there).query)["state"][0]

        back = f"/v1/auth/oidc/north/callback?error=access_denied&state={state}"

        assert await comes_back(browser, back) == ("refused", "outside-refused")


@pytest.mark.parametrize("slug", ["nowhere", "NORTH", "..", "north%2f..", "00000000-0000-0000-0000-000000000000"])
async def test_a_plant_that_is_not_here_offers_nothing(node: FederatedWeb, slug: str) -> None:
    async with node.browser() as browser:
        answer = await browser.get(f"/v1/auth/oidc/{slug}/start")
        ways = await browser.get("/v1/auth/ways", params={"tenant": "nowhere"})

    assert answer.status_code == 404 or answer.headers["location"].endswith("#refused=sign-in-not-offered")
    assert ways.json() == {"items": []}
