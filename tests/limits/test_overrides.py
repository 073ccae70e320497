"""Limits that an admin sets, over both databases: kept, bounded, proven where they widen, in force at once for every process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from appliance.limits.errors import BadLimit, NoSuchLimit
from appliance.limits.in_process import InProcess
from appliance.limits.overrides import Overrides
from appliance.limits.overriding import Override, Place
from appliance.limits.service import Limiter
from appliance.policy import PolicyEngine
from appliance.policy.limits import CANONICAL, Rate
from appliance.store import Admitted, Principal, Store

Admit = Callable[..., Admitted]
ROUTE = "POST /v1/search"
WIDER = replace(CANONICAL, ceilings={"person": Rate(60, 400), "plant": Rate(1200)})


class NotProven(Exception):
    """It was asked whether it is them."""


async def nobody() -> None:
    raise NotProven


async def them() -> None:
    """It is them."""


async def put(store: Store, admitted: Admit, place: Place, rate: Rate, *, limits=CANONICAL, proven=nobody) -> Override:  # type: ignore[no-untyped-def]
    return await Overrides(store).set(admitted(role="admin"), place, rate, limits, "north", proven=proven)


async def test_a_tighter_limit_is_kept_and_holds_for_another_process_at_once(store: Store, admitted: Admit) -> None:
    who = admitted(role="admin")
    there = Overrides(store)
    assert await there.rates(who.tenant_id) == {}

    await put(store, admitted, ("role", "viewer"), Rate(minute=5))
    assert await there.rates(who.tenant_id) == {("role", "viewer"): Rate(minute=5)}
    await put(store, admitted, ("role", "viewer"), Rate(minute=4, hour=20))

    assert await there.rates(who.tenant_id) == {("role", "viewer"): Rate(4, 20)}


@pytest.mark.parametrize(
    ("place", "rate"),
    [
        (("role", "viewer"), Rate(11)),
        (("plant", ""), Rate(601)),
        (("person", str(uuid4())), Rate(61)),
        (("role", "owner"), Rate(1)),
        (("person", "nora"), Rate(1)),
        (("plant", "north"), Rate(1)),
        (("route", "/v1/search"), Rate(1)),
        (("route", "GET /v1/auth/me"), Rate(1)),
        (("plant", ""), Rate()),
    ],
)
async def test_what_is_wider_than_the_pack_or_of_nothing_is_refused(
    node_store: Store, admitted: Admit, place: Place, rate: Rate
) -> None:
    limits = replace(CANONICAL, uncounted=frozenset({"GET /v1/auth/me"}))
    with pytest.raises(BadLimit):
        await put(node_store, admitted, place, rate, limits=limits, proven=them)


async def test_what_widens_up_to_the_ceiling_must_be_proven(store: Store, admitted: Admit) -> None:
    with pytest.raises(NotProven):
        await put(store, admitted, ("role", "viewer"), Rate(40), limits=WIDER)
    assert await Overrides(store).rates(admitted().tenant_id) == {}

    await put(store, admitted, ("role", "viewer"), Rate(40), limits=WIDER, proven=them)
    with pytest.raises(BadLimit, match="60 a minute and 400 an hour"):
        await put(store, admitted, ("role", "viewer"), Rate(61), limits=WIDER, proven=them)


async def test_loosening_a_tight_limit_and_taking_it_away_must_be_proven_too(store: Store, admitted: Admit) -> None:
    made = await put(store, admitted, ("role", "operator"), Rate(5))
    with pytest.raises(NotProven):
        await put(store, admitted, ("role", "operator"), Rate(6))
    here = Overrides(store)
    with pytest.raises(NotProven):
        await here.unset(admitted(role="admin"), made.id, CANONICAL, "north", proven=nobody)

    done = admitted(role="admin")
    await here.unset(done, made.id, CANONICAL, "north", proven=them)

    assert await here.rates(done.tenant_id) == {}
    assert done.outcome.metadata["widens"] is True
    with pytest.raises(NoSuchLimit):
        await here.unset(admitted(role="admin"), made.id, CANONICAL, "north", proven=them)


async def test_two_admins_at_once_leave_one_limit(store: Store, admitted: Admit) -> None:
    await put(store, admitted, ("plant", ""), Rate(500))
    done = await asyncio.gather(
        *(put(store, admitted, ("plant", ""), Rate(number)) for number in (100, 200, 300)), return_exceptions=True
    )

    held = await Overrides(store).rates(admitted().tenant_id)
    assert list(held) == [("plant", "")]
    assert held["plant", ""].minute in {one.rate.minute for one in done if isinstance(one, Override)}
    # Whoever would have widened what another one had just set was not let, unproven.
    assert all(isinstance(one, (Override, BadLimit, NotProven)) for one in done)


async def test_what_is_set_holds_back_whoever_asks(node_store: Store, admitted: Admit) -> None:
    limiter = Limiter(
        InProcess(),
        PolicyEngine(),
        ceiling=60,
        profile="production",
        tenants=node_store.tenants,
        overrides=Overrides(node_store),
    )
    who: Principal = admitted(role="operator").principal
    before = await limiter.check(who, ROUTE)
    await limiter.set(admitted(role="admin"), ("person", str(who.id)), Rate(minute=2), proven=nobody)

    after = await limiter.check(who, ROUTE)

    assert [one.window.most for one in before.standings if one.window.name == "person-minute"] == [30]
    assert [one.window.most for one in after.standings if one.window.name == "person-minute"] == [2]
    shown = await limiter.show(admitted(role="admin"))
    assert [(one.scope, one.subject, one.rate) for one in shown.set] == [("person", str(who.id), Rate(2))]
    assert isinstance(shown.set[0].id, UUID)
