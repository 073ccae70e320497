"""`outpost ground check`: judge worded sentences on cases from anywhere, with the code that releases them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

from appliance.answers.sources import Passage
from appliance.answers.worded import Release, released
from appliance.errors import InvalidInput

LONGEST_LINE = 1_048_576
"""Bytes; a longer line is passed over without being held in memory."""


class BadCase(InvalidInput):
    """A line is not a case."""

    code, title = "bad-case", "That line is not a case"
    hint = 'Write one JSON object a line: {"id", "question", "passages": [{"text", "assets": […]}], "sentence"}.'

    def __init__(self, detail: str, *, id: object = None) -> None:
        super().__init__(detail)
        self.id = id


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence to judge, with what it was worded from. `id` is the caller's own and comes back as it was."""

    id: str | int | float | None
    question: str
    passages: tuple[Passage, ...]
    sentence: str


def check(source: BinaryIO, out: TextIO, *, as_json: bool) -> int:
    """Judge each line of `source` as it is read; 2 if any line was not a case, else 0."""
    code = 0
    if not as_json:
        out.write(f"{'':8}  {'id':<16}  sentence, and why\n")
    for line in bounded_lines(source):
        try:
            case = read_case(line)
        except BadCase as error:
            code = error.exit_code
            _tell(out, error.id, "", Release(False, error.detail), as_json=as_json)
        else:
            _tell(out, case.id, case.sentence, released(case.question, case.passages, case.sentence), as_json=as_json)
    return code


def bounded_lines(source: BinaryIO) -> Iterator[bytes | None]:
    """The lines of `source` that are not blank; None for one that is too long."""
    while line := source.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = source.readline(LONGEST_LINE)
            yield None
        elif line.strip():
            yield line


def read_case(line: bytes | None) -> Case:
    """Read one line.

    Raises:
        BadCase: it is too long, not UTF-8, not JSON, or not of the form of a case.
    """
    if line is None:
        raise BadCase(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        found = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadCase("the line is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadCase("the line is not JSON") from None
    if not isinstance(found, dict):
        raise BadCase("the line is not a JSON object")
    id_ = found.get("id")
    named = isinstance(id_, str | int | float) and not isinstance(id_, bool)
    if not named or not _writable(str(id_)) or (isinstance(id_, float) and not math.isfinite(id_)):
        raise BadCase("`id` must be a text or a number")
    question, sentence = (_text(found, name, id_) for name in ("question", "sentence"))
    passages = found.get("passages")
    if not isinstance(passages, list):
        raise BadCase("`passages` must be a list", id=id_)
    return Case(found["id"], question, tuple(_passage(one, id_) for one in passages), sentence)


def _passage(one: Any, id_: object) -> Passage:
    if not isinstance(one, dict):
        raise BadCase("a passage must be an object", id=id_)
    assets = one.get("assets", [])
    if not isinstance(assets, list) or not all(isinstance(asset, str) for asset in assets):
        raise BadCase("`assets` must be a list of texts", id=id_)
    return Passage(_text(one, "text", id_), tuple(assets))


def _text(found: dict[str, Any], name: str, id_: object) -> str:
    text = found.get(name)
    if not isinstance(text, str) or not _writable(text):
        raise BadCase(f"`{name}` must be a text", id=id_)
    return text


def _writable(text: str) -> bool:
    """Whether a text has no half of a pair of code units, which JSON can spell and nothing can print."""
    return text.isprintable() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _tell(out: TextIO, id_: object, sentence: str, release: Release, *, as_json: bool) -> None:
    if as_json:
        answer = {"id": id_, "released": release.released, "why": release.why}
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    else:
        verdict = "released" if release.released else "dropped"
        out.write(f"{verdict:8}  {_plain(id_)[:16]:<16}  {_plain(sentence)}\n{'':28}{_plain(release.why)}\n")
    out.flush()


def _plain(value: object) -> str:
    """A text for a terminal: without line breaks and without what could steer it."""
    return "".join(letter if letter.isprintable() else " " for letter in str("-" if value is None else value))


def check_standard_input(*, as_json: bool) -> int:
    """Judge what comes on standard input."""
    return check(sys.stdin.buffer, sys.stdout, as_json=as_json)
