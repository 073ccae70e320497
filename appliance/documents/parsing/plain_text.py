"""Plain text into blocks: prose, notes, shift reports, aligned tables.

Nothing marks the structure of plain text, so every rule here is a guess that errs towards keeping lines as written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from appliance.documents.blocks import Block, BlockKind, ParsedFile, one_line, table_block

_UNDERLINE = re.compile(r"^(={3,}|-{3,}|~{3,}|\*{3,})\s*$")
_RULE = re.compile(r"^[\s=\-_*~+|#.]{3,}$")
_BULLET = re.compile(r"^(\s*)([-*•·–o])\s+(\S.*)$")
_NUMBERED = re.compile(r"^(\s*)(\d{1,3})[.)]\s+(\S.*)$")
_LABELLED = re.compile(r"^\s*[^\s:][^:]{0,40}:(\s|$)")
_TIMED = re.compile(r"^\s*(\d{1,2}[:.h]\d{2}\b|\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})")
_NUMBERED_HEADING = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+[A-Z][^.!?]{2,70}$")
_CELLS = re.compile(r"\t+|\s*\|\s*| {2,}")


def parse_plain_text(text: str) -> ParsedFile:
    """The blocks of a text file; form feeds count pages."""
    pages = text.split("\f") if "\f" in text.strip("\f\n ") else None
    blocks: list[Block] = []
    for number, page in enumerate(pages or [text], start=1):
        blocks += [replace(block, page=number if pages else None) for block in _blocks(page)]
    title = next((block.text for block in blocks if block.kind == "heading"), "")
    return ParsedFile(title=title, pages=len(pages) if pages else None, blocks=tuple(blocks))


def _blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    for group in _groups(text.splitlines()):
        blocks += _group_blocks(group, first=not blocks)
    return blocks


def _groups(lines: Sequence[str]) -> list[list[str]]:
    """Lines between blank lines."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            groups[-1].append(line.rstrip())
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _group_blocks(lines: list[str], *, first: bool) -> list[Block]:
    blocks: list[Block] = []
    if len(lines) > 1 and _UNDERLINE.match(lines[1]) and not _RULE.match(lines[0]):
        blocks.append(Block("heading", one_line(lines[0]), level=1 if lines[1].strip()[0] == "=" else 2))
        lines = lines[2:]
    lines = [line for line in lines if not _RULE.match(line)]
    if lines and not blocks and _is_heading(lines, first=first):
        numbers = _NUMBERED_HEADING.match(lines[0].strip())
        level = 1 if first else numbers[1].count(".") + 2 if numbers else 2
        blocks.append(Block("heading", one_line(lines[0]), level=level))
        lines = lines[1:]
    while lines:
        block, used = _next_block(lines)
        blocks.append(block)
        lines = lines[used:]
    return blocks


def _is_heading(lines: Sequence[str], *, first: bool) -> bool:
    text = lines[0].strip()
    letters = [letter for letter in text if letter.isalpha()]
    if len(text) > 80 or len(letters) < 3 or text[-1] in ".,;:" or _TIMED.match(text) or _BULLET.match(text):
        return False
    alone = len(lines) == 1
    if all(map(str.isupper, letters)) and len(text.split()) <= 12:
        return True
    return alone and (first or bool(_NUMBERED_HEADING.match(text)))


def _next_block(lines: Sequence[str]) -> tuple[Block, int]:
    table = _table(lines)
    if table:
        return table
    for pattern, kind in ((_NUMBERED, "steps"), (_BULLET, "list")):
        if pattern.match(lines[0]):
            return _items(lines, pattern, "steps" if kind == "steps" else "list")
    count = next(
        (i for i in range(1, len(lines)) if _BULLET.match(lines[i]) or _NUMBERED.match(lines[i]) or _table(lines[i:])),
        len(lines),
    )
    return _prose(lines[:count]), count


def _prose(lines: Sequence[str]) -> Block:
    """Wrapped prose becomes one line; records (a label or a time before each) stay one per line."""
    marked = sum(1 for line in lines if _LABELLED.match(line) or _TIMED.match(line))
    if len(lines) > 1 and marked * 2 >= len(lines):
        joined: list[str] = []
        for line in lines:
            if joined and not (_LABELLED.match(line) or _TIMED.match(line)):
                joined[-1] += " " + line.strip()
            else:
                joined.append(one_line(line))
        return Block("list", "\n".join(joined))
    return Block("paragraph", one_line(" ".join(lines)))


def _items(lines: Sequence[str], pattern: re.Pattern[str], kind: BlockKind) -> tuple[Block, int]:
    items: list[str] = []
    used = 0
    for line in lines:
        match = pattern.match(line)
        if match:
            mark = f"{match[2]}." if kind == "steps" else "-"
            items.append(f"{' ' * min(len(match[1]), 8)}{mark} {match[3]}")
        elif line.startswith(" ") and not _NUMBERED.match(line) and not _BULLET.match(line):
            items[-1] += " " + line.strip()
        elif _BULLET.match(line) and line.startswith(" "):
            items.append("  " + line.strip())
        else:
            break
        used += 1
    return Block(kind, "\n".join(items)), used


def _table(lines: Sequence[str]) -> tuple[Block, int] | None:
    """Two or more lines in a row that fall into the same number (at least two) of cells."""
    rows: list[list[str]] = []
    for line in lines:
        cells = _CELLS.split(line.strip().strip("|").strip())
        if len(cells) < 2 or not all(len(cell) <= 60 for cell in cells) or (rows and len(cells) != len(rows[0])):
            break
        rows.append(cells)
    separated = any("|" in line or "\t" in line for line in lines[: len(rows)])
    if len(rows) < (2 if separated else 3) or not (separated or _aligned(lines[: len(rows)], rows)):
        return None
    block = table_block(rows[0], rows[1:]) if _looks_like_header(rows) else table_block((), rows)
    return (block, len(rows)) if block else None


def _aligned(lines: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    starts = [line.find(row[1], len(row[0])) for line, row in zip(lines, rows, strict=True)]
    return all(abs(a - b) <= 2 for a, b in pairwise(starts))


def _looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """A first row of words above rows that hold figures."""
    figures = [any(any(map(str.isdigit, cell)) for cell in row) for row in rows]
    return not figures[0] and any(figures[1:])
