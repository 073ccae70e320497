"""What a browser carries on its way, without a browser."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.federation.errors import OutsideRefused
from appliance.identity.federation.journeys import Journey, Seals
from appliance.identity.federation.oidc import challenge

NOW = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)
SEALS = Seals(b"k" * 32)


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_no_two_journeys_share_a_secret() -> None:
    one, two = (Journey.begin("oidc", "north", NOW) for _ in range(2))

    assert len({one.state, one.nonce, one.verifier, two.state, two.nonce, two.verifier}) == 6
    assert 43 <= len(one.verifier) <= 128
    assert one.state[0] == "_"  # as an id in XML has to begin


def test_a_cookie_opens_to_the_journey_that_was_sealed_in_it() -> None:
    journey = Journey.begin("saml", "north", NOW)

    assert SEALS.journey(SEALS.cookie(journey)) == journey
    with pytest.raises(OutsideRefused):
        Seals(b"x" * 32).journey(SEALS.cookie(journey))


def test_what_was_sealed_for_one_purpose_opens_for_no_other() -> None:
    sealed = SEALS.seal("arrival", {"person": "1"})

    assert SEALS.open("arrival", sealed) == {"person": "1"}
    for purpose in ("outpost_sign_in", "assertion", ""):
        with pytest.raises(OutsideRefused):
            SEALS.open(purpose, sealed)
    with pytest.raises(OutsideRefused):
        SEALS.journey(sealed.hex())


@given(st.text(max_size=300))
def test_any_cookie_is_ours_or_refused(text: str) -> None:
    with pytest.raises(OutsideRefused):
        SEALS.journey(text)


@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC)))
def test_no_clock_makes_a_journey_last_for_longer_than_twice_its_time(now: dt.datetime) -> None:
    journey = Journey.begin("oidc", "north", NOW)

    with contextlib.suppress(OutsideRefused):
        journey.check("oidc", "north", journey.state, now)
        assert abs(now - NOW) <= dt.timedelta(minutes=10)


@pytest.mark.parametrize(("kind", "slug"), [("saml", "north"), ("oidc", "south")])
def test_a_journey_is_for_one_plant_and_one_kind_of_provider(kind: str, slug: str) -> None:
    journey = Journey.begin("oidc", "north", NOW)

    with pytest.raises(OutsideRefused):
        journey.check(kind, slug, journey.state, NOW)  # type: ignore[arg-type]
