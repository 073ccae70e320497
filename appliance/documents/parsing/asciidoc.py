"""AsciiDoc into blocks: sections, paragraphs, lists, tables, listings, admonitions.

A structural reader of the syntax at https://docs.asciidoctor.org/asciidoc/latest/ ; it renders nothing and includes
nothing (an `include::` names a file that is not here). Whatever it does not know is kept as a paragraph: a manual
never loses a sentence because of its markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.documents.blocks import Block, ParsedFile, one_line
from appliance.documents.parsing.asciidoc_inline import plain, substitute
from appliance.documents.parsing.asciidoc_lists import ListItem, list_blocks, list_marker
from appliance.documents.parsing.asciidoc_table import parse_table

MAX_DEPTH = 12
"""Blocks nested deeper than this are read as text."""

_ATTRIBUTE = re.compile(r"^:(!?[\w-]+!?):(?:\s+(.*))?$")
_SECTION = re.compile(r"^(={1,6}|#{1,6})\s+(\S.*?)(?:\s+\1)?$")
_SETEXT = re.compile(r"^(={4,}|-{4,}|~{4,}|\^{4,}|\+{4,})$")
_SETEXT_LEVELS = {"=": 1, "-": 2, "~": 3, "^": 4, "+": 5}
_DELIMITER = re.compile(r"^(-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|--|```+.*|~~~+.*)$")
_TABLE = re.compile(r"^([|,:!])={3,}$")
_BLOCK_TITLE = re.compile(r"^\.([^\s.].*)$")
_ANCHOR = re.compile(r"^\[\[[^\]]+\]\]$")
_ATTRIBUTE_LIST = re.compile(r"^\[([^\[\]]*|.*=.*)\]$")
_OPTION = re.compile(r"""([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^,]*))""")
_ADMONITION = re.compile(r"^(NOTE|TIP|IMPORTANT|WARNING|CAUTION):\s+")
_CONDITION = re.compile(r"^(ifdef|ifndef|ifeval|endif)::([^\[]*)\[(.*)\]$")
_BREAK = re.compile(r"^('{3,}|<{3,}|(?:-\s?){3}|(?:\*\s?){3})$")
_MACRO = re.compile(r"^(image|video|audio|include|toc|latexmath|stem)::(\S*?)\[(.*)\]$")
_ADMONITIONS = frozenset({"NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"})
_CODE = frozenset({"-", ".", "`"})


def parse_asciidoc(text: str) -> ParsedFile:
    """The blocks of an AsciiDoc file; never raises on any text."""
    reader = _Reader()
    blocks = reader.read(text.expandtabs(4).splitlines())
    title = next((block.text for block in blocks if block.kind == "heading"), "")
    return ParsedFile(title=reader.title or title, pages=None, blocks=tuple(blocks))


class _Reader:
    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        self.title = ""

    def clean(self, text: str) -> str:
        return one_line(plain(text, self.attributes))

    def read(self, source: Sequence[str], depth: int = 0) -> list[Block]:
        lines = self._conditions(source) if depth == 0 else list(source)
        blocks: list[Block] = []
        style, caption = "", ""
        at = 0
        while at < len(lines):
            line = lines[at].rstrip()
            start, was = at, len(blocks)
            at += 1
            if not line.strip():
                if blocks and not caption:
                    style = ""
                continue
            if line.startswith("//") and not line.startswith("////"):
                continue
            if match := _ATTRIBUTE.match(line):
                at = self._attribute(match, lines, at)
                continue
            if _ANCHOR.match(line) or _BREAK.match(line):
                continue
            if (match := _ATTRIBUTE_LIST.match(line)) and not list_marker(line):
                style = substitute(match[1], self.attributes)
                continue
            if match := _BLOCK_TITLE.match(line):
                caption = self.clean(match[1])
                continue
            if match := _TABLE.match(line):
                inner, at = _delimited(lines, at, line)
                blocks += self._table(inner, style, match[1], caption)
            elif (match := _SECTION.match(line)) and not _DELIMITER.match(line):
                at = self._section(match[1], match[2], lines, at, blocks, style)
            elif self._is_setext(lines, start):
                blocks.append(Block("heading", self.clean(line), level=_SETEXT_LEVELS[lines[at][0]]))
                at += 1
            elif _DELIMITER.match(line):
                inner, at = _delimited(lines, at, line)
                blocks += self._delimited_block(line, inner, style, caption, depth)
            elif match := _MACRO.match(line):
                blocks += self._macro(match[1], match[3], caption)
            elif list_marker(line):
                items, at = self._items(lines, start, depth)
                blocks += list_blocks(items, caption=caption)
            else:
                paragraph, at = _paragraph(lines, start)
                blocks += self._paragraph_block(paragraph, style, caption)
            if len(blocks) > was or at > start + 1:
                style, caption = "", ""
        return blocks

    def _conditions(self, lines: Sequence[str]) -> list[str]:
        """Lines that a conditional directive leaves; `ifdef` of a name the file does not define drops its part."""
        defined = {match[1].lower() for line in lines if (match := _ATTRIBUTE.match(line))}
        kept: list[str] = []
        skipping: list[bool] = []
        for line in lines:
            match = _CONDITION.match(line.strip())
            if not match:
                if not any(skipping):
                    kept.append(line)
                continue
            directive, names, inline = match.groups()
            if directive == "endif":
                if skipping:
                    skipping.pop()
                continue
            known = any(name.strip().lower() in defined for name in re.split(r"[,+]", names))
            skip = {"ifdef": not known, "ifndef": known, "ifeval": False}[directive]
            if inline and directive != "ifeval":
                if not skip and not any(skipping):
                    kept.append(inline)
            else:
                skipping.append(skip)
        return kept

    def _attribute(self, match: re.Match[str], lines: Sequence[str], at: int) -> int:
        name, value = match[1].lower(), match[2] or ""
        while value.endswith("\\") and at < len(lines):
            value = value[:-1].rstrip("+ ") + " " + lines[at].strip()
            at += 1
        if name.strip("!") != name:
            self.attributes.pop(name.strip("!"), None)
        elif len(value) < 500:  # a value is a word or a phrase; longer ones only serve to blow a text up
            self.attributes[name] = substitute(value, self.attributes)[:2000]
        return at

    def _section(self, marks: str, heading: str, lines: Sequence[str], at: int, blocks: list[Block], style: str) -> int:
        text = self.clean(heading)
        if not text:
            return at
        blocks.append(Block("heading", text, level=min(6, len(marks))))
        if len(marks) == 1 and not self.title and "discrete" not in style:
            self.title = text
            while at < len(lines) and lines[at].strip() and self._is_header_line(lines[at]):
                at += 1  # author and revision lines
        return at

    @staticmethod
    def _is_header_line(line: str) -> bool:
        return bool(
            re.match(r"^(v[\d.]+\b.*|[\w.'-]+(?: [\w.'-]+){0,3}(?: <[^>]+>)?;?.*@.*|[\w.'-]+ [\w.'-]+ <.*>)$", line)
        )

    @staticmethod
    def _is_setext(lines: Sequence[str], at: int) -> bool:
        if at + 1 >= len(lines) or (at and lines[at - 1].strip() and not _ANCHOR.match(lines[at - 1].strip())):
            return False
        title, under = lines[at].rstrip(), lines[at + 1].rstrip()
        return bool(_SETEXT.match(under)) and abs(len(title) - len(under)) <= 1 and any(map(str.isalpha, title))

    def _table(self, inner: Sequence[str], style: str, delimiter: str, caption: str) -> list[Block]:
        options = {name: a or b or c for name, a, b, c in _OPTION.findall(style)}
        if "%header" in style:
            options["options"] = options.get("options", "") + ",header"
        table = parse_table(inner, options, delimiter=delimiter, caption=caption, clean=self._cell)
        return [table] if table else []

    def _cell(self, text: str) -> str:
        kept = [
            line for line in text.splitlines() if not re.match(r"^\s*(----+|\.{4,}|\[source.*\]|//.*|\+)\s*$", line)
        ]
        return self.clean("\n".join(re.sub(r"\s\+$", "", line) for line in kept))

    def _delimited_block(self, fence: str, inner: Sequence[str], style: str, caption: str, depth: int) -> list[Block]:
        mark = fence[0]
        name = re.split("[,%]", style, maxsplit=1)[0].strip().upper()
        if mark == "/" or (mark == "+" and not any(map(str.isalpha, "".join(inner)))):
            return []
        if (mark in _CODE and fence != "--") or name in {"SOURCE", "LISTING", "LITERAL", "STEM", "LATEXMATH"}:
            return _code(inner, caption)
        if mark in "+~" or depth >= MAX_DEPTH:
            return self._paragraph_block([line for line in inner if line.strip()], "", caption)
        blocks = self.read(inner, depth + 1)
        blocks = [block if block.kind != "heading" else Block("paragraph", block.text) for block in blocks]
        if name in _ADMONITIONS:
            blocks = _announced(blocks, f"{name.capitalize()}: ")
        if caption:
            blocks.insert(0, Block("paragraph", caption))
        return blocks

    def _macro(self, name: str, label: str, caption: str) -> list[Block]:
        if name in {"latexmath", "stem"}:
            return _code([label.strip("$")], caption)
        label = re.sub(r"^alt=", "", label.partition(",")[0].strip()).strip("\"'")
        text = caption or (self.clean(label) if name == "image" and " " in label else "")
        return [Block("paragraph", f"Figure: {text}")] if text else []

    def _paragraph_block(self, lines: Sequence[str], style: str, caption: str) -> list[Block]:
        name = re.split("[,%]", style, maxsplit=1)[0].strip()
        head = [Block("paragraph", caption)] if caption else []
        if name.lower() in {"source", "listing", "literal"} or (lines and all(line[:1] == " " for line in lines)):
            return head + _code(lines, "")
        text = self.clean("\n".join(re.sub(r"\s\+$", "", line) for line in lines))
        if match := _ADMONITION.match(text):
            text = f"{match[1].capitalize()}: {text[match.end() :]}"
        elif name.upper() in _ADMONITIONS:
            text = f"{name.capitalize()}: {text}"
        return [*head, Block("paragraph", text)] if text else head

    def _items(self, lines: Sequence[str], at: int, depth: int) -> tuple[list[ListItem], int]:
        """The items of the list that begins at `at`, with what a `+` attaches to them; also where it ends."""
        items: list[ListItem] = []
        markers: list[str] = []
        while at < len(lines):
            line = lines[at].rstrip()
            marker = list_marker(line)
            if marker:
                if marker.key in markers:
                    del markers[markers.index(marker.key) + 1 :]
                else:
                    markers.append(marker.key)
                at += 1
                body, at = _item_text(lines, at, described=marker.term is not None)
                words = self.clean("\n".join([marker.text, *body]))
                term = self.clean(marker.term) if marker.term is not None else None
                items.append(ListItem(len(markers) - 1, marker.ordered, words, term))
            elif line.strip() == "+" and items:
                attached, at = self._attached(lines, at + 1, depth)
                items[-1].attached.extend(attached)
            elif not line.strip():
                following = next((i for i in range(at, len(lines)) if lines[i].strip()), len(lines))
                if following < len(lines) and list_marker(lines[following].rstrip()):
                    at = following
                else:
                    break
            elif line.startswith("//") and not line.startswith("////"):
                at += 1
            else:
                break
        return items, at

    def _attached(self, lines: Sequence[str], at: int, depth: int) -> tuple[list[Block], int]:
        head: list[str] = []
        while at < len(lines) and (_ATTRIBUTE_LIST.match(lines[at]) or _BLOCK_TITLE.match(lines[at])):
            head.append(lines[at])
            at += 1
        if at >= len(lines) or not lines[at].strip():
            return [], at
        fence = lines[at].rstrip()
        if _TABLE.match(fence) or _DELIMITER.match(fence):
            inner, after = _delimited(lines, at + 1, fence)
            part = [*head, fence, *inner, fence]
        else:
            part, after = _paragraph(lines, at)
            part = [*head, *part]
        if depth >= MAX_DEPTH:
            return self._paragraph_block(part, "", ""), after
        return self.read(part, depth + 1), after


def _delimited(lines: Sequence[str], at: int, fence: str) -> tuple[list[str], int]:
    """The lines up to the closing fence, or to the end of the text when it is never closed."""
    closing = re.match(r"`+|~+", fence)
    end = closing[0] if closing else fence
    for index in range(at, len(lines)):
        if lines[index].rstrip() == end:
            return list(lines[at:index]), index + 1
    return list(lines[at:]), len(lines)


def _paragraph(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    start = at
    at += 1
    while at < len(lines):
        line = lines[at].rstrip()
        if not line.strip() or line == "+" or _TABLE.match(line) or _DELIMITER.match(line) or _ANCHOR.match(line):
            break
        if _ATTRIBUTE_LIST.match(line) and re.match(r"^\[[a-z%.#\"]", line):
            break
        at += 1
    return [line.rstrip() for line in lines[start:at]], at


def _item_text(lines: Sequence[str], at: int, *, described: bool) -> tuple[list[str], int]:
    """The wrapped lines of an item; after a term its description may stand below blank lines, indented."""
    body: list[str] = []
    if described:
        first = next((i for i in range(at, len(lines)) if lines[i].strip()), len(lines))
        if first > at and first < len(lines) and not lines[first].startswith(" "):
            return body, at
        at = first
    while at < len(lines):
        line = lines[at].rstrip()
        if not line.strip() or line.strip() == "+" or list_marker(line):
            break
        if _TABLE.match(line) or _DELIMITER.match(line) or _ANCHOR.match(line) or _ATTRIBUTE_LIST.match(line):
            break
        body.append(line.strip())
        at += 1
    return body, at


def _code(lines: Sequence[str], caption: str) -> list[Block]:
    text = "\n".join(re.sub(r"\s*<\d+>$", "", line.rstrip()) for line in lines).strip("\n")
    return [Block("code", text, caption=caption)] if text.strip() else []


def _announced(blocks: list[Block], label: str) -> list[Block]:
    """The label of an admonition, before its first words."""
    if blocks and blocks[0].kind == "paragraph":
        return [Block("paragraph", label + blocks[0].text), *blocks[1:]]
    return [Block("paragraph", label.strip()), *blocks]
