"""Words that a sentence may have though its source lacks them, because they say nothing of the plant. Pure.

    a verb beside a figure    the level stays above 68 %; E-0412 is raised; it is checked every hour, under `Frequency`
    the kind of a tag         tank T-301, alarm E-0412
    the rest of a name        the transfer plates, which the passage calls the plates where it goes on

The lists are closed; they stand in `wording.toml`. Each verb goes with what it cannot change: a bound that the source has
too, or the figure of a column with the header that says the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from appliance.answers.claims import Token, atoms_of, read
from appliance.answers.wording import table

if TYPE_CHECKING:
    from appliance.answers.matching import Laid
    from appliance.answers.sources import Source

_DOWN, _UP = frozenset({"below", "most"}), frozenset({"above", "least"})
_LETTERS = re.compile(r"[A-Z]{1,4}")


def is_added_verb(atom: Token, said: Laid, place: Source) -> bool:
    """Whether an atom is a verb of the lists that its source need not have."""
    low = atom.written.lower()
    marks, figure = _what_follows(atom, said)
    if figure is not None:
        bounds = marks & (_DOWN | _UP | {"between", "within"})
        if (
            (low in table("verbs", "bound") and bounds)
            or (low in table("verbs", "down") and marks & _DOWN)
            or (low in table("verbs", "up") and marks & _UP)
            or low in table("verbs", "reading")
        ):
            return True
    if low in table("verbs", "alarm") and _follows_a_code(atom, said):
        return True
    if place.row is None:
        return False
    heads = {word for cell in place.row.cells for word in cell.header.lower().split()}
    if low in table("verbs", "alarm"):
        return bool(heads & table("headers", "alarm")) and _is_said_of_a_code(atom, said, place)
    if figure is None:
        return False
    own = {word for cell in place.row.cells for word in cell.header.lower().split() if _has(cell.value, figure)}
    own |= set(f"{place.row.cells[0].header} {place.row.cells[0].value}".lower().split())
    for group in ("speed", "money", "setting", "often"):
        if low in table("verbs", group) and own & table("headers", group):
            return group in ("speed", "setting", figure.sort) or (group == "often" and "all" in marks)
    return False


def _what_follows(atom: Token, said: Laid) -> tuple[frozenset[str], Token | None]:
    """The marks right after a verb, and the figure that follows with nothing else between."""
    marks: set[str] = set()
    for token in said.tokens[said.tokens.index(atom) + 1 :]:
        if token.kind == "mark":
            marks.add(token.key)
        elif token.kind == "figure":
            return frozenset(marks), token
        elif token.kind not in ("silent", "tie"):
            break
    return frozenset(), None


def _has(text: str, figure: Token) -> bool:
    return any(other.kind == "figure" and other.key == figure.key for other in atoms_of(text))


def _follows_a_code(atom: Token, said: Laid) -> bool:
    """Whether a verb stands right after an alarm's code: `E-0431 came`, `E-0431 is raised`."""
    index = said.atoms.index(atom)
    return index > 0 and said.atoms[index - 1].sort == "code" and said.pieces[index - 1] == said.pieces[index]


def _is_said_of_a_code(atom: Token, said: Laid, place: Source) -> bool:
    """Whether the code of the row is what the verb is said of: the last identifier before it."""
    assert place.row is not None
    before = [other for other in said.atoms if other.kind == "identifier" and other.start < atom.start]
    own = [
        found
        for cell in place.row.cells
        if cell.header.lower() in table("headers", "alarm")
        for found in atoms_of(cell.value)
    ]
    return len(before) == 1 and before[0].key in {other.key for other in own}


def names_a_kind(atom: Token, said: Laid) -> bool:
    """Whether a word stands right before a tag and is what such tags are called."""
    after = said.atoms[said.atoms.index(atom) + 1 :][:1]
    if not after or after[0].kind != "identifier":
        return False
    tag = after[0]
    between = [token for token in said.tokens if atom.end <= token.start and token.end <= tag.start]
    if any(token.kind != "silent" for token in between):
        return False
    return is_kind(atom, tag)


def is_kind(word: Token, tag: Token) -> bool:
    """Whether a word is what a tag of these letters is called: `valve` for `XV-416`."""
    letters = _LETTERS.match(tag.written)
    alarm = tag.sort == "code" and letters is not None and len(letters.group()) == 1
    kinds = table("kinds", "code" if alarm else letters.group() if letters else "")
    return word.written.lower().removesuffix("s") in kinds


def is_full_name(atom: Token, said: Laid, place: Source, text: str) -> bool:
    """Whether a word completes a name that the place has cut short: `the transfer plates` for `the plates`, where the
    passage calls plates so before, and never otherwise.
    """
    index = said.atoms.index(atom)
    if atom.written[:1].isupper() or index + 1 >= len(said.atoms):
        return False
    noun = said.atoms[index + 1]
    if noun.kind != "word" or not _beside(said.tokens, atom, noun):
        return False
    before = atoms_of(text[: place.start])
    names = {
        one.key
        for one, two in pairwise(before)
        if two.key == noun.key and one.kind == "word" and _beside(read(text[: place.start]), one, two)
    }
    own = atoms_of(place.text)
    bare = [two for one, two in pairwise((None, *own)) if two is not None and two.key == noun.key
            and (one is None or not _beside(read(place.text), one, two))]  # fmt: skip
    return names == {atom.key} and len(bare) == 1 == sum(other.key == noun.key for other in own)


def _beside(tokens: Sequence[Token], one: Token, two: Token) -> bool:
    """Whether nothing at all stands between two atoms."""
    return tokens.index(two) == tokens.index(one) + 1
