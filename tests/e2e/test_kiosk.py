"""The kiosk as somebody with gloves uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.conftest import Watch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Kiosk = Callable[..., Awaitable[Page]]
ANSWERABLE = "What does alarm E-0417 mean?"
OTHER_MACHINE = "To what current is the drive overload of CV-231 set?"
NO_PAGES = "What does alarm U-0408 mean?"
FILE = "ALM-200-alarms-line-1.pdf"


async def ask(page: Page, question: str) -> None:
    await page.get_by_label("Your question").fill(question)
    await page.keyboard.press("Enter")


async def tap(page: Page, text: str) -> None:
    """Type on the screen's own keyboard, each key with a press of the pointer."""
    keys = page.get_by_role("group", name="On-screen keyboard")
    for character in text:
        if character.isupper():
            await keys.get_by_role("button", name="Shift").click()
        label = "Space" if character == " " else character
        await keys.get_by_role("button", name=label, exact=True).click()


async def test_a_question_typed_on_the_screen_is_answered_with_its_page_and_the_passage_boxed(kiosk: Kiosk) -> None:
    page = await kiosk()

    await tap(page, "alarm E-0417")
    await expect(page.get_by_label("Your question")).to_have_value("alarm E-0417")
    await page.get_by_role("group", name="On-screen keyboard").get_by_role("button", name="Ask").click()

    verdict = page.get_by_role("article")
    await expect(verdict.get_by_role("heading", name="Found in your documents")).to_be_visible()
    await expect(verdict.get_by_text("Checked")).to_be_visible()
    await expect(verdict).to_contain_text("Bowl pressure low")
    await expect(verdict.get_by_text("Page 1")).to_be_visible()
    await expect(page.get_by_role("img", name=f"Page 1 of {FILE}")).to_be_visible()
    await expect(page.get_by_role("img", name="The passage on this page")).to_be_in_viewport()


async def test_the_answer_needs_no_scrolling_on_a_small_screen(kiosk: Kiosk) -> None:
    page = await kiosk()

    await ask(page, ANSWERABLE)

    await expect(page.get_by_role("article")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="New question")).to_be_in_viewport(ratio=1)
    scrolls = await page.evaluate("document.documentElement.scrollHeight > innerHeight")
    assert not scrolls


@pytest.mark.parametrize("size", [(1024, 768), (1920, 1080)])
async def test_every_target_is_large_enough_for_a_glove(kiosk: Kiosk, size: tuple[int, int]) -> None:
    page = await kiosk(viewport={"width": size[0], "height": size[1]})

    assert await too_small(page) == []
    await ask(page, ANSWERABLE)
    await expect(page.get_by_role("article")).to_be_visible()

    assert await too_small(page) == []


async def too_small(page: Page) -> list[str]:
    """Buttons whose box is under 48 CSS pixels in either direction."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("button, a[href]")]
            .map((target) => [target, target.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && Math.min(box.width, box.height) < 47.5)
            .map(([target]) => target.getAttribute("aria-label") ?? target.textContent)"""
    )
    return found


async def test_a_value_of_another_machine_does_not_look_like_an_answer(kiosk: Kiosk) -> None:
    page = await kiosk()

    await ask(page, OTHER_MACHINE)

    await expect(page.get_by_role("heading", name="Nothing found for this machine")).to_be_visible()
    await expect(page.get_by_role("article").get_by_text("Nothing for CV-231")).to_be_visible()
    await expect(page.get_by_role("heading", name="Nearest text, not an answer")).to_be_visible()
    await expect(page.get_by_text("Not an answer", exact=True)).to_be_visible()
    await expect(page.get_by_text("Checked")).to_have_count(0)


async def test_what_no_document_says_is_said_plainly(kiosk: Kiosk) -> None:
    page = await kiosk()

    await ask(page, "What is for lunch in the canteen on Friday?")

    await expect(page.get_by_role("heading", name="Not in these documents")).to_be_visible()
    await expect(page.get_by_text("Checked")).to_have_count(0)


