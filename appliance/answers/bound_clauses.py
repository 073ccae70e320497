"""Whether a sentence that says several things says each of them of a place of its own. Pure.

It is cut where it joins (`. `, `;`, `, and`, `and`, a comma); each clause must be bound alone, by the same rules as a whole
sentence. What else it takes, each with the lie that it stops:

    no clause lends another its `if not`       a mark that could reach over the joint stands in neither clause
    sentences follow each other                actions exchanged, and one between them left out
    rows are told with their own labels        the value of one row under the label of another
    each is a whole statement                  a name takes the value of the next clause
    the machine of a clause goes on            the second value is that of the sister machine
    `it` is what the clause before has named   `it` told of what the text calls so elsewhere
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from appliance.answers.claims import Token, atoms_of
from appliance.answers.matching import Mark, laid, same
from appliance.answers.sources import Source
from appliance.retrieval.identifiers import identifiers

_CUT = re.compile(
    r"(?P<end>(?<=[a-z\d)%])\.\s+(?=[A-Z]))|\s*(?P<semi>;)\s*|,?\s+(?:and|but|while|whereas)\s+|,\s+", re.IGNORECASE
)
_REACHING = frozenset({"not", "only", "except", "before", "after", "until", "during", "because", "then"})
"""Marks that could turn what stands on the other side of `and`."""
_NEAR = frozenset({"not", "before", "after", "until", "during"})
"""Those of them that turn nothing before them, where they stand within the last clause."""
_ORDERED = frozenset({"step", "order", "no", "point"})
"""Headers of tables whose rows are done one after the other."""
_FOLLOWS = re.compile(r"(?:so|therefore|thus|hence|as|since)\b", re.IGNORECASE)
"""How a clause begins that says what follows from another."""
MOST_CUTS = 5

Judge = Callable[[str, Source, str | None], str | None]
"""Tells why a text is not what one place says; None if it is. The third is what stands for the question, None for itself."""


def clauses_bound(sentence: str, places: Sequence[Source], judge: Judge) -> tuple[Source, ...] | None:
    """The places that the clauses of a sentence tell; None if it cannot be bound to them so."""
    text = sentence.strip().rstrip(".! ")
    own = [place for place in places if not place.demanded]
    cuts = list(_CUT.finditer(text))[:MOST_CUTS]
    judged: dict[tuple[str, str | None], list[Source]] = {}
    for bits in range(1, 2 ** len(cuts)):
        kept = [cut for place, cut in enumerate(cuts) if bits >> place & 1 or cut["end"]]
        clauses = _cut(text, kept)
        if not all(len(atoms_of(clause)) > 1 for clause in clauses) or _reaches(clauses, kept):
            continue
        found: list[Source] = []
        for number, clause in enumerate(clauses):
            about = _about(clauses, number)
            if (clause, about) not in judged:
                judged[clause, about] = [place for place in own if judge(clause, place, about) is None]
            options = [place for place in judged[clause, about] if place not in found and _is_statement(clause, place)]
            after = [place for place in options if number == 0 or _goes_on(clause, found[-1], place, own)]
            if not after:
                break
            found.append(after[0])
        if len(found) == len(clauses) > 1:
            return tuple(found)
    return None


def _cut(text: str, cuts: Sequence[re.Match[str]]) -> list[str]:
    begins = [0, *(cut.end() for cut in cuts)]
    ends = [*(cut.start() for cut in cuts), len(text)]
    return [text[begin:end].strip(" ,") for begin, end in zip(begins, ends, strict=True)]


def _reaches(clauses: Sequence[str], cuts: Sequence[re.Match[str]]) -> bool:
    """Whether a mark of one clause could turn another."""
    for place, cut in enumerate(cuts):
        if cut["end"] or cut["semi"]:
            continue
        before = {mark.token.key for mark in laid(clauses[place]).marks}
        after = laid(clauses[place + 1]).marks
        last = place == len(cuts) - 1
        if "if" in before and ("," not in clauses[place] or cut.group().strip() == ","):
            return True
        if _FOLLOWS.match(clauses[place + 1]):
            return True
        if before & _REACHING:
            return True
        only_then = {"only", "then"} <= {mark.token.key for mark in after if mark.opens}
        near = [mark for mark in after if only_then and mark.token.key in ("only", "then")]
        if any(mark.token.key in _REACHING and mark not in near and not (last and _is_near(mark)) for mark in after):
            return True
    return False


def _is_near(mark: Mark) -> bool:
    """Whether a mark of the last clause turns nothing before it: `and never …`, `… after two repeats`, `and only then …`."""
    key = mark.token.key
    return key == "not" or (key in _NEAR and not mark.opens)


def _about(clauses: Sequence[str], number: int) -> str | None:
    """For a later clause the machines named before it, where it names none itself: nothing else goes on."""
    if number == 0:
        return None
    named = [[item.text for item in identifiers(clause) if item.kind == "asset"] for clause in clauses[: number + 1]]
    if named[-1]:
        return ""
    return next((" ".join(found) for found in named[::-1] if found), "")


def _is_statement(clause: str, place: Source) -> bool:
    """Whether a clause says something of what it names: `The working pressure` alone would take its value from the next."""
    told = laid(clause)
    if place.row is not None:
        values = [atom for cell in place.row.cells[1:] for atom in atoms_of(cell.value)]
        return any(any(same(one, other) for other in told.atoms) for one in values)
    own = laid(place.text)
    held = [any(same(one, atom) for one in told.atoms) for atom in own.atoms]
    if all(held):
        return True
    whole = any(all(held[at] for at in own.in_piece(piece)) for piece in set(own.pieces))
    verb = any(token.kind == "be" or token.acted or token.key in ("may", "must") for token in told.tokens)
    return whole and (verb or (told.tokens[0] is told.atoms[0] and same(told.atoms[0], own.atoms[0])))


def _goes_on(clause: str, before: Source, place: Source, places: Sequence[Source]) -> bool:
    """Whether what a later clause tells may be told after `before`."""
    if (place.row is None) != (before.row is None) or place.number != before.number:
        return False
    if place.row is not None:
        heads = {word for cell in place.row.cells for word in cell.header.lower().rstrip(".").split()}
        label = atoms_of(place.row.cells[0].value)
        return not heads & _ORDERED and _tells(clause, label)
    return any(one is before and other is place for one, other in pairwise(places))


def _tells(clause: str, label: Sequence[Token]) -> bool:
    """Whether a clause names what a row is about."""
    told = atoms_of(clause)
    return any(atom.kind != "figure" and any(same(other, atom) for other in told) for atom in label)
