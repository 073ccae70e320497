"""A step-up by signing in at a SAML provider once more; and what does not serve as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from appliance.store import Store, Tenant
from tests.identity.federation.saml_idp import SamlIdp, form_of, running
from tests.identity.federation.test_saml import posts, settings_for
from tests.identity.federation.web import FederatedWeb, comes_back, web

WANTED = {"action": "people.create", "resource": ""}
NEW = {"username": "vera", "display_name": "Vera", "role": "admin"}
MFA = "https://refeds.org/profile/mfa"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


@pytest.fixture
def idp() -> Iterator[SamlIdp]:
    with running() as idp:
        idp.context = MFA
        for who in ("bea", "eve"):
            idp.people[who] = {"groups": ["plant-admins"], "username": [who]}
        yield idp


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant, idp: SamlIdp) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, tenants=[tenant], admins_need_factor=True) as node:
        groups = {"plant-admins": "admin"}
        await node.set_up(tenant, {"saml": settings_for(idp, groups=groups)})
        yield node


async def signed_in(node: FederatedWeb, browser: httpx.AsyncClient, tenant: Tenant, who: str) -> None:
    _, code = await comes_back(browser, (await posts(node, browser, tenant, who)).headers["location"])
    tokens = (await node.enters(browser, code)).raise_for_status().json()
    browser.headers["authorization"] = f"Bearer {tokens['access_token']}"


async def again(node: FederatedWeb, browser: httpx.AsyncClient, who: str) -> tuple[str, str]:
    """Leave to confirm, sign in there as `who`, and come back."""
    url = (await browser.post("/v1/auth/step-up/outside", json=WANTED)).raise_for_status().json()["url"]
    async with httpx.AsyncClient() as outside:
        action, fields = form_of((await outside.get(f"{url}&who={who}")).text)
    async with node.browser() as elsewhere:
        posted = await elsewhere.post(action, data=fields)
    return await comes_back(browser, posted.headers["location"])


async def exchanged(browser: httpx.AsyncClient, code: str) -> httpx.Response:
    return await browser.post("/v1/auth/step-up/outside/exchange", json={"code": code})


async def test_somebody_from_outside_confirms_one_action_by_signing_in_there_again(
    node: FederatedWeb, tenant: Tenant
) -> None:
    async with node.browser() as browser:
        await signed_in(node, browser, tenant, "bea")
        assert (await browser.post("/v1/admin/users", json=NEW)).json()["code"] == "step-up-required"

        what, code = await again(node, browser, "bea")
        assert what == "confirmed", code
        given = (await exchanged(browser, code)).raise_for_status().json()["step_up"]
        assert (await exchanged(browser, code)).json()["code"] == "proof-refused"

        headers = {"x-step-up": given}
        assert (await browser.post("/v1/admin/users", json=NEW, headers=headers)).status_code == 201
        more = await browser.post("/v1/admin/users", json=NEW | {"username": "vera2"}, headers=headers)
        assert more.json()["code"] == "step-up-refused"


async def test_a_provider_that_remembers_them_or_asks_for_a_password_alone_confirms_nothing(
    node: FederatedWeb, tenant: Tenant, idp: SamlIdp
) -> None:
    async with node.browser() as browser:
        await signed_in(node, browser, tenant, "bea")
        idp.asks_anew = False
        assert await again(node, browser, "bea") == ("unconfirmed", "outside-refused")

        idp.asks_anew, idp.context = True, PASSWORD
        assert await again(node, browser, "bea") == ("unconfirmed", "no-second-factor")


async def test_entra_names_the_second_factor_among_the_attributes(
    node: FederatedWeb, tenant: Tenant, idp: SamlIdp
) -> None:
    idp.context = PASSWORD
    methods = ["http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"]
    methods.append("http://schemas.microsoft.com/claims/multipleauthn")
    idp.people["bea"] = {**idp.people["bea"], "http://schemas.microsoft.com/claims/authnmethodsreferences": methods}
    async with node.browser() as browser:
        await signed_in(node, browser, tenant, "bea")
        assert (await again(node, browser, "bea"))[0] == "confirmed"


async def test_somebody_else_confirms_nothing_and_a_code_is_for_the_session_that_asked(
    node: FederatedWeb, tenant: Tenant
) -> None:
    async with node.browser() as browser, node.browser() as another:
        await signed_in(node, browser, tenant, "bea")
        await signed_in(node, another, tenant, "eve")
        assert await again(node, browser, "eve") == ("unconfirmed", "outside-refused")

        _, code = await again(node, browser, "bea")
        await again(node, another, "eve")
        assert (await exchanged(another, code)).json()["code"] == "proof-refused"


async def test_a_confirmation_is_no_sign_in_and_a_sign_in_no_confirmation(node: FederatedWeb, tenant: Tenant) -> None:
    async with node.browser() as browser:
        await signed_in(node, browser, tenant, "bea")
        _, code = await again(node, browser, "bea")
        assert (await node.enters(browser, code)).json()["code"] == "outside-refused"

        what, code = await comes_back(browser, (await posts(node, browser, tenant, "bea")).headers["location"])
        assert what == "arrived"
        assert (await exchanged(browser, code)).json()["code"] == "proof-refused"
