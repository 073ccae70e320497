"""Who listens to the bell leaves when they like."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from appliance.notices import Inbox
from appliance.web import Cursors
from tests.gate.test_gate import records
from tests.notices.conftest import POLICY, House


def inbox_of(house: House) -> Inbox:
    return Inbox(house.store, house.gate, POLICY, Cursors(house.store.secret("cursor")))


async def last_result(house: House) -> object:
    await house.gate.close()
    return (await records(house.store, house.tenant))[-1]["result_status"]


async def test_a_listener_who_closes_the_stream_leaves_no_error_in_the_record(house: House) -> None:
    heard = inbox_of(house).events(house.admin())
    assert b"unread" in await anext(heard)

    await heard.aclose()

    assert await last_result(house) == "success"


async def test_a_listener_who_is_cut_off_leaves_no_error_in_the_record(house: House) -> None:
    async def listen() -> None:
        async for _ in inbox_of(house).events(house.admin()):
            heard.set()

    heard = asyncio.Event()
    listening = asyncio.create_task(listen())
    await heard.wait()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening

    assert listening.cancelled()
    assert await last_result(house) == "success"
