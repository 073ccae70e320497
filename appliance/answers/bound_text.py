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
from dataclasses import dataclass
from itertools import pairwise

from appliance.answers.claims import Token
from appliance.answers.matching import Laid, Mark, matched, same
from appliance.answers.voice import exchanged
from appliance.answers.wording import stems, words

Given = Callable[[Token], bool]
"""Whether an atom that the source lacks is given otherwise: by a heading, the passage's machine, the question."""

ALWAYS = frozenset({"if", "except", "only"})
"""Marks that bind a whole part of a source, wherever in it they stand."""
OPENING = frozenset({"before", "after", "until", "during"})
"""Marks that do so where a piece begins with them."""
FREE = frozenset({"because", "then", "all", "both"})
"""Marks that a sentence may leave out: what remains says less, and stays true."""
IN_HEADERS = frozenset({"least", "most", "above", "below", "not", "only", "except", "about"})
"""Marks of a column's header that its value cannot do without."""
ORDERING = frozenset({"must", "should", "then"})
"""Marks that may be added where the source gives an order: `Close the valve` must be done."""


@dataclass(frozen=True, slots=True)
class Binding:
    """How a sentence hangs on a source: for each atom said its place there, None where it has none.

    `cells` gives for each piece of the source the cell it belongs to, `headers` the pieces that are headers. `demanded`:
    the source is what must be so.
    """

    said: Laid
    source: Laid
    places: tuple[int | None, ...]
    cells: tuple[int, ...]
    headers: frozenset[int]
    demanded: bool = False

    @property
    def used(self) -> dict[int, int]:
        """For each place of the source that is used the atom of the sentence."""
        return {place: index for index, place in enumerate(self.places) if place is not None}

    def cell(self, place: int) -> int:
        return self.cells[self.source.pieces[place]]

    def in_value(self, place: int) -> bool:
        return self.source.pieces[place] not in self.headers


def bound(
    said: Laid,
    source: Laid,
    *,
    cells: tuple[int, ...] = (),
    headers: frozenset[int] = frozenset(),
    demanded: bool = False,
) -> Binding:
    """Find each atom of a sentence in a source; in a row rather in a cell than in a header."""
    places = matched(said.atoms, source.atoms, source.pieces, rather=[piece not in headers for piece in source.pieces])
    return Binding(said, source, tuple(places), cells or (0,) * len(source.breaks), headers, demanded)


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
    for rule in (_told_once, _coverage, _alternatives, _ties, exchanged):
        reason = rule(binding)
        if reason is not None:
            return reason
    return _marks_said(binding, asked) or _marks_lost(binding, asked)


def _told_once(binding: Binding) -> str | None:
    """What stands in the source once stands for one atom of the sentence; an identifier may come again."""
    taken: set[int] = set()
    for index, place in enumerate(binding.places):
        atom = binding.said.atoms[index]
        if place is None or atom.kind == "identifier" or (binding.headers and atom.kind == "word"):
            continue
        if place in taken:
            return f"{quoted(atom)} stands there once"
        taken.add(place)
    return None


def quoted(atom: Token) -> str:
    return f"“{' '.join(atom.written.split())}”"


def _coverage(binding: Binding) -> str | None:
    source, used = binding.source, binding.used
    pieces = sorted({source.pieces[place] for place in used if binding.in_value(place)})
    for piece in pieces:
        inside = source.in_piece(piece)
        last = max(place for place in inside if place in used)
        more = any(other > piece and binding.cells[other] == binding.cells[piece] for other in pieces)
        for place in inside:
            atom = source.atoms[place]
            if place in used or _adverb(atom) or any(same(other, atom) for other in binding.said.atoms):
                continue
            if _names_what_follows(source, place, used) or _is_the_machine(binding, place) or _counts_rows(binding, place):
                continue
            if place < last or _binds(binding, last, place, more=more):
                return f"{quoted(atom)} of the source is left out"
    for piece in pieces:
        # `whenever it turns, and for ten minutes afterwards`: what hangs on a tie goes on with what stands before it.
        after = piece + 1
        hangs = after < len(source.breaks) and source.opened[after] == "tie" and source.breaks[after] == "and"
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
    if atom.kind == "figure" and any(
        mark.token.key in ("above", "below", "least", "most") and mark.target in binding.used for mark in source.marks
    ):
        return True
    return atom.kind == "identifier" and atom.sort == "asset"


