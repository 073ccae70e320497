"""One source file of the demo plant: TOML front matter between `+++` lines, then Markdown.

Beyond CommonMark and tables the sources know two marks: a paragraph that is only `<!-- page -->` starts a new page in
print, and a table cell that is only `^` is joined with the cell above it (PDF and DOCX only).
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

JOINED = "^"
PAGE = "<!-- page -->"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    spans: Spans


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Caption:
    """A paragraph "Table 3: ..." that stands directly before its table."""

    spans: Spans


@dataclass(frozen=True, slots=True)
class Item:
    spans: Spans
    inner: tuple["Listing", ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    ordered: bool
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A boxed warning or note; each element is one paragraph of it."""

    paragraphs: tuple[Spans, ...]


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class PageBreak:
    pass


Block = Heading | Paragraph | Caption | Listing | Grid | Notice | Code | PageBreak


@dataclass(frozen=True, slots=True)
class Source:
    """A document as written: what the manifest says of it, and its body."""

    tenant: str
    file: str
    number: str
    title: str
    revision: str
    effective_from: date
    doc_type: str
    owner: str
    body: str
    effective_until: date | None = None
    supersedes: str | None = None
    classification: str = "INTERNAL"
    tags: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    font: str = "Helvetica"
    columns: dict[str, list[int]] = field(default_factory=dict)

    @property
    def form(self) -> str:
        """The built file's extension without its dot."""
        return self.file.rsplit(".", 1)[-1]

    @property
    def superseded(self) -> bool:
        return self.effective_until is not None


def read(path: Path) -> Source:
    """Read one source; the folder it lies in names its tenant.

    Raises:
        ValueError: the front matter is missing or is no TOML.
        TypeError: a key is missing or unknown.
    """
    text = path.read_text(encoding="utf-8")
    if not text.startswith("+++\n"):
        raise ValueError(f"{path.name}: no front matter")
    head, body = text[4:].split("\n+++\n", 1)
    facts = tomllib.loads(head)
    for name in ("tags", "assets"):
        facts[name] = tuple(facts.get(name, ()))
    return Source(tenant=path.parent.name, body=body.strip() + "\n", **facts)


def read_all(folder: Path) -> list[Source]:
    """Every source below `folder`, ordered by tenant and file name."""
    return sorted((read(path) for path in folder.glob("*/*.md")), key=lambda source: (source.tenant, source.file))


def blocks(body: str) -> list[Block]:
    """Parse a body into blocks.

    Raises:
        ValueError: the body uses Markdown that the builder does not print.
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    found = list(_blocks(tokens))
    for place, block in enumerate(found[:-1]):
        if isinstance(block, Paragraph) and isinstance(found[place + 1], Grid):
            found[place] = Caption(block.spans)
    return found


def plain(spans: Spans) -> str:
    return "".join(span.text for span in spans)


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    place = 0
    while place < len(tokens):
        token = tokens[place]
        end = _closing(tokens, place)
        inside = tokens[place + 1 : end]
        match token.type:
            case "heading_open":
                yield Heading(int(token.tag[1]), _spans(inside[0]))
            case "paragraph_open":
                yield Paragraph(_spans(inside[0]))
            case "bullet_list_open" | "ordered_list_open":
                yield _listing(token, inside)
            case "table_open":
                yield _grid(inside)
            case "blockquote_open":
                yield Notice(tuple(_spans(part) for part in inside if part.type == "inline"))
            case "fence":
                yield Code(token.content.rstrip("\n"))
            case "html_block" if token.content.strip() == PAGE:
                yield PageBreak()
            case other:
                raise ValueError(f"the builder does not print {other}")
        place = end + 1


def _closing(tokens: Sequence[Token], place: int) -> int:
    """The index of the token that closes the one at `place` (itself when it stands alone)."""
    depth = 0
    for index in range(place, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    raise ValueError("unbalanced tokens")


def _listing(opening: Token, inside: Sequence[Token]) -> Listing:
    items = []
    place = 0
    while place < len(inside):
        end = _closing(inside, place)
        parts = list(_blocks(inside[place + 1 : end]))
        lead, inner = parts[0], parts[1:]
        if not isinstance(lead, Paragraph):
            raise TypeError("a list item must begin with text")
        items.append(Item(lead.spans, tuple(part for part in inner if isinstance(part, Listing))))
        place = end + 1
    return Listing(opening.type == "ordered_list_open", tuple(items))


def _grid(inside: Sequence[Token]) -> Grid:
    rows: list[list[Spans]] = []
    for token in inside:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_spans(token))
    return Grid(tuple(rows[0]), tuple(tuple(row) for row in rows[1:]))


def _spans(inline: Token) -> Spans:
    spans: list[Span] = []
    bold = italic = False
    for token in inline.children or []:
        match token.type:
            case "text":
                spans.append(Span(token.content, bold, italic))
            case "softbreak":
                spans.append(Span(" ", bold, italic))
            case "code_inline":
                spans.append(Span(token.content, bold, italic, code=True))
            case "strong_open" | "strong_close":
                bold = token.type == "strong_open"
            case "em_open" | "em_close":
                italic = token.type == "em_open"
            case other:
                raise ValueError(f"the builder does not print {other}")
    return tuple(span for span in spans if span.text)
