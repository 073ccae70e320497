"""The rules of sliding windows, over random requests and clocks that are set."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from appliance.limits import rules
from appliance.limits.rules import Counts, Key, Window, windows_of
from appliance.policy.limits import CANONICAL, Rate, RateLimits
from appliance.store.admission import Role
from tests.policy.people import KIOSK, OWNER, VIEWER, principal

MINUTE = Key("t", "p", "person", 60)
HOUR = Key("t", "p", "person", 3600)
START = 1_000_000.0

steps = st.lists(st.floats(min_value=0, max_value=90, allow_nan=False), max_size=60)
limits = st.integers(1, 8)


class Taker:
    """Somebody who asks again and again, and the real time at which each request was let through."""

    def __init__(self, *windows: Window) -> None:
        self.windows = windows
        self.counts: dict[Key, Counts] = {}
        self.passed: list[float] = []

    def ask(self, clock: float, real: float | None = None) -> int:
        verdict, after = rules.taken(self.windows, self.counts, clock)
        self.counts |= after
        if verdict.refused is None:
            self.passed.append(clock if real is None else real)
        return verdict.wait

    def most_in(self, seconds: float) -> int:
        return max((sum(1 for one in self.passed if 0 <= one - first < seconds) for first in self.passed), default=0)


@given(steps=steps, most=limits)
def test_there_are_never_more_than_so_many_in_any_window(steps: list[float], most: int) -> None:
    taker, now = Taker(Window(MINUTE, most)), START
    for step in steps:
        now += step
        taker.ask(now)

    assert taker.most_in(60) <= most


@given(steps=steps, most=limits, back=st.lists(st.tuples(st.integers(0, 59), st.floats(1, 100_000)), max_size=3))
def test_a_clock_that_is_set_back_gives_nobody_more(
    steps: list[float], most: int, back: list[tuple[int, float]]
) -> None:
    taker, real, off = Taker(Window(MINUTE, most)), START, 0.0
    for number, step in enumerate(steps):
        real += step
        off += sum(by for place, by in back if place == number)
        taker.ask(real - off, real)

    assert taker.most_in(60) <= most


@given(back=st.floats(1, 1e6))
def test_a_clock_that_is_set_back_holds_nobody_back_longer_than_a_window(back: float) -> None:
    taker = Taker(Window(MINUTE, 1))
    taker.ask(START)
    wait = taker.ask(START - back)

    assert 0 < wait <= 61
    assert taker.ask(START - back + wait) == 0


@given(steps=steps, most=limits)
def test_who_waits_as_long_as_they_are_told_gets_through_and_not_much_sooner(steps: list[float], most: int) -> None:
    taker, now = Taker(Window(MINUTE, most)), START
    for step in steps:
        now += step
        wait = taker.ask(now)
        if wait:
            oldest = sorted(taker.passed)[-most]
            assert wait <= 62 - (now - oldest)
            now += wait
            assert taker.ask(now) == 0


@given(steps=steps, small=limits, large=limits)
def test_a_request_counts_in_all_windows_or_in_none(steps: list[float], small: int, large: int) -> None:
    taker, now = Taker(Window(MINUTE, small), Window(HOUR, large)), START
    for step in steps:
        now += step
        taker.ask(now)

    assert sum(taker.counts.get(HOUR, {}).values()) == sum(1 for one in taker.passed if now - one < 3600)
    assert taker.most_in(60) <= small
    assert taker.most_in(3600) <= large


@given(counts=st.dictionaries(st.integers(0, 300), st.integers(1, 9)), now=st.floats(0, 300))
def test_nothing_is_lost_or_invented_when_time_moves_what_lies_ahead(counts: dict[int, int], now: float) -> None:
    alive = rules.living(counts, 60, now)

    assert sum(alive.values()) == sum(hits for one, hits in counts.items() if one >= int(now) - rules.SLICES)
    assert all(one <= now for one in alive)


def windows(
    who: Role | None = None, *, profile: rules.Profile = "production", ceiling: int = 60, **more: object
) -> dict[str, int]:
    found = windows_of(
        principal(who or "viewer"), "GET /v1/x", RateLimits(CANONICAL.roles, CANONICAL.tenant, **more),  # type: ignore[arg-type]
        ceiling=ceiling, profile=profile, tenant_slug="north",
    )  # fmt: skip
    return {window.name: window.most for window in found}


def test_the_tiers_are_those_of_the_roles() -> None:
    both = {"tenant-minute": 600, "tenant-hour": 6000}

    assert windows("viewer") == {"person-minute": 10, "person-hour": 50} | both
    assert windows("operator") == {"person-minute": 30, "person-hour": 200} | both
    assert windows("admin") == {"person-minute": 60, "person-hour": 500} | both


def test_the_ceiling_lies_over_every_tier_and_is_alone_in_development() -> None:
    assert windows("admin", ceiling=20)["person-minute"] == 20
    assert windows("viewer", ceiling=1000, profile="development") == {"person-minute": 1000}


def test_a_route_has_its_own_window_and_one_that_is_not_counted_has_none() -> None:
    own = windows("admin", routes={"GET /v1/x": Rate(minute=5)})

    assert own == {"route-minute": 5, "tenant-minute": 600, "tenant-hour": 6000}
    assert windows("admin", uncounted=frozenset({"GET /v1/x"})) == {}


def test_one_tenant_may_have_more_than_the_others() -> None:
    assert windows(tenants={"north": Rate(minute=7)})["tenant-minute"] == 7
    assert windows(tenants={"south": Rate(minute=7)})["tenant-minute"] == 600


def test_a_narrowed_token_counts_for_its_scope_as_well() -> None:
    narrowed = principal("operator", scopes=frozenset({"chat.ask", "search.query"}))
    of = RateLimits(CANONICAL.roles, CANONICAL.tenant, scopes={"chat.ask": Rate(minute=2)})
    found = windows_of(narrowed, "POST /v1/chat", of, ceiling=60, profile="production", tenant_slug=None)

    assert {window.key.what: window.most for window in found if window.name == "scope-minute"} == {"scope chat.ask": 2}


def test_the_owner_of_the_data_directory_is_not_counted() -> None:
    assert windows_of(OWNER, "GET /v1/x", CANONICAL, ceiling=1, profile="production", tenant_slug=None) == ()


def test_who_is_counted_is_an_identity_and_at_a_kiosk_the_kiosk_and_the_identity() -> None:
    device = UUID(int=9)

    assert rules.subject_of(VIEWER) == str(VIEWER.id)
    assert rules.subject_of(replace(VIEWER, kiosk_id=device)) == f"{device}:{VIEWER.id}"
    assert rules.subject_of(replace(KIOSK, id=device, kiosk_id=device)) != rules.subject_of(
        replace(VIEWER, kiosk_id=device)
    )
