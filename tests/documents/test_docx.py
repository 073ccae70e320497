"""Word documents: styles, numbering, tables, and what hides inside them."""

from __future__ import annotations

import io
from typing import Any

import pytest

from appliance.documents.parsing.docx import parse_docx
from appliance.documents.parsing.failure import Unreadable
from tests.documents.papers import docx_of, mark_header, rezipped


def read(build: Any) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in parse_docx(io.BytesIO(docx_of(build))).blocks]


def test_headings_paragraphs_lists_and_steps() -> None:
    def build(document: Any) -> None:
        document.add_heading("Changeover", 0)
        document.add_heading("Preparation", 1)
        document.add_paragraph("Fetch the trolley.")
        document.add_paragraph("rotor", style="List Bullet")
        document.add_paragraph("casing", style="List Bullet")
        document.add_paragraph("Stop the line.", style="List Number")
        document.add_paragraph("Lock it.", style="List Number")
        document.add_paragraph("Done.")

    assert read(build) == [
        ("heading", "Changeover"),
        ("heading", "Preparation"),
        ("paragraph", "Fetch the trolley."),
        ("list", "- rotor\n- casing"),
        ("steps", "1. Stop the line.\n2. Lock it."),
        ("paragraph", "Done."),
    ]


def test_a_table_with_a_marked_header_a_caption_and_a_merged_cell() -> None:
    def build(document: Any) -> None:
        document.add_paragraph("Table 1: Torques", style="Caption")
        table = document.add_table(3, 3)
        for row, cells in zip(
            table.rows, [("Thread", "Class", "Torque"), ("M8", "8.8", "23"), ("M8", "", "34")], strict=True
        ):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
        table.cell(1, 1).merge(table.cell(2, 1))
        mark_header(table.rows[0])

    blocks = parse_docx(io.BytesIO(docx_of(build))).blocks
    assert [(block.caption, block.text) for block in blocks] == [
        ("Table 1: Torques", "Thread: M8 | Class: 8.8 | Torque: 23\nThread: M8 | Class: 8.8 | Torque: 34")
    ]


def test_a_block_of_facts_binds_label_and_value() -> None:
    def build(document: Any) -> None:
        table = document.add_table(2, 2)
        for row, cells in zip(table.rows, [("Document", "SOP-07"), ("Revision", "3")], strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text

    assert read(build) == [("table", "Document: SOP-07\nRevision: 3")]


def test_text_in_controls_is_read_and_deleted_text_is_not() -> None:
    body = b"""<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
      <w:sdt><w:sdtContent><w:p><w:r><w:t>inside</w:t></w:r></w:p></w:sdtContent></w:sdt>
      <w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>
      <w:p><w:r><w:t>P</w:t><w:noBreakHyphen/><w:t>101A</w:t><w:tab/><w:t>on</w:t></w:r></w:p>
    </w:body></w:document>"""
    parsed = parse_docx(io.BytesIO(rezipped(docx_of(), word__document_dot_xml=body)))

    assert [block.text for block in parsed.blocks] == ["inside", "new", "P-101A on"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (docx_of()[:400], "damaged"),
        (rezipped(docx_of(), word__document_dot_xml=b"<w:document"), "damaged"),
        (rezipped(docx_of(), word__document_dot_xml=b"<?xml version='1.0'?><x/>"), "damaged|not a Word"),
    ],
)
def test_a_broken_document_says_so(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse_docx(io.BytesIO(content))


def test_a_zip_of_something_else_is_not_a_word_document() -> None:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(Unreadable, match="not a Word document"):
        parse_docx(io.BytesIO(out.getvalue()))
