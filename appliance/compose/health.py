"""Which parts of the appliance are looked at, how one says that it is well, and what to do when it is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from appliance.audit.errors import RecordUnavailable
from appliance.compose import probes
from appliance.compose.foundation import Foundation
from appliance.health import Health, NotWell
from appliance.identity.federation.keys import Keys as IdentityKeys
from appliance.routing import Routes
from appliance.tls.place import Place
from appliance.tls.required import require
from appliance.tls.standing import standing
from appliance.vault.service import Vault

HINTS: Final[Mapping[str, str]] = {
    "database": "Run `outpost doctor`; if it says damaged, stop the node and restore the last backup.",
    "record": "Nothing is done that cannot be recorded. Look at the disk first, then run `outpost audit verify`.",
    "policy": "`outpost policy list` says which pack is in force; `outpost policy rollback` brings the one before back.",
    "index": "`outpost schedule run index` makes it anew from the documents while people search.",
    "models": "Start the node again. Questions are answered by words alone until the model server is back.",
    "chat": "`outpost provider list` says which; quotes need none.",
    "vault": "Give the secret anew with `outpost vault set`; the connector that uses it waits.",
    "worker": "Start the node again, or `outpost worker`. Jobs wait and are not lost.",
    "queue": "See whether the worker runs, and what it does: the page Jobs shows it.",
    "disk": "Make room, or move backups to another disk; reading and the record have a reserve.",
    "clock": "Set the clock of the box. Sign-ins, schedules and approvals go by it; the order of the record does not.",
    "tls": "Run `outpost tls use` with a new certificate.",
    "limits": "Requests are counted all the same. Look at the disk, on a hub at its database.",
    "identity": "Bring a new file of keys; people sign in with the last good ones.",
}
"""What to do when a part is not well."""


async def certificate(base: Foundation, certificates: Place) -> str:
    """How long the certificate holds. Raises NotWell: it is to be looked after."""
    if not require(base.settings):
        return "not spoken; only this machine reaches the address"
    found = standing(certificates.served(), dt.datetime.now(dt.UTC))
    if found.state != "ok":
        raise NotWell(found.fact)
    return found.fact


def health_of(
    base: Foundation,
    routes: Routes,
    certificates: Place,
    counted: Callable[[], Awaitable[str]],
    identity_keys: IdentityKeys,
    vault: Vault,
) -> Health:
    look_at_clock = probes.Clock().probe()

    async def record() -> str:
        if (why := base.recorder.failing()) is not None:
            raise RecordUnavailable(why)
        sizes = await base.recorder.sizes()
        return f"{len(sizes)} logs, {sum(sizes.values())} records"

    async def policy() -> str:
        await base.policy.follow()
        if unusable := base.policy.all_unusable():
            raise NotWell(f"nothing is allowed in {len(unusable)} plants: {next(iter(unusable.values()))}")
        told = f"pack {base.policy.pack_version} of this release, {base.policy.chosen} chosen here"
        if older := base.policy.all_lacking():
            lacking = ", ".join(sorted({action for some in older.values() for action in some}))
            told += (
                f"; packs of {len(older)} plants lack actions of this release ({lacking}): see `outpost policy list`"
            )
        return told

    async def models() -> str:
        found = await base.models.health()
        return ", ".join(found["kinds"])

    async def chat() -> str:
        every = await routes.all()
        if not every:
            return "no chat model is in force; quotes need none"
        by_key = {route.key: route for route in every}
        down = [route.name for route in by_key.values() if not (await routes.look(route)).up]
        if down:
            raise NotWell(f"{', '.join(down)} does not answer; quotes need none")
        return ", ".join(route.name for route in every)

    async def identity() -> str:
        keys = identity_keys.file.keys()
        if identity_keys.file.problem is not None:
            raise NotWell(f"{identity_keys.file.problem} The last good keys are used: {len(keys)}.")
        return f"{len(keys)} keys from the file"

    async def at_work() -> str:
        if not base.settings.worker_socket.exists():
            raise NotWell("no worker is running; documents wait")
        return "running"

    async def clock() -> str:
        return look_at_clock()

    return Health(
        {
            "database": partial(probes.database, base.store),
            "record": record,
            "policy": policy,
            "index": partial(probes.index, base.store, base.engine),
            "models": models,
            "chat": chat,
            "vault": partial(probes.vault, vault),
            "worker": at_work,
            "queue": partial(probes.queue, base.store, lambda: dt.datetime.now(dt.UTC)),
            "disk": partial(probes.disk, base.settings.data),
            "clock": clock,
            "tls": partial(certificate, base, certificates),
            "limits": counted,
            **({"identity": identity} if identity_keys.file.configured else {}),
        },
        HINTS,
    )
