"""Keys: one master key, one wrapped key per database file.

    recovery code ──wraps──┐
                           master key ──wraps──> control | audit | tenant-<id>   (keys/<name>.wrapped)
                                                     │
                                                     └── HKDF ──> secrets, blob keys

A wrapped key is 32 bytes sealed (`sealing`) under its own name, so that two wrapped keys cannot be swapped.
Destroying a wrapped key destroys what it protects. How the master key itself is kept is for `keeping` to say.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import Conflict
from appliance.store.errors import KeyMissing, MasterKeyExists, WrongKey, WrongRecoveryCode
from appliance.store.files import make_directory, sync_directory, write_durably
from appliance.store.keeping import KEPT, KEY, MASTER, mode_of, read_master
from appliance.store.sealing import seal, unseal

RECOVERY: Final = "recovery"
# Crockford's base 32: no I, L, O or U, which people misread. 28 characters carry 140 random bits.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH: Final = 28
_READ_AS: Final = str.maketrans("ILO", "110")


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """What a person keeps on paper: `str()` is the code in groups of four. Never logged, never stored."""

    text: str

    def __repr__(self) -> str:
        return "RecoveryCode(...)"

    def __str__(self) -> str:
        return "-".join(self.text[start : start + 4] for start in range(0, len(self.text), 4))


def derive(key: bytes, purpose: str) -> bytes:
    """Derive 32 bytes for one purpose from `key` (HKDF-SHA-256, RFC 5869, empty salt)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY, salt=None, info=f"outpost/1/{purpose}".encode()).derive(key)


def _unwrap(wrapping: bytes, name: str, stored: bytes) -> bytes | None:
    key = unseal(wrapping, name, stored)
    return key if key is not None and len(key) == KEY else None


def _file(directory: Path, name: str) -> Path:
    return directory / f"{name}.wrapped"


def _code_key(code: str) -> bytes:
    text = "".join(character for character in code.upper() if character.isalnum()).translate(_READ_AS)
    return derive(text.encode(), "recovery")


def create_master_key(directory: Path) -> RecoveryCode:
    """Make the master key of a new data directory and the code that can bring it back; the code is shown only now.

    Raises:
        MasterKeyExists: there is one, or there are keys that one has wrapped.
    """
    make_directory(directory)
    if has_keys(directory):
        raise MasterKeyExists("This data directory already has keys.")
    master = os.urandom(KEY)
    # The recovery wrapping first: a master key without one would be taken into use and could never be recovered.
    code = _wrap_for_recovery(directory, master)
    write_durably(directory / MASTER, master)
    return code


def has_keys(directory: Path) -> bool:
    """Whether there is a master key, or a key that one has wrapped; a recovery key alone is a making cut short."""
    return mode_of(directory) is not None or any(path.stem != RECOVERY for path in directory.glob("*.wrapped"))


def renew_recovery_code(directory: Path, master: bytes | None = None) -> RecoveryCode:
    """Make a new recovery code for the present master key; the one before is worth nothing from then on.

    Raises:
        MasterKeyMissing, WrongKey: the master key is not there, or does not fit.
    """
    return _wrap_for_recovery(directory, Keyring.load(directory, master).master)


def _wrap_for_recovery(directory: Path, master: bytes) -> RecoveryCode:
    code, wrapped = wrapped_for_recovery(master)
    write_durably(_file(directory, RECOVERY), wrapped)
    return code


def wrapped_for_recovery(master: bytes) -> tuple[RecoveryCode, bytes]:
    """A new code, and the master key as it alone opens it."""
    code = RecoveryCode("".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH)))
    return code, seal(_code_key(code.text), RECOVERY, master)


def recover_master_key(directory: Path, code: str) -> None:
    """Write the master key again, in a file, from the recovery code; a file that holds it already is left alone.

    Raises:
        WrongRecoveryCode: the code does not open the recovery key.
        KeyMissing: there is no recovery key to open.
    """
    try:
        stored = _file(directory, RECOVERY).read_bytes()
    except FileNotFoundError:
        raise KeyMissing("There is no recovery key in this data directory.") from None
    master = _unwrap(_code_key(code), RECOVERY, stored)
    if master is None:
        raise WrongRecoveryCode("The recovery code does not open the recovery key.")
    present = directory / MASTER
    if not present.exists() or present.read_bytes() != master:
        write_durably(present, master)
    # What it was kept under is lost. Until this is gone the file is not looked at, and recovering can begin again.
    (directory / KEPT).unlink(missing_ok=True)
    sync_directory(directory)


class Keyring:
    """The keys of one data directory, unwrapped one by one when first asked for."""

    def __init__(self, directory: Path, master: bytes) -> None:
        self._directory = directory
        self.master = master
        self._open: dict[str, bytes] = {}
        self._held: list[int] = []

    @classmethod
    def load(cls, directory: Path, master: bytes | None = None) -> Keyring:
        """Open the keyring under `directory` with the master key, which is read from its file if it is None.

        Raises:
            MasterKeyMissing: there is none.
            PassphraseNeeded: it is kept under one.
            WrongKey: it is not a master key, or not the one that wrapped the keys beside it.
        """
        keyring = cls(directory, read_master(directory) if master is None else master)
        if keyring.has("control"):
            keyring.key("control")
        return keyring

    def shared(self) -> Keyring:
        """The same keys for another store of this process, whose end does not touch this one."""
        return Keyring(self._directory, self.master)

    def hold(self, descriptor: int) -> None:
        """Keep a lock open until `close`."""
        self._held.append(descriptor)

    def close(self) -> None:
        while self._held:
            os.close(self._held.pop())

    def names(self) -> list[str]:
        """Everything that has a key."""
        return sorted(path.stem for path in self._directory.glob("*.wrapped") if path.stem != RECOVERY)

    def has(self, name: str) -> bool:
        return name in self._open or _file(self._directory, name).exists()

    def create(self, name: str) -> bytes:
        """Make a random 32-byte key for `name`; it is durable, wrapped, when this returns.

        Raises:
            Conflict: `name` has a key.
        """
        if self.has(name):
            raise Conflict(f"There is already a key for {name}.")
        key = os.urandom(KEY)
        write_durably(_file(self._directory, name), seal(self.master, name, key))
        self._open[name] = key
        return key

    def key(self, name: str) -> bytes:
        """The 32-byte key of `name`.

        Raises:
            KeyMissing: there is none.
            WrongKey: it was wrapped by another master key, stands under another's name, or was altered.
        """
        if name not in self._open:
            try:
                stored = _file(self._directory, name).read_bytes()
            except FileNotFoundError:
                raise KeyMissing(f"There is no key for {name}.") from None
            key = _unwrap(self.master, name, stored)
            if key is None:
                raise WrongKey(f"The key for {name} does not open with this master key.")
            self._open[name] = key
        return self._open[name]

    def secret(self, name: str, purpose: str) -> bytes:
        """Derive 32 bytes for `purpose` from the key of `name`; the same for as long as that key lives."""
        return derive(self.key(name), purpose)

    def forget(self, name: str) -> None:
        """Hold the key of `name` in memory no longer; it is read again if it is still there."""
        self._open.pop(name, None)

    def destroy(self, name: str) -> None:
        """Forget the key of `name` for ever: what it protects can be read by nobody any more."""
        self._open.pop(name, None)
        _file(self._directory, name).unlink(missing_ok=True)
        sync_directory(self._directory)
