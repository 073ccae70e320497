"""Attacks on kiosks: replayed, forged and borrowed proofs, codes used twice, revoked devices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from appliance.identity.errors import EnrolmentRefused, KeyKnown, KioskRefused, TooManyAttempts
from appliance.identity.kiosks import PREFIX
from appliance.store import Store, Tenant, new_id, open_store
from tests.attacks.tally import refusal, tried
from tests.identity.site import Device, Site, base64url

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-4, D.1.2.3)


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


@pytest.fixture
def device() -> Device:
    return Device()


async def test_a_challenge_is_good_for_one_token(site: Site, tenant: Tenant, device: Device) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    challenge = await site.kiosks.challenge(kiosk_id)
    signature = device.sign(challenge)
    await site.kiosks.token(kiosk_id, challenge, signature)

    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, challenge, signature)
    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))
    assert site.record.reasons() == ["challenge used twice", "challenge used twice"]


async def test_of_many_uses_of_a_challenge_at_once_one_wins(site: Site, tenant: Tenant, device: Device) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    challenge = await site.kiosks.challenge(kiosk_id)

    results = await asyncio.gather(
        *[site.kiosks.token(kiosk_id, challenge, device.sign(challenge)) for _ in range(4)], return_exceptions=True
    )

    tried(3)
    assert sum(isinstance(one, KioskRefused) for one in results) == 3


async def test_a_challenge_taken_before_the_last_token_is_worth_nothing(
    site: Site, tenant: Tenant, device: Device
) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    hoarded = await site.kiosks.challenge(kiosk_id)
    await site.kiosk_token(kiosk_id, device)

    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, hoarded, device.sign(hoarded))


async def test_another_key_proves_nothing(site: Site, tenant: Tenant, device: Device) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    challenge = await site.kiosks.challenge(kiosk_id)

    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, challenge, Device().sign(challenge))
    assert await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))


async def test_one_kiosk_cannot_use_the_challenge_of_another(site: Site, tenant: Tenant, device: Device) -> None:
    mine, theirs = await site.enrolled(tenant, device), await site.enrolled(tenant, Device())
    challenge = await site.kiosks.challenge(theirs)

    for kiosk_id in (mine, theirs):
        with refusal(KioskRefused):
            await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))


async def test_a_challenge_is_good_for_a_minute(site: Site, tenant: Tenant, device: Device) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    old = await site.kiosks.challenge(kiosk_id)
    site.clock.pass_(seconds=60)
    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, old, device.sign(old))

    ahead = await site.kiosks.challenge(kiosk_id)
    site.clock.set_back(hours=1)
    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, ahead, device.sign(ahead))


async def test_a_made_up_challenge_is_refused_however_well_it_is_signed(
    site: Site, tenant: Tenant, device: Device
) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    real = await site.kiosks.challenge(kiosk_id)
    altered = real[:-4] + ("AAAA" if real[-4:] != "AAAA" else "BBBB")
    for challenge in ("", PREFIX, real.removeprefix(PREFIX), altered, real + "=", real + "A", "é", PREFIX + "!!"):
        with refusal(KioskRefused):
            await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))


async def test_a_challenge_of_another_node_is_refused(
    site: Site, tenant: Tenant, device: Device, tmp_path: Path
) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    elsewhere = await open_store(tmp_path / "elsewhere")
    other = Site(elsewhere)
    try:
        await elsewhere.migrate()
        challenge = await other.kiosks.challenge(kiosk_id)
    finally:
        other.close()
        await elsewhere.close()

    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(64),
        bytes(32) + b"\x01".rjust(32, b"\0"),
        ORDER.to_bytes(32) + ORDER.to_bytes(32),
        b"\xff" * 64,
        b"\x01" * 63,
        b"\x01" * 65,
    ],
    ids=["empty", "zero r and s", "zero r", "the order itself", "beyond the order", "short", "long"],
)
async def test_a_signature_of_nothing_is_refused(site: Site, tenant: Tenant, device: Device, raw: bytes) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    challenge = await site.kiosks.challenge(kiosk_id)

    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, challenge, base64url(raw))


async def test_a_kiosk_that_never_was_gets_a_challenge_and_nothing_for_it(
    site: Site, tenant: Tenant, device: Device
) -> None:
    nobody = new_id()
    challenge = await site.kiosks.challenge(nobody)

    with refusal(KioskRefused):
        await site.kiosks.token(nobody, challenge, device.sign(challenge))


async def test_a_revoked_kiosk_is_refused_at_once_and_for_good(site: Site, tenant: Tenant, device: Device) -> None:
    kiosk_id = await site.enrolled(tenant, device)
    token = await site.kiosk_token(kiosk_id, device)
    challenge = await site.kiosks.challenge(kiosk_id)

    await site.kiosks.revoke(site.admitted(tenant), kiosk_id)

    with refusal(KioskRefused):
        await site.sign_in.authenticate(token)
    with refusal(KioskRefused):
        await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code
    with refusal(KeyKnown):
        await site.kiosks.enrol(code, "Back again", device.public_jwk)


async def test_a_code_enrols_one_device_also_when_two_try_at_once(site: Site, tenant: Tenant) -> None:
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code

    results = await asyncio.gather(
        *[site.kiosks.enrol(code, "Line 1", Device().public_jwk) for _ in range(3)], return_exceptions=True
    )

    tried(2)
    assert sum(isinstance(one, EnrolmentRefused) for one in results) == 2
    assert len(await site.kiosks.page(site.admitted(tenant), limit=10)) == 1


async def test_a_code_is_good_for_a_day(site: Site, tenant: Tenant) -> None:
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code
    site.clock.pass_(hours=24)

    with refusal(EnrolmentRefused):
        await site.kiosks.enrol(code, "Line 1", Device().public_jwk)


async def test_codes_are_not_guessed_from_one_address(node_store: Store, tenant: Tenant) -> None:
    site = Site(node_store, burst=5)
    kiosks = site.kiosks
    try:
        for _ in range(5):
            with refusal(EnrolmentRefused):
                await kiosks.enrol("aaaa-bbbb-cccc", "Line 1", Device().public_jwk)
        with refusal(TooManyAttempts):
            await kiosks.enrol("aaaa-bbbb-cccd", "Line 1", Device().public_jwk)
    finally:
        site.close()


async def test_no_kiosk_is_enrolled_and_no_token_given_while_the_record_cannot_be_written(
    site: Site, tenant: Tenant, device: Device
) -> None:
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code
    site.record.full = True
    with refusal(Unavailable):
        await site.kiosks.enrol(code, "Line 1", device.public_jwk)
    site.record.full = False
    kiosk_id = (await site.kiosks.enrol(code, "Line 1", device.public_jwk)).kiosk.id
    challenge = await site.kiosks.challenge(kiosk_id)
    site.record.full = True
    with refusal(Unavailable):
        await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))
    site.record.full = False

    assert await site.kiosks.token(kiosk_id, challenge, device.sign(challenge))
