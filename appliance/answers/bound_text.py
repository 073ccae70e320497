"""Whether a sentence says what one sentence, or one row, of a passage says. Pure.

The rules, each with the lie that it stops:

    every atom stands in the source                 another value, another part number, an invented word
    nothing is left out before what is used         `the filter of the pump` told as `the pump`
    pieces are used whole, but for the last one     the first half of one clause with the second half of another
    marks agree                                     a dropped `not`, `only`, `if`; an added `at least`; `may` for `must`
    ties agree                                      from T-110 to T-111 told as from T-111 to T-110
    who acts, and on what                           `the pump feeds the tank` told as `the tank feeds the pump`
    and is and, or is or                            `or` told as `and`, one of two alternatives told alone

In a row the same holds within each cell; cells may come in any order (`bound_rows` sees to labels and columns).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from appliance.answers.added import is_kind
from appliance.answers.bound_marks import marks_lost, marks_said
from appliance.answers.bound_ties import alternatives_refusal, lent, ties_refusal
from appliance.answers.claims import Token
from appliance.answers.matching import Binding, Laid, quoted, same
from appliance.answers.question import attribute_dimensions
from appliance.answers.voice import exchanged
from appliance.answers.wording import key_of_word, same_meaning, stems, words
from appliance.retrieval.terms import stem

_MEASURED = frozenset({
    "torque", "pressure", "temperature", "voltage", "power", "speed", "weight", "mass", "volume", "force", "viscosity",
    "flow", "noise", "time",
})  # fmt: skip
"""Words that the unit of a figure says too."""


@lru_cache(maxsize=1)
def _measures() -> dict[str, frozenset[str]]:
    return {stem(word): attribute_dimensions()[stem(word)] for word in _MEASURED}


def measured(key: str) -> frozenset[str]:
    """The kinds of figures whose unit says what a word with this key says."""
    return frozenset().union(*(_measures().get(other, frozenset()) for other in same_meaning(key)))


Given = Callable[[Token], bool]
"""Whether an atom that the source lacks is given otherwise: by a heading, the passage's machine, the question."""


def refusal(binding: Binding, given: Given, asked: Laid, *, least: int = 2) -> str | None:
    """Why a sentence is not what the source says; None if it is.

    Args:
        binding: the sentence on the source.
        given: tells whether an atom that the source lacks is given otherwise.
        asked: the question, which may hold the condition that an answer need not repeat.
        least: how many atoms must stand in the source.
    """
    for atom, place in zip(binding.said.atoms, binding.places, strict=True):
        if place is None and not given(atom):
            return f"{quoted(atom)} does not stand there"
    if len(binding.used) < least:
        return "it says too little to be judged"
    for rule in (_told_once, _coverage, alternatives_refusal, ties_refusal, exchanged):
        reason = rule(binding)
        if reason is not None:
            return reason
    return marks_said(binding, asked) or marks_lost(binding, asked)


def _told_once(binding: Binding) -> str | None:
    """What stands in the source once stands for one atom of the sentence; an identifier may come again, later on."""
    taken: set[int] = set()
    for index, place in enumerate(binding.places):
        atom = binding.said.atoms[index]
        if place is not None and index and place == binding.places[index - 1]:
            return f"{quoted(atom)} stands there once"
        if place is None or atom.kind == "identifier" or (binding.headers and atom.kind == "word"):
            continue
        if place in taken:
            return f"{quoted(atom)} stands there once"
        taken.add(place)
    return None


def _coverage(binding: Binding) -> str | None:
    source = binding.source
    used = {place: index for place, index in binding.used.items() if place not in lent(binding)}
    pieces = sorted({source.pieces[place] for place in used if binding.in_value(place)})
    for piece in pieces:
        inside = source.in_piece(piece)
        last = max(place for place in inside if place in used)
        more = any(other > piece and binding.cells[other] == binding.cells[piece] for other in pieces)
        for place in inside:
            atom = source.atoms[place]
            if place in used or any(same(other, atom) for other in binding.said.atoms):
                continue
            if (
                _names_what_follows(source, place, used)
                or _is_the_machine(binding, place)
                or _counts_rows(binding, place)
                or said_by_unit(binding, place)
                or _is_titled(binding, place)
            ):
                continue
            if more and _has_another_predicate(binding, piece, place, pieces):
                continue
            if place < last or _binds(binding, last, place, more=more):
                return f"{quoted(atom)} of the source is left out"
    for piece in pieces:
        # `whenever it turns, and for ten minutes afterwards`: what hangs on a tie goes on with what stands before it.
        after = piece + 1
        hangs = bool(source.in_piece(after)) and source.opened[after] == "tie" and source.breaks[after] in ("and", ",")
        if hangs and source.breaks[after] == "," and _has_figure(source, piece) and _has_figure(source, after):
            # `for water is 500 ppm, for iron 150 ppm`: two statements side by side.
            continue
        if hangs and after not in pieces and binding.cells[after] == binding.cells[piece]:
            return f"{quoted(source.atoms[source.in_piece(after)[0]])} of the source is left out"
    for one, other in pairwise(pieces):
        if binding.cells[one] != binding.cells[other]:
            continue
        if _part(source, one) != _part(source, other) and _part(source, other - 1) == _part(source, other):
            return "halves of two statements are joined"
        skipped = [piece for piece in range(one + 1, other) if piece not in source.asides]
        if skipped and source.opened[other] not in ("the", "identifier", "figure") and len(source.in_piece(other)) > 1:
            return "halves of two statements are joined"
    return None


