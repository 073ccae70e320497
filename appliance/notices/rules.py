"""When a delivery is tried again, when it is given up, and how it is signed. Pure.

    an answer 2xx           sent
    any other answer        tried again, at most 10 times in all
    no answer               tried again for 30 days: a program that is not there is not a mistake of ours
    pauses                  10 s, 20 s, 40 s ... at most an hour, each shortened by up to a half at random

Signed as https://www.standardwebhooks.com/ has it: HMAC-SHA-256 with the secret over `id.timestamp.body`, base64, after
`v1,`; while a secret is being changed there are two, with a space between them.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final, Literal

MOST_TRIES: Final = 10
LONGEST: Final = dt.timedelta(days=30)
FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 3600.0
PREFIX: Final = "whsec_"
Verdict = Literal["sent", "later", "dead"]


def verdict(status: int | None, *, tries: int, created: dt.datetime, now: dt.datetime) -> Verdict:
    """What becomes of a delivery after its `tries`-th answered try (from 1), or after a try that nobody answered."""
    if status is None:
        return "dead" if now - created > LONGEST else "later"
    if 200 <= status < 300:
        return "sent"
    return "dead" if tries >= MOST_TRIES else "later"


def pause(failures: int, chance: float) -> float:
    """Seconds until the next try after `failures` in a row (from 1); `chance` is from 0 to 1."""
    whole = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 30))
    return whole * (1 - chance / 2)


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secrets_: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`; one part for each secret that is good now."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    keys = (base64.b64decode(one.removeprefix(PREFIX)) for one in secrets_)
    return " ".join(
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys
    )  # fmt: skip
