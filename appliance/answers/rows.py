"""Rows of a table as passages hold them: one line a row, `Header: cell | Header: cell`, after an optional caption."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class Cell:
    """`text[start:end]` of the passage is `header: value`; the value alone begins at `value_start`."""

    header: str
    value: str
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the passage: `text[start:end]`."""

    cells: tuple[Cell, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """A passage read as a table; `caption` is what stands before its first row."""

    caption: str
    rows: tuple[Row, ...]


@lru_cache(maxsize=1024)
def table(text: str) -> Table:
    """Read the text of a table passage. Lines before the first row are its caption, lines between rows are left out."""
    rows: list[Row] = []
    caption: list[str] = []
    for start, line in lines(text):
        if SEPARATOR.strip() in line or (rows and ": " in line):
            rows.append(_row(line, start))
        elif not rows:
            caption.append(line.strip())
    return Table(" ".join(caption), tuple(rows))


def lines(text: str) -> list[tuple[int, str]]:
    """The lines of `text` that say something, each with the offset where it begins."""
    found: list[tuple[int, str]] = []
    at = 0
    for line in text.split("\n"):
        if line.strip():
            found.append((at, line))
        at += len(line) + 1
    return found


def _row(line: str, offset: int) -> Row:
    cells: list[Cell] = []
    at = 0
    for part in line.split(SEPARATOR):
        header, colon, value = part.partition(": ")
        if not colon:
            header, value = "", part
        value_start = offset + at + (len(header) + 2 if colon else 0)
        cells.append(Cell(header.strip(), value.strip(), offset + at, value_start, offset + at + len(part.rstrip())))
        at += len(part) + len(SEPARATOR)
    return Row(tuple(cells), offset, offset + len(line.rstrip()))
