"""Reads a QR code as a telephone does: from what is drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import zxingcpp

_MOVE = re.compile(r"([Mmh])(-?[0-9.]+)(?: ?(-?[0-9.]+))?")


def read_svg(drawing: str, *, scale: int = 6) -> str:
    """The text of the one code in an SVG of horizontal strokes, one high."""
    root = ET.fromstring(drawing)  # ours
    side = int(root.attrib["width"]) // 4
    dots = np.full((side, side), 255, np.uint8)
    (path,) = (one for one in root.iter() if one.attrib.get("stroke"))
    x = y = 0.0
    for command, first, second in _MOVE.findall(path.attrib["d"]):
        if command == "h":
            dots[int(y), int(x) : int(x + float(first))] = 0
            x += float(first)
        elif command == "M":
            x, y = float(first), float(second)
        else:
            x, y = x + float(first), y + float(second)
    return _read(dots, scale)


def read_blocks(lines: str, *, scale: int = 6) -> str:
    """The same of half blocks on a terminal, two dots in one letter, light where the letter is."""
    rows = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", lines).split("\n") if line]
    dots = np.zeros((2 * len(rows), max(map(len, rows))), np.uint8)
    for at, row in enumerate(rows):
        for column, letter in enumerate(row):
            dots[2 * at, column] = 255 if letter in "█▀" else 0
            dots[2 * at + 1, column] = 255 if letter in "█▄" else 0
    return _read(dots, scale)


def _read(dots: np.ndarray[tuple[int, int], np.dtype[np.uint8]], scale: int) -> str:
    image = np.pad(np.kron(dots, np.ones((scale, scale), np.uint8)), 4 * scale, constant_values=255)
    (found,) = zxingcpp.read_barcodes(image)
    return found.bytes.decode()
