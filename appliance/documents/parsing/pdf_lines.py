"""Words into lines and segments, and the reading order of a page with two columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from appliance.documents.parsing.pdf_page import Rule, Word

CELL_GAP = 1.15
"""A gap wider than this many ems parts two segments of a line."""

MARKER = re.compile(r"[•▪◦‣●○■□–—*·\uf0b7\uf0a7-]|\(?(?:\d{1,3}|[a-z])[.)]")
"""What stands before an item of a list."""

_SECTION_NUMBER = re.compile(r"\d+(?:\.\d+)+\.?")
_CONTENTS = re.compile(r"(?:\.\s?){6,}\s*\d*$")
"""Dots that lead to a page number: a line of the table of contents, which answers nothing."""

_COLUMN_SHARE = (0.3, 0.7)
_COLUMN_LINES = 6
_COLUMN_WORDS = 3.5


@dataclass(frozen=True)
class Segment:
    """Words of one line that stand close to each other."""

    words: tuple[Word, ...]

    @cached_property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        return self.words[0].x0

    @property
    def x1(self) -> float:
        return max(word.x1 for word in self.words)


@dataclass(frozen=True)
class TextLine:
    """Words that stand on one line, left to right."""

    segments: tuple[Segment, ...]

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)

    @cached_property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        return box_of(self.words)

    @cached_property
    def size(self) -> float:
        return median(word.size for word in self.words)

    @cached_property
    def bold(self) -> bool:
        letters = sum(len(word.text) for word in self.words)
        return sum(len(word.text) for word in self.words if word.bold) >= 0.9 * letters

    @property
    def x0(self) -> float:
        return self.box[0]

    @property
    def y0(self) -> float:
        return self.box[1]

    @property
    def y1(self) -> float:
        return self.box[3]

    @property
    def height(self) -> float:
        return max(1.0, self.box[3] - self.box[1])


def box_of(words: Iterable[Word]) -> tuple[float, float, float, float]:
    """The smallest box around the words, at least one."""
    words = list(words)
    return (
        min(word.x0 for word in words),
        min(word.y0 for word in words),
        max(word.x1 for word in words),
        max(word.y1 for word in words),
    )


def lines_of(words: Sequence[Word], rules: Sequence[Rule] = ()) -> list[TextLine]:
    """Lines from top to bottom; a vertical rule parts segments as a wide gap does."""
    uprights = [rule for rule in rules if rule.x0 == rule.x1]
    rows: list[list[Word]] = []
    middle = 0.0
    for word in sorted(words, key=lambda word: (word.middle, word.x0)):
        height = max(1.0, word.y1 - word.y0)
        if rows and abs(word.middle - middle) <= 0.35 * min(height, max(1.0, rows[-1][0].y1 - rows[-1][0].y0)):
            rows[-1].append(word)
            middle += (word.middle - middle) / len(rows[-1])
        else:
            rows.append([word])
            middle = word.middle
    lines = [_line(sorted(row, key=lambda word: word.x0), uprights) for row in rows]
    return [line for line in lines if not _CONTENTS.search(line.text)]


def _line(row: Sequence[Word], uprights: Sequence[Rule]) -> TextLine:
    segments: list[list[Word]] = []
    for word in row:
        last = segments[-1][-1] if segments else None
        if last is None or word.x0 - last.x1 > CELL_GAP * max(word.size, last.size) or _parted(last, word, uprights):
            segments.append([word])
        else:
            segments[-1].append(word)
    if len(segments) > 1 and len(segments[0]) == 1:
        first, second = segments[0][0].text, segments[1][0].text
        if MARKER.fullmatch(first) or (_SECTION_NUMBER.fullmatch(first) and second[0].isupper()):
            segments[0:2] = [segments[0] + segments[1]]  # a bullet stands apart from its words, but it is no cell
    return TextLine(tuple(Segment(tuple(segment)) for segment in segments))


def _parted(left: Word, right: Word, uprights: Sequence[Rule]) -> bool:
    return any(
        left.x1 - 1 <= rule.x0 <= right.x0 + 1 and rule.y0 - 1 <= left.middle <= rule.y1 + 1 for rule in uprights
    )


def reading_order(words: Sequence[Word], rules: Sequence[Rule], width: float) -> list[list[TextLine]]:
    """Runs of lines in the order they are read: one run for a plain page, left then right for columns of prose.

    A line across both columns (a heading, a wide figure's caption) ends the columns above it and starts new ones below.
    """
    lines = lines_of(words, rules)
    gutter = _gutter(lines, width)
    if gutter is None:
        return [lines]
    runs: list[list[TextLine]] = []
    band: list[Word] = []

    def close() -> None:
        sides = [word for word in band if word.x1 <= gutter], [word for word in band if word.x1 > gutter]
        runs.extend(lines_of(side, rules) for side in sides if side)
        band.clear()

    for line in lines:
        if any(segment.x0 < gutter < segment.x1 for segment in line.segments):
            close()
            runs.append([line])
        else:
            band += line.words
    close()
    return runs


def _gutter(lines: Sequence[TextLine], width: float) -> float | None:
    """The x between two columns of prose, when few segments cross it and those beside it are whole phrases."""
    segments = [segment for line in lines for segment in line.segments]
    if len(segments) < 2 * _COLUMN_LINES:
        return None
    best: tuple[int, float] | None = None
    steps = 41
    for step in range(steps):
        x = width * (_COLUMN_SHARE[0] + (_COLUMN_SHARE[1] - _COLUMN_SHARE[0]) * step / (steps - 1))
        crossing = sum(1 for segment in segments if segment.x0 - 2 < x < segment.x1 + 2)
        left = [segment for segment in segments if segment.x1 + 2 <= x]
        right = [segment for segment in segments if segment.x0 - 2 >= x]
        if min(len(left), len(right)) < _COLUMN_LINES or crossing > 0.25 * len(segments):
            continue
        if min(_mean_words(left), _mean_words(right)) < _COLUMN_WORDS:
            continue
        if best is None or crossing < best[0]:
            best = (crossing, x)
    return best[1] if best else None


def _mean_words(segments: Sequence[Segment]) -> float:
    return sum(len(segment.words) for segment in segments) / len(segments)
