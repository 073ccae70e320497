"""Checkpoints as signed notes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.errors import MalformedNote
from appliance.audit.notes import Checkpoint, Signer, key_id, verified

signer = Signer(b"s" * 32)
ORIGIN = signer.origin("node/1")


def test_a_note_has_the_form_of_the_standard() -> None:
    note = signer.sign(Checkpoint(ORIGIN, 12, b"r" * 32))

    origin, size, root, empty, signature, end = note.split("\n")
    assert origin == ORIGIN == f"outpost/{signer.node_id}/node/1"
    assert (size, empty, end) == ("12", "", "")
    assert base64.b64decode(root) == b"r" * 32
    dash, name, blob = signature.split(" ")
    assert (dash, name) == ("\N{EM DASH}", ORIGIN)
    assert base64.b64decode(blob)[:4] == key_id(ORIGIN, signer.public_key)
    assert len(base64.b64decode(blob)) == 4 + 64


@given(st.integers(0, 2**60), st.binary(min_size=32, max_size=32))
def test_a_signed_note_says_what_was_signed(size: int, root: bytes) -> None:
    note = signer.sign(Checkpoint(ORIGIN, size, root))

    assert verified(note, signer.public_key, origin=ORIGIN) == Checkpoint(ORIGIN, size, root)


@given(st.data())
def test_a_note_with_one_changed_character_is_refused(data: st.DataObject) -> None:
    note = signer.sign(Checkpoint(ORIGIN, 12, b"r" * 32))
    at = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != note[at]))

    with pytest.raises(MalformedNote):
        verified(note[:at] + other + note[at + 1 :], signer.public_key, origin=ORIGIN)


def test_a_note_of_another_key_or_log_is_refused() -> None:
    note = signer.sign(Checkpoint(ORIGIN, 12, b"r" * 32))

    with pytest.raises(MalformedNote, match="not signed by this node"):
        verified(note, Signer(b"t" * 32).public_key)
    with pytest.raises(MalformedNote, match="not of"):
        verified(note, signer.public_key, origin=signer.origin("node/2"))


def test_signatures_of_others_may_stand_beside_ours() -> None:
    note = signer.sign(Checkpoint(ORIGIN, 12, b"r" * 32))
    cosigned = note + "\N{EM DASH} witness.example " + base64.b64encode(b"w" * 76).decode() + "\n"

    assert verified(cosigned, signer.public_key).size == 12
