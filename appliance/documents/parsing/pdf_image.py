"""A page of a PDF as a picture."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import pypdfium2 as pdfium

from appliance.documents.parsing.failure import Unreadable
from appliance.documents.parsing.pdf import open_pdf

MAX_HEIGHT_TO_WIDTH = 6.0


def render_page(file: BinaryIO, page: int, width: int) -> bytes:
    """PNG of the page (counted from 1), `width` pixels wide, as tall as the page asks.

    Raises:
        Unreadable: there is no such page, or it is far longer than wide.
    """
    document = open_pdf(file)
    if not 1 <= page <= len(document):
        raise Unreadable(f"The document has {len(document)} pages; there is no page {page}.")
    try:
        opened = document[page - 1]
        shown_width, shown_height = opened.get_size()
        if shown_width <= 0 or shown_height / shown_width > MAX_HEIGHT_TO_WIDTH:
            raise Unreadable("The page has no shape that can be shown.")
        bitmap = opened.render(scale=width / shown_width, rev_byteorder=True)
    except pdfium.PdfiumError as error:
        raise Unreadable(f"The file is damaged: page {page} cannot be shown.") from error
    return png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels)


def png(pixels: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """PNG (ISO/IEC 15948) of RGB, RGBX or grey rows of `stride` bytes; a fourth channel is left out."""
    rows = bytearray()
    for row in range(height):
        line = pixels[row * stride : row * stride + width * channels]
        if channels == 4:
            kept = bytearray(width * 3)
            kept[0::3], kept[1::3], kept[2::3] = line[0::4], line[1::4], line[2::4]
            line = bytes(kept)
        rows += b"\0" + line
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 4)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
