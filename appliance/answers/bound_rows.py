"""Whether a sentence says what one row of a table says, of that row and of the right columns. Pure.

Beside what holds for every text (`bound_text`):

    the row is meant      no other row has the labels that the sentence (or the question) gives and another value
    the column is meant   a figure that stands among figures of its kind is told with words of its own header, and a
                          header that is named is told with its own value
    the label is whole    what a row is about is not told by half (`Oil temperature` for `Oil temperature, alarm`)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.answers.bound_text import Binding, Given, bound, quoted, refusal
from appliance.answers.claims import Token, atoms_of
from appliance.answers.matching import Laid, laid, same

if TYPE_CHECKING:
    from appliance.answers.rows import Cell, Row
    from appliance.answers.sources import Source


def row_refusal(said: Laid, source: Source, given: Given, asked: Laid) -> str | None:
    """Why a sentence is not what a row says; None if it is."""
    assert source.row is not None
    assert source.table is not None
    binding = _bound(said, source)
    reason = _other_row(binding, source) or refusal(binding, given, asked, least=1)
    if reason is not None:
        return reason
    used = sorted({binding.cell(place) for place in binding.used if binding.in_value(place)})
    if not used:
        return "it names a column and no value of it"
    return (
        _label(binding, used[0], asked)
        or _machine_column(binding, source.row, used, asked)
        or _column(binding, source.row, used, asked)
        or _row(binding, source, used, asked)
    )


def _bound(said: Laid, source: Source) -> Binding:
    assert source.row is not None
    own = laid(source.text)
    cells = [0] * len(own.breaks)
    headers: set[int] = set()
    for place, atom in enumerate(own.atoms):
        number, cell = _cell_at(source.row, source.row.start + atom.start)
        cells[own.pieces[place]] = number
        if source.row.start + atom.start < cell.value_start and cell.header:
            headers.add(own.pieces[place])
    return bound(said, own, cells=tuple(cells), headers=frozenset(headers))


def _cell_at(row: Row, at: int) -> tuple[int, Cell]:
    """The cell at an offset of the text that the row was read from."""
    number = max(number for number, cell in enumerate(row.cells) if cell.start <= at or number == 0)
    return number, row.cells[number]


def _other_row(binding: Binding, source: Source) -> str | None:
    """Says of a value that is missing in which row of the table it stands."""
    assert source.table is not None
    for index, place in enumerate(binding.places):
        atom = binding.said.atoms[index]
        if place is not None or atom.kind not in ("figure", "identifier"):
            continue
        for other in source.table.rows:
            if any(_holds(cell.value, [atom]) for cell in other.cells):
                mine, theirs = (row.cells[0].value for row in (source.row or other, other))
                return f"{atom.written} stands in the row of {theirs}, not of {mine}"
    return None


def _label(binding: Binding, cell: int, asked: Laid) -> str | None:
    """What of the first cell told is told by neither sentence nor question."""
    source = binding.source
    mine = [
        place for place, piece in enumerate(source.pieces) if binding.cells[piece] == cell and binding.in_value(place)
    ]
    if any(place in binding.used and source.atoms[place].kind == "identifier" for place in mine):
        return None
    for place in mine:
        atom = source.atoms[place]
        told = place in binding.used or source.pieces[place] in source.asides
        if not told and not any(same(other, atom) for other in (*binding.said.atoms, *asked.atoms)):
            return f"{quoted(atom)} of the row's label is left out"
    return None


def _machine_column(binding: Binding, row: Row, used: Sequence[int], asked: Laid) -> str | None:
    """A column headed with a machine (or another identifier) is told as that machine's."""
    heads = [[atom for atom in atoms_of(cell.header) if atom.kind == "identifier"] for cell in row.cells]
    for number in used:
        others = [atom for other, found in enumerate(heads) if other != number for atom in found]
        for atom in heads[number]:
            wished = _among(atom, asked.atoms) and not any(_among(other, asked.atoms) for other in others)
            if not _among(atom, binding.said.atoms) and not wished:
                return f"{row.cells[number].value} is that of {atom.written}"
    return None


