"""`outpost tls init`, `use` and `show`. The node may be running: it serves the new certificate within ten minutes."""

from __future__ import annotations

import datetime as dt
import json
import socket
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from appliance.commands.noting import noted
from appliance.settings import Settings
from appliance.store import Store, open_store
from appliance.tls.certificates import Names, fingerprint, names_in, names_of, pem
from appliance.tls.errors import BadName, CertificateRefused
from appliance.tls.place import PURPOSE, Place, Served
from appliance.tls.standing import standing
from appliance.unlocking import unlock

ANY: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
LOCAL: Final = ("localhost", "127.0.0.1", "::1")


async def make(settings: Settings, words: Sequence[str], *, anew: bool, as_json: bool) -> int:
    """Raises BadName, CertificateRefused, NoNodeHere."""
    names = names_of([*words, *_own_names(settings), *LOCAL])
    facts = {"names": names.words(), "new_authority": anew}
    async with _opened(settings) as (store, place), noted(settings, store, "tls.init", facts):
        made = place.make(names, dt.datetime.now(dt.UTC), anew=anew)
    return _say(made, as_json=as_json)


async def take(
    settings: Settings, words: Sequence[str], certificate: Path, key: Path, authority: Path, *, as_json: bool
) -> int:
    """Raises BadName, CertificateRefused, NoNodeHere."""
    if stat.S_IMODE(key.stat().st_mode) & 0o077:
        raise CertificateRefused(
            f"{key.name} can be read by others than its owner.",
            hint=f"Run `chmod 600 {key}`; better, have a new key made.",
        )
    wanted = names_of(words) if words else _wanted(settings)
    files = certificate.read_bytes(), key.read_bytes(), authority.read_bytes()
    async with _opened(settings) as (store, place), noted(settings, store, "tls.use", {"names": wanted.words()}):
        taken = place.take(*files, wanted, dt.datetime.now(dt.UTC))
    return _say(taken, as_json=as_json)


async def show(settings: Settings, *, as_json: bool) -> int:
    """Raises NoCertificate, NoNodeHere."""
    async with _opened(settings) as (_, place):
        return _say(place.served(), as_json=as_json)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Store, Place]]:
    store = await open_store(settings.data, settings.database_url, create=False, unlock=unlock)
    try:
        yield store, Place(settings.data, store.secret(PURPOSE))
    finally:
        await store.close()


def _wanted(settings: Settings) -> Names:
    """What a plant's certificate must hold for: the one address that is served; where all are, what it says itself."""
    return names_of([] if settings.host in ANY or not settings.reachable else [settings.host])


def _own_names(settings: Settings) -> list[str]:
    found = [] if settings.host in ANY else [settings.host]
    try:
        names_of([socket.gethostname()])
    except BadName:
        return found
    return [*found, socket.gethostname()]


def _say(served: Served, *, as_json: bool) -> int:
    state = standing(served, dt.datetime.now(dt.UTC))
    facts = {
        "names": names_in(served.leaf).words(),
        "issued_by": "own" if served.own else "plant",
        "expires_at": served.ends.isoformat(),
        "state": state.state,
        "detail": state.fact,
        "authority": fingerprint(served.authority),
        "certificate": fingerprint(served.leaf),
    }
    if as_json:
        sys.stdout.write(json.dumps(facts | {"authority_pem": pem([served.authority]).decode()}) + "\n")
        return 0
    sys.stdout.write(
        f"for          {', '.join(names_in(served.leaf).words())}\n"
        f"holds        {state.fact}\n"
        f"authority    {facts['authority']}\n"
        f"certificate  {facts['certificate']}\n"
        "Kiosks and browsers trust the authority: fetch it at /v1/tls/ca and compare its SHA-256 fingerprint with the one above.\n"
    )
    return 0
