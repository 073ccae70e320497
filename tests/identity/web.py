"""The API of identity, with the real gate, record and policy behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar import Litestar

from appliance.app import build
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.identity import ApiKeys, Attempts, Badges, Factors, Kiosks, Passwords, People, Proofs, SignIn, StepUps
from appliance.identity.api import ROUTES
from appliance.identity.tenants import Tenants
from appliance.policy import PolicyEngine
from appliance.store import Store
from appliance.store.admission import minter
from appliance.web import Cursors
from tests.identity.site import PASSWORD, Site


class Web:
    """A node's API, and clients of it."""

    def __init__(self, site: Site, app: Litestar) -> None:
        self.site = site
        self.app = app
        self._transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its own messages

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=self._transport, base_url="http://node", headers=headers)

    async def login(self, tenant: str, username: str, password: str) -> httpx.Response:
        body = {"tenant": tenant, "username": username, "password": password}
        async with self.client() as anybody:
            return await anybody.post("/v1/auth/login", json=body)

    async def signed_in(self, tenant: str, username: str, password: str) -> httpx.AsyncClient:
        tokens = (await self.login(tenant, username, password)).raise_for_status().json()
        return self.client(tokens["access_token"])

    async def step_up(self, person: httpx.AsyncClient, action: str, resource: str = "", **proof: str) -> dict[str, str]:
        """The header for one action of somebody who gives their password, or what `proof` says."""
        body = {"action": action, "resource": resource, **(proof or {"password": PASSWORD})}
        given = (await person.post("/v1/auth/step-up", json=body)).raise_for_status().json()
        return {"x-step-up": given["step_up"]}


@asynccontextmanager
async def web(
    store: Store, engine: PolicyEngine, *, admins_need_factor: bool = False, own_passwords: bool = False
) -> AsyncIterator[Web]:
    """Serve the identity API over `store`, as `compose` puts it together."""
    site = Site(store)
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(engine, recorder, minter())
    store.post_record = gate.post_record
    passwords, attempts = Passwords(memory_kib=8, passes=1), Attempts(burst=1000)
    factors = Factors(store)
    proofs = Proofs(store, recorder, passwords=passwords, factors=factors, attempts=attempts)
    sign_in = SignIn(
        store,
        recorder,
        passwords=passwords,
        factors=factors,
        attempts=attempts,
        admins_need_factor=admins_need_factor,
        own_passwords=own_passwords,
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
        "badges": Badges(store, recorder, passwords=passwords, attempts=attempts),
        "proofs": proofs,
        "step_ups": StepUps(store, recorder, proofs=proofs),
        "tenants": Tenants(store),
        "cursors": Cursors(store.secret("cursor")),
    }
    try:
        yield Web(site, build(ROUTES, services, sign_in))
    finally:
        await gate.close()
        await recorder.close()
        passwords.close()
        site.close()
