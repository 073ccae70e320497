"""Take the pictures under docs/screenshots from a node with the demo plant: `python -m tests.e2e.screenshots`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from tests.e2e.conftest import FLAGS, TENANT, chromium_path
from tests.node import ROOT, RunningNode, demo_counts

INTO = ROOT / "docs" / "screenshots"
SMALL: ViewportSize = {"width": 1024, "height": 768}
WIDE: ViewportSize = {"width": 1440, "height": 900}
QUESTIONS = {
    "kiosk-answer": "What does alarm E-0417 mean?",
    "kiosk-other-machine": "To what current is the drive overload of CV-231 set?",
    "kiosk-not-here": "What is for lunch in the canteen on Friday?",
}


async def main() -> None:
    INTO.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, RunningNode(Path(folder) / "node", demo=True) as node:
        for tenant, count in demo_counts().items():
            node.wait_for_documents(tenant, count)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
            await kiosk(browser, node, "light")
            await kiosk(browser, node, "dark")
            await console(browser, node)
            await browser.close()


async def kiosk(browser: Browser, node: RunningNode, scheme: Literal["light", "dark"]) -> None:
    with node.owner(TENANT) as door:
        code = door.post("/v1/kiosks/enrolment-codes", json={}).raise_for_status().json()["code"]
    context = await browser.new_context(viewport=SMALL, color_scheme=scheme, base_url=node.url)
    page = await context.new_page()
    await page.goto(f"/kiosk?code={code}&name=Line 1, filler")
    await page.get_by_label("Name of this place").press("Enter")
    await page.get_by_label("Your question").fill(QUESTIONS["kiosk-answer"])
    await shot(page, f"kiosk-question-{scheme}")
    for name, question in QUESTIONS.items():
        await page.get_by_label("Your question").fill(question)
        await page.keyboard.press("Enter")
        await page.get_by_role("article").wait_for()
        await shot(page, f"{name}-{scheme}")
        await page.get_by_role("button", name="New question").click()
    await context.close()


async def console(browser: Browser, node: RunningNode) -> None:
    who = next(one for one in node.credentials() if one["tenant"] == TENANT and one["role"] == "admin")
    context = await browser.new_context(viewport=WIDE, color_scheme="light", base_url=node.url)
    page = await context.new_page()
    await page.goto("/console")
    await page.get_by_label("Plant").fill(who["tenant"])
    await page.get_by_label("User name").fill(who["username"])
    await page.get_by_label("Password", exact=True).fill(who["password"])
    await page.keyboard.press("Enter")
    await page.get_by_label("Question").fill(QUESTIONS["kiosk-answer"])
    await page.keyboard.press("Enter")
    await page.get_by_role("article").wait_for()
    await shot(page, "console-ask")
    for name in ("Documents", "Audit"):
        await page.get_by_role("link", name=name).click()
        await shot(page, f"console-{name.lower()}")
    await context.close()


async def shot(page: Page, name: str) -> None:
    """A picture once everything has been fetched and drawn; the stream of notices never ends."""
    await page.wait_for_load_state("load")
    await page.wait_for_timeout(1200)
    await page.screenshot(path=INTO / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
