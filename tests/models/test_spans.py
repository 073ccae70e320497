"""From logits to verbatim spans."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engines.spans import SPAN_TOKENS, best_spans, segments, whole_words
from models.engines.windows import Window


def cut(count: int, token: int = 0) -> Window:
    first = 3
    return Window([0] * (first + count + 1), [0] * (first + count + 1), first, token, count)


ONE = np.zeros(10, np.int64)


def test_the_best_span_is_the_highest_sum_of_start_and_end() -> None:
    logits = np.zeros((14, 2), np.float32)
    logits[5, 0], logits[7, 1] = 6, 5
    logits[0] = (1, 1)

    best = best_spans(logits, cut(10), ONE)[0]

    assert best == (2, 4, 9.0)


def test_spans_count_tokens_of_the_passage_not_of_the_window() -> None:
    logits = np.zeros((14, 2), np.float32)
    logits[5, 0], logits[5, 1] = 6, 5

    assert best_spans(logits, cut(10, token=40), np.zeros(50, np.int64))[0][:2] == (42, 42)


def test_a_span_stays_within_its_segment() -> None:
    logits = np.zeros((14, 2), np.float32)
    logits[5, 0], logits[7, 1] = 6, 5

    best = best_spans(logits, cut(10), np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 1]))[0]

    assert best[:2] != (2, 4)
    assert best[1] == 2 or best[0] >= 3


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("The pump runs\nwithout noise.", ["The pump runs\nwithout noise."]),
        (
            "Bolt: M8 | Torque: 22 Nm\nBolt: M10 | Torque: 47 Nm",
            ["Bolt: M8", "Torque: 22 Nm", "Bolt: M10", "Torque: 47 Nm"],
        ),
        ("Torques\nM8 | 22 Nm\nSee page 3.", ["Torques", "M8", "22 Nm", "See page 3."]),
        ("1. Close V-1.\n2. Wait 5 min.", ["1. Close V-1.", "2. Wait 5 min."]),
        ("One.\n\nTwo.", ["One.", "Two."]),
        ("a - b\n- c", ["a - b", "- c"]),
    ],
)
def test_segments_part_cells_rows_items_and_paragraphs(text: str, stretches: list[str]) -> None:
    offsets = [match.span() for match in re.finditer(r"[^\s|]+", text)]

    parts = segments(text, offsets)

    found: dict[int, list[tuple[int, int]]] = {}
    for part, offset in zip(parts.tolist(), offsets, strict=True):
        found.setdefault(part, []).append(offset)
    assert [text[tokens[0][0] : tokens[-1][1]] for tokens in found.values()] == stretches


@given(count=st.integers(1, 120), seed=st.integers(0, 10_000))
def test_spans_are_ordered_short_and_apart(count: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(count + 4, 2)).astype(np.float32)

    spans = best_spans(logits, cut(count), np.zeros(count, np.int64))

    assert spans
    assert all(0 <= first <= last < count and last - first < SPAN_TOKENS for first, last, _ in spans)
    assert [margin for *_, margin in spans] == sorted((margin for *_, margin in spans), reverse=True)
    taken = [token for first, last, _ in spans for token in range(first, last + 1)]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize(
    ("text", "piece", "whole"),
    [
        ("at most 6.2 bar.", "2", "6.2"),
        ("pump P-204B runs", "204", "P-204B"),
        ("torque 47 Nm.", "47 Nm", "47 Nm"),
        ("from 1/2 inch", "1", "1/2"),
        ("the greasing, then", "greas", "greasing"),
        ("thread M12x1.75 only", "M12", "M12x1.75"),
        ("close it. Then wait", "it. Then", "it. Then"),
        ("code: E0417", "E0417", "E0417"),
    ],
)
def test_a_cut_never_splits_a_word_a_number_or_an_identifier(text: str, piece: str, whole: str) -> None:
    start = text.index(piece)

    first, last = whole_words(text, start, start + len(piece))

    assert text[first:last] == whole


@given(text=st.text(min_size=1, max_size=60), data=st.data())
def test_widening_keeps_what_was_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))

    first, last = whole_words(text, start, end)

    assert text[start:end].strip() in text[first:last]
    assert text[first:last] == text[first:last].strip()
