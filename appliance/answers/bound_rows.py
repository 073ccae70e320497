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

from appliance.answers.bound_text import Binding, Given, bound, comes_again, quoted, refusal
from appliance.answers.claims import Token, atoms_of
from appliance.answers.matching import Laid, laid, same
from appliance.answers.wording import words

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
        or _direction(binding)
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
        numbered = place == mine[0] and len(mine) > 1 and atom.sort == "count"
        told = numbered or place in binding.used or source.pieces[place] in source.asides
        if not told and not any(same(other, atom) for other in (*binding.said.atoms, *asked.atoms)):
            return f"{quoted(atom)} of the row's label is left out"
    return None


def _direction(binding: Binding) -> str | None:
    """Cells are told whole, one after the other; what is caused, and by what, is told as the header says."""
    value = {
        index: binding.cell(place)
        for index, place in enumerate(binding.places)
        if place is not None and binding.in_value(place)
    }
    runs: list[int] = []
    for index, cell in value.items():
        if binding.said.atoms[index].kind == "word" and (not runs or runs[-1] != cell):
            runs.append(cell)
    if len(runs) != len(set(runs)):
        return "the words of two columns are mixed"
    for index, place in enumerate(binding.places):
        if place is None or binding.in_value(place):
            continue
        atom, cell = binding.said.atoms[index], binding.cell(place)
        after = [(binding.said.atoms[other].tie, found) for other, found in value.items() if other > index]
        before = [found for other, found in value.items() if other < index]
        if atom.acted:
            wrong = next((found != cell for tie, found in after if tie == "by"), False)
        elif atom.written.lower() in words("conditions") and cell in value.values():
            named = [found for tie, found in after if tie not in ("of", "for")]
            wrong = (named[0] if named else before[-1] if before else cell) != cell or atom.written.lower() == "causes"
        else:
            wrong = False
        if wrong:
            return f"“{atom.written}” is not said of that there"
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
    for number in used:
        bare = [atom for _, atom in _of_cell(binding, number)]
        if number and all(atom.sort == "count" for atom in bare) and headers[number]:
            counts = any(atom.written.lower() in words("counts") for atom in headers[number])
            if not counts and not any(_among(atom, (*binding.said.atoms, *asked.atoms)) for atom in headers[number]):
                return f"it does not say that it is {row.cells[number].header}"
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
        if not spoken and _told_by_itself(binding, row, number, rivals):
            continue
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


def _told_by_itself(binding: Binding, row: Row, number: int, rivals: Sequence[int]) -> bool:
    """Whether a figure is told with words of its own cell (`trimmed from 200 mm`), or as what comes again (`every 500 h`)."""
    others = [atom for other in rivals for atom in atoms_of(row.cells[other].value)]
    for place, atom in _of_cell(binding, number):
        if place in binding.used and atom.kind == "word" and not _among(atom, others):
            return True
    return any(
        mark.token.key == "all"
        and mark.target is not None
        and (at := binding.places[mark.target]) is not None
        and binding.cell(at) == number
        and (comes_again(binding, mark) or any(other.target == at for other in binding.source.marks))
        for mark in binding.said.marks
    )


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
    """Whether another row has the same labels and another value, so that the sentence does not say which is meant.

    Labels are the cells told in words, and what the question says of this row; where no figure is told, all but the last
    cell. A figure is a label only if it takes one to tell the rows apart, and no figure of its kind is told as well.
    """
    assert source.row is not None
    assert source.table is not None
    rivals = [other for other in source.table.rows if other.start != source.row.start]
    told = {
        number: [binding.said.atoms[binding.used[place]] for place, _ in _of_cell(binding, number) if place in binding.used]
        for number in used
    }
    cells = source.row.cells
    wished = {
        number: found
        for number, cell in enumerate(cells)
        if (found := [atom for atom in asked.atoms if _among(atom, atoms_of(cell.value))])
    }
    measured = [number for number in used if _is_figure(told[number])]
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


def _is_figure(atoms: Sequence[Token]) -> bool:
    """Whether a cell is told by a measured figure alone."""
    return all(atom.kind == "figure" for atom in atoms) and any(atom.sort != "count" for atom in atoms)


def _rival_row(
    cells: Sequence[Cell], rivals: Sequence[Row], labels: dict[int, list[Token]], told: dict[int, list[Token]]
) -> str | None:
    for row in rivals:
        if all(_holds(_value(row, cells[number].header), found) for number, found in labels.items()):
            for number, found in told.items():
                if not _holds(_value(row, cells[number].header), found):
                    return f"the row of {row.cells[0].value} has another {cells[number].header or 'value'}"
    return None


def _value(row: Row, header: str) -> str:
    return " ".join(cell.value for cell in row.cells if cell.header == header)