def _column(binding: Binding, row: Row, used: Sequence[int], asked: Laid) -> str | None:
    headers = [atoms_of(cell.header) for cell in row.cells]
    figures = {
        number: [atom for place, atom in _of_cell(binding, number) if place in binding.used and atom.kind == "figure"]
        for number in used
    }
    told = [atom for number in used for atom in (*headers[number], *atoms_of(row.cells[number].value))]
    for number, cell in enumerate(row.cells):
        named = [atom for atom in headers[number] if _among(atom, binding.said.atoms) and not _among(atom, told)]
        if number not in used and named:
            return f"{quoted(named[0])} is told without its own value, {cell.value}"
    pairs: list[tuple[int, int]] = []
    for number in used:
        rivals = [
            other for other in range(len(row.cells))
            if other != number and number != used[0] and _rival(figures[number], row.cells[other])
        ]  # fmt: skip
        if not rivals:
            continue
        own = [atom for atom in headers[number] if not any(_among(atom, headers[other]) for other in rivals)]
        spoken = [atom for atom in own if _among(atom, binding.said.atoms)]
        others = [
            atom
            for other in rivals
            if other not in used
            for atom in headers[other]
            if not _among(atom, headers[number])
        ]
        wished = [atom for atom in own if _among(atom, asked.atoms)]
        if (
            own
            and not spoken
            and (not wished or any(_among(atom, asked.atoms) for atom in others) or _several(figures, used))
        ):
            return f"it does not say that it is {row.cells[number].header}"
        if spoken:
            pairs.append((_first(binding.said, spoken), _first(binding.said, figures[number])))
    in_order = sorted(pairs)
    if [value for _, value in in_order] != sorted(value for _, value in pairs):
        return "the values of two columns are exchanged"
    return None


def _several(figures: dict[int, list[Token]], used: Sequence[int]) -> bool:
    return sum(1 for number in used[1:] if figures[number]) > 1


def _of_cell(binding: Binding, number: int) -> list[tuple[int, Token]]:
    return [
        (place, atom)
        for place, atom in enumerate(binding.source.atoms)
        if binding.cell(place) == number and binding.in_value(place)
    ]


def _rival(figures: Sequence[Token], cell: Cell) -> bool:
    """Whether a cell holds a figure of the same kind as one of `figures`."""
    kinds = {atom.sort for atom in figures}
    return any(atom.kind == "figure" and atom.sort in kinds for atom in atoms_of(cell.value))


def _first(said: Laid, wanted: Sequence[Token]) -> int:
    return next(index for index, atom in enumerate(said.atoms) if _among(atom, wanted))


def _among(atom: Token, others: Sequence[Token]) -> bool:
    return any(same(other, atom) for other in others)


def _holds(text: str, wanted: Sequence[Token]) -> bool:
    own = atoms_of(text)
    return all(_among(atom, own) for atom in wanted)


def _row(binding: Binding, source: Source, used: Sequence[int], asked: Laid) -> str | None:
    """Whether another row has the same labels and another value, so that the sentence does not say which is meant."""
    assert source.row is not None
    assert source.table is not None
    cells = source.row.cells
    told = {
        number: [
            binding.said.atoms[binding.used[place]] for place, _ in _of_cell(binding, number) if place in binding.used
        ]
        for number in used
    }
    rivals = [other for other in source.table.rows if other.start != source.row.start]
    wished = {
        number: [atom for atom in asked.atoms if _among(atom, atoms_of(cell.value))]
        for number, cell in enumerate(cells)
        if number not in used
    }
    labels = {**{number: found for number, found in wished.items() if found}, **told}
    if len(labels) < 2:
        return "it does not say which row is meant" if rivals else None
    for number in used:
        if number == min(labels):
            continue
        rest = [(other, found) for other, found in labels.items() if other != number]
        for row in rivals:
            alike = all(_holds(_value(row, cells[other].header), found) for other, found in rest)
            if alike and not _holds(_value(row, cells[number].header), told[number]):
                return f"the row of {row.cells[0].value} has another {cells[number].header or 'value'}"
    return None


def _value(row: Row, header: str) -> str:
    return " ".join(cell.value for cell in row.cells if cell.header == header)
