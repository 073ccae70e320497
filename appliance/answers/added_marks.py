"""Marks that a sentence may have though its source lacks the word, because the source says so otherwise. Pure.

must, should, then    where it gives an order, or says what is so as a rule; `must` for the figure of a limit
may                   beside `at most`
if                    where a row gives a cause, or a text opens with a bound
every, each           under the header `Interval`; where a row says `each` of the figure
between               for a range
while                 for `with the pump running`
because               where it has a colon
"""

from __future__ import annotations

from appliance.answers.agreement import agree
from appliance.answers.matching import Binding, Laid, Mark, same
from appliance.answers.wording import words

ORDERING = frozenset({"must", "should", "then"})
"""Marks that may be added where the source gives an order: `Close the valve` must be done."""


def may_be_added(binding: Binding, mark: Mark, asked: Laid) -> bool:
    """Whether the source says otherwise what a mark of the sentence says."""
    key = mark.token.key
    if key in ORDERING and (_is_order(binding, mark) or _asked_so(binding, mark, asked)):
        return True
    match key:
        case "must":
            return _is_limited(binding, mark) or _is_forbidden(binding, mark)
        case "may":
            return _is_limited(binding, mark)
        case "if":
            return _in_a_condition(binding, mark) or _at_a_figure(binding, mark)
        case "between":
            return _is_range(binding, mark)
        case "all":
            return comes_again(binding, mark) or _told_apart(binding, mark)
        case "during":
            return _is_with(binding, mark)
        case "because":
            return _after_a_colon(binding, mark)
    return False


def _is_with(binding: Binding, mark: Mark) -> bool:
    """Whether `while the agitator is off` is the `with the agitator off` of a text."""
    place = None if mark.target is None else binding.places[mark.target]
    if place is None or mark.target is None or binding.headers or binding.source.atoms[place].tie != "with":
        return False
    inside = [index for index in binding.said.in_piece(binding.said.pieces[mark.target]) if index >= mark.target]
    states = [index for index in inside if binding.said.atoms[index].written.lower() in words("running")]
    return (
        len(inside) > 1
        and bool(states)
        and all(
            (at := binding.places[index]) is not None and binding.source.atoms[at].tie == "with" for index in inside
        )
    )


def _is_range(binding: Binding, mark: Mark) -> bool:
    """Whether `between 10 and 20` is the `10 to 20` of the source."""
    place = None if mark.target is None else binding.places[mark.target]
    return place is not None and " to " in binding.source.atoms[place].key


def _told_apart(binding: Binding, mark: Mark) -> bool:
    """Whether `each of the 3 shafts gets 8 g` is the `8 g each` of a row."""
    return (
        bool(binding.headers)
        and mark.token.written.lower() == "each"
        and any(
            other.token.written.lower() == "each" and (at := other.before) is not None and at in binding.used
            for other in binding.source.marks
        )
    )


def _is_order(binding: Binding, mark: Mark) -> bool:
    """Whether the source gives as an order, or as the value of a column, what the sentence says must be done."""
    place = None if mark.target is None else binding.places[mark.target]
    if place is None:
        return False
    if mark.token.key == "must" and _is_let(binding.source, place):
        return True
    if mark.light:
        return binding.source.pieces[place] in binding.source.light_openings
    if orders(binding.source, place) or (binding.demanded and not binding.headers and mark.token.key == "must"):
        return True
    return mark.token.key != "then" and (not binding.in_value(place) or _demanded(binding, place))


def _is_let(source: Laid, place: int) -> bool:
    """Whether the piece of an atom orders with `Let` what something does."""
    first = source.atoms[source.in_piece(source.pieces[place])[0]].start
    before = [token for token in source.tokens if token.end <= first]
    return any(token.key == "let" for token in before[-2:])


def _demanded(binding: Binding, place: int) -> bool:
    """Whether a text says so without `must` what must be so: `is cleaned every month`, `cools for at least 14 hours`,
    `Steam: at least 5.5 bar`, `Water temperature between 15 and 25 °C`. A cell of a table never does.
    """
    source = binding.source
    piece = source.pieces[place]
    inside = [mark for mark in source.marks if mark.target is not None and source.pieces[mark.target] == piece]
    if binding.headers or any(mark.token.key == "if" for mark in inside):
        return False
    if source.atoms[place].acted:
        return _present(source, place)
    bounded = any(mark.token.key in ("least", "most") for mark in inside)
    heads = ":" in source.breaks[piece + 1 :]
    if bounded and not heads:
        return True
    verbless = not any(token.kind in ("be", "light") for token in source.tokens)
    return verbless and place == len(source.atoms) - 1 and " to " in source.atoms[place].key