def _part(source: Laid, piece: int) -> int:
    return source.parts[source.in_piece(piece)[0]]


def _is_the_machine(binding: Binding, place: int) -> bool:
    """Whether a word is what a text calls its machine (`this pump`), which the sentence calls by its tag."""
    if binding.source.atoms[place].key not in stems("machines"):
        return False
    before = [atom for atom in binding.source.atoms if atom.kind == "identifier" and atom.sort == "asset"]
    tags = [atom for atom, at in zip(binding.said.atoms, binding.places, strict=True) if at is None and atom.sort == "asset"]
    return len(tags) == 1 and not before


def _counts_rows(binding: Binding, place: int) -> bool:
    """Whether an atom is the number that a row's label begins with: `2 Caustic`."""
    atom, source = binding.source.atoms[place], binding.source
    if not binding.headers or atom.sort != "count" or place + 1 >= len(source.atoms):
        return False
    after = source.follows[place]
    return source.clear[place] and after is not None and after.kind == "word"


def _names_what_follows(source: Laid, place: int, used: dict[int, int]) -> bool:
    """Whether a word says what an identifier right after it is: the `dryer` of `dryer DR-510`."""
    while source.atoms[place].kind == "word":
        after = source.follows[place]
        if after is None or not after.is_atom:
            return False
        place += 1
    return source.atoms[place].kind == "identifier" and place in used


def _adverb(atom: Token) -> bool:
    return atom.kind == "word" and atom.written.lower().endswith("ly")


def agree(binding: Binding, said: Mark, source: Mark) -> bool:
    """Whether two marks of one class turn the same atom."""
    if said.token.key != source.token.key:
        return False
    one, other = said.target, source.target
    if said.light or source.light:
        near = {source.before, source.after} - {None}
        pieces = {binding.source.pieces[place] for place in binding.used}
        return (
            said.light
            and source.light
            and any(binding.source.pieces[place] in pieces for place in near if place is not None)
        )
    if one is None or other is None:
        return one is other
    if binding.places[one] == other:
        return True
    if same(binding.said.atoms[one], binding.source.atoms[other]) and _is_used(binding, other):
        return True
    if said.token.key == "only":
        around = {binding.places[place] for place in (said.before, said.after) if place is not None}
        return bool(around & ({source.before, source.after} - {None}))
    if said.token.key in ("least", "most"):
        return _one_figure(binding, one, other)
    return False


def _is_used(binding: Binding, place: int) -> bool:
    """Whether anything of the piece at `place` is told."""
    piece = binding.source.pieces[place]
    return any(binding.source.pieces[other] == piece for other in binding.used)


def _one_figure(binding: Binding, said: int, place: int) -> bool:
    """`the maximum pressure is 8 bar`, `at most 8 bar`: where a cell or part has one figure, there is no other to mean."""
    at = binding.places[said]
    if at is None or binding.cell(at) != binding.cell(place) or binding.source.parts[at] != binding.source.parts[place]:
        return False
    figures = [
        other
        for other, atom in enumerate(binding.source.atoms)
        if atom.kind == "figure" and binding.cell(other) == binding.cell(place)
    ]
    return len(figures) == 1


def _marks_said(binding: Binding, asked: Laid) -> str | None:
    taken: set[int] = set()
    for mark in binding.said.marks:
        # Each mark of the source stands for one of the sentence: `never must not` is no prohibition.
        found = next(
            (n for n, other in enumerate(binding.source.marks) if n not in taken and agree(binding, mark, other)), None
        )
        if found is not None:
            taken.add(found)
            continue
        if mark.token.key in ORDERING and (_is_order(binding, mark) or _asked_so(binding, mark, asked)):
            continue
        if mark.token.key == "if" and _in_a_condition(binding, mark):
            continue
        if mark.token.key == "all" and comes_again(binding, mark):
            continue
        if mark.token.key == "because" and _after_a_colon(binding, mark):
            continue
        return f"“{mark.token.written}” does not stand there so"
    return None


