"""What somebody saves of themselves: all of it, and nothing of anybody else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from appliance.gate import Refused
from appliance.identity.errors import NotAPerson, UnknownPerson
from appliance.store import new_id
from tests.privacy.site import NAME, QUESTION, USERNAME, Site


async def test_a_person_saves_all_that_is_kept_of_them(site: Site) -> None:
    told = json.loads(await site.export(site.person, site.person.id))

    assert (told["format"], told["person"]) == ("outpost-personal-data/1", str(site.person.id))
    (account,) = told["account"]
    assert (account["username"], account["display_name"], account["badge"]) == (USERNAME, NAME, True)
    assert [one["content"] for one in told["messages"]] == [QUESTION, QUESTION]
    assert [one["title"] for one in told["conversations"]] == [QUESTION]
    assert (
        len(told["feedback"])
        == len(told["guard"])
        == len(told["notices"])
        == len(told["mail"])
        == len(told["jobs"])
        == 1
    )
    assert {one["event_type"] for one in told["records"]} >= {"search.query"}
    assert {one["user_id"] for one in told["records"]} == {str(site.person.id)}
    for secret in ("otto", "torque", "password_hash", "sealed"):
        assert secret not in json.dumps(told).lower()


async def test_each_export_is_kept_as_a_request_and_recorded(site: Site) -> None:
    await site.export(site.person, site.person.id)
    await site.export(site.admin, site.person.id)

    listed = await site.requests.page(site.admin, everybody=True, limit=9, before=None)
    assert [(one.kind, one.state, one.asked_by) for one in listed.rows] == [
        ("access", "done", site.admin.id),
        ("access", "done", site.person.id),
    ]
    again = json.loads(await site.export(site.person, site.person.id))
    assert {"privacy.own"} <= {one["event_type"] for one in again["records"]}


async def test_only_an_admin_saves_what_is_kept_of_somebody_else(site: Site) -> None:
    with pytest.raises(Refused):
        await site.export(site.other, site.person.id)
    with pytest.raises(Refused):
        await site.requests.page(site.other, everybody=True, limit=1, before=None)
    with pytest.raises(Refused):
        await site.requests.ask(site.other, site.person.id)
    with pytest.raises(UnknownPerson):
        await site.export(site.admin, new_id())


async def test_nothing_is_given_out_at_a_kiosk(site: Site) -> None:
    at_kiosk = replace(site.person, kiosk_id=new_id())
    with pytest.raises(NotAPerson):
        await site.export(at_kiosk, site.person.id)


async def test_what_is_kept_is_told_in_pages_however_much_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.chat.personal.PAGE", 1)
    told = json.loads(await site.export(site.person, site.person.id))

    assert [one["role"] for one in told["messages"]] == ["user", "assistant"]
