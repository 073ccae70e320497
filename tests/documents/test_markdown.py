"""Markdown as people write procedures."""

from __future__ import annotations

from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from appliance.documents.parsing.markdown import parse_markdown


def read(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in parse_markdown(dedent(text)).blocks]


def test_headings_prose_lists_and_code() -> None:
    assert read("""\
        # Lock-out

        Before any **work** on `P-101A`,
        see [the list](x.md).

        Isolating
        ---------

        1. Stop the pump.
           - at the panel
           - and wait
        2. Fit the lock.

        - first

          more of it
        - second

        ```sh
        outpost ask
        ```
        """) == [
        ("heading", "Lock-out"),
        ("paragraph", "Before any work on P-101A, see the list."),
        ("heading", "Isolating"),
        ("steps", "1. Stop the pump.\n  - at the panel\n  - and wait\n2. Fit the lock."),
        ("list", "- first more of it\n- second"),
        ("code", "outpost ask"),
    ]


def test_steps_keep_their_numbers_around_code() -> None:
    assert read("3. one\n\n       code\n\n4. two") == [("steps", "3. one"), ("code", "code"), ("steps", "4. two")]


def test_a_table_binds_values_and_takes_its_caption() -> None:
    (block,) = parse_markdown(
        "Table 2: Torques\n\n| Thread | Torque |\n|---|--:|\n| M8 | 23&nbsp;Nm |\n| M10 | |\n"
    ).blocks

    assert (block.caption, block.text) == ("Table 2: Torques", "Thread: M8 | Torque: 23 Nm\nThread: M10")


def test_front_matter_gives_the_title_and_html_only_its_words() -> None:
    parsed = parse_markdown(
        '---\ntitle: "SOP 7"\nowner: x\n---\n<div onclick="x">Stop <b>now</b></div>\n\n<!-- not this -->\n'
    )

    assert parsed.title == "SOP 7"
    assert [block.text for block in parsed.blocks] == ["Stop now"]


def test_alerts_say_what_they_are() -> None:
    assert read("> [!WARNING]\n> Hot surface.") == [("paragraph", "Warning: Hot surface.")]


@given(st.text(alphabet="#*-_`>|[]()!<&1.:\\ \nabc~", max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for block in parse_markdown(text).blocks:
        assert block.text.strip()


def test_deep_nesting_ends_somewhere() -> None:
    assert read(">" * 5_000 + " deep\n\n" + "- " * 5_000 + "deeper") is not None
