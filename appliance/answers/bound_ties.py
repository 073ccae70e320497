"""Whether what hangs together in a sentence hangs together in its source: by `and` and `or`, by `from`, `of`, `by`. Pure."""

from __future__ import annotations

from itertools import pairwise

from appliance.answers.matching import Binding, Laid, quoted
from appliance.answers.wording import words


def alternatives_refusal(binding: Binding) -> str | None:
    """`or` between two things told as `and`, and the reverse, and one of the two alone."""
    source, said = binding.source, binding.said
    pieces = {source.pieces[place] for place in binding.used if place not in lent(binding)}
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


def lent(binding: Binding) -> frozenset[int]:
    """The verb that a statement has from the one before: `Floor filters are changed every 60 h, ceiling filters every 1,200 h`.

    Of what stands before it nothing else is told, and it is the only verb of both.
    """
    source = binding.source
    verbs = [place for place in binding.used if source.atoms[place].acted]
    if binding.headers or len(verbs) != 1 or any(mark.token.key in ("not", "only", "except") for mark in source.marks):
        return frozenset()
    (verb,) = verbs
    others = [source.pieces[place] for place in binding.used if place != verb]
    if not others or min(others) <= source.pieces[verb]:
        return frozenset()
    inside = [place for place, piece in enumerate(source.pieces) if piece >= source.pieces[verb]]
    first = min(others)
    begins = source.atoms[source.in_piece(first)[0]]
    alike = source.breaks[first] == "," and begins.kind != "figure" and not begins.tie
    part = source.parts[verb]
    single = sum(source.atoms[place].acted for place in inside if source.parts[place] == part) == 1
    own_be = any(token.kind in ("be", "light") and token.start > source.atoms[verb].end for token in source.tokens)
    return frozenset({verb}) if alike and single and not own_be and source.parts[inside[-1]] == part else frozenset()


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


def ties_refusal(binding: Binding) -> str | None:
    strong = words("strong")
    swapped: set[tuple[str, str]] = set()
    for place, index in binding.used.items():
        said, source = binding.said.atoms[index], binding.source.atoms[place]
        one, other = said.tie, source.tie
        if one == other or ("by" in (one, other) and {one, other} <= {"by", "", "of"} and _acts(binding, index, place)):
            continue
        leading = _heads(binding.source, place) if other else _heads(binding.said, index)
        loose = "" in (one, other) and not leading and (said.kind == "word" or _head_agrees(binding, index, place))
        if (one in strong or other in strong) and not (said.acted or source.acted or loose):
            return f"“{one if one in strong else other}” is not said of {quoted(said)} there"
        if not loose or not {one, other} & strong:
            swapped.add((one, other))
    if any((other, one) in swapped for one, other in swapped) or _another_owner(binding):
        return "what belongs to what is exchanged"
    return None


def _another_owner(binding: Binding) -> bool:
    """Whether what follows an `of` follows another word there: `hours of production`, `part of the production`."""
    for place, index in binding.used.items():
        both = (binding.said.atoms[index].tie, binding.source.atoms[place].tie)
        if both != ("of", "of") or not index or not place or binding.places[index - 1] is None:
            continue
        if _heads(binding.said, index) and _heads(binding.source, place) and binding.places[index - 1] != place - 1:
            return True
    return False


def _passives(text: Laid) -> int:
    """How often something is done to something: `is tightened`, `is given`."""
    light = sum(one.kind == "be" and other.kind == "light" for one, other in pairwise(text.tokens))
    return light + sum(atom.acted for atom in text.atoms)


def _head_agrees(binding: Binding, index: int, place: int) -> bool:
    """Whether what a tie ties first is tied so in both texts: `from each batch 6 bottles`, `6 bottles from each batch`."""
    if binding.source.atoms[place].tie:
        head = binding.source.phrases.index(binding.source.phrases[place])
        found = binding.used.get(head)
        return found is not None and binding.said.atoms[found].tie == binding.source.atoms[place].tie
    head = binding.said.phrases.index(binding.said.phrases[index])
    at = binding.places[head]
    return at is not None and binding.source.atoms[at].tie == binding.said.atoms[index].tie


def _acts(binding: Binding, index: int, place: int) -> bool:
    """Whether what one text names with `by` is what acts in the other: there it stands before all that it acts on."""
    if binding.headers:
        return True
    if _passives(binding.said) == _passives(binding.source):
        return False
    by_said = binding.said.atoms[index].tie == "by"
    piece = binding.said.pieces[index]
    for other, at in enumerate(binding.places):
        if (
            at is None
            or binding.said.pieces[other] != piece
            or binding.said.atoms[other].acted
            or binding.source.atoms[at].acted
        ):
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
