"""Attacks on badges and PINs: found badges, guessed PINs, tokens carried away from the kiosk."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator

import pytest

from appliance.identity.errors import BadgeRefused, KioskRefused, TokenRefused, TooManyAttempts
from appliance.identity.identities import SECRET
from appliance.identity.tokens import Claims, Tokens
from appliance.identity.values import PersonChange
from appliance.store import Store, Tenant
from tests.identity.site import Site
from tests.identity.test_badges import BADGE, PIN, Floor, olga

pytestmark = pytest.mark.one_try


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


async def test_a_found_badge_reads_and_changes_nothing(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()

    assert (await floor.who(await floor.read())).role == "viewer"


async def test_six_wrong_pins_lock_the_pin_and_neither_badge_nor_password(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    for _ in range(6):
        with pytest.raises(BadgeRefused):
            await floor.read(pin="000001")
    with pytest.raises(BadgeRefused):
        await floor.read(pin=PIN)

    assert site.record.reasons() == ["wrong PIN"] * 6 + ["PIN locked"]
    assert (await floor.read()).role == "viewer"
    assert await site.login(tenant, "olga")
    site.clock.pass_(minutes=15)
    assert (await floor.read(pin=PIN)).role == "operator"


async def test_pins_guessed_at_once_are_all_counted(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    kiosk = await site.sign_in.authenticate(await floor.token())

    async def attempt() -> None:
        with pytest.raises(BadgeRefused):
            await site.badges.sign_in(kiosk, BADGE, "000001")

    await asyncio.gather(*[attempt() for _ in range(12)])

    assert site.record.reasons().count("wrong PIN") == 6
    assert site.record.reasons().count("PIN locked") == 6


async def test_reading_the_badge_in_between_does_not_buy_more_guesses(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    for _ in range(6):
        await floor.read()
        with pytest.raises(BadgeRefused):
            await floor.read(pin="000001")

    with pytest.raises(BadgeRefused):
        await floor.read(pin=PIN)


async def test_a_kiosk_that_tries_badge_numbers_is_stopped(node_store: Store, tenant: Tenant) -> None:
    site = Site(node_store, burst=5)
    try:
        floor = await Floor(site, tenant).set_up()
        kiosk = await site.sign_in.authenticate(await floor.token())
        badges = site.badges
        for number in range(5):
            with pytest.raises(BadgeRefused):
                await badges.sign_in(kiosk, f"guess-{number:04}", None)
        with pytest.raises(TooManyAttempts):
            await badges.sign_in(kiosk, BADGE, None)
    finally:
        site.close()


async def test_a_token_carried_away_from_its_kiosk_opens_nothing(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    here, there = await Floor(site, tenant).set_up(), await Floor(site, tenant).set_up()
    at = await here.read(pin=PIN)
    person = (await site.login(tenant, "olga")).access_token

    with pytest.raises(KioskRefused):
        await site.sign_in.authenticate(at.access_token)
    for beside in (await there.token(), at.access_token, person):
        with pytest.raises(KioskRefused):
            await site.sign_in.authenticate(at.access_token, kiosk_token=beside)
    for beside in ("", "a.b.c", "opk_"):
        with pytest.raises(TokenRefused):
            await site.sign_in.authenticate(at.access_token, kiosk_token=beside)


async def test_a_kiosk_token_that_is_too_old_no_longer_speaks_for_the_kiosk(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    at, old = await floor.read(pin=PIN), await floor.token()
    site.clock.pass_(minutes=6)

    with pytest.raises(TokenRefused):
        await site.sign_in.authenticate(at.access_token, kiosk_token=old)


async def test_our_own_signature_does_not_move_a_session_to_or_from_a_kiosk(site: Site, tenant: Tenant) -> None:
    person, floor = await olga(site, tenant), await Floor(site, tenant).set_up()
    at = await floor.who(await floor.read(pin=PIN))
    desk = await site.principal(tenant, "olga")
    tokens = Tokens(site.store.signing(SECRET), clock=site.clock)
    moved = [
        Claims(person.id, tenant.id, "operator", session=at.session_id),
        Claims(person.id, tenant.id, "operator", session=desk.session_id, kiosk=floor.id),
    ]
    for claims in moved:
        with pytest.raises(TokenRefused):
            await site.sign_in.authenticate(
                tokens.issue(claims, dt.timedelta(minutes=5)), kiosk_token=await floor.token()
            )


async def test_the_badge_of_another_plant_or_of_somebody_switched_off_opens_nothing(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    person = await olga(site, tenant)
    elsewhere = await Floor(site, other_tenant).set_up()
    here = await Floor(site, tenant).set_up()
    await site.people.update(site.admitted(tenant), person.id, PersonChange(is_active=False))

    for floor in (elsewhere, here):
        with pytest.raises(BadgeRefused):
            await floor.read(pin=PIN)
    assert site.record.reasons() == ["unknown badge", "person inactive"]
