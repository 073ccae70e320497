"""An answer in words: only what the passages quoted say is ever yielded, whatever a model writes, however it ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.answers.in_words import InWords, Said, Told, can_be_worded
from appliance.answers.phrasing import FRESH_CHARACTERS, SYSTEM, Sentences, excerpt, fresh, messages
from appliance.answers.values import Answer, Citation, Ground, Verdict
from appliance.errors import Unavailable
from tests.answers.writers import ScriptedWriter, SilentWriter

QUESTION = "What torque do the casing bolts of P-101A get?"
TABLE = (
    "Table 5: Tightening torques\n"
    "Joint: Casing to back plate | Thread: M12 | Number: 8 | Torque: 47 Nm\n"
    "Joint: Impeller nut | Thread: M16 | Number: 1 | Torque: 70 Nm\n"
    "Joint: Foundation bolts | Thread: M20 | Number: 4 | Torque: 85 Nm"
)
QUOTE = TABLE.split("\n")[1]
TRUE = "The casing to back plate bolts M12 get a torque of 47 Nm [1]."
FALSE = "The casing to back plate bolts M12 get a torque of 70 Nm [1]."


def answer(*, kind: str = "answer", text: str = TABLE, quote: str = QUOTE) -> Answer:
    citation = Citation(uuid4(), "manual.pdf", "Manual", "4", 2, "Torques", quote, 7, 3, 1)
    return Answer(
        kind="quoted",
        text=quote,
        verdict=Verdict(kind, "Found in the documents.", 0.9),  # type: ignore[arg-type]
        citations=(citation,),
        nearest=(),
        passages=(),
        served_by="small",
        grounded=True,
        grounds=(Ground(7, text, ("P-101A",), "Manual > Torques", (quote,)),),
    )


async def told(writer: ScriptedWriter, of: Answer | None = None) -> tuple[list[str], Told]:
    shown: list[str] = []
    end: Told | None = None
    async for step in InWords(writer, within=8).tell(QUESTION, of or answer(), length="short", key="somebody"):
        if isinstance(step, Said):
            assert end is None
            shown.append(step.text)
        else:
            end = step
    assert end is not None
    return shown, end


async def test_what_the_passage_says_is_shown_and_what_it_does_not_say_never_leaves() -> None:
    shown, end = await told(ScriptedWriter(f"{TRUE} {FALSE} The pump is painted blue [1]."))

    assert shown == [TRUE]
    assert len(end.dropped) == 2
    assert end.as_json() == {
        "text": TRUE, "dropped": 2, "served_by": "scripted", "prompt_tokens": 300,
        "completion_tokens": end.completion_tokens, "ms": end.as_json()["ms"], "warnings": [], "budget": "",
    }  # fmt: skip
    assert "70 Nm" not in str(end.as_json())


async def test_what_another_line_of_the_passage_says_is_no_part_of_the_answer() -> None:
    other = "The impeller nut M16 gets a torque of 70 Nm [1]."
    asked = replace(answer(), grounds=(replace(answer().grounds[0], quotes=(TABLE.split("\n")[2],)),))
    assert (await told(ScriptedWriter(other), asked))[0] == [other]

    shown, end = await told(ScriptedWriter(other))

    assert shown == []
    assert end.dropped == ["it is said by another line than the one quoted"]


async def test_a_released_sentence_leads_to_the_row_that_says_it() -> None:
    async for step in InWords(ScriptedWriter(TRUE), within=8).tell(QUESTION, answer(), length="short", key=""):
        if isinstance(step, Said):
            assert [TABLE[start:end] for start, end in step.spans] == [QUOTE]
            assert step.passage == 0


async def test_a_sentence_without_a_citation_gets_the_one_that_binds_it() -> None:
    shown, _ = await told(ScriptedWriter("The casing to back plate bolts M12 get a torque of 47 Nm."))

    assert shown == ["The casing to back plate bolts M12 get a torque of 47 Nm. [1]"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "…",
        "47 Nm",
        "The casing to back plate bolts M12 get",
        FALSE,
        "I would guess 47 Nm.",
        "\n\n\n",
        "[1]",
        "?" * 500,
    ],
)
async def test_nothing_is_shown_of_what_says_nothing(text: str) -> None:
    shown, end = await told(ScriptedWriter(text))

    assert shown == []
    assert end.as_json()["text"] == ""


async def test_a_model_that_never_ends_is_left_after_some_sentences() -> None:
    writer = ScriptedWriter(" ".join(f"Sentence number {n} is free." for n in range(500)))

    shown, end = await told(writer)

    assert shown == []
    assert len(end.dropped) == 12
    assert writer.closed


async def test_a_model_that_dies_half_way_takes_nothing_back() -> None:
    writer = ScriptedWriter(f"{TRUE} And then", dies_after=17)
    shown: list[str] = []

    with pytest.raises(Unavailable):
        async for step in InWords(writer, within=8).tell(QUESTION, answer(), length="short", key=""):
            assert isinstance(step, Said)
            shown.append(step.text)

    assert shown == [TRUE]


async def test_who_goes_away_stops_the_model() -> None:
    writer = ScriptedWriter(TRUE + " ", stalls_after=12)

    async with aclosing(InWords(writer, within=8).tell(QUESTION, answer(), length="short", key="")) as steps:  # type: ignore[type-var]
        waiting = asyncio.ensure_future(anext(steps))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert writer.closed


@pytest.mark.parametrize("kind", ["perhaps", "several"])
def test_a_doubtful_answer_is_not_put_into_words(kind: str) -> None:
    assert can_be_worded(answer())
    assert not can_be_worded(answer(kind=kind))
    assert not can_be_worded(replace(answer(), grounds=()))


@pytest.mark.parametrize(("takes", "by_itself"), [(2.0, True), (8.0, True), (8.1, False)])
async def test_wording_begins_by_itself_where_it_is_quick(takes: float, by_itself: bool) -> None:
    offer = await InWords(ScriptedWriter("", takes=takes), within=8).offer(QUESTION, answer())

    assert offer.as_json() == {"available": True, "seconds": takes, "by_itself": by_itself}


async def test_without_a_model_nothing_is_offered() -> None:
    offer = await InWords(SilentWriter(), within=8).offer(QUESTION, answer())

    assert offer.as_json() == {"available": False, "seconds": None, "by_itself": False}


def test_the_prompt_keeps_to_its_diet_and_begins_alike_for_everybody() -> None:
    long = "\n".join(f"Line {n} says that something is so." for n in range(400))
    ground = Ground(1, f"{long}\n{QUOTE}\n{long}", (), "Manual", (QUOTE,))

    prompt = messages(QUESTION, [ground, ground], "short")

    assert prompt[0]["content"] == SYSTEM
    assert fresh(prompt) < FRESH_CHARACTERS + len(QUESTION) + 200
    assert prompt[1]["content"].count(QUOTE) == 2


@given(st.integers(1, 3000), st.integers(0, 30))
def test_an_excerpt_is_of_the_passage_and_fits(room: int, at: int) -> None:
    text = "\n".join(f"Row: {n} | Value: {n * 7} mm" for n in range(31))
    quote = text.split("\n")[at]

    made = excerpt(Ground(1, text, (), "", (quote,)), room)

    assert len(made) <= room
    assert all(line in text for line in made.split("\n"))
    assert room < len(quote) or quote in made


@given(st.text(alphabet="aB .!?[1],\n2é"), st.integers(1, 9))
@settings(max_examples=300)
def test_cutting_a_text_in_any_pieces_gives_the_same_sentences(text: str, step: int) -> None:
    def cut(size: int) -> list[str]:
        cutting, made = Sentences(), []
        for at in range(0, len(text), size):
            made += cutting.feed(text[at : at + size])
        return made + cutting.end()

    whole = "".join("".join(cut(step)).split())
    assert whole in "".join(text.split())


def test_decimals_abbreviations_and_citations_do_not_end_a_sentence() -> None:
    cutting = Sentences()
    made = cutting.feed("Set approx. 4.5 bar at PI-207. [1, 2] Then wait 30 s [1]. ")

    assert made + cutting.feed("Ready") == ["Set approx. 4.5 bar at PI-207. [1, 2]", "Then wait 30 s [1]."]
    assert cutting.end() == []
