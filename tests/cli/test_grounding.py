"""`outpost ground check` answers each line, whatever it is, and says at the end whether all were cases."""

from __future__ import annotations

import io
import json
import subprocess
from typing import Any

import pytest

from appliance.commands.grounding import LONGEST_LINE, check
from tests.cli.shell import OUTPOST, outpost
from tests.node import ROOT

CASE: dict[str, Any] = {
    "id": "a",
    "question": "Torque of the M12 bolts?",
    "passages": [{"text": "Bolt: M10 | Torque: 47 Nm\nBolt: M12 | Torque: 84 Nm", "assets": ["FL-200"]}],
    "sentence": "The M12 bolts are tightened to 84 Nm [1].",
}


def judged(source: bytes) -> tuple[int, list[dict[str, Any]]]:
    out = io.StringIO()
    code = check(io.BytesIO(source), out, as_json=True)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def line(**changed: object) -> bytes:
    return json.dumps(CASE | changed).encode() + b"\n"


def test_each_line_is_answered_in_order_with_its_own_id() -> None:
    code, found = judged(line() + line(id=7, sentence="The M12 bolts are tightened to 47 Nm [1]."))
    assert code == 0
    assert found == [
        {"id": "a", "released": True, "why": "passage 1: Bolt: M12 | Torque: 84 Nm"},
        {"id": 7, "released": False, "why": "47 Nm stands in the row of M10, not of M12"},
    ]


@pytest.mark.parametrize(
    ("bad", "id_"),
    [
        (b"not json\n", None),
        (b"[1]\n", None),
        (b"\xff\xfe\n", None),
        (b'{"id": "a"}\n', "a"),
        (b"[" * 100_000 + b"\n", None),
        (line(id=None), None),
        (line(id=True), None),
        (line(id="\ud800"), None),
        (line(question=1), "a"),
        (line(sentence="\ud800"), "a"),
        (line(passages="x"), "a"),
        (line(passages=["x"]), "a"),
        (line(passages=[{"text": "x", "assets": "FL-200"}]), "a"),
        (line(passages=[{"assets": []}]), "a"),
        (b'{"id": NaN, "question": "", "passages": [], "sentence": ""}\n', None),
    ],
)
def test_a_bad_line_is_dropped_with_its_reason_and_the_rest_is_judged(bad: bytes, id_: object) -> None:
    code, found = judged(bad + line(id="good"))
    assert code == 2
    assert (found[0]["id"], found[0]["released"]) == (id_, False)
    assert found[0]["why"]
    assert found[1]["released"]


def test_a_line_that_is_too_long_is_passed_over() -> None:
    code, found = judged(line(sentence="x" * (2 * LONGEST_LINE)) + line())
    assert code == 2
    assert [one["released"] for one in found] == [False, True]
    assert "longer" in found[0]["why"]


def test_a_line_of_exactly_the_limit_is_read() -> None:
    padded = line()[:-1].ljust(LONGEST_LINE) + b"\n"
    code, found = judged(padded + line())
    assert (code, len(found), found[0]["released"]) == (0, 2, True)


def test_too_long_a_sentence_and_too_many_passages_are_dropped_and_no_wrong_use() -> None:
    code, found = judged(line(sentence="M12 " * 300) + line(passages=CASE["passages"] * 41))
    assert code == 0
    assert [one["released"] for one in found] == [False, False]


def test_nothing_in_gives_nothing_out() -> None:
    assert judged(b"") == (0, [])
    assert judged(b"\n  \n") == (0, [])


def test_the_last_line_needs_no_line_break() -> None:
    assert judged(line().rstrip())[1][0]["released"]


def test_the_table_cannot_steer_a_terminal() -> None:
    out = io.StringIO()
    check(io.BytesIO(line(sentence="\x1b[2J M12: 84 Nm", id="\x1b]0;x")), out, as_json=False)
    assert "\x1b" not in out.getvalue()


def test_the_command_reads_standard_input_without_a_node() -> None:
    ended = outpost("ground", "check", "--json", typed=line().decode() + "oops\n")
    answers = [json.loads(one) for one in ended.out.splitlines()]
    assert ended.code == 2
    assert [one["released"] for one in answers] == [True, False]
    assert "released" in outpost("ground", "check", typed=line().decode()).out


def test_a_line_is_answered_before_the_next_is_written() -> None:
    with subprocess.Popen(
        [*OUTPOST, "ground", "check", "--json"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(2):
            process.stdin.write(line(id=number))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(timeout=60) == 0
