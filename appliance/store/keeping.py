"""How the master key is kept between two starts: one of four modes, each with its own promise.

    file         keys/master.key       the key itself (0600)
    passphrase   keys/master.json      sealed under what Argon2id (RFC 9106) makes of a passphrase
    usb-key      keys/master.json      sealed under 32 bytes in a file on a volume that can be taken away
    tpm          keys/master.json      sealed under 32 bytes that this machine's TPM alone gives out (`tpm`)

`master.json` is `{"format": 1, "mode", …, "sealed"}`; `sealed` is the master key under the name `master/<mode>`.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from argon2.low_level import Type, hash_secret_raw

from appliance.store import tpm
from appliance.store.errors import (
    KeyVolumeMissing,
    KeyVolumeUnfit,
    MasterKeyMissing,
    PassphraseNeeded,
    WeakPassphrase,
    WrongKey,
    WrongPassphrase,
)
from appliance.store.files import write_durably
from appliance.store.sealing import seal, unseal

Mode = Literal["file", "passphrase", "usb-key", "tpm"]
Ask = Callable[[], str]
"""Gives the passphrase; called only where one is needed."""

MODES: Final[tuple[Mode, ...]] = get_args(Mode)
MASTER: Final = "master.key"
KEPT: Final = "master.json"
KEY: Final = 32
FORMAT: Final = 1
LEAST_PASSPHRASE: Final = 12

PROMISES: Final[dict[Mode, str]] = {
    "file": "kept in a file: it protects neither a stolen disk nor a stolen box",
    "passphrase": "under a passphrase asked at every start: a disk or box that is switched off is of no use without it",
    "usb-key": "under a key on a USB stick: a disk or box that is switched off is of no use without the stick",
    "tpm": "in the TPM: a stolen disk is of no use; a stolen box is, to who can start it",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try at a passphrase takes (Argon2id). Kept with the key, so that it can be raised later."""

    passes: int = 3
    memory_kib: int = 128 * 1024
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A master key as it goes to the disk: the file's name and its content. Never shown."""

    mode: Mode
    content: bytes

    @property
    def file(self) -> str:
        return MASTER if self.mode == "file" else KEPT

    def __repr__(self) -> str:
        return f"Kept({self.mode})"


def nobody_to_ask() -> str:
    raise PassphraseNeeded("The master key is kept under a passphrase, and there is nobody to ask for it.")


# --- putting it away --------------------------------------------------------------------------------------------------


def in_file(master: bytes) -> Kept:
    return Kept("file", master)


def under_passphrase(master: bytes, passphrase: str, cost: Cost | None = None) -> Kept:
    """Raises WeakPassphrase."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise WeakPassphrase(
            f"The passphrase has {len(passphrase)} characters; at least {LEAST_PASSPHRASE} are needed."
        )
    cost = cost or Cost()
    salt = os.urandom(16)
    words = {"salt": salt.hex(), "passes": cost.passes, "memory_kib": cost.memory_kib, "lanes": cost.lanes}
    return _kept("passphrase", words, _stretched(passphrase, salt, cost), master)


def on_volume(master: bytes, folder: Path, data: Path) -> Kept:
    """Write a new key file to the volume at `folder`, durably, and keep the master key under it.

    Raises:
        KeyVolumeUnfit: it is no directory that can be written, or it lies on the disk of `data`.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise KeyVolumeUnfit(f"{folder} is not a directory.")
    if folder.stat().st_dev == data.stat().st_dev:
        raise KeyVolumeUnfit(f"{folder} lies on the same disk as the data.")
    name, key = uuid.uuid4().hex, os.urandom(KEY)
    try:
        write_durably(folder / _volume_file(name), key.hex().encode() + b"\n")
    except OSError as error:
        raise KeyVolumeUnfit(f"{folder} cannot be written ({error.strerror}).") from None
    return _kept("usb-key", {"id": name, "folder": str(folder)}, key, master)