def _is_order(binding: Binding, mark: Mark) -> bool:
    """Whether the source gives as an order, or as the value of a column, what the sentence says must be done."""
    place = None if mark.target is None else binding.places[mark.target]
    if place is None:
        return False
    if mark.light:
        return binding.source.pieces[place] in binding.source.light_openings
    if orders(binding.source, place) or (binding.demanded and mark.token.key == "must"):
        return True
    return mark.token.key != "then" and (not binding.in_value(place) or _demanded(binding, place))


def _demanded(binding: Binding, place: int) -> bool:
    """Whether a figure stands after a colon as what is asked of a thing: `Steam: at least 5.5 bar`."""
    source = binding.source
    piece = source.pieces[place]
    if binding.headers or source.breaks[piece] != ":" or source.atoms[place].kind != "figure" or not source.clear[place]:
        return False
    return any(mark.target == place and mark.token.key in ("least", "most") for mark in source.marks)


def orders(source: Laid, place: int) -> bool:
    """Whether the atom at `place` begins its piece and may be a verb that gives an order."""
    atom = source.atoms[place]
    low = atom.written.lower()
    return source.clear[place] and atom.kind == "word" and not atom.acted and not low.endswith(("ed", "ing", "ly"))


def comes_again(binding: Binding, mark: Mark) -> bool:
    """Whether `every` stands before a figure of a column like `Interval`."""
    place = None if mark.target is None else binding.places[mark.target]
    if place is None or binding.source.atoms[place].kind != "figure":
        return False
    return _headed(binding, binding.cell(place), "periods")


def _headed(binding: Binding, cell: int, name: str) -> bool:
    return any(
        atom.written.lower() in words(name)
        for place, atom in enumerate(binding.source.atoms)
        if binding.cell(place) == cell and not binding.in_value(place)
    )


def _after_a_colon(binding: Binding, mark: Mark) -> bool:
    """Whether the source gives with a colon the reason that the sentence gives with `because`."""
    place = None if mark.target is None else binding.places[mark.target]
    return place is not None and binding.source.breaks[binding.source.pieces[place]] == ":"


def _asked_so(binding: Binding, mark: Mark, asked: Laid) -> bool:
    """Whether the question says `must` of the same word; what is done so anyway may be told as what must be done."""
    if mark.target is None or mark.token.key == "then" or binding.places[mark.target] is None:
        return False
    target = binding.said.atoms[mark.target]
    return any(
        other.token.key == "must" and other.target is not None and same(asked.atoms[other.target], target)
        for other in asked.marks
    )


def _in_a_condition(binding: Binding, mark: Mark) -> bool:
    """Whether `if` turns what a row says left of the rest (`if alarm E-0412 appears`, then its action), or a cause."""
    place = None if mark.target is None else binding.places[mark.target]
    if place is None:
        return False
    cell = binding.cell(place)
    return any(binding.cell(other) > cell for other in binding.used) or _headed(binding, cell, "conditions")


def _marks_lost(binding: Binding, asked: Laid) -> str | None:
    """Marks of the source that the sentence lacks, though they turn what it says."""
    source, used = binding.source, binding.used
    pieces = {source.pieces[place] for place in used if binding.in_value(place)}
    cells = {binding.cells[piece] for piece in pieces}
    parts = {source.parts[place] for place in used}
    for mark in source.marks:
        if mark.target is None:
            continue
        target = source.atoms[mark.target]
        piece = source.pieces[mark.target]
        if mark.token.key in FREE and target.kind != "figure":
            continue
        always = mark.token.key in ALWAYS or (mark.token.key in OPENING and mark.opens)
        if piece in binding.headers:
            needed = mark.token.key in IN_HEADERS and binding.cells[piece] in cells
        else:
            needed = piece in pieces or (always and source.parts[mark.target] in parts)
        if not needed or any(agree(binding, other, mark) for other in binding.said.marks):
            continue
        if mark.token.key == "must" and (index := used.get(mark.target)) is not None and orders(binding.said, index):
            continue
        if any(
            other.token.key == mark.token.key and other.target is not None and same(asked.atoms[other.target], target)
            for other in asked.marks
        ):
            continue
        return f"“{mark.token.written}” of the source is left out"
    return None


