"""Files for tests, made while they run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table

Line = tuple[float, float, float, bool, str]
"""x, y (from the top), size, bold, text."""


def pdf_of(*pages: Sequence[Line], password: str | None = None) -> bytes:
    """A PDF with the given words at the given places."""
    from reportlab.lib import pdfencrypt

    out = io.BytesIO()
    lock = pdfencrypt.StandardEncryption(password) if password else None
    canvas = Canvas(out, pagesize=A4, invariant=1, encrypt=lock)
    for page in pages:
        for x, y, size, bold, text in page:
            canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
            canvas.drawString(x, A4[1] - y, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def flowing_pdf(*flow: Flowable | str) -> bytes:
    """A PDF of paragraphs and tables, laid out by reportlab."""
    out = io.BytesIO()
    style = getSampleStyleSheet()["BodyText"]
    story = [Paragraph(item, style) if isinstance(item, str) else item for item in flow]
    SimpleDocTemplate(out, pagesize=A4, invariant=1).build(story)
    return out.getvalue()


def ruled(rows: Sequence[Sequence[object]], *extra: tuple[object, ...], **options: object) -> Table:
    """A table with all its lines drawn."""
    table = Table([list(row) for row in rows], **options)
    table.setStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), *extra])
    return table


def docx_of(build: object = None) -> bytes:
    """A Word document; `build` is called with it."""
    document = docx.Document()
    if callable(build):
        build(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def mark_header(row: object) -> None:
    """Mark a Word table's row as a repeated header."""
    properties = row._tr.get_or_add_trPr()  # type: ignore[attr-defined]
    header = OxmlElement("w:tblHeader")
    header.set(qn("w:val"), "true")
    properties.append(header)


def rezipped(content: bytes, **parts: bytes) -> bytes:
    """The archive with parts replaced or added; `__` in a name stands for `/`, `_dot_` for a dot."""
    names = {name.replace("__", "/").replace("_dot_", "."): value for name, value in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, names.pop(entry.filename, old.read(entry)))
        for name, value in names.items():
            new.writestr(name, value)
    return out.getvalue()
