"""Blocks into passages: small enough to embed, whole enough to quote. Pure.

The rules, in order of weight:

1. No passage costs more than `max_tokens` together with its heading path, which is embedded before it.
2. A row, a step or an item is never parted from what makes it readable: a table's rows carry their labels and each part
   of a table repeats the caption; each part of a list, of steps or of code repeats the sentence that introduces it.
3. Small paragraphs of one section are merged up to `merge_tokens`. Nothing is merged across headings.
4. Only a paragraph too long for one passage is cut, between sentences where it can be, and its parts overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.documents.blocks import Block
from appliance.documents.ports import CountTokens
from appliance.documents.stretch import Stretch
from appliance.documents.values import Passage, PassageKind

HEADING_SEPARATOR = " > "

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9\"'(\[ÁÄÖÜČŘŠŽÉ])")
_KINDS: dict[str, PassageKind] = {"table": "table", "list": "list", "steps": "steps", "code": "code"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """In tokens of the embedder. `part_tokens` is the size that long tables, lists and listings are parted into."""

    max_tokens: int = 512
    overlap_tokens: int = 50
    merge_tokens: int = 220
    part_tokens: int = 320
    intro_tokens: int = 90


def embedded_text(passage: Passage) -> str:
    """What of a passage is embedded: its heading path says what it is about."""
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


def chunk(blocks: Sequence[Block], count_tokens: CountTokens, sizes: Sizes | None = None) -> list[Passage]:
    """The passages of a document in reading order, ordinals from 0; empty only if the blocks hold no text."""
    return list(_Chunker(count_tokens, sizes or Sizes()).passages(blocks))


class _Chunker:
    def __init__(self, count_tokens: CountTokens, sizes: Sizes) -> None:
        self.count = count_tokens
        self.sizes = sizes
        self.path: list[tuple[int, str]] = []
        self.heading = ""
        self.limit = sizes.max_tokens
        self.waiting: list[tuple[Stretch, int]] = []
        self.ordinal = 0

    def passages(self, blocks: Sequence[Block]) -> Iterator[Passage]:
        unused_heading: Block | None = None
        for block in blocks:
            if not block.text.strip():
                continue
            if block.kind == "heading":
                yield from self._flush()
                if unused_heading is not None and unused_heading.level >= block.level:
                    yield from self._lone_heading(unused_heading)
                self._enter(block)
                unused_heading = block
                continue
            unused_heading = None
            if block.kind == "paragraph":
                yield from self._paragraph(Stretch.of_block(block))
            else:
                yield from self._structure(block)
        yield from self._flush()
        if unused_heading is not None:
            yield from self._lone_heading(unused_heading)

    def _enter(self, block: Block) -> None:
        self.path = [(level, text) for level, text in self.path if level < block.level]
        self.path.append((block.level, block.text[:300]))
        self.heading = HEADING_SEPARATOR.join(text for _, text in self.path)
        # Room for the heading path, but never so much that no room is left for the text.
        cost = min(self.count(self.heading) + 3, self.sizes.max_tokens // 3)
        self.limit = self.sizes.max_tokens - cost

    def _lone_heading(self, block: Block) -> Iterator[Passage]:
        """A heading with nothing below it is still a sentence of the document."""
        yield from self._emit("text", self._cut(Stretch.of_block(block)))

    def _paragraph(self, stretch: Stretch) -> Iterator[Passage]:
        tokens = self.count(stretch.text)
        gathered = sum(cost for _, cost in self.waiting)
        if self.waiting and gathered + tokens > self.sizes.merge_tokens:
            yield from self._flush()
        if tokens > self.limit:
            yield from self._emit("text", self._cut(stretch))
            return
        self.waiting.append((stretch, tokens))

    def _flush(self) -> Iterator[Passage]:
        if self.waiting:
            joined = Stretch.join("\n", [stretch for stretch, _ in self.waiting])
            self.waiting = []
            yield from self._emit("text", self._cut(joined) if self.count(joined.text) > self.limit else [joined])

    def _structure(self, block: Block) -> Iterator[Passage]:
        intro = self._introduction() if block.kind != "table" else None
        caption = Stretch(block.caption) if block.caption else None
        yield from self._flush()
        head = Stretch.join("\n", [part for part in (intro, caption) if part])
        units = [unit for unit in Stretch.of_block(block).split("\n") if unit.text.strip()]
        yield from self._emit(_KINDS[block.kind], self._parts(head, units))

    def _introduction(self) -> Stretch | None:
        """The sentence that leads to a list or a listing; taken along whole when its paragraph is short."""
        if not self.waiting:
            return None
        stretch, tokens = self.waiting[-1]
        if tokens <= self.sizes.intro_tokens:
            self.waiting.pop()
            return stretch
        last = list(_sentences(stretch))[-1]
        fits = self.count(last.text) <= self.sizes.intro_tokens
        return last if fits and last.text.rstrip().endswith(":") else None

    def _parts(self, head: Stretch, units: Sequence[Stretch]) -> Iterator[Stretch]:
        """Lines gathered into parts, each with the head before it; a line too long for a part is cut."""
        head_cost = self.count(head.text) + 1 if head.text else 0
        if head_cost > self.limit // 2:
            yield from self._cut(head)
            head, head_cost = Stretch(""), 0
        room = self.limit - head_cost
        part: list[Stretch] = []
        cost = 0
        whole = sum(self.count(unit.text) + 1 for unit in units)
        aim = room if whole <= room and whole <= self.sizes.part_tokens * 1.3 else min(room, self.sizes.part_tokens)
        for unit in units:
            tokens = self.count(unit.text) + 1
            if part and cost + tokens > aim:
                yield self._headed(head, part)
                part, cost = [], 0
            if tokens > room:
                for piece in self._cut(unit, room):
                    yield self._headed(head, [piece])
                continue
            part.append(unit)
            cost += tokens
        if part:
            yield self._headed(head, part)

    @staticmethod
    def _headed(head: Stretch, part: Sequence[Stretch]) -> Stretch:
        return Stretch.join("\n", [head, *part] if head.text else part)

    def _cut(self, stretch: Stretch, room: int | None = None) -> Iterator[Stretch]:
        """Pieces of at most `room` tokens that begin with the end of the piece before, where sentences allow it."""
        room = self.limit if room is None else room
        pieces: list[Stretch] = []
        cost = 0
        fresh = False
        for sentence in self._small(stretch, room):
            tokens = self.count(sentence.text) + 1
            if fresh and cost + tokens > room:
                yield Stretch.join(" ", pieces)
                pieces, cost = self._overlap(pieces, room - tokens)
                fresh = False
            pieces.append(sentence)
            cost += tokens
            fresh = True
        if fresh:
            yield Stretch.join(" ", pieces)

    def _overlap(self, pieces: Sequence[Stretch], room: int) -> tuple[list[Stretch], int]:
        kept: list[Stretch] = []
        cost = 0
        for piece in reversed(pieces[1:]):
            tokens = self.count(piece.text) + 1
            if cost + tokens > min(self.sizes.overlap_tokens, room):
                break
            kept.insert(0, piece)
            cost += tokens
        return kept, cost

    def _small(self, stretch: Stretch, room: int) -> Iterator[Stretch]:
        """Sentences; one that is too long by itself in words, and a word that is too long in characters."""
        for sentence in _sentences(stretch):
            if self.count(sentence.text) < room:
                yield sentence
                continue
            for group in sentence.words(max(1, self.sizes.overlap_tokens // 4)):
                if self.count(group.text) < room:
                    yield group
                else:
                    # A character costs at most a token in every tokenizer with a byte or character fallback.
                    yield from group.characters(max(1, room // 4))

    def _emit(self, kind: PassageKind, stretches: Iterator[Stretch] | Sequence[Stretch]) -> Iterator[Passage]:
        for stretch in stretches:
            text = stretch.stripped()
            if not text.text:
                continue
            page = text.lines[0].box.page if text.lines else text.page
            tokens = self.count(text.text)
            yield Passage(self.ordinal, kind, self.heading, page, text.text, tokens, text.lines)
            self.ordinal += 1


def _sentences(stretch: Stretch) -> Iterator[Stretch]:
    start = 0
    for match in _SENTENCE_END.finditer(stretch.text):
        yield stretch.slice(start, match.start())
        start = match.end()
    if start < len(stretch.text):
        yield stretch.slice(start, len(stretch.text))