def _binds(binding: Binding, last: int, place: int, *, more: bool) -> bool:
    """Whether what stands at `place`, after the last atom used of its piece, may not be left out."""
    source = binding.source
    atom, after = source.atoms[place], source.follows[last]
    if more or after is None or after.is_atom or after.kind in ("be", "light"):
        return True
    value = any(
        source.atoms[other].kind == "figure" for other in source.in_piece(source.pieces[place]) if other in binding.used
    )
    # What goes with a value (`at 20 °C`, `with the pump running`) is told with it.
    return (value and atom.tie != "of") or atom.kind == "figure" or (atom.kind, atom.sort) == ("identifier", "asset")


def _has_another_predicate(binding: Binding, piece: int, place: int, pieces: list[int]) -> bool:
    """Whether an atom is of a predicate that is not told, and the next one has the same subject: `the ring has 24 tracks`
    in `the ring has 24 tracks and is cleaned`, of which the subject alone is told.
    """
    source = binding.source
    following = next(other for other in pieces if other > piece)
    if not _has_a_verb_first(source, following) or source.breaks[following] != "and" or following != piece + 1:
        return False
    verb = next(
        (
            token.start
            for token in source.tokens
            if token.kind == "be" and token.start > source.atoms[source.in_piece(piece)[0]].start
        ),
        None,
    )
    if verb is None or source.atoms[place].start < verb:
        return False
    return all(source.atoms[other].start < verb for other in source.in_piece(piece) if other in binding.used)


def _has_a_verb_first(source: Laid, piece: int) -> bool:
    """Whether a piece begins with a form of `be`, after `may` or `only` or at once: it has its subject from the one before."""
    first = source.atoms[source.in_piece(piece)[0]].start
    before = [token for token in source.tokens if token.end <= first and token.kind != "silent"]
    last = before[-1] if before else None
    return source.opened[piece] == "be" or (source.opened[piece] == "mark" and last is not None and last.kind == "be")


def _has_figure(source: Laid, piece: int) -> bool:
    return any(source.atoms[place].kind == "figure" for place in source.in_piece(piece))


def _part(source: Laid, piece: int) -> int:
    return source.parts[source.in_piece(piece)[0]]


def _is_the_machine(binding: Binding, place: int) -> bool:
    """Whether a word is what a text calls its machine (`this pump`), which the sentence calls by its tag."""
    if binding.source.atoms[place].key not in stems("machines"):
        return False
    before = [atom for atom in binding.source.atoms if atom.kind == "identifier" and atom.sort == "asset"]
    tags = [
        atom for atom, at in zip(binding.said.atoms, binding.places, strict=True) if at is None and atom.sort == "asset"
    ]
    return len(tags) == 1 and not before


def said_by_unit(binding: Binding, place: int) -> bool:
    """Whether a word is the measure that the unit of a figure of the row says too: the `Torque` of `Torque of the clamp |
    20 Nm`.
    """
    atom = binding.source.atoms[place]
    sorts = {binding.source.atoms[other].sort for other in binding.used if binding.source.atoms[other].kind == "figure"}
    return bool(binding.headers) and atom.kind == "word" and bool(measured(atom.key) & sorts)


def _is_titled(binding: Binding, place: int) -> bool:
    """Whether a word is of what a coded row is called (`Message: Bowl level high`), and the row is told by its code or tag."""
    source, cell = binding.source, binding.cell(place)
    before = source.text[source.text.rfind("|", 0, source.atoms[place].start) + 1 : source.atoms[place].start]
    if before.partition(":")[0].strip().lower() not in words("titles"):
        return False
    coded = any(
        source.atoms[other].kind == "identifier" and binding.in_value(other) and source.atoms[other].sort != "name"
        for other in binding.used
    )
    figured = any(source.atoms[other].kind == "figure" and binding.cell(other) > cell for other in binding.used)
    return coded and figured and key_of_word(source.atoms[place].written) not in stems("roles")


def _counts_rows(binding: Binding, place: int) -> bool:
    """Whether an atom is the number that a row's label begins with: `2 Caustic`."""
    atom, source = binding.source.atoms[place], binding.source
    if not binding.headers or atom.sort != "count" or place + 1 >= len(source.atoms):
        return False
    after = source.follows[place]
    return source.clear[place] and after is not None and after.kind == "word"


def _names_what_follows(source: Laid, place: int, used: dict[int, int]) -> bool:
    """Whether a word says what an identifier right after it is: the `dryer` of `dryer DR-510`, not the `Stop` of `Stop
    P-101A`.
    """
    before = [token for token in source.tokens if token.end <= source.atoms[place].start]
    begins = not before or before[-1].kind == "break"
    after = source.follows[place]
    if after is not None and after.kind == "identifier" and place + 1 in used and is_kind(source.atoms[place], after):
        return True
    if begins and source.atoms[place].written[:1].isupper():
        return False
    while source.atoms[place].kind == "word":
        after = source.follows[place]
        if after is None or not after.is_atom:
            return False
        place += 1
    return source.atoms[place].kind == "identifier" and place in used
