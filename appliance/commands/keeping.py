"""`outpost keys …`: how the master key is kept, and what becomes of it. Nothing secret is an argument or a variable."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Final

from appliance.errors import InvalidInput
from appliance.identity.identities import SECRET
from appliance.settings import Settings
from appliance.store import RecoveryCode, keys_alone, recover_master_key, renew_recovery_code
from appliance.store.errors import NoNodeHere
from appliance.store.keeping import (
    MODES,
    PROMISES,
    Kept,
    Mode,
    in_file,
    in_tpm,
    mode_of,
    on_volume,
    read_master,
    under_passphrase,
    volume_file,
)
from appliance.store.switching import switch

ROTATED: Final = (SECRET,)
"""Secrets that begin a new generation with a new master key; what was signed before stays good for a token's life."""


class UnknownMode(InvalidInput):
    """The master key cannot be kept in that way."""

    code, title = "unknown-key-mode", "There is no such way to keep a key"
    hint = f"Choose one of: {', '.join(MODES)}. A USB key also needs --at DIRECTORY."


class PassphrasesDiffer(InvalidInput):
    """A new passphrase was not typed twice alike."""

    code, title = "passphrases-differ", "The two passphrases differ"
    hint = "Nothing was changed. Type the same passphrase twice."


async def show(settings: Settings, *, as_json: bool) -> int:
    """Raises NoNodeHere, WrongKey."""
    keys = settings.data / "keys"
    mode = mode_of(keys)
    if mode is None:
        raise NoNodeHere(f"{settings.data.name} holds no master key.")
    where = volume_file(keys)
    facts = {"mode": mode, "protects": PROMISES[mode], "recovery": (keys / "recovery.wrapped").exists()}
    if as_json:
        sys.stdout.write(json.dumps(facts | {"key_file": None if where is None else str(where)}) + "\n")
        return 0
    sys.stdout.write(f"{mode}: {PROMISES[mode]}\n")
    if where is not None:
        sys.stdout.write(f"the key file is {where}{'' if where.exists() else ', which is not there now'}\n")
    sys.stdout.write("there is a recovery key\n" if facts["recovery"] else "there is no recovery key: make one\n")
    return 0


async def move(settings: Settings, to: str, at: Path | None, *, as_json: bool) -> int:
    """Raises UnknownMode, KeysInUse, and whatever opening the old or keeping the new key raises; then nothing was changed."""
    async with keys_alone(settings.data) as keys:
        present = mode_of(keys)
        master = read_master(keys, _asked)
        keep: Callable[[bytes], Kept]
        match to:
            case "file":
                keep = in_file
            case "passphrase":
                keep = partial(under_passphrase, passphrase=_new_passphrase())
            case "usb-key" if at is not None:
                keep = partial(on_volume, folder=at, data=settings.data)
            case "tpm":
                keep = in_tpm
            case _:
                raise UnknownMode(f"The master key cannot be kept in {to[:20]!r}.")
        code = switch(keys, master, keep, ROTATED)
        now = mode_of(keys)
    assert now is not None
    return _say({"from": present, "mode": now, "protects": PROMISES[now]}, f"{now}: {PROMISES[now]}", code, as_json)


async def rotate(settings: Settings, *, as_json: bool) -> int:
    """Raises KeysInUse, and whatever opening the master key raises; then nothing was changed."""
    async with keys_alone(settings.data) as keys:
        mode, typed = mode_of(keys), ""

        def remembered() -> str:
            nonlocal typed
            typed = _asked()
            return typed

        master = read_master(keys, remembered)
        code = switch(keys, master, _as_before(keys, mode, typed, settings.data), ROTATED)
    return _say({"mode": mode}, "every key is wrapped under a new master key", code, as_json)


async def renew_recovery(settings: Settings, *, as_json: bool) -> int:
    """Raises as `rotate` does."""
    async with keys_alone(settings.data) as keys:
        code = renew_recovery_code(keys, read_master(keys, _asked))
    return _say({}, "the recovery key before is worth nothing now", code, as_json)


async def recover(settings: Settings, *, as_json: bool) -> int:
    """Raises WrongRecoveryCode, NoNodeHere, KeysInUse."""
    code = _typed("recovery key: ")
    async with keys_alone(settings.data) as keys:
        recover_master_key(keys, code)
    said = "keys/master.key is there again; `outpost keys move` keeps it better"
    sys.stdout.write(json.dumps({"recovered": True, "mode": "file"}) + "\n" if as_json else f"{said}\n")
    return 0


def _as_before(keys: Path, mode: Mode | None, passphrase: str, data: Path) -> Callable[[bytes], Kept]:
    match mode:
        case "passphrase":
            return partial(under_passphrase, passphrase=passphrase)
        case "usb-key":
            present = volume_file(keys)
            assert present is not None
            return partial(on_volume, folder=present.parent, data=data)
        case "tpm":
            return in_tpm
        case _:
            return in_file


def _asked() -> str:
    return _typed("passphrase: ")


def _new_passphrase() -> str:
    new = _typed("new passphrase: ")
    if sys.stdin.isatty() and getpass("again: ") != new:
        raise PassphrasesDiffer("The passphrase was not typed twice alike.")
    return new


def _typed(prompt: str) -> str:
    return getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _say(facts: dict[str, object], said: str, code: RecoveryCode, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(facts | {"recovery_key": str(code)}) + "\n")
        return 0
    sys.stdout.write(f"{said}\n")
    sys.stdout.write(f"recovery key, shown only now: {code}\nwrite it down; the one before opens nothing any more\n")
    return 0
