"""What a question asks for: its words, the things it names, the kind of answer that would do."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, Literal

from appliance.answers.quantities import figures
from appliance.retrieval.terms import stem, terms

if TYPE_CHECKING:
    from appliance.retrieval.terms import Term
    from appliance.retrieval.values import Asked

Wish = Literal["steps", "figure", "number", "cause", "meaning", "fact"]
"""A way to do something, a measured figure, the number of a part, why something is so, what a thing is, or anything."""

_HOW_TO = re.compile(
    r"^\W*(?:(?:please\s+)?(?:tell|show|explain|describe|list)\b.{0,12}?)?\b(?:how\s+(?:do|does|to|can|should|shall|must|would|is|are)"
    r"(?!\s+(?:often|long|many|much))|what\s+(?:are|is)\s+the\s+(?:\w+\s+){0,2}(?:steps|procedure|sequence|order|way)\b"
    r"|(?:steps|procedure|instructions|sequence)\s+(?:to|for|of)\b|in\s+what\s+order|in\s+which\s+order|walk\s+me"
    r"|what\s+(?:else\s+)?(?:do|does|must|should|shall|has|have)\s+(?:[\w-]+\s+){1,5}?(?:do|done)\s+(?:first\s+)?"
    r"(?:when|after|before|if|with|in\s+case)\b)|\bwhat\s+(?:do|must|should)\s+(?:i|we)\s+do\W*$",
    re.IGNORECASE,
)
_HOW_TO_DO = re.compile(r"\bhow\s+(?:(?:do|can|should|shall|must|would)\s+(?:i|we|you)|to)\s+(.+)", re.IGNORECASE)
_WHY = re.compile(r"^\W*why\b|\b(?:reason|cause)\s+(?:of|for|that)\b|\bwhat\s+(?:causes|caused|leads)\b", re.IGNORECASE)
_MEANING = re.compile(
    r"^\W*(?:what(?:'s|\s+is|\s+are)\s+(?:an?\s+|the\s+)?[\w.\s/-]{1,40}?(?:\s+(?:used\s+)?for)?"
    r"|what\s+do(?:es)?\s+[\w.\s/-]{1,50}?\s+(?:do|mean|stand\s+for|indicate|say)"
    r"|(?:the\s+)?meaning\s+of\s+[\w.\s/-]{1,40}|[\w.\s/-]{1,40}\s+meaning)\W*$",
    re.IGNORECASE,
)
_ONE_STEP = re.compile(r"\b(?:step\s+\d+|(?:first|last|second|third|fourth|fifth|final|next)\s+step)\b", re.IGNORECASE)
_NUMBER_OF = re.compile(
    r"\b(?:part|order|article|item|spare(?:\s+part)?|material|catalogue|stock|serial|drawing|document|phone|extension|recipe)"
    r"[\s-]*(?:numbers?|no\b\.?|nr\b\.?|codes?|id)",
    re.IGNORECASE,
)
_KIND = re.compile(r"\b(?:which|what)\s+(?:(?:is|are|was)\s+the\s+|(?:kind|type|sort|make)\s+of\s+)?([a-z][a-z -]*)")
_WHICH_ONE = re.compile(
    r"^\W*which\b(?!\s+(?:two|three|both)\b|(?:\s+[\w-]+){1,4}?\s+(?:are|do|have|were)\b)", re.IGNORECASE
)
_REVISION = re.compile(r"\b(?:rev(?:ision)?|issue|version)\.?\s*([A-Z]|\d{1,3}(?:\.\d+)?)\b", re.IGNORECASE)
_WEAK = frozenset(
    stem(word)
    for word in (
        "number", "value", "need", "use", "used", "make", "made", "do", "done", "required", "requirement", "kind", "type",
        "sort", "exactly", "correct", "right", "proper", "long", "often", "high", "big", "large", "first", "thing", "way",
        "happen", "work", "specified", "specification", "recommended", "according", "document", "manual", "say", "state",
        "mean", "find", "take", "go", "come", "put", "given", "before", "after", "during", "when", "while", "there", "no",
    )
)  # fmt: skip
"""Words a good answer often says otherwise; missing one proves little."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question: the key to look for, as it was written, and how much it tells (0..1).

    `meant` is the key of the word it may be a misspelling of. `parts` are those of a compound, which is one word here
    (`low-water`) and two in some documents.
    """

    key: str
    written: str
    weight: float
    meant: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read.

    `dimensions` are those a figure in the answer may have; "any" stands for a figure without or with any unit.
    `attributes` are the stems of the words that ask for them. `opposed` holds stems that must not stand in the answer's
    row in place of their opposite. `numbers` are the asker's own figures. `pairs` are words that stand side by side
    (`drain plug`), `counted` what is to be counted (`how many bottles`), `kind` the stems of what is to be named
    (`which separator cartridge fits`), `which_one` whether it is one of several, `action` those of the verb of who asks how
    (`how do I lock out the pump`).
    """

    asked: Asked
    words: tuple[Word, ...]
    wish: Wish
    dimensions: frozenset[str]
    attributes: frozenset[str]
    opposed: tuple[tuple[frozenset[str], frozenset[str]], ...]
    numbers: tuple[str, ...]
    revision: str | None
    one_step: bool
    pairs: tuple[tuple[str, str], ...]
    counted: str | None
    kind: frozenset[str]
    which_one: bool
    action: frozenset[str]

    @property
    def text(self) -> str:
        return self.asked.text


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    return tomllib.loads(files("appliance.answers").joinpath("asking.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def attribute_dimensions() -> dict[str, frozenset[str]]:
    """For the stem of a word that asks for a figure the dimensions that can answer it: `torqu` gives torque."""
    return {stem(word): frozenset(found) for word, found in _lists()["attributes"].items()}


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {stem(word): str(dimension) for word, dimension in _lists()["units"].items()}


@lru_cache(maxsize=1)
def _things() -> frozenset[str]:
    return frozenset(stem(word) for word in _lists()["things"]["words"].split())


@lru_cache(maxsize=1)
def opposites() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Pairs of sets of stems; who asks for one is not answered by the other."""
    pairs = []
    for entry in _lists()["opposites"]:
        one, other = (frozenset(stem(word) for word in entry[side].split()) for side in ("one", "other"))
        pairs += [(one, other), (other, one)]
    return tuple(pairs)


def understood(asked: Asked) -> Question:
    """Read the question; pure, no model needed."""
    keys = [term.key for term in asked.terms if term.kind == "word"]
    wanted, attributes = _wanted(asked.text, keys)
    wish: Wish = "fact"
    if _HOW_TO.search(asked.text):
        wish = "steps"
    elif _WHY.search(asked.text):
        wish = "cause"
    elif _NUMBER_OF.search(asked.text):
        wish = "number"
    elif wanted:
        wish = "figure"
    elif _about_one_thing(asked):
        wish = "meaning"
    inside = [(item.start, item.end) for item in asked.identifiers]
    own = tuple(
        number
        for figure in figures(asked.text)
        if not any(start <= figure.start < end for start, end in inside)
        for number in figure.numbers
    )
    revision = _REVISION.search(asked.text)
    present = frozenset(keys)
    return Question(
        asked=asked,
        words=_weighed(asked),
        wish=wish,
        dimensions=wanted,
        attributes=attributes,
        opposed=tuple((one & present, other) for one, other in opposites() if one & present and not other & present),
        numbers=own,
        revision=revision.group(1) if revision else None,
        one_step=bool(_ONE_STEP.search(asked.text)),
        pairs=_pairs(asked),
        counted=_counted(asked.text),
        kind=_kind(asked.text),
        which_one=_WHICH_ONE.search(asked.text) is not None,
        action=_action(asked.text),
    )


def _wanted(text: str, keys: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Dimensions a figure may have to answer, and the words that said so."""
    low = " ".join(text.lower().split())
    units = {key: _units()[key] for key in _unit_words(low)}
    if units:
        named = frozenset(
            key for key in keys if key in attribute_dimensions() and attribute_dimensions()[key] & set(units.values())
        )
        return frozenset(units.values()), named | frozenset(units)
    for opening, found in sorted(_lists()["openings"].items(), key=lambda item: -len(item[0])):
        if re.search(rf"\b{opening}\b", low):
            named = frozenset(key for key in keys if key in attribute_dimensions())
            exact = frozenset().union(*(attribute_dimensions()[key] for key in named))
            return (exact if "any" in found and exact else frozenset(found)), named
    if re.match(r"\W*(?:who|where|why|whom|whose)\b", low):
        return frozenset(), frozenset()
    wanted: set[str] = set()
    named_by: set[str] = set()
    for place, key in enumerate(keys):
        after = keys[place + 1] if place + 1 < len(keys) else ""
        if key in attribute_dimensions() and after not in _things():
            wanted |= attribute_dimensions()[key]
            named_by.add(key)
    return frozenset(wanted), frozenset(named_by)


def _unit_words(low: str) -> list[str]:
    """Stems of units that the figure is asked in: `how many hours`, `in dB`."""
    asked = re.findall(r"\b(?:how many|in(?: how many)?)\s+([a-z]+)\b", low)
    return [stem(word) for word in asked if stem(word) in _units()]


def _pairs(asked: Asked) -> tuple[tuple[str, str], ...]:
    words = [term for term in asked.terms if term.kind == "word" and term.key not in _WEAK]
    return tuple(
        (one.key, other.key)
        for one, other in pairwise(words)
        if not asked.text[one.end : other.start].strip(" -") and other.start > one.end
    )


def _about_one_thing(asked: Asked) -> bool:
    """Whether the question only names a thing, or asks what it is; `what is the x of y` asks for more than that."""
    telling = [term for term in asked.terms if term.key not in _WEAK]
    alone = bool(asked.identifiers) and all(term.kind == "identifier" for term in telling)
    short = len(telling) <= 3 and not re.search(r"\b(?:of|in|at|on|by)\b", asked.text.lower())
    return alone or (short and _MEANING.search(asked.text) is not None)


def _counted(text: str) -> str | None:
    match = re.search(r"\bhow many\s+(?:\w+\s+)??([a-z]{3,}s)\b", text.lower())
    return stem(match.group(1)) if match else None


def _kind(text: str) -> frozenset[str]:
    match = _KIND.search(text.lower())
    named = takewhile(lambda term: not term.is_stop, terms(match.group(1))) if match else ()
    return frozenset(term.key for term in named) - _WEAK


def _action(text: str) -> frozenset[str]:
    match = _HOW_TO_DO.search(text)
    found = [term for term in terms(match.group(1)) if not term.is_stop] if match else []
    return frozenset(term.key for term in found if term.start == found[0].start) - _WEAK


def _weighed(asked: Asked) -> tuple[Word, ...]:
    """The words with weights 0..1 by how rare they are among the tenant's passages (inverse document frequency)."""
    top = math.log(1 + max(asked.passages, 1) / 0.5)
    words = {item.key: Word(item.key, item.text, 1.0) for item in asked.identifiers}
    compounds = {term: _parts(term, asked.terms) for term in asked.terms}
    within = {part for parts in compounds.values() for part in parts}
    for term in asked.terms:
        if term.kind == "identifier" or term.key in words or term in within:
            continue
        meant = asked.corrected.get(term.key)
        count = asked.frequency.get(meant or term.key, 0)
        weight = max(0.15, math.log(1 + max(asked.passages, 1) / (count + 0.5)) / top)
        weight *= 0.35 if term.key in _WEAK else 1.0
        parts = tuple(part.key for part in compounds[term])
        words[term.key] = Word(term.key, asked.text[term.start : term.end], weight, meant, parts)
    return tuple(words.values())


def _parts(whole: Term, terms: Sequence[Term]) -> list[Term]:
    """The words that `whole` is made of; none for most."""
    inside = [term for term in terms if whole.start <= term.start and term.end <= whole.end]
    return [term for term in inside if term.kind == "word" and term.end - term.start < whole.end - whole.start]
