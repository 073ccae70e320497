"""PDF: headings by size, tables by lines or alignment, columns, and where each line stands."""

from __future__ import annotations

import io

import pytest
from reportlab.platypus import PageBreak

from appliance.documents.blocks import Block
from appliance.documents.parsing.failure import Unreadable
from appliance.documents.parsing.pdf import parse_pdf
from appliance.documents.parsing.pdf_image import png, render_page
from tests.documents.papers import Line, flowing_pdf, pdf_of, ruled


def read(content: bytes) -> list[Block]:
    return list(parse_pdf(io.BytesIO(content), 100).blocks)


def short(blocks: list[Block]) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in blocks]


def prose(y: float, count: int, text: str = "The pump draws syrup from the tank and gives it on.") -> list[Line]:
    return [(72, y + 13 * number, 10, False, text) for number in range(count)]


def test_headings_paragraphs_and_steps() -> None:
    page: list[Line] = [
        (72, 72, 18, True, "Pump manual"),
        (72, 110, 13, True, "1 Starting"),
        *prose(130, 3),
        (72, 190, 10, False, "1."), (90, 190, 10, False, "Open the suction valve HV-111"),
        (90, 203, 10, False, "fully and wait."),
        (72, 220, 10, False, "2."), (90, 220, 10, False, "Press start."),
        (72, 250, 10, True, "2 Stopping"),
        *prose(265, 1, "Close the valve."),
    ]  # fmt: skip
    blocks = read(pdf_of(page))

    assert short(blocks) == [
        ("heading", "Pump manual"),
        ("heading", "1 Starting"),
        ("paragraph", " ".join(["The pump draws syrup from the tank and gives it on."] * 3)),
        ("steps", "1. Open the suction valve HV-111 fully and wait.\n2. Press start."),
        ("heading", "2 Stopping"),
        ("paragraph", "Close the valve."),
    ]
    assert [block.level for block in blocks if block.kind == "heading"] == [1, 2, 3]


def test_every_line_knows_its_place_on_the_page() -> None:
    (block,) = read(pdf_of(prose(421, 2, "word " * 12)))
    first, second = block.lines

    assert block.text[first.text_start : first.text_end] == ("word " * 12).strip()
    assert first.box.page == 1
    assert first.box.x0 == pytest.approx(72 / 595.3, abs=0.01)
    assert (first.box.y0 + first.box.y1) / 2 == pytest.approx(0.5, abs=0.01)
    assert second.box.y0 > first.box.y0


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_places_are_those_of_the_page_as_it_is_shown(angle: int) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf_of([(72, 72, 12, False, "top left")]))
    document[0].set_rotation(angle)
    out = io.BytesIO()
    document.save(out)
    (block,) = read(out.getvalue())
    box = block.lines[0].box
    right, low = (box.x0 + box.x1) / 2 > 0.5, (box.y0 + box.y1) / 2 > 0.5

    assert (right, low) == {90: (True, False), 180: (True, True), 270: (False, True)}[angle]


def test_a_ruled_table_binds_each_value_to_its_header() -> None:
    table = ruled([["Thread", "Torque", "Tool"], ["M8", "23 Nm", "TW-1"], ["M12", "79 Nm", "TW-2"]])
    blocks = read(flowing_pdf("Table 1: Torques", table))

    assert [(b.kind, b.caption, b.text) for b in blocks] == [
        (
            "table",
            "Table 1: Torques",
            "Thread: M8 | Torque: 23 Nm | Tool: TW-1\nThread: M12 | Torque: 79 Nm | Tool: TW-2",
        )
    ]
    assert [blocks[0].text[line.text_start : line.text_end] for line in blocks[0].lines] == blocks[0].text.split("\n")


def test_cells_that_span_and_cells_of_several_lines() -> None:
    rows = [["Machine", "Joint", "Torque"], ["FL-200", "lid\nof the bowl", "5 Nm"], ["", "foot", "7 Nm"]]
    blocks = read(flowing_pdf(ruled(rows, ("SPAN", (0, 1), (0, 2)))))

    assert [block.text for block in blocks] == [
        "Machine: FL-200 | Joint: lid of the bowl | Torque: 5 Nm\nMachine: FL-200 | Joint: foot | Torque: 7 Nm"
    ]


def test_a_table_that_goes_on_over_the_page_keeps_its_header() -> None:
    rows = [["Thread", "Torque"]] + [[f"M{size}", f"{size * 4} Nm"] for size in range(4, 90)]
    blocks = read(flowing_pdf(ruled(rows)))
    lines = "\n".join(block.text for block in blocks).split("\n")

    assert lines == [f"Thread: M{size} | Torque: {size * 4} Nm" for size in range(4, 90)]
    assert {line.box.page for block in blocks for line in block.lines} >= {1, 2}


def test_a_single_row_that_runs_over_to_the_next_page_keeps_its_header() -> None:
    rows = [["Code", "Message", "Class"]] + [[f"E-{number}", "stopped\nat the infeed", "A"] for number in range(24)]
    blocks = read(flowing_pdf(ruled(rows)))
    lines = "\n".join(block.text for block in blocks).split("\n")

    assert lines == [f"Code: E-{number} | Message: stopped at the infeed | Class: A" for number in range(24)]


