"""What the guard found is kept without a word of it, counted, bounded, and nobody's once they are erased."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.guard.pii import find
from appliance.guard.sanitising import PiiRule, Sanitiser
from appliance.guard.tables import ViolationRow
from appliance.guard.values import Violation
from appliance.guard.violations import Sought, Violations
from appliance.store import Admitted, Store, Tenant, new_id

ORDERS = Violation("injection", "question", "withheld", ("override-instructions",), 0.9)
PHONE = Violation("pii", "passage", "redacted", ("PHONE_NUMBER",))
NOON = dt.datetime(2027, 3, 31, 12, 0, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> dt.datetime:
        return self.now


async def note(store: Store, kept: Violations, admitted: Admitted, found: Sequence[Violation], who: UUID) -> None:
    async with store.open_session(admitted, write=True) as session:
        await kept.note(session, who, found)


async def rows(kept: Violations, admitted: Admitted, sought: Sought | None = None) -> list[ViolationRow]:
    return await kept.page(admitted, sought or Sought(), limit=100)


async def test_the_same_again_within_an_hour_is_counted_and_takes_no_room(
    store: Store, admitted: Callable[..., Admitted]
) -> None:
    clock, nora = Clock(), new_id()
    kept = Violations(store, clock=clock)

    for minute in range(0, 120, 20):
        clock.now = NOON + dt.timedelta(minutes=minute)
        await note(store, kept, admitted(), [ORDERS], nora)

    found = await rows(kept, admitted())
    assert [(one.at, one.times) for one in found] == [(NOON + dt.timedelta(hours=1), 3), (NOON, 3)]
    assert found[1].last_at == NOON + dt.timedelta(minutes=40)
    assert (found[0].kind, found[0].severity, found[0].rules, found[0].score) == (
        "injection", "high", ["override-instructions"], 0.9,
    )  # fmt: skip


async def test_what_differs_within_the_hour_is_gathered_and_the_gravest_counts(
    store: Store, admitted: Callable[..., Admitted]
) -> None:
    kept, nora = Violations(store, clock=Clock()), new_id()
    dangerous, rights = (Violation("intent", "question", "withheld", (name,)) for name in ("DANGEROUS", "ADMIN"))

    await note(store, kept, admitted(), [dangerous, rights], nora)
    await note(store, kept, admitted(), [rights], nora)

    (one,) = await rows(kept, admitted())
    assert (one.times, one.rules, one.severity) == (3, ["DANGEROUS", "ADMIN"], "high")


async def test_two_at_once_are_both_counted(store: Store, admitted: Callable[..., Admitted]) -> None:
    kept, nora = Violations(store, clock=Clock()), new_id()

    await asyncio.gather(
        *(note(store, kept, admitted(), found, nora) for found in ([ORDERS, PHONE], [PHONE, ORDERS]) * 3)
    )

    assert sorted((one.kind, one.times) for one in await rows(kept, admitted())) == [("injection", 6), ("pii", 6)]


async def test_who_tries_for_days_does_not_fill_the_disk(store: Store, admitted: Callable[..., Admitted]) -> None:
    clock, nora = Clock(), new_id()
    kept = Violations(store, most=5, clock=clock)

    for hour in range(20):
        clock.now = NOON + dt.timedelta(hours=hour)
        await note(store, kept, admitted(), [ORDERS], nora)

    found = await rows(kept, admitted())
    assert len(found) == 5
    assert found[-1].at == NOON + dt.timedelta(hours=15)


async def test_what_is_old_is_not_listed_and_goes_with_the_next(
    store: Store, admitted: Callable[..., Admitted]
) -> None:
    clock, nora = Clock(), new_id()
    kept = Violations(store, days=90, clock=clock)
    await note(store, kept, admitted(), [ORDERS], nora)

    clock.now = NOON + dt.timedelta(days=91)
    assert await rows(kept, admitted()) == []
    await note(store, kept, admitted(), [PHONE], nora)

    clock.now = NOON
    assert [one.kind for one in await rows(kept, admitted())] == ["pii"]


async def test_a_clock_set_back_loses_nothing(store: Store, admitted: Callable[..., Admitted]) -> None:
    clock, nora = Clock(), new_id()
    kept = Violations(store, clock=clock)
    await note(store, kept, admitted(), [ORDERS], nora)

    clock.now = NOON - dt.timedelta(days=400)
    await note(store, kept, admitted(), [ORDERS], nora)

    assert len(await rows(kept, admitted())) == 2


async def test_another_plant_sees_nothing_of_it(
    store: Store, admitted: Callable[..., Admitted], other_tenant: Tenant
) -> None:
    kept = Violations(store, clock=Clock())
    await note(store, kept, admitted(), [ORDERS], new_id())

    assert await rows(kept, admitted(tenant=other_tenant)) == []


@pytest.mark.parametrize(
    ("sought", "kinds"),
    [
        (Sought(kind="pii"), ["pii"]),
        (Sought(place="question"), ["injection"]),
        (Sought(since=NOON + dt.timedelta(minutes=30)), ["pii"]),
        (Sought(until=NOON + dt.timedelta(minutes=30)), ["injection"]),
        (Sought(until=NOON), []),
        (Sought(document_id=UUID(int=7)), []),
    ],
)
async def test_the_list_is_narrowed(
    store: Store, admitted: Callable[..., Admitted], sought: Sought, kinds: list[str]
) -> None:
    clock, nora = Clock(), new_id()
    kept = Violations(store, clock=clock)
    await note(store, kept, admitted(), [ORDERS], nora)
    clock.now = NOON + dt.timedelta(hours=1)
    await note(store, kept, admitted(), [PHONE], nora)

    assert [one.kind for one in await rows(kept, admitted(), sought)] == kinds


async def test_pages_hold_each_once(store: Store, admitted: Callable[..., Admitted]) -> None:
    kept = Violations(store, clock=Clock())
    for _ in range(7):
        await note(store, kept, admitted(), [ORDERS], new_id())

    first = await kept.page(admitted(), Sought(), limit=4)
    rest = await kept.page(admitted(), Sought(), limit=4, before=(first[-1].at, first[-1].id))

    assert len({one.id for one in (*first, *rest)}) == 7


async def test_what_is_undone_leaves_no_trace(store: Store, admitted: Callable[..., Admitted]) -> None:
    kept = Violations(store, clock=Clock())

    with pytest.raises(RuntimeError):
        async with store.open_session(admitted(), write=True) as session:
            await kept.note(session, new_id(), [ORDERS])
            raise RuntimeError

    assert await rows(kept, admitted()) == []


@given(st.lists(st.sampled_from(["call 555-867-5309", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "P-101A", "a@b.example"])))
def test_what_a_sanitiser_notes_names_kinds_and_never_a_text(texts: list[str]) -> None:
    guard = Sanitiser(PiiRule())

    for text in texts:
        guard.given(text)
        guard.leaking(text)

    kinds = {one.kind for text in texts for one in find(text)}
    assert {rule for one in guard.violations() for rule in one.rules} <= kinds
    assert {one.act for one in guard.violations()} <= {"redacted"}
