"""Codes of an authenticator app, by RFC 6238, and recovery codes."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import codes

SECRET = b"12345678901234567890"
START = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)
SECRETS = st.binary(min_size=20, max_size=20)
MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2090, 1, 1), timezones=st.just(dt.UTC))


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_the_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B: the last six of its eight digits."""
    assert codes.code_at(SECRET, dt.datetime.fromtimestamp(seconds, dt.UTC)) == code


@given(secret=SECRETS, now=MOMENTS, late=st.integers(-30, 30))
def test_a_code_is_taken_one_step_early_or_late_and_then_never_again(
    secret: bytes, now: dt.datetime, late: int
) -> None:
    code = codes.code_at(secret, now + dt.timedelta(seconds=late))

    step = codes.fresh_step(secret, code, now, 0)

    assert step is not None
    assert abs(step - int(now.timestamp()) // codes.STEP) <= 1
    assert codes.fresh_step(secret, code, now, step) is None or codes.fresh_step(secret, code, now, step) != step


@given(secret=SECRETS, now=MOMENTS, used=st.integers(1, 3))
def test_no_code_of_a_step_before_the_last_used_one_works(secret: bytes, now: dt.datetime, used: int) -> None:
    last = int(now.timestamp()) // codes.STEP + used

    for seconds in (-30, 0, 30):
        found = codes.fresh_step(secret, codes.code_at(secret, now + dt.timedelta(seconds=seconds)), now, last)
        assert found is None or found > last


@given(secret=SECRETS, now=MOMENTS, typed=st.text(max_size=12))
def test_what_is_no_code_is_no_code(secret: bytes, now: dt.datetime, typed: str) -> None:
    right = {codes.code_at(secret, now + dt.timedelta(seconds=seconds)) for seconds in (-30, 0, 30)}

    assert (codes.fresh_step(secret, typed, now, 0) is not None) == ("".join(typed.split()) in right)


def test_a_code_may_be_typed_with_a_space_as_apps_show_it() -> None:
    code = codes.code_at(SECRET, START)

    assert codes.fresh_step(SECRET, f" {code[:3]} {code[3:]} ", START, 0) is not None


def test_an_app_is_given_an_address_that_holds_plant_and_name() -> None:
    uri = codes.provisioning_uri(SECRET, "nora@north", "North plant")

    assert uri == (
        "otpauth://totp/Outpost%20North%20plant:nora%40north"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Outpost%20North%20plant"
    )


def test_a_recovery_code_is_kept_for_one_person_however_it_is_typed() -> None:
    one, other, key, code = UUID(int=1), UUID(int=2), b"k" * 32, codes.recovery_code()

    assert codes.recovery_hash(key, one, code) == codes.recovery_hash(key, one, f" {code.upper().replace('-', ' ')}")
    assert codes.recovery_hash(key, one, code) != codes.recovery_hash(key, other, code)
