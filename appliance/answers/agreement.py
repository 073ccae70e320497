"""Whether a mark of a sentence and one of its source turn the same thing. Pure."""

from __future__ import annotations

from appliance.answers.added import is_kind
from appliance.answers.matching import Binding, Mark, same


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
    if _same_tag(binding, one, other):
        return True
    if same(binding.said.atoms[one], binding.source.atoms[other]) and _is_used(binding, other):
        return True
    if said.token.key == "only":
        around = {binding.places[place] for place in (said.before, said.after) if place is not None}
        return bool(around & ({source.before, source.after} - {None}))
    if said.token.key in ("least", "most"):
        return _one_figure(binding, one, other)
    return False


def _same_tag(binding: Binding, said: int, source: int) -> bool:
    """Whether both are one tag, that one text calls by its kind first: `after gauge PI-207`, `once PI-207`."""
    one, other = binding.said.atoms[said : said + 2], binding.source.atoms[source : source + 2]
    if len(other) > 1 and is_kind(other[0], other[1]):
        return binding.places[said] == source + 1
    return len(one) > 1 and is_kind(one[0], one[1]) and binding.places[said + 1] == source


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
