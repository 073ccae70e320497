"""Whether a sentence tells things in an order that exchanges them: who acts and on what, what comes first. Pure.

The pump feeds the tank.        The tank is fed by the pump.     the same
The pump feeds the tank.        The tank feeds the pump.         exchanged
If it is loud, stop the pump.   Stop the pump if it is loud.     the same: `if` moves with what it turns
Stop the pump, open the drain.  Open the drain, stop the pump.   exchanged
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.answers.bound_ties import lent
from appliance.answers.moving import MOVING, licensed
from appliance.answers.wording import is_participle, is_past_only, words

if TYPE_CHECKING:
    from appliance.answers.matching import Binding, Laid


def exchanged(binding: Binding) -> str | None:
    """Why the order of a sentence is not that of its source; None if it says the same."""
    return _actors(binding) or _order(binding)


def _actors(binding: Binding) -> str | None:
    """Who acts stands before the verb, or after `by`; what is acted on stands after it, or before `is …ed`."""
    said, source = binding.said, binding.source
    for place, index in binding.used.items():
        verb, origin = said.atoms[index], source.atoms[place]
        if (
            verb.kind == "word"
            and binding.headers
            and not verb.acted
            and verb.written.lower() != origin.written.lower()
            and _is_done(source, place, row=True)
        ):
            return f"“{verb.written}” is what is done there"
        if verb.acted == origin.acted or verb.kind != "word":
            continue
        if verb.acted and _is_done(source, place, row=bool(binding.headers)):
            # `new seal fitted` is `new seal was fitted`.
            continue
        for other in said.in_piece(said.pieces[index]):
            at = binding.places[other]
            if other >= index or at is None or at >= place or said.atoms[other].tie or said.atoms[other].acted:
                continue
            if source.pieces[at] == source.pieces[place] and (verb.acted or source.atoms[at].tie != "by"):
                return f"“{said.atoms[other].written}” has another part in it there"
    return None


def _is_done(source: Laid, place: int, *, row: bool) -> bool:
    """Whether a source says without `is` what is done: `new seal fitted`, `earthing lost`; in a row `set to this value` too."""
    atom, after = source.atoms[place], source.follows[place]
    low = atom.written.lower()
    if not is_participle(low) or source.clear[place]:
        return False
    return low.endswith("ed") or is_past_only(low) or (row and after is not None and after.kind == "tie")


def _order(binding: Binding) -> str | None:
    source = binding.source
    verb = lent(binding)
    told = [
        (index, place)
        for index, place in enumerate(binding.places)
        if place is not None and binding.in_value(place) and place not in verb
    ]
    for step, (index, place) in enumerate(told):
        for other, at in told[step + 1 :]:
            if at >= place or binding.cell(at) != binding.cell(place):
                continue
            if source.pieces[at] != source.pieces[place]:
                if not _may_move(binding, at, place):
                    return "the order of the source is exchanged"
            elif not licensed(binding, (index, place), (other, at)):
                one, two = binding.said.atoms[index].written, binding.said.atoms[other].written
                return f"“{one}” and “{two}” are exchanged"
    return "halves of two statements are joined" if _torn(binding, [place for _, place in told]) else None


def _torn(binding: Binding, places: list[int]) -> bool:
    """Whether a piece of the source is told, left for another one, and told on."""
    for cell in {binding.cell(place) for place in places}:
        runs: list[int] = []
        for place in places:
            piece = binding.source.pieces[place]
            if _is_state(binding.source, piece) and place < _verb(binding.source, piece):
                continue
            if piece not in binding.source.asides and binding.cell(place) == cell and (not runs or runs[-1] != piece):
                runs.append(piece)
        if len(runs) != len(set(runs)):
            return True
    return False


def _may_move(binding: Binding, earlier: int, later: int) -> bool:
    """Whether one of two pieces opens with a word that keeps its place in time (`if`, `before`) or with a tie."""
    source = binding.source
    pieces = {source.pieces[earlier], source.pieces[later]}
    if binding.headers:
        # `Vibration, drive end` is the drive end vibration; a label has no order in time.
        first = min(binding.cell(place) for place in binding.used)
        label = [source.atoms[place] for place in (earlier, later)]
        told = {binding.cell(place) for place in binding.used}
        labelled = binding.cell(earlier) == first or source.atoms[later].sort == "count"
        if (
            labelled
            and binding.cell(earlier) < max(told)
            and all(atom.kind == "word" or atom.sort == "count" for atom in label)
        ):
            return True
    if source.parts[earlier] != source.parts[later]:
        return False
    if any(_is_state(source, piece) for piece in pieces):
        return True
    asides = {piece for piece in source.asides if source.parts[source.in_piece(piece)[0]] == source.parts[later]}
    if len(asides) == 1 and asides & pieces:
        return True
    if any(source.opened[piece] == "tie" for piece in pieces):
        return True
    for mark in binding.said.marks:
        # `Press it with 50 N: it must give 12 mm` is what it gives when it is pressed.
        place = None if mark.token.key != "if" or mark.target is None else binding.places[mark.target]
        if place is not None and source.pieces[place] == source.pieces[earlier]:
            return ":" in source.breaks[source.pieces[earlier] + 1 : source.pieces[later] + 1]
    opening = {
        source.pieces[mark.target]
        for mark in source.marks
        if mark.opens and mark.target is not None and mark.token.key in MOVING
    }
    return bool(opening & pieces)


def _verb(source: Laid, piece: int) -> int:
    return next(place for place in source.in_piece(piece) if source.atoms[place].acted)


def _is_state(source: Laid, piece: int) -> bool:
    """Whether a piece says how something is, and not what is done first or next: `and is kept under dry nitrogen`."""
    verbs = [atom for place in source.in_piece(piece) if (atom := source.atoms[place]).acted]
    if any(mark.token.key in ("then", "first", "last") for mark in source.marks):
        return False
    return bool(verbs) and all(atom.written.lower() in words("states") for atom in verbs)
