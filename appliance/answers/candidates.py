"""Stretches of a passage that could be quoted as an answer, each verbatim.

row       one line of a table, or its label and the one cell asked for
sentence  one sentence of running text, or one item of a list
paragraph a whole paragraph of several sentences, for questions that ask how
steps     a whole numbered procedure
list      a whole list with the line that introduces it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from appliance.answers.rows import Row, Table, lines, table

if TYPE_CHECKING:
    from appliance.retrieval.values import Hit

CandidateKind = Literal["row", "sentence", "paragraph", "steps", "list"]

LONGEST_PARAGRAPH = 700
"""Characters; a longer paragraph is a page to read, not a quote."""
SHORT_PARAGRAPH = 320
"""Characters; a paragraph up to this is as quickly read as a sentence of it, and says what the sentence leans on."""

_END = re.compile(r"[.!?][\"')\]]*(?=\s+[\"'(\[]?[A-Z0-9•*-]|\s*\n|\s*$)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|approx|ca|cf|vs|no|nos|fig|figs|max|min|resp|dr|mr|ms|mrs|st|sec|chap|par|pos|art|ref|incl|tab|"
    r"vol|dia|temp|ext|tel|inc|ltd|co|dept|rev|ed|eq|al)|\b[A-Z]|^\s*\d{1,3})\.$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*•–]|\d{1,3}[.)]|[a-z][.)])\s+")
_DEPENDENT = re.compile(
    r"^(?:it|its|this|that|these|those|they|their|he|she|both|otherwise|then|there|such|the same)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible quote: the parts of `hit`'s text between the offsets in `spans`, in order.

    `intro` is text of the same passage that binds it too: a caption, the line before a list, the sentence that a
    pronoun points to. `row` and `table` are set for kind "row".
    """

    hit: Hit
    kind: CandidateKind
    spans: tuple[tuple[int, int], ...]
    intro: str = ""
    row: Row | None = None
    table: Table | None = None

    @property
    def text(self) -> str:
        """The quote; parts of one row are joined the way rows are."""
        whole = self.hit.passage.text
        return " | ".join(whole[start:end] for start, end in self.spans)

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def end(self) -> int:
        return self.spans[-1][1]


def candidates(hit: Hit) -> list[Candidate]:
    """All stretches of one passage that could be an answer."""
    passage = hit.passage
    if passage.kind == "table":
        return _rows(hit)
    if passage.kind == "steps":
        return [*_items(hit, "steps"), *_sentences(hit)]
    if passage.kind == "list":
        return [*_items(hit, "list"), *_sentences(hit)]
    return [*_paragraphs(hit), *_sentences(hit)]


def _rows(hit: Hit) -> list[Candidate]:
    read = table(hit.passage.text)
    rows = [
        Candidate(hit, "row", ((row.start, row.end),), intro=read.caption, row=row, table=read) for row in read.rows
    ]
    return rows or _sentences(hit)


def _items(hit: Hit, kind: Literal["steps", "list"]) -> list[Candidate]:
    """The whole list, from its first item (or the line that introduces it) to its end."""
    text = hit.passage.text
    found = lines(text)
    items = [(start, line) for start, line in found if _ITEM.match(line)]
    if not items:
        return []
    before = " ".join(line.strip() for start, line in found if start < items[0][0])
    # A line that introduces the items belongs to the quote; a whole paragraph before them does not.
    begin = found[0][0] if before and len(before) < 160 else items[0][0]
    return [Candidate(hit, kind, ((begin, len(text.rstrip())),), intro=before)]


def _paragraphs(hit: Hit) -> list[Candidate]:
    text = hit.passage.text
    made: list[Candidate] = []
    for start, line in lines(text):
        first, last = _trimmed(text, start, start + len(line))
        end = _led_to(text, last) if text[first:last].endswith(":") else last
        if end - first <= LONGEST_PARAGRAPH and len(sentences(text[first:end])) > 1:
            made.append(Candidate(hit, "paragraph", ((first, end),)))
    return made


def steps_only(hit: Hit) -> Candidate | None:
    """The steps of a passage without the line that introduces them (each part of a long procedure repeats it)."""
    items = [(start, line) for start, line in lines(hit.passage.text) if _ITEM.match(line)]
    if not items:
        return None
    return Candidate(hit, "steps", ((items[0][0], len(hit.passage.text.rstrip())),))


def _sentences(hit: Hit) -> list[Candidate]:
    text = hit.passage.text
    made: list[Candidate] = []
    intro = ""
    before: tuple[int, int] | None = None
    for start, end in sentences(text):
        sentence = text[start:end]
        item = _ITEM.match(sentence) is not None
        if not item:
            intro = sentence if sentence.endswith(":") else ""
        begin, stop = start, end
        if before is not None and _DEPENDENT.match(sentence) and "\n" not in text[before[1] : start]:
            # What `it` is stands in the sentence before.
            begin = before[0]
        if sentence.endswith(":") and not item:
            if hit.passage.kind in ("list", "steps"):
                continue
            stop = _led_to(text, end)
        made.append(Candidate(hit, "sentence", ((begin, stop),), intro=intro if item else ""))
        before = (start, end)
    return made


def _led_to(text: str, end: int) -> int:
    """Where that ends which a colon at `end` leads to: the rest, if it is short, else the next line."""
    if len(text) - end <= SHORT_PARAGRAPH:
        return len(text.rstrip())
    after = text.find("\n", end + 1)
    line_end = text.find("\n", after + 1) if after == end + 1 else after
    return len(text.rstrip()) if line_end == -1 else line_end


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of `text`; a line ends one, even without a full stop (paragraphs are lines here)."""
    found: list[tuple[int, int]] = []
    for start, block in lines(text):
        at = 0
        for match in _END.finditer(block):
            if _ABBREVIATION.search(block[at : match.end()]):
                continue
            found.append((start + at, start + match.end()))
            at = match.end()
        found.append((start + at, start + len(block)))
    trimmed = [_trimmed(text, start, end) for start, end in found]
    return [(start, end) for start, end in trimmed if end - start > 1]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
