"""The console as the people of a plant use it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
QUEUE_MS = 150_000
"""An upload waits its turn behind the demo plant, of which these tests need but a few documents."""
SAMPLES = ("main", "h1", ".hint", "nav a", "nav a[aria-current]", ".button", ".button.primary", "th", ".status", ".tag")


async def upload(page: Page, file: Path) -> None:
    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name="Upload").click()
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_label("Revision").fill("7")
    await page.get_by_role("button", name="Upload 1 file").click()
    await page.get_by_role("button", name="Done").click()


async def test_somebody_signs_in_is_named_and_signs_out(console: Console) -> None:
    page = await console("operator")

    await expect(page.get_by_text("Operator · alder")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.reload()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_no_script_can_read_a_token_and_a_reload_keeps_the_person(console: Console) -> None:
    page = await console("operator")
    read = await page.evaluate("JSON.stringify([document.cookie, {...sessionStorage}, {...localStorage}])")

    assert "token" not in read
    assert "eyJ" not in read
    (cookie,) = await page.context.cookies(page.url.partition("/console")[0] + "/v1/auth")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/v1/auth")
    assert cookie["value"] not in read

    await page.reload()
    await page.get_by_role("link", name="Documents").click()
    await expect(page.get_by_role("row").nth(1)).to_be_visible()
    await expect(page.get_by_text("Operator · alder")).to_be_visible()


async def test_two_tabs_that_wake_at_once_take_turns_for_the_cookie(console: Console) -> None:
    page = await console("operator")
    kept = await page.evaluate("sessionStorage.getItem('outpost.session')")
    other = await page.context.new_page()
    await other.add_init_script(f"sessionStorage.setItem('outpost.session', {json.dumps(kept)})")
    await other.goto(page.url)

    for _ in range(3):
        await asyncio.gather(page.reload(), other.reload())
        for tab in (page, other):
            await tab.get_by_role("link", name="Documents").click()
            await expect(tab.get_by_role("row").nth(1)).to_be_visible()
            await expect(tab.get_by_text("Operator · alder")).to_be_visible()


async def test_a_tab_never_acts_for_somebody_who_signed_in_in_another(console: Console, watch: Watch) -> None:
    page = await console("viewer")
    somebody = json.loads(await page.evaluate("sessionStorage.getItem('outpost.session')"))
    somebody |= {"id": "00000000-0000-4000-8000-000000000000", "username": "somebody else"}
    await page.evaluate("kept => sessionStorage.setItem('outpost.session', kept)", json.dumps(somebody))
    watch.expected.append("401")
    await page.reload()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_sign_out_after_a_reload_ends_the_session_on_the_node_too(console: Console) -> None:
    page = await console("operator")
    await page.goto(page.url.partition("/console")[0] + "/console/ask")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    async def no_cookie() -> bool:
        return not await page.context.cookies(page.url.partition("/console")[0] + "/v1/auth")

    for _ in range(50):
        if await no_cookie():
            break
        await asyncio.sleep(0.1)
    assert await no_cookie()


async def test_a_wrong_password_is_told_and_the_name_is_kept(visit: Console, watch: Watch) -> None:
    watch.expected.append("401")
    page = await visit("/console")

    await page.get_by_label("Plant").fill("alder")
    await page.get_by_label("User name").fill("nobody")
    await page.get_by_label("Password", exact=True).fill("wrong")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("alert")).to_contain_text("wrong, or the account is locked")
    await expect(page.get_by_label("User name")).to_have_value("nobody")
    await expect(page.get_by_label("Password", exact=True)).to_have_value("")


async def test_an_uploaded_document_becomes_ready_and_answers(console: Console, tmp_path: Path) -> None:
    file = tmp_path / "Hoist HX-9 card.md"
    file.write_text("# Hoist HX-9\n\nThe safe working load of hoist HX-9 is 1,250 kg.\n")
    page = await console("operator")

    await upload(page, file)
    row = page.get_by_role("row").filter(has_text="Hoist HX-9 card.md")
    await expect(row.get_by_text("Ready")).to_be_visible(timeout=QUEUE_MS)
    await page.get_by_role("link", name="Ask").click()
    await page.get_by_label("Question").fill("What is the safe working load of hoist HX-9?")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("article")).to_contain_text("1,250 kg")
    await expect(page.get_by_role("region", name="Text of the section").locator("mark")).to_contain_text("1,250 kg")


async def test_a_file_that_cannot_be_read_says_why_and_can_be_deleted(console: Console, tmp_path: Path) -> None:
    file = tmp_path / "broken scan.pdf"
    file.write_bytes(b"%PDF-1.7\nnothing of a document")
    page = await console("operator")

    await upload(page, file)
    row = page.get_by_role("row").filter(has_text="broken scan.pdf")
    await expect(row.get_by_text("Failed")).to_be_visible(timeout=QUEUE_MS)
    await row.get_by_role("link", name="broken scan.pdf").click()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Delete document").click()

    await expect(page.get_by_role("heading", name="Documents")).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text="broken scan.pdf")).to_have_count(0)


async def test_a_document_shows_its_pages_and_where_a_passage_stands(console: Console) -> None:
    page = await console("viewer")

    await page.get_by_role("link", name="Documents").click()
    await page.get_by_label("Search by name").fill("MAN-101A")
    await page.get_by_role("link", name="MAN-101A-pump-manual.pdf").click()
    await page.get_by_role("button", name="Page 3").first.click()

    await expect(page.get_by_role("img", name="Page 3 of MAN-101A-pump-manual.pdf")).to_be_visible()
    await expect(page.get_by_role("img", name="The passage on this page")).to_be_in_viewport()


async def test_a_viewer_is_offered_nothing_that_a_viewer_may_not_do(console: Console) -> None:
    page = await console("viewer")

    await page.get_by_role("link", name="Documents").click()
    await expect(page.get_by_role("row").nth(1)).to_be_visible()

    await expect(page.get_by_role("button", name="Upload")).to_have_count(0)
    await expect(page.get_by_role("link", name="People")).to_have_count(0)


async def test_the_record_shows_the_sign_in_that_just_happened(console: Console) -> None:
    page = await console("admin")

    await page.get_by_role("link", name="Audit").click()
    await expect(page.get_by_role("region", name="Checkpoint")).to_contain_text("never")
    await page.get_by_label("Event").select_option("auth.login")
    await page.get_by_role("button", name="auth.login").first.click()

    await expect(page.get_by_role("dialog")).to_contain_text('"event_type": "auth.login"')


async def test_an_admin_confirms_with_the_password_and_makes_a_code_for_a_kiosk(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("403")
    admin = next(one for one in running_node.credentials() if (one["tenant"], one["role"]) == (TENANT, "admin"))
    page = await console("admin")

    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="New kiosk code").click()
    await page.get_by_label("Your password").fill("a wrong guess")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("does not fit")
    await page.get_by_label("Your password").fill(admin["password"])
    await page.get_by_role("button", name="Confirm").click()

    await expect(page.get_by_role("dialog")).to_contain_text("/kiosk?code=")


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
async def test_text_stands_out_on_every_page_in_every_look(console: Console, theme: str) -> None:
    page = await console("admin")
    await page.get_by_label("Look").select_option(theme)
    faint: list[str] = []

    for name in ("Ask", "Documents", "Audit", "People"):
        await page.get_by_role("link", name=name).click()
        await expect(page.locator("main h1, main h2").first).to_be_visible()
        await page.wait_for_timeout(700)
        faint += [f"{name}: {one}" for one in await too_faint(page)]

    assert faint == []


async def too_faint(page: Page) -> list[str]:
    """Samples whose text has less than 4.5 : 1 against the nearest painted background (WCAG 2.2, 1.4.3)."""
    found: list[str] = await page.evaluate(
        """(samples) => {
            const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            const rgba = (colour) => {
                canvas.clearRect(0, 0, 1, 1);
                canvas.fillStyle = colour;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            const luminance = (colour) => rgba(colour).slice(0, 3)
                .map((part) => part / 255)
                .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
                .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
            const behind = (element) => {
                for (let at = element; at; at = at.parentElement) {
                    const colour = getComputedStyle(at).backgroundColor;
                    if (rgba(colour)[3] === 255) return colour;
                }
                return getComputedStyle(document.documentElement).backgroundColor;
            };
            return samples.flatMap((sample) => [...document.querySelectorAll(sample)])
                .filter((element) => element.checkVisibility() && element.textContent.trim() && !element.disabled)
                .map((element) => {
                    const [ink, ground] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
                    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
                    return [ratio, `${element.tagName} ${element.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`];
                })
                .filter(([ratio]) => ratio < 4.5)
                .map(([, name]) => name);
        }""",
        list(SAMPLES),
    )
    return found
