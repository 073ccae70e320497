"""Opening a data directory: its keys, and the store that its settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.errors import InvalidInput
from appliance.store.errors import NoNodeHere
from appliance.store.files import locked, make_directory
from appliance.store.keeping import read_master
from appliance.store.keys import Keyring, create_master_key, has_keys
from appliance.store.sessions import Store
from appliance.store.sqlcipher import SqlcipherStore
from appliance.store.switching import settle, unused, use

Unlock = Callable[[Path], bytes]
"""Gives the master key that is kept in a directory, in whatever mode it is."""


async def open_store(
    data: Path | None,
    database_url: str | None = None,
    *,
    owner_url: str | None = None,
    create: bool = True,
    unlock: Unlock = read_master,
) -> Store:
    """Open the store of `data`, making directory and keys if it is new; call `migrate()` before anything else.

    Keys and stored files are always under `data`. With `database_url` the rows are in PostgreSQL, used by a role
    that owns nothing; `owner_url` names the role that owns the tables and is needed only when they change. With
    `create=False` nothing is made: for commands that look at a node, where a mistyped path must not become one.

    Raises:
        NoNodeHere: there are no keys, and `create` is false.
        MasterKeyMissing, WrongKey: the keys are not those of this directory.
        PassphraseNeeded, WrongPassphrase, KeyVolumeMissing, NoTpm: the master key cannot be had.
    """
    if data is None:
        raise InvalidInput("A data directory is needed.", hint="Set OUTPOST_DATA, or give --data.")
    keys = data / "keys"
    if not create and not has_keys(keys):
        raise NoNodeHere(f"{data.name} holds no keys of a node.")
    make_directory(keys)
    async with locked(keys / "lock"):
        settle(keys)
        code = None if has_keys(keys) else create_master_key(keys)
        keyring = Keyring.load(keys, unlock(keys))
        keyring.hold(use(keys))
    if database_url:
        from appliance.store.postgres import PostgresStore

        return PostgresStore(data, keyring, database_url, owner_url=owner_url, recovery_code=code)
    return SqlcipherStore(data, keyring, code)


@asynccontextmanager
async def keys_alone(data: Path) -> AsyncIterator[Path]:
    """The directory of the keys of `data`, while nobody else uses them or begins to.

    Raises:
        NoNodeHere: there are none.
        KeysInUse: the node is running.
    """
    keys = data / "keys"
    # A recovery key alone is enough: it is what brings the others back.
    if not any(keys.glob("*.wrapped")):
        raise NoNodeHere(f"{data.name} holds no keys of a node.")
    async with locked(keys / "lock"):
        with unused(keys):
            settle(keys)
            yield keys
