"""Sign-ins over a change of the signing key: nobody is signed out, and the key before is soon worth nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.errors import TokenRefused
from appliance.identity.tokens import Claims, Tokens
from appliance.identity.values import DEFAULT_LIFETIMES
from appliance.store import Signing, TenantId, new_id

CHANGED = dt.datetime(2026, 5, 4, 6, 0, tzinfo=dt.UTC)
OLD, NEW = bytes(32), bytes(range(32))
GRACE = DEFAULT_LIFETIMES.access + DEFAULT_LIFETIMES.leeway


def tokens(signing: Signing, at: dt.datetime) -> Tokens:
    return Tokens(signing, clock=lambda: at)


def somebody() -> Claims:
    return Claims(new_id(), TenantId(new_id()), "operator")


@given(earlier=st.integers(0, 890), later=st.integers(0, 2000))
def test_a_token_from_before_the_change_lives_as_long_as_it_would_have(earlier: int, later: int) -> None:
    made = CHANGED - dt.timedelta(seconds=earlier)
    token = tokens(Signing(OLD), made).issue(who := somebody(), DEFAULT_LIFETIMES.access)
    after = tokens(Signing(NEW, OLD, CHANGED), CHANGED + dt.timedelta(seconds=later))

    if earlier + later <= 900:
        assert after.read(token).subject == who.subject
    elif earlier + later > 900 + DEFAULT_LIFETIMES.leeway.total_seconds():
        with pytest.raises(TokenRefused):
            after.read(token)


def test_whoever_has_the_key_before_can_sign_nothing_that_outlives_the_grace() -> None:
    forged = tokens(Signing(OLD), CHANGED).issue(somebody(), dt.timedelta(days=365))
    signing = Signing(NEW, OLD, CHANGED)

    assert tokens(signing, CHANGED + GRACE).read(forged)
    with pytest.raises(TokenRefused):
        tokens(signing, CHANGED + GRACE + dt.timedelta(seconds=1)).read(forged)


def test_a_key_two_changes_ago_signs_nothing() -> None:
    token = tokens(Signing(bytes(31) + b"x"), CHANGED).issue(somebody(), DEFAULT_LIFETIMES.access)

    with pytest.raises(TokenRefused):
        tokens(Signing(NEW, OLD, CHANGED), CHANGED).read(token)


def test_new_tokens_are_signed_with_the_new_key_alone() -> None:
    token = tokens(Signing(NEW, OLD, CHANGED), CHANGED).issue(somebody(), DEFAULT_LIFETIMES.access)

    assert tokens(Signing(NEW), CHANGED).read(token)
    with pytest.raises(TokenRefused):
        tokens(Signing(OLD), CHANGED).read(token)
