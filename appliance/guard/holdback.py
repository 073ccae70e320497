"""Text of a model on its way out: held back until what it may be the beginning of is known. Pure.

    what came  │ released │ held: from the last cut on │
                          ^ a cut is the end of a line, or of a sentence with the blank after it, outside a private key

What lies between two cuts is looked at whole, with what stood before it, so that a secret in two pieces is found as in one. Cuts
depend on the text alone: in whatever pieces it comes, the same is released.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from appliance.guard.values import Finding

BEFORE: Final = 240
"""Characters of what was released that are looked at again: a label says what follows it."""
_CUT: Final = re.compile(r"\n|[.!?][ \t]")
_OPENS, _CLOSES = "-----BEGIN", re.compile(r"-----END[^\n-]{0,60}-----")


class Holdback:
    """Args:
    leaking: finds what must not leave.
    """

    def __init__(self, leaking: Callable[[str], list[Finding]]) -> None:
        self._leaking = leaking
        self._before, self._held = "", ""

    def feed(self, text: str) -> str:
        """What may leave now that `text` has come."""
        self._held += text
        out: list[str] = []
        start = 0
        for cut in _CUT.finditer(self._held):
            unit = self._held[start : cut.end()]
            if _is_whole(unit):
                out.append(self._released(unit))
                start = cut.end()
        self._held = self._held[start:]
        return "".join(out)

    def end(self) -> str:
        """The rest: nothing follows."""
        rest, self._held = self._held, ""
        return self._released(rest)

    def _released(self, unit: str) -> str:
        known = len(self._before)
        whole = self._before + unit
        parts: list[str] = []
        at = known
        for one in self._leaking(whole):
            if one.end > at:
                parts += [whole[at : max(at, one.start)], f"[{one.kind}]"]
                at = one.end
        self._before = whole[-BEFORE:]
        return "".join([*parts, whole[at:]])


def _is_whole(unit: str) -> bool:
    """Whether no private key is open at its end."""
    opened = unit.rfind(_OPENS)
    return opened < 0 or _CLOSES.search(unit, opened) is not None
