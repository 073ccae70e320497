"""A tenant's identity providers, as its admins read and set them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.identity.federation.errors import NotOffered
from appliance.store import Store, Tenant
from tests.identity.federation.company import GROUPS, Issuer, write_keys
from tests.identity.federation.web import FederatedWeb, web

OIDC: dict[str, Any] = {
    "title": "Works login", "issuer": "https://login.example.plant/realms/works", "client_id": "outpost",
    "client_secret": "s3cr3t-of-the-client", "profile": "keycloak", "allow_new": True, "groups": GROUPS | {"plant-users": "user"},
}  # fmt: skip


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant, other_tenant: Tenant) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, tenants=[tenant, other_tenant]) as node:
        yield node


async def test_what_is_set_is_read_back_without_the_secret(node: FederatedWeb, tenant: Tenant) -> None:
    assert (await node.set_up(tenant, {}))["oidc"] is None

    said = await node.set_up(tenant, {"oidc": OIDC})

    assert "s3cr3t" not in str(said)
    assert said["oidc"]["has_secret"] is True
    assert said["oidc"]["groups"]["plant-users"] == "operator"
    assert said["oidc"]["redirect_uri"] == "http://node/v1/auth/oidc/north/callback"
    async with await node.signed_in(tenant, "ada") as admin:
        assert (await admin.get("/v1/admin/sign-in")).json() == said
    provider = await node.providers.offered(tenant.id, "oidc")
    assert await node.providers.secret(provider) == "s3cr3t-of-the-client"


async def test_a_secret_stays_for_its_client_and_goes_with_the_issuer(node: FederatedWeb, tenant: Tenant) -> None:
    await node.set_up(tenant, {"oidc": OIDC})
    without = {name: value for name, value in OIDC.items() if name != "client_secret"}

    assert (await node.set_up(tenant, {"oidc": without | {"title": "Login"}}))["oidc"]["has_secret"] is True
    elsewhere = without | {"issuer": "https://thief.example/"}
    assert (await node.set_up(tenant, {"oidc": elsewhere}))["oidc"]["has_secret"] is False
    await node.set_up(tenant, {"oidc": OIDC})
    assert (await node.set_up(tenant, {"oidc": OIDC | {"client_secret": ""}}))["oidc"]["has_secret"] is False


async def test_settings_of_one_plant_are_not_those_of_another(
    node: FederatedWeb, tenant: Tenant, other_tenant: Tenant
) -> None:
    await node.set_up(tenant, {"oidc": OIDC})

    async with await node.signed_in(other_tenant, "ada") as admin:
        assert (await admin.get("/v1/admin/sign-in")).json() == {"oidc": None, "saml": None}
    with pytest.raises(NotOffered):
        await node.providers.offered(other_tenant.id, "oidc")


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_only_admins_see_or_set_them(node: FederatedWeb, tenant: Tenant, role: Any) -> None:
    await node.site.add(tenant, "nora", role)
    async with await node.signed_in(tenant, "nora") as nora:
        assert (await nora.get("/v1/admin/sign-in")).status_code == 403
        assert (await nora.put("/v1/admin/sign-in", json={})).status_code == 403


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"issuer": "http://login.example.plant/"}, "identity-address-refused"),
        ({"issuer": "https://user:pw@login.example.plant/"}, "identity-address-refused"),
        ({"issuer": "https://login.example.plant/?a=b"}, "identity-address-refused"),
        ({"issuer": "file:///etc/passwd"}, "identity-address-refused"),
        ({"issuer": "https://[::1"}, "identity-address-refused"),
        ({"issuer": ""}, "invalid-input"),
        ({"groups": {"a": "owner"}}, "invalid-input"),
        ({"profile": "okta"}, "invalid-input"),
        ({"role": "admin"}, "invalid-input"),
    ],
    ids=str,
)
async def test_settings_that_cannot_be_are_refused(
    node: FederatedWeb, tenant: Tenant, change: dict[str, Any], code: str
) -> None:
    async with await node.signed_in(tenant, "ada") as admin:
        answer = await admin.put("/v1/admin/sign-in", json={"oidc": OIDC | change})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "s3cr3t" not in answer.text


async def test_a_token_of_the_issuer_is_a_person_on_the_api(node: FederatedWeb, tenant: Tenant, tmp_path: Path) -> None:
    issuer = Issuer()
    write_keys(tmp_path / "jwks.json", issuer)
    await node.set_up(tenant, {"oidc": OIDC})

    async with node.browser(issuer.token(dt.datetime.now(dt.UTC))) as nora:
        me = (await nora.get("/v1/auth/me")).json()
        assert (me["username"], me["role"], me["tenant"], me["kind"]) == ("nora", "operator", "north", "person")
        assert (await nora.get("/v1/admin/users")).status_code == 403
    async with node.browser(issuer.token(dt.datetime.now(dt.UTC), tenant_id="south")) as stranger:
        refused = await stranger.get("/v1/auth/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "outside-refused")
    async with await node.signed_in(tenant, "ada") as admin:
        people = (await admin.get("/v1/admin/users")).json()["items"]
    assert [(one["username"], one["role"]) for one in people] == [("ada", "admin"), ("nora", "operator")]
