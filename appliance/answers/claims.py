"""A sentence read into what it claims: atoms (amounts, identifiers, words that say something) and what turns them.

    figure identifier word   an atom: it must stand in the source
    mark                     not, only, if, at least, ...: the same at the same atom, neither added nor left out
    tie                      from, into, behind, of, ...: what an atom hangs on
    join break               and, or, a comma: they part what is said into pieces
    light silent be          is specified as, the, is: they say nothing by themselves

The same reading serves sentences and sources, so that both agree. Pure; no pattern here looks back over the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from appliance.answers.amounts import amounts
from appliance.answers.wording import is_participle, key_of_word, marks, phrases, words
from appliance.retrieval.identifiers import fold, identifiers

Kind = Literal["figure", "identifier", "word", "light", "be", "mark", "tie", "join", "break", "silent"]

_ATOMS = frozenset({"figure", "identifier", "word"})
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]{1,2}(?![^\W_]))?|\d+(?:[.,/]\d+)*|[^\w\s]")
_CITATION = re.compile(r"\[\s?(\d{1,3}(?:\s?,\s?\d{1,3}){0,40})\s?\]")
_EXEMPT = re.compile(r"\(?\b(?:on\s)?pages?\s\d{1,4}(?:\s?[-–]\s?\d{1,4})?\)?|^\s{0,8}\d{1,3}[.)]\s", re.IGNORECASE)
_LABEL = re.compile(r"\b(?:table|figure|section|chapter)\s\d{1,3}(?:\.\d{1,3}){0,3}", re.IGNORECASE)
_BEFORE_A_FIGURE = {"above": "above", "over": "above", "below": "below", "under": "below", "around": "about"}
"""Words that compare where a figure follows, and say where something is where none does."""
GOES_ON = frozenset({"not", "only", "all", "about", "least", "most", "above", "below", "within", "between"})
_STATES = words("strong") | {"on", "in"}
_ENDS = frozenset({"break", "join", "mark", "be"})
_PARTICLES = frozenset({"off", "on", "out", "up", "down", "back", "away", "in"})
_BREAKS = frozenset(",;:()–—.|")


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a text at `start:end`.

    `key` is equal for equal meaning. `sort` of a figure says what it measures, of an identifier its kind. `tie` is the
    word that ties an atom to what stands before it, "" for none. `acted`: an atom is what is done to something (`is
    tightened`).
    """

    kind: Kind
    key: str
    written: str
    start: int
    end: int
    sort: str = ""
    tie: str = ""
    acted: bool = False

    @property
    def is_atom(self) -> bool:
        return self.kind in _ATOMS


def cited(sentence: str) -> tuple[int, ...]:
    """The numbers of the passages that a sentence cites, in order, each once."""
    found = [int(number) for match in _CITATION.finditer(sentence) for number in match.group(1).split(",")]
    return tuple(dict.fromkeys(found))


def uncited(sentence: str) -> str:
    """The sentence with blanks for its citation marks, its page numbers and the number before a list's item."""
    text = _CITATION.sub(lambda match: " " * len(match.group()), sentence)
    return _EXEMPT.sub(lambda match: " " * len(match.group()), text)


def labels_named(sentence: str) -> tuple[str, ...]:
    """What a sentence refers to by number: `table 2`, `section 5.1`."""
    return tuple(" ".join(match.group().lower().split()) for match in _LABEL.finditer(sentence))


@lru_cache(maxsize=8192)
def read(text: str) -> tuple[Token, ...]:
    """All tokens of `text` in order."""
    text = fold(text).replace("’", "'")
    covered = bytearray(len(text))
    made: list[Token] = []

    def take(token: Token) -> None:
        made.append(token)
        covered[token.start : token.end] = b"\x01" * (token.end - token.start)

    for item in sorted(identifiers(text), key=lambda one: (one.start, -one.end)):
        if item.kind != "name" and not any(letter in "0123456789" for letter in item.text):
            # `m³` is a unit.
            continue
        # `M12` inside `M12x1.75` is no claim of its own; the two of `P-101 A and B` are.
        if not any(covered[item.start : item.end]) or (item.kind == "asset" and item.end - item.start > len(item.text)):
            take(Token("identifier", item.key, item.text, item.start, item.end, item.kind))
    for amount in amounts(text):
        if not any(covered[amount.start : amount.end]):
            written = text[amount.start : amount.end]
            take(Token("figure", amount.key, written, amount.start, amount.end, amount.kind))
    spelled, one_word = phrases()
    for match in spelled.finditer(text):
        if not any(covered[match.start() : match.end()]):
            one = one_word[" ".join(match.group().lower().split())]
            light = one in words("light")
            key = "~" if light else key_of_word(one)
            take(Token("light" if light else "word", key, match.group(), match.start(), match.end()))
    pattern, classes = marks()
    for match in pattern.finditer(text):
        if not any(covered[match.start() : match.end()]):
            key = classes[" ".join(match.group().lower().split())]
            take(Token("mark", key, match.group(), match.start(), match.end()))
    made.extend(
        _word(match.group(), match.start(), match.end(), text)
        for match in _WORD.finditer(text)
        if not covered[match.start()]
    )
    return _tied(_settled(sorted(made, key=lambda one: (one.start, one.end))))


