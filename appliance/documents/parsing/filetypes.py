"""What kind of file this is: the name says what it should be, the first bytes what it is. Both must agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from appliance.documents.parsing.failure import Unreadable

FileKind = Literal["pdf", "docx", "markdown", "asciidoc", "text"]

EXTENSIONS: dict[str, FileKind] = {
    "pdf": "pdf",
    "docx": "docx",
    "md": "markdown",
    "markdown": "markdown",
    "adoc": "asciidoc",
    "asciidoc": "asciidoc",
    "asc": "asciidoc",
    "txt": "text",
    "text": "text",
    "log": "text",
}

MEDIA_TYPES: dict[FileKind, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "markdown": "text/markdown",
    "asciidoc": "text/asciidoc",
    "text": "text/plain",
}

SNIFFED = 64 * 1024
"""How many bytes from the start of a file `recognise` wants to see."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (_OLE, "an old Office file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"%!PS", "a PostScript file"),
)


@dataclass(frozen=True, slots=True)
class Name:
    """What a file name alone says."""

    extension: str
    kind: FileKind | None


def by_name(filename: str) -> Name:
    """The kind that the extension promises; None for an extension we do not read."""
    extension = PurePosixPath(filename).suffix.removeprefix(".").lower()
    return Name(extension, EXTENSIONS.get(extension))


def recognise(filename: str, head: bytes) -> FileKind:
    """The kind of file, when its name and its first bytes (up to `SNIFFED`) agree.

    Raises:
        Unreadable: it is empty, of a kind we do not read, protected by a password, or not what its name says.
    """
    name = by_name(filename)
    if name.kind is None:
        raise Unreadable(
            f"Files ending in .{name.extension or '?'} are not read; use PDF, DOCX, Markdown, AsciiDoc or text."
        )
    if not head.strip(b"\0\t\r\n \xef\xbb\xbf"):
        raise Unreadable("The file is empty.")
    found = _signature(head)
    if found == "a PDF file":
        return _agree(name, "pdf", found)
    if name.kind == "docx":
        return _docx(head, found)
    if found is not None:
        raise Unreadable(f"The file is named .{name.extension} but it is {found}.")
    if name.kind == "pdf":
        raise Unreadable("The file is named .pdf but it does not begin as a PDF file does.")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"The file is named .{name.extension} but it holds binary data.")
    return name.kind


def _signature(head: bytes) -> str | None:
    # Readers of PDF accept up to a KiB of junk before the header (ISO 32000-1, annex H, note 13).
    if b"%PDF-" in head[:1024]:
        return "a PDF file"
    for signature, words in _SIGNATURES:
        # "MZ" may begin an honest text; a program has binary data behind it.
        if head.startswith(signature) and (signature != b"MZ" or b"\0" in head[:512]):
            return words
    return None


def _docx(head: bytes, found: str | None) -> FileKind:
    if head.startswith(b"PK\x03\x04"):
        return "docx"
    if head.startswith(_OLE):
        if _ENCRYPTED_PACKAGE in head:
            raise Unreadable("The file is protected by a password.")
        raise Unreadable("The file is named .docx but it is an old Office file, or one protected by a password.")
    raise Unreadable(f"The file is named .docx but it is {found or 'not a Word document'}.")


def _agree(name: Name, kind: FileKind, words: str) -> FileKind:
    if name.kind != kind:
        raise Unreadable(f"The file is named .{name.extension} but it is {words}.")
    return kind
