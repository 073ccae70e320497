"""Passwords beside an identity provider: closed where the owner wants it so, and never where there is no other way in."""

from __future__ import annotations

import pytest

from appliance.identity.errors import SignInRefused
from appliance.identity.federation.errors import LocalSignInOff
from appliance.store import Tenant
from tests.identity.federation.company import FederatedSite
from tests.identity.site import PASSWORD


async def test_where_passwords_are_for_emergencies_a_provider_closes_them(
    either_site: FederatedSite, tenant: Tenant, other_tenant: Tenant
) -> None:
    site = either_site
    site.local = False
    for plant in (tenant, other_tenant):
        await site.add(plant, "lars")
    before = await site.login(tenant, "lars")
    await site.trust(tenant)

    for password in (PASSWORD, "a wrong password"):
        with pytest.raises(LocalSignInOff):
            await site.login(tenant, "lars", password)
    assert (await site.login(other_tenant, "lars")).person.username == "lars"
    assert (await site.sign_in.authenticate(before.access_token)).name == "lars"
    assert site.record.reasons() == ["local off", "local off"]


async def test_the_owner_of_the_box_breaks_the_glass(site: FederatedSite, tenant: Tenant) -> None:
    await site.add(tenant, "lars")
    await site.trust(tenant)
    site.local = False
    with pytest.raises(LocalSignInOff):
        await site.login(tenant, "lars")

    site.local = True
    assert (await site.login(tenant, "lars")).person.username == "lars"
    with pytest.raises(SignInRefused):
        await site.login(tenant, "lars", "a wrong password")


async def test_a_provider_that_is_switched_off_opens_passwords_again(site: FederatedSite, tenant: Tenant) -> None:
    site.local = False
    await site.add(tenant, "lars")
    await site.trust(tenant, enabled=False)

    assert (await site.login(tenant, "lars")).person.username == "lars"
