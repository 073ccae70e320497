"""Which parts of the appliance are looked at, and how one says that it is well."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Awaitable, Callable
from functools import partial

from appliance.audit.errors import RecordUnavailable
from appliance.compose.foundation import Foundation
from appliance.health import Health, NotWell
from appliance.identity.federation.keys import Keys as IdentityKeys
from appliance.routing import Routes
from appliance.store import CONTROL, Purpose
from appliance.tls.place import Place
from appliance.tls.required import require
from appliance.tls.standing import standing

LEAST_FREE = 0.10


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
) -> Health:
    async def database() -> str:
        async with base.store.open_internal(Purpose.HEALTH, CONTROL) as session:
            await session.connection()
        return f"{len(await base.store.tenants())} tenants"

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

    async def disk() -> str:
        usage = shutil.disk_usage(base.settings.data)
        free = f"{usage.free / 2**30:.1f} GiB free"
        if usage.free < usage.total * LEAST_FREE:
            raise NotWell(f"{free}; documents are no longer taken in below 10 %")
        return free

    return Health(
        {
            "database": database,
            "record": record,
            "policy": policy,
            "models": models,
            "chat": chat,
            "worker": at_work,
            "disk": disk,
            "tls": partial(certificate, base, certificates),
            "limits": counted,
            **({"identity": identity} if identity_keys.file.configured else {}),
        }
    )
