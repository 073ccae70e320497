"""DOCX into blocks by python-docx: headings, paragraphs, lists with their numbers, tables.

A .docx is a zip of XML. Before anything is unpacked the directory of the zip is judged (`check_archive`), and lxml
expands no entities; the sandbox's memory limit stands behind both.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

import docx
from docx.document import Document
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml import etree

from appliance.documents.blocks import Block, ParsedFile, one_line, table_block
from appliance.documents.parsing.failure import Unreadable

MAX_UNPACKED = 300 * 1024 * 1024
MAX_ENTRIES = 10_000
MAX_RATIO = 200
"""A zip entry that grows more than this, beyond a MiB, is a bomb."""

_HEADING = re.compile(r"^(?:heading|überschrift|nadpis|título)\s*(\d)$", re.IGNORECASE)
_CAPTION_STYLE = re.compile(r"^(caption|beschriftung|titulek)$", re.IGNORECASE)
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BULLET_FORMATS = frozenset({"bullet", "none"})


def parse_docx(file: BinaryIO) -> ParsedFile:
    """The blocks of a DOCX file.

    Raises:
        Unreadable: the archive is damaged, a bomb, or holds no Word document.
    """
    check_archive(file)
    try:
        document = docx.Document(io.BytesIO(file.read()))
    except (zipfile.BadZipFile, zlib.error, OpcError, etree.XMLSyntaxError, EOFError, NotImplementedError) as error:
        raise Unreadable("The file is damaged: its parts cannot be unpacked.") from error
    except (LookupError, ValueError, AttributeError) as error:
        raise Unreadable("The file is not a Word document, or a part of it is missing.") from error
    try:
        blocks = tuple(_Reader(document).read())
        title = one_line(document.core_properties.title or "")
    except (LookupError, ValueError, AttributeError, TypeError, RecursionError, etree.XMLSyntaxError) as error:
        raise Unreadable("The Word document inside the file is damaged.") from error
    heading = next((block.text for block in blocks if block.kind == "heading"), "")
    return ParsedFile(title=heading or title, pages=None, blocks=blocks)


def check_archive(file: BinaryIO) -> None:
    """Judge the zip by its directory alone; the position of `file` is 0 afterwards.

    Raises:
        Unreadable: not a zip, encrypted, too many parts, or parts that unpack to far more than they are.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable("The file is damaged: it does not unpack.") from error
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(f"The file holds {len(entries)} parts; at most {MAX_ENTRIES} are read.")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Unreadable("The file is protected by a password.")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Unreadable("The file unpacks to more than is read: it looks like a bomb.")
    for entry in entries:
        if entry.file_size > 1024 * 1024 and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
            raise Unreadable("A part of the file unpacks to far more than it is: it looks like a bomb.")
    if "[Content_Types].xml" not in {entry.filename for entry in entries}:
        raise Unreadable("The file is a zip archive, not a Word document.")
    file.seek(0)


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.formats = _number_formats(document)
        self.counts: Counter[tuple[str, int]] = Counter()
        self.items: list[str] = []
        self.items_ordered = False
        self.caption = ""

    def read(self) -> Iterator[Block]:
        for element in _content(self.document.element.body):
            if element.tag == qn("w:tbl"):
                yield from self._close_list()
                yield from self._table(Table(element, self.document._body))
            else:
                yield from self._paragraph(Paragraph(element, self.document._body))
        yield from self._close_list()
        if self.caption:
            yield Block("paragraph", self.caption)

    def _paragraph(self, paragraph: Paragraph) -> Iterator[Block]:
        text = one_line(_text(paragraph))
        if not text:
            return
        style = (paragraph.style.name or "") if paragraph.style is not None else ""
        if style.lower().startswith("toc "):
            return
        numbering = self._numbering(paragraph, style)
        level = _heading_level(paragraph, style)
        if level:
            yield from self._close_list()
            yield from self._waiting_caption()
            yield Block("heading", text, level=level)
        elif numbering:
            depth, ordered, number = numbering
            if self.items and depth == 0 and ordered != self.items_ordered:
                yield from self._close_list()
            if not self.items:
                self.items_ordered = ordered
            self.items.append(f"{'  ' * depth}{f'{number}.' if ordered else '-'} {text}")
        else:
            yield from self._close_list()
            yield from self._waiting_caption()
            if _CAPTION_STYLE.match(style) or re.match(r"^table\s+\d+", text, re.IGNORECASE):
                self.caption = text
            else:
                yield Block("paragraph", text)

    def _waiting_caption(self) -> Iterator[Block]:
        """A caption that no table followed is a sentence like any other."""
        if self.caption:
            yield Block("paragraph", self.caption)
            self.caption = ""

    def _close_list(self) -> Iterator[Block]:
        if self.items:
            yield Block("steps" if self.items_ordered else "list", "\n".join(self.items))
            self.items = []

    def _numbering(self, paragraph: Paragraph, style: str) -> tuple[int, bool, int] | None:
        """Depth, ordered or not, and the number of a list paragraph."""
        found = _number_reference(paragraph)
        lower = style.lower()
        if found is None and not lower.startswith("list "):
            return None
        if found is None or found[0] == "0":
            if not lower.startswith(("list bullet", "list number")):
                return None
            digit = lower[-1] if lower[-1].isdigit() else "1"
            found = (style, int(digit) - 1)
        number_id, depth = found
        known = self.formats.get((number_id, depth))
        ordered = known not in _BULLET_FORMATS if known else lower.startswith("list number")
        if not self.items and number_id == style:
            self.counts[number_id, depth] = 0
        self.counts[number_id, depth] += 1
        for key in [key for key in self.counts if key[0] == number_id and key[1] > depth]:
            del self.counts[key]
        return min(depth, 8), ordered, self.counts[number_id, depth]

    def _table(self, table: Table) -> Iterator[Block]:
        rows = [[one_line(_cell_text(cell)) for cell in row.cells] for row in table.rows]
        caption, self.caption = self.caption, ""
        rows = [row for row in rows if any(row)]
        if not rows:
            return
        if len(set(rows[0])) == 1 and len(rows[0]) > 1 and len(rows) > 1:  # one merged cell on top is a caption
            caption = f"{caption} {rows.pop(0)[0]}".strip()
        header = rows[0] if len(rows) > 1 and _is_header(table, rows) else []
        block = table_block(header, rows[1:] if header else rows, caption=caption)
        if block:
            yield block


