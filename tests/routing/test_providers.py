"""The registry of providers: nothing is taken that was not listed, asked and measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.routing import Providers, Routes
from appliance.routing import store as queries
from appliance.routing.errors import (
    AddressRefused,
    BadProvider,
    NoSuchProvider,
    ProviderExists,
    ProviderRefused,
)
from appliance.routing.providers import Registration
from appliance.routing.values import LOCAL, Provider
from appliance.shelf import Shelf
from appliance.shelf.errors import BadModelName
from appliance.store import CONTROL, Admitted, Purpose, Store
from tests.routing.stranger import Stranger

Admin = Callable[[], Admitted]
SECRET = "sk-plant-1234567890"


def told(stranger: Stranger, **about: Any) -> Registration:
    return Registration(**{"base_url": stranger.url, "models": {"good": ["heavy"]}} | about)


async def taken(providers: Providers, admin: Admin, stranger: Stranger, **about: Any) -> Provider:
    return await providers.register(admin(), "hall", "openai_compatible", told(stranger, **about))


async def test_a_provider_is_asked_measured_and_kept(
    providers: Providers, admin: Admin, stranger: Stranger, shelf: Shelf
) -> None:
    made = await taken(providers, admin, stranger, models={"good": ["heavy"], "small": ["fast"]})

    assert {one.name: one.tiers for one in made.models} == {"good": ("heavy",), "small": ("light",)}
    assert all(one.speed.prompt > 0 and one.speed.decode > 0 for one in made.models)
    assert {one["model"] for one in stranger.asked} == {"good", "small"}
    assert [one.name for one in await providers.all(admin())] == [LOCAL, "hall"]
    assert await providers.one(admin(), str(made.id)) == await providers.one(admin(), "hall")
    assert [(one.what, one.model) for one in await shelf.history(admin())] == [("registered", "hall")]


async def test_what_is_given_to_a_provider_is_bounded_unless_an_admin_widens_it(
    providers: Providers, admin: Admin, stranger: Stranger
) -> None:
    assert (await taken(providers, admin, stranger)).clearance == 2
    assert (await providers.change(admin(), "hall", Registration(clearance=3))).clearance == 3


async def test_a_key_is_sent_kept_sealed_and_never_shown(
    providers: Providers, admin: Admin, stranger: Stranger, store: Store
) -> None:
    made = await taken(providers, admin, stranger, key=SECRET)

    assert {one["authorization"] for one in stranger.headers} == {f"Bearer {SECRET}"}
    assert made.has_key
    assert SECRET not in repr(made)
    async with store.open_internal(Purpose.SHELF, CONTROL) as session:
        (sealed,) = (await queries.keys(session)).values()
    assert SECRET.encode() not in sealed
    stranger.headers.clear()
    async with await providers.client(made, "good") as client:
        assert SECRET not in repr(client)
        await client.models()
    assert stranger.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert not (await providers.change(admin(), "hall", Registration(key=""))).has_key
    assert "authorization" not in stranger.headers[-1]


async def test_a_sealed_key_that_was_moved_to_another_provider_opens_nothing(
    providers: Providers, admin: Admin, stranger: Stranger, store: Store
) -> None:
    made = await taken(providers, admin, stranger, key=SECRET)
    second = await providers.register(admin(), "second", "ollama", told(stranger))
    async with store.open_internal(Purpose.SHELF, CONTROL, write=True) as session:
        await queries.keep(session, second, (await queries.keys(session))[made.id])

    with pytest.raises(ProviderRefused, match="key"):
        await providers.client(second, "good")


@pytest.mark.parametrize("mood", ["down", "busy", "refuses", "unknown", "garbage", "odd", "endless", "redirects"])
async def test_one_that_does_not_answer_as_it_should_is_not_taken(
    providers: Providers, admin: Admin, stranger: Stranger, mood: str
) -> None:
    stranger.mood = mood

    with pytest.raises(ProviderRefused):
        await taken(providers, admin, stranger)

    assert [one.name for one in await providers.all(admin())] == [LOCAL]


@pytest.mark.parametrize(
    ("name", "kind", "about", "error"),
    [
        ("local", "openai_compatible", {}, BadProvider),
        ("Hall 7", "openai_compatible", {}, BadProvider),
        ("hall", "azure_openai", {}, ProviderRefused),
        ("hall", "llama_cpp", {}, ProviderRefused),
        ("hall", "openai_compatible", {"models": {"missing": ["light"]}}, ProviderRefused),
        ("hall", "openai_compatible", {"models": {"good": ["huge"]}}, BadModelName),
        ("hall", "openai_compatible", {"models": {}}, BadProvider),
        ("hall", "openai_compatible", {"base_url": "https://api.openai.com/v1"}, AddressRefused),
        ("hall", "openai_compatible", {"base_url": "http://169.254.169.254/latest"}, AddressRefused),
    ],
)
async def test_what_cannot_be_a_provider_is_refused_with_a_reason(
    providers: Providers, admin: Admin, stranger: Stranger, name: str, kind: str, about: dict[str, Any], error: type[Exception]
) -> None:  # fmt: skip
    with pytest.raises(error):
        await providers.register(admin(), name, kind, told(stranger, **about))

    assert [one.name for one in await providers.all(admin())] == [LOCAL]


async def test_a_name_is_given_once(providers: Providers, admin: Admin, stranger: Stranger) -> None:
    await taken(providers, admin, stranger)

    with pytest.raises(ProviderExists):
        await taken(providers, admin, stranger)


async def test_a_change_that_fails_changes_nothing(
    providers: Providers, admin: Admin, stranger: Stranger, other: Stranger
) -> None:
    before = await taken(providers, admin, stranger)

    with pytest.raises(ProviderRefused):
        await providers.change(admin(), "hall", Registration(base_url=other.url))
    with pytest.raises(AddressRefused):
        await providers.change(admin(), "hall", Registration(base_url="http://10.9.9.9:8000"))

    assert await providers.one(admin(), "hall") == before


async def test_the_nodes_own_can_be_ordered_and_switched_off_and_nothing_else(
    providers: Providers, admin: Admin, stranger: Stranger, routes: Routes
) -> None:
    changed = await providers.change(admin(), LOCAL, Registration(priority=90, enabled=False))

    assert (changed.priority, changed.enabled) == (90, False)
    assert (await providers.known())[0] == await providers.one(admin(), LOCAL)
    for wrong in (Registration(base_url=stranger.url), Registration(models={"good": ["light"]}), Registration(key="x")):
        with pytest.raises(BadProvider):
            await providers.change(admin(), LOCAL, wrong)
    with pytest.raises(BadProvider):
        await providers.remove(admin(), LOCAL)


async def test_a_removed_provider_is_asked_no_longer_and_its_key_is_gone(
    providers: Providers, admin: Admin, stranger: Stranger, routes: Routes, store: Store
) -> None:
    await taken(providers, admin, stranger, key=SECRET)
    assert [one.name for one in await routes.all()] == ["hall/good"]

    await providers.remove(admin(), "hall")

    assert await routes.all() == []
    async with store.open_internal(Purpose.SHELF, CONTROL) as session:
        assert await queries.keys(session) == {}
    with pytest.raises(NoSuchProvider):
        await providers.one(admin(), "hall")


async def test_one_whose_host_the_owner_has_taken_off_the_list_is_not_asked(
    providers: Providers, admin: Admin, stranger: Stranger, store: Store, shelf: Shelf
) -> None:
    made = await taken(providers, admin, stranger)
    stranger.asked.clear()

    with pytest.raises(AddressRefused):
        await Providers(store, shelf.force, []).client(made, "good")

    assert stranger.asked == []
