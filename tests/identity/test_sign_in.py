"""Signing in, staying signed in, signing out."""

from __future__ import annotations

import pytest

from appliance.errors import Unavailable
from appliance.identity.errors import NoTenant, PersonInactive, SessionEnded, SignInRefused, TokenRefused
from appliance.identity.passwords import Passwords
from appliance.identity.values import PersonChange
from appliance.store import Tenant
from tests.identity.site import PASSWORD, Site, parts


async def test_a_person_signs_in_and_is_known_by_their_token(either_site: Site, tenant: Tenant) -> None:
    person = await either_site.add(tenant, "nora")

    signed_in = await either_site.login(tenant, "nora")
    principal = await either_site.sign_in.authenticate(signed_in.access_token)

    assert (principal.id, principal.kind, principal.tenant_id) == (person.id, "person", tenant.id)
    assert (principal.role, principal.clearance, principal.name) == ("operator", 2, "nora")
    assert principal.session_id is not None
    assert signed_in.person.last_login == either_site.clock.now
    assert either_site.record.events() == ["auth.login"]
    assert either_site.record.written[0].user_id == person.id
    assert either_site.record.written[0].tenant_id == tenant.id


async def test_the_record_names_people_by_the_name_they_sign_in_with(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    signed_in = await site.login(tenant, "Nora")
    signed_in = await site.sign_in.refresh(signed_in.refresh_token)
    await site.sign_in.logout(await site.sign_in.authenticate(signed_in.access_token))

    assert site.record.events() == ["auth.login", "auth.refresh", "auth.logout"]
    assert [dict(one.personal) for one in site.record.written] == [{"username": "nora"}] * 3


async def test_a_token_carries_the_claims_that_other_programs_look_for(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "nora")

    header, claims, _ = parts((await site.login(tenant, "nora")).access_token)

    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims["sub"] == str(person.id)
    assert claims["tenant_id"] == str(tenant.id)
    assert claims["role"] == "operator"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert {"jti", "iss", "aud", "scopes", "kiosk"} <= set(claims)


async def test_a_name_is_the_same_in_any_spelling(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "Nora.Nováková")

    assert (await site.login(tenant, "  NORA.NOVÁKOVÁ ")).person.username == "nora.nováková"


@pytest.mark.parametrize(
    ("slug", "name", "password"),
    [
        ("north", "nora", "wrong"),
        ("north", "nobody", PASSWORD),
        ("nowhere", "nora", PASSWORD),
        ("south", "nora", PASSWORD),
    ],
)
async def test_what_does_not_fit_is_refused_in_the_same_words(
    site: Site, tenant: Tenant, slug: str, name: str, password: str
) -> None:
    await site.add(tenant, "nora")

    with pytest.raises(SignInRefused) as refused:
        await site.sign_in.login(slug, name, password)

    assert refused.value.detail == SignInRefused().detail
    assert refused.value.context == {}
    assert site.record.events() == ["auth.denied"]
    assert name not in str(site.record.written[0].metadata)
    assert site.record.written[0].personal["username"] == name


async def test_nobody_signs_in_while_the_record_cannot_be_written(either_site: Site, tenant: Tenant) -> None:
    await either_site.add(tenant, "nora")
    either_site.record.full = True

    with pytest.raises(Unavailable):
        await either_site.login(tenant, "nora")

    either_site.record.full = False
    assert (await either_site.login(tenant, "nora")).person.username == "nora"


async def test_an_access_token_expires(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    token = (await site.login(tenant, "nora")).access_token

    site.clock.pass_(minutes=15, seconds=29)
    await site.sign_in.authenticate(token)
    site.clock.pass_(seconds=2)

    with pytest.raises(TokenRefused):
        await site.sign_in.authenticate(token)


async def test_a_refresh_gives_new_tokens_for_the_same_session(either_site: Site, tenant: Tenant) -> None:
    await either_site.add(tenant, "nora")
    first = await either_site.login(tenant, "nora")
    either_site.clock.pass_(hours=1)

    second = await either_site.sign_in.refresh(first.refresh_token)

    assert second.refresh_token != first.refresh_token
    principal = await either_site.sign_in.authenticate(second.access_token)
    assert str(principal.session_id) == parts(first.access_token)[1]["sid"]
    assert either_site.record.events() == ["auth.login", "auth.refresh"]


async def test_a_session_ends_after_twelve_hours_without_use_and_after_a_week_in_any_case(
    site: Site, tenant: Tenant
) -> None:
    await site.add(tenant, "nora")
    idle = await site.login(tenant, "nora")
    busy = await site.login(tenant, "nora")
    for _ in range(15):
        site.clock.pass_(hours=11)
        busy = await site.sign_in.refresh(busy.refresh_token)

    with pytest.raises(SessionEnded):
        await site.sign_in.refresh(idle.refresh_token)
    site.clock.pass_(hours=4)
    with pytest.raises(SessionEnded):
        await site.sign_in.refresh(busy.refresh_token)


async def test_signing_out_ends_the_tokens_of_that_session_alone(either_site: Site, tenant: Tenant) -> None:
    await either_site.add(tenant, "nora")
    here, there = await either_site.login(tenant, "nora"), await either_site.login(tenant, "nora")
    sign_in = either_site.sign_in

    await sign_in.logout(await sign_in.authenticate(here.access_token))

    with pytest.raises(SessionEnded):
        await sign_in.authenticate(here.access_token)
    with pytest.raises(SessionEnded):
        await sign_in.refresh(here.refresh_token)
    assert (await sign_in.authenticate(there.access_token)).name == "nora"
    assert either_site.record.events()[-1] == "auth.logout"


async def test_rights_are_those_of_now_and_not_those_of_the_token(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "nora", "viewer")
    token = (await site.login(tenant, "nora")).access_token

    await site.people.update(site.admitted(tenant), person.id, PersonChange(clearance=3))

    principal = await site.sign_in.authenticate(token)
    assert (principal.role, principal.clearance) == ("viewer", 3)


async def test_an_account_that_is_switched_off_is_signed_out_and_cannot_sign_in(
    either_site: Site, tenant: Tenant
) -> None:
    person = await either_site.add(tenant, "nora")
    signed_in = await either_site.login(tenant, "nora")

    await either_site.people.update(either_site.admitted(tenant), person.id, PersonChange(is_active=False))

    with pytest.raises(SessionEnded):
        await either_site.sign_in.authenticate(signed_in.access_token)
    with pytest.raises(SessionEnded):
        await either_site.sign_in.refresh(signed_in.refresh_token)
    with pytest.raises(PersonInactive):
        await either_site.login(tenant, "nora")
    with pytest.raises(SignInRefused):
        await either_site.login(tenant, "nora", "a wrong password")
    await either_site.people.update(either_site.admitted(tenant), person.id, PersonChange(is_active=True))
    assert (await either_site.login(tenant, "nora")).person.is_active


async def test_a_password_is_hashed_anew_when_the_cost_has_changed(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    site.passwords.close()
    site.passwords = Passwords(memory_kib=16, passes=2)

    await site.login(tenant, "nora")

    site.passwords.close()
    site.passwords = Passwords(memory_kib=8, passes=1)
    assert (await site.login(tenant, "nora")).person.username == "nora"


async def test_the_owner_of_the_data_directory_is_an_admin_of_each_tenant(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    first, second = await site.sign_in.owner(None), await site.sign_in.owner(other_tenant.slug)

    assert (first.kind, first.role, first.clearance, first.name) == ("owner", "admin", 3, "owner")
    assert first.tenant_id == tenant.id
    assert second.tenant_id == other_tenant.id
    assert first.id == second.id
    with pytest.raises(NoTenant):
        await site.sign_in.owner("nowhere")
