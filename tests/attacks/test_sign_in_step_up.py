"""Attacks on step-up: used twice, for something else, by somebody else, from another session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from appliance.identity.errors import ProofRefused, StepUpRefused, TokenRefused
from appliance.identity.values import Proof
from appliance.store import Principal, Store, Tenant
from tests.identity.site import PASSWORD, Site

pytestmark = pytest.mark.one_try

BY_PASSWORD = Proof(password=PASSWORD)


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


@pytest.fixture
async def ada(site: Site, tenant: Tenant) -> Principal:
    await site.add(tenant, "ada", "admin")
    return await site.principal(tenant, "ada")


async def test_a_step_up_works_once(site: Site, ada: Principal) -> None:
    given = await site.step_ups.give(ada, "people.update", "vera", BY_PASSWORD)
    await site.step_ups.require(ada, "people.update", "vera", given)

    with pytest.raises(StepUpRefused):
        await site.step_ups.require(ada, "people.update", "vera", given)


async def test_a_step_up_used_twice_at_once_works_once(site: Site, ada: Principal) -> None:
    given = await site.step_ups.give(ada, "people.update", "vera", BY_PASSWORD)

    async def attempt() -> bool:
        try:
            await site.step_ups.require(ada, "people.update", "vera", given)
        except StepUpRefused:
            return False
        return True

    assert sum(await asyncio.gather(*[attempt() for _ in range(6)])) == 1


@pytest.mark.parametrize(
    ("action", "resource"), [("kiosks.enrol", "vera"), ("people.update", "nora"), ("people.update", "")]
)
async def test_a_step_up_serves_one_action_on_one_thing(site: Site, ada: Principal, action: str, resource: str) -> None:
    given = await site.step_ups.give(ada, "people.update", "vera", BY_PASSWORD)

    with pytest.raises(StepUpRefused):
        await site.step_ups.require(ada, action, resource, given)


async def test_a_step_up_does_not_serve_another_session_of_the_same_person(
    site: Site, ada: Principal, tenant: Tenant
) -> None:
    given = await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)
    elsewhere = await site.principal(tenant, "ada")

    with pytest.raises(StepUpRefused):
        await site.step_ups.require(elsewhere, "kiosks.enrol", "", given)


async def test_a_step_up_does_not_serve_another_person(site: Site, ada: Principal, tenant: Tenant) -> None:
    await site.add(tenant, "mallory", "admin")
    given = await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)

    with pytest.raises(StepUpRefused):
        await site.step_ups.require(await site.principal(tenant, "mallory"), "kiosks.enrol", "", given)


async def test_neither_an_access_token_nor_a_step_up_passes_for_the_other(
    site: Site, ada: Principal, tenant: Tenant
) -> None:
    given = await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)
    access = (await site.login(tenant, "ada")).access_token

    with pytest.raises(TokenRefused):
        await site.sign_in.authenticate(given)
    for token in (access, "", "a.b.c", "x" * 100_000):
        with pytest.raises(StepUpRefused):
            await site.step_ups.require(ada, "kiosks.enrol", "", token)


async def test_a_stolen_session_does_not_guess_the_password(site: Site, ada: Principal) -> None:
    for _ in range(6):
        with pytest.raises(ProofRefused):
            await site.step_ups.give(ada, "kiosks.enrol", "", Proof(password="a wrong guess"))

    with pytest.raises(ProofRefused):
        await site.step_ups.give(ada, "kiosks.enrol", "", BY_PASSWORD)
    assert site.record.reasons() == ["wrong proof"] * 6 + ["locked"]
