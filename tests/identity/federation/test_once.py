"""What works once does so however many try at a time, on both databases."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.errors import PersonInactive
from appliance.identity.federation import store as queries
from appliance.identity.federation.arrivals import Arrivals
from appliance.identity.federation.errors import OutsideRefused
from appliance.identity.federation.journeys import LASTS, Journey
from appliance.identity.federation.tables import OutsidePersonRow
from appliance.identity.federation.values import Outsider, Provider
from appliance.identity.values import PersonChange
from appliance.store import CONTROL, Purpose, Tenant, TenantId
from tests.identity.federation.company import ISSUER, FederatedSite, Issuer


def arrivals_of(site: FederatedSite) -> Arrivals:
    return Arrivals(site.store, site.record, site.sign_in, attempts=site.attempts, grants=site.grants, clock=site.clock)


def nora(site: FederatedSite) -> Outsider:
    return Outsider(ISSUER, "f3c1-nora", "nora", "Nora North", frozenset({"plant-operators"}), site.clock())


async def arrived(site: FederatedSite, provider: Provider) -> tuple[Arrivals, str, str]:
    """Arrivals, the code for the page, and the browser's cookie."""
    arrivals = arrivals_of(site)
    journey = Journey.begin("oidc", "north", site.clock())
    return arrivals, await arrivals.arrived(provider, nora(site), journey), arrivals.seals.cookie(journey)


async def test_of_many_who_spend_the_same_one_does(either_site: FederatedSite) -> None:
    now = either_site.clock()

    async def spend() -> bool:
        async with either_site.store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            return await queries.spend(session, "a" * 64, now + dt.timedelta(minutes=1), now)

    assert sorted(await asyncio.gather(*(spend() for _ in range(8)))) == [False] * 7 + [True]


async def test_what_was_spent_is_kept_until_nobody_would_take_it_any_more(either_site: FederatedSite) -> None:
    arrivals, clock = arrivals_of(either_site), either_site.clock
    await arrivals.spend("it", clock() + LASTS)
    clock.pass_(minutes=9)
    with pytest.raises(OutsideRefused):
        await arrivals.spend("it", clock() + LASTS)
    clock.pass_(minutes=2)

    await arrivals.spend("it", clock() + LASTS)


async def test_of_many_who_exchange_the_same_code_one_gets_tokens(either_site: FederatedSite, tenant: Tenant) -> None:
    arrivals, code, cookie = await arrived(either_site, await either_site.trust(tenant))

    found = await asyncio.gather(
        *(arrivals.exchanged(code, cookie, address="a") for _ in range(6)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in found) == ["OutsideRefused"] * 5 + ["SignedIn"]


async def test_a_code_is_good_for_a_minute(site: FederatedSite, tenant: Tenant) -> None:
    arrivals, code, cookie = await arrived(site, await site.trust(tenant))
    site.clock.pass_(seconds=61)

    with pytest.raises(OutsideRefused):
        await arrivals.exchanged(code, cookie, address="a")


async def test_somebody_who_is_switched_off_between_arriving_and_entering_stays_out(
    site: FederatedSite, tenant: Tenant
) -> None:
    arrivals, code, cookie = await arrived(site, await site.trust(tenant))
    (person,) = await site.people.page(site.admitted(tenant), limit=5)
    await site.people.update(site.admitted(tenant), person.id, PersonChange(is_active=False))

    with pytest.raises(PersonInactive):
        await arrivals.exchanged(code, cookie, address="a")
    assert site.record.events() == ["auth.vouched", "auth.denied"]


async def test_without_a_record_nobody_arrives_and_nobody_is_made(either_site: FederatedSite, tenant: Tenant) -> None:
    from appliance.errors import Unavailable

    provider = await either_site.trust(tenant)
    either_site.record.full = True
    with pytest.raises(Unavailable):
        await arrived(either_site, provider)

    assert await either_site.people.page(either_site.admitted(tenant), limit=5) == []


async def test_the_first_requests_of_somebody_new_make_one_person(
    either_site: FederatedSite, issuer: Issuer, tenant: Tenant
) -> None:
    """A page opens with several requests at once."""
    await either_site.trust(tenant)
    identities, token = either_site.identities, issuer.token(either_site.clock())

    found = await asyncio.gather(*(identities.authenticate(token) for _ in range(6)))

    assert len({one.id for one in found}) == 1


async def test_who_was_made_by_another_request_a_moment_ago_is_not_told_that_the_name_is_held(
    either_site: FederatedSite, issuer: Issuer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other request commits between our look for the person and our look for the name."""
    await either_site.trust(tenant)
    first = await either_site.enters(issuer.token(either_site.clock()))
    looks: list[OutsidePersonRow | None] = []
    look = queries.from_outside

    async def a_moment_too_early(
        session: AsyncSession, tenant_id: TenantId, external_id: str
    ) -> OutsidePersonRow | None:
        looks.append(await look(session, tenant_id, external_id) if looks else None)
        return looks[-1]

    monkeypatch.setattr(queries, "from_outside", a_moment_too_early)
    either_site.later(60)
    second = await either_site.enters(issuer.token(either_site.clock()))

    assert second.id == first.id
    assert [one is None for one in looks] == [True, False, False]
