"""AsciiDoc list items: their markers, and how a run of items becomes blocks.

Syntax: https://docs.asciidoctor.org/asciidoc/latest/lists/unordered/ and the pages on ordered, description and
callout lists.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.documents.blocks import Block

_UNORDERED = re.compile(r"^\s*(\*{1,5}|-|•)\s+(\S.*)$")
_ORDERED = re.compile(r"^\s*(\.{1,5}|\d+\.|[a-zA-Z]\.|[ivxIVX]+\))\s+(\S.*)$")
_CALLOUT = re.compile(r"^\s*<(\d+|\.)>\s+(\S.*)$")
_DESCRIPTION = re.compile(r"^\s*(?!//)(\S.{0,300}?)(:{2,4}|;;)(?:\s+(.*))?$")
_MACRO = re.compile(r"^[a-z0-9]+::\S*\[.*\]$")


@dataclass(frozen=True, slots=True)
class Marker:
    """What begins an item: `key` tells depths apart, `term` is set in a description list."""

    key: str
    ordered: bool
    text: str
    term: str | None = None


@dataclass(slots=True)
class ListItem:
    """One item; `attached` holds the blocks that a `+` joined to it."""

    depth: int
    ordered: bool
    text: str
    term: str | None = None
    attached: list[Block] = field(default_factory=list)


def list_marker(line: str) -> Marker | None:
    """The marker that the line begins with, if it begins an item."""
    if match := _UNORDERED.match(line):
        return Marker(match[1], ordered=False, text=match[2])
    if match := _ORDERED.match(line):
        key = match[1] if match[1].startswith(".") else ("1." if match[1][0].isdigit() else "a.")
        return Marker(key, ordered=True, text=match[2])
    if match := _CALLOUT.match(line):
        return Marker("<1>", ordered=True, text=match[2])
    if (match := _DESCRIPTION.match(line)) and not _MACRO.match(line.strip()) and "://" not in match[1][-8:]:
        return Marker(match[2], ordered=False, text=match[3] or "", term=match[1])
    return None


def list_blocks(items: Sequence[ListItem], *, caption: str) -> list[Block]:
    """List or steps blocks in order; a block attached to an item stands right after the item it belongs to.

    A list is made of steps when its outermost items are numbered. Steps keep counting across attached blocks.
    """
    blocks: list[Block] = [Block("paragraph", caption)] if caption else []
    lines: list[str] = []
    counts: dict[int, int] = {}
    kind_is_steps = bool(items) and items[0].ordered

    def close() -> None:
        if lines:
            blocks.append(Block("steps" if kind_is_steps else "list", "\n".join(lines)))
            lines.clear()

    for item in items:
        if item.depth == 0 and item.ordered != kind_is_steps:
            close()
            kind_is_steps = item.ordered
        for depth in [depth for depth in counts if depth > item.depth]:
            del counts[depth]
        counts[item.depth] = counts.get(item.depth, 0) + 1
        mark = f"{counts[item.depth]}." if item.ordered else "-"
        text = item.text if item.term is None else f"{item.term}: {item.text}".rstrip(": ")
        text = _with_paragraphs(text, item)
        if text:
            lines.append(f"{'  ' * item.depth}{mark} {text}")
        if item.attached:
            close()
            blocks += item.attached
    close()
    return blocks


def _with_paragraphs(text: str, item: ListItem) -> str:
    """Paragraphs attached first are part of the item itself: they continue its sentence."""
    while item.attached and item.attached[0].kind == "paragraph":
        text = f"{text} {item.attached.pop(0).text}".strip()
    return text
