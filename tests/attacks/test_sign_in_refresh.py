"""Attacks on refresh tokens: stolen, copied, replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from appliance.errors import Unavailable
from appliance.identity.errors import SessionEnded
from appliance.identity.tables import RefreshTokenRow
from appliance.store import CONTROL, Purpose, Store, Tenant
from tests.attacks.tally import refusal, tried
from tests.identity.site import Site


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


async def test_a_refresh_token_that_is_used_again_ends_the_session_of_thief_and_owner(
    site: Site, tenant: Tenant
) -> None:
    await site.add(tenant, "nora")
    stolen = await site.login(tenant, "nora")
    kept = await site.sign_in.refresh(stolen.refresh_token)

    with refusal(SessionEnded):
        await site.sign_in.refresh(stolen.refresh_token)

    with refusal(SessionEnded):
        await site.sign_in.refresh(kept.refresh_token)
    with refusal(SessionEnded):
        await site.sign_in.authenticate(kept.access_token)
    assert site.record.reasons() == ["refresh token used twice"]


async def test_a_refresh_token_replayed_for_ever_is_recorded_once(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    stolen = await site.login(tenant, "nora")
    await site.sign_in.refresh(stolen.refresh_token)
    for _ in range(4):
        with refusal(SessionEnded):
            await site.sign_in.refresh(stolen.refresh_token)

    assert site.record.reasons() == ["refresh token used twice"]


async def test_of_two_uses_at_once_one_wins_and_the_session_ends(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    token = (await site.login(tenant, "nora")).refresh_token

    results = await asyncio.gather(*[site.sign_in.refresh(token) for _ in range(4)], return_exceptions=True)

    won = [one for one in results if not isinstance(one, BaseException)]
    tried(3)
    assert len(won) == 1
    assert all(isinstance(one, SessionEnded) for one in results if one not in won)
    with refusal(SessionEnded):
        await site.sign_in.authenticate(won[0].access_token)


async def test_a_made_up_refresh_token_is_refused_and_fills_no_record(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    for made_up in ("", "x", "x" * 256, "é" * 43):
        with refusal(SessionEnded):
            await site.sign_in.refresh(made_up)

    assert site.record.written == []


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    signed_in = await site.login(tenant, "nora")

    with refusal(SessionEnded):
        await site.sign_in.refresh(signed_in.access_token)


async def test_whoever_reads_the_database_finds_no_refresh_token(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    token = (await site.login(tenant, "nora")).refresh_token

    async with site.store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
        (row,) = (await session.scalars(select(RefreshTokenRow))).all()

    assert row.hash != token
    with refusal(SessionEnded):
        await site.sign_in.refresh(row.hash)


async def test_a_refresh_that_could_not_be_recorded_did_not_happen(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    token = (await site.login(tenant, "nora")).refresh_token
    site.record.full = True
    with refusal(Unavailable):
        await site.sign_in.refresh(token)
    site.record.full = False

    assert (await site.sign_in.refresh(token)).person.username == "nora"
