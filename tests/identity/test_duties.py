"""What people are asked to do beside their role, and when it ends."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import InvalidInput
from appliance.identity.duties import DUTIES, check_duties, duties_on, from_json, gives, takes, to_json
from appliance.identity.errors import LastAdmin, SessionEnded
from appliance.identity.values import NewApiKey, NewPerson, PersonChange
from appliance.store import Tenant
from tests.identity.site import PASSWORD, Site

DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2028, 12, 31))
HELD = st.dictionaries(st.sampled_from(DUTIES), st.none() | DAYS)


@given(duties=HELD, day=DAYS)
def test_a_duty_holds_through_its_last_day_and_no_longer(duties: dict[str, dt.date | None], day: dt.date) -> None:
    now = duties_on(duties, day)

    for duty, until in duties.items():
        assert (duty in now) == (until is None or day <= until)
    assert ("past_auditor" in now) == ("auditor" in duties and "auditor" not in now)


@given(before=HELD, after=HELD)
def test_what_changes_gives_or_takes(before: dict[str, dt.date | None], after: dict[str, dt.date | None]) -> None:
    assert (gives(before, after) or takes(before, after)) == (before != after)


@given(duties=HELD)
def test_duties_are_kept_as_they_are(duties: dict[str, dt.date | None]) -> None:
    assert from_json(to_json(duties)) == duties


def test_leaving_off_an_audit_gives_back_what_it_took() -> None:
    assert gives({"auditor": dt.date(2027, 1, 1)}, {})


@pytest.mark.parametrize(
    "wanted",
    [{"king": None}, {"auditor": None}, {"auditor": dt.date(2028, 1, 3)}, {"approver": dt.date(2026, 12, 30)}],
    ids=["unknown", "no end", "too long", "past"],
)
def test_duties_that_cannot_be_are_refused(wanted: dict[str, dt.date | None]) -> None:
    with pytest.raises(InvalidInput):
        check_duties(wanted, {}, dt.date(2026, 12, 31))


async def test_a_duty_counts_at_once_and_ends_with_its_last_day(either_site: Site, tenant: Tenant) -> None:
    site = either_site
    person = (
        await site.people.create(site.admitted(tenant), NewPerson("nora", "N", "viewer", password=PASSWORD))
    ).person
    last = site.clock().date() + dt.timedelta(days=1)
    await site.people.update(site.admitted(tenant), person.id, PersonChange(duties={"approver": None, "auditor": last}))
    token = (await site.login(tenant, "nora", PASSWORD)).access_token

    assert (await site.sign_in.authenticate(token)).duties == {"approver", "auditor"}
    admitted = site.admitted(tenant)
    assert await site.people.holders(admitted, "approver") == {person.id}

    site.clock.now += dt.timedelta(days=2)
    token = (await site.login(tenant, "nora", PASSWORD)).access_token
    assert (await site.sign_in.authenticate(token)).duties == {"approver", "past_auditor"}
    assert await site.people.holders(admitted, "auditor") == frozenset()


async def test_who_becomes_an_auditor_signs_in_anew(site: Site, tenant: Tenant) -> None:
    person = (
        await site.people.create(site.admitted(tenant), NewPerson("nora", "N", "viewer", password=PASSWORD))
    ).person
    signed_in = await site.login(tenant, "nora", PASSWORD)

    admitted = site.admitted(tenant)
    await site.people.update(admitted, person.id, PersonChange(duties={"auditor": site.clock().date()}))

    with pytest.raises(SessionEnded):
        await site.sign_in.authenticate(signed_in.access_token)
    assert admitted.outcome.metadata["before"]["duties"] == {}
    assert admitted.outcome.metadata["after"]["duties"] == {"auditor": site.clock().date().isoformat()}


async def test_the_last_admin_cannot_be_made_an_auditor(either_site: Site, tenant: Tenant) -> None:
    site = either_site
    day = site.clock().date()
    new = [NewPerson(name, "N", "admin", password=PASSWORD) for name in ("nora", "olaf")]
    nora, olaf = [(await site.people.create(site.admitted(tenant), one)).person for one in new]
    await site.people.update(site.admitted(tenant), nora.id, PersonChange(duties={"auditor": day}))

    with pytest.raises(LastAdmin):
        await site.people.update(site.admitted(tenant), olaf.id, PersonChange(duties={"auditor": day}))


async def test_the_key_of_an_auditor_reads_the_record_and_ends(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(
        site.admitted(tenant, kind="owner"), NewApiKey("Audit", frozenset(), days=1, auditor=True)
    )

    found = await site.sign_in.authenticate(made.secret)

    assert (found.role, found.clearance) == ("viewer", 1)
    assert found.duties == {"auditor"}
    assert found.scopes == {"audit.read_all", "audit.read_own", "auth.me"}
