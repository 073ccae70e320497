"""What people wrote for training: facts and tables of invented plants, asked for in quite other words than they are told.

`written/facts.jsonl`   {topic, heading, text, answer, asks, misses}: `answer` stands once in `text`, which does not
                        answer `misses`; a text that says two things of one kind is there twice, asked for each
`written/tables.jsonl`  {topic, heading, caption, columns, rows, asks: [{row, column, questions}], misses}

A passage is put together anew each time: a fact among others of its topic, a table with some of its rows. A question
cannot be answered where its fact or its row is left out, although all that stands beside it is still there.
"""

import json
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from models.starter.plant_sheet import Fact, Sheet
from models.starter.squad import Example

FOLDER = Path(__file__).parent / "written"
HELD_OUT = 6
"""Of so many topics one is not trained on: quality is measured on it."""
REFUSED = 0.45
TABLES = 0.4
OTHERS = 4
"""Facts beside the one asked for, at most."""
HEADED = (0.7, 0.15)
"""Share of passages under topic and heading, and under the heading alone."""


@dataclass(frozen=True, slots=True)
class Told:
    """One fact: `asks` are answered by `answer`, `misses` by nothing in `text`."""

    topic: str
    heading: str
    text: str
    answer: str
    asks: tuple[str, ...]
    misses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    row: int
    column: int
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One table; each of `asks` is answered by one cell of it, `misses` by none."""

    topic: str
    heading: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    asks: tuple[Asked, ...]
    misses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    facts: tuple[Told, ...]
    tables: tuple[Listed, ...]

    @property
    def topics(self) -> list[str]:
        """Each once, in the files' order."""
        return list(dict.fromkeys([*(told.topic for told in self.facts), *(listed.topic for listed in self.tables)]))


@lru_cache(maxsize=2)
def library(*, held_out: bool = False) -> Library:
    """What is trained on, or the topics that are not."""
    facts = tuple(
        Told(item["topic"], item["heading"], item["text"], item["answer"], tuple(item["asks"]), tuple(item["misses"]))
        for item in _lines("facts.jsonl")
        if is_held_out(item["topic"]) == held_out
    )
    tables = tuple(
        Listed(
            topic=item["topic"],
            heading=item["heading"],
            caption=item["caption"],
            columns=tuple(item["columns"]),
            rows=tuple(tuple(row) for row in item["rows"]),
            asks=tuple(Asked(one["row"], one["column"], tuple(one["questions"])) for one in item["asks"]),
            misses=tuple(item["misses"]),
        )
        for item in _lines("tables.jsonl")
        if is_held_out(item["topic"]) == held_out
    )
    return Library(facts, tables)


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


def is_held_out(topic: str) -> bool:
    return zlib.crc32(topic.encode()) % HELD_OUT == 0


def examples(seed: int, known: Library) -> Iterator[Example]:
    """Examples without end over what `known` holds."""
    chance = random.Random(seed)
    beside: dict[str, list[Told]] = {}
    for told in known.facts:
        beside.setdefault(told.topic, []).append(told)
    while True:
        if known.tables and chance.random() < TABLES:
            yield of_table(chance, chance.choice(known.tables))
        else:
            told = chance.choice(known.facts)
            yield of_fact(chance, told, [other for other in beside[told.topic] if other.text != told.text])


def of_fact(chance: random.Random, told: Told, beside: Sequence[Told]) -> Example:
    """One question, over a passage of its fact and others, or over one that lacks it."""
    near = [other for other in beside if other.heading == told.heading]
    far = [other for other in beside if other.heading != told.heading]
    others = [*chance.sample(near, min(len(near), 2)), *chance.sample(far, min(len(far), 2))]
    chance.shuffle(others)
    others = others[: chance.randint(0, OTHERS)]
    refused = chance.random() < REFUSED
    lacking = refused and bool(others) and chance.random() < 0.6
    held = others if lacking else [*others, told]
    chance.shuffle(held)
    sheet = Sheet(heading(chance, told.topic, told.heading))
    joint = chance.choice((" ", " ", "\n"))
    for one in held:
        before, _, after = one.text.partition(one.answer)
        sheet.tell(before, one.answer, after + joint, *(one.asks if one is told else ()))
    text = sheet.text.rstrip()
    if refused:
        missed = told.asks if lacking else told.misses
        return Example(worded(chance, chance.choice(missed)), text, None, None, "plant")
    return _answered(chance, sheet.facts[0], text)


def of_table(chance: random.Random, listed: Listed) -> Example:
    """One question over some rows of a table, the one that answers it among them or not."""
    asked = chance.choice(listed.asks)
    others = [row for row in range(len(listed.rows)) if row != asked.row]
    kept = sorted(chance.sample(others, chance.randint(min(2, len(others)), len(others))))
    refused = chance.random() < REFUSED
    lacking = refused and chance.random() < 0.6
    if not lacking:
        kept = sorted([*kept, asked.row])
    sheet = Sheet(heading(chance, listed.topic, listed.heading))
    if listed.caption and chance.random() < 0.5:
        sheet.say(listed.caption + "\n")
    for row in kept:
        for column, (header, cell) in enumerate(zip(listed.columns, listed.rows[row], strict=True)):
            sheet.say(f" | {header}: " if column else f"{header}: ")
            start, end = sheet.mark(cell)
            if (row, column) == (asked.row, asked.column):
                sheet.facts.append(Fact(asked.questions, start, end))
        sheet.say("\n")
    text = sheet.text.rstrip()
    if refused:
        missed = asked.questions if lacking or not listed.misses else listed.misses
        return Example(worded(chance, chance.choice(missed)), text, None, None, "plant")
    return _answered(chance, sheet.facts[0], text)


def heading(chance: random.Random, topic: str, heading: str) -> str:
    draw = chance.random()
    if draw < HEADED[0]:
        return f"{topic} > {heading}\n"
    return f"{heading}\n" if draw < sum(HEADED) else ""


def worded(chance: random.Random, question: str) -> str:
    """The question as typed in haste now and then."""
    return question.rstrip("?.").lower() if chance.random() < 0.15 else question


def _answered(chance: random.Random, fact: Fact, text: str) -> Example:
    return Example(worded(chance, chance.choice(fact.asks)), text, fact.start, fact.end, "plant")
