"""`outpost keys …`: how the master key is kept, and what becomes of it. Nothing secret is an argument or a variable."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from appliance.commands.noting import Noted
from appliance.errors import InvalidInput, OutpostError
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
from appliance.unlocking import settled, typed

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
    keys = await _keys(settings)
    present, master = mode_of(keys), read_master(keys, _asked)
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
    facts: dict[str, object] = {"from": present, "mode": to}
    return await _switch(settings, "keys.move", master, keep, facts, as_json=as_json)


async def rotate(settings: Settings, *, as_json: bool) -> int:
    """Raises KeysInUse, and whatever opening the master key raises; then nothing was changed."""
    keys, typed_before = await _keys(settings), ""

    def remembered() -> str:
        nonlocal typed_before
        typed_before = _asked()
        return typed_before

    mode, master = mode_of(keys), read_master(keys, remembered)
    keep = _as_before(keys, mode, typed_before, settings.data)
    return await _switch(settings, "keys.rotate", master, keep, {"mode": mode}, as_json=as_json)


async def _switch(
    settings: Settings,
    action: str,
    master: bytes,
    keep: Callable[[bytes], Kept],
    facts: dict[str, object],
    *,
    as_json: bool,
) -> int:
    """Written down, done, shown, written down: the recovery key is shown whatever becomes of the last record."""
    note = Noted(settings, action, facts)
    await note.begins(master)
    try:
        async with keys_alone(settings.data) as keys:
            made = switch(keys, master, keep, ROTATED)
    except OutpostError as error:
        await note.ended(master, error)
        raise
    mode = mode_of(settings.data / "keys")
    assert mode is not None
    code = _say(facts | {"protects": PROMISES[mode]}, f"{mode}: {PROMISES[mode]}", made.code, as_json)
    await note.ended(made.master)
    return code


async def _keys(settings: Settings) -> Path:
    """The directory of the keys, with what a kill has left half done put in order. Raises NoNodeHere."""
    keys = settings.data / "keys"
    await settled(keys)
    if mode_of(keys) is None:
        raise NoNodeHere(f"{settings.data.name} holds no master key.")
    return keys


async def renew_recovery(settings: Settings, *, as_json: bool) -> int:
    """Raises as `rotate` does."""
    master = read_master(await _keys(settings), _asked)
    note = Noted(settings, "keys.recovery", {})
    await note.begins(master)
    try:
        async with keys_alone(settings.data) as keys:
            code = renew_recovery_code(keys, master)
    except OutpostError as error:
        await note.ended(master, error)
        raise
    done = _say({}, "the recovery key before is worth nothing now", code, as_json)
    await note.ended(master)
    return done


async def recover(settings: Settings, *, as_json: bool) -> int:
    """Raises WrongRecoveryCode, NoNodeHere, KeysInUse. Recorded afterwards: before, there is no key to record with."""
    code = typed("recovery key: ")
    async with keys_alone(settings.data) as keys:
        recover_master_key(keys, code)
        master = read_master(keys)
    said = "keys/master.key is there again; `outpost keys move` keeps it better"
    sys.stdout.write(json.dumps({"recovered": True, "mode": "file"}) + "\n" if as_json else f"{said}\n")
    await Noted(settings, "keys.recover", {"mode": "file"}).was_done(master)
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
    return typed("passphrase: ")


def _new_passphrase() -> str:
    new = typed("new passphrase: ")
    if sys.stdin.isatty() and typed("again: ") != new:
        raise PassphrasesDiffer("The passphrase was not typed twice alike.")
    return new


def _say(facts: dict[str, object], said: str, code: RecoveryCode, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(facts | {"recovery_key": str(code)}) + "\n")
        return 0
    sys.stdout.write(f"{said}\n")
    sys.stdout.write(f"recovery key, shown only now: {code}\nwrite it down; the one before opens nothing any more\n")
    return 0
