"""People sign in with their company's account, in a real Chromium; the provider is another site to the browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.identity.federation import idp as oidc_provider
from tests.identity.federation import saml_idp as saml_provider
from tests.identity.federation.company import GROUPS
from tests.identity.federation.idp import Idp
from tests.identity.federation.saml_idp import ENTITY, SamlIdp
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
TENANT = "alder"


@pytest.fixture(scope="module")
def oidc() -> Iterator[Idp]:
    with oidc_provider.running() as idp:
        # To a browser `localhost` and `127.0.0.1` are two sites, as a company's provider and a plant's box are.
        idp.url, idp.host = f"http://localhost:{idp.port}", f"localhost:{idp.port}"
        idp.knows("nora", preferred_username="nora.oidc", name="Nora North", groups=["plant-operators"])
        idp.knows("otto", preferred_username="otto", groups=["canteen"])
        yield idp


@pytest.fixture(scope="module")
def saml() -> Iterator[SamlIdp]:
    with saml_provider.running() as idp:
        idp.url = idp.url.replace("127.0.0.1", "localhost")
        idp.people["nora"] = {"groups": ["plant-viewers"], "username": ["nora.saml"], "displayName": ["Nora South"]}
        yield idp


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, oidc: Idp, saml: SamlIdp) -> Iterator[RunningNode]:
    data = tmp_path_factory.mktemp("outside") / "node"
    with RunningNode(data, demo=True, environment={"OUTPOST_IDENTITY_HOSTS": oidc.host}) as node:
        client_id, secret = oidc.register(f"{node.url}/v1/auth/oidc/{TENANT}/callback")
        shared: dict[str, Any] = {"groups": GROUPS, "allow_new": True}
        settings = {
            "oidc": shared | {
                "title": "Works login", "issuer": oidc.url, "client_id": client_id, "client_secret": secret, "own_client": True,
            },
            "saml": shared | {"title": "Plant account", "issuer": ENTITY, "sso_url": saml.url, "certificates": [saml.pem]},
        }  # fmt: skip
        with node.owner(TENANT) as door:
            door.put("/v1/admin/sign-in", json=settings).raise_for_status()
        yield node


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, node: RunningNode) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=node.url, viewport={"width": 1024, "height": 768})
    page = await context.new_page()
    await page.goto("/console")
    await page.get_by_label("Plant").fill(TENANT)
    yield page
    await context.close()


async def test_somebody_signs_in_with_openid_connect(page: Page) -> None:
    await page.get_by_role("link", name="Sign in with Works login").click()
    await page.get_by_placeholder("sub").fill("nora")
    await page.get_by_role("button", name="Authorize").click()

    await expect(page.get_by_text("Nora North")).to_be_visible()
    assert "arrived" not in page.url
    await page.reload()
    await expect(page.get_by_text("Nora North")).to_be_visible()


async def test_somebody_without_a_role_is_told_so(page: Page) -> None:
    await page.get_by_role("link", name="Sign in with Works login").click()
    await page.get_by_placeholder("sub").fill("otto")
    await page.get_by_role("button", name="Authorize").click()

    await expect(page.get_by_role("alert")).to_contain_text("You have no role here yet")
    assert "refused" not in page.url


async def test_somebody_signs_in_with_saml_from_another_site(page: Page) -> None:
    """The provider's page posts by itself, and that request carries no cookie; the one after it does."""
    await page.get_by_role("link", name="Sign in with Plant account").click()

    await expect(page.get_by_text("Nora South")).to_be_visible()
