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

from appliance.answers.added_marks import comes_again
from appliance.answers.bound_text import Given, refusal, said_by_unit
from appliance.answers.claims import Token, atoms_of
from appliance.answers.matching import Binding, Laid, bound, laid, quoted, same
from appliance.answers.which_row import among, holds, of_cell, row_unsaid
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
        or _unnamed(source.row, used, asked, source)
        or _direction(binding)
        or _machine_column(binding, source.row, used, asked)
        or _column(binding, source.row, used, asked)
        or row_unsaid(binding, source, used, asked)
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
    limits = any(atom.written.lower() in words("limits") | {"release"} for atom in atoms_of(source.heading))
    return bound(said, own, cells=tuple(cells), headers=frozenset(headers), demanded=limits)


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
            if any(holds(cell.value, [atom]) for cell in other.cells):
                mine, theirs = (row.cells[0].value for row in (source.row or other, other))
                return f"{atom.written} stands in the row of {theirs}, not of {mine}"
    return None


def _names_alone(row: Row, cell: int, source: Source) -> bool:
    """Whether another cell than the first names what no other row of the table has: `Stage: Filler | Characteristic: Brix`."""
    assert source.table is not None
    named = row.cells[cell]
    others = [one.value for other in source.table.rows for one in other.cells if one.header == named.header]
    return named.header.lower() in words("names") and others.count(named.value) == 1


def _unnamed(row: Row, used: Sequence[int], asked: Laid, source: Source) -> str | None:
    """A row that says in words what it is about is told with them: `2.1 m` is not the rated flow because its remark says
    `at rated flow`. A row that begins with a number or a tag may be told by another cell.
    """
    first = atoms_of(row.cells[0].value)
    if used[0] == 0 or not first or first[0].kind != "word":
        return None
    if any(among(atom, asked.atoms) for atom in first) or _names_alone(row, used[0], source):
        return None
    return f"it does not say that it is about {row.cells[0].value}"


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
        told = (
            numbered
            or _may_lack(source, place, mine, binding)
            or place in binding.used
            or source.pieces[place] in source.asides
            or said_by_unit(binding, place)
        )
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
        owner = next((other for other in range(index + 1, len(binding.places)) if other in value), None)
        if owner is not None and binding.said.atoms[owner].tie == "of" and value[owner] > cell in value.values():
            return f"“{atom.written}” is not said of {quoted(binding.said.atoms[owner])} there"
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


def _may_lack(source: Laid, place: int, mine: Sequence[int], binding: Binding) -> bool:
    """Whether an atom of a label only says of what kind the thing is (`Bell seal, silicone`); rows are told apart elsewhere."""
    piece = source.pieces[place]
    inside = [other for other in mine if source.pieces[other] == piece]
    plain = all(source.atoms[other].kind == "word" for other in inside) and len(inside) <= 2
    header = [
        atom
        for other, atom in enumerate(source.atoms)
        if binding.cell(other) == binding.cell(place) and not binding.in_value(other)
    ]
    names = any(atom.written.lower() in ("part", "item", "joint", "product", "material") for atom in header)
    return names and plain and piece != source.pieces[mine[0]] and not any(other in binding.used for other in inside)


def _machine_column(binding: Binding, row: Row, used: Sequence[int], asked: Laid) -> str | None:
    """A column headed with a machine (or another identifier) is told as that machine's."""
    heads = [[atom for atom in atoms_of(cell.header) if atom.kind == "identifier"] for cell in row.cells]
    for number in used:
        others = [atom for other, found in enumerate(heads) if other != number for atom in found]
        for atom in heads[number]:
            wished = among(atom, asked.atoms) and not any(among(other, asked.atoms) for other in others)
            if not among(atom, binding.said.atoms) and not wished:
                return f"{row.cells[number].value} is that of {atom.written}"
    return None


