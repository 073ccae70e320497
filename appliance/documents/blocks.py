"""What a parser makes of a file: blocks in reading order, whatever the format was.

```
heading    text, level 1..6
paragraph  text
list       one item per line, "- " before it, two spaces of indent for each depth
steps      one step per line, "1. " before it
table      one row per line, "Header1: cell | Header2: cell"; the caption stands apart
code       the lines as they are
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from appliance.documents.values import Box, Line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BlockKind = Literal["heading", "paragraph", "table", "list", "steps", "code"]
BLOCK_KINDS: frozenset[str] = frozenset(get_args(BlockKind))


@dataclass(frozen=True, slots=True)
class Block:
    """One structural element. `lines` says where stretches of `text` stand on the page, for formats that have pages."""

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None
    caption: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The blocks of one file; `pages` is None for formats without pages, `title` is empty when the file names none."""

    title: str
    pages: int | None
    blocks: tuple[Block, ...]


def one_line(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


def render_row(header: Sequence[str], cells: Sequence[str]) -> str:
    """One table row as one line in which every value stands beside its label.

    Without a header a row of two cells reads `label: value`; longer ones are only separated. Empty cells are left out.
    """
    cleaned = [one_line(cell) for cell in cells]
    if not any(header):
        if len(cleaned) == 2:
            return ": ".join(cell for cell in (cleaned[0].rstrip(" :"), cleaned[1].lstrip(" :")) if cell)
        return " | ".join(cell for cell in cleaned if cell)
    labels = [*map(one_line, header), *[""] * (len(cleaned) - len(header))]
    return " | ".join(
        f"{label}: {cell}" if label else cell for label, cell in zip(labels, cleaned, strict=False) if cell
    )


def table_block(header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "") -> Block | None:
    """A table of plain cells as a block; None when nothing is written in it."""
    lines = [line for line in (render_row(header, row) for row in rows) if line]
    if not lines and any(header):
        lines = [" | ".join(one_line(label) for label in header if label)]
    return Block("table", "\n".join(lines), caption=one_line(caption)) if lines else None


def to_wire(parsed: ParsedFile) -> dict[str, Any]:
    """JSON values that carry a parsed file out of the sandbox."""
    return {
        "title": parsed.title,
        "pages": parsed.pages,
        "blocks": [
            {
                "kind": block.kind,
                "text": block.text,
                "level": block.level,
                "page": block.page,
                "caption": block.caption,
                "lines": [
                    [line.text_start, line.text_end, line.box.page, line.box.x0, line.box.y0, line.box.x1, line.box.y1]
                    for line in block.lines
                ],
            }
            for block in parsed.blocks
        ],
    }


def from_wire(wire: Mapping[str, Any]) -> ParsedFile:
    """Read what came out of the sandbox, trusting nothing: a child that was taken over may write anything.

    Raises:
        ValueError: a field is missing, of another type or out of its range.
    """
    try:
        pages = wire["pages"]
        return ParsedFile(
            title=_text(wire["title"]),
            pages=None if pages is None else int(pages),
            blocks=tuple(_block(item) for item in wire["blocks"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a parsed file: {error}"
        raise ValueError(message) from error


def _block(item: Mapping[str, Any]) -> Block:
    kind, text = item["kind"], _text(item["text"])
    if kind not in BLOCK_KINDS:
        message = f"unknown kind of block: {kind!r}"
        raise ValueError(message)
    page = item["page"]
    return Block(
        kind=kind,
        text=text,
        level=int(item["level"]),
        page=None if page is None else int(page),
        caption=_text(item["caption"]),
        lines=tuple(_line(values, len(text)) for values in item["lines"]),
    )


def _line(values: Sequence[Any], length: int) -> Line:
    start, end, page = (int(value) for value in values[:3])
    x0, y0, x1, y1 = (min(1.0, max(0.0, float(value))) for value in values[3:7])
    if not 0 <= start <= end <= length or page < 1:
        message = "a line points outside its text"
        raise ValueError(message)
    return Line(start, end, Box(page, x0, y0, x1, y1))


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = "a text is not a string"
        raise TypeError(message)
    # A lone surrogate or a NUL would be refused by a database later, far from its cause.
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
