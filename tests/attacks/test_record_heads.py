"""Someone changes a list of heads that was kept."""

from __future__ import annotations

import pytest

from appliance.audit.lists import heads_note
from appliance.audit.notes import Checkpoint, Signer
from appliance.audit.values import LogName
from tests.attacks.tally import attempt
from tests.audit.test_export import script

SIGNER = Signer(b"n" * 32)
HEADS = {LogName("node/1"): (7, b"r" * 32), LogName("0192f0c1-0000-7000-8000-000000000000/2"): (3, b"s" * 32)}
NOTE = heads_note(SIGNER, 1_800_000_000, HEADS)


def opens(note: str, key: bytes = SIGNER.public_key) -> bool:
    try:
        script.open_heads(note, key)
    except ValueError:
        return False
    return True


def test_every_bit_of_a_list_flipped_is_found() -> None:
    assert opens(NOTE)
    raw = NOTE.encode()
    for at, byte in enumerate(raw):
        for bit in range(8):
            changed = raw[:at] + bytes((byte ^ 1 << bit,)) + raw[at + 1 :]
            with attempt():
                assert not opens(changed.decode(errors="replace")), (at, bit)


def signed(text: str, name: str = SIGNER.origin("heads")) -> str:
    return SIGNER.note(name, text)


NAME = SIGNER.origin("heads")
LINE = "node/1 7 cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}\n",
        f"{NAME}\n{LINE}",
        f"{NAME}\ntime 01\n{LINE}",
        f"{NAME}\ntime 1\n{LINE}{LINE}",
        f"{NAME}\ntime 1\n{LINE}0192f0c1-0000-7000-8000-000000000000/1 7 cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        f"{NAME}\ntime 1\n{LINE.replace('cnI=', 'cnJ=')}",
        f"{NAME}\ntime 1\n{LINE.replace(' 7', ' 07')}",
    ],
)
def test_a_list_that_is_written_otherwise_is_refused_even_signed(text: str) -> None:
    with attempt():
        assert not opens(signed(text))


def test_a_checkpoint_is_no_list_and_a_list_is_no_checkpoint_and_another_nodes_is_refused() -> None:
    checkpoint = SIGNER.sign(Checkpoint(SIGNER.origin("node/1"), 7, b"r" * 32))
    with attempt():
        assert not opens(checkpoint)
    with attempt():
        assert not opens(NOTE, Signer(b"o" * 32).public_key)
    with attempt():
        assert not opens(NOTE + NOTE.rpartition("\n\n")[2])
    with attempt(), pytest.raises(ValueError, match="not a checkpoint"):
        script.open_note(NOTE, SIGNER.public_key)
