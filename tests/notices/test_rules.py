"""When a delivery is tried again, when it is given up, how it is signed, and that the page's own code checks that."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.notices import rules
from tests.notices.conftest import NOON, House
from tests.notices.receiver import Receiver

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "webhooks.md"


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_grows_to_an_hour_and_is_never_cut_by_more_than_half(failures: int, chance: float) -> None:
    found = rules.pause(failures, chance)

    assert 5 <= found <= 3600
    assert found >= rules.pause(failures, 0) / 2
    assert rules.pause(failures + 1, chance) >= found


@given(st.integers(100, 599), st.integers(1, 50))
def test_only_an_answer_that_says_yes_is_one_and_no_other_is_asked_for_ever(status: int, tries: int) -> None:
    found = rules.verdict(status, tries=tries, created=NOON, now=NOON)

    assert (found == "sent") == (200 <= status < 300)
    assert tries < rules.MOST_TRIES or found != "later"


def test_the_signature_is_that_of_the_published_example() -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, its example."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    found = rules.signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def verifier() -> Any:
    """The code that the page gives to those who write receivers."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    there: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), there)
    return there["checked"]


def of(receiver: Receiver, at: int = -1) -> tuple[dict[str, str], bytes]:
    return receiver.got[at]


async def test_the_code_of_the_page_takes_what_is_sent_and_nothing_that_was_altered(
    house: House, receiver: Receiver
) -> None:
    webhook, secret = await house.add(receiver)
    await house.happen()
    await house.deliver(webhook)
    headers, body = of(receiver)
    now = house.now.timestamp()
    checked = verifier()

    assert checked(secret, headers, body, now=now, seen=set())["type"] == "disk.low"
    for wrong in (
        (rules.new_secret(), headers, body),
        (secret, headers, body.replace(b"disk.low", b"disk.log")),
        (secret, headers | {"webhook-id": "another"}, body),
        (secret, headers | {"webhook-timestamp": str(int(now) + 1)}, body),
        (secret, headers | {"webhook-signature": "v1,"}, body),
    ):
        with pytest.raises(ValueError, match="signature"):
            checked(*wrong, now=now, seen=set())


async def test_the_code_of_the_page_refuses_what_comes_again_or_late(house: House, receiver: Receiver) -> None:
    webhook, secret = await house.add(receiver)
    await house.happen()
    await house.deliver(webhook)
    headers, body = of(receiver)
    checked, seen = verifier(), set[str]()
    now = house.now.timestamp()

    checked(secret, headers, body, now=now, seen=seen)
    with pytest.raises(ValueError, match="again"):
        checked(secret, headers, body, now=now, seen=seen)
    with pytest.raises(ValueError, match="late"):
        checked(secret, headers, body, now=now + 301, seen=set())


async def test_while_a_secret_is_changed_both_are_good_and_then_only_the_new_one(
    house: House, receiver: Receiver
) -> None:
    webhook, old = await house.add(receiver)
    house.vault = type(house.vault)(house.store, house.vault._masks, clock=house.clock)
    new = await house.webhooks.rotate(house.admin(), webhook, dt.timedelta(hours=1))
    checked = verifier()

    await house.happen(1)
    await house.deliver(webhook)
    for secret in (old, new):
        assert checked(secret, *of(receiver), now=house.now.timestamp(), seen=set())
    house.now += dt.timedelta(hours=2)
    await house.happen(2)
    await house.deliver(webhook)

    assert checked(new, *of(receiver), now=house.now.timestamp(), seen=set())
    with pytest.raises(ValueError, match="signature"):
        checked(old, *of(receiver), now=house.now.timestamp(), seen=set())
