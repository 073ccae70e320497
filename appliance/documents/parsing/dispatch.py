"""One file in, its blocks out: recognises the kind, decodes text, hands on to the parser, judges the result."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from appliance.documents.blocks import ParsedFile
from appliance.documents.parsing.asciidoc import parse_asciidoc
from appliance.documents.parsing.docx import parse_docx
from appliance.documents.parsing.failure import Unreadable
from appliance.documents.parsing.filetypes import SNIFFED, FileKind, recognise
from appliance.documents.parsing.markdown import parse_markdown
from appliance.documents.parsing.pdf import parse_pdf
from appliance.documents.parsing.plain_text import parse_plain_text


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one file may hold."""

    pages: int = 2_000
    characters: int = 20_000_000


def parse(file: BinaryIO, filename: str, bounds: Bounds) -> ParsedFile:
    """The blocks of a file that holds at least one readable word.

    Raises:
        Unreadable: with a sentence for the person who uploaded it.
    """
    file.seek(0)
    head = file.read(SNIFFED)
    kind = recognise(filename, head)
    file.seek(0)
    match kind:
        case "pdf":
            parsed = parse_pdf(file, bounds.pages)
        case "docx":
            parsed = parse_docx(file)
        case "markdown" | "asciidoc" | "text":
            parsed = _text(kind, decode(file.read()), bounds)
    characters = sum(len(block.text) for block in parsed.blocks)
    if characters > bounds.characters:
        raise Unreadable(f"The file holds {characters:,} characters of text; at most {bounds.characters:,} are read.")
    if not any(any(map(str.isalnum, block.text)) for block in parsed.blocks):
        raise Unreadable("No text was found in the file.")
    return parsed


def _text(kind: FileKind, text: str, bounds: Bounds) -> ParsedFile:
    if len(text) > bounds.characters:
        raise Unreadable(f"The file holds {len(text):,} characters; at most {bounds.characters:,} are read.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind == "markdown":
        return parse_markdown(text)
    return parse_asciidoc(text) if kind == "asciidoc" else parse_plain_text(text)


def decode(raw: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises:
        Unreadable: it is none of these.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise Unreadable("The text of the file is damaged: it cannot be decoded.") from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    odd = sum(
        1 for character in text if character in "\0\ufffd" or (character < " " and character not in "\t\n\r\f\x1b")
    )
    if odd * 50 > len(text):
        raise Unreadable("The file holds binary data, not text.")
    return text.replace("\0", "")
