"""A step-up by signing in at the company once more, with a real OpenID provider; and what does not serve as one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from appliance.store import Store, Tenant
from tests.identity.federation.idp import Idp, running
from tests.identity.federation.test_oidc import settings_for, signed_in
from tests.identity.federation.web import URL, FederatedWeb, comes_back, web

WANTED = {"action": "people.create", "resource": ""}
NEW = {"username": "vera", "display_name": "Vera", "role": "admin"}


@pytest.fixture(scope="module")
def idp() -> Iterator[Idp]:
    with running() as idp:
        yield idp


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant, idp: Idp) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, allowed=[idp.host], tenants=[tenant], admins_need_factor=True) as node:
        await node.set_up(tenant, {"oidc": settings_for(idp, tenant)})
        yield node


class Boss:
    """An admin of the company, signed in, in a browser that keeps cookies."""

    def __init__(self, browser: httpx.AsyncClient, idp: Idp, sub: str) -> None:
        self.browser, self.idp, self.sub = browser, idp, sub

    def is_known(self, **claims: Any) -> None:
        """Whom the provider knows; by default authenticated now, with a second factor."""
        said = {"auth_time": int(time.time()), "amr": ["pwd", "otp"]} | claims
        shown = {name: value for name, value in said.items() if value is not ...}
        self.idp.knows(self.sub, preferred_username=self.sub, groups=["plant-admins"], **shown)

    async def leaves(self, **wanted: str) -> str:
        answer = await self.browser.post("/v1/auth/step-up/outside", json=WANTED | wanted)
        url: str = answer.raise_for_status().json()["url"]
        return url

    async def back(self, url: str, sub: str | None = None) -> tuple[str, str]:
        return await comes_back(self.browser, self.idp.signs_in(url, sub or self.sub))

    async def exchanged(self, code: str) -> httpx.Response:
        return await self.browser.post("/v1/auth/step-up/outside/exchange", json={"code": code})


async def boss(node: FederatedWeb, tenant: Tenant, idp: Idp, browser: httpx.AsyncClient, sub: str = "bea") -> Boss:
    somebody = Boss(browser, idp, sub)
    somebody.is_known()
    tokens = await signed_in(node, browser, tenant, idp, sub)
    browser.headers["authorization"] = f"Bearer {tokens['access_token']}"
    return somebody


async def test_somebody_from_outside_confirms_one_action_by_signing_in_there_again(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with node.browser() as browser:
        bea = await boss(node, tenant, idp, browser)
        refused = await browser.post("/v1/admin/users", json=NEW)
        assert refused.json()["code"] == "step-up-required"

        url = await bea.leaves()
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        assert asked["redirect_uri"] == f"{URL}/v1/auth/oidc/north/callback"
        what, code = await bea.back(url)
        assert what == "confirmed", code
        given = (await bea.exchanged(code)).raise_for_status().json()

        headers = {"x-step-up": given["step_up"]}
        assert (await browser.post("/v1/admin/users", json=NEW, headers=headers)).status_code == 201
        again = await browser.post("/v1/admin/users", json=NEW | {"username": "vera2"}, headers=headers)
        assert again.json()["code"] == "step-up-refused"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"auth_time": 1_700_000_000}, "outside-refused"),
        ({"auth_time": None}, "outside-refused"),
        ({"auth_time": True}, "outside-refused"),
        ({"auth_time": "now"}, "outside-refused"),
        ({"amr": ["pwd"]}, "no-second-factor"),
        ({"amr": ...}, "no-second-factor"),
    ],
)
async def test_an_old_sign_in_or_one_without_a_second_factor_confirms_nothing(
    node: FederatedWeb, tenant: Tenant, idp: Idp, claims: dict[str, Any], why: str
) -> None:
    async with node.browser() as browser:
        bea = await boss(node, tenant, idp, browser)
        bea.is_known(**claims)

        assert await bea.back(await bea.leaves()) == ("unconfirmed", why)


async def test_somebody_else_of_the_company_confirms_nothing_and_is_not_signed_in(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with node.browser() as browser, node.browser() as another:
        await boss(node, tenant, idp, another, "eve")
        bea = await boss(node, tenant, idp, browser)

        assert await bea.back(await bea.leaves(), "eve") == ("unconfirmed", "outside-refused")


async def test_a_code_works_once_in_the_session_and_browser_that_asked(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with node.browser() as browser, node.browser() as another:
        bea = await boss(node, tenant, idp, browser)
        eve = await boss(node, tenant, idp, another, "eve")
        _, code = await bea.back(await bea.leaves())
        await eve.leaves()
        assert (await eve.exchanged(code)).json()["code"] == "proof-refused"
        assert (await bea.exchanged(code)).json()["code"] == "proof-refused", "it was used up by that"

        _, code = await bea.back(await bea.leaves())
        assert (await bea.exchanged(code)).status_code == 200
        assert (await bea.exchanged(code)).json()["code"] == "proof-refused"


async def test_a_confirmation_is_no_sign_in_and_a_sign_in_no_confirmation(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with node.browser() as browser:
        bea = await boss(node, tenant, idp, browser)
        _, code = await bea.back(await bea.leaves())
        assert (await node.enters(browser, code)).json()["code"] == "outside-refused"

        what, code = await comes_back(browser, idp.signs_in(await node.leaves(browser, tenant), "bea"))
        assert what == "arrived"
        assert (await bea.exchanged(code)).json()["code"] == "proof-refused"


async def test_who_has_a_password_here_or_asks_for_nothing_that_needs_it_is_not_sent_away(
    node: FederatedWeb, tenant: Tenant, idp: Idp
) -> None:
    async with await node.signed_in(tenant, "ada") as ada:
        refused = await ada.post("/v1/auth/step-up/outside", json=WANTED)
        assert refused.json()["code"] == "sign-in-not-offered"
    async with node.browser() as browser:
        await boss(node, tenant, idp, browser)
        refused = await browser.post("/v1/auth/step-up/outside", json={"action": "auth.me"})
        assert refused.json()["code"] == "no-step-up"
        anybody = await browser.post("/v1/auth/step-up/outside", json=WANTED, headers={"authorization": ""})
        assert anybody.status_code == 401
