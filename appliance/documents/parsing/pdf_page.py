"""What pdfium sees on a page: words with boxes, sizes and weights, and the ruled lines of tables.

Everything is in points with the origin at the top left of the page as it is shown (rotation and crop applied).
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
from pypdfium2 import raw

MAX_CHARACTERS = 200_000
MAX_PATHS = 4_000
"""A page beyond these is a drawing; what comes later on it is left out."""

_MIN_RULE = 6.0
_STRAIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool = False
    mono: bool = False

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line, horizontal (y0 == y1) or vertical (x0 == x1)."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class PageContent:
    number: int
    width: float
    height: float
    words: tuple[Word, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """From PDF user space to the page as shown."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @property
    def size(self) -> tuple[float, float]:
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.rotation in {90, 270} else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        match self.rotation:
            case 90:
                return y - self.bottom, x - self.left
            case 180:
                return self.right - x, y - self.bottom
            case 270:
                return self.top - y, self.right - x
            case _:
                return x - self.left, self.top - y

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        (ax, ay), (bx, by) = self.point(x0, y0), self.point(x1, y1)
        return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def read_page(page: pdfium.PdfPage, number: int) -> PageContent:
    """The words and rules of a page, `number` counting from 1."""
    left, bottom, right, top = page.get_bbox()
    frame = _Frame(left, bottom, right, top, page.get_rotation() % 360)
    width, height = frame.size
    textpage = page.get_textpage()
    try:
        words = tuple(_words(textpage, frame))
    finally:
        textpage.close()
    return PageContent(number, max(1.0, width), max(1.0, height), words, tuple(_rules(page, frame)))


class _Growing:
    """A word while its characters arrive."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.text: list[str] = []
        self.boxes: list[tuple[float, float, float, float]] = []


def _words(textpage: pdfium.PdfTextPage, frame: _Frame) -> Iterator[Word]:
    handle = textpage.raw
    box = raw.FS_RECTF()
    growing: _Growing | None = None
    for index in range(min(textpage.count_chars(), MAX_CHARACTERS)):
        code = raw.FPDFText_GetUnicode(handle, index)
        character = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
        if character in {"\x02", "\xad", "\ufffe"}:  # how pdfium marks a hyphen at the end of a line
            character = "-"
        if not character or character.isspace() or not character.isprintable():
            if growing:
                yield _finished(growing, handle, frame)
                growing = None
            continue
        if not raw.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(box)):
            continue
        place = (box.left, box.bottom, box.right, box.top)
        if growing and _apart(growing.boxes[-1], place):
            yield _finished(growing, handle, frame)
            growing = None
        growing = growing or _Growing(index)
        growing.text.append(character)
        growing.boxes.append(place)
    if growing:
        yield _finished(growing, handle, frame)


def _apart(last: tuple[float, float, float, float], place: tuple[float, float, float, float]) -> bool:
    """Whether two characters that follow each other are too far from each other to be of one word."""
    height = max(1.0, last[3] - last[1], last[2] - last[0])
    gap = max(place[0] - last[2], last[0] - place[2], place[1] - last[3], last[1] - place[3])
    return gap > 0.35 * height


def _finished(growing: _Growing, handle: object, frame: _Frame) -> Word:
    matrix, flags = raw.FS_MATRIX(), ctypes.c_int()
    size = raw.FPDFText_GetFontSize(handle, growing.index)
    if raw.FPDFText_GetMatrix(handle, growing.index, ctypes.byref(matrix)):
        size *= math.hypot(matrix.c, matrix.d)
    name = ctypes.create_string_buffer(64)
    length = raw.FPDFText_GetFontInfo(handle, growing.index, name, 64, ctypes.byref(flags))
    face = name.value.decode("latin-1", "replace").lower() if 0 < length <= 64 else ""
    bold = "bold" in face or "black" in face or raw.FPDFText_GetFontWeight(handle, growing.index) >= 600
    x0 = min(place[0] for place in growing.boxes)
    y0 = min(place[1] for place in growing.boxes)
    x1 = max(place[2] for place in growing.boxes)
    y1 = max(place[3] for place in growing.boxes)
    mono = any(part in face for part in ("courier", "mono", "consol"))
    return Word("".join(growing.text), *frame.box(x0, y0, x1, y1), size=max(1.0, size), bold=bold, mono=mono)


def _rules(page: pdfium.PdfPage, frame: _Frame) -> Iterator[Rule]:
    handle = page.raw
    paths = 0
    for index in range(raw.FPDFPage_CountObjects(handle)):
        item = raw.FPDFPage_GetObject(handle, index)
        if raw.FPDFPageObj_GetType(item) != raw.FPDF_PAGEOBJ_PATH:
            continue
        paths += 1
        if paths > MAX_PATHS:
            return
        yield from _path_rules(item, frame)


def _path_rules(item: object, frame: _Frame) -> Iterator[Rule]:
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    start = last = (0.0, 0.0)
    for index in range(min(raw.FPDFPath_CountSegments(item), MAX_PATHS)):
        segment = raw.FPDFPath_GetPathSegment(item, index)
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        place = frame.point(
            matrix.a * x.value + matrix.c * y.value + matrix.e, matrix.b * x.value + matrix.d * y.value + matrix.f
        )
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = place
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield from _rule(last, place)
        last = place
        if raw.FPDFPathSegment_GetClose(segment):
            yield from _rule(last, start)
            last = start


def _rule(a: tuple[float, float], b: tuple[float, float]) -> Iterator[Rule]:
    if abs(a[1] - b[1]) <= _STRAIGHT and abs(a[0] - b[0]) >= _MIN_RULE:
        y = (a[1] + b[1]) / 2
        yield Rule(min(a[0], b[0]), y, max(a[0], b[0]), y)
    elif abs(a[0] - b[0]) <= _STRAIGHT and abs(a[1] - b[1]) >= _MIN_RULE:
        x = (a[0] + b[0]) / 2
        yield Rule(x, min(a[1], b[1]), x, max(a[1], b[1]))
