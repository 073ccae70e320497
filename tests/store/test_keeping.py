"""The four ways to keep a master key, and what each needs to open it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.store import keeping
from appliance.store.errors import (
    KeyVolumeMissing,
    KeyVolumeUnfit,
    MasterKeyMissing,
    NoTpm,
    PassphraseNeeded,
    WeakPassphrase,
    WrongKey,
    WrongPassphrase,
)
from appliance.store.keeping import Cost, Kept, mode_of, read_master
from tests.store.tpm import software_tpm

MASTER = bytes(range(32))
PASSPHRASE = "seven green valves at night"
CHEAP = Cost(passes=1, memory_kib=64)


@pytest.fixture
def stick() -> Iterator[Path]:
    """A directory on another file system, as that of a stick is."""
    with TemporaryDirectory(dir="/dev/shm", prefix="outpost-stick-") as folder:
        yield Path(folder)


def put(keys: Path, kept: Kept) -> None:
    (keys / kept.file).write_bytes(kept.content)


def never() -> str:
    raise AssertionError("nothing is to be asked for")


def test_a_key_in_a_file_opens_without_a_question(tmp_path: Path) -> None:
    put(tmp_path, keeping.in_file(MASTER))

    assert (mode_of(tmp_path), read_master(tmp_path, never)) == ("file", MASTER)


def test_a_key_under_a_passphrase_opens_with_it_alone(tmp_path: Path) -> None:
    put(tmp_path, keeping.under_passphrase(MASTER, PASSPHRASE, CHEAP))

    assert mode_of(tmp_path) == "passphrase"
    assert read_master(tmp_path, lambda: PASSPHRASE) == MASTER
    for wrong in (PASSPHRASE + " ", PASSPHRASE.upper(), ""):
        with pytest.raises(WrongPassphrase):
            read_master(tmp_path, lambda wrong=wrong: wrong)  # type: ignore[misc]
    with pytest.raises(PassphraseNeeded):
        read_master(tmp_path)


def test_a_passphrase_that_can_be_guessed_is_not_taken() -> None:
    with pytest.raises(WeakPassphrase):
        keeping.under_passphrase(MASTER, "short")


def test_a_try_at_a_passphrase_costs_what_it_should() -> None:
    words = json.loads(keeping.under_passphrase(MASTER, PASSPHRASE).content)

    # RFC 9106, 4: at least 3 passes over 64 MiB where memory is short.
    assert words["passes"] >= 3
    assert words["memory_kib"] >= 64 * 1024


def test_a_key_on_a_stick_opens_while_the_stick_is_there(tmp_path: Path, stick: Path) -> None:
    put(tmp_path, keeping.on_volume(MASTER, stick, tmp_path))
    path = keeping.volume_file(tmp_path)

    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (mode_of(tmp_path), read_master(tmp_path, never)) == ("usb-key", MASTER)
    content = path.read_text()
    path.unlink()
    with pytest.raises(KeyVolumeMissing, match=path.name):
        read_master(tmp_path, never)
    # The stick of another node has another name; one that was written over opens nothing.
    path.write_text(bytes(32).hex())
    with pytest.raises(WrongKey):
        read_master(tmp_path, never)
    path.write_text("no key")
    with pytest.raises(WrongKey):
        read_master(tmp_path, never)
    path.write_text(content)
    assert read_master(tmp_path, never) == MASTER


def test_a_stick_that_is_the_disk_of_the_data_is_none(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    with pytest.raises(KeyVolumeUnfit, match="same disk"):
        keeping.on_volume(MASTER, tmp_path / "mount", tmp_path)
    with pytest.raises(KeyVolumeUnfit):
        keeping.on_volume(MASTER, tmp_path / "nowhere", tmp_path)


def test_a_key_in_a_tpm_opens_with_that_tpm_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with software_tpm(tmp_path / "chip") as environment:
        monkeypatch.setenv("TPM2TOOLS_TCTI", environment["TPM2TOOLS_TCTI"])
        put(tmp_path, keeping.in_tpm(MASTER))
        for _ in range(5):
            assert (mode_of(tmp_path), read_master(tmp_path, never)) == ("tpm", MASTER)
    # Its state survives, as that of a chip does.
    with software_tpm(tmp_path / "chip") as environment:
        monkeypatch.setenv("TPM2TOOLS_TCTI", environment["TPM2TOOLS_TCTI"])
        assert read_master(tmp_path, never) == MASTER
    with software_tpm(tmp_path / "another chip") as environment:
        monkeypatch.setenv("TPM2TOOLS_TCTI", environment["TPM2TOOLS_TCTI"])
        with pytest.raises(NoTpm):
            read_master(tmp_path, never)


def test_a_machine_without_a_tpm_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TPM2TOOLS_TCTI", f"device:{tmp_path}/none")
    with pytest.raises(NoTpm, match="ended with"):
        keeping.in_tpm(MASTER)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoTpm, match="not installed"):
        keeping.in_tpm(MASTER)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"format": 2, "mode": "passphrase"}', b'{"format": 1, "mode": "magic"}',
                b'{"format": 1, "mode": "passphrase"}', b'{"format": 1, "mode": "passphrase", "salt": "zz"}']
)  # fmt: skip
def test_a_file_that_describes_no_key_is_told_from_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "master.json").write_bytes(content)

    with pytest.raises(WrongKey):
        read_master(tmp_path, lambda: PASSPHRASE)


def test_what_was_sealed_in_one_mode_is_not_taken_for_another(tmp_path: Path, stick: Path) -> None:
    put(tmp_path, keeping.on_volume(MASTER, stick, tmp_path))
    words = json.loads((tmp_path / "master.json").read_bytes())
    other = json.loads(keeping.under_passphrase(MASTER, PASSPHRASE, CHEAP).content)
    (tmp_path / "master.json").write_text(json.dumps(words | {"sealed": other["sealed"]}))

    with pytest.raises(WrongKey):
        read_master(tmp_path, never)


def test_no_master_key_is_no_mode(tmp_path: Path) -> None:
    assert mode_of(tmp_path) is None
    with pytest.raises(MasterKeyMissing):
        read_master(tmp_path)


def test_what_is_kept_is_not_shown_by_accident() -> None:
    assert MASTER.hex() not in repr(keeping.in_file(MASTER))
    assert repr(MASTER) not in repr(keeping.in_file(MASTER))
