"""A file is what its name and its first bytes both say."""

from __future__ import annotations

import pytest

from appliance.documents.parsing.dispatch import decode
from appliance.documents.parsing.failure import Unreadable
from appliance.documents.parsing.filetypes import recognise

PDF, ZIP, OLE = b"%PDF-1.7\n", b"PK\x03\x04....", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.pdf", PDF, "pdf"),
        ("a.PDF", b"junk before\n" + PDF, "pdf"),
        ("a.docx", ZIP, "docx"),
        ("a.md", b"# Title", "markdown"),
        ("x/a.adoc", b"= Title", "asciidoc"),
        ("a.txt", b"MZ-7 is a machine", "text"),
        ("a.txt", "Übergabe".encode("utf-16"), "text"),
    ],
)
def test_name_and_content_agree(name: str, head: bytes, kind: str) -> None:
    assert recognise(name, head) == kind


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [
        ("a.pdf", b"", "empty"),
        ("a.md", b"\n \t\0\0", "empty"),
        ("a.pdf", b"hello", "does not begin as a PDF"),
        ("a.pdf", ZIP, "named .pdf but it is a zip archive"),
        ("a.md", PDF, "named .md but it is a PDF file"),
        ("a.docx", PDF, "named .docx but it is a PDF file"),
        ("a.docx", b"hello", "named .docx but it is not a Word document"),
        ("a.docx", OLE, "old Office file"),
        ("a.docx", OLE + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.txt", b"\x89PNG\r\n", "PNG picture"),
        ("a.txt", b"\x7fELF\x02", "a program"),
        ("a.txt", b"MZ\x90\0\x03", "a program"),
        ("a.md", b"text\0\0binary", "binary data"),
        ("a.xls", OLE, "are not read"),
        ("a", b"text", "are not read"),
    ],
)
def test_a_file_under_a_false_name_is_refused_with_the_reason(name: str, head: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        recognise(name, head)


def test_text_is_decoded_from_what_plants_have() -> None:
    assert decode("Öl °C".encode()) == "Öl °C"
    assert decode("Öl °C".encode("utf-8-sig")) == "Öl °C"
    assert decode("Öl °C".encode("utf-16")) == "Öl °C"
    assert decode("Öl °C".encode("cp1252")) == "Öl °C"
    with pytest.raises(Unreadable, match="binary"):
        decode(bytes(range(256)) * 4)
    with pytest.raises(Unreadable, match="damaged"):
        decode(b"\xff\xfea")
