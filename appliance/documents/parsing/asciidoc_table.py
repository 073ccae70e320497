"""AsciiDoc tables: cells, spans, headers, and the CSV and DSV forms.

Syntax: https://docs.asciidoctor.org/asciidoc/latest/tables/build-a-basic-table/ and the pages after it.
A cell that spans rows or columns is repeated in each place it covers, so that every row keeps all its values.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from appliance.documents.blocks import Block, render_row, table_block

MAX_SPAN = 64
"""A span beyond this is taken for this: no honest table has more, and a bomb does."""

_CELL = re.compile(r"(?<!\\)(?:(?:^|(?<=\s))(?P<spec>(?:\d+\*|(?:\d+)?(?:\.\d+)?\+)?[<^>]?(?:\.[<^>])?[adehlmsv]?))?\|")
_SPAN = re.compile(r"(?:(?P<repeat>\d+)\*|(?P<columns>\d+)?(?:\.(?P<rows>\d+))?\+)?")
_COLUMNS = re.compile(r"^(\d+)\*")


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    columns: int = 1
    rows: int = 1


def parse_table(
    lines: Sequence[str],
    options: Mapping[str, str],
    *,
    delimiter: str,
    caption: str,
    clean: Callable[[str], str],
) -> Block | None:
    """The table between its delimiters, or None when it is empty; `clean` removes inline markup from a cell."""
    form = options.get("format", {",": "csv", ":": "dsv"}.get(delimiter, "psv"))
    if form in {"csv", "tsv"}:
        separator = options.get("separator", "\t" if form == "tsv" else ",")[:1] or ","
        grid = [[clean(cell) for cell in row] for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)]
    elif form == "dsv":
        grid = [[clean(cell) for cell in re.split(r"(?<!\\):", line)] for line in lines if line.strip()]
    else:
        grid = _grid(lines, options, clean, options.get("separator", "!" if delimiter == "!" else "|"))
    grid = [row for row in grid if any(row)]
    if not grid:
        return None
    if _has_header(lines, options, len(grid)):
        return table_block(grid[0], grid[1:], caption=caption)
    if len(grid[0]) == 1:  # a frame around prose
        text = "\n".join(render_row((), row) for row in grid)
        return Block("table", text, caption=caption)
    return table_block((), grid, caption=caption)


def _has_header(lines: Sequence[str], options: Mapping[str, str], rows: int) -> bool:
    flags = options.get("options", "")
    if "noheader" in flags:
        return False
    if "header" in flags:
        return True
    # Implicit: the first line holds text, and the second line is blank.
    return rows > 1 and len(lines) > 2 and bool(lines[0].strip()) and not lines[1].strip()


def _grid(
    lines: Sequence[str], options: Mapping[str, str], clean: Callable[[str], str], separator: str
) -> list[list[str]]:
    text = "\n".join(lines)
    if separator != "|":
        text = text.replace("|", r"\|").replace(separator, "|")
    cells = _cells(text, clean)
    width = _width(options.get("cols", ""), text.split("\n"), clean)
    if width == 0:
        return []
    return _laid_out(cells, width)


def _cells(text: str, clean: Callable[[str], str]) -> list[_Cell]:
    marks = list(_CELL.finditer(text))
    cells: list[_Cell] = []
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(text)
        content = text[mark.end() : end].replace(r"\|", "|")
        span = _SPAN.match(mark["spec"] or "")
        repeat = columns = rows = 1
        if span:
            repeat = min(MAX_SPAN, int(span["repeat"] or 1))
            columns, rows = min(MAX_SPAN, int(span["columns"] or 1)), min(MAX_SPAN, int(span["rows"] or 1))
        cells += [_Cell(clean(content), max(1, columns), max(1, rows))] * max(1, repeat)
    return cells


def _width(columns: str, lines: Sequence[str], clean: Callable[[str], str]) -> int:
    """How many columns: what `cols` says, otherwise what the first line that holds cells shows."""
    count = 0
    for part in columns.replace(";", ",").strip('" ').split(",") if columns.strip('" ') else []:
        repeated = _COLUMNS.match(part.strip())
        count += min(MAX_SPAN, int(repeated[1])) if repeated else 1
    if count:
        return count
    first = next((line for line in lines if line.strip()), "")
    return sum(cell.columns for cell in _cells(first, clean))


def _laid_out(cells: Sequence[_Cell], width: int) -> list[list[str]]:
    """Place each cell at the next free position in reading order, and at every position that it spans."""
    places: dict[tuple[int, int], str] = {}
    row = column = 0
    for cell in cells:
        while (row, column) in places:
            row, column = (row, column + 1) if column + 1 < width else (row + 1, 0)
        for down in range(cell.rows):
            for right in range(min(cell.columns, width - column)):
                places[row + down, column + right] = cell.text
    height = 1 + max((position[0] for position in places), default=-1)
    return [[places.get((index, column), "") for column in range(width)] for index in range(height)]
