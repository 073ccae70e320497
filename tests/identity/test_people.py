"""What admins do with people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from appliance.errors import InvalidInput
from appliance.identity import seed_people
from appliance.identity.errors import (
    BeyondOwnClearance,
    InvalidName,
    LastAdmin,
    OwnAccount,
    SessionEnded,
    SignInRefused,
    UnknownPerson,
    UsernameTaken,
    WeakPassword,
)
from appliance.identity.values import Credential, NewPerson, PersonChange
from appliance.seeding import keep
from appliance.store import Principal, Tenant, new_id
from tests.identity.site import PASSWORD, Site


async def test_a_new_person_gets_a_readable_password_that_works(site: Site, tenant: Tenant) -> None:
    created = await site.people.create(site.admitted(tenant), NewPerson("nora", "Nora Novak", "viewer"))

    assert created.password is not None
    assert len(created.password.split("-")) == 4
    assert created.person.clearance == 2
    assert (await site.login(tenant, "nora", created.password)).person.id == created.person.id


async def test_a_chosen_password_is_not_shown_again(site: Site, tenant: Tenant) -> None:
    created = await site.people.create(site.admitted(tenant), NewPerson("nora", "Nora", "admin", password=PASSWORD))

    assert created.password is None
    assert created.person.clearance == 3


@pytest.mark.parametrize("password", ["short", "nora-the-operator", "aaaaaaaaaaaaaaaa", "x" * 257])
async def test_a_password_that_is_easily_guessed_is_refused(site: Site, tenant: Tenant, password: str) -> None:
    with pytest.raises(WeakPassword):
        await site.people.create(site.admitted(tenant), NewPerson("nora", "Nora", "viewer", password=password))


@pytest.mark.parametrize("name", ["", "  ", "-nora", "no ra", "no\nra", "x" * 65, "nora<script>"])
async def test_a_name_that_cannot_be_typed_is_refused(site: Site, tenant: Tenant, name: str) -> None:
    with pytest.raises(InvalidName):
        await site.people.create(site.admitted(tenant), NewPerson(name, "Nora", "viewer"))


@pytest.mark.parametrize("name", ["", "  ", "No\x00ra", "x" * 121])
async def test_a_name_that_cannot_be_shown_is_refused(site: Site, tenant: Tenant, name: str) -> None:
    with pytest.raises(InvalidInput):
        await site.people.create(site.admitted(tenant), NewPerson("nora", name, "viewer"))


async def test_a_name_is_taken_in_any_spelling_but_free_in_another_tenant(
    either_site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    await either_site.add(tenant, "nora")

    with pytest.raises(UsernameTaken):
        await either_site.add(tenant, "NORA")
    await either_site.add(other_tenant, "nora")


async def test_nobody_gives_a_clearance_above_their_own_and_nobody_gets_class_four(site: Site, tenant: Tenant) -> None:
    with pytest.raises(BeyondOwnClearance):
        await site.people.create(site.admitted(tenant, clearance=2), NewPerson("nora", "Nora", "viewer", clearance=3))
    with pytest.raises(InvalidInput):
        await site.people.create(site.admitted(tenant), NewPerson("nora", "Nora", "viewer", clearance=4))


RIGHTS = {"duties": {}, "is_active": True, "export_eligibility": []}


async def test_an_admin_makes_others_eligible_for_an_export_regime_and_never_themselves(
    either_site: Site, tenant: Tenant
) -> None:
    person = await either_site.add(tenant, "nora", "operator")
    admitted = either_site.admitted(tenant)

    changed = await either_site.people.update(admitted, person.id, PersonChange(export_eligibility=["ITAR", "EAR"]))

    assert changed.export_eligibility == {"EAR", "ITAR"}
    assert (await either_site.people.read(admitted, person.id)).export_eligibility == {"EAR", "ITAR"}
    assert admitted.outcome.metadata["after"]["export_eligibility"] == ["EAR", "ITAR"]
    assert (await either_site.principal(tenant, "nora")).eligibility == {"EAR", "ITAR"}
    ada = await either_site.add(tenant, "ada", "admin")
    herself = either_site.admitted(tenant, principal=await either_site.principal(tenant, "ada"))
    with pytest.raises(OwnAccount):
        await either_site.people.update(herself, ada.id, PersonChange(export_eligibility=["EAR"]))


async def test_a_change_says_what_it_was_before(either_site: Site, tenant: Tenant) -> None:
    person = await either_site.add(tenant, "nora", "operator")
    admitted = either_site.admitted(tenant)

    changed = await either_site.people.update(admitted, person.id, PersonChange(role="admin", clearance=3))

    assert (changed.role, changed.clearance) == ("admin", 3)
    assert admitted.outcome.resource_id == str(person.id)
    assert admitted.outcome.metadata["before"] == {**RIGHTS, "role": "operator", "clearance": 2}
    assert admitted.outcome.metadata["after"] == {**RIGHTS, "role": "admin", "clearance": 3}
    assert admitted.outcome.metadata["changed"] == ["clearance", "role"]


async def test_a_lower_role_takes_clearance_with_it_and_a_higher_one_gives_none(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    person = await site.add(tenant, "nora", "admin")

    lowered = await site.people.update(site.admitted(tenant), person.id, PersonChange(role="viewer"))
    raised = await site.people.update(site.admitted(tenant), person.id, PersonChange(role="admin"))

    assert (lowered.clearance, raised.clearance) == (2, 2)


@pytest.mark.parametrize(
    "change",
    [
        PersonChange(role="viewer"),
        PersonChange(clearance=1),
        PersonChange(is_active=False),
        PersonChange(password="another long one"),
    ],
)
async def test_lower_rights_end_what_was_handed_out_before(site: Site, tenant: Tenant, change: PersonChange) -> None:
    person = await site.add(tenant, "nora")
    signed_in = await site.login(tenant, "nora")

    await site.people.update(site.admitted(tenant), person.id, change)

    with pytest.raises(SessionEnded):
        await site.sign_in.authenticate(signed_in.access_token)


async def test_a_new_password_replaces_the_old_one(either_site: Site, tenant: Tenant) -> None:
    person = await either_site.add(tenant, "nora")

    await either_site.people.update(either_site.admitted(tenant), person.id, PersonChange(password="another long one"))

    with pytest.raises(SignInRefused):
        await either_site.login(tenant, "nora")
    assert (await either_site.login(tenant, "nora", "another long one")).person.id == person.id


@pytest.mark.parametrize("change", [PersonChange(role="operator"), PersonChange(is_active=False)])
async def test_the_last_admin_stays(either_site: Site, tenant: Tenant, change: PersonChange) -> None:
    person = await either_site.add(tenant, "nora", "admin")

    with pytest.raises(LastAdmin):
        await either_site.people.update(either_site.admitted(tenant, kind="owner"), person.id, change)

    await either_site.add(tenant, "ada", "admin")
    await either_site.people.update(either_site.admitted(tenant, kind="owner"), person.id, change)


async def test_nobody_changes_their_own_rights(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "ada", "admin")
    person = await site.add(tenant, "nora", "admin")
    herself = Principal(person.id, "person", tenant.id, "Nora", "admin", 3)

    with pytest.raises(OwnAccount):
        await site.people.update(site.admitted(tenant, principal=herself), person.id, PersonChange(clearance=3))
    await site.people.update(site.admitted(tenant, principal=herself), person.id, PersonChange(display_name="N."))


async def test_an_unknown_person_cannot_be_changed(site: Site, tenant: Tenant) -> None:
    with pytest.raises(UnknownPerson):
        await site.people.update(site.admitted(tenant), new_id(), PersonChange(role="viewer"))


async def test_people_are_listed_by_name_a_page_at_a_time(either_site: Site, tenant: Tenant) -> None:
    for name in ("carl", "ada", "bea"):
        await either_site.add(tenant, name)

    first = await either_site.people.page(either_site.admitted(tenant), limit=2)
    rest = await either_site.people.page(either_site.admitted(tenant), after=first[-1].username, limit=2)

    assert [person.username for person in (*first, *rest)] == ["ada", "bea", "carl"]


@pytest.mark.parametrize("killed_at", ["north", "south"])
async def test_whoever_exists_after_a_kill_between_keeping_and_committing_can_sign_in(
    either_site: Site, tenant: Tenant, other_tenant: Tenant, tmp_path: Path, killed_at: str
) -> None:
    path, tenants = tmp_path / "credentials.json", (tenant, other_tenant)

    def kept_and_killed(made: Sequence[Credential]) -> None:
        keep(path, made)
        if made[0].tenant == killed_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await seed_people(either_site.store, tenants, passwords=either_site.passwords, keep=kept_and_killed)
    await seed_people(either_site.store, tenants, passwords=either_site.passwords, keep=partial(keep, path))

    entries = json.loads(path.read_text())
    assert sorted((one["tenant"], one["username"]) for one in entries) == [
        (slug, name) for slug in ("north", "south") for name in ("admin", "operator", "viewer")
    ]
    for one in entries:
        signed_in = await either_site.sign_in.login(one["tenant"], one["username"], one["password"])
        assert signed_in.person.role == one["role"]


async def test_seeding_makes_three_people_per_tenant_once(
    either_site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    tenants = (tenant, other_tenant)

    made = await seed_people(either_site.store, tenants, passwords=either_site.passwords, clock=either_site.clock)
    again = await seed_people(either_site.store, tenants, passwords=either_site.passwords, clock=either_site.clock)

    assert [(one.tenant, one.username) for one in made] == [
        (slug, name) for slug in ("north", "south") for name in ("admin", "operator", "viewer")
    ]
    assert again == []
    assert len({one.password for one in made}) == 6
    for one in made:
        signed_in = await either_site.sign_in.login(one.tenant, one.username, one.password)
        assert signed_in.person.role == one.role
