r"""A plant's own patterns of personal or plant data, `pii.toml` of a policy pack. Pure.

    [[pattern]]
    kind = "EMPLOYEE_ID"           what stands in its place
    is = '\bE-\d{5}\b'             a regular expression of Python
    after = "employee badge"       only where one of these words stands before it
    never_after = "order part"     not where one of these does

They are added to those of the release; none of those can be taken away or changed. A pattern is a stranger's and meets every text, so
each way that it could be tried at one place of a text is counted (`{m,n}` and `|` multiply and add). What cannot be counted, as `*`,
`+`, looking round and referring back, is refused. So no text can make one pattern try longer than MOST_WAYS times its length.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.policy.errors import PackRefused

MOST_PATTERNS: Final = 200
LONGEST: Final = 200
"""Characters of one pattern."""
WIDEST: Final = 128
"""Characters that one may match."""
NARROWEST: Final = 3
"""Characters that one must match at least: less would take texts apart."""
MOST_WAYS: Final = 200
ALL_WAYS: Final = 2_000
"""Of all patterns of a pack together."""
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII)
_WORDS: Final = re.compile(r"(?:[a-z]{1,40}(?: |$)){0,40}", re.ASCII)
_KEYS: Final = frozenset({"kind", "is", "after", "never_after"})
_OF_THE_RELEASE: Final = "SECRET"
_parser: Final = importlib.import_module("re._parser")
"""What `re` reads patterns with; a release is built for one Python, and a form that is not known here is refused."""


@dataclass(frozen=True, slots=True, order=True)
class PlantPattern:
    """One pattern. `after` and `never_after` are small words."""

    kind: str
    form: str
    after: tuple[str, ...] = ()
    never_after: tuple[str, ...] = ()

    def told(self) -> str:
        """In words, for whoever compares two packs."""
        after = f", after {' '.join(self.after)}" if self.after else ""
        never = f", never after {' '.join(self.never_after)}" if self.never_after else ""
        return f"{self.kind}: {self.form}{after}{never}"


def read_patterns(text: str) -> tuple[PlantPattern, ...]:
    """The patterns of a `pii.toml`, in their order.

    Raises:
        PackRefused: it is malformed, holds too many, or one could take long or take texts apart.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    facts = tomllib.loads(text)
    listed = facts.pop("pattern", [])
    if facts or not isinstance(listed, list):
        raise PackRefused("pii.toml holds [[pattern]] and nothing else.")
    if len(listed) > MOST_PATTERNS:
        raise PackRefused(f"pii.toml holds more than {MOST_PATTERNS} patterns.")
    found = [_read(at, one) for at, one in enumerate(listed, 1)]
    if sum(ways for _, ways in found) > ALL_WAYS:
        raise PackRefused(f"The patterns of pii.toml can be tried in more than {ALL_WAYS} ways together.")
    return tuple(dict.fromkeys(pattern for pattern, _ in found))


def _read(at: int, one: Any) -> tuple[PlantPattern, int]:
    if not isinstance(one, dict) or not all(isinstance(value, str) for value in one.values()):
        raise PackRefused(f"Pattern {at} of pii.toml is no table of texts.")
    if unknown := sorted(one.keys() - _KEYS):
        raise PackRefused(f"Pattern {at} of pii.toml has {unknown[0][:40]!r}; known are {', '.join(sorted(_KEYS))}.")
    kind, form = one.get("kind", ""), one.get("is", "")
    if not _KIND.fullmatch(kind):
        raise PackRefused(
            f"The kind of pattern {at} of pii.toml is written as EMPLOYEE_ID: 3 to 40 letters and digits."
        )
    if kind == _OF_THE_RELEASE:
        raise PackRefused("What a secret is, the release says; pii.toml cannot.")
    for words in (one.get("after", ""), one.get("never_after", "")):
        if not _WORDS.fullmatch(words):
            raise PackRefused(f"The words of {kind} in pii.toml are small letters with single blanks, 40 at most.")
    problem, ways = _weighed(form)
    if problem:
        raise PackRefused(f"The pattern of {kind} in pii.toml {problem}.")
    return PlantPattern(kind, form, *(tuple(one.get(key, "").split()) for key in ("after", "never_after"))), ways


def _weighed(form: str) -> tuple[str | None, int]:
    """What is wrong with a pattern, if anything, and the ways in which it can be tried at one place."""
    if not 0 < len(form) <= LONGEST:
        return f"has none or more than {LONGEST} characters", 0
    try:
        tree = _parser.parse(form)
        least, most = tree.getwidth()
        ways = _ways(tree)
    except (re.error, OverflowError) as error:
        return f"is none: {error}", 0
    except _Uncounted as error:
        return str(error), 0
    if tree.state.groups > 1:
        return "has a group that keeps what it matches; write (?:…)", 0
    if least < NARROWEST or most > WIDEST:
        return f"matches less than {NARROWEST} or more than {WIDEST} characters", 0
    if ways > MOST_WAYS:
        return f"can be tried in more than {MOST_WAYS} ways at one place; say more exactly how often", 0
    return None, ways


class _Uncounted(Exception):
    """A form whose ways cannot be counted."""


def _ways(tree: Sequence[tuple[Any, Any]]) -> int:
    """How many ways, up to one more than MOST_WAYS. Raises _Uncounted."""
    ways = 1
    for form, what in tree:
        ways = min(ways * _of_one(str(form), what), MOST_WAYS + 1)
    return ways


def _of_one(form: str, what: Any) -> int:
    match form:
        case "LITERAL" | "NOT_LITERAL" | "IN" | "ANY" | "AT":
            return 1
        case "SUBPATTERN":
            return _ways(what[3])
        case "BRANCH":
            return sum(_ways(one) for one in what[1])
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, body = int(what[0]), int(what[1]), what[2]
            if most > WIDEST:
                raise _Uncounted(f"repeats without end or more than {WIDEST} times; write {{1,20}} for +")
            each = _ways(body)
            many: int = sum(pow(each, times) for times in range(least, most + 1))
            return min(many, MOST_WAYS + 1)
        case _:
            raise _Uncounted("looks round, refers back or does what is not known here")