def _content(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, also those inside content controls and tracked insertions."""
    for child in parent.iterchildren():
        if child.tag in {qn("w:p"), qn("w:tbl")}:
            yield child
        elif child.tag in {qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")}:
            yield from _content(child)


def _text(paragraph: Paragraph) -> str:
    """What is shown: deleted text is in other elements, and the fallback of a text box repeats its text."""
    parts: list[str] = []
    for node in paragraph._p.iter():
        if node.tag == qn("w:t"):
            if next(node.iterancestors(_FALLBACK), None) is not None:
                continue
            parts.append(node.text or "")
        elif node.tag in {qn("w:tab"), qn("w:br"), qn("w:cr")}:
            parts.append(" ")
        elif node.tag == qn("w:noBreakHyphen"):
            parts.append("-")
    return "".join(parts)


def _cell_text(cell: Any) -> str:
    return " ".join(_text(paragraph) for paragraph in cell.paragraphs)


def _heading_level(paragraph: Paragraph, style: str) -> int:
    if match := _HEADING.match(style):
        return min(6, max(1, int(match[1])))
    if style.lower() == "title":
        return 1
    outline = paragraph._p.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
    value = outline.get(qn("w:val"), "9") if outline is not None else "9"
    return int(value) + 1 if value in {"0", "1", "2", "3", "4", "5"} else 0


def _number_reference(paragraph: Paragraph) -> tuple[str, int] | None:
    """(numId, depth) of the paragraph itself, or else of its style."""
    properties = [paragraph._p.pPr]
    style = paragraph.style
    while style is not None and len(properties) < 10:
        properties.append(style.element.find(qn("w:pPr")))
        style = getattr(style, "base_style", None)
    for own in properties:
        reference = own.find(qn("w:numPr")) if own is not None else None
        if reference is not None:
            number, level = reference.find(qn("w:numId")), reference.find(qn("w:ilvl"))
            if number is not None:
                depth = level.get(qn("w:val"), "0") if level is not None else "0"
                return number.get(qn("w:val"), "0"), int(depth) if depth.isdigit() else 0
    return None


def _number_formats(document: Document) -> dict[tuple[str, int], str]:
    """(numId, depth) -> number format (`decimal`, `bullet`, ...), from the numbering part."""
    try:
        numbering = document.part.numbering_part.element
    except (KeyError, NotImplementedError, AttributeError):
        return {}
    abstract: dict[str, dict[int, str]] = {}
    for definition in numbering.findall(qn("w:abstractNum")):
        levels: dict[int, str] = {}
        for level in definition.findall(qn("w:lvl")):
            form = level.find(qn("w:numFmt"))
            if form is not None:
                levels[int(level.get(qn("w:ilvl"), "0"))] = form.get(qn("w:val")) or "decimal"
        abstract[definition.get(qn("w:abstractNumId")) or ""] = levels
    formats: dict[tuple[str, int], str] = {}
    for number in numbering.findall(qn("w:num")):
        reference = number.find(qn("w:abstractNumId"))
        for depth, form in abstract.get(reference.get(qn("w:val")) if reference is not None else "", {}).items():
            formats[number.get(qn("w:numId")) or "", depth] = form
    return formats


def _is_header(table: Table, rows: list[list[str]]) -> bool:
    """Marked as a header, set in bold, or a row of words above rows that hold figures."""
    first = table.rows[0]
    if first._tr.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None:
        return True
    runs = [run for cell in first.cells for paragraph in cell.paragraphs for run in paragraph.runs if run.text.strip()]
    others = [run for cell in table.rows[1].cells for p in cell.paragraphs for run in p.runs if run.text.strip()]
    if runs and all(run.bold for run in runs) and not (others and all(run.bold for run in others)):
        return True
    figures = [any(any(map(str.isdigit, cell)) for cell in row) for row in rows]
    return all(rows[0]) and not figures[0] and any(figures[1:]) and len(rows[0]) > 1
