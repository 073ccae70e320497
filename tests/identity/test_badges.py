"""People at a kiosk: with a badge, with badge and PIN, for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import rules
from appliance.identity.errors import (
    BadgeRefused,
    BadgeTaken,
    BeyondOwnClearance,
    KioskRefused,
    NoBadge,
    NotAPerson,
    SessionEnded,
    UnknownPerson,
    WeakPin,
)
from appliance.identity.values import NewPerson, Person, PersonAtKiosk, PersonChange
from appliance.policy import PolicyEngine
from appliance.store import Principal, Store, Tenant
from tests.identity.site import PASSWORD, Device, Site
from tests.identity.web import Web, web

BADGE, PIN = "04:A2:2B:9C", "739154"


@pytest.fixture
def site(either_site: Site) -> Site:
    return either_site


class Floor:
    """A kiosk, and what is done at it."""

    def __init__(self, site: Site, tenant: Tenant) -> None:
        self.site, self.tenant, self.device = site, tenant, Device()

    async def set_up(self, *, clearance: int = 2) -> Floor:
        self.id = await self.site.enrolled(self.tenant, self.device, clearance=clearance)
        return self

    async def token(self) -> str:
        return await self.site.kiosk_token(self.id, self.device)

    async def read(self, badge: str = BADGE, pin: str | None = None) -> PersonAtKiosk:
        kiosk = await self.site.sign_in.authenticate(await self.token())
        return await self.site.badges.sign_in(kiosk, badge, pin)

    async def who(self, at: PersonAtKiosk) -> Principal:
        return await self.site.sign_in.authenticate(at.access_token, kiosk_token=await self.token())


async def olga(site: Site, tenant: Tenant, pin: str | None = PIN) -> Person:
    """An operator with a badge."""
    person = await site.add(tenant, "olga", "operator")
    await site.badges.give(site.admitted(tenant), person.id, BADGE, pin)
    return person


async def test_a_badge_alone_is_a_viewer_and_with_the_pin_the_person_in_their_own_role(
    site: Site, tenant: Tenant
) -> None:
    person, floor = await olga(site, tenant), await Floor(site, tenant).set_up()

    by_badge, by_pin = await floor.read("04a22b9c"), await floor.read(pin=PIN)

    assert (by_badge.role, by_pin.role) == ("viewer", "operator")
    for at in (by_badge, by_pin):
        who = await floor.who(at)
        assert (who.id, who.kind, who.role, who.kiosk_id) == (person.id, "person", at.role, floor.id)
    assert site.record.written[-2].event_type == "auth.login"


async def test_the_clearance_of_the_kiosk_caps_the_persons_and_the_persons_the_kiosks(
    site: Site, tenant: Tenant
) -> None:
    boss = NewPerson("ada", "Ada", "admin", 3, PASSWORD)
    person = (await site.people.create(site.admitted(tenant), boss)).person
    await site.badges.give(site.admitted(tenant), person.id, BADGE, PIN)
    low, high = await Floor(site, tenant).set_up(clearance=1), await Floor(site, tenant).set_up(clearance=3)

    assert (await low.who(await low.read(pin=PIN))).clearance == 1
    assert (await high.who(await high.read(pin=PIN))).clearance == 3
    await site.add(tenant, "otto", "admin")
    at = await high.read(pin=PIN)
    await site.people.update(site.admitted(tenant), person.id, PersonChange(display_name="Ada L"))
    assert (await high.who(at)).role == "admin"


async def test_at_a_kiosk_nobody_is_eligible_for_what_is_under_export_control(site: Site, tenant: Tenant) -> None:
    person, floor = await olga(site, tenant), await Floor(site, tenant).set_up()
    await site.people.update(site.admitted(tenant), person.id, PersonChange(export_eligibility=["EAR", "ITAR"]))

    assert (await site.principal(tenant, "olga")).eligibility == {"EAR", "ITAR"}
    assert (await floor.who(await floor.read(pin=PIN))).eligibility == frozenset()


async def test_ten_minutes_without_use_end_it_and_use_keeps_it(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    at = await floor.read()
    for _ in range(4):
        site.clock.pass_(minutes=9)
        assert await floor.who(at)

    site.clock.pass_(minutes=10)
    with pytest.raises(SessionEnded):
        await floor.who(at)


async def test_signing_out_ends_it(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    at = await floor.read(pin=PIN)

    await site.sign_in.logout(await floor.who(at))

    with pytest.raises(SessionEnded):
        await floor.who(at)


@pytest.mark.parametrize("how", ["replaced", "taken", "switched off", "lowered"])
async def test_what_happens_to_badge_or_person_ends_it(site: Site, tenant: Tenant, how: str) -> None:
    person, floor = await olga(site, tenant), await Floor(site, tenant).set_up()
    at = await floor.read(pin=PIN)
    match how:
        case "replaced":
            await site.badges.give(site.admitted(tenant), person.id, "another-badge", None)
        case "taken":
            await site.badges.take(site.admitted(tenant), person.id)
        case "switched off":
            await site.people.update(site.admitted(tenant), person.id, PersonChange(is_active=False))
        case _:
            await site.people.update(site.admitted(tenant), person.id, PersonChange(role="viewer"))

    with pytest.raises(SessionEnded):
        await floor.who(at)
    if how != "lowered":
        with pytest.raises(BadgeRefused):
            await floor.read(pin=PIN)


async def test_a_revoked_kiosk_takes_its_people_along(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)
    floor = await Floor(site, tenant).set_up()
    at, token = await floor.read(pin=PIN), await floor.token()
    await site.kiosks.revoke(site.admitted(tenant), floor.id)

    with pytest.raises(KioskRefused):
        await site.sign_in.authenticate(at.access_token, kiosk_token=token)


async def test_a_person_chooses_their_own_pin(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant, None)
    floor = await Floor(site, tenant).set_up()
    me = await site.principal(tenant, "olga")

    await site.badges.change_pin(site.admitted(tenant, principal=me), "280461")

    assert (await floor.read(pin="280461")).role == "operator"
    with pytest.raises(BadgeRefused):
        await floor.read(pin=PIN)


async def test_what_cannot_be_given_is_not(site: Site, tenant: Tenant, other_tenant: Tenant) -> None:
    person = await olga(site, tenant)
    other = await site.add(tenant, "otto")
    boss = await site.add(tenant, "ada", "admin")

    with pytest.raises(BadgeTaken):
        await site.badges.give(site.admitted(tenant), other.id, BADGE, None)
    with pytest.raises(UnknownPerson):
        await site.badges.give(site.admitted(other_tenant), person.id, "another-badge", None)
    with pytest.raises(BeyondOwnClearance):
        await site.badges.give(site.admitted(tenant, clearance=2), boss.id, "another-badge", PIN)
    with pytest.raises(NoBadge):
        await site.badges.take(site.admitted(tenant), other.id)
    with pytest.raises(NoBadge):
        await site.badges.change_pin(site.admitted(tenant, principal=await site.principal(tenant, "otto")), PIN)


async def test_the_same_number_in_another_plant_is_another_badge(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    await olga(site, tenant)
    other = await site.add(other_tenant, "vera", "viewer")
    await site.badges.give(site.admitted(other_tenant), other.id, BADGE, None)

    assert (await (await Floor(site, other_tenant).set_up()).read()).person.id == other.id


async def test_badges_are_read_at_kiosks_alone(site: Site, tenant: Tenant) -> None:
    await olga(site, tenant)

    with pytest.raises(NotAPerson):
        await site.badges.sign_in(await site.principal(tenant, "olga"), BADGE, None)


@given(st.text(st.characters(codec="utf-8"), max_size=14))
def test_a_pin_is_six_to_twelve_digits_that_are_not_a_row(typed: str) -> None:
    digits = typed.isascii() and typed.isdigit() and 6 <= len(typed) <= 12
    try:
        assert rules.pin(typed) == typed
        assert digits
    except WeakPin:
        assert not digits or typed in "0123456789" or typed in "9876543210" or len(set(typed)) == 1


@pytest.mark.parametrize("weak", ["12345", "123456", "987654", "000000", "1234567890123", "12a456", "\u0661" * 6 + "2"])
def test_a_pin_that_everybody_tries_first_is_refused(weak: str) -> None:
    with pytest.raises(WeakPin):
        rules.pin(weak)


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, PolicyEngine()) as node:
        await node.site.add(tenant, "ada", "admin")
        await node.site.add(tenant, "olga", "operator")
        yield node


async def test_a_badge_is_given_read_and_taken_over_http(node: Web) -> None:
    device = Device()
    person = (await node.login("north", "olga", PASSWORD)).json()["user"]["id"]
    path = f"/v1/admin/users/{person}/badge"
    async with await node.signed_in("north", "ada", PASSWORD) as ada, node.client() as anybody:
        confirmed = await node.step_up(ada, "kiosks.enrol")
        code = (await ada.post("/v1/kiosks/enrolment-codes", headers=confirmed)).json()["code"]
        body = {"code": code, "name": "Line 1", "public_key": device.public_jwk}
        kiosk = (await anybody.post("/v1/kiosks/enrol", json=body)).json()["kiosk_id"]
        asked = (await anybody.post("/v1/kiosks/challenge", json={"kiosk_id": kiosk})).json()["challenge"]
        proof = {"kiosk_id": kiosk, "challenge": asked, "signature": device.sign(asked)}
        token = (await anybody.post("/v1/kiosks/token", json=proof)).json()["access_token"]

        assert (await ada.put(path, json={"badge": BADGE})).json()["code"] == "step-up-required"
        confirmed = await node.step_up(ada, "badges.set", person)
        assert (await ada.put(path, json={"badge": BADGE, "pin": PIN}, headers=confirmed)).status_code == 204
        async with node.client(token) as screen:
            wrong = await screen.post("/v1/kiosks/person", json={"badge": BADGE, "pin": "739155"})
            assert (wrong.status_code, wrong.json()["code"]) == (401, "badge-refused")
            at = (await screen.post("/v1/kiosks/person", json={"badge": BADGE, "pin": PIN})).raise_for_status().json()
            assert (at["role"], at["display_name"]) == ("operator", "Olga")
        assert (await ada.post("/v1/kiosks/person", json={"badge": BADGE})).json()["code"] == "policy-denied"
        async with node.client(at["access_token"]) as person_at:
            assert (await person_at.get("/v1/auth/me")).json()["code"] == "kiosk-refused"
            me = (await person_at.get("/v1/auth/me", headers={"x-kiosk-token": token})).json()
            assert (me["kind"], me["username"], me["role"]) == ("person", "olga", "operator")
        assert (await ada.delete(path)).status_code == 204
        async with node.client(at["access_token"]) as person_at:
            gone = await person_at.get("/v1/auth/me", headers={"x-kiosk-token": token})
            assert gone.json()["code"] == "session-ended"


async def test_a_person_chooses_a_pin_over_http(node: Web, tenant: Tenant) -> None:
    async with await node.signed_in("north", "olga", PASSWORD) as olga_:
        assert (await olga_.put("/v1/auth/pin", json={"pin": PIN})).json()["code"] == "step-up-required"
        none = await olga_.put("/v1/auth/pin", json={"pin": PIN}, headers=await node.step_up(olga_, "badges.pin"))
        assert none.json()["code"] == "no-badge"
        person = UUID((await olga_.get("/v1/auth/me")).json()["id"])
        await node.site.badges.give(node.site.admitted(tenant), person, BADGE, None)
        weak = await olga_.put("/v1/auth/pin", json={"pin": "111111"}, headers=await node.step_up(olga_, "badges.pin"))
        assert weak.json()["code"] == "weak-pin"
        chosen = await olga_.put("/v1/auth/pin", json={"pin": PIN}, headers=await node.step_up(olga_, "badges.pin"))
        assert chosen.status_code == 204
