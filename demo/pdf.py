"""Prints a source as PDF: title block, running header and footer, ruled tables, boxed warnings.

The bytes depend on the source and the pinned reportlab alone: streams are not compressed (another zlib would write other
bytes), dates and ids are fixed by reportlab's invariant mode.
"""

from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    PageTemplate,
    Preformatted,
    Spacer,
    Table,
)
from reportlab.platypus import PageBreak as NewPage
from reportlab.platypus import Paragraph as Words

from demo.source import (
    JOINED,
    Block,
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

WIDTH, HEIGHT = A4
MARGIN = 20 * mm
TEXT_WIDTH = WIDTH - 2 * MARGIN
INK = colors.HexColor("#1d2b3a")
RULE = colors.HexColor("#7a8794")
SHADE = colors.HexColor("#e4e9ee")


def render(source: Source, company: str) -> bytes:
    """The printed document. Two passes: the first counts the pages for "Page 1 of n"."""
    draft, pages = _print(source, company, total=0)
    del draft
    return _print(source, company, total=pages)[0]


def _print(source: Source, company: str, total: int) -> tuple[bytes, int]:
    faces = _faces(source.font)
    styles = _styles(faces)
    counted = [0]

    def running(canvas: Any, _document: Any) -> None:
        counted[0] = max(counted[0], canvas.getPageNumber())
        canvas.saveState()
        canvas.setFont(faces["sans"], 8)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN, HEIGHT - 13 * mm, company)
        canvas.drawRightString(WIDTH - MARGIN, HEIGHT - 13 * mm, f"{source.number}  {source.title}")
        canvas.drawString(MARGIN, 11 * mm, f"Revision {source.revision}  ·  effective {source.effective_from}")
        canvas.drawRightString(WIDTH - MARGIN, 11 * mm, f"Page {canvas.getPageNumber()} of {total}")
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, HEIGHT - 15 * mm, WIDTH - MARGIN, HEIGHT - 15 * mm)
        canvas.line(MARGIN, 15 * mm, WIDTH - MARGIN, 15 * mm)
        canvas.restoreState()

    out = BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        title=source.title,
        author=source.owner,
        subject=source.number,
        creator=company,
        invariant=1,
        pageCompression=0,
    )
    frame = Frame(MARGIN, 17 * mm, TEXT_WIDTH, HEIGHT - 35 * mm, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=running))
    body = blocks(source.body)
    document.build([*_title_block(source, styles), *_flow(body, source, styles)])
    return out.getvalue(), counted[0]


def _faces(font: str) -> dict[str, str]:
    """Headings sans, text serif, from the fourteen fonts every reader has; "Vera" embeds that family instead."""
    if font != "Vera":
        return {"sans": "Helvetica", "strong": "Helvetica-Bold", "text": "Times-Roman", "mono": "Courier"}
    for name, file in (("Vera", "Vera"), ("Vera-Bold", "VeraBd"), ("Vera-Italic", "VeraIt"), ("Vera-Both", "VeraBI")):
        pdfmetrics.registerFont(TTFont(name, f"{file}.ttf"))
    pdfmetrics.registerFontFamily("Vera", "Vera", "Vera-Bold", "Vera-Italic", "Vera-Both")
    return {"sans": "Vera", "strong": "Vera-Bold", "text": "Vera", "mono": "Courier"}


def _styles(faces: dict[str, str]) -> dict[str, ParagraphStyle]:
    small = faces["text"] == "Vera"
    text = ParagraphStyle("text", fontName=faces["text"], fontSize=8.8 if small else 10.5, leading=13.5, spaceAfter=5)
    heading = {"fontName": faces["strong"], "textColor": INK}
    return {
        "title": ParagraphStyle(
            "title", fontName=faces["strong"], fontSize=17, leading=21, textColor=INK, spaceAfter=6
        ),
        "h2": ParagraphStyle("h2", fontSize=13, leading=16, spaceBefore=10, spaceAfter=4, **heading),
        "h3": ParagraphStyle("h3", fontSize=11, leading=14, spaceBefore=6, spaceAfter=3, **heading),
        "text": text,
        "item": ParagraphStyle("item", parent=text, spaceAfter=2.5),
        "caption": ParagraphStyle(
            "caption", fontName=faces["sans"], fontSize=8.5, leading=11, spaceBefore=4, spaceAfter=3
        ),
        "cell": ParagraphStyle("cell", fontName=faces["sans"], fontSize=8.2, leading=10.2),
        "head": ParagraphStyle("head", fontName=faces["strong"], fontSize=8.2, leading=10.2),
        "notice": ParagraphStyle("notice", parent=text, fontName=faces["sans"], fontSize=9, leading=12, spaceAfter=2),
        "code": ParagraphStyle("code", fontName=faces["mono"], fontSize=8, leading=9.6),
    }


