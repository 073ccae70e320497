"""Which atoms of one piece of a source may change places in a sentence, because what hangs on what stays the same. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.answers.wording import is_participle, words

if TYPE_CHECKING:
    from appliance.answers.claims import Token
    from appliance.answers.matching import Binding, Laid

MOVING = frozenset({"if", "except", "only", "before", "after", "until", "during"})
"""Marks that keep what they turn in its place in time, wherever in a sentence it stands."""


def licensed(binding: Binding, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two atoms of one piece may change places: a verb whose voice changes, what hangs on a tie, what a mark
    carries along, both sides of `is`.
    """
    said, source = binding.said, binding.source
    pair = [(said.atoms[index], source.atoms[place]) for index, place in (one, other)]
    if _rivals(binding, one, other):
        return False
    if any(atom.acted != origin.acted for atom, origin in pair):
        return True
    low, high = sorted((one[1], other[1]))
    for index, place in enumerate(binding.places):
        if place is not None and low < place < high and said.atoms[index].acted != source.atoms[place].acted:
            return True
    if any(atom.sort in ("thread", "size") for atom, _ in pair) and source.pieces[one[1]] == source.pieces[other[1]]:
        # `M10 impeller screw` is the `impeller screw M10`.
        return True
    if any(atom.tie or origin.tie for atom, origin in pair) and _phrases_move(binding, one, other):
        return True
    if {atom.kind for atom, _ in pair} == {"figure", "word"} and _side_by_side(binding, one, other):
        return True
    if any(_left_short(source, place, atom) for (_, place), (atom, _) in zip((one, other), pair, strict=True)):
        return True
    if binding.headers and _is_short(source, source.pieces[one[1]]):
        return True
    if any(_is_kept(source, place, atom) for (_, place), (atom, _) in zip((one, other), pair, strict=True)):
        return True
    if _moved_with_its_mark(binding, one, other) or _rotated(binding, source.pieces[one[1]]):
        return True
    turned = {mark.target for mark in said.marks} & {one[0], other[0]}
    if turned and {mark.target for mark in source.marks} & {one[1], other[1]}:
        return True
    return _equated(source, other[1], one[1]) and _equated(said, one[0], other[0])


