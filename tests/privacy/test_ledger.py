"""Who was erased, beside the backups: written once, read past a cut line, carried along by a restore."""

from __future__ import annotations

from pathlib import Path

from appliance.privacy.ledger import LEDGER, Erased, carry, note, noted

ONE, TWO = Erased("t", "p", "r"), Erased("t", "q", "s")


def test_a_person_is_noted_once_and_a_line_that_was_cut_off_hides_none(tmp_path: Path) -> None:
    assert noted(tmp_path / "none") == []
    note(tmp_path, ONE)
    note(tmp_path, ONE)
    with (tmp_path / LEDGER).open("a") as file:
        file.write('{"tenant": "t", "pers')
    note(tmp_path, TWO)

    assert noted(tmp_path) == [ONE, TWO]


def test_a_restore_carries_along_who_was_erased(tmp_path: Path) -> None:
    note(tmp_path / "old", ONE)
    note(tmp_path / "new", TWO)

    carry(tmp_path / "old", tmp_path / "new")
    carry(tmp_path / "nowhere", tmp_path / "new")

    assert noted(tmp_path / "new") == [TWO, ONE]
