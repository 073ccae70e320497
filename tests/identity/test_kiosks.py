"""Kiosks: enrolled once, known by their key."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.errors import InvalidInput
from appliance.identity.errors import (
    BeyondOwnClearance,
    EnrolmentRefused,
    InvalidKey,
    KeyKnown,
    TokenRefused,
    UnknownKiosk,
)
from appliance.store import Tenant, new_id
from tests.identity.site import Device, Site


async def test_a_kiosk_enrols_with_a_code_and_gets_tokens_with_its_key(either_site: Site, tenant: Tenant) -> None:
    device = Device()
    code = await either_site.kiosks.issue_code(either_site.admitted(tenant))

    enrolled = await either_site.kiosks.enrol(code.code, "Filler line 2", device.public_jwk)
    principal = await either_site.sign_in.authenticate(await either_site.kiosk_token(enrolled.kiosk.id, device))

    assert enrolled.tenant_slug == tenant.slug
    assert (principal.kind, principal.role, principal.clearance) == ("kiosk", "viewer", 2)
    assert (principal.id, principal.kiosk_id, principal.tenant_id) == (enrolled.kiosk.id, enrolled.kiosk.id, tenant.id)
    assert (principal.name, principal.session_id) == ("Filler line 2", None)
    assert either_site.record.events() == ["kiosk.enrolled", "auth.login"]
    assert either_site.record.written[0].metadata["by"]


async def test_a_code_is_read_from_paper_so_case_and_hyphens_do_not_matter(site: Site, tenant: Tenant) -> None:
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code

    assert await site.kiosks.enrol(f" {code.upper().replace('-', ' ')}", "Line 1", Device().public_jwk)


async def test_a_kiosk_has_the_clearance_of_its_code_and_never_more_than_the_admins(site: Site, tenant: Tenant) -> None:
    device = Device()
    kiosk_id = await site.enrolled(tenant, device, clearance=1)

    assert (await site.sign_in.authenticate(await site.kiosk_token(kiosk_id, device))).clearance == 1
    with pytest.raises(BeyondOwnClearance):
        await site.kiosks.issue_code(site.admitted(tenant, clearance=2), clearance=3)
    with pytest.raises(InvalidInput):
        await site.kiosks.issue_code(site.admitted(tenant), clearance=4)


async def test_a_kiosks_token_lasts_five_minutes(site: Site, tenant: Tenant) -> None:
    device = Device()
    token = await site.kiosk_token(await site.enrolled(tenant, device), device)

    site.clock.pass_(minutes=5, seconds=31)

    with pytest.raises(TokenRefused):
        await site.sign_in.authenticate(token)


async def test_a_kiosk_gets_token_after_token(either_site: Site, tenant: Tenant) -> None:
    device = Device()
    kiosk_id = await either_site.enrolled(tenant, device)

    tokens = {await either_site.kiosk_token(kiosk_id, device) for _ in range(3)}

    assert len(tokens) == 3
    (kiosk,) = await either_site.kiosks.page(either_site.admitted(tenant), limit=5)
    assert kiosk.last_seen == either_site.clock.now


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"x": "AAAA"},
        {"y": None},
        {"x": "not base64!"},
        {"x": "A" * 43, "y": "A" * 43},
    ],
    ids=str,
)
async def test_only_a_public_key_on_p256_is_taken_and_the_code_still_works(
    site: Site, tenant: Tenant, change: dict[str, Any]
) -> None:
    device = Device()
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code

    with pytest.raises(InvalidKey):
        await site.kiosks.enrol(code, "Line 1", device.public_jwk | change)

    assert await site.kiosks.enrol(code, "Line 1", device.public_jwk)


async def test_a_device_that_sends_its_private_key_is_refused(site: Site, tenant: Tenant) -> None:
    code = (await site.kiosks.issue_code(site.admitted(tenant))).code

    with pytest.raises(InvalidKey):
        await site.kiosks.enrol(code, "Line 1", Device().private_jwk)


async def test_a_key_is_enrolled_once_and_the_code_still_works(either_site: Site, tenant: Tenant) -> None:
    device = Device()
    await either_site.enrolled(tenant, device)
    code = (await either_site.kiosks.issue_code(either_site.admitted(tenant))).code

    with pytest.raises(KeyKnown):
        await either_site.kiosks.enrol(code, "Again", device.public_jwk)

    assert await either_site.kiosks.enrol(code, "Another", Device().public_jwk)


async def test_old_codes_are_forgotten_when_a_new_one_is_made(either_site: Site, tenant: Tenant) -> None:
    old = (await either_site.kiosks.issue_code(either_site.admitted(tenant))).code
    either_site.clock.pass_(hours=25)
    await either_site.kiosks.issue_code(either_site.admitted(tenant))

    with pytest.raises(EnrolmentRefused):
        await either_site.kiosks.enrol(old, "Line 1", Device().public_jwk)


async def test_kiosks_are_listed_by_name_a_page_at_a_time(either_site: Site, tenant: Tenant) -> None:
    for _ in range(3):
        await either_site.enrolled(tenant, Device())

    first = await either_site.kiosks.page(either_site.admitted(tenant), limit=2)
    rest = await either_site.kiosks.page(
        either_site.admitted(tenant), after=(first[-1].name, str(first[-1].id)), limit=2
    )

    assert len({kiosk.id for kiosk in (*first, *rest)}) == 3


async def test_an_unknown_kiosk_cannot_be_revoked(either_site: Site, tenant: Tenant) -> None:
    with pytest.raises(UnknownKiosk):
        await either_site.kiosks.revoke(either_site.admitted(tenant), new_id())
