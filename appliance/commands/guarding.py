"""`outpost guard check`: what the guard finds in texts from anywhere, by the code that requests pass. No node need run."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

from appliance.commands.grounding import LONGEST_LINE, bounded_lines
from appliance.errors import InvalidInput
from appliance.guard.pii import Pattern, patterns_of
from appliance.guard.sanitising import SECRET, PiiRule
from appliance.guard.screening import Guard, Screened
from appliance.guard.settings import rule_of
from appliance.guard.values import Finding
from appliance.policy.pack import Pack, parse, read
from appliance.policy.trial import tried
from models.child import serving
from models.client import ModelClient

AT_ONCE: Final = 32
LONGEST_TEXT: Final = 100_000
START_SECONDS: Final = 60.0


class BadText(InvalidInput):
    """A line is not a text to screen."""

    code, title = "bad-text", "That line is not a text to screen"
    hint = 'Write one JSON object a line: {"id", "text"}, with at most 100,000 characters of text.'

    def __init__(self, detail: str, *, id: object = None) -> None:
        super().__init__(detail)
        self.id = id


@dataclass(frozen=True, slots=True)
class Line:
    """A text to screen, or why the line was none. `id` is the caller's own and comes back as it was."""

    id: object
    text: str
    problem: str | None = None


async def check_standard_input(models: Path, *, pack: Path | None = None, as_json: bool) -> int:
    """Screen what comes on standard input, with the small models of the installation at `models`, and the patterns and rules of a
    policy pack in the directory `pack` as well.

    Raises:
        PackRefused: the pack is not sound.
        PackageDamaged, ModelUnavailable: the classifier cannot be started.
    """
    found = None if pack is None else await _sound(pack)
    own = () if found is None else patterns_of(found.data.patterns)
    orders = () if found is None else found.guard.orders
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        socket = Path(folder) / "guard.sock"
        command = [sys.executable, "-m", "models.server", "--kinds", "classify", "--socket", str(socket)]
        async with serving([*command, "--models", str(models)], seconds=START_SECONDS), ModelClient(socket) as client:
            return await check(
                Guard(_Patient(client), own=own, orders=lambda _: orders),
                sys.stdin.buffer,
                sys.stdout,
                as_json=as_json,
                rule=None if found is None else _rule(found, own),
            )


async def _sound(folder: Path) -> Pack:
    texts = read(folder)
    await tried(texts)
    return parse(texts)


class _Patient:
    """The classifier for a batch job: it may take longer than a person would wait."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def classify(self, texts: Any, bulk: bool = True) -> list[float]:
        return await self._client.classify(texts, bulk=True)


def _rule(pack: Pack, own: Sequence[Pattern]) -> PiiRule:
    """What a plant that has set nothing does in sources of class I by this pack."""
    return rule_of(None, own).at(1, pack.sanitised_from, pack.data.at(1))


async def check(guard: Guard, source: BinaryIO, out: TextIO, *, as_json: bool, rule: PiiRule | None = None) -> int:
    """Screen each line of `source`, in their order; 2 if any line was no text, else 0. With a `rule`, JSON says what becomes of each."""
    code = 0
    for lines in _many(source):
        found = iter(await guard.screen([line.text for line in lines if line.problem is None]))
        for line in lines:
            if line.problem is None:
                _tell(out, line, next(found), rule, as_json=as_json)
            else:
                code = BadText.exit_code
                _complain(out, line, as_json=as_json)
        out.flush()
    return code


def _many(source: BinaryIO) -> Iterator[list[Line]]:
    lines: list[Line] = []
    for raw in bounded_lines(source):
        try:
            lines.append(read_line(raw))
        except BadText as error:
            lines.append(Line(error.id, "", error.detail))
        if len(lines) == AT_ONCE:
            yield lines
            lines = []
    if lines:
        yield lines


def read_line(raw: bytes | None) -> Line:
    """Read one line.

    Raises:
        BadText: it is too long, not UTF-8, not JSON, or not of the form of a text.
    """
    if raw is None:
        raise BadText(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        found = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadText("the line is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadText("the line is not JSON") from None
    if not isinstance(found, dict):
        raise BadText("the line is not a JSON object")
    named = found.get("id")
    if not isinstance(named, str | int | float) or isinstance(named, bool) or not _writable(named):
        raise BadText("`id` must be a text or a number")
    text = found.get("text")
    if not isinstance(text, str) or not _writable(text):
        raise BadText("`text` must be a text", id=named)
    if len(text) > LONGEST_TEXT:
        raise BadText(f"`text` is longer than {LONGEST_TEXT} characters", id=named)
    return Line(named, text)


def _writable(value: str | float) -> bool:
    """Whether a value can be written again: no half of a pair of code units, no infinity."""
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return math.isfinite(value)


def _tell(out: TextIO, line: Line, found: Screened, rule: PiiRule | None, *, as_json: bool) -> None:
    injection = found.injection
    if as_json:
        answer = {
            "id": line.id,
            "injection": {
                "verdict": injection.verdict, "score": round(injection.score, 4), "rules": list(injection.rules),
            },
            "pii": [{"kind": one.kind, "start": one.start, "end": one.end} | _done(one, rule) for one in found.pii],
        }  # fmt: skip
        out.write(json.dumps(answer, ensure_ascii=False) + "\n")
        return
    kinds = ", ".join(dict.fromkeys(one.kind for one in found.pii)) or "-"
    rules = ", ".join(injection.rules) or "-"
    word = "FLAGGED" if injection.verdict else "clean"
    out.write(f"{word:8} {injection.score:4.2f}  {str(line.id)[:24]:24}  rules: {rules}  personal: {kinds}\n")


def _done(one: Finding, rule: PiiRule | None) -> dict[str, str]:
    if rule is None:
        return {}
    return {"action": "redact" if one.kind == SECRET else rule.action_of(one.kind) or "left"}


def _complain(out: TextIO, line: Line, *, as_json: bool) -> None:
    if as_json:
        problem = {"code": BadText.code, "detail": line.problem, "hint": BadText.hint}
        out.write(json.dumps({"id": line.id, "problem": problem}, ensure_ascii=False) + "\n")
    else:
        out.write(f"{'no text':8}       {str(line.id or '-')[:24]:24}  {line.problem}\n")