def test_columns_without_lines_are_a_table_too() -> None:
    page: list[Line] = [(72, 60, 10, False, "Settings of the filler")]
    for number, row in enumerate(
        [("Setting", "0.5 L", "1.0 L"), ("Rail gap", "68 mm", "85 mm"), ("Speed", "400", "260")]
    ):
        page += [(72 + 140 * column, 90 + 15 * number, 10, False, cell) for column, cell in enumerate(row)]
    texts = [block.text for block in read(pdf_of(page)) if block.kind == "table"]

    assert len(texts) == 1
    assert "68 mm" in texts[0].split("\n")[-2]
    assert texts[0].split("\n")[-2].startswith(("Setting: Rail gap", "Rail gap"))


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    page: list[Line] = [(72, 60, 16, True, "A title across both columns of this page")]
    for number in range(14):
        page.append((72, 100 + 13 * number, 9, False, f"left line {number} says a few more words here"))
        page.append((330, 100 + 13 * number, 9, False, f"right line {number} says a few more words here"))
    text = " ".join(block.text for block in read(pdf_of(page)))

    assert text.index("left line 13") < text.index("right line 0")


def test_running_headers_and_footers_are_left_out() -> None:
    pages = [
        [(72, 30, 8, False, "Alder Beverages"), *prose(100 + number, 2), (500, 820, 8, False, f"Page {number} of 4")]
        for number in range(1, 5)
    ]
    text = " ".join(block.text for block in read(pdf_of(*pages)))

    assert "Alder" not in text
    assert "Page" not in text


def test_a_sentence_parted_by_the_page_is_joined_and_keeps_both_places() -> None:
    first = [*prose(100, 30), (72, 100 + 13 * 30, 10, False, "It runs until the level in the tank has")]
    (block,) = read(pdf_of(first, [(72, 100, 10, False, "fallen to a tenth.")]))

    assert block.text.endswith("the level in the tank has fallen to a tenth.")
    assert {line.box.page for line in block.lines} >= {1, 2}


def test_steps_go_on_over_the_page() -> None:
    def step(number: int, y: float) -> list[Line]:
        return [(72, y, 10, False, f"{number}."), (90, y, 10, False, f"Do thing {number} now.")]

    blocks = read(pdf_of([*step(1, 100), *step(2, 120)], [*step(3, 100), *step(4, 120)]))

    assert short(blocks) == [("steps", "\n".join(f"{number}. Do thing {number} now." for number in range(1, 5)))]


def test_a_word_parted_at_the_end_of_its_line_is_whole_again() -> None:
    (block,) = read(
        pdf_of(
            [
                (72, 100, 10, False, "The pump is lubri-"),
                (72, 113, 10, False, "cated with grease P-101-"),
                (72, 126, 10, False, "A2 only."),
            ]
        )
    )

    assert block.text == "The pump is lubricated with grease P-101- A2 only."


def test_the_table_of_contents_answers_nothing() -> None:
    blocks = read(pdf_of([(72, 100, 10, False, "1 Starting " + "." * 60 + " 7"), *prose(130, 2)]))

    assert len(blocks) == 1


def test_a_web_page_with_frames_is_no_table() -> None:
    rows = [["News " * 150, "More " * 150], ["Other " * 20, "Last"]]
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph

    style = getSampleStyleSheet()["BodyText"]
    cells = [[Paragraph(cell, style) for cell in row] for row in rows]
    blocks = read(flowing_pdf(ruled(cells, colWidths=[220, 220])))

    assert all(len(line) < 3000 for block in blocks for line in block.text.split("\n"))
    assert "News News" in " ".join(block.text for block in blocks)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7 nothing follows", "damaged"),
        (pdf_of([(72, 72, 12, False, "secret")], password="x"), "password"),
        (pdf_of([]), "pictures"),
    ],
)
def test_a_pdf_that_cannot_be_read_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(content)


def test_more_pages_than_allowed_are_not_read() -> None:
    with pytest.raises(Unreadable, match="3 pages; at most 2"):
        parse_pdf(io.BytesIO(pdf_of(*[[(72, 72, 12, False, "x")]] * 3)), 2)


def test_a_page_becomes_a_picture_of_the_asked_width() -> None:
    image = render_page(io.BytesIO(flowing_pdf("One", PageBreak(), "Two")), 2, 200)

    assert image.startswith(b"\x89PNG")
    assert int.from_bytes(image[16:20], "big") == 200
    assert 275 <= int.from_bytes(image[20:24], "big") <= 290
    with pytest.raises(Unreadable, match="there is no page 3"):
        render_page(io.BytesIO(flowing_pdf("One", PageBreak(), "Two")), 3, 200)


def test_the_png_holds_the_pixels_that_it_was_given() -> None:
    from PIL import Image

    pixels = bytes(range(4 * 3 * 2))
    image = Image.open(io.BytesIO(png(pixels, 3, 2, 12, 4)))

    assert [image.getpixel((x, 0)) for x in range(3)] == [(0, 1, 2), (4, 5, 6), (8, 9, 10)]
    assert image.getpixel((2, 1)) == (20, 21, 22)