def _column(binding: Binding, row: Row, used: Sequence[int], asked: Laid) -> str | None:
    headers = [atoms_of(cell.header) for cell in row.cells]
    figures = {
        number: [atom for place, atom in of_cell(binding, number) if place in binding.used and atom.kind == "figure"]
        for number in used
    }
    for number in used:
        cell_atoms = atoms_of(row.cells[number].value)
        if number and all(atom.kind == "identifier" for atom in cell_atoms):
            figures[number] = [atom for atom in cell_atoms if among(atom, binding.said.atoms)]
    told = [
        atom for number in used for atom in (*(headers[number] if number else ()), *atoms_of(row.cells[number].value))
    ]
    for number, cell in enumerate(row.cells):
        named = [atom for atom in headers[number] if among(atom, binding.said.atoms) and not among(atom, told)]
        if number not in used and named:
            return f"{quoted(named[0])} is told without its own value, {cell.value}"
    for number in used:
        bare = [atom for _, atom in of_cell(binding, number)]
        if number and all(atom.sort == "count" for atom in bare) and headers[number]:
            counts = any(atom.written.lower() in words("counts") for atom in headers[number])
            if not counts and not any(among(atom, (*binding.said.atoms, *asked.atoms)) for atom in headers[number]):
                return f"it does not say that it is {row.cells[number].header}"
    for number in used:
        beside = any(figures[other] for other in used if other < number)
        if (
            number
            and figures[number]
            and not (beside and _tied_alike(binding, number))
            and _is_torn_out(binding, headers[number], number, asked)
        ):
            return f"it does not say that it is {row.cells[number].header}"
    pairs: list[tuple[int, int]] = []
    for number in used:
        rivals = [
            other for other in range(len(row.cells))
            if other != number and number != used[0] and _rival(figures[number], row.cells[other])
        ]  # fmt: skip
        if not rivals:
            continue
        own = [atom for atom in headers[number] if not any(among(atom, headers[other]) for other in rivals)]
        spoken = [atom for atom in own if among(atom, binding.said.atoms)]
        others = [
            atom for other in rivals if other not in used for atom in headers[other] if not among(atom, headers[number])
        ]
        wished = [atom for atom in own if among(atom, asked.atoms)]
        if not spoken and _told_by_itself(binding, row, number, rivals):
            continue
        if figures[number] and figures[number][0].kind == "identifier":
            if not spoken and any(among(atom, asked.atoms) for atom in others) and not wished:
                return f"it does not say that it is {row.cells[number].header}"
            if not spoken:
                continue
        if (
            own
            and not spoken
            and (not wished or any(among(atom, asked.atoms) for atom in others) or _several(figures, used))
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
    for place, atom in of_cell(binding, number):
        if place in binding.used and atom.kind == "word" and not among(atom, others):
            return True
    return any(
        mark.token.key == "all"
        and mark.target is not None
        and (at := binding.places[mark.target]) is not None
        and binding.cell(at) == number
        and (comes_again(binding, mark) or any(other.target == at for other in binding.source.marks))
        for mark in binding.said.marks
    )


def _tied_alike(binding: Binding, number: int) -> bool:
    """Whether the figures of a cell hang on the same tie in both: a speed of 2,945 rpm `at 50 Hz`."""
    told = [(place, binding.used[place]) for place, atom in of_cell(binding, number) if place in binding.used]
    return all(binding.source.atoms[place].tie == binding.said.atoms[index].tie != "" for place, index in told)


def _is_torn_out(binding: Binding, header: Sequence[Token], number: int, asked: Laid) -> bool:
    """Whether of a cell a figure is told and no word, though it says more: `2.1 m` of a remark `2.1 m at rated flow`."""
    own = of_cell(binding, number)
    words_told = any(place in binding.used and atom.kind == "word" for place, atom in own)
    whole = all(place in binding.used or among(atom, binding.said.atoms) for place, atom in own)
    named = any(among(atom, (*binding.said.atoms, *asked.atoms)) for atom in header)
    return not (whole or words_told or named)


def _several(figures: dict[int, list[Token]], used: Sequence[int]) -> bool:
    return sum(1 for number in used[1:] if figures[number]) > 1


def _rival(figures: Sequence[Token], cell: Cell) -> bool:
    """Whether a cell holds a figure of the same kind as one of `figures`, or nothing but a number of a part like them."""
    if figures and all(atom.kind == "identifier" for atom in figures):
        own = atoms_of(cell.value)
        return bool(own) and all(atom.kind == "identifier" for atom in own)
    kinds = {atom.sort for atom in figures}
    return any(atom.kind == "figure" and atom.sort in kinds for atom in atoms_of(cell.value))


def _first(said: Laid, wanted: Sequence[Token]) -> int:
    return next(index for index, atom in enumerate(said.atoms) if among(atom, wanted))