def _alternatives(binding: Binding) -> str | None:
    """`or` between two things told as `and`, and the reverse, and one of the two alone."""
    source, said = binding.source, binding.said
    pieces = {source.pieces[place] for place in binding.used}
    joins = _chains(source)
    for piece, word in joins.items():
        if word != "or" or piece == 0:
            continue
        if (piece in pieces) != (piece - 1 in pieces):
            return "one of two alternatives is left out"
        if piece in pieces and "or" not in said.breaks:
            return "“or” of the source is left out"
    for place in range(1, len(said.breaks)):
        one, other = _piece_of(binding, place - 1, last=True), _piece_of(binding, place, last=False)
        if said.breaks[place] not in ("and", "or") or one is None or other is None:
            continue
        if binding.cells[one] != binding.cells[other]:
            between: set[str] = set()
        else:
            between = {joins.get(piece, "") for piece in range(min(one, other) + 1, max(one, other) + 1)}
        if said.breaks[place] == "or" and "or" not in between:
            return "“or” does not stand there"
        if said.breaks[place] == "and" and "or" in between:
            return "“or” of the source is told as “and”"
    return None


def _chains(source: Laid) -> dict[int, str]:
    """For each piece the join before it; the commas of `a, b or c` are joins too."""
    made = {piece: word for piece, word in enumerate(source.breaks) if word in ("and", "or")}
    for piece, word in sorted(made.items(), reverse=True):
        before = piece - 1
        while before > 0 and source.breaks[before] == "," and len(source.in_piece(before)) <= 2:
            made[before] = word
            before -= 1
    return made


def _piece_of(binding: Binding, piece: int, *, last: bool) -> int | None:
    """The piece of the source that the last (or first) atom of a piece of the sentence is from."""
    found = [place for index in binding.said.in_piece(piece) if (place := binding.places[index]) is not None]
    if not found:
        return None
    return binding.source.pieces[found[-1] if last else found[0]]


def _ties(binding: Binding) -> str | None:
    strong = words("strong")
    swapped: set[tuple[str, str]] = set()
    for place, index in binding.used.items():
        said, source = binding.said.atoms[index], binding.source.atoms[place]
        one, other = said.tie, source.tie
        if one == other or ("by" in (one, other) and {one, other} <= {"by", "", "of"} and _acts(binding, index, place)):
            continue
        heads = _heads(binding.source, place) if other else _heads(binding.said, index)
        loose = "" in (one, other) and said.kind == "word" and not heads
        if (one in strong or other in strong) and not (said.acted or source.acted or loose):
            return f"“{one if one in strong else other}” is not said of {quoted(said)} there"
        if not loose or not {one, other} & strong:
            swapped.add((one, other))
    if any((other, one) in swapped for one, other in swapped):
        return "what belongs to what is exchanged"
    return None


def _acts(binding: Binding, index: int, place: int) -> bool:
    """Whether what one text names with `by` is what acts in the other: there it stands before all that it acts on."""
    if binding.headers:
        return True
    by_said = binding.said.atoms[index].tie == "by"
    piece = binding.said.pieces[index]
    for other, at in enumerate(binding.places):
        if at is None or binding.said.pieces[other] != piece or binding.said.atoms[other].acted or binding.source.atoms[at].acted:
            continue
        if by_said and not binding.said.atoms[other].tie and other < index and at < place:
            return False
        if not by_said and not binding.source.atoms[at].tie and at < place and other < index:
            return False
    return True


def _heads(source: Laid, place: int) -> bool:
    """Whether an atom is the first that its tie ties; a tie has no end that could be seen (`inside the plant dial 333`)."""
    before = source.atoms[place - 1] if place else None
    return before is None or before.tie != source.atoms[place].tie or source.pieces[place - 1] != source.pieces[place]