def _present(source: Laid, place: int) -> bool:
    """Whether what is done is done as a rule (`is cleaned`), and not once (`was cleaned`)."""
    before = [token for token in source.tokens if token.kind == "be" and token.end <= source.atoms[place].start]
    return bool(before) and before[-1].written.lower() in ("is", "are")


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


def _is_limited(binding: Binding, mark: Mark) -> bool:
    """Whether the next figure is a limit of the source: `must be below 12 µm` and `may reach at most 0.3 kg` where a column,
    or a bound that is told, says so. `may` goes with an upper bound alone.
    """
    figure = next(
        (
            (index, place)
            for index, place in enumerate(binding.places)
            if place is not None and binding.said.atoms[index].kind == "figure" and binding.said.atoms[index].start > mark.token.end
        ),
        None,
    )  # fmt: skip
    if figure is None or binding.said.pieces[figure[0]] != _piece_at(binding.said, mark):
        return False
    bounds = {other.token.key for other in binding.said.marks if other.target == figure[0] and other is not mark}
    if mark.token.key == "may":
        return "most" in bounds
    cell = binding.cell(figure[1])
    limits = binding.demanded or _headed(binding, cell, "limits")
    return bool(binding.headers) and limits and not _caused(binding, cell)


def _piece_at(said: Laid, mark: Mark) -> int | None:
    return None if mark.after is None else said.pieces[mark.after]


def _caused(binding: Binding, cell: int) -> bool:
    """Whether the figure of a column says when something happens, not what must be."""
    heads = {atom.written.lower() for place, atom in enumerate(binding.source.atoms) if not binding.in_value(place)}
    triggers = words("conditions") - words("limits")
    mine = {
        atom.written.lower()
        for place, atom in enumerate(binding.source.atoms)
        if binding.cell(place) == cell and not binding.in_value(place)
    }
    return bool(heads & words("reactions")) or bool(mine & (triggers | words("results")))


def _is_forbidden(binding: Binding, mark: Mark) -> bool:
    """Whether a text says without `must` what is never done: `are not used for anything else`."""
    if binding.headers or mark.after is None:
        return False
    near = [other for other in binding.said.marks if other.token.key == "not" and other.after == mark.after]
    return any(
        agree(binding, other, own) and _not_at_present(binding.source, own)
        for other in near
        for own in binding.source.marks
    )


def _not_at_present(source: Laid, mark: Mark) -> bool:
    index = source.tokens.index(mark.token)
    before = [token for token in source.tokens[:index] if token.kind != "silent"]
    return bool(before) and before[-1].written.lower() in ("is", "are")


def _at_a_figure(binding: Binding, mark: Mark) -> bool:
    """Whether `if` tells that a figure is reached where a text opens with it: `Above 1.0 mm the pump no longer primes`."""
    if binding.headers or mark.after is None:
        return False
    said, source = binding.said, binding.source
    inside = [index for index in said.in_piece(said.pieces[mark.after]) if index >= mark.after]
    figures = [index for index in inside if said.atoms[index].kind == "figure"]
    if len(figures) != 1 or (place := binding.places[figures[0]]) is None:
        return False
    bounds = {other.token.key for other in said.marks if other.target == figures[0]} & {"above", "below"}
    opening = [other for other in source.marks if other.target == place and other.opens and other.token.key in bounds]
    unheard = all(binding.places[index] is None for index in inside if index < figures[0])
    return bool(opening) and unheard and place == source.in_piece(source.pieces[place])[0]


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
    if not binding.headers:
        # `Swallowed: rinse the mouth` is what to do if swallowed.
        return ":" in binding.source.breaks[binding.source.pieces[place] + 1 :]
    cell = binding.cell(place)
    if not binding.in_value(place):
        # `If CV-231 squeals`: the header says of which machine, the label what.
        values = {binding.cell(other) for other in binding.used if binding.in_value(other)}
        return any(other < cell for other in values)
    return any(binding.cell(other) > cell for other in binding.used) or _headed(binding, cell, "conditions")


def orders(source: Laid, place: int) -> bool:
    """Whether the atom at `place` begins its piece and may be a verb that gives an order."""
    atom = source.atoms[place]
    low = atom.written.lower()
    return source.clear[place] and atom.kind == "word" and not atom.acted and not low.endswith(("ed", "ing", "ly"))
