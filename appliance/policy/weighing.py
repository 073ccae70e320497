"""Whether a stranger's regular expression may meet every text. Pure.

Each way that it could be tried at one place of a text is counted: alternatives add, what stands one after the other multiplies, `{m,n}`
is the sum over each number of times. What cannot be counted, as `*`, `+`, looking round and referring back, is refused. So no text
can make one pattern try longer than MOST_WAYS times its length.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any, Final

LONGEST: Final = 200
"""Characters of one pattern."""
WIDEST: Final = 128
"""Characters that one may match."""
NARROWEST: Final = 3
"""Characters that one must match at least: less would take texts apart."""
MOST_WAYS: Final = 200
_parser: Final = importlib.import_module("re._parser")
"""What `re` reads patterns with; a release is built for one Python, and a form that is not known here is refused."""


def weighed(form: str) -> tuple[str | None, int]:
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
