"""Which piece of a source each atom of a sentence is, and how the pieces of a source hang together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from appliance.answers.claims import GOES_ON, Token, read
from appliance.answers.wording import is_agent, same_meaning


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark, the class it is of, and the places of the atoms before and after it (None for none).

    `target` is the place of the atom it turns: the figure beside it for `at least`, what follows it for the others.
    `opens` says that the piece it stands in begins with it, `light` that what it turns is a light word (`not used`).
    """

    token: Token
    before: int | None
    after: int | None
    target: int | None
    opens: bool
    light: bool = False


_OF_FIGURES = frozenset({"least", "most", "above", "below", "about", "within"})


@dataclass(frozen=True, slots=True)
class Laid:
    """A text laid out: its atoms, and for each the number of its piece (parted by joins and breaks) and of its part
    (parted by semicolons and full stops), and of its phrase (parted by ties and forms of `be` too).

    `breaks[n]` is what stands before piece n. `after[n]` is the token right after atom n, `clear[n]` whether only silent
    words and marks stand between atom n and the begin of its piece; `light_openings` are the pieces that begin so with a
    light word (`Use soap`).
    """

    text: str
    tokens: tuple[Token, ...]
    atoms: tuple[Token, ...]
    pieces: tuple[int, ...]
    parts: tuple[int, ...]
    phrases: tuple[int, ...]
    breaks: tuple[str, ...]
    asides: frozenset[int]
    follows: tuple[Token | None, ...]
    clear: tuple[bool, ...]
    opened: tuple[str, ...]
    light_openings: frozenset[int]
    marks: tuple[Mark, ...]

    def in_piece(self, piece: int) -> list[int]:
        return [place for place, number in enumerate(self.pieces) if number == piece]


@lru_cache(maxsize=4096)
def laid(text: str) -> Laid:
    """Lay a text out."""
    tokens = read(text)
    atoms: list[Token] = []
    pieces: list[int] = []
    parts: list[int] = []
    phrases: list[int] = []
    phrase = 0
    breaks = [""]
    opened = [""]
    asides: set[int] = set()
    follows: list[Token | None] = []
    clear: list[bool] = []
    piece = part = depth = 0
    clean = True
    lights: set[int] = set()
    for index, token in enumerate(tokens):
        if token.kind in ("join", "break", "tie", "be", "light") or (token.kind == "mark" and token.key not in GOES_ON):
            phrase += 1
        if token.kind in ("join", "break"):
            depth += {"(": 1, ")": -1}.get(token.written, 0)
            if token.written in ";.|":
                part += 1
            if atoms and pieces[-1] == piece:
                piece += 1
                breaks.append(token.key)
                opened.append("")
            elif breaks:
                breaks[-1] = token.key if token.key in ("and", "or") else breaks[-1]
            if depth > 0:
                asides.add(piece)
            clean = True
            continue
        if not opened[-1] and token.kind != "light":
            opened[-1] = token.kind if token.kind != "silent" else "the"
        if token.is_atom:
            atoms.append(token)
            pieces.append(piece)
            parts.append(part)
            phrases.append(phrase)
            follows.append(tokens[index + 1] if index + 1 < len(tokens) else None)
            clear.append(clean)
            clean = False
        elif token.kind in ("tie", "be", "light"):
            if clean and token.kind == "light":
                lights.add(piece)
            clean = False
    return Laid(
        text, tokens, tuple(atoms), tuple(pieces), tuple(parts), tuple(phrases), tuple(breaks),
        frozenset(asides.intersection(pieces)), tuple(follows),
        tuple(clear), tuple(opened), frozenset(lights), _marks(tokens, atoms),
    )  # fmt: skip


def _marks(tokens: Sequence[Token], atoms: Sequence[Token]) -> tuple[Mark, ...]:
    made: list[Mark] = []
    seen = 0
    opens = True
    for index, token in enumerate(tokens):
        if token.kind in ("join", "break"):
            opens = True
        elif token.is_atom:
            seen += 1
            opens = False
        elif token.kind == "mark":
            before = seen - 1 if seen else None
            after = seen if seen < len(atoms) else None
            target = after
            if token.key in _OF_FIGURES:
                target = _figure_beside(tokens, index, before, after)
            next_one = _next(tokens, index)
            light = next_one is not None and next_one.kind == "light"
            made.append(Mark(token, before, after, target if target is not None else before, opens, light))
    return tuple(made)


def _figure_beside(tokens: Sequence[Token], index: int, before: int | None, after: int | None) -> int | None:
    """The figure right after a word like `at least`, else the one right before it, else the atom that follows."""
    next_one = _next(tokens, index)
    if next_one is not None and next_one.kind == "figure":
        return after
    last = tokens[index - 1] if index else None
    if last is not None and last.kind == "figure" and before is not None:
        return before
    return after


def _next(tokens: Sequence[Token], index: int) -> Token | None:
    """What a mark turns: the next token that is more than a small word."""
    return next((item for item in tokens[index + 1 :] if item.kind not in ("silent", "tie", "mark", "be")), None)


def same(said: Token, source: Token) -> bool:
    """Whether an atom of a sentence is that of a source: equal amounts, equal identifiers, words of one meaning."""
    if said.kind != source.kind:
        return False
    if said.kind != "word":
        return said.key == source.key
    if source.key not in same_meaning(said.key):
        return False
    one, other = (item.written.lower().removesuffix("s") for item in (said, source))
    # `operator` and `operation` share a stem.
    return one == other or said.key != source.key or is_agent(one) == is_agent(other)


def matched(
    said: Sequence[Token], source: Sequence[Token], pieces: Sequence[int], *, rather: Sequence[bool]
) -> list[int | None]:
    """For each atom of a sentence its place in the source, None where it has none.

    Where a word stands there more than once, a place that is free is taken before others, one that `rather` marks
    before others, one in the piece of a neighbour, and then the nearest.
    """
    options = [[place for place, other in enumerate(source) if same(atom, other)] for atom in said]
    places: list[int | None] = [found[0] if len(found) == 1 else None for found in options]
    taken = {place for place in places if place is not None}
    for index, found in enumerate(options):
        if len(found) < 2:
            continue
        before = next((place for place in places[:index][::-1] if place is not None), None)
        after = next((place for place in places[index + 1 :] if place is not None), None)
        near = [place for place in (before, after) if place is not None]

        follows = None if before is None else before + 1

        def worth(
            place: int,
            near: Sequence[int] = near,
            low: str = said[index].written.lower(),
            follows: int | None = follows,
        ) -> tuple[bool | int, ...]:
            apart = all(pieces[place] != pieces[other] for other in near)
            return (
                place in taken,
                not rather[place],
                source[place].written.lower() != low,
                apart,
                place != follows,
                min((abs(place - other) for other in near), default=0),
                place,
            )

        places[index] = min(found, key=worth)
        taken.add(min(found, key=worth))
    return places


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


def quoted(atom: Token) -> str:
    return f"“{' '.join(atom.written.split())}”"
