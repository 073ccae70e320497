"""Second factors: enrolled, asked for at sign-in, removed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from appliance.errors import Unavailable
from appliance.identity.errors import (
    FactorExists,
    FactorRefused,
    NotAPerson,
    OwnAccount,
    PersonInactive,
    SecondFactorRefused,
    SecondFactorRequired,
    SessionEnded,
    TokenRefused,
    UnknownFactor,
    UnknownPerson,
)
from appliance.identity.rules import WITHOUT_FACTOR
from appliance.identity.tables import FactorRow, RecoveryCodeRow
from appliance.identity.values import PersonChange, utc_now
from appliance.policy import PolicyEngine
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant, new_id
from tests.identity.site import PASSWORD, App, Site
from tests.identity.web import Web, web


@pytest.fixture
def site(either_site: Site) -> Site:
    return either_site


async def test_a_person_with_an_app_signs_in_with_password_and_code(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    app = await site.with_app(tenant, await site.principal(tenant, "nora"))
    site.clock.pass_(seconds=30)

    with pytest.raises(SecondFactorRequired) as step:
        await site.login(tenant, "nora")
    signed_in = await site.second_factor(step.value.context["challenge"], "totp", app.code())

    assert step.value.context["kinds"] == ["totp", "recovery"]
    assert (await site.sign_in.authenticate(signed_in.access_token)).name == "nora"
    assert site.record.events()[-2:] == ["auth.password", "auth.login"]
    assert site.record.written[-1].metadata == {"second_factor": "totp"}


async def test_an_offer_that_no_code_has_confirmed_is_not_asked_for(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")
    offer = await site.factors.begin_totp(site.admitted(tenant, principal=nora), "Phone", "North")

    with pytest.raises(FactorRefused):
        await site.factors.confirm_totp(site.admitted(tenant, principal=nora), offer.factor.id, "000000")

    assert (await site.login(tenant, "nora")).person.username == "nora"
    assert not (await site.factors.own(site.admitted(tenant, principal=nora))).recovery_codes


async def test_a_second_offer_replaces_the_first_and_a_second_app_is_refused(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")
    first = await site.factors.begin_totp(site.admitted(tenant, principal=nora), "Phone", "North")
    await site.with_app(tenant, nora)

    with pytest.raises(UnknownFactor):
        await site.factors.confirm_totp(site.admitted(tenant, principal=nora), first.factor.id, "000000")
    with pytest.raises(FactorExists):
        await site.factors.begin_totp(site.admitted(tenant, principal=nora), "Other phone", "North")


async def test_confirming_the_first_factor_ends_the_sessions_opened_without_it(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    elsewhere = await site.login(tenant, "nora")
    here = await site.login(tenant, "nora")

    await site.with_app(tenant, await site.sign_in.authenticate(here.access_token))

    assert (await site.sign_in.authenticate(here.access_token)).name == "nora"
    with pytest.raises(SessionEnded):
        await site.sign_in.authenticate(elsewhere.access_token)


async def test_recovery_codes_serve_while_the_clock_is_wrong(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    app = await site.with_app(tenant, await site.principal(tenant, "nora"))
    site.clock.set_back(days=400)
    challenge = await site.challenge(tenant, "nora")

    with pytest.raises(SecondFactorRefused):
        await site.second_factor(challenge, "totp", app.code())

    assert await site.second_factor(challenge, "recovery", app.recovery_codes[3].upper())


async def test_new_recovery_codes_make_the_old_ones_void(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")
    app = await site.with_app(tenant, nora)

    fresh = await site.factors.renew_codes(site.admitted(tenant, principal=nora))
    challenge = await site.challenge(tenant, "nora")
    with pytest.raises(SecondFactorRefused):
        await site.second_factor(challenge, "recovery", app.recovery_codes[0])

    assert len(set(fresh)) == 10
    assert await site.second_factor(challenge, "recovery", fresh[0])


async def test_removing_the_last_factor_takes_the_recovery_codes_along(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")
    await site.with_app(tenant, nora)
    (factor,) = (await site.factors.own(site.admitted(tenant, principal=nora))).factors

    await site.factors.remove(site.admitted(tenant, principal=nora), factor.id)

    assert (await site.factors.own(site.admitted(tenant, principal=nora))).recovery_codes == 0
    assert await site.login(tenant, "nora")
    with pytest.raises(UnknownFactor):
        await site.factors.renew_codes(site.admitted(tenant, principal=nora))


async def test_an_admin_removes_the_factors_of_somebody_who_lost_them(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    before = await site.login(tenant, "nora")
    nora = await site.sign_in.authenticate(before.access_token)
    await site.with_app(tenant, nora)

    await site.factors.reset(site.admitted(tenant), nora.id)

    with pytest.raises(SessionEnded):
        await site.sign_in.authenticate(before.access_token)
    assert await site.login(tenant, "nora")


async def test_nobody_resets_their_own_factors_or_those_of_another_tenant(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    await site.add(other_tenant, "nora")
    nora = await site.principal(other_tenant, "nora")
    app = await site.with_app(other_tenant, nora)

    with pytest.raises(UnknownPerson):
        await site.factors.reset(site.admitted(tenant), nora.id)
    with pytest.raises(OwnAccount):
        await site.factors.reset(site.admitted(other_tenant, principal=nora), nora.id)

    assert await site.second_factor(await site.challenge(other_tenant, "nora"), "recovery", app.recovery_codes[0])


async def test_factors_are_for_people_alone(site: Site, tenant: Tenant) -> None:
    for kind in ("owner", "service"):
        who = Principal(new_id(), kind, tenant.id, "somebody", "admin", 3)
        with pytest.raises(NotAPerson):
            await site.factors.begin_totp(site.admitted(tenant, principal=who), "Phone", "North")


async def test_secret_and_recovery_codes_do_not_stand_in_the_database(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    nora = await site.principal(tenant, "nora")
    offer = await site.factors.begin_totp(site.admitted(tenant, principal=nora), "Phone", "North")
    app = await site.with_app(tenant, nora)
    async with site.store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
        factors = (await session.scalars(select(FactorRow))).all()
        hashes = {row.hash for row in (await session.scalars(select(RecoveryCodeRow))).all()}

    assert len(factors) == 1
    assert offer.secret.encode() not in factors[0].sealed
    assert not hashes & set(app.recovery_codes)
    assert all(len(one) == 64 for one in hashes)


async def test_without_a_record_nobody_comes_in_and_the_code_is_not_used_up(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "nora")
    app = await site.with_app(tenant, await site.principal(tenant, "nora"))
    challenge = await site.challenge(tenant, "nora")
    site.record.full = True

    with pytest.raises(Unavailable):
        await site.second_factor(challenge, "recovery", app.recovery_codes[0])
    site.record.full = False

    assert await site.second_factor(challenge, "recovery", app.recovery_codes[0])


async def test_a_challenge_lasts_five_minutes_and_no_longer_than_the_password(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "nora")
    app = await site.with_app(tenant, await site.principal(tenant, "nora"))
    old = await site.challenge(tenant, "nora")
    site.clock.pass_(minutes=5)
    with pytest.raises(TokenRefused):
        await site.second_factor(old, "totp", app.code())

    earned = await site.challenge(tenant, "nora")
    await site.people.update(site.admitted(tenant), person.id, PersonChange(password="a new long password"))
    with pytest.raises(TokenRefused):
        await site.second_factor(earned, "totp", app.code())


async def test_a_person_switched_off_between_the_steps_does_not_come_in(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "nora")
    app = await site.with_app(tenant, await site.principal(tenant, "nora"))
    challenge = await site.challenge(tenant, "nora")
    await site.people.update(site.admitted(tenant), person.id, PersonChange(is_active=False))

    with pytest.raises(PersonInactive):
        await site.second_factor(challenge, "recovery", app.recovery_codes[0])


# --- admins must have one ---------------------------------------------------------------------------------------------


@pytest.fixture
async def strict(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    """A node whose admins need a second factor."""
    async with web(node_store, PolicyEngine(), admins_need_factor=True) as node:
        await node.site.add(tenant, "ada", "admin")
        await node.site.add(tenant, "olga", "operator")
        yield node


async def test_an_admin_without_a_factor_can_enrol_one_and_nothing_else_until_then(strict: Web, tenant: Tenant) -> None:
    async with await strict.signed_in("north", "ada", PASSWORD) as ada:
        me = (await ada.get("/v1/auth/me")).json()
        refused = await ada.get("/v1/admin/users")
        assert set(me["scopes"]) == WITHOUT_FACTOR
        assert (refused.status_code, refused.json()["policies"]) == (403, ["within-scopes"])

        confirmed = await strict.step_up(ada, "factors.enrol")
        offer = (await ada.post("/v1/auth/factors/totp", headers=confirmed)).raise_for_status().json()
        app = App(offer["secret"], utc_now)
        made = await ada.post(f"/v1/auth/factors/{offer['id']}/confirm", json={"code": app.code()})

        assert len(made.raise_for_status().json()["recovery_codes"]) == 10
        assert (await ada.get("/v1/auth/me")).json()["scopes"] == []
        assert (await ada.get("/v1/admin/users")).status_code == 200


async def test_an_operator_is_offered_a_factor_and_needs_none(strict: Web) -> None:
    async with await strict.signed_in("north", "olga", PASSWORD) as olga:
        assert (await olga.get("/v1/auth/me")).json()["scopes"] == []
