"""Tokens of an identity provider, accepted with no network."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from appliance.identity.errors import PersonInactive
from appliance.identity.federation.errors import NameHeld, NoRoleHere, NoSecondFactor, NotInvited, OutsideRefused
from appliance.identity.federation.tables import OutsidePersonRow
from appliance.identity.tables import PersonRow
from appliance.identity.values import PersonChange
from appliance.store import CONTROL, Purpose, Tenant
from tests.identity.federation.company import FederatedSite, Issuer, write_keys


async def test_a_token_of_the_issuer_makes_a_person_with_the_role_of_their_group(
    either_site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    site = either_site
    await site.trust(tenant)

    nora = await site.enters(issuer.token(site.clock()))

    assert (nora.kind, nora.name, nora.role, nora.clearance, nora.tenant_id) == (
        "person",
        "nora",
        "operator",
        2,
        tenant.id,
    )
    assert nora.session_id is None
    async with site.store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
        person = (await session.scalars(select(PersonRow))).one()
        outside = (await session.scalars(select(OutsidePersonRow))).one()
    assert (person.id, person.display_name, person.last_login) == (nora.id, "Nora North", site.clock())
    assert (outside.external_id, outside.groups) == ("f3c1-nora", ["plant-operators"])
    (said,) = site.record.written
    assert (said.event_type, said.metadata, said.personal) == (
        "auth.login", {"way": "bearer", "new": 1}, {"username": "nora"},
    )  # fmt: skip


async def test_the_same_person_comes_back_by_subject_whatever_they_are_called_now(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant)
    before = await site.enters(issuer.token(site.clock()))
    site.later(60)

    after = await site.enters(issuer.token(site.clock(), preferred_username="nora.weiss", name="Nora Weiss"))

    assert (after.id, after.name) == (before.id, "nora")


async def test_a_token_that_says_nothing_new_writes_nothing(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant)
    token = issuer.token(site.clock())
    await site.enters(token)
    site.later(60)

    await site.enters(token)

    assert site.record.events() == ["auth.login"]


async def test_a_person_from_outside_has_no_password(site: FederatedSite, issuer: Issuer, tenant: Tenant) -> None:
    from appliance.identity.errors import SignInRefused

    await site.trust(tenant)
    await site.enters(issuer.token(site.clock()))

    for guess in ("", "nora", "x" * 20):
        with pytest.raises(SignInRefused):
            await site.login(tenant, "nora", guess)


async def test_groups_that_mean_nothing_are_refused_unless_a_default_is_set(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant)
    with pytest.raises(NoRoleHere):
        await site.enters(issuer.token(site.clock(), groups=["canteen", "admin"]))
    assert site.record.reasons() == ["no role"]

    await site.trust(tenant, default_role="viewer")

    assert (await site.enters(issuer.token(site.clock(), groups=["canteen"]))).role == "viewer"


async def test_nobody_new_comes_in_unless_that_is_allowed(site: FederatedSite, issuer: Issuer, tenant: Tenant) -> None:
    await site.trust(tenant, allow_new=False)

    with pytest.raises(NotInvited):
        await site.enters(issuer.token(site.clock()))


async def test_a_refusal_is_recorded_once_however_often_a_page_polls(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant, allow_new=False)
    identities, token = site.identities, issuer.token(site.clock())

    for _ in range(20):
        with pytest.raises(NotInvited):
            await identities.authenticate(token)

    assert len(site.record.written) == 1


async def test_the_newest_word_of_the_issuer_decides_the_role(
    either_site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    site = either_site
    await site.trust(tenant)
    old = issuer.token(site.clock(), groups=["plant-admins"])
    assert (await site.enters(old)).role == "admin"
    site.later(60)
    new = issuer.token(site.clock(), groups=["plant-viewers"])

    assert (await site.enters(new)).role == "viewer"
    assert (await site.enters(old)).role == "viewer"


async def test_a_role_that_comes_back_does_not_bring_the_clearance_back(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant)
    assert (await site.enters(issuer.token(site.clock(), groups=["plant-admins"]))).clearance == 3
    site.later()
    await site.enters(issuer.token(site.clock(), groups=["plant-viewers"]))
    site.later()

    again = await site.enters(issuer.token(site.clock(), groups=["plant-admins"]))

    assert (again.role, again.clearance) == ("admin", 2)


async def test_nobody_gets_a_higher_clearance_than_who_set_the_provider_up(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant, clearance=1)

    assert (await site.enters(issuer.token(site.clock(), groups=["plant-admins"]))).clearance == 1


async def test_a_change_of_the_mapping_counts_for_tokens_that_are_out_already(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant)
    token = issuer.token(site.clock())
    await site.enters(token)

    await site.trust(tenant, groups={"plant-operators": "viewer"})
    assert (await site.enters(token)).role == "viewer"
    await site.trust(tenant, groups={"others": "viewer"})

    with pytest.raises(NoRoleHere):
        await site.enters(token)


async def test_switching_a_person_or_a_provider_off_keeps_the_token_out(
    site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    await site.trust(tenant)
    token = issuer.token(site.clock())
    nora = await site.enters(token)

    await site.people.update(site.admitted(tenant), nora.id, PersonChange(is_active=False))
    with pytest.raises(PersonInactive):
        await site.enters(token)
    await site.people.update(site.admitted(tenant), nora.id, PersonChange(is_active=True))
    await site.enters(token)
    await site.trust(tenant, enabled=False)

    with pytest.raises(OutsideRefused):
        await site.enters(token)


async def test_the_name_of_somebody_local_is_not_taken_over(
    either_site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    site = either_site
    nora = await site.add(tenant, "nora", "admin")
    await site.trust(tenant)

    with pytest.raises(NameHeld):
        await site.enters(issuer.token(site.clock(), preferred_username="NORA"))

    assert (await site.login(tenant, "nora")).person.id == nora.id


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
async def test_the_other_algorithms_of_the_standard_are_taken_where_the_key_is_for_them(
    site: FederatedSite, tenant: Tenant, algorithm: str
) -> None:
    await site.trust(tenant)
    issuer = Issuer.curve() if algorithm == "ES256" else Issuer(algorithm="PS256")
    write_keys(site.key_file, issuer, alg=algorithm)

    assert (await site.enters(issuer.token(site.clock()))).name == "nora"


async def test_two_plants_of_one_company_share_an_issuer_and_no_people(
    either_site: FederatedSite, issuer: Issuer, tenant: Tenant, other_tenant: Tenant
) -> None:
    site = either_site
    await site.trust(tenant)
    await site.trust(other_tenant, groups={"plant-operators": "viewer"})

    north = await site.enters(issuer.token(site.clock()))
    south = await site.enters(issuer.token(site.clock(), tenant_id=str(other_tenant.id)))

    assert (north.tenant_id, north.role) == (tenant.id, "operator")
    assert (south.tenant_id, south.role) == (other_tenant.id, "viewer")
    assert north.id != south.id


async def test_our_own_tokens_work_as_before(site: FederatedSite, tenant: Tenant) -> None:
    await site.trust(tenant)
    vera = await site.add(tenant, "vera", "viewer")

    assert (await site.enters((await site.login(tenant, "vera")).access_token)).id == vera.id


@pytest.mark.parametrize(
    "claims",
    [{"amr": one} for one in (["pwd", "otp"], ["mfa"], ["hwk", "pin"])]
    + [{"amr": ["pwd"], "acr": "https://refeds.org/profile/mfa"}],
)
async def test_an_admin_whose_provider_asked_for_a_second_factor_comes_in(
    site: FederatedSite, issuer: Issuer, tenant: Tenant, claims: dict[str, Any]
) -> None:
    await site.trust(tenant)
    site.admins_need_factor = True

    assert (await site.enters(issuer.token(site.clock(), groups=["plant-admins"], **claims))).role == "admin"


@pytest.mark.parametrize("amr", [..., [], ["pwd"], "mfa", {"mfa": 1}, [["mfa"]], ["MFA"], None])
async def test_an_admin_whose_provider_does_not_say_so_is_kept_out_and_nobody_else_is(
    site: FederatedSite, issuer: Issuer, tenant: Tenant, amr: Any
) -> None:
    await site.trust(tenant)
    site.admins_need_factor = True

    with pytest.raises(NoSecondFactor):
        await site.enters(issuer.token(site.clock(), groups=["plant-admins"], amr=amr))
    async with site.store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
        assert (await session.scalars(select(PersonRow))).all() == []
    assert [one.event_type for one in site.record.written] == ["auth.denied"]
    assert (await site.enters(issuer.token(site.clock(), amr=amr))).role == "operator"
