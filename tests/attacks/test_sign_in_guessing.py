"""Attacks on passwords: guessing one account, guessing names, guessing from one place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from appliance.identity.errors import SignInRefused, TooManyAttempts
from appliance.identity.values import PersonChange
from appliance.store import Store, Tenant
from tests.attacks.tally import refusal, tried
from tests.identity.site import PASSWORD, Site


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


async def guess(site: Site, tenant: Tenant, times: int, name: str = "nora") -> None:
    for _ in range(times):
        with refusal(SignInRefused):
            await site.login(tenant, name, "a wrong guess")


async def test_six_failures_lock_the_account_even_for_the_right_password(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    await guess(site, tenant, 6)

    with refusal(SignInRefused) as refused:
        await site.login(tenant, "nora")

    assert refused.value.detail == SignInRefused().detail
    assert site.record.reasons() == ["wrong password"] * 6 + ["locked"]


async def test_five_failures_do_not_lock_and_a_right_password_starts_the_count_anew(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    for _ in range(3):
        await guess(site, tenant, 5)
        await site.login(tenant, "nora")


async def test_a_lock_ends_by_itself_and_guessing_meanwhile_does_not_prolong_it(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    await guess(site, tenant, 6)
    site.clock.pass_(minutes=10)
    await guess(site, tenant, 6)
    site.clock.pass_(minutes=5)

    assert (await site.login(tenant, "nora")).person.username == "nora"


async def test_an_admin_sees_a_lock_for_as_long_as_it_lasts(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    await guess(site, tenant, 6)

    (locked,) = await site.people.page(site.admitted(tenant), limit=5)
    site.clock.pass_(minutes=15)
    (free,) = await site.people.page(site.admitted(tenant), limit=5)

    assert locked.locked_until == site.clock.now
    assert free.locked_until is None


async def test_an_admin_unlocks_an_account(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "nora")
    await guess(site, tenant, 6)

    await site.people.update(site.admitted(tenant), person.id, PersonChange(unlock=True))

    assert (await site.login(tenant, "nora")).person.username == "nora"


async def test_a_clock_that_is_set_back_does_not_lock_for_longer(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    await guess(site, tenant, 6)
    site.clock.set_back(days=400)

    assert (await site.login(tenant, "nora")).person.username == "nora"


async def test_guesses_made_at_once_are_all_counted(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")

    async def attempt(password: str) -> bool:
        try:
            await site.login(tenant, "nora", password)
        except SignInRefused:
            return False
        return True

    guessed = await asyncio.gather(*[attempt(f"guess number {number}") for number in range(12)])

    tried(len(guessed))
    assert not any(guessed)
    assert site.record.reasons().count("wrong password") == 6
    assert site.record.reasons().count("locked") == 6
    assert not await attempt(PASSWORD)


async def test_locking_one_account_leaves_its_namesake_in_another_tenant_alone(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    await site.add(tenant, "nora")
    await site.add(other_tenant, "nora")

    await guess(site, tenant, 6)

    assert (await site.login(other_tenant, "nora")).tenant_slug == other_tenant.slug


async def test_one_address_that_guesses_names_is_stopped_before_it_fills_the_record(
    node_store: Store, tenant: Tenant
) -> None:
    site = Site(node_store, burst=5)
    await site.add(tenant, "nora")
    sign_in = site.sign_in
    try:
        for number in range(5):
            with refusal(SignInRefused):
                await sign_in.login(tenant.slug, f"guess{number}", PASSWORD, address="10.0.0.9")
        with refusal(TooManyAttempts) as stopped:
            await sign_in.login(tenant.slug, "nora", PASSWORD, address="10.0.0.9")

        assert stopped.value.context["retry_after"] == 3
        assert len(site.record.written) == 5
        assert await sign_in.login(tenant.slug, "nora", PASSWORD, address="10.0.0.8")
    finally:
        site.close()
