"""Codes that people type: of an authenticator app (TOTP, RFC 6238), and for when there is none. Nothing is stored here.

A code of an app is good for one time step of 30 seconds, taken also one step early or late; a step works once, and none
before it works afterwards. A clock that was set back therefore refuses codes until it has caught up, and recovery codes
stand in.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from typing import Final
from urllib.parse import quote
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from appliance.identity.passwords import ALPHABET

STEP: Final = 30
"""Seconds. Apps know this, six digits and SHA-1, and little else."""
DIGITS: Final = 6
SECRET_BYTES: Final = 20
RECOVERY_CODES: Final = 10
_SKEW: Final = (-1, 0, 1)


def fresh_step(secret: bytes, code: str, now: dt.datetime, last_step: int) -> int | None:
    """The time step that `code` is right for, if it is later than `last_step`; None for a wrong or used one."""
    typed = "".join(code.split())
    present = int(now.timestamp()) // STEP
    found = None
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    for step in (present + skew for skew in _SKEW):
        if hmac.compare_digest(_totp(secret).generate(step * STEP), typed.encode()) and step > last_step:
            found = step
    return found


def code_at(secret: bytes, now: dt.datetime) -> str:
    """What an app shows at `now`."""
    return _totp(secret).generate(int(now.timestamp())).decode()


def shown_secret(secret: bytes) -> str:
    """Base32 without padding, as apps take it."""
    return base64.b32encode(secret).decode().rstrip("=")


def provisioning_uri(secret: bytes, username: str, site: str) -> str:
    """An `otpauth` address for an app (the Key URI Format of Google Authenticator)."""
    label = f"{quote(f'Outpost {site}', safe='')}:{quote(username, safe='')}"
    return f"otpauth://totp/{label}?secret={shown_secret(secret)}&issuer={quote(f'Outpost {site}', safe='')}"


def recovery_code() -> str:
    """Three groups of four, like `7kmp-rw3h-x9at`: 60 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def recovery_hash(key: bytes, person_id: UUID, code: str) -> str:
    """What is kept of a recovery code: keyed, bound to its person; hyphens, spaces and capitals do not matter."""
    plain = "".join(letter for letter in code.casefold() if letter.isalnum())
    return hmac.new(key, person_id.bytes + plain.encode(), hashlib.sha256).hexdigest()


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP)  # noqa: S303 - HMAC-SHA-1, as RFC 6238 has it and every app speaks it
