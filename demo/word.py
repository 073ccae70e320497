"""Writes a source as DOCX with real heading styles, real numbering (restarted for each list) and ruled tables.

The zip entries are stored with a fixed date and without compression, so that a rebuild gives the same bytes anywhere.
"""

import zipfile
from datetime import datetime
from io import BytesIO
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from demo.source import (
    JOINED,
    Caption,
    Code,
    Grid,
    Heading,
    Listing,
    Notice,
    PageBreak,
    Paragraph,
    Source,
    Spans,
    blocks,
    plain,
)

FIRST_OF_1980 = (1980, 1, 1, 0, 0, 0)


def render(source: Source, company: str) -> bytes:
    document: Any = docx.Document()
    _dress(document)
    _lighten(document)
    _running(document, source, company)
    document.add_heading(source.title, level=0)
    _title_block(document, source)
    for block in blocks(source.body):
        match block:
            case Heading():
                _fill(document.add_heading(level=max(1, block.level - 1)), block.spans)
            case Paragraph():
                _fill(document.add_paragraph(), block.spans)
            case Caption():
                _fill(document.add_paragraph(style="Caption"), block.spans)
            case Listing():
                _list(document, block, depth=1)
            case Grid():
                _table(document, block)
            case Notice():
                for spans in block.paragraphs:
                    _fill(document.add_paragraph(style="Notice"), spans)
            case Code():
                document.add_paragraph(block.text, style="Code")
            case PageBreak():
                document.add_page_break()
    _date(document, source)
    out = BytesIO()
    document.save(out)
    return _settled(out.getvalue())


def _dress(document: Any) -> None:
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(10.5)
    notice = document.styles.add_style("Notice", WD_STYLE_TYPE.PARAGRAPH)
    notice.base_style = document.styles["Normal"]
    notice.font.bold = True
    notice.font.color.rgb = RGBColor(0x9A, 0x1C, 0x1C)
    notice.paragraph_format.left_indent = Pt(14)
    code = document.styles.add_style("Code", WD_STYLE_TYPE.PARAGRAPH)
    code.base_style = document.styles["Normal"]
    code.font.name = "Courier New"


def _lighten(document: Any) -> None:
    """Drop from python-docx's template what no document here uses: it is 800 KiB uncompressed."""
    styles = document.styles.element
    for style in list(styles.style_lst):
        if style.type == WD_STYLE_TYPE.TABLE and style.styleId not in ("TableNormal", "TableGrid"):
            styles.remove(style)
    for part in (document.part, document.part.package):
        for number, relation in list(part.rels.items()):
            if relation.reltype.endswith(("/stylesWithEffects", "/thumbnail")):
                del part.rels[number]


def _running(document: Any, source: Source, company: str) -> None:
    section = document.sections[0]
    section.header.paragraphs[0].text = f"{company}\t\t{source.number}"
    foot = section.footer.paragraphs[0]
    foot.add_run(f"Revision {source.revision}, effective {source.effective_from}\t\tPage ")
    for kind in ("begin", "PAGE", "end"):
        part = OxmlElement("w:instrText" if kind == "PAGE" else "w:fldChar")
        if kind == "PAGE":
            part.text = kind
        else:
            part.set(qn("w:fldCharType"), kind)
        foot.add_run()._r.append(part)


def _title_block(document: Any, source: Source) -> None:
    facts = [
        ("Document", source.number),
        ("Revision", source.revision),
        ("Effective from", str(source.effective_from)),
        ("Issued by", source.owner),
        ("Assets", ", ".join(source.assets) or "none"),
        ("Classification", source.classification),
    ]
    table = document.add_table(rows=0, cols=2, style="Table Grid")
    for name, value in facts:
        cells = table.add_row().cells
        cells[0].text, cells[1].text = name, value
    document.add_paragraph()


def _list(document: Any, listing: Listing, depth: int) -> None:
    name = ("List Number" if listing.ordered else "List Bullet") + ("" if depth == 1 else f" {depth}")
    number = _restarted(document, name) if listing.ordered else None
    for item in listing.items:
        paragraph = document.add_paragraph(style=name)
        if number is not None:
            properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
            properties.get_or_add_ilvl().val = 0
            properties.get_or_add_numId().val = number
        _fill(paragraph, item.spans)
        for inner in item.inner:
            _list(document, inner, depth + 1)


def _restarted(document: Any, style: str) -> int:
    """A new numbering instance of the style's own list, beginning again at 1."""
    numbering = document.part.numbering_part.element
    own = document.styles[style].element.pPr.numPr.numId.val
    abstract = numbering.num_having_numId(own).abstractNumId.val
    fresh = numbering.add_num(abstract)
    fresh.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(fresh.numId)


def _table(document: Any, grid: Grid) -> None:
    table = document.add_table(rows=1, cols=len(grid.header), style="Table Grid")
    for cell, spans in zip(table.rows[0].cells, grid.header, strict=True):
        _fill(cell.paragraphs[0], spans, bold=True)
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
    for row in grid.rows:
        cells = table.add_row().cells
        for cell, spans in zip(cells, row, strict=True):
            if plain(spans) != JOINED:
                _fill(cell.paragraphs[0], spans)
    for column in range(len(grid.header)):
        for number, row in enumerate(grid.rows):
            if plain(row[column]) == JOINED:
                above = table.cell(number, column)
                above.merge(table.cell(number + 1, column))
                for spare in above.paragraphs[1:]:
                    spare._p.getparent().remove(spare._p)
    document.add_paragraph()


def _fill(paragraph: Any, spans: Spans, *, bold: bool = False) -> None:
    for span in spans:
        run = paragraph.add_run(span.text)
        run.bold = True if bold or span.bold else None
        run.italic = True if span.italic else None
        if span.code:
            run.font.name = "Courier New"


def _date(document: Any, source: Source) -> None:
    facts = document.core_properties
    moment = datetime(source.effective_from.year, source.effective_from.month, source.effective_from.day)  # noqa: DTZ001 - the format's own
    facts.author, facts.title, facts.subject = source.owner, source.title, source.number
    facts.created = facts.modified = moment
    facts.last_modified_by, facts.comments, facts.revision = source.owner, "", 1


def _settled(archive: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(archive)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            new.writestr(zipfile.ZipInfo(entry.filename, FIRST_OF_1980), old.read(entry))
    return out.getvalue()
