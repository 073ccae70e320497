"""AsciiDoc as manuals use it."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.documents.blocks import Block
from appliance.documents.parsing.asciidoc import parse_asciidoc
from appliance.documents.parsing.asciidoc_inline import plain


def read(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in parse_asciidoc(dedent(text)).blocks]


def test_sections_paragraphs_and_attributes() -> None:
    parsed = parse_asciidoc(
        dedent("""\
        = Pump manual
        Nora North <nora@plant.example>
        v1.2, 2024-01-01
        :pump: P-101A

        [[start]]
        == Starting(((start)))

        Start {pump}, see <<stop,Stopping>>
        or https://plant.example/x[the page].

        Old title
        ---------
        More.
        """)
    )

    assert parsed.title == "Pump manual"
    assert [(block.kind, block.level, block.text) for block in parsed.blocks] == [
        ("heading", 1, "Pump manual"),
        ("heading", 2, "Starting"),
        ("paragraph", 0, "Start P-101A, see Stopping or the page."),
        ("heading", 2, "Old title"),
        ("paragraph", 0, "More."),
    ]


def test_lists_nest_and_steps_go_on_over_attached_blocks() -> None:
    assert read("""\
        * one
        ** inner
        * two
          goes on

        //-

        . first
        +
        ----
        code
        ----
        . second
        +
        more of it
        """) == [
        ("list", "- one\n  - inner\n- two goes on"),
        ("steps", "1. first"),
        ("code", "code"),
        ("steps", "2. second more of it"),
    ]


def test_description_lists_bind_the_term_to_its_description() -> None:
    assert read("*-I*::\n  Before tearing down.\n_name_::\nThe name.\nboth:: on one line") == [
        ("list", "- -I: Before tearing down.\n- name: The name.\n- both: on one line")
    ]


@pytest.mark.parametrize(
    "table",
    [
        '[options="header"]\n|===\n|Thread|Torque\n|M8|23 Nm\n|M10|46 Nm\n|===',
        "[%header,cols=2*]\n|===\n|Thread\n|Torque\n\n|M8\n|23 Nm\n|M10 |46 Nm\n|===",
        "|===\n|Thread |Torque\n\n|M8 |23 Nm\n|M10 |46 Nm\n|===",
        '[options="header"]\n,===\nThread,Torque\nM8,23 Nm\nM10,"46 Nm"\n,===',
        '[options="header",separator=!]\n|===\n!Thread!Torque\n!M8!23 Nm\n!M10!46 Nm\n|===',
    ],
)
def test_tables_in_all_their_forms_say_the_same(table: str) -> None:
    assert read(f".Torques\n{table}") == [("table", "Thread: M8 | Torque: 23 Nm\nThread: M10 | Torque: 46 Nm")]
    assert parse_asciidoc(f".Torques\n{table}").blocks[0].caption == "Torques"


def test_cells_that_span_are_repeated_where_they_reach() -> None:
    assert read(
        '[options="header"]\n|===\n|Machine|Joint|Torque\n.2+|FL-200|lid|5 Nm\n|foot|7 Nm\n2+|CP-210|9 Nm\n|==='
    ) == [
        (
            "table",
            """Machine: FL-200 | Joint: lid | Torque: 5 Nm
Machine: FL-200 | Joint: foot | Torque: 7 Nm
Machine: CP-210 | Joint: CP-210 | Torque: 9 Nm""",
        )
    ]


def test_a_table_without_header_binds_two_cells_and_lists_more() -> None:
    assert read("|===\n|Flow|22 m3/h\n|Head|48 m\n|===") == [("table", "Flow: 22 m3/h\nHead: 48 m")]
    assert read("|===\n|a|b|c\n|d|e|f\n|===") == [("table", "a | b | c\nd | e | f")]


def test_admonitions_say_what_they_are() -> None:
    assert read("WARNING: Hot.\n\n[NOTE]\n====\nMind the step.\n\nTwice.\n====\n\n[CAUTION]\nSharp.") == [
        ("paragraph", "Warning: Hot."),
        ("paragraph", "Note: Mind the step."),
        ("paragraph", "Twice."),
        ("paragraph", "Caution: Sharp."),
    ]


def test_comments_breaks_and_conditions_leave_no_trace() -> None:
    text = ":here:\n\n// no\n////\nno\n////\n\nifdef::here[]\nyes\nendif::[]\n\nifdef::gone[]\nno\nendif::[]\n\n'''\n\nifndef::gone[also]\n\ninclude::other.adoc[]"

    assert read(text) == [("paragraph", "yes"), ("paragraph", "also")]


def test_blocks_that_are_never_closed_keep_their_words() -> None:
    assert read("----\ncode\nmore") == [("code", "code\nmore")]
    assert read("|===\n|a|b\n|c|d") == [("table", "a: b\nc: d")]
    assert read("====\ntext") == [("paragraph", "text")]


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("*bold* and _it_ and `mono` and **un**bound", "bold and it and mono and unbound"),
        ("5 * 3 * 2 and a_b_c and 2^nd^ H~2~O", "5 * 3 * 2 and a_b_c and 2nd H2O"),
        ("kbd:[Ctrl+C] menu:File[Save as] btn:[OK]", "Ctrl+C File > Save as OK"),
        ("a footnote:[why] and image:x.png[the pump]", "a  (why) and the pump"),
        ("((pump)) stays, indexterm:[gone]goes, &lt;b&gt; {nbsp}x {unknown}", "pump stays, goes, <b>  x {unknown}"),
        ("pass:[*raw*] \\*not bold*", "*raw* *not bold*"),
        ("#marked# [.red]#red#", "marked red"),
    ],
)
def test_inline_markup_leaves_the_words(marked: str, words: str) -> None:
    assert plain(marked, {}) == words


@given(st.text(alphabet="=-*.+|_#[]:<>{}`/\\ \nabc1,'~^\"", max_size=300))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    for block in parse_asciidoc(text).blocks:
        assert isinstance(block, Block)
        assert block.text


def test_attributes_that_refer_to_each_other_stay_small() -> None:
    lines = [":a0: xxxxxxxxxx"] + [f":a{n}: {{a{n - 1}}}{{a{n - 1}}}{{a{n - 1}}}" for n in range(1, 60)]

    assert sum(len(text) for _, text in read("\n".join(lines) + "\n\n{a59}{a59}")) < 10_000