def _title_block(source: Source, styles: dict[str, ParagraphStyle]) -> list[Flowable]:
    facts = [
        ("Document", source.number, "Revision", source.revision),
        ("Effective from", str(source.effective_from), "Issued by", source.owner),
        ("Assets", ", ".join(source.assets) or "none", "Classification", source.classification),
    ]
    cells = [
        [Words(escape(cell), styles["head" if n % 2 == 0 else "cell"]) for n, cell in enumerate(row)] for row in facts
    ]
    table = Table(cells, colWidths=[30 * mm, 64 * mm, 30 * mm, TEXT_WIDTH - 124 * mm])
    table.setStyle([("GRID", (0, 0), (-1, -1), 0.4, RULE), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return [Words(escape(source.title), styles["title"]), table, Spacer(1, 4 * mm)]


def _flow(body: list[Block], source: Source, styles: dict[str, ParagraphStyle]) -> list[Flowable]:
    flow: list[Flowable] = []
    caption = ""
    for block in body:
        match block:
            case Heading():
                flow.append(CondPageBreak(34 * mm))
                flow.append(Words(_marked(block.spans), styles[f"h{min(max(block.level, 2), 3)}"]))
            case Paragraph():
                flow.append(Words(_marked(block.spans), styles["text"]))
            case Caption():
                caption = plain(block.spans)
                flow.append(CondPageBreak(26 * mm))
                flow.append(Words(_marked(block.spans), styles["caption"]))
            case Listing():
                flow.append(_list(block, styles, depth=0))
                flow.append(Spacer(1, 1.5 * mm))
            case Grid():
                flow.append(_table(block, source.columns.get(caption.split(":")[0], []), styles))
                flow.append(Spacer(1, 3 * mm))
                caption = ""
            case Notice():
                flow.append(KeepTogether([_boxed(block, styles), Spacer(1, 3 * mm)]))
            case Code():
                flow.append(Preformatted(block.text, styles["code"]))
                flow.append(Spacer(1, 3 * mm))
            case PageBreak():
                flow.append(NewPage())
    return flow


def _list(listing: Listing, styles: dict[str, ParagraphStyle], depth: int) -> Flowable:
    items = [
        ListItem(
            [Words(_marked(item.spans), styles["item"]), *(_list(inner, styles, depth + 1) for inner in item.inner)]
        )
        for item in listing.items
    ]
    look: dict[str, Any] = {"leftIndent": 16, "bulletFontName": styles["item"].fontName, "bulletFontSize": 9.5}
    if not listing.ordered:
        return ListFlowable(items, bulletType="bullet", start="•", **look)
    return ListFlowable(
        items, bulletType="1" if depth == 0 else "a", bulletFormat="%s." if depth == 0 else "%s)", **look
    )


def _table(grid: Grid, shares: list[int], styles: dict[str, ParagraphStyle]) -> Flowable:
    """A ruled table whose header row comes again on each page; `shares` are relative column widths."""
    count = len(grid.header)
    shares = shares or [_share(grid, column) for column in range(count)]
    widths = [TEXT_WIDTH * share / sum(shares) for share in shares]
    look: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.4, RULE),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
    ]
    cells: list[list[Any]] = [[Words(_marked(spans), styles["head"]) for spans in grid.header]]
    for number, row in enumerate(grid.rows, start=1):
        cells.append(["" if plain(spans) == JOINED else Words(_marked(spans), styles["cell"]) for spans in row])
        for column, spans in enumerate(row):
            if plain(spans) != JOINED:
                last = _last_joined(grid, number - 1, column) + 1
                if last > number:
                    look.append(("SPAN", (column, number), (column, last)))
    return Table(cells, colWidths=widths, repeatRows=1, style=look)


def _share(grid: Grid, column: int) -> int:
    """A column's width follows its longest cell, within bounds that keep short and long columns readable."""
    longest = max(len(plain(row[column])) for row in (grid.header, *grid.rows))
    word = max((len(word) for row in (grid.header, *grid.rows) for word in plain(row[column]).split()), default=4)
    return max(min(longest, 46), word + 5, 8)


def _last_joined(grid: Grid, row: int, column: int) -> int:
    last = row
    while last + 1 < len(grid.rows) and plain(grid.rows[last + 1][column]) == JOINED:
        last += 1
    return last


def _boxed(notice: Notice, styles: dict[str, ParagraphStyle]) -> Flowable:
    inside = [Words(_marked(spans), styles["notice"]) for spans in notice.paragraphs]
    table = Table([[inside]], colWidths=[TEXT_WIDTH])
    table.setStyle([("BOX", (0, 0), (-1, -1), 1.1, INK), ("BACKGROUND", (0, 0), (-1, -1), SHADE)])
    return table


def _marked(spans: Spans) -> str:
    """Spans in reportlab's inline markup."""
    parts = []
    for span in spans:
        text = escape(span.text)
        if span.code:
            text = f'<font face="Courier">{text}</font>'
        if span.italic:
            text = f"<i>{text}</i>"
        if span.bold:
            text = f"<b>{text}</b>"
        parts.append(text)
    return "".join(parts)
