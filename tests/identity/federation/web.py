"""The API of sign-in with everything about identity providers, with the real gate, record and policy behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar

from appliance.app import build
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.identity import ApiKeys, Attempts, Factors, Kiosks, Passwords, People, Proofs, SignIn, StepUps
from appliance.identity import api as identity_api
from appliance.identity.badges import Badges
from appliance.identity.federation import api, confirming_api
from appliance.identity.federation.assembly import Outside, assembled
from appliance.identity.federation.providers import Providers
from appliance.identity.tenants import Tenants
from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant
from appliance.store.admission import minter
from appliance.web import Cursors
from tests.identity.site import PASSWORD, Site

URL = "http://node"


class FederatedWeb:
    """A node's API, and browsers that call it."""

    def __init__(self, site: Site, app: Litestar, providers: Providers, recorder: Recorder) -> None:
        self.site, self.providers, self.recorder = site, providers, recorder
        self._transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its own messages

    def browser(self, token: str | None = None) -> httpx.AsyncClient:
        """Keeps cookies, follows nothing by itself."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=self._transport, base_url=URL, headers=headers)

    async def signed_in(self, tenant: Tenant, username: str) -> httpx.AsyncClient:
        body = {"tenant": tenant.slug, "username": username, "password": PASSWORD}
        async with self.browser() as anybody:
            tokens = (await anybody.post("/v1/auth/login", json=body)).raise_for_status().json()
        return self.browser(tokens["access_token"])

    async def set_up(self, tenant: Tenant, settings: dict[str, Any]) -> dict[str, Any]:
        """What an admin does; forgets at once what was remembered of the settings before."""
        async with await self.signed_in(tenant, "ada") as admin:
            answer = await admin.put("/v1/admin/sign-in", json=settings)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    async def leaves(self, browser: httpx.AsyncClient, tenant: Tenant, kind: str = "oidc") -> str:
        """Where the browser is sent when somebody clicks the link of the sign-in page."""
        answer = await browser.get(f"/v1/auth/{kind}/{tenant.slug}/start")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def enters(self, browser: httpx.AsyncClient, arrived: str) -> httpx.Response:
        """What the page does with the code that the browser came back with."""
        return await browser.post("/v1/auth/exchange", json={"code": arrived})


async def comes_back(browser: httpx.AsyncClient, location: str) -> tuple[str, str]:
    """Follow the provider's redirect; what the page is told: `arrived` and a code, or `refused` and why."""
    answer = await browser.get(location)
    assert answer.status_code == 303, answer.text
    page, _, told = answer.headers["location"].partition("#")
    assert page == f"{URL}/console"
    what, _, value = told.partition("=")
    return what, value


@asynccontextmanager
async def web(
    store: Store,
    folder: Path,
    *,
    allowed: Sequence[str] = (),
    tenants: Sequence[Tenant] = (),
    burst: int = 1000,
    admins_need_factor: bool = False,
) -> AsyncIterator[FederatedWeb]:
    """Serve sign-in over `store`, as `compose` puts it together; each tenant has an admin `ada`."""
    site = Site(store)
    engine = PolicyEngine()
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(engine, recorder, minter())
    store.post_record = gate.post_record
    passwords, attempts = Passwords(memory_kib=8, passes=1), Attempts(burst=burst)
    factors = Factors(store)
    proofs = Proofs(store, recorder, passwords=passwords, factors=factors, attempts=attempts)
    sign_in = SignIn(
        store, recorder, passwords=passwords, factors=factors, attempts=attempts, admins_need_factor=False,
        own_passwords=False,
    )  # fmt: skip
    outside = Outside(allowed, key_file=folder / "jwks.json", public_url=URL)
    federation, identities = assembled(
        store, recorder, sign_in, outside, attempts=attempts, admins_need_factor=admins_need_factor
    )
    services: dict[str, Any] = {
        "gate": gate,
        "store": store,
        "policy": engine,
        "sign_in": sign_in,
        "people": People(store, passwords=passwords),
        "kiosks": Kiosks(store, recorder, attempts=attempts),
        "factors": factors,
        "api_keys": ApiKeys(store, engine),
        "proofs": proofs,
        "step_ups": StepUps(store, recorder, proofs=proofs),
        "badges": Badges(store, recorder, passwords=passwords, attempts=attempts),
        "cursors": Cursors(store.secret("cursor")),
        "federation": federation,
        "tenants": Tenants(store),
    }
    try:
        for tenant in tenants:
            await site.add(tenant, "ada", "admin")
        routes = [*identity_api.ROUTES, *api.ROUTES, *confirming_api.ROUTES]
        yield FederatedWeb(site, build(routes, services, identities), federation.providers, recorder)
    finally:
        await federation.keys.issuers.close()
        await gate.close()
        await recorder.close()
        passwords.close()
        site.close()
