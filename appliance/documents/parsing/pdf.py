"""PDF into blocks: text with its place on the page, headings by their size, tables by their lines or alignment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import BinaryIO

import pypdfium2 as pdfium

from appliance.documents.blocks import Block, ParsedFile, one_line
from appliance.documents.parsing.failure import Unreadable
from appliance.documents.parsing.pdf_flow import Element, Strand, page_elements
from appliance.documents.parsing.pdf_lines import lines_of
from appliance.documents.parsing.pdf_page import PageContent, read_page
from appliance.documents.parsing.pdf_tables import PdfTable

_MARGIN = 0.13
"""Running headers and footers stand within this share of the page's height from its edges."""

_PAGE_NUMBER = re.compile(r"\b(?:page|seite|strana|página)\s+\d+\s*(?:(?:of|von|z|de|/)\s*\d+)?\s*$", re.IGNORECASE)
_PASSWORD = 4  # FPDF_ERR_PASSWORD
_ORDINARY_TITLE = re.compile(r"^(untitled|microsoft word|document\d*|.*\.(docx?|pdf|indd|qxd))\b", re.IGNORECASE)


def open_pdf(file: BinaryIO) -> pdfium.PdfDocument:
    """The opened document.

    Raises:
        Unreadable: it needs a password, or it is damaged.
    """
    try:
        return pdfium.PdfDocument(file.read())
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
            raise Unreadable("The file is protected by a password.") from error
        raise Unreadable("The file is damaged: it cannot be opened as a PDF.") from error


def parse_pdf(file: BinaryIO, most_pages: int) -> ParsedFile:
    """The blocks of a PDF.

    Raises:
        Unreadable: it cannot be opened, has too many pages, or holds only pictures.
    """
    document = open_pdf(file)
    count = len(document)
    if count == 0:
        raise Unreadable("The PDF has no pages.")
    if count > most_pages:
        raise Unreadable(f"The PDF has {count:,} pages; at most {most_pages:,} are read.")
    pages = []
    for index in range(count):
        try:
            page = document[index]
        except pdfium.PdfiumError as error:
            raise Unreadable(f"The file is damaged: page {index + 1} cannot be read.") from error
        pages.append(read_page(page, index + 1))
        page.close()
    if not any(page.words for page in pages):
        raise Unreadable(
            "The PDF holds pictures of pages but no text. Text recognition is not part of this release; upload a PDF with text."
        )
    title = one_line(document.get_metadata_value("Title") or "")
    blocks = blocks_of(pages)
    heading = _largest_heading(blocks)
    if not title or _ORDINARY_TITLE.match(title) or len(title) > 200:
        title = heading
    return ParsedFile(title=title, pages=count, blocks=tuple(blocks))


def blocks_of(pages: Sequence[PageContent]) -> list[Block]:
    """The blocks of all pages: running headers dropped, what a page break parted joined again."""
    pages = _without_running_lines(pages)
    body = _body_size(pages)
    elements: list[Element] = []
    for page in pages:
        own = page_elements(page, body)
        for table in (element for element in own if isinstance(element, PdfTable)):
            table.settle_header()
        if own and elements:
            own = _joined(elements[-1], own)
        elements += own
    _set_levels([element for element in elements if isinstance(element, Strand) and element.kind == "heading"])
    return [block for element in elements if (block := element.block()) and block.text.strip()]


def _without_running_lines(pages: Sequence[PageContent]) -> list[PageContent]:
    """Lines near the edges that repeat from page to page (page numbers aside) say nothing about the page."""
    edges: Counter[tuple[str, int]] = Counter()
    found: list[list[tuple[frozenset[tuple[str, int]], list[int]]]] = []
    for page in pages:
        margin = page.height * _MARGIN
        words = [word for word in page.words if word.y1 < margin or word.y0 > page.height - margin]
        own = [
            (
                frozenset((reading, round(line.y0 / 6)) for reading in _readings(line.text, page.number)),
                [id(word) for word in line.words],
            )
            for line in lines_of(words)
        ]
        found.append(own)
        edges.update({key for keys, _ in own for key in keys})
    least = max(2, len(pages) // 2)
    kept: list[PageContent] = []
    for page, own in zip(pages, found, strict=True):
        dropped = {
            word
            for keys, words in own
            if any(edges[key] >= least or _PAGE_NUMBER.search(key[0]) for key in keys)
            for word in words
        }
        words_left = tuple(word for word in page.words if id(word) not in dropped)
        kept.append(PageContent(page.number, page.width, page.height, words_left, page.rules))
    return kept


def _readings(text: str, page: int) -> set[str]:
    """The line as it is, and as it reads when one of its numbers, or all of them, count pages."""
    numbers = list(re.finditer(r"\d{1,6}", text))
    counted = {match.start(): f"#{int(match[0]) - page}#" for match in numbers}

    def reading(wanted: set[int]) -> str:
        return re.sub(r"\d{1,6}", lambda match: counted[match.start()] if match.start() in wanted else match[0], text)

    places = list(counted)[:12]
    return {reading(set(chosen)) for chosen in ([], places, *([place] for place in places))}


def _body_size(pages: Sequence[PageContent]) -> float:
    sizes: Counter[float] = Counter()
    for page in pages:
        for word in page.words:
            sizes[round(word.size * 2) / 2] += len(word.text)
    return max(sizes, key=lambda size: (sizes[size], size)) if sizes else 10.0


def _joined(last: Element, own: list[Element]) -> list[Element]:
    """Join the first element of a page to the last one of the page before, where the break parted them."""
    first = own[0]
    if isinstance(last, PdfTable) and isinstance(first, PdfTable) and last.goes_on(first):
        return own[1:]
    if isinstance(last, Strand) and isinstance(first, Strand) and last.kind == first.kind:
        if last.kind == "paragraph" and last.text[-1:] not in ".!?:;" and first.text[:1].islower():
            last.pieces += [(" ", text, box) for _, text, box in first.pieces]
            return own[1:]
        if last.kind == "steps" and _number(first.text) == _number(last.text.rsplit("\n", 1)[-1]) + 1:
            head, *rest = first.pieces
            last.pieces += [("\n", head[1], head[2]), *rest]
            return own[1:]
    return own


def _number(step: str) -> int:
    match = re.match(r"^(\d+)\.", step)
    return int(match[1]) if match else -9


def _set_levels(headings: Sequence[Strand]) -> None:
    looks = sorted({(round(heading.size * 2) / 2, heading.bold) for heading in headings}, reverse=True)
    for heading in headings:
        heading.level = min(6, 1 + looks.index((round(heading.size * 2) / 2, heading.bold)))


def _largest_heading(blocks: Sequence[Block]) -> str:
    headings = [block for block in blocks if block.kind == "heading" and (block.page or 1) <= 2]
    return min(headings, key=lambda block: block.level).text if headings else ""
