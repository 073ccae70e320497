"""Binding a figure to its label: which row of a table is meant, and which of its columns. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.answers.quantities import dimensions
from appliance.retrieval.glossary import alternatives
from appliance.retrieval.rules import keys_in
from appliance.retrieval.terms import terms

if TYPE_CHECKING:
    from appliance.answers.candidates import Candidate
    from appliance.answers.question import Question
    from appliance.answers.rows import Cell

_NUMBERED = re.compile(r"(?=(?:[^\d\s]*\d){3})[\w./-]{4,24}")
_BARE = re.compile(r"\d+(?:[.,]\d+)?")
TELLING = 0.3
"""A word of the question that weighs less does not choose between rows."""


@lru_cache(maxsize=8192)
def keys_of_text(text: str) -> frozenset[str]:
    """Keys of all terms of `text` that carry meaning."""
    return frozenset(sequence(text))


@lru_cache(maxsize=8192)
def sequence(text: str) -> tuple[str, ...]:
    """The same keys in the order of the text."""
    return tuple(term.key for term in terms(text) if not term.is_stop)


def labels(question: Question) -> frozenset[str]:
    """What of the question can choose a row or a column: telling words, identifiers, the asker's figures."""
    words = {word.key for word in question.words if word.weight >= TELLING}
    return frozenset(words | {item.key for item in question.asked.identifiers} | set(question.numbers))


def better_rows(question: Question, rows: Sequence[Candidate]) -> list[Candidate]:
    """The rows of one table that no other row of it fits strictly better.

    A row fits by the labels of the question that its cells hold (not its headers, which all rows share): asked for
    M12, the row of M10 is beaten by the row of M12, whatever else both have in common. Of two rows that name what is to
    be named, that one is better which holds more of what it is asked by: asked which limiter has a test button, the row
    of the limiter with the button, though the other is called a low-water limiter in full.
    """
    held = [held_labels(question, candidate) for candidate in rows]

    def beats(other: frozenset[str], mine: frozenset[str]) -> bool:
        by_kind = bool(other & question.kind) and mine - question.kind < other - question.kind
        return mine < other or by_kind

    return [
        candidate for candidate, mine in zip(rows, held, strict=True) if not any(beats(other, mine) for other in held)
    ]


def better_steps(question: Question, procedures: Sequence[Candidate]) -> list[Candidate]:
    """The procedures of one document under a heading that names what is to be done; all of them where none does.

    Asked how to lock out a pump, "Returning to service" is no answer if there is "Isolating", whatever else it says of
    locks.
    """
    actions = question.action.union(*(alternatives(key) for key in question.action))
    named = [item for item in procedures if actions & keys_of_text(item.hit.passage.heading.rpartition(" > ")[2])]
    return named or list(procedures)


def held_labels(question: Question, candidate: Candidate) -> frozenset[str]:
    """The labels of the question that stand in the cells of a row.

    A figure of the asker's counts where another label stands with it, in its cell or in the header: the `1` of `stage 1`
    is not that of `Class: 1`.
    """
    assert candidate.row is not None
    wanted, numbers = labels(question), frozenset(question.numbers)
    held: frozenset[str] = frozenset()
    for cell in candidate.row.cells:
        found = wanted & (keys_of_text(cell.value) | keys_in(cell.value))
        if not (found | wanted & keys_of_text(cell.header)) - numbers:
            found -= numbers
        held |= found
    return held


def narrowed(question: Question, candidate: Candidate) -> Candidate:
    """The row without the columns that were not asked for, where several columns hold figures of one kind.

    Asked for the trip limit, `Measurement: Vibration | Alarm: 4.5 mm/s | Trip: 7.1 mm/s` gives the first and the last
    cell. A row stays whole where the question does not say which column, or where no other column could be confused. What
    labels the row stays in any case.
    """
    row = candidate.row
    if row is None or len(row.cells) < 2:
        return candidate
    wanted = labels(question) | question.attributes
    asked = {item.key for item in question.asked.identifiers}
    headers = [keys_of_text(cell.header) | keys_in(cell.header) for cell in row.cells]
    shared = frozenset.intersection(*headers)
    scores = [
        # A column that holds what the question names (`Fits: CV-231`) is not the one that is asked for.
        0.0 if asked & keys_in(cell.value) else _overlap(wanted, header - shared)
        for cell, header in zip(row.cells, headers, strict=True)
    ]
    best = max(scores)
    if best == 0:
        return candidate
    chosen = [index for index, score in enumerate(scores) if score == best]
    rivals = [
        index
        for index, cell in enumerate(row.cells)
        if index not in chosen
        and not (index == 0 and _labels_the_row(question, cell))
        and any(_alike(cell, row.cells[pick]) for pick in chosen)
    ]
    if not rivals:
        return candidate
    kept = [index for index in range(len(row.cells)) if index not in rivals]
    return replace(candidate, spans=_joined([(row.cells[i].start, row.cells[i].end) for i in kept], kept))


def _labels_the_row(question: Question, first: Cell) -> bool:
    """Whether the first cell says what the row is about (`Load: 50 %`), and is not itself a figure of what is asked for or
    the column of a machine.
    """
    return not keys_in(first.header) and not question.dimensions & dimensions(first.value)


def _overlap(wanted: Iterable[str], header: frozenset[str]) -> float:
    score = 0.0
    for key in wanted:
        if key in header:
            score += 1.0
        elif any(other in header for other in alternatives(key)):
            score += 0.6
    return score


def _alike(one: Cell, other: Cell) -> bool:
    """Whether two cells could be taken for each other: figures of one kind, two numbers of parts, bare figures, or
    columns of two machines.
    """
    if dimensions(one.value) & dimensions(other.value):
        return True
    if any(kind.fullmatch(one.value) and kind.fullmatch(other.value) for kind in (_NUMBERED, _BARE)):
        return True
    return bool(keys_in(one.header)) and bool(keys_in(other.header))


def _joined(spans: Sequence[tuple[int, int]], indices: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Neighbouring cells become one span."""
    made: list[tuple[int, int]] = []
    for place, (start, end) in enumerate(spans):
        if made and indices[place] == indices[place - 1] + 1:
            made[-1] = (made[-1][0], end)
        else:
            made.append((start, end))
    return tuple(made)