def _rivals(binding: Binding, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two amounts or two identifiers of one kind change places, with no verb between them that turns round and
    without each keeping its own tie.
    """
    said, source = binding.said, binding.source
    first, second = said.atoms[one[0]], said.atoms[other[0]]
    if first.kind == "word" or (first.kind, first.sort) != (second.kind, second.sort):
        return False
    ties = (source.atoms[one[1]].tie, source.atoms[other[1]].tie)
    if (first.tie, second.tie) == ties and ties[0] != ties[1]:
        return False
    low, high = sorted((one[1], other[1]))
    return not any(
        place is not None and low < place < high and said.atoms[index].acted != source.atoms[place].acted
        for index, place in enumerate(binding.places)
    )


def _phrases_move(binding: Binding, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two phrases change places whole, or `temperature of the bowl` becomes `bowl temperature`."""
    said, source = binding.said, binding.source
    apart = source.phrases[one[1]] != source.phrases[other[1]]
    if apart and said.phrases[one[0]] != said.phrases[other[0]]:
        leads = [{_leads(said, index), _leads(source, place)} for index, place in (one, other)]
        if all(len(found) == 1 or found == {"by", ""} for found in leads):
            # What `by` names in one text was judged with the ties.
            return True
        # `0.20 mm at the limit` is `the limit is 0.20 mm`.
        figure, lead = source.atoms[other[1]], _leads(source, one[1])
        beside = source.phrases[one[1]] == source.phrases[other[1]] + 1
        return figure.kind == "figure" and beside and lead in words("weak") and not _leads(said, one[0])
    if not apart and said.phrases[one[0]] != said.phrases[other[0]]:
        return _is_taken_out(binding, other[0])
    later, earlier = one[1], other[1]
    first = source.phrases.index(source.phrases[later])
    return apart and source.atoms[later].tie in words("weak") and source.phrases[first - 1] == source.phrases[earlier]


def _side_by_side(binding: Binding, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a figure and its word change places: `short-term 95 °C`, `95 °C short-term`."""
    said, source = binding.said, binding.source
    phrase = [atom for place, atom in enumerate(source.atoms) if source.phrases[place] == source.phrases[one[1]]]
    alone = sum(atom.kind == "figure" for atom in phrase) == 1
    near = abs(one[1] - other[1]) <= 2 and abs(one[0] - other[0]) <= 2
    same_phrase = source.phrases[one[1]] == source.phrases[other[1]] and said.phrases[one[0]] == said.phrases[other[0]]
    return alone and near and same_phrase


def _leads(text: Laid, place: int) -> str:
    """The tie that an atom comes right after, "" for none."""
    first = place == text.phrases.index(text.phrases[place])
    return text.atoms[place].tie if first else ""


def _is_taken_out(binding: Binding, index: int) -> bool:
    """Whether the phrase at `index` begins with a tie and is what that tie's phrase in the source begins with."""
    said, source = binding.said, binding.source
    inside = [other for other, phrase in enumerate(said.phrases) if phrase == said.phrases[index]]
    places = [binding.places[other] for other in inside]
    if places[0] is None or not said.atoms[index].tie or source.atoms[places[0]].tie != said.atoms[index].tie:
        return False
    head = source.phrases.index(source.phrases[places[0]])
    return places == list(range(head, head + len(places)))


def _moved_with_its_mark(binding: Binding, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one of two atoms stands after the same mark in both texts, and the other in neither."""
    said, source = _governed(binding.said), _governed(binding.source)
    first = said.get(one[0]), source.get(one[1])
    second = said.get(other[0]), source.get(other[1])
    return first[0] == first[1] and second[0] == second[1] and first != second


def _governed(text: Laid) -> dict[int, str]:
    """For the atoms that a moving mark turns, from its target to the end of the piece, the class of the mark."""
    made: dict[int, str] = {}
    for mark in text.marks:
        if mark.token.key in MOVING and mark.target is not None and mark.after == mark.target:
            piece = text.pieces[mark.target]
            made |= {place: mark.token.key for place in text.in_piece(piece) if place >= mark.target}
    return made


def _is_short(source: Laid, piece: int) -> bool:
    """Whether a piece of a cell is one name, whatever its order: `dust mask P2`, `nitrile 0.2 mm`. It has no tie, no mark and
    no verb, one identifier or figure at most, and does not begin with what may be an order.
    """
    inside = [source.atoms[place] for place in source.in_piece(piece)]
    begin, end = inside[0].start, inside[-1].end
    between = [token for token in source.tokens if begin <= token.start and token.end <= end]
    plain = all(token.is_atom or token.kind == "silent" for token in between)
    names = [atom for atom in inside if atom.kind != "word"]
    return (
        plain
        and len(inside) <= 4
        and len(names) == 1
        and all(atom.sort != "asset" or "-" not in atom.written for atom in names)
    )


def _is_kept(source: Laid, place: int, atom: Token) -> bool:
    """Whether an order to keep something so (`keep the boiler full`) is told of it (`the boiler stays full`)."""
    return source.atoms[place].written.lower() == "keep" and atom.written.lower() in words("staying")


def _rotated(binding: Binding, piece: int) -> bool:
    """Whether a piece that opens with a moving mark is told from its main clause on, and then what the mark turns."""
    source, said = binding.source, binding.said
    opening = next((mark for mark in source.marks if mark.opens and mark.token.key in MOVING
                    and mark.target is not None and source.pieces[mark.target] == piece), None)  # fmt: skip
    places = [place for place in binding.places if place is not None and source.pieces[place] == piece]
    if opening is None or not places or opening.target != min(places) or places == sorted(places):
        return False
    turn = places.index(min(places))
    marked = any(
        mark.token.key == opening.token.key
        and mark.target is not None
        and binding.places[mark.target] == opening.target
        for mark in said.marks
    )
    return marked and places[turn:] + places[:turn] == sorted(places)


def _left_short(source: Laid, place: int, atom: Token) -> bool:
    """Whether an order (`fit the padlock`) is told as done (`the padlock fitted`)."""
    return source.clear[place] and not is_participle(source.atoms[place].written) and is_participle(atom.written)


def _equated(text: Laid, one: int, other: int) -> bool:
    """Whether a form of `be`, and no mark, tie or break, stands between two atoms."""
    begin, end = text.atoms[one].end, text.atoms[other].start
    between = {
        token.key if token.key == "have" else token.kind
        for token in text.tokens
        if begin <= token.start and token.end <= end
    }
    return "be" in between and not between & {"mark", "tie", "join", "break", "have"}
