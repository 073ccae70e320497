"""One route after the other: what fails gives way, what was said stays said."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.tables import LeafRow
from appliance.chat.wording import Wording
from appliance.compose.traces import traced
from appliance.gate import Gate
from appliance.policy import DEFAULT_PACK, PolicyEngine
from appliance.policy.pack import parse, read
from appliance.routing import Defaults, Providers, Router, Routes, Wanted
from appliance.routing.errors import ModelNotPermitted, NoSuchRoute, NoWriter
from appliance.routing.providers import Registration
from appliance.routing.writing import RoutedWriter
from appliance.settings import load
from appliance.shelf import Shelf
from appliance.shelf.spending import Spending
from appliance.store import AUDIT, Admitted, Principal, Purpose, Store, Tenant
from appliance.store.admission import minter
from tests.answers.test_in_words import answer
from tests.chat.test_wording import NoCards, screens
from tests.collector import collecting
from tests.routing.stranger import SAID, Stranger

Admin = Callable[[], Admitted]
PROMPT = [{"role": "user", "content": "What torque?"}]
LOOK_UP, WHY = "What torque do the casing bolts get?", "Why does it trip, compared with P-101B?"


@pytest.fixture
def person(tenant: Tenant) -> Principal:
    return Principal(uuid4(), "person", tenant.id, "nora", "operator", 2)


@pytest.fixture
async def two(providers: Providers, admin: Admin, stranger: Stranger, other: Stranger) -> None:
    """A quick model in the hall, and a better one elsewhere."""
    await add(providers, admin, "hall", stranger, {"good": ["light"]}, failures=2, pause_seconds=1)
    await add(providers, admin, "centre", other, {"big": ["heavy"]})
    stranger.asked.clear()
    other.asked.clear()


async def add(
    providers: Providers, admin: Admin, name: str, stranger: Stranger, models: dict[str, list[str]], **about: Any
) -> None:
    told = Registration(base_url=stranger.url, models=models, **about)
    await providers.register(admin(), name, "openai_compatible", told)


async def written(writer: RoutedWriter, seconds: float = 20) -> str:
    deltas = [delta async for delta in writer.write(PROMPT, most_tokens=40, key="x", seconds=seconds)]
    assert deltas[-1].finish_reason == "stop"
    return "".join(one.text for one in deltas)


async def chosen(router: Router, person: Principal, question: str = LOOK_UP, **about: Any) -> RoutedWriter:
    return await router.choose(Wanted(person, question, **about))


async def test_a_plain_question_goes_to_the_quick_model_and_a_hard_one_to_the_better(
    two: None, router: Router, person: Principal, stranger: Stranger, other: Stranger
) -> None:
    assert await written(await chosen(router, person)) == SAID
    assert (len(stranger.asked), len(other.asked)) == (1, 0)

    hard = await chosen(router, person, WHY, passages=3)
    assert await hard.name() == "centre/big"
    assert await hard.provider() == "centre"
    assert await written(hard) == SAID
    assert (len(stranger.asked), len(other.asked)) == (1, 1)
    assert other.asked[0]["model"] == "big"


async def test_what_a_model_wrote_leaves_its_name_and_its_tokens_in_a_span_and_no_word(
    two: None, router: Router, person: Principal, stranger: Stranger
) -> None:
    stranger.mood = "down"
    with collecting() as collector, traced(load({"OUTPOST_TRACE_COLLECTOR": collector.address}), "web"):
        await written(await chosen(router, person))

    first, second = sorted(collector.named("model.write"), key=lambda one: str(one.facts["outpost.outcome"]))
    assert (first.facts["outpost.outcome"], second.facts["outpost.outcome"]) == ("failed", "written")
    assert (first.facts["gen_ai.request.model"], second.facts["gen_ai.request.model"]) == ("hall/good", "centre/big")
    assert first.failed
    assert int(second.facts["outpost.completion_tokens"]) > 0
    sent = b"".join(collector.bodies)
    assert not [one for one in (SAID, PROMPT[0]["content"], str(person.id)) if one.encode() in sent]


async def test_who_asks_is_no_strangers_business(
    two: None, router: Router, person: Principal, stranger: Stranger
) -> None:
    await written(await chosen(router, person))

    assert "x-fairness-key" not in stranger.headers[-1]
    assert str(person.id) not in str(stranger.asked) + str(stranger.headers)


@pytest.mark.parametrize("mood", ["down", "busy", "refuses", "unknown", "garbage", "odd", "endless", "redirects"])
async def test_one_that_fails_before_it_has_said_anything_gives_way_to_the_next(
    two: None, router: Router, person: Principal, stranger: Stranger, other: Stranger, mood: str
) -> None:
    stranger.mood = mood
    writer = await chosen(router, person)
    assert await writer.name() == "hall/good"

    assert await written(writer) == SAID

    assert await writer.name() == "centre/big"
    assert await writer.provider() == "centre"


async def test_one_that_stalls_gives_way_at_its_own_time_limit(
    two: None, router: Router, person: Principal, providers: Providers, admin: Admin, stranger: Stranger
) -> None:
    await providers.change(admin(), "hall", Registration(timeout_seconds=1))
    stranger.mood = "stalls"
    began = time.monotonic()

    assert await written(await chosen(router, person)) == SAID
    assert 0.9 < time.monotonic() - began < 8


async def test_one_that_breaks_off_ends_the_answer_and_nobody_says_it_twice(
    two: None, router: Router, person: Principal, stranger: Stranger, other: Stranger
) -> None:
    stranger.mood = "breaks"
    heard = ""

    with pytest.raises(NoWriter, match="hall/good"):
        async for delta in (await chosen(router, person)).write(PROMPT, most_tokens=40, key="", seconds=20):
            heard += delta.text

    assert heard == SAID[: len(heard)]
    assert heard
    assert other.asked == []


async def test_after_some_failures_nobody_is_sent_there_until_it_is_seen_to_answer(
    two: None, router: Router, routes: Routes, person: Principal, shelf: Shelf, admin: Admin, stranger: Stranger
) -> None:
    stranger.mood = "down"
    for _ in range(3):
        assert await written(await chosen(router, person)) == SAID
    (hall,) = [one for one in await routes.all() if one.provider.name == "hall"]

    assert len(stranger.asked) == 2
    assert routes.state(hall) == "open"
    assert await (await chosen(router, person)).name() == "centre/big"

    stranger.mood = "well"
    assert (await routes.look(hall)).up
    assert routes.state(hall) == "half-open"
    assert await written(await chosen(router, person)) == SAID
    assert routes.state(hall) == "closed"
    assert [(one.what, one.model) for one in await shelf.history(admin())][:2] == [
        ("breaker-closed", "hall"), ("breaker-opened", "hall"),
    ]  # fmt: skip


async def test_a_refusal_of_one_request_is_no_fault_of_the_server(
    two: None, router: Router, routes: Routes, person: Principal, stranger: Stranger
) -> None:
    stranger.mood = "refuses"
    for _ in range(4):
        await written(await chosen(router, person))

    assert len(stranger.asked) == 4
    assert {routes.state(one) for one in await routes.all()} == {"closed"}


async def test_where_all_are_down_it_says_so_within_its_time(
    two: None, router: Router, person: Principal, stranger: Stranger, other: Stranger
) -> None:
    stranger.mood, other.mood = "down", "stalls"
    began = time.monotonic()

    with pytest.raises(NoWriter):
        await written(await chosen(router, person), seconds=1.5)

    assert time.monotonic() - began < 5


async def test_the_only_one_is_tried_once_more(
    providers: Providers, admin: Admin, router: Router, person: Principal, stranger: Stranger
) -> None:
    await add(providers, admin, "hall", stranger, {"good": ["light"]})
    stranger.asked.clear()
    stranger.mood = "down"
    writing = asyncio.create_task(written(await chosen(router, person)))
    while not stranger.asked:
        await asyncio.sleep(0.01)
    stranger.mood = "well"

    assert await writing == SAID
    assert len(stranger.asked) == 2


async def test_nobody_writes_where_there_is_nobody(router: Router, person: Principal) -> None:
    writer = await chosen(router, person)

    assert await writer.name() is None
    assert await writer.provider() == ""
    assert await writer.seconds(100, 10) is None
    with pytest.raises(NoWriter):
        await written(writer)


async def test_leaving_hangs_up_and_counts_as_nothing(
    two: None, router: Router, routes: Routes, person: Principal, stranger: Stranger
) -> None:
    async with aclosing(
        (await chosen(router, person)).write(PROMPT, most_tokens=40, key="", seconds=20)  # type: ignore[type-var]
    ) as deltas:
        await anext(deltas)

    assert {routes.state(one) for one in await routes.all()} == {"closed"}


# --- who may be given what ----------------------------------------------------------------------------------------


async def test_passages_above_a_providers_class_never_reach_it(
    two: None,
    router: Router,
    person: Principal,
    providers: Providers,
    admin: Admin,
    stranger: Stranger,
    other: Stranger,
) -> None:
    await providers.change(admin(), "centre", Registration(clearance=3))
    secret = await chosen(router, person, classification=3)
    assert await secret.name() == "centre/big"
    other.mood = "down"

    with pytest.raises(NoWriter):
        await written(secret)

    assert stranger.asked == []
    assert await (await chosen(router, person, classification=4)).name() is None


async def test_what_is_under_export_control_is_given_to_no_provider_whatever_its_class(
    two: None,
    router: Router,
    person: Principal,
    providers: Providers,
    admin: Admin,
    stranger: Stranger,
    other: Stranger,
) -> None:
    for name in ("hall", "centre"):
        await providers.change(admin(), name, Registration(clearance=4))
    for about in ({}, {"ask": "centre/big"}, {"best": True}):
        writer = await chosen(router, person, here=True, **about)
        assert await writer.name() is None
        with pytest.raises(NoWriter):
            await written(writer)

    assert stranger.asked == other.asked == []


async def test_a_provider_without_budget_or_that_was_asked_already_is_left_out(
    two: None, router: Router, person: Principal
) -> None:
    assert await (await chosen(router, person, without=frozenset({"hall"}))).name() == "centre/big"
    assert await (await chosen(router, person, best=True)).name() == "centre/big"
    assert await (await chosen(router, person, best=True, but="centre/big")).name() == "hall/good"


# --- who asks for what --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "served_by"),
    [
        ("heavy", "centre/big"),
        ("fast", "hall/good"),
        ("big", "centre/big"),
        ("hall/good", "hall/good"),
        ("auto", "hall/good"),
    ],
)
async def test_a_request_may_name_a_tier_or_a_model(
    two: None, router: Router, person: Principal, ask: str, served_by: str
) -> None:
    assert await (await chosen(router, person, ask=ask)).name() == served_by


async def test_a_model_that_is_not_here_is_refused_by_name(two: None, router: Router, person: Principal) -> None:
    with pytest.raises(NoSuchRoute, match="gpt-4"):
        await chosen(router, person, ask="gpt-4")


async def test_defaults_go_from_the_person_to_the_node_and_a_request_goes_before_all(
    two: None, router: Router, routes: Routes, defaults: Defaults, person: Principal, admitted: Callable[..., Admitted]
) -> None:
    every = await routes.all()

    async def choose(scope: Any, choice: str | None, subject: str = "") -> str | None:
        who = admitted(principal=person)
        await defaults.set_model(who, scope, subject, choice, every)
        return await (await chosen(router, person)).name()

    assert await choose("global", "heavy") == "centre/big"
    assert await choose("tenant", "light") == "hall/good"
    assert await choose("role", "big", "operator") == "centre/big"
    assert await choose("role", "good", "viewer") == "centre/big"
    assert await choose("user", "hall/good") == "hall/good"
    assert await (await chosen(router, person, ask="heavy")).name() == "centre/big"
    assert [one.scope for one in await defaults.chain(person)] == ["user", "role", "tenant", "global"]
    assert await choose("user", None) == "centre/big"
    with pytest.raises(NoSuchRoute):
        await choose("user", "gpt-4")


async def test_the_choice_of_one_plant_is_not_that_of_another(
    two: None, router: Router, routes: Routes, defaults: Defaults, person: Principal, other_tenant: Tenant,
    admitted: Callable[..., Admitted],
) -> None:  # fmt: skip
    await defaults.set_model(admitted(principal=person), "tenant", "", "heavy", await routes.all())
    await defaults.set_main(admitted(principal=person), "tenant", "centre")
    elsewhere = Principal(uuid4(), "person", other_tenant.id, "olga", "operator", 2)

    assert await (await chosen(router, person)).name() == "centre/big"
    assert await (await chosen(router, elsewhere)).name() == "hall/good"


async def test_the_main_provider_goes_first_within_a_tier(
    providers: Providers, admin: Admin, router: Router, defaults: Defaults, person: Principal, stranger: Stranger,
    other: Stranger, admitted: Callable[..., Admitted],
) -> None:  # fmt: skip
    await add(providers, admin, "hall", stranger, {"good": ["light"]}, priority=10)
    await add(providers, admin, "centre", other, {"big": ["light"]}, priority=20)
    assert await (await chosen(router, person)).name() == "hall/good"

    await defaults.set_main(admitted(principal=person), "global", "centre")

    assert await (await chosen(router, person)).name() == "centre/big"
    await defaults.set_main(admitted(principal=person), "tenant", "hall")
    assert await (await chosen(router, person)).name() == "hall/good"


# --- who is written for by which model ----------------------------------------------------------------------------

BETTER_FOR_ADMINS = """
@id("better-for-admins") @question("3") @reason("That model writes for admins.")
forbid (principal, action == Action::"models.use", resource is Model)
when { resource.provider == "centre" || resource.tiers.contains("heavy") || resource.clearance < 1 }
unless { principal in Role::"admin" };
"""


@pytest.fixture
def strict(routes: Routes, defaults: Defaults) -> Router:
    """A router by a pack that keeps the better model for admins."""
    texts = read(DEFAULT_PACK)
    changed = {**texts, "policies.cedar": texts["policies.cedar"] + BETTER_FOR_ADMINS}
    return Router(routes, defaults, PolicyEngine(parse(changed)))


async def test_a_model_that_the_policy_withholds_is_left_out_and_named(
    two: None, strict: Router, person: Principal, other: Stranger
) -> None:
    heard: list[str] = []

    writer = await chosen(strict, person, WHY, withheld=heard.extend)

    assert await writer.name() == "hall/good"
    assert await written(writer) == SAID
    assert (heard, other.asked) == (["centre/big"], [])


async def test_it_writes_for_those_whom_the_policy_lets(two: None, strict: Router, person: Principal) -> None:
    heard: list[str] = []

    writer = await chosen(strict, replace(person, role="admin"), WHY, withheld=heard.extend)

    assert (await writer.name(), heard) == ("centre/big", [])


async def test_asking_for_a_withheld_model_by_name_is_refused(two: None, strict: Router, person: Principal) -> None:
    for name in ("big", "centre/big"):
        with pytest.raises(ModelNotPermitted):
            await chosen(strict, person, ask=name)


async def test_a_sign_in_narrowed_to_questions_has_them_written_for(
    two: None, router: Router, person: Principal
) -> None:
    narrowed = replace(person, scopes=frozenset({"chat.ask"}))

    assert await (await chosen(router, narrowed)).name() == "hall/good"


async def test_even_the_best_is_not_asked_where_it_is_withheld(two: None, strict: Router, person: Principal) -> None:
    assert await (await chosen(strict, person, best=True)).name() == "hall/good"
    assert await (await chosen(strict, person, best=True, but="hall/good")).name() is None


async def worded(store: Store, run: Path, router: Router, who: Principal) -> dict[str, Any]:
    """Have an answer written for somebody through the gate; the metadata of its last record."""
    recorder = Recorder(store, Instance(run))
    gate = Gate(PolicyEngine(), recorder, minter())
    store.post_record = gate.post_record
    wording = Wording(router, NoCards(), Spending(store), screens(store), within=20)  # type: ignore[arg-type]
    try:
        async with gate.admit(who, "chat.ask") as admitted:
            steps = wording.tell(admitted, WHY, answer(), length="short", anew=False, ask="")
            assert [step async for step in steps]
    finally:
        await gate.close()
        await recorder.close()
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        query = select(LeafRow.record).where(LeafRow.log == f"{who.tenant_id}/1").order_by(LeafRow.seq.desc())
        found: dict[str, Any] = json.loads((await session.scalars(query)).first() or "{}")["metadata"]
    return found


async def test_the_record_of_an_answer_names_the_models_that_were_withheld(
    store: Store, run: Path, two: None, strict: Router, person: Principal
) -> None:
    assert (await worded(store, run, strict, person))["models_refused"] == ["centre/big"]


async def test_the_record_names_no_model_where_none_was_withheld(
    store: Store, run: Path, two: None, strict: Router, person: Principal
) -> None:
    assert "models_refused" not in await worded(store, run, strict, replace(person, role="admin"))
