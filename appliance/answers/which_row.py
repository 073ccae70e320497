"""Whether a sentence says which row of a table it is about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.answers.claims import Token, atoms_of
from appliance.answers.matching import Binding, Laid, same

if TYPE_CHECKING:
    from appliance.answers.rows import Cell, Row
    from appliance.answers.sources import Source


def row_unsaid(binding: Binding, source: Source, used: Sequence[int], asked: Laid) -> str | None:
    """Whether another row has the same labels and another value, so that the sentence does not say which is meant.

    Labels are the cells told in words, and what the question says of this row; where no figure is told, all but the last
    cell. A figure is a label only if it takes one to tell the rows apart, and no figure of its kind is told as well.
    """
    assert source.row is not None
    assert source.table is not None
    rivals = [other for other in source.table.rows if other.start != source.row.start]
    told = {
        number: [
            binding.said.atoms[binding.used[place]] for place, _ in of_cell(binding, number) if place in binding.used
        ]
        for number in used
    }
    cells = source.row.cells
    wished = {
        number: found
        for number, cell in enumerate(cells)
        if (found := [atom for atom in asked.atoms if among(atom, atoms_of(cell.value))])
    }
    measured = [number for number in used if _is_figure(told[number], first=number == 0)]
    last = [] if measured else [used[-1]]
    labels = {number: found for number, found in told.items() if number not in (*measured, *last)}
    for number, found in wished.items():
        labels[number] = [*labels.get(number, []), *found]
    if rivals and not labels and not measured[1:]:
        return "it does not say which row is meant"
    reason = _rival_row(cells, rivals, labels, told)
    for number in measured[:-1]:
        if reason is None:
            break
        kinds = {atom.sort for atom in told[number]}
        if any(atom.sort in kinds for other in measured if other > number for atom in told[other]):
            break
        labels[number] = told[number]
        reason = _rival_row(cells, rivals, labels, told)
    return reason


def _is_figure(atoms: Sequence[Token], *, first: bool) -> bool:
    """Whether a cell is told by a figure alone; a bare number in the first column is the name of its row."""
    return all(atom.kind == "figure" for atom in atoms) and (not first or any(atom.sort != "count" for atom in atoms))


def _rival_row(
    cells: Sequence[Cell], rivals: Sequence[Row], labels: dict[int, list[Token]], told: dict[int, list[Token]]
) -> str | None:
    for row in rivals:
        if all(holds(_value(row, cells[number].header), found) for number, found in labels.items()):
            for number, found in told.items():
                if not holds(_value(row, cells[number].header), found):
                    return f"the row of {row.cells[0].value} has another {cells[number].header or 'value'}"
    return None


def _value(row: Row, header: str) -> str:
    return " ".join(cell.value for cell in row.cells if cell.header == header)


def of_cell(binding: Binding, number: int) -> list[tuple[int, Token]]:
    return [
        (place, atom)
        for place, atom in enumerate(binding.source.atoms)
        if binding.cell(place) == number and binding.in_value(place)
    ]


def among(atom: Token, others: Sequence[Token]) -> bool:
    return any(same(other, atom) for other in others)


def holds(text: str, wanted: Sequence[Token]) -> bool:
    own = atoms_of(text)
    return all(among(atom, own) for atom in wanted)
