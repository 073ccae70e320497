"""Lines of a page into elements: headings, paragraphs, lists, steps, code, and the tables between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from appliance.documents.blocks import Block, BlockKind
from appliance.documents.parsing.pdf_lines import MARKER, TextLine, reading_order
from appliance.documents.parsing.pdf_page import PageContent
from appliance.documents.parsing.pdf_tables import PdfTable, aligned_table, box_on, ruled_tables
from appliance.documents.values import Box, Line

_STEP = re.compile(r"\(?(\d{1,3})[.)]")
_CAPTION = re.compile(r"^(table|tab\.|tabelle|tabulka|tabla)\s*[\w.-]*", re.IGNORECASE)
_NUMBERED = re.compile(r"^\d+(\.\d+)*\.?\s+\S")
_DEEP_NUMBER = re.compile(r"^\d+(\.\d+)+\.?\s+[A-Z]\w")
_END = re.compile(r"[.!?:;]['\")\]]?$")
_NOTICE = re.compile(r"^(note|tip|important|warning|caution|danger|notice)[:!.]?$", re.IGNORECASE)


@dataclass(slots=True)
class Strand:
    """Text gathered line by line, each line with its place; `size` and `bold` tell headings apart."""

    kind: BlockKind
    size: float
    bold: bool
    pieces: list[tuple[str, str, Box]] = field(default_factory=list)
    level: int = 0

    def add(self, separator: str, text: str, box: Box) -> None:
        self.pieces.append((separator if self.pieces else "", text, box))

    @property
    def text(self) -> str:
        return self.block().text

    def block(self) -> Block:
        text = ""
        lines: list[Line] = []
        for separator, part, box in self.pieces:
            parted = separator == " " and part[:1].islower() and re.search(r"[a-z]-$", text)
            if parted:  # a word parted at the end of its line
                text = text[:-1]
                lines[-1] = Line(lines[-1].text_start, len(text), lines[-1].box)
            start = len(text) + (0 if parted else len(separator))
            text = f"{text}{'' if parted else separator}{part}"
            lines.append(Line(start, len(text), box))
        page = self.pieces[0][2].page if self.pieces else None
        return Block(self.kind, text, level=self.level, page=page, lines=tuple(lines))


Element = Strand | PdfTable


def page_elements(page: PageContent, body: float) -> list[Element]:
    """Everything on the page in reading order; `body` is the size of ordinary text in this document."""
    tables = ruled_tables(page)
    used = frozenset[int]().union(*(table.words for table in tables))
    words = [word for word in page.words if id(word) not in used]
    runs = [run for run in reading_order(words, page.rules, page.width) if run]
    elements: list[Element] = []
    waiting = sorted(tables, key=lambda table: table.y0)
    for number, run in enumerate(runs):
        last = number == len(runs) - 1
        elements += _Flow(page, body, run).elements(waiting, last=last)
    elements += waiting
    return _captioned(elements)


class _Flow:
    """One run of lines from top to bottom."""

    def __init__(self, page: PageContent, body: float, run: Sequence[TextLine]) -> None:
        self.page = page
        self.body = body
        self.run = run
        self.right = max(line.box[2] for line in run)
        self.width = max(1.0, self.right - min(line.x0 for line in run))
        gaps = sorted(below.y0 - above.y1 for above, below in pairwise(run) if below.y0 - above.y1 > -1)
        self.usual_gap = gaps[len(gaps) // 4] if gaps else 0.0
        self.done: list[Element] = []
        self.last: TextLine | None = None
        self.indents: list[float] = []

    def elements(self, tables: list[PdfTable], *, last: bool) -> list[Element]:
        """The elements of this run; takes from `tables` those that stand above one of its lines."""
        at = 0
        while at < len(self.run):
            line = self.run[at]
            while tables and tables[0].y0 < line.y0 and self._beside(tables[0]):
                self._append(tables.pop(0))
            found = aligned_table(self.run[at:], self.page)
            if found:
                self._append(found[0])
                at += found[1]
                continue
            self._line(line)
            at += 1
        while last and tables:
            self._append(tables.pop(0))
        return self.done

    def _beside(self, table: PdfTable) -> bool:
        left = min(line.x0 for line in self.run)
        return left - 10 <= (table.lefts[0] + table.lefts[-1]) / 2 <= self.right + 10

    def _append(self, element: Element) -> None:
        self.done.append(element)
        self.last = None
        self.indents = []

    def _line(self, line: TextLine) -> None:
        box = box_on(self.page, line.box)
        heading = self._is_heading(line)
        current = self.done[-1] if self.done and self.last is not None else None
        words = line.words
        marker = words[0].text if len(words) > 1 and MARKER.fullmatch(words[0].text) and not heading else None
        if marker:
            self._item(line, marker, box, current if isinstance(current, Strand) else None)
        elif isinstance(current, Strand) and self._continues(current, line, heading=heading):
            separator = "\n" if current.kind == "code" else " "
            current.add(separator, line.text, box)
        else:
            kind: BlockKind = "heading" if heading else "code" if all(word.mono for word in words) else "paragraph"
            strand = Strand(kind, line.size, line.bold)
            strand.add("", line.text, box)
            self._append(strand)
        self.last = line

    def _item(self, line: TextLine, marker: str, box: Box, current: Strand | None) -> None:
        step = _STEP.fullmatch(marker)
        ordered = step is not None
        if self.indents:
            while len(self.indents) > 1 and line.x0 < self.indents[-1] - 4:
                self.indents.pop()
            if line.x0 > self.indents[-1] + 4:
                self.indents.append(line.x0)
        depth = max(0, len(self.indents) - 1)
        is_list = current is not None and current.kind in {"list", "steps"}
        if current is None or not is_list or (depth == 0 and (current.kind == "steps") != ordered):
            current = Strand("steps" if ordered else "list", line.size, bold=False)
            self._append(current)
            self.indents = [line.x0]
            depth = 0
        mark = f"{step[1]}." if step else marker.strip("()") if marker[-1] in ".)" else "-"
        rest = " ".join(word.text for word in line.words[1:])
        current.add("\n", f"{'  ' * depth}{mark} {rest}", box)

    def _continues(self, current: Strand, line: TextLine, *, heading: bool) -> bool:
        last = self.last
        if last is None:
            return False
        gap = line.y0 - last.y1
        if gap > max(0.38 * line.height, 1.4 * self.usual_gap) or gap < -line.height:
            return False
        if abs(line.size - current.size) > 0.1 * current.size:
            return False
        match current.kind:
            case "heading":
                return heading and line.bold == current.bold
            case "list" | "steps":
                return line.x0 > self.indents[-1] + 3
            case "code":
                return all(word.mono for word in line.words)
            case _:
                if heading or _NOTICE.match(last.text):
                    return not heading
                short = last.box[2] < self.right - 0.2 * self.width
                return not (short and _END.search(last.text))

    def _is_heading(self, line: TextLine) -> bool:
        """Larger than ordinary text, or bold and short, and not a sentence."""
        words = len(line.words)
        letters = sum(1 for character in line.text if character.isalpha())
        if words > 20 or letters < 3 or len(line.segments) > 2 or _NOTICE.match(line.text):
            return False
        if _DEEP_NUMBER.match(line.text) and words <= 12 and line.size >= 0.92 * self.body:
            return not line.text.endswith((".", ",", ";", ":"))
        if line.size >= 1.12 * self.body:
            return not (line.text.endswith((".", ",", ";")) and words > 8)
        if not line.bold or line.size < 0.92 * self.body or words > 14:
            return False
        return not line.text.endswith((".", ",", ";", ":")) or bool(_NUMBERED.match(line.text))


def _captioned(elements: Sequence[Element]) -> list[Element]:
    """Captions moved from the line above (or, if it says "Table", below) a table into the table."""
    out: list[Element] = []
    for element in elements:
        above = out[-1] if out else None
        if isinstance(element, PdfTable) and isinstance(above, Strand) and above.kind == "paragraph":
            if len(above.pieces) <= 2 and _is_caption(above, element):
                element.caption = above.text
                out.pop()
        elif isinstance(element, Strand) and isinstance(above, PdfTable) and _names(element, above):
            above.caption = element.text
            continue
        out.append(element)
    return out


def _names(strand: Strand, table: PdfTable) -> bool:
    is_caption = strand.kind == "paragraph" and len(strand.pieces) <= 2 and _CAPTION.match(strand.text)
    return bool(is_caption) and not table.caption


def _is_caption(strand: Strand, table: PdfTable) -> bool:
    text = strand.text
    page = table.rows[0].page
    near = table.y0 - strand.pieces[-1][2].y1 * page.height < 2 * (strand.size + 4)
    return near and bool(_CAPTION.match(text) or (len(text.split()) <= 16 and not text.endswith((".", ":", ";"))))
