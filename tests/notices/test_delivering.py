"""Webhooks: what happened arrives signed, in order, at least once, or stands among the dead with its reason."""

from __future__ import annotations

import asyncio
import datetime as dt
from uuid import uuid4

import pytest

from appliance.jobs import Retry
from appliance.news import box
from appliance.news.values import Reader
from appliance.notices.errors import AddressNotListed, NoSuchWebhook, TooManyWebhooks
from appliance.notices.rules import MOST_TRIES
from appliance.store import Purpose, Tenant, new_id
from tests.notices.conftest import House
from tests.notices.receiver import Receiver, receiving


async def test_what_happened_arrives_with_ids_and_no_text(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()

    assert await house.deliver(webhook) == {"sent": 1}

    (one,) = receiver.bodies()
    assert one["type"] == "disk.low"
    assert set(one["data"]) == {"notice", "part"}
    headers, _ = receiver.got[0]
    assert headers[":request"] == "POST /hook?plant=1 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert [(one.state, one.tries, one.status) for one in await house.deliveries(webhook)] == [("sent", 1, 200)]


async def test_what_it_did_not_ask_for_is_not_sent(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver, "approval.asked")
    await house.happen()

    assert await house.deliver(webhook) == {"sent": 0}
    assert receiver.got == []


async def test_nothing_is_sent_where_the_owner_has_listed_no_host(house: House, receiver: Receiver) -> None:
    with pytest.raises(AddressNotListed):
        await house.webhooks.create(house.admin(), "Shift book", receiver.url, ["disk.low"], request=b"")

    assert await house.webhooks.all(house.admin()) == []


async def test_a_host_that_is_listed_no_longer_gets_nothing_more(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()
    house.allowed.clear()

    await house.deliver(webhook)

    assert receiver.got == []
    assert [one.reason for one in await house.deliveries(webhook, "dead")] == ["address-refused"]


async def test_the_order_is_kept_also_when_one_is_refused_at_first(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    for number in range(3):
        await house.happen(number)
    receiver.answers = [503]

    later = await house.deliver(webhook)
    assert isinstance(later, Retry)
    assert later.seconds == 10
    house.now += dt.timedelta(seconds=11)
    assert await house.deliver(webhook) == {"sent": 3}

    assert [one["data"]["part"] for one in receiver.bodies()] == ["disk0", "disk0", "disk1", "disk2"]
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]


async def test_it_is_not_tried_again_before_its_time(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()
    receiver.answers = [500]
    await house.deliver(webhook)

    assert isinstance(await house.deliver(webhook), Retry)
    assert len(receiver.got) == 1


async def test_a_clock_that_is_set_back_holds_nothing_up(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()
    receiver.answers = [500]
    await house.deliver(webhook)
    house.now = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)

    assert await house.deliver(webhook) == {"sent": 1}


async def test_one_that_is_always_refused_is_given_up_with_its_reason_and_the_next_goes(
    house: House, receiver: Receiver
) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen(0)
    receiver.answers = [400] * MOST_TRIES
    for _ in range(MOST_TRIES):
        await house.deliver(webhook)
        house.now += dt.timedelta(hours=2)
    await house.happen(1)

    await house.deliver(webhook)

    last, first = await house.deliveries(webhook)
    assert (first.state, first.reason, first.tries) == ("dead", "status-400", MOST_TRIES)
    assert (last.state, last.status) == ("sent", 200)
    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        heard = await box.page(session, Reader(new_id(), ("webhooks.list",)), unread=True, limit=10)
    assert [one.params for one in heard if one.kind == "webhook.dead"] == [
        {"webhook": str(webhook), "reason": "status-400"}
    ]


async def test_what_nobody_answers_waits_while_the_box_is_offline(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()
    receiver.answers = [None] * 30
    for _ in range(25):
        assert isinstance(await house.deliver(webhook), Retry)
        house.now += dt.timedelta(hours=25)
    (one,) = await house.deliveries(webhook)
    assert (one.state, one.reason, one.tries) == ("waiting", "unreachable", 0)

    house.now += dt.timedelta(days=10)
    await house.deliver(webhook)

    assert [one.state for one in await house.deliveries(webhook)] == ["dead"]


async def test_dead_ones_are_sent_again_on_request_with_the_same_bytes(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()
    receiver.answers = [400] * MOST_TRIES
    for _ in range(MOST_TRIES):
        await house.deliver(webhook)
        house.now += dt.timedelta(hours=2)
    (dead,) = await house.deliveries(webhook, "dead")

    again = await house.webhooks.redeliver(house.admin(), webhook, dead.id)
    await house.deliver(webhook)

    assert again.id != dead.id
    assert receiver.got[-1][1] == receiver.got[0][1]
    assert receiver.got[-1][0]["webhook-id"] == str(again.id)


async def test_two_jobs_at_once_send_each_thing_once(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    for number in range(3):
        await house.happen(number)
    receiver.pause = 0.05

    done = await asyncio.gather(*(house.deliver(webhook) for _ in range(3)))

    assert sum(isinstance(one, Retry) for one in done) == 2
    assert [one["data"]["part"] for one in receiver.bodies()] == ["disk0", "disk1", "disk2"]


async def test_one_that_was_sent_before_a_power_cut_is_sent_again_under_the_same_id(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from appliance.notices import delivering

    webhook, _ = await house.add(receiver)
    await house.happen()

    async def cut(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(delivering.Delivering, "_settle", cut)
        with pytest.raises(RuntimeError, match="power"):
            await house.deliver(webhook)
    house.now += dt.timedelta(minutes=2)
    await house.deliver(webhook)

    first, second = (headers["webhook-id"] for headers, _ in receiver.got)
    assert first == second


async def test_a_slow_program_does_not_hold_up_another(house: House, receiver: Receiver) -> None:
    async with receiving() as quick:
        slow_one, _ = await house.add(receiver)
        quick_one, _ = await house.add(quick)
        await house.happen()
        receiver.pause = 3.0
        sending = asyncio.create_task(house.deliver(slow_one))
        assert await house.deliver(quick_one) == {"sent": 1}
        assert not sending.done()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_one_that_is_switched_off_hears_of_nothing_new(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.webhooks.change(
        house.admin(), webhook, name=None, url=None, kinds=None, enabled=False, request=b""
    )  # fmt: skip
    await house.happen()

    assert await house.deliver(webhook) == {"sent": 0}
    assert await house.deliveries(webhook) == []


async def test_a_ping_is_sent_like_everything_else(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.webhooks.ping(house.admin(), webhook)
    await house.deliver(webhook)

    assert [one["type"] for one in receiver.bodies()] == ["ping"]


async def test_what_waits_gets_a_job_again_should_its_own_be_lost(house: House, receiver: Receiver) -> None:
    from sqlalchemy import delete, select

    from appliance.jobs.tables import JobRow
    from appliance.store import Purpose

    webhook, _ = await house.add(receiver)
    await house.happen()
    async with house.store.open_internal(Purpose.RELAY, house.tenant.id, write=True) as session:
        await session.execute(delete(JobRow))
    await house.passing.revive()

    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        (job,) = (await session.scalars(select(JobRow))).all()
    assert job.payload == {"webhook": str(webhook)}


async def test_another_plant_sees_and_changes_none(house: House, receiver: Receiver, other_tenant: Tenant) -> None:
    webhook, _ = await house.add(receiver)
    stranger = house.admin(other_tenant)

    assert await house.webhooks.all(stranger) == []
    for attempt in (
        house.webhooks.read(stranger, webhook),
        house.webhooks.remove(stranger, webhook),
        house.webhooks.ping(stranger, webhook),
        house.webhooks.rotate(stranger, webhook, dt.timedelta(0)),
        house.webhooks.redeliver(stranger, webhook, uuid4()),
    ):
        with pytest.raises(NoSuchWebhook):
            await attempt


async def test_a_plant_has_at_most_twenty(house: House, receiver: Receiver) -> None:
    for _ in range(20):
        await house.add(receiver)

    with pytest.raises(TooManyWebhooks):
        await house.add(receiver)


async def test_a_webhook_that_is_removed_takes_its_secret_along(house: House, receiver: Receiver) -> None:
    webhook, _ = await house.add(receiver)
    await house.happen()

    await house.webhooks.remove(house.admin(), webhook)

    async with house.gate.admit(house.admin(), "vault.list") as admitted:
        assert await house.vault.listed(admitted) == []
    assert await house.deliver(webhook) == {"sent": 0}
