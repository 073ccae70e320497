"""A real Chromium against a real node with the demo plant.

Every page of every test is watched: a violation of the content security policy, a request that leaves the node, a
script error or an error line in the console fails the test in which it happens.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from tests.node import RunningNode, listed

TENANT = "alder"
NEEDED = {
    "ALM-200-alarms-line-1.pdf",
    "MAN-101A-pump-manual.pdf",
    "MAN-230-conveyors.md",
    "ALM-400-alarms-utilities.md",
}
KIOSK = {"width": 1024, "height": 768}
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`));
"""


def chromium_path() -> str | None:
    """Chromium of the system; None lets Playwright take the one it brought."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def running_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """The demo plant, as soon as the documents of these tests answer questions."""
    with RunningNode(tmp_path_factory.mktemp("e2e") / "node", demo=True) as node:

        def answering() -> bool:
            with node.owner(TENANT) as door:
                return {one["filename"] for one in listed(door, "ready")} >= NEEDED

        node.wait_for(answering, "the documents of the browser tests", seconds=180)
        yield node


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield chromium
        await chromium.close()


@dataclass
class Watch:
    """What a browser did that it should not have done; `expected` are parts of lines a test provokes on purpose."""

    origin: str
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", lambda line: self._note(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))

    def request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, "blob:", "data:")):
            self._note(f"left the box: {request.url}")

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(part in fault for part in self.expected)]

    def _note(self, fault: str) -> None:
        self.faults.append(fault)


Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def watch(running_node: RunningNode) -> AsyncIterator[Watch]:
    watching = Watch(running_node.url)
    yield watching
    assert watching.unexpected() == []


@pytest_asyncio.fixture(loop_scope="session")
async def visit(running_node: RunningNode, browser: Browser, watch: Watch) -> AsyncIterator[Open]:
    """Opens a path of the node in a fresh, watched browser profile."""
    contexts: list[BrowserContext] = []

    async def opened(path: str, **options: Any) -> Page:
        settings = {"viewport": KIOSK, "base_url": running_node.url, "locale": "en-GB", **options}
        context = await browser.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(REPORT_VIOLATIONS)
        context.on("request", watch.request)
        context.on("page", watch.follow)
        page = await context.new_page()
        await page.goto(path)
        return page

    yield opened
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def kiosk(running_node: RunningNode, visit: Open) -> Callable[..., Awaitable[Page]]:
    """Opens a kiosk that has just been set up with a fresh code."""

    async def opened(**options: Any) -> Page:
        with running_node.owner(TENANT) as door:
            code = door.post("/v1/kiosks/enrolment-codes", json={}).raise_for_status().json()["code"]
        page = await visit(f"/kiosk?code={code}&name=Line 1, filler", **options)
        await page.get_by_role("button", name="Set up").dispatch_event("pointerdown", {"button": 0})
        await page.get_by_label("Your question").wait_for()
        return page

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def console(running_node: RunningNode, visit: Open) -> Callable[..., Awaitable[Page]]:
    """Opens the console with somebody of the demo plant signed in."""

    async def opened(role: str = "admin", **options: Any) -> Page:
        sign_in = next(one for one in running_node.credentials() if one["tenant"] == TENANT and one["role"] == role)
        page = await visit("/console", **{"viewport": {"width": 1280, "height": 900}, **options})
        await page.get_by_label("Plant").fill(sign_in["tenant"])
        await page.get_by_label("User name").fill(sign_in["username"])
        await page.get_by_label("Password", exact=True).fill(sign_in["password"])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("navigation").wait_for()
        return page

    return opened