async def test_a_page_is_turned_zoomed_and_found_again(kiosk: Kiosk) -> None:
    page = await kiosk()
    await ask(page, ANSWERABLE)
    image = page.get_by_role("img", name=f"Page 1 of {FILE}")
    await expect(image).to_be_visible()
    before = await image.bounding_box()

    await page.get_by_role("button", name="Larger").click()
    assert before
    await expect(image).not_to_have_css("width", f"{before['width']}px")
    await page.get_by_role("button", name="Next page").click()
    await expect(page.get_by_role("img", name=f"Page 2 of {FILE}")).to_be_visible()
    await expect(page.get_by_role("img", name="The passage on this page")).to_have_count(0)
    await page.get_by_role("button", name="Back to the passage").click()

    await expect(page.get_by_role("img", name="The passage on this page")).to_be_in_viewport()


async def test_a_document_without_pages_shows_its_section_with_the_quote_marked(kiosk: Kiosk) -> None:
    page = await kiosk()

    await ask(page, NO_PAGES)

    section = page.get_by_role("region", name="Text of the section")
    await expect(section.locator("mark, tr.hit").first).to_be_in_viewport()


async def test_thumbs_are_kept(kiosk: Kiosk) -> None:
    page = await kiosk()
    await ask(page, ANSWERABLE)

    await page.get_by_role("button", name="This helped").click()

    await expect(page.get_by_text("Thank you")).to_be_visible()


async def test_a_screen_left_alone_counts_down_and_clears_itself(kiosk: Kiosk) -> None:
    page = await kiosk()
    await ask(page, ANSWERABLE)
    await expect(page.get_by_role("article")).to_be_visible()

    await page.clock.install()
    await page.get_by_role("heading", name="Found in your documents").click()
    await page.clock.fast_forward(82_000)
    await expect(page.get_by_text("Clearing in")).to_be_visible()
    await page.get_by_role("button", name="Touch to stay").click()
    await expect(page.get_by_text("Clearing in")).to_have_count(0)
    await page.clock.fast_forward(91_000)

    await expect(page.get_by_label("Your question")).to_have_value("")
    await expect(page.get_by_role("article")).to_have_count(0)


async def test_a_question_survives_a_box_that_does_not_answer(kiosk: Kiosk, watch: Watch) -> None:
    watch.expected.append("ERR_FAILED")
    page = await kiosk()

    async def silence(route: Route) -> None:
        await route.abort()

    await page.route("**/v1/chat", silence)
    await page.route("**/health/ready", silence)
    await ask(page, ANSWERABLE)
    await expect(page.get_by_text("The box does not answer. Trying again.")).to_be_visible()
    await page.unroute("**/v1/chat")
    await page.unroute("**/health/ready")

    await expect(page.get_by_role("heading", name="Found in your documents")).to_be_visible()
    await expect(page.get_by_text("The box does not answer")).to_have_count(0)


async def test_the_kiosk_keeps_its_key_over_a_reload_and_cannot_export_it(kiosk: Kiosk) -> None:
    page = await kiosk()

    await page.reload()
    await expect(page.get_by_label("Your question")).to_be_visible()
    exportable = await page.evaluate(
        """() => new Promise((resolve, reject) => {
            const opening = indexedDB.open("outpost-kiosk", 1);
            opening.onerror = reject;
            opening.onsuccess = () => {
                const reading = opening.result.transaction("identity").objectStore("identity").get("this");
                reading.onsuccess = () => resolve(reading.result.keys.privateKey.extractable);
            };
        })"""
    )

    assert exportable is False


async def test_a_wrong_code_is_refused_in_plain_words(visit: Kiosk, watch: Watch) -> None:
    watch.expected.append("403")
    page = await visit("/kiosk?code=AAAA-AAAA&name=Nowhere")

    await page.get_by_label("Name of this place").press("Enter")

    await expect(page.get_by_text("This code is not valid, or it was used already.")).to_be_visible()
    assert "code=" not in page.url
