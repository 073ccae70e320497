"""How a text becomes the terms of the index: the same code reads documents and questions, so that both agree.

Words are folded (case, diacritics) and stemmed by Snowball English; numbers lose their decimal comma and stand apart
from a unit glued to them; identifiers stay whole under their key (see `identifiers`). Compounds give their parts and
the joined word: `lock-out` is `lock`, `out`, `lockout`. So are verbs that are written apart, `lock out the pump`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import Stemmer

from appliance.retrieval.identifiers import fold, identifiers

TermKind = Literal["word", "number", "identifier", "name"]

_PIECE = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]{1,2}(?![^\W_]))?")
_COMPOUND = re.compile(r"(?<![\w-])([^\W\d_]+)-([^\W\d_]+)(?![\w-])")
_APART = re.compile(r"(?<![\w-])([^\W\d_]+)\s(out|up|down|over)(?![\w-])")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")


LONG_WORD = 6


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a text: `key` is what the index holds, `text[start:end]` what was written."""

    key: str
    kind: TermKind
    start: int
    end: int

    @property
    def is_stop(self) -> bool:
        return self.kind == "word" and self.key in stop_keys()


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The Snowball stem of one word in lower case, without diacritics."""
    plain = "".join(ch for ch in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(ch))
    plain = plain.replace("’", "'").removesuffix("'s").replace("'", "")
    # A stemmer keeps state while it works, and this may run in several threads.
    return str(Stemmer.Stemmer("english").stemWord(plain))


def number_key(text: str) -> str:
    """`1,5` and `1.5` agree, and so do `10,000` and `10000`, `1.50` and `1.5`."""
    if _THOUSANDS.fullmatch(text):
        return text.replace(",", "")
    point = text.replace(",", ".")
    if point.count(".") == 1:
        point = point.rstrip("0").rstrip(".")
    return point


@lru_cache(maxsize=4096)
def terms(text: str) -> tuple[Term, ...]:
    """All terms of `text` in order of place, stop words included."""
    made: list[Term] = []
    covered = bytearray(len(text))
    for item in identifiers(text):
        named = item.kind == "name"
        made.append(Term(item.key, "name" if named else "identifier", item.start, item.end))
        if not named:
            covered[item.start : item.end] = b"\x01" * (item.end - item.start)
    folded = fold(text)
    for match in _PIECE.finditer(folded):
        if covered[match.start()]:
            continue
        piece = match.group()
        if piece[0].isdigit():
            made.append(Term(number_key(piece), "number", match.start(), match.end()))
        else:
            made.append(Term(stem(piece), "word", match.start(), match.end()))
    made.extend(
        Term(stem(match.group(1) + match.group(2)), "word", match.start(), match.end())
        for match in _COMPOUND.finditer(folded)
    )
    made.extend(
        Term(joined, "word", match.start(), match.end())
        for match in _APART.finditer(folded)
        if (joined := _joined_keys().get((stem(match.group(1)), match.group(2))))
    )
    return tuple(sorted(made, key=lambda term: (term.start, term.end)))


@lru_cache(maxsize=1)
def _joined_keys() -> dict[tuple[str, str], str]:
    """For a verb's stem and its particle the stem of both as one word."""
    parts = {word: re.fullmatch(r"(.+)(out|up|down|over)", word) for word in english()["joined"].split()}
    return {(stem(match.group(1)), match.group(2)): stem(word) for word, match in parts.items() if match}


@lru_cache(maxsize=1)
def stop_keys() -> frozenset[str]:
    """Stems of the words that say nothing about what is asked."""
    return frozenset(stem(word) for word in english()["stop_words"].split())


def english() -> dict[str, Any]:
    """The word lists of `english.toml`."""
    return tomllib.loads(files("appliance.retrieval").joinpath("english.toml").read_text(encoding="utf-8"))


def content_terms(text: str) -> tuple[Term, ...]:
    """The terms of `text` that carry meaning."""
    return tuple(term for term in terms(text) if not term.is_stop)


def column(text: str) -> str:
    """What an index column holds of `text`: words and numbers, stop words left out, joined by blanks."""
    return " ".join(term.key for term in terms(text) if term.kind in ("word", "number") and not term.is_stop)


def exact_column(text: str) -> str:
    """Identifiers and names of `text` by key, joined by blanks."""
    return " ".join(term.key for term in terms(text) if term.kind in ("identifier", "name"))


def near(word: str, other: str) -> bool:
    """Whether one slip of the finger turns one word into the other: a letter more or less, two swapped, or, in words of
    six letters and more, a wrong one. Short words with one letter changed are other words (`weld`, `well`).
    """
    if word == other or abs(len(word) - len(other)) > 1:
        return word == other
    start = 0
    while start < min(len(word), len(other)) and word[start] == other[start]:
        start += 1
    a, b = word[start:], other[start:]
    if len(a) != len(b):
        return a[1:] == b if len(a) > len(b) else a == b[1:]
    swapped = len(a) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or (len(word) >= LONG_WORD and a[1:] == b[1:])
