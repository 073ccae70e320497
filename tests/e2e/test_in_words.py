"""The answer in words below its quote: offered with its time, grown by whole sentences, stopped with a thumb.

What the node sends of a sentence is written here, since the node's own random model says nothing that could be released;
`tests/answers` and `tests/chat` see to what it sends.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.test_kiosk import ANSWERABLE, ask, too_small

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Kiosk = Callable[..., Awaitable[Page]]
ROW = "Code: E-0417 | Message: Bowl pressure low | Cause: PT-207 below 2.2 bar for 5 s"
SENTENCES = [
    {"text": "E-0417 means that PT-207 is below 2.2 bar for 5 s [1].", "citation": 0, "said_by": [ROW]},
    {"text": "The message reads Bowl pressure low [1].", "citation": 0, "said_by": [ROW]},
]
WORDED = {"text": "", "dropped": 1, "served_by": "m", "ms": 900.0}


def sse(*events: tuple[str, Any]) -> str:
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)


async def offered(page: Page, *, by_itself: bool, seconds: float = 12.4) -> None:
    """Let the node's answer say that it can be put into words."""

    async def with_offer(route: Route) -> None:
        response = await route.fetch()
        text = await response.text()
        offer = {"available": True, "seconds": seconds, "by_itself": by_itself}
        plain = '"words":{"available":false,"seconds":null,"by_itself":false}'
        assert plain in text.replace(": ", ":").replace(", ", ",")
        head, _, tail = text.partition('"words"')
        changed = head + '"words": ' + json.dumps(offer) + tail[tail.index("}") + 1 :]
        await route.fulfill(response=response, body=changed)

    await page.route("**/v1/chat", with_offer)


async def says(page: Page, body: str, *, status: int = 200) -> None:
    async def told(route: Route) -> None:
        kind = "text/event-stream" if status == 200 else "application/problem+json"
        await route.fulfill(status=status, content_type=kind, body=body)

    await page.route("**/v1/chat/words", told)


async def test_words_are_offered_with_their_time_and_come_when_asked_for(kiosk: Kiosk) -> None:
    page = await kiosk()
    await offered(page, by_itself=False)
    await says(page, sse(("sentence", SENTENCES[0]), ("sentence", SENTENCES[1]), ("worded", WORDED), ("end", {})))
    await ask(page, ANSWERABLE)

    button = page.get_by_role("button", name="Put it in words")
    await expect(button).to_contain_text("about 12 s")
    assert await too_small(page) == []
    await button.click()

    words = page.get_by_role("region", name="In words")
    await expect(words).to_contain_text("E-0417 means that PT-207 is below 2.2 bar for 5 s.")
    await expect(words.locator("mark")).to_have_text(["E-0417", "PT-207", "2.2 bar", "5 s"])
    await expect(words).to_contain_text("Each sentence checked against the documents")
    await expect(words).to_contain_text("Written by m")
    await expect(words.get_by_role("button", name="Longer")).to_be_visible()
    assert await too_small(page) == []


async def test_quick_words_come_by_themselves_and_an_empty_end_says_that_the_quote_stands(kiosk: Kiosk) -> None:
    page = await kiosk()
    await offered(page, by_itself=True, seconds=3)
    await says(page, sse(("worded", WORDED), ("end", {})))
    await ask(page, ANSWERABLE)

    await expect(page.get_by_role("region", name="In words")).to_contain_text("The quote above stands")
    await expect(page.get_by_role("article").get_by_role("heading", name="Found in your documents")).to_be_visible()


async def test_a_refusal_in_the_middle_keeps_what_has_come(kiosk: Kiosk) -> None:
    page = await kiosk()
    problem = {"title": "Nothing can be put into words now", "detail": "m is down.", "code": "no-writer", "status": 503}
    await offered(page, by_itself=True)
    await says(page, sse(("sentence", SENTENCES[0]), ("error", problem), ("end", {})))
    await ask(page, ANSWERABLE)

    words = page.get_by_role("region", name="In words")
    await expect(words).to_contain_text("E-0417 means that PT-207")
    await expect(words).to_contain_text("m is down. The quote above stands.")


async def test_stop_ends_the_writing_and_again_begins_anew(kiosk: Kiosk) -> None:
    page = await kiosk()
    begun: list[Route] = []
    await offered(page, by_itself=False)

    async def never(route: Route) -> None:
        begun.append(route)

    await page.route("**/v1/chat/words", never)
    await ask(page, ANSWERABLE)
    await page.get_by_role("button", name="Put it in words").click()
    words = page.get_by_role("region", name="In words")
    await expect(words).to_contain_text("Writing, about 12 s")

    await words.get_by_role("button", name="Stop").click()

    await expect(words).to_contain_text("Stopped. The quote above stands.")
    await words.get_by_role("button", name="Again").click()
    await expect(words).to_contain_text("Writing")
    assert len(begun) == 2


async def test_a_new_question_leaves_nothing_of_the_words(kiosk: Kiosk) -> None:
    page = await kiosk()
    await offered(page, by_itself=True)
    await says(page, sse(("sentence", SENTENCES[0]), ("worded", WORDED), ("end", {})))
    await ask(page, ANSWERABLE)
    await expect(page.get_by_role("region", name="In words")).to_contain_text("E-0417")

    await page.get_by_role("button", name="New question").click()
    await expect(page.get_by_role("region", name="In words")).to_have_count(0)
