"""Plain text: prose, notes, shift reports."""

from __future__ import annotations

from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from appliance.documents.parsing.plain_text import parse_plain_text


def read(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in parse_plain_text(dedent(text)).blocks]


def test_a_shift_report_keeps_its_entries_apart() -> None:
    assert read("""\
        SHIFT REPORT NIGHT 12 MAY
        =========================
        Line: 1
        Shift leader: N. North

        EVENTS
        22:10 Filler FL-200 stopped, alarm E-0417.
              Cleaned the photocell.
        23:45 Running again.

        Remarks for the next shift
        --------------------------
        The spare belt is in bay F. Please watch
        the pressure of the compressor.
        """) == [
        ("heading", "SHIFT REPORT NIGHT 12 MAY"),
        ("list", "Line: 1\nShift leader: N. North"),
        ("heading", "EVENTS"),
        ("list", "22:10 Filler FL-200 stopped, alarm E-0417. Cleaned the photocell.\n23:45 Running again."),
        ("heading", "Remarks for the next shift"),
        ("paragraph", "The spare belt is in bay F. Please watch the pressure of the compressor."),
    ]


def test_aligned_columns_and_bars_are_tables() -> None:
    assert read("Thread   Torque\nM8       23 Nm\nM10      46 Nm\n") == [
        ("table", "Thread: M8 | Torque: 23 Nm\nThread: M10 | Torque: 46 Nm")
    ]
    assert read("| Thread | Torque |\n| M8 | 23 Nm |\n") == [("table", "Thread: M8 | Torque: 23 Nm")]
    assert read("Thread\tTorque\nM8\t23 Nm\n") == [("table", "Thread: M8 | Torque: 23 Nm")]


def test_lists_and_steps() -> None:
    assert read("Do this:\n1. Stop.\n2) Lock it\n   with your own lock.\n- then go\n* home\n") == [
        ("paragraph", "Do this:"),
        ("steps", "1. Stop.\n2. Lock it with your own lock."),
        ("list", "- then go\n- home"),
    ]


def test_form_feeds_count_pages() -> None:
    parsed = parse_plain_text("one\n\fa second page\n\fthird.\n")

    assert parsed.pages == 3
    assert [block.page for block in parsed.blocks] == [1, 2, 3]


@given(st.text(alphabet="-=*1.):| \t\n\fabAB", max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for block in parse_plain_text(text).blocks:
        assert block.text.strip()
