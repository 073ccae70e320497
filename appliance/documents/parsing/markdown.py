"""Markdown (CommonMark with tables) into blocks, by markdown-it-py's token stream."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from appliance.documents.blocks import Block, ParsedFile, one_line, table_block

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE | re.IGNORECASE)
_ALERT = re.compile(r"^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*")
_TAG = re.compile(r"<!--.*?-->|<[^>]{0,500}>", re.DOTALL)
_CAPTION = re.compile(r"^(?:\*\*|__)?(?:table|tab\.)\s*\d*", re.IGNORECASE)


def parse_markdown(text: str) -> ParsedFile:
    """The blocks of a Markdown file; front matter gives at most the title, raw HTML only its words."""
    title = ""
    if match := _FRONT_MATTER.match(text):
        named = _FRONT_TITLE.search(match[1])
        title = named[1].strip() if named else ""
        text = text[match.end() :]
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    reader = _Reader(tokens)
    reader.read()
    heading = next((block.text for block in reader.blocks if block.kind == "heading"), "")
    return ParsedFile(title=title or heading, pages=None, blocks=tuple(reader.blocks))


class _Reader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.blocks: list[Block] = []

    def read(self) -> None:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            match token.type:
                case "heading_open":
                    self._add("heading", self._inline(), level=int(token.tag[1]))
                case "paragraph_open":
                    text = self._inline()
                    if match := _ALERT.match(text):
                        text = f"{match[1].capitalize()}: {text[match.end() :]}"
                    self._add("paragraph", text)
                case "bullet_list_open" | "ordered_list_open":
                    self._list(token)
                case "table_open":
                    self._table()
                case "fence" | "code_block":
                    self._add("code", token.content.strip("\n"))
                case "html_block":
                    self._add("paragraph", one_line(_TAG.sub(" ", token.content)))
                case _:
                    pass

    def _add(self, kind: str, text: str, *, level: int = 0) -> None:
        match kind:
            case "heading" if text:
                self.blocks.append(Block("heading", text, level=level))
            case "paragraph" if text:
                self.blocks.append(Block("paragraph", text))
            case "code" if text.strip():
                self.blocks.append(Block("code", text))
            case _:
                pass

    def _inline(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return one_line(_words(token.children or ()))

    def _list(self, opening: Token) -> None:
        """A whole list with the lists inside it; code in an item stands as a block of its own after the item."""
        ordered = opening.type == "ordered_list_open"
        lines: list[str] = []
        counts = [int(opening.attrGet("start") or 1) if ordered else -1]
        words: list[str] = []
        depth_of_item = 0

        def end_item() -> None:
            if words:
                number = counts[depth_of_item]
                mark = "-" if number < 0 else f"{number}."
                lines.append(f"{'  ' * depth_of_item}{mark} {' '.join(words)}")
                words.clear()

        def end_block() -> None:
            end_item()
            if lines:
                self.blocks.append(Block("steps" if ordered else "list", "\n".join(lines)))
                lines.clear()

        while counts and self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            match token.type:
                case "list_item_open":
                    end_item()
                    depth_of_item = len(counts) - 1
                case "list_item_close":
                    end_item()
                    level = len(counts) - 1
                    if counts[level] >= 0:
                        counts[level] += 1
                    depth_of_item = max(0, level - 1)
                case "inline":
                    words.append(one_line(_words(token.children or ())))
                case "bullet_list_open":
                    end_item()
                    counts.append(-1)
                case "ordered_list_open":
                    end_item()
                    counts.append(int(token.attrGet("start") or 1))
                case "bullet_list_close" | "ordered_list_close":
                    end_item()
                    counts.pop()
                case "fence" | "code_block":
                    end_block()
                    self._add("code", token.content.strip("\n"))
                case "table_open":
                    end_block()
                    self._table()
                case _:
                    pass
        end_block()

    def _table(self) -> None:
        rows: list[list[str]] = []
        header: list[str] = []
        in_header = False
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            match token.type:
                case "thead_open":
                    in_header = True
                case "thead_close":
                    in_header = False
                case "tr_open" if not in_header:
                    rows.append([])
                case "inline":
                    (header if in_header else rows[-1]).append(one_line(_words(token.children or ())))
                case "table_close":
                    break
                case _:
                    pass
        caption = ""
        if self.blocks and self.blocks[-1].kind == "paragraph" and _CAPTION.match(self.blocks[-1].text):
            caption = self.blocks.pop().text
        table = table_block(header, rows, caption=caption)
        if table:
            self.blocks.append(table)


def _words(children: Sequence[Token]) -> str:
    parts: list[str] = []
    for child in children:
        match child.type:
            case "text" | "code_inline" | "text_special":
                parts.append(child.content)
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "image":
                parts.append(child.content)
            case "html_inline" if child.content.lower().startswith("<br"):
                parts.append(" ")
            case _:
                pass
    return "".join(parts)
