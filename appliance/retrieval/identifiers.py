"""Which words of a text are identifiers, and when two spellings mean the same one.

    kind     looks like                     where it must stand for an answer to count
    asset    P-101A, FT 2031, 10-P-101A     passage, heading, title, or the document's assets
    code     E-0417, ALM-12, alarm F07      the quoted row or its passage
    thread   M12, M12x1.75, G1/2            the quoted row
    part     4711-0032, 6205-2RS, FK-88213  the quoted row or its passage
    size     DN50, PN16, IP65, VG46         the quoted row or its passage
    name     motion.spindle-on, MAX_ACC     nowhere by force; found exactly

The *key* of an identifier is its spelling without case and separators: `P-101A`, `p 101a` and `P101A` share `p101a`;
`M12x1,75` is `m12x1.75`. Number groups keep their hyphens (`4711-0032`), or they would collide with figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

IdentifierKind = Literal["asset", "code", "thread", "part", "size", "name"]

# One character for one, so that offsets in the folded text are offsets in the original.
_FOLD = str.maketrans({"×": "x", "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "\u00a0": " ", "\u202f": " "})

_WORD = re.compile(r"[^\W_]+(?:(?:[-./_]|(?<=\d),(?=\d))[^\W_]+)*")
_SPACED = re.compile(r"(?<![\w-])([A-Za-z]{1,4}) (\d{1,5}[A-Za-z]?)(?![\w.,/-]*\w)")
_SPACED_SUFFIX = re.compile(r" ([A-D])(?![\w-])(?:\s*(?:/|&|and|or|,)\s*([A-D])(?![\w-]))?")

_THREAD = re.compile(r"m\d{1,2}(?:x\d{1,3}(?:[.,]\d+)?){0,2}|(?:g|r|rp|rc)\d(?:/\d)?|\d/\d-\d{2}(?:un[cfs]|npt)?")
_SIZE = re.compile(r"(?:dn|pn|ip|vg|sae|iso|din|en|ansi|nps)[- ]?\d{1,5}(?:[-/]?[a-z0-9]{1,4})?")
_CODE_PREFIX = frozenset({"e", "f", "a", "w", "al", "alm", "err", "flt", "wrn", "fault", "alarm", "error"})
_CODE_CONTEXT = re.compile(
    r"(?:alarm|fault|error|warning|message|code|trip)s?(?:\s+(?:code|number|no\.?))?[\s:]*$", re.I
)
_PART_CONTEXT = re.compile(
    r"(?:part|order|article|item|spare|material|catalogue|catalog)(?:[\s-]*(?:number|no\.?|nr\.?|code))?[\s:#]*$", re.I
)
_TAG = re.compile(r"(?:\d{1,3}-)?[a-z]{1,5}[-_.]?\d{1,5}[a-z]{0,2}(?:-\d{1,3})?")
_COMPOUND = re.compile(r"\d+(?:[.,]\d+)?-[a-z]{3,}(?:-[a-z]+)*|[a-z]{3,}(?:-[a-z]{3,})*-[1-9]\d?")
_GROUPS = re.compile(r"\d+(?:-\d+)+")
_DATE = re.compile(r"(?:19|20)\d\d-\d\d(?:-\d\d)?|(?:19|20)\d\d-(?:19|20)\d\d|\d\d-\d\d-(?:19|20)?\d\d")
_MEASURE = re.compile(
    r"\d+(?:[.,]\d+)?-?(?:[munkµ]?[mlgswva]|km|kn|nm|k?pa|mpa|bar|mbar|psi|kw|mw|kva|kwh|hz|khz|mhz|ghz|rpm|min|hrs?|h|s|ms|"
    r"days?|d|wk|mon|kg|lbs?|ft|in|inch|mm|cm|dm|db|dba|ma|kv|mv|°?[cfk]|st|nd|rd|th|x|%|ppm|kb|mb|gb|bit|bits|ph|"
    r"way|pin|axis|pole|stage|phase|hour|day|week|month|year|point|step|digit|fold|wire|core)"
)
# Words that stand before a figure without naming a thing, and chemical formulas, which texts also spell out.
_NOT_PREFIX = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "if",
        "in",
        "is",
        "it",
        "its",
        "no",
        "not",
        "of",
        "on",
        "or",
        "than",
        "that",
        "the",
        "then",
        "to",
        "was",
        "with",
        "step",
        "steps",
        "page",
        "pages",
        "fig",
        "tab",
        "sec",
        "ch",
        "rev",
        "row",
        "day",
        "week",
        "hour",
        "min",
        "max",
        "per",
        "abt",
        "ca",
        "up",
        "all",
        "any",
        "each",
        "every",
        "over",
        "under",
        "item",
        "pos",
        "pt",
        "once",
        "x",
        "vs",
        "via",
        "about",
        "only",
        "within",
        "after",
        "until",
        "till",
        "near",
        "last",
        "next",
        "first",
        "set",
        "has",
        "have",
        "had",
        "can",
        "may",
        "do",
        "use",
        "does",
        "mm",
        "cm",
        "m",
        "bar",
        "nm",
        "kg",
        "l",
        "h",
        "s",
        "v",
        "kw",
        "hz",
        "psi",
        "rpm",
        "deg",
    ]
)
_FORMULAS = frozenset({"co2", "h2o", "o2", "n2", "nh3", "h2s", "so2", "h2", "ch4", "naoh2", "h2so4", "2d", "3d", "4d"})


@dataclass(frozen=True, slots=True)
class Identifier:
    """`text` is what a reader would write (`P-101B` for the B of `P-101A/B`), `key` what all its spellings share,
    `start:end` where it stands in the source.
    """

    text: str
    key: str
    kind: IdentifierKind
    start: int
    end: int


def fold(text: str) -> str:
    """Unify dashes, multiplication signs and hard spaces; every offset stays where it was."""
    return text.translate(_FOLD)


def key_of(text: str) -> str:
    """The key of one identifier, however it is written."""
    low = fold(text).lower().strip()
    if _GROUPS.fullmatch(low):
        return low
    return re.sub(r"(?<=\d),(?=\d)", ".", re.sub(r"[-_ ]", "", low))


def identifiers(text: str) -> tuple[Identifier, ...]:
    """All identifiers of `text` in order; `P-101A/B` gives two that share a place."""
    return _scan(fold(text), text)


@lru_cache(maxsize=4096)
def _scan(folded: str, text: str) -> tuple[Identifier, ...]:
    found: list[Identifier] = []
    taken: set[int] = set()
    for match in _SPACED.finditer(folded):
        prefix, rest = match.group(1), match.group(2)
        if not _spaced_tag(prefix, rest):
            continue
        start, end = match.span()
        key = (prefix + rest).lower()
        found.append(Identifier(text[start:end], key, _kind(key, folded[:start]), start, end))
        taken.update(range(start, end))
    for match in _WORD.finditer(folded):
        if match.start() in taken:
            continue
        found.extend(_from_word(folded, text, match.start(), match.end()))
    return tuple(sorted(found, key=lambda item: (item.start, item.end, item.key)))


def _spaced_tag(prefix: str, rest: str) -> bool:
    """`P 101A` is one identifier; `in 2010` and `Pressure 12` are not."""
    if prefix.lower() in _NOT_PREFIX:
        return False
    digits = rest.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if prefix.isupper():
        return len(digits) >= 2 or (len(prefix) <= 2 and rest != digits)
    return len(prefix) <= 2 and len(digits) >= 2 and rest != digits


def _from_word(folded: str, text: str, start: int, end: int) -> list[Identifier]:
    word = folded[start:end]
    before = folded[:start]
    low = word.lower()
    if not any(ch.isdigit() for ch in word):
        named = "_" in word or ("." in word and len(word) > 5 and not _abbreviation(word))
        return [Identifier(text[start:end], low, "name", start, end)] if named else []
    if "/" in word and not _THREAD.fullmatch(low):
        return _slashed(folded, start, end)
    kind = _classify(low, word, before)
    if kind is None:
        return []
    made = [Identifier(text[start:end], key_of(word), kind, start, end)]
    if kind == "thread" and "x" in low:
        base = low.partition("x")[0]
        made.append(Identifier(text[start : start + len(base)], base, "thread", start, start + len(base)))
    if kind == "asset" and word[-1].isdigit():
        made.extend(_spaced_suffixes(folded, text, start, end))
    return made


def _spaced_suffixes(folded: str, text: str, start: int, end: int) -> list[Identifier]:
    """`P-101 A`, `P-101 A and B`: the letters of sister machines written apart."""
    match = _SPACED_SUFFIX.match(folded, end)
    if match is None or not any(ch in folded[start:end] for ch in "-_"):
        return []
    stem = key_of(folded[start:end])
    return [
        Identifier(text[start:end] + letter, stem + letter.lower(), "asset", start, match.end())
        for letter in match.groups()
        if letter
    ]


def _slashed(folded: str, start: int, end: int) -> list[Identifier]:
    """`P-101A/B` and `P-101/102` are two assets each; any other part stands for itself."""
    made: list[Identifier] = []
    at = start
    first: str | None = None
    for part in folded[start:end].split("/"):
        stop = at + len(part)
        whole = part
        if first and re.fullmatch(r"[A-Za-z]", part) and first[-1].isalpha() and first[-1].isupper() == part.isupper():
            whole = first[:-1] + part
        elif first and re.fullmatch(r"\d{2,5}[A-Za-z]?", part):
            whole = re.sub(r"\d+[A-Za-z]?$", "", first) + part
        kind = _classify(whole.lower(), whole, folded[:start])
        if kind is not None:
            made.append(Identifier(whole, key_of(whole), kind, at, stop))
            first = first or whole
        at = stop + 1
    return made


def _abbreviation(word: str) -> bool:
    """`e.g`, `U.S.A` and a full stop without its space are no names."""
    parts = word.split(".")
    return any(len(part) <= 1 for part in parts) or any(part[:1].isupper() and part[1:].islower() for part in parts[1:])


def _classify(low: str, word: str, before: str) -> IdentifierKind | None:
    letters = any(ch.isalpha() for ch in low)
    if _THREAD.fullmatch(low):
        return "thread"
    if _DATE.fullmatch(low):
        return None
    if not letters:
        groups = _GROUPS.fullmatch(low)
        long = sum(ch.isdigit() for ch in low) >= 6
        return "part" if (long and (groups or low.isdigit())) or (groups and _PART_CONTEXT.search(before)) else None
    if low in _FORMULAS or _MEASURE.fullmatch(low):
        return None
    if _COMPOUND.fullmatch(low) and not word.isupper():
        # `24-hour`, `class-2`: a figure and a word, unless it is written like a tag.
        return None
    return _kind(low, before)


def _kind(low: str, before: str) -> IdentifierKind:
    if _THREAD.fullmatch(low):
        return "thread"
    match = re.match(r"([a-z]+)[-_. ]?(\d+)", low)
    lettered = match is not None and match.group(1) in _CODE_PREFIX and match.end() == len(low)
    if lettered and match is not None and (len(match.group(2)) >= 4 or match.group(2).startswith("0")):
        return "code"
    if _CODE_CONTEXT.search(before) and len(low) <= 10:
        return "code"
    if _PART_CONTEXT.search(before):
        return "part"
    if _SIZE.fullmatch(low):
        return "size"
    if _TAG.fullmatch(low):
        return "asset"
    return "part"


def family(key: str) -> str:
    """What sister machines share: `p101a` and `p101b` are of `p101`; a key of another shape is its own family."""
    match = re.fullmatch(r"((?:\d{1,3})?[a-z]{1,5}\d{1,5})[a-z]{0,2}", key)
    return match.group(1) if match else key


def sisters(one: str, other: str) -> bool:
    """Whether two different keys belong to machines that are easily mixed up."""
    return one != other and family(one) == family(other)


def variants(key: str) -> tuple[str, ...]:
    """Other keys people write for the same code: `e417` for `e0417`, and the reverse."""
    match = re.fullmatch(r"([a-z]+)(\d+)([a-z]{0,2})", key)
    if match is None:
        return ()
    prefix, digits, suffix = match.groups()
    bare = digits.lstrip("0") or "0"
    spellings = (bare, *(bare.zfill(width) for width in (2, 3, 4, 5)))
    return tuple(dict.fromkeys(prefix + item + suffix for item in spellings if item != digits and len(item) >= 1))


_SPOKEN = re.compile(r"(?<![\w-])([A-Za-z]{1,5})[\s-]?(\d{1,5})[\s-]?([A-Za-z]?)(?![\w-])")


def spoken(text: str, known: frozenset[str]) -> tuple[Identifier, ...]:
    """Identifiers a person typed carelessly (`fil 2`, `p 101 a`), accepted only when they mean one that is `known`.

    Args:
        text: a question.
        known: keys of the tenant's assets.
    """
    made: list[Identifier] = []
    for match in _SPOKEN.finditer(fold(text)):
        prefix, digits, suffix = (part.lower() for part in match.groups())
        if prefix in _NOT_PREFIX:
            continue
        for tail, end in ((suffix, match.end(3)), ("", match.end(2))):
            key = prefix + digits + tail
            hit = key if key in known else next((item for item in variants(key) if item in known), None)
            if hit is not None:
                made.append(Identifier(text[match.start() : end], hit, "asset", match.start(), end))
                break
    return tuple(made)