def _word(written: str, start: int, end: int, text: str) -> Token:
    low = written.lower()
    kind: Kind = "word"
    key = low
    if low in ("and", "or", "&"):
        kind, key = "join", "or" if low == "or" else "and"
    elif low == "but":
        kind = "break"
    elif not low[0].isalnum():
        kind = "break" if low in _BREAKS else "silent"
        if low in "≥>≤<~":
            kind, key = "mark", {"≥": "least", "≤": "most", ">": "above", "<": "below", "~": "about"}[low]
    elif low in words("be") or low in words("have"):
        kind, key = "be", "be" if low in words("be") else "have"
    elif low in words("silent") and not _is_letter(text, start, end):
        kind = "silent"
    elif low in words("weak") or low in words("strong"):
        kind = "tie"
    elif low in words("light"):
        kind, key = "light", "~"
    else:
        key = key_of_word(low)
    return Token(kind, key, written, start, end)


def _is_letter(text: str, start: int, end: int) -> bool:
    """Whether a single letter is a name (`class A`) and not the article, which is small within a sentence."""
    before = text[:start].rstrip()
    return text[start:end] == "A" and (
        before[-1:].isalnum() or (before[-1:] in ":," and not text[end : end + 2].strip().islower())
    )


def _settled(tokens: list[Token]) -> list[Token]:
    """Words that are one thing before a figure and another elsewhere, or that name a state at the end (`is on`)."""
    made: list[Token] = []
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        low = token.written.lower()
        if low in ("received", "got", "had") and made and made[-1].key == "have":
            # `have received the briefing` is `have had the briefing`.
            made.append(replace(token, kind="be", key="have"))
        elif low in ("turn", "turns", "turned") and after is not None and after.written.lower() in ("off", "on"):
            made.append(replace(token, key=key_of_word("switch")))
        elif token.kind == "light" and low.endswith(("ed", "n")) and made and made[-1].key == "have":
            # `have given the briefing` says who did it.
            made.append(replace(token, kind="word", key=key_of_word(low)))
        elif low == "let" and (not made or made[-1].kind == "break"):
            # `Let the boiler cool` orders what the boiler does.
            made.append(replace(token, kind="silent", key="let"))
        elif low in _BEFORE_A_FIGURE and token.kind in ("mark", "tie"):
            figure = after is not None and after.kind == "figure"
            made.append(replace(token, kind="mark" if figure else "tie", key=_BEFORE_A_FIGURE[low] if figure else low))
        elif token.key == "or" and after is not None and after.written.lower() in ("they", "it", "he", "she", "you"):
            # `or they gall` says what happens otherwise.
            made.append(replace(token, kind="break", key=","))
        elif token.kind == "tie" and (
            (low in _STATES and _ties_nothing(tokens, place)) or (low == "on" and _is_switched(made))
        ):
            made.append(replace(token, kind="word"))
        else:
            made.append(token)
    return made


def _ties_nothing(tokens: list[Token], place: int) -> bool:
    """Whether nothing follows that a word could tie: `print outside`, `votes against it`."""
    after = next((token for token in tokens[place + 1 :] if token.kind != "silent"), None)
    return after is None or after.kind in _ENDS


def _is_switched(before: list[Token]) -> bool:
    return bool(before) and before[-1].key in ("switch", "turn")


def _tied(tokens: list[Token]) -> tuple[Token, ...]:
    """Give each atom what it hangs on, and say which are what is done to something."""
    made: list[Token] = []
    tie = ""
    passive = False
    for token in tokens:
        if token.is_atom:
            word = token.kind == "word"
            particle = token.written.lower() in _PARTICLES and bool(made) and made[-1].acted
            acted = word and (particle or (passive and is_participle(token.written)))
            made.append(replace(token, tie=tie, acted=acted))
            passive = passive and (acted or (word and token.written.lower().endswith("ly")))
            tie = "" if acted else tie
            continue
        made.append(token)
        if token.kind == "tie":
            tie = token.key
        elif token.kind in ("be", "break", "light") or (token.kind == "mark" and token.key not in GOES_ON):
            tie = ""
        if token.kind == "be" or token.written.lower().endswith(" be"):
            passive = True
        elif token.kind in ("tie", "silent") or (token.kind == "break" and token.written in ";:.|"):
            passive = False
    return tuple(made)


def atoms_of(text: str) -> tuple[Token, ...]:
    """The atoms of `text` in order."""
    return tuple(token for token in read(text) if token.is_atom)
