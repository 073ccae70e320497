"""Tables on a page: ruled ones by their lattice of lines, unruled ones by the alignment of their columns.

A cell that spans is repeated in each row and column it covers, so that every row keeps its labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from appliance.documents.blocks import Block, render_row
from appliance.documents.parsing.pdf_lines import Segment, TextLine, box_of, lines_of
from appliance.documents.parsing.pdf_page import PageContent, Rule, Word
from appliance.documents.values import Box, Line

MAX_RULES = 1_500
MAX_CELL = 600
_NEAR = 2.5


@dataclass(slots=True)
class Row:
    cells: list[str]
    bold: list[bool]
    box: tuple[float, float, float, float]
    page: PageContent


@dataclass(slots=True)
class PdfTable:
    """Rows of cells as they stand on the page, before it is settled which row is the header."""

    rows: list[Row]
    lefts: list[float]
    y0: float
    y1: float
    caption: str = ""
    words: frozenset[int] = field(default_factory=frozenset)
    header: list[str] | None = None

    def settle_header(self) -> None:
        """Take the first row, or the first two, away as the header if they read like one."""
        if self.header is not None or len(self.rows) < 2:
            return
        first, second = self.rows[0], self.rows[1]
        filled = [bold for bold, cell in zip(first.bold, first.cells, strict=True) if cell]
        all_bold = all(filled) and not all(bold for bold, cell in zip(second.bold, second.cells, strict=True) if cell)
        figures = [any(any(map(str.isdigit, cell)) for cell in row.cells) for row in self.rows]
        words_above_figures = not figures[0] and all(first.cells) and self._has_figures_column()
        if len(filled) < 2 or not (all_bold or words_above_figures):
            return
        self.header = first.cells
        del self.rows[0]
        doubled = len(set(first.cells)) < len(first.cells) and len(self.rows) > 1 and not figures[1]
        if doubled:
            self.header = [a if a == b else f"{a} {b}".strip() for a, b in zip(first.cells, second.cells, strict=True)]
            del self.rows[0]

    def goes_on(self, following: PdfTable) -> bool:
        """Take the rows of a table at the top of the next page, if its columns are columns of this one."""
        places = [
            next((index for index, left in enumerate(self.lefts) if abs(left - other) < 4), None)
            for other in following.lefts
        ]
        if None in places or not self.header or (following.header is not None and following.header != self.header):
            return False
        for row in following.rows:
            cells, bold = [""] * len(self.lefts), [False] * len(self.lefts)
            for place, cell, strong in zip(places, row.cells, row.bold, strict=True):
                if place is not None:
                    cells[place], bold[place] = cell, strong
            self.rows.append(Row(cells, bold, row.box, row.page))
        return True

    def _has_figures_column(self) -> bool:
        columns = zip(*(row.cells for row in self.rows[1:]), strict=True)
        return any(sum(1 for cell in column if any(map(str.isdigit, cell))) >= 0.6 * len(column) for column in columns)

    def block(self) -> Block | None:
        text, lines = "", []
        for row in self.rows:
            rendered = self._render(row)
            if not rendered:
                continue
            start = len(text) + 1 if text else 0
            text = f"{text}\n{rendered}" if text else rendered
            lines.append(Line(start, len(text), box_on(row.page, row.box)))
        if not text and self.header:
            text = " | ".join(filter(None, self.header))
        page = self.rows[0].page.number if self.rows else None
        return Block("table", text, page=page, caption=self.caption, lines=tuple(lines)) if text else None

    def _render(self, row: Row) -> str:
        if len(set(row.cells)) == 1 and len(row.cells) > 1:  # one cell across the table: a heading inside it
            return row.cells[0]
        pairs = len(row.cells) >= 4 and len(row.cells) % 2 == 0
        if not self.header and pairs and all(row.bold[0::2]) and not any(row.bold[1::2]):
            cells = zip(row.cells[0::2], row.cells[1::2], strict=True)
            return " | ".join(f"{label}: {value}" for label, value in cells if label and value)
        return render_row(self.header or (), row.cells)


def box_on(page: PageContent, box: tuple[float, float, float, float]) -> Box:
    """Points on the page as fractions of it."""
    x0, y0, x1, y1 = box
    return Box(
        page.number,
        *(
            round(min(1.0, max(0.0, value)), 5)
            for value in (x0 / page.width, y0 / page.height, x1 / page.width, y1 / page.height)
        ),
    )


def ruled_tables(page: PageContent) -> list[PdfTable]:
    """Tables drawn with lines: at least two columns that hold text, a third of the cells filled."""
    if len(page.rules) > MAX_RULES:
        return []
    tables = []
    for rules in _connected(page.rules):
        xs = _clusters([rule.x0 for rule in rules if rule.x0 == rule.x1])
        ys = _clusters([rule.y0 for rule in rules if rule.y0 == rule.y1])
        if len(xs) >= 3 and len(ys) >= 2:
            table = _lattice(page, rules, xs, ys)
            if table:
                tables.append(table)
    return tables


def _connected(rules: Sequence[Rule]) -> list[list[Rule]]:
    flat = [rule for rule in rules if rule.y0 == rule.y1]
    upright = [rule for rule in rules if rule.x0 == rule.x1]
    groups: list[tuple[list[Rule], list[Rule]]] = []
    for rule in upright:
        touched = [
            other
            for other in flat
            if other.x0 - _NEAR <= rule.x0 <= other.x1 + _NEAR and rule.y0 - _NEAR <= other.y0 <= rule.y1 + _NEAR
        ]
        if not touched:
            continue
        own: tuple[list[Rule], list[Rule]] = ([rule], touched)
        ids = set(map(id, touched))
        apart = []
        for group in groups:
            if ids.isdisjoint(map(id, group[1])):
                apart.append(group)
            else:
                own[0].extend(group[0])
                own[1].extend(other for other in group[1] if id(other) not in ids)
                ids.update(map(id, group[1]))
        groups = [*apart, own]
    return [[*uprights, *flats] for uprights, flats in groups]


def _clusters(values: Sequence[float]) -> list[float]:
    out: list[float] = []
    for value in sorted(values):
        if not out or value - out[-1] > _NEAR:
            out.append(value)
    return out


def _lattice(page: PageContent, rules: Sequence[Rule], xs: list[float], ys: list[float]) -> PdfTable | None:
    columns, rows = len(xs) - 1, len(ys) - 1
    inside: dict[tuple[int, int], list[Word]] = defaultdict(list)
    taken: set[int] = set()
    for word in page.words:
        column = _slot(xs, (word.x0 + word.x1) / 2)
        row = _slot(ys, word.middle)
        if column is not None and row is not None:
            inside[row, column].append(word)
            taken.add(id(word))
    region = _regions(rules, xs, ys)
    texts: dict[int, list[Word]] = defaultdict(list)
    for place, words in inside.items():
        texts[region[place]] += words
    if len({region[place] for place in inside}) < max(2, len(set(region.values())) / 3):
        return None
    wording = {key: " ".join(line.text for line in lines_of(words)) for key, words in texts.items()}
    if max(map(len, wording.values()), default=0) > MAX_CELL:
        return None  # frames around prose, as on a web page
    table: list[Row] = []
    for row in range(rows):
        regions = [region[row, column] for column in range(columns)]
        words = [word for column in range(columns) for word in inside.get((row, column), ())]
        cells = [wording.get(key, "") for key in regions]
        if not any(cells):
            continue
        bold = [bool(texts.get(key)) and all(word.bold for word in texts[key]) for key in regions]
        box = box_of(words) if words else (xs[0], ys[row], xs[-1], ys[row + 1])
        table.append(Row(cells, bold, box, page))
    filled = [column for column in range(columns) if any(row.cells[column] for row in table)]
    if len(filled) < 2 or not table:
        return None
    for line in table:
        line.cells = [line.cells[column] for column in filled]
        line.bold = [line.bold[column] for column in filled]
    return PdfTable(table, [xs[column] for column in filled], ys[0], ys[-1], words=frozenset(taken))


def _slot(edges: Sequence[float], value: float) -> int | None:
    return next((index for index, (low, high) in enumerate(pairwise(edges)) if low - 1 <= value < high + 1), None)


def _regions(rules: Sequence[Rule], xs: Sequence[float], ys: Sequence[float]) -> dict[tuple[int, int], int]:
    """Cells joined where no line parts them: place -> region."""
    columns, rows = len(xs) - 1, len(ys) - 1
    parent = list(range(rows * columns))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for row in range(rows):
        for column in range(columns):
            here = row * columns + column
            middle_x, middle_y = (xs[column] + xs[column + 1]) / 2, (ys[row] + ys[row + 1]) / 2
            if column + 1 < columns and not _is_ruled(rules, x=xs[column + 1], y=middle_y, upright=True):
                parent[root(here + 1)] = root(here)
            if row + 1 < rows and not _is_ruled(rules, x=middle_x, y=ys[row + 1], upright=False):
                parent[root(here + columns)] = root(here)
    return {(row, column): root(row * columns + column) for row in range(rows) for column in range(columns)}


def _is_ruled(rules: Sequence[Rule], *, x: float, y: float, upright: bool) -> bool:
    return any(
        (rule.x0 == rule.x1) == upright
        and rule.x0 - _NEAR <= x <= rule.x1 + _NEAR
        and rule.y0 - _NEAR <= y <= rule.y1 + _NEAR
        for rule in rules
    )


def aligned_table(lines: Sequence[TextLine], page: PageContent) -> tuple[PdfTable, int] | None:
    """The table that begins with the first line, and how many lines it takes; None if the lines are no table.

    Lines belong to it while their segments stay within columns that no segment bridges. A line that fills only later
    columns, close below, continues the row above.
    """
    if not lines or len(lines[0].segments) < 2:
        return None
    columns = [[segment.x0, segment.x1] for segment in lines[0].segments]
    taken = [lines[0]]
    for at, line in enumerate(lines[1:], start=1):
        below = lines[at + 1] if at + 1 < len(lines) else None
        if line.y0 - taken[-1].y1 > 1.6 * line.height:
            break
        places = [_columns_touched(columns, segment) for segment in line.segments]
        if any(len(place) > 1 for place in places):
            break
        lone = len(line.segments) == 1
        if lone and (not places[0] or (places[0] == [0] and (below is None or len(below.segments) < 2))):
            break
        for segment, place in zip(line.segments, places, strict=True):
            if place:
                column = columns[place[0]]
                column[0], column[1] = min(column[0], segment.x0), max(column[1], segment.x1)
            else:
                columns.append([segment.x0, segment.x1])
        columns.sort()
        taken.append(line)
    full = [line for line in taken if len(line.segments) >= 2]
    digits = any(any(map(str.isdigit, line.text)) for line in full)
    if len(full) < (2 if len(columns) >= 3 and digits else 3):
        return None
    rows = _rows(taken, columns, page)
    return PdfTable(rows, [column[0] for column in columns], taken[0].y0, taken[-1].y1), len(taken)


def _columns_touched(columns: Sequence[Sequence[float]], segment: Segment) -> list[int]:
    return [index for index, (x0, x1) in enumerate(columns) if segment.x0 < x1 + 1 and segment.x1 > x0 - 1]


def _rows(lines: Sequence[TextLine], columns: Sequence[Sequence[float]], page: PageContent) -> list[Row]:
    gaps = [below.y0 - above.y1 for above, below in pairwise(lines)]
    usual = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    rows: list[Row] = []
    for index, line in enumerate(lines):
        cells, bold = [""] * len(columns), [False] * len(columns)
        for segment in line.segments:
            column = _columns_touched(columns, segment)[0]
            cells[column] = f"{cells[column]} {segment.text}".strip()
            bold[column] = all(word.bold for word in segment.words)
        continues = bool(rows) and not cells[0] and gaps[index - 1] <= usual + 1
        if continues:
            last = rows[-1]
            last.cells = [f"{a} {b}".strip() for a, b in zip(last.cells, cells, strict=True)]
            last.box = (
                min(last.box[0], line.box[0]), last.box[1], max(last.box[2], line.box[2]), line.box[3],
            )  # fmt: skip
        else:
            rows.append(Row(cells, bold, line.box, page))
    return rows
