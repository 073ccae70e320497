"""Passages: small enough to embed, whole enough to quote."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.documents.blocks import Block, BlockKind
from appliance.documents.chunking import Sizes, chunk, embedded_text
from appliance.documents.values import Box, Line

WORDS = re.compile(r"\w+|[^\w\s]")


def count(text: str) -> int:
    """Words cost one token, long ones as many as they have fours of letters."""
    return sum((len(word) + 3) // 4 for word in WORDS.findall(text))


SMALL = Sizes(max_tokens=60, overlap_tokens=15, merge_tokens=30, part_tokens=40, intro_tokens=12)

words = st.text(alphabet="abcdefgh", min_size=1, max_size=12)
sentences = st.lists(words, min_size=1, max_size=25).map(lambda parts: " ".join(parts).capitalize() + ".")


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    kind: BlockKind = draw(st.sampled_from(["heading", "paragraph", "table", "list", "steps", "code"]))
    if kind == "heading":
        return Block("heading", draw(sentences), level=draw(st.integers(1, 4)))
    separator = " " if kind == "paragraph" else "\n"
    parts = draw(st.lists(sentences, min_size=1, max_size=8))
    text, lines = "", []
    for part in parts:
        start = len(text) + (len(separator) if text else 0)
        text = f"{text}{separator}{part}" if text else part
        lines.append(Line(start, len(text), Box(1, 0.1, 0.1, 0.9, 0.2)))
    caption = draw(st.just("") | sentences) if kind == "table" else ""
    return Block(kind, text, page=1, caption=caption, lines=tuple(lines) if draw(st.booleans()) else ())


@settings(max_examples=150)
@given(st.lists(blocks(), max_size=12))
def test_no_passage_is_too_long_and_no_word_is_lost(document: list[Block]) -> None:
    passages = chunk(document, count, SMALL)

    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    for passage in passages:
        assert passage.tokens == count(passage.text) <= SMALL.max_tokens
        assert passage.text == passage.text.strip() != ""
        for line in passage.lines:
            assert 0 <= line.text_start <= line.text_end <= len(passage.text)
    written = " ".join(block.text for block in document if block.kind != "heading")
    kept = " ".join(passage.text for passage in passages)
    assert set(written.split()) <= set(kept.split()) | {word for word in written.split() if count(word) > 9}


@settings(max_examples=60)
@given(st.lists(blocks(), max_size=10))
def test_every_line_still_covers_its_own_words(document: list[Block]) -> None:
    known = {block.text[line.text_start : line.text_end] for block in document for line in block.lines}
    for passage in chunk(document, count, SMALL):
        for line in passage.lines:
            part = passage.text[line.text_start : line.text_end].strip()
            assert any(part in text for text in known)


def test_short_paragraphs_of_a_section_are_merged_and_sections_are_not() -> None:
    passages = chunk(
        [
            Block("heading", "A", level=1),
            Block("paragraph", "One."),
            Block("paragraph", "Two."),
            Block("heading", "B", level=2),
            Block("paragraph", "Three."),
        ],
        count,
    )

    assert [(passage.heading, passage.text) for passage in passages] == [("A", "One.\nTwo."), ("A > B", "Three.")]


def test_a_long_table_repeats_its_caption_and_keeps_its_rows_whole() -> None:
    rows = [f"Thread: M{size} | Torque: {size * 4} Nm" for size in range(4, 60)]
    passages = chunk([Block("table", "\n".join(rows), caption="Table 1: Torques")], count, SMALL)

    assert len(passages) > 3
    assert all(passage.text.startswith("Table 1: Torques\n") for passage in passages)
    assert [line for passage in passages for line in passage.text.split("\n")[1:]] == rows


def test_steps_stand_with_the_sentence_that_introduces_them() -> None:
    document = [
        Block("paragraph", "This pump is old."),
        Block("paragraph", "To start the pump:"),
        Block("steps", "1. Open HV-111.\n2. Press start."),
    ]
    passages = chunk(document, count)

    assert [(passage.kind, passage.text) for passage in passages] == [
        ("text", "This pump is old."),
        ("steps", "To start the pump:\n1. Open HV-111.\n2. Press start."),
    ]


def test_the_introduction_at_the_end_of_a_long_paragraph_is_repeated_before_the_list() -> None:
    long = "The pump was built long ago and nobody knows who did it. " * 3 + "It has these parts:"
    passages = chunk([Block("paragraph", long), Block("list", "- rotor\n- casing")], count, SMALL)

    assert passages[-1].text == "It has these parts:\n- rotor\n- casing"


def test_a_long_paragraph_is_cut_between_sentences_with_an_overlap() -> None:
    text = " ".join(f"Sentence number {number} says something." for number in range(40))
    passages = chunk([Block("paragraph", text)], count, SMALL)

    assert len(passages) > 2
    for passage, following in pairwise(passages):
        assert passage.text.endswith(".")
        assert following.text.split(". ")[0] in passage.text


def test_the_heading_path_is_embedded_and_leaves_its_room() -> None:
    heading = Block("heading", "A very long heading " * 5, level=1)
    text = Block("paragraph", "word " * 400)
    passages = chunk([heading, text], count, SMALL)

    assert all(count(embedded_text(passage)) <= SMALL.max_tokens + 20 for passage in passages)
    assert embedded_text(passages[0]).startswith("A very long heading")


def test_a_document_of_headings_alone_is_not_empty() -> None:
    passages = chunk([Block("heading", "Only a title", level=1)], count)

    assert [passage.text for passage in passages] == ["Only a title"]
    assert chunk([], count) == []


def test_the_page_of_a_passage_is_that_of_its_first_line() -> None:
    lines = (Line(0, 4, Box(3, 0, 0, 1, 1)), Line(5, 9, Box(4, 0, 0, 1, 1)))
    (passage,) = chunk([Block("paragraph", "word word", page=3, lines=lines)], count)

    assert (passage.page, [line.box.page for line in passage.lines]) == (3, [3, 4])
