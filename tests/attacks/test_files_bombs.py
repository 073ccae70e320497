"""Files made to do harm end as failed, with a reason, and the next file is read."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.documents.errors import UnreadableFile
from appliance.documents.sandbox import Limits, Sandbox
from tests.attacks.tally import attempt, tried
from tests.documents.papers import docx_of, pdf_of, rezipped

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(Limits(seconds=30, cpu_seconds=20, pages=50)) as sandbox:
        yield sandbox


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return (
        f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{entities}]>'
        f"<w:document {WORD}><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>"
    ).encode()


def outside() -> bytes:
    return (
        '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        f"<w:document {WORD}><w:body><w:p><w:r><w:t>before &x; after</w:t></w:r></w:p></w:body></w:document>"
    ).encode()


def lying_zip() -> bytes:
    """An archive whose directory says that a part is small, while it unpacks to 300 MiB."""
    content = bytearray(rezipped(docx_of(), word__document_dot_xml=b"\0" * (300 * 2**20)))
    size = (300 * 2**20).to_bytes(4, "little")
    return bytes(content).replace(size, (1000).to_bytes(4, "little"))


def many_entries() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(10_050):
            archive.writestr(f"{number}", b"")
        archive.writestr("[Content_Types].xml", b"")
    return out.getvalue()


def deep_xml() -> bytes:
    depth = 100_000
    return f"<w:document {WORD}><w:body>{'<w:p>' * depth}{'</w:p>' * depth}</w:body></w:document>".encode()


def flate_bomb() -> bytes:
    """A PDF whose only content stream unpacks to 500 MiB."""
    squeezed = zlib.compress(b"q " * (250 * 2**20), 9)
    head = pdf_of([(72, 72, 12, False, "x")])
    start = head.index(b"stream\n") + 7
    end = head.index(b"endstream")
    body = head[:start] + squeezed + b"\n" + head[end:]
    return body.replace(b"/Filter [ /ASCII85Decode /FlateDecode ]", b"/Filter [ /FlateDecode ]")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("zip bomb.docx", rezipped(docx_of(), word__media__x_dot_png=b"\0" * (400 * 2**20)), "bomb"),
        ("lying zip.docx", lying_zip(), "damaged|memory|bomb"),
        ("many parts.docx", many_entries(), "parts"),
        ("entities.docx", rezipped(docx_of(), word__document_dot_xml=laughs()), "damaged|No text"),
        ("deep.docx", rezipped(docx_of(), word__document_dot_xml=deep_xml()), "damaged|No text|crash|nested|bomb"),
        ("pages.pdf", pdf_of(*[[(72, 72, 12, False, "x")]] * 51), "51 pages; at most 50"),
        ("flate.pdf", flate_bomb(), "."),
        ("empty.pdf", b"", "empty"),
        ("blank.md", b"\n" * 1000, "empty"),
        ("noise.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 4000, "damaged"),
        ("braces.md", b"[" * 400_000, "."),
        ("stars.adoc", b"*_" * 200_000 + b"\n", "."),
        ("cells.adoc", b"|===\n" + b"9999+|a" * 5_000 + b"\n|===\n", "."),
        ("repeat.adoc", b'[cols="9999*"]\n|===\n9999*|a\n|===\n', "."),
        ("bars.txt", (b"|" * 5_000 + b"\n") * 40, "."),
    ],
)
async def test_a_bomb_ends_as_a_refusal_or_as_plain_text(
    sandbox: Sandbox, name: str, content: bytes, reason: str
) -> None:
    tried()
    try:
        parsed = await sandbox.parse(content, name)
    except UnreadableFile as refusal:
        assert re.search(reason, refusal.detail)
    else:
        assert reason == "."
        assert sum(len(block.text) for block in parsed.blocks) <= 4 * len(content) + 10_000
    assert (await sandbox.parse(b"next", "a.txt")).blocks[0].text == "next"


async def test_entities_never_bring_a_file_of_the_node_into_a_document(sandbox: Sandbox) -> None:
    content = rezipped(docx_of(), word__document_dot_xml=outside())
    tried()
    try:
        parsed = await sandbox.parse(content, "xxe.docx")
    except UnreadableFile:
        return
    path = Path("/etc/hostname")
    hostname = path.read_text().strip() if path.exists() else ""
    text = " ".join(block.text for block in parsed.blocks)
    assert "before" in text
    assert not hostname or hostname not in text


async def test_a_file_name_is_only_a_name(sandbox: Sandbox) -> None:
    for name in ("../../../etc/passwd.md", "$(reboot).md", "a\nb.md", "-rf.md", "ü" * 300 + ".md"):
        with attempt():
            assert (await sandbox.parse(b"text", name)).blocks[0].text == "text"
