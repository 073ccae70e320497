"""Whether the marks of a sentence are those of its source: none added, none dropped, each at its own atom. Pure.

What may be added without its word is told in `added_marks`.
"""

from __future__ import annotations

from appliance.answers.added_marks import may_be_added, orders
from appliance.answers.agreement import agree
from appliance.answers.bound_ties import lent
from appliance.answers.matching import Binding, Laid, Mark, same

ALWAYS = frozenset({"if", "except", "only"})
"""Marks that bind a whole part of a source, or the whole cell, wherever in it they stand."""
OPENING = frozenset({"before", "after", "until", "during"})
"""Marks that do so where a piece begins with them."""
FREE = frozenset({"because", "then", "all", "both"})
"""Marks that a sentence may leave out: what remains says less, and stays true."""
IN_HEADERS = frozenset({"least", "most", "above", "below", "not", "only", "except", "about"})
"""Marks of a column's header that its value cannot do without."""


def marks_said(binding: Binding, asked: Laid) -> str | None:
    taken: set[int] = set()
    for mark in binding.said.marks:
        # Each mark of the source stands for one of the sentence: `never must not` is no prohibition.
        found = next(
            (n for n, other in enumerate(binding.source.marks) if n not in taken and agree(binding, mark, other)), None
        )
        if found is not None:
            taken.add(found)
            continue
        if may_be_added(binding, mark, asked):
            continue
        return f"“{mark.token.written}” does not stand there so"
    return None


def marks_lost(binding: Binding, asked: Laid) -> str | None:
    """Marks of the source that the sentence lacks, though they turn what it says."""
    source = binding.source
    verb = lent(binding)
    used = {place: index for place, index in binding.used.items() if place not in verb}
    pieces = {source.pieces[place] for place in used if binding.in_value(place)}
    cells = {binding.cells[piece] for piece in pieces}
    parts = {source.parts[place] for place in used}
    taken: set[int] = set()
    for mark in source.marks:
        if mark.target is None:
            continue
        target = source.atoms[mark.target]
        piece = source.pieces[mark.target]
        if mark.token.key in FREE and target.kind != "figure" and not _is_told(source, mark, used):
            continue
        # `Check the valve; do not open the vent`: a prohibition in a cell is told with the rest of it.
        always = (
            mark.token.key in ALWAYS
            or (mark.token.key == "not" and bool(binding.headers))
            or (mark.token.key in OPENING and mark.opens)
        )
        if piece in binding.headers:
            needed = mark.token.key in IN_HEADERS and binding.cells[piece] in cells
        else:
            near = binding.cells[piece] in cells if binding.headers else source.parts[mark.target] in parts
            needed = piece in pieces or (always and near)
        if not needed and not _is_told(source, mark, used):
            continue
        found = next(
            (n for n, other in enumerate(binding.said.marks) if n not in taken and agree(binding, other, mark)), None
        )
        if found is not None:
            taken.add(found)
            continue
        if mark.token.key == "must" and (index := used.get(mark.target)) is not None and orders(binding.said, index):
            continue
        if any(
            other.token.key == mark.token.key != "not"
            and other.target is not None
            and same(asked.atoms[other.target], target)
            for other in asked.marks
        ):
            continue
        if mark.token.key == "all" and any(other.token.written.lower() == "each" for other in binding.said.marks):
            continue
        if mark.token.key == "during" and _told_with(binding, mark.target):
            continue
        return f"“{mark.token.written}” of the source is left out"
    return None


def _is_told(source: Laid, mark: Mark, used: dict[int, int]) -> bool:
    """Whether a mark that may be left out elsewhere may not here: `8 g each` of a figure that is told, `only then`."""
    if mark.token.key == "then":
        return any(other.token.key == "only" and other.target == mark.target for other in source.marks)
    figure = mark.before in used and source.atoms[mark.before].kind == "figure"
    return mark.token.written.lower() == "each" and figure


def _told_with(binding: Binding, place: int) -> bool:
    """Whether `while the pump is running` is told as `with the pump running`."""
    index = binding.used.get(place)
    return index is not None and binding.said.atoms[index].tie == "with"
