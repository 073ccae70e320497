"""The SAML service provider, with an identity provider on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

from appliance.store import Store, Tenant
from tests.identity.federation.company import GROUPS
from tests.identity.federation.saml_idp import ENTITY, SamlIdp, form_of, running
from tests.identity.federation.web import URL, FederatedWeb, comes_back, web


@pytest.fixture(scope="module")
def idp() -> Iterator[SamlIdp]:
    with running() as idp:
        idp.people["nora"] = {
            "groups": ["plant-operators", "canteen"],
            "username": ["Nora"],
            "displayName": ["Nora North"],
        }
        idp.people["otto"] = {"groups": ["canteen"], "username": ["otto"]}
        yield idp


@pytest.fixture
async def node(store: Store, tmp_path: Path, tenant: Tenant) -> AsyncIterator[FederatedWeb]:
    async with web(store, tmp_path, tenants=[tenant]) as node:
        yield node


def settings_for(idp: SamlIdp, **changed: Any) -> dict[str, Any]:
    return {
        "title": "Plant account", "issuer": ENTITY, "sso_url": idp.url, "certificates": [idp.pem], "groups": GROUPS, "allow_new": True,
    } | changed  # fmt: skip


async def posts(node: FederatedWeb, browser: httpx.AsyncClient, tenant: Tenant, who: str = "nora") -> httpx.Response:
    """Leave for the provider and let its page post the answer, from another site: without the browser's cookies."""
    there = await node.leaves(browser, tenant, "saml")
    async with httpx.AsyncClient() as outside:
        page = (await outside.get(f"{there}&who={who}")).text
    action, fields = form_of(page)
    assert action == f"{URL}/v1/auth/saml/{tenant.slug}/acs"
    async with node.browser() as elsewhere:
        return await elsewhere.post(action, data=fields)


async def test_a_person_signs_in_with_their_plant_account(node: FederatedWeb, tenant: Tenant, idp: SamlIdp) -> None:
    await node.set_up(tenant, {"saml": settings_for(idp)})
    async with node.browser() as browser:
        assert (await browser.get("/v1/auth/ways", params={"tenant": "north"})).json()["items"] == [
            {"kind": "saml", "title": "Plant account", "start": f"{URL}/v1/auth/saml/north/start"}
        ]
        posted = await posts(node, browser, tenant)
        assert posted.status_code == 303

        what, code = await comes_back(browser, posted.headers["location"])
        assert what == "arrived"
        tokens = (await node.enters(browser, code)).raise_for_status().json()

    assert (tokens["user"]["username"], tokens["user"]["role"]) == ("nora", "operator")
    async with node.browser(tokens["access_token"]) as nora:
        assert (await nora.get("/v1/auth/me")).json()["display_name"] == "Nora North"


async def test_the_same_name_id_is_the_same_person_and_a_group_less_one_is_refused(
    node: FederatedWeb, tenant: Tenant, idp: SamlIdp
) -> None:
    await node.set_up(tenant, {"saml": settings_for(idp)})
    seen = []
    async with node.browser() as browser:
        for _ in range(2):
            _, code = await comes_back(browser, (await posts(node, browser, tenant)).headers["location"])
            seen.append((await node.enters(browser, code)).json()["user"]["id"])
        posted = await posts(node, browser, tenant, "otto")
        assert await comes_back(browser, posted.headers["location"]) == ("refused", "no-role-here")
    assert seen[0] == seen[1]


async def test_the_metadata_is_what_a_provider_needs(node: FederatedWeb, tenant: Tenant, idp: SamlIdp) -> None:
    async with node.browser() as browser:
        answer = await browser.get("/v1/auth/saml/north/metadata")
        nowhere = await browser.get("/v1/auth/saml/nowhere/metadata")

    said = await node.set_up(tenant, {"saml": settings_for(idp)})
    root = etree.fromstring(answer.content)
    consumer = root.find(".//{*}AssertionConsumerService")
    assert answer.headers["content-type"].startswith("application/samlmetadata+xml")
    assert root.get("entityID") == said["saml"]["entity_id"] == f"{URL}/v1/auth/saml/north/metadata"
    assert consumer is not None
    assert consumer.get("Location") == said["saml"]["acs_url"] == f"{URL}/v1/auth/saml/north/acs"
    assert nowhere.status_code == 404


async def test_one_of_two_certificates_fits_while_the_provider_changes_its_key(
    node: FederatedWeb, tenant: Tenant, idp: SamlIdp
) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    coming = SamlIdp(rsa.generate_private_key(65537, 2048))
    await node.set_up(tenant, {"saml": settings_for(idp, certificates=[coming.pem, idp.pem])})
    async with node.browser() as browser:
        posted = await posts(node, browser, tenant)

        assert (await comes_back(browser, posted.headers["location"]))[0] == "arrived"


@pytest.mark.parametrize(
    "change",
    [
        {"certificates": []}, {"certificates": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]},
        {"certificates": ["x"] * 6}, {"sso_url": "http://adfs.example.plant/"}, {"sso_url": "javascript:alert(1)"}, {"issuer": " "},
    ],
    ids=str,
)  # fmt: skip
async def test_settings_that_cannot_be_are_refused(
    node: FederatedWeb, tenant: Tenant, idp: SamlIdp, change: dict[str, Any]
) -> None:
    async with await node.signed_in(tenant, "ada") as admin:
        answer = await admin.put("/v1/admin/sign-in", json={"saml": settings_for(idp, **change)})

    assert answer.status_code == 400