def in_tpm(master: bytes) -> Kept:
    """Raises NoTpm."""
    key = os.urandom(KEY)
    return _kept("tpm", tpm.sealed(key).words(), key, master)


# --- taking it out ----------------------------------------------------------------------------------------------------


def mode_of(directory: Path) -> Mode | None:
    """How the master key in `directory` is kept; None where there is none."""
    if (directory / KEPT).exists():
        mode: Mode = _read(directory)["mode"]
        return mode
    return "file" if (directory / MASTER).exists() else None


def read_master(directory: Path, ask: Ask = nobody_to_ask) -> bytes:
    """The master key in `directory`, 32 bytes.

    Raises:
        MasterKeyMissing: there is none.
        PassphraseNeeded, WrongPassphrase, KeyVolumeMissing, NoTpm: what its mode needs is not there.
        WrongKey: what is there is not a master key.
    """
    if not (directory / KEPT).exists():
        try:
            master = (directory / MASTER).read_bytes()
        except FileNotFoundError:
            raise MasterKeyMissing("keys/master.key is not there.") from None
        return _of_length(master)
    words = _read(directory)
    return opened(words, ask)


def opened(words: dict[str, Any], ask: Ask) -> bytes:
    """The master key that `master.json` describes. Raises as `read_master` does."""
    mode: Mode = words["mode"]
    try:
        match mode:
            case "passphrase":
                key = _stretched(ask(), bytes.fromhex(words["salt"]), _cost(words))
            case "usb-key":
                key = _from_volume(Path(words["folder"]), str(words["id"]))
            case "tpm":
                key = tpm.unsealed(tpm.Blob.of(words))
            case _:
                raise WrongKey(f"The master key is kept in a way that this release does not know ({str(mode)[:20]}).")
        master = unseal(key, f"master/{mode}", bytes.fromhex(words["sealed"]))
    except (KeyError, ValueError, TypeError):
        raise WrongKey("keys/master.json cannot be read.") from None
    if master is None:
        if mode == "passphrase":
            raise WrongPassphrase("The passphrase does not open the master key.")
        raise WrongKey(f"The master key does not open with what the {mode} gave.")
    return _of_length(master)


def volume_file(directory: Path) -> Path | None:
    """The key file that a start waits for; None in other modes."""
    words = _read(directory) if (directory / KEPT).exists() else {}
    return Path(words["folder"]) / _volume_file(words["id"]) if words.get("mode") == "usb-key" else None


# --- inside -----------------------------------------------------------------------------------------------------------


def _kept(mode: Mode, words: dict[str, Any], key: bytes, master: bytes) -> Kept:
    made = {"format": FORMAT, "mode": mode, **words, "sealed": seal(key, f"master/{mode}", master).hex()}
    return Kept(mode, json.dumps(made, indent=1).encode())


def _read(directory: Path) -> dict[str, Any]:
    try:
        words = json.loads((directory / KEPT).read_bytes())
    except ValueError:
        words = None
    if not isinstance(words, dict) or words.get("format") != FORMAT or words.get("mode") not in MODES:
        raise WrongKey("keys/master.json cannot be read.")
    return words


def _of_length(master: bytes) -> bytes:
    if len(master) != KEY:
        raise WrongKey("keys/master.key is not a master key.")
    return master


def _cost(words: dict[str, Any]) -> Cost:
    return Cost(int(words["passes"]), int(words["memory_kib"]), int(words["lanes"]))


def _stretched(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, cost.passes, cost.memory_kib, cost.lanes, hash_len=KEY, type=Type.ID
    )


def _volume_file(name: str) -> str:
    return f"outpost-{name}.key"


def _from_volume(folder: Path, name: str) -> bytes:
    path = folder / _volume_file(name)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError:
        raise KeyVolumeMissing(f"{path} is not there.") from None
    if len(key) != KEY:
        raise ValueError(path.name)
    return key
