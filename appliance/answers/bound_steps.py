"""Whether a sentence that tells several steps tells them in their order. Pure.

Such a sentence is cut where it orders (`first`, `then`, `before`, `after`, `and`); each part must be bound to a step of its own,
each by the same rules as a whole sentence. `then` and `and` join steps that follow each other; a step between them that
is left out may be the one that counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from appliance.answers.claims import atoms_of
from appliance.answers.matching import laid, same
from appliance.answers.sources import Source

_CUT = re.compile(
    r"[,;]?\s+(?:and\s+)?(?:then|next|afterwards|finally|lastly|after\s+that)\b,?\s*|\s*;\s*|,\s+(?:and\s+)?|\s+and\s+",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"^(?P<one>.+?),?\s+before\s+(?P<two>.+)$|^before\s+(?P<late>[^,]+),\s+(?P<early>.+)$", re.IGNORECASE
)
_AFTER = re.compile(r"^after\s+(?P<one>[^,]+),\s+(?P<two>.+)$|^(?P<late>.+?),?\s+after\s+(?P<early>.+)$", re.IGNORECASE)
_OPENING = re.compile(r"^\s*(?:first(?:ly)?|to\s+begin\s+with|initially)\b,?\s*", re.IGNORECASE)
_CLOSING = re.compile(r"\b(?:finally|lastly)\b", re.IGNORECASE)
MOST_PARTS = 6
MOST_STEPS = 60

Judge = Callable[[str, Source], str | None]
"""Tells why a text is not what one step says; None if it is."""


@dataclass(frozen=True, slots=True)
class Order:
    """Texts in the order in which they are to be done, and whether nothing may stand between them."""

    parts: tuple[str, ...]
    joined: bool
    opens: bool = False
    closes: bool = False


def orders_of(sentence: str) -> list[Order]:
    """The ways to read a sentence as steps, each of at least two parts."""
    text = sentence.strip().rstrip(".! ").strip()
    found: list[Order] = []
    for pattern, joint in ((_BEFORE, " before "), (_AFTER, "after ")):
        if joint.strip() not in text.lower():
            continue
        match = pattern.match(text)
        if match:
            first, second = (match["one"], match["two"]) if match["one"] else (match["early"], match["late"])
            found.append(Order((first, second), joined=False))
    opens = _OPENING.match(text) is not None
    closes = _CLOSING.search(text) is not None
    bare = _OPENING.sub("", text)
    cuts = list(_CUT.finditer(bare))[:MOST_PARTS]
    for kept in _choices(cuts):
        pieces = _cut(bare, kept)
        if len(pieces) > 1 and all(pieces):
            found.append(Order(tuple(pieces), joined=True, opens=opens, closes=closes))
    return found


def _choices(cuts: Sequence[re.Match[str]]) -> list[list[re.Match[str]]]:
    """Which of the places to cut at: all sets of them, but always where the sentence says `then`."""
    must = [cut for cut in cuts if re.search(r"then|next|after|finally|lastly|;", cut.group(), re.IGNORECASE)]
    free = [cut for cut in cuts if cut not in must]
    sets: list[list[re.Match[str]]] = []
    for bits in range(2 ** len(free)):
        chosen = must + [cut for place, cut in enumerate(free) if bits >> place & 1]
        sets.append(sorted(chosen, key=lambda cut: cut.start()))
    return sets


def _cut(text: str, cuts: Sequence[re.Match[str]]) -> list[str]:
    begins = [0, *(cut.end() for cut in cuts)]
    ends = [*(cut.start() for cut in cuts), len(text)]
    return [text[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]


def steps_bound(sentence: str, steps: Sequence[Source], judge: Judge) -> tuple[Source, ...] | None:
    """The steps that a sentence tells, in their order; None if it cannot be bound to them so."""
    judged: dict[str, Source | None] = {}
    for order in orders_of(sentence):
        found: list[Source] = []
        for part in order.parts:
            if part not in judged:
                judged[part] = next((item for item in steps[:MOST_STEPS] if judge(part, item) is None), None)
            step = judged[part]
            if step is None:
                break
            found.append(step)
        if len(found) == len(order.parts) and _are_whole(order, found) and _in_order(found, steps, order):
            return tuple(found)
    return None


def _are_whole(order: Order, found: Sequence[Source]) -> bool:
    """Whether each step but the first is told from its beginning, and each but the last to its end."""
    if not order.joined:
        return True
    for place, (part, step) in enumerate(zip(order.parts, found, strict=True)):
        told, own = atoms_of(part), laid(step.text)
        needed = [own.atoms[0]] if place else []
        if place < len(found) - 1:
            needed.append(own.atoms[own.in_piece(own.pieces[-1])[0]])
        if not all(any(same(one, atom) for one in told) for atom in needed):
            return False
    return True


def _in_order(found: Sequence[Source], steps: Sequence[Source], order: Order) -> bool:
    numbers = [steps.index(step) for step in found]
    pairs = list(pairwise(numbers))
    if any(two <= one for one, two in pairs) or (order.joined and any(two != one + 1 for one, two in pairs)):
        return False
    if order.opens and found[0].item != 0:
        return False
    return not order.closes or found[-1].item == found[-1].items - 1


def step_named(sentence: str) -> tuple[int | Literal["last"] | None, str]:
    """The number of the step that a sentence names (`step 3`, `the last step`), and the sentence without it."""
    match = _STEP_NAMED.search(sentence)
    if match is None:
        return None, sentence
    rest = sentence[: match.start()] + " " * len(match.group()) + sentence[match.end() :]
    if match.group(1):
        return int(match.group(1)), rest
    word = match.group(2).lower()
    return ("last" if word in ("last", "final") else _ORDINALS.index(word) + 1), rest


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_STEP_NAMED = re.compile(
    rf"(?<!from )(?<!to )(?<!of )(?<!until )(?<!with )\b(?:(?:in|as|at)\s+)?(?:the\s+)?(?:step\s+(\d{{1,3}})|({'|'.join(_ORDINALS)}|last|final)\s+step)\b"
    r"(?:\s+(?:is|says|states)(?:\s+(?:to|that))?|\s*[:,])?",
    re.IGNORECASE,
)
