"""A first start that is killed when its people are committed, and nothing after that has happened: `seeding.py <data>`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.seeding import DEFAULT_TENANT, make_people
from appliance.settings import load
from appliance.store import open_store


async def main(data: str) -> None:
    settings = load(data=data)
    store = await open_store(settings.data)
    await store.migrate()
    tenant = await store.create_tenant(*DEFAULT_TENANT)
    settings.run.mkdir()
    await make_people(settings, store, Recorder(store, Instance(settings.run)), [tenant])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
