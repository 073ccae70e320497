"""The places of a passage that one sentence may be bound to: a row, a sentence, an item of a list.

A passage is text as the chunker writes it: `Header: cell | Header: cell` for a row, after a caption or not; `1. …` and
`- …` for items, after the line that introduces them or not; any other line is a paragraph. The first line may be a
heading. Nothing else of a passage is known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Literal

from appliance.answers.candidates import sentences
from appliance.answers.rows import SEPARATOR, Row, Table, lines, table

_STEP = re.compile(r"\s*(\d{1,3})[.)]\s+")
_ITEM = re.compile(r"\s*(?:[-*•–]|[a-z][.)])\s+")
_CHECKED = re.compile(r"(?:check|make\s+sure|ensure|see|verify)\s+that\s+", re.IGNORECASE)
_WARNING = re.compile(r"(?:WARNING|DANGER|CAUTION|NOTE|NOTICE)\s+")
LONGEST_HEADING = 120
DEPENDENT = re.compile(r"(?:it|its|this|these|those|they|their|he|she|both)\b", re.IGNORECASE)
"""How a sentence begins that speaks of what the one before has named."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as a judge of sentences gets it: its text, and the machines that it is about."""

    text: str
    assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A row, a sentence or one sentence of an item.

    `text` is what may bind, `intro` the line before a list and what stands before the colon of its item, `number` that
    of a step, `item` counts the `items` of its list from 0. `heading` is the passage's first line or the table's caption,
    `before` the text of the passage up to here. `subject` is the sentence before, where this one says `it`. `demanded` says that the text is what must be so
    (`Check that …`).
    """

    kind: Literal["row", "sentence", "item"]
    text: str
    start: int
    heading: str = ""
    before: str = ""
    intro: str = ""
    subject: str = ""
    number: int | None = None
    item: int = 0
    items: int = 0
    row: Row | None = None
    table: Table | None = None
    demanded: bool = False


@lru_cache(maxsize=512)
def sources(text: str) -> tuple[Source, ...]:
    """All places of a passage that can bind a sentence, in order."""
    found = lines(text)
    heading = _heading(found)
    made: list[Source] = []
    intro = heading
    for kind, group in groupby(found[1:] if heading and len(found) > 1 else found, key=lambda one: _kind(one[1])):
        block = list(group)
        if kind == "row":
            made += _rows(
                text, block, " ".join(dict.fromkeys(part for part in (heading, _caption(found, block[0][0])) if part))
            )
        elif kind == "item":
            made += _items(text, block, heading, intro)
        else:
            made += _sentences(text, block, heading)
            intro = _introduction(block[-1][1])
    return tuple(one for place in made for one in (place, *_checked(place)))


def _checked(place: Source) -> list[Source]:
    """What must be so, of a place that tells to check it."""
    match = _CHECKED.match(place.text) if place.kind != "row" else None
    if match is None:
        return []
    return [replace(place, text=place.text[match.end() :], start=place.start + match.end(), demanded=True)]


def _kind(line: str) -> str:
    if SEPARATOR.strip() in line and ": " in line:
        return "row"
    return "item" if _STEP.match(line) or _ITEM.match(line) else "text"


def _heading(found: list[tuple[int, str]]) -> str:
    """The first line, if it looks like one: short, no full stop, more below it."""
    if len(found) < 2 or _kind(found[0][1]) != "text":
        return ""
    first = found[0][1].strip()
    return first if len(first) <= LONGEST_HEADING and first[-1] not in ".!?:;," else ""


def _caption(found: list[tuple[int, str]], start: int) -> str:
    """The line right before a table."""
    before = [line.strip() for at, line in found if at < start]
    return before[-1] if before and _kind(before[-1]) == "text" and len(before[-1]) <= LONGEST_HEADING else ""


def _introduction(line: str) -> str:
    return line.strip() if line.rstrip().endswith(":") else ""


def _rows(text: str, block: list[tuple[int, str]], caption: str) -> list[Source]:
    first, last = block[0][0], block[-1][0] + len(block[-1][1])
    read = table(text[first:last])
    return [
        Source(
            "row",
            text[first + row.start : first + row.end],
            first + row.start,
            caption,
            text[:first],
            row=row,
            table=read,
        )
        for row in read.rows
    ]


def _items(text: str, block: list[tuple[int, str]], heading: str, intro: str) -> list[Source]:
    made: list[Source] = []
    for place, (at, line) in enumerate(block):
        step = _STEP.match(line)
        mark = step or _ITEM.match(line)
        begin = at + (mark.end() if mark else 0)
        own = text[begin : at + len(line)]
        head = ""
        for start, end in sentences(own):
            said = own[start:end]
            made.append(
                Source(
                    "item",
                    said,
                    begin + start,
                    heading,
                    text[: begin + start],
                    intro=" ".join(part for part in (intro, head) if part),
                    number=int(step.group(1)) if step else None,
                    item=place,
                    items=len(block),
                )
            )
            head = head or (said[: said.find(":") + 1] if ": " in said else "")
    return made


def _sentences(text: str, block: list[tuple[int, str]], heading: str) -> list[Source]:
    made: list[Source] = []
    for at, line in block:
        before = ""
        for start, end in sentences(line):
            said = line[start:end]
            warned = _WARNING.match(said)
            offset = warned.end() if warned else 0
            subject = before if DEPENDENT.match(said) else ""
            made.append(
                Source("sentence", said[offset:], at + start + offset, heading, text[: at + start], subject=subject)
            )
            before = said
    return made
