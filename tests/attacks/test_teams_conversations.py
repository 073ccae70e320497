"""Attacks on the conversations of a team: by outsiders, by who only reads there, by who was in it once, by admins."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from appliance.chat.errors import NoSuchConversation
from appliance.gate import Refused
from appliance.store import Principal, new_id
from appliance.store.admission import TeamRole
from tests.chat.conftest import room
from tests.chat.room import Room

pytestmark = pytest.mark.one_try

__all__ = ["room"]

QUESTION = "Which Zwiebelgrease does the quux bearing take?"
TEAM = str(new_id())


def inside(room: Room, name: str, team_role: TeamRole) -> Principal:
    return room.person(name, teams=frozenset({(TEAM, team_role)}))


async def begun(room: Room, who: Principal) -> UUID:
    made = await room.conversations.start(who, "Shift", UUID(TEAM))
    await room.ask(who, QUESTION, str(made.id))
    return made.id


async def listed(room: Room, who: Principal) -> list[UUID]:
    return [one.id for one in (await room.conversations.recent(who, page_size=10, page_token=None)).items]


async def test_everybody_in_the_team_reads_it_and_who_does_not_only_read_there_writes_on(room: Room) -> None:
    mara, mike, vera = (inside(room, *one) for one in (("Mara", "member"), ("Mike", "member"), ("Vera", "viewer")))
    talk = await begun(room, mara)

    await room.ask(mike, "And how much of it?", str(talk))

    detail = await room.conversations.read(vera, talk)
    assert [one.content for one in detail.messages if one.role == "user"] == [QUESTION, "And how much of it?"]
    assert [one.author_id for one in detail.messages] == [mara.id, mara.id, mike.id, mike.id]
    assert detail.team_id == UUID(TEAM)
    assert [await listed(room, one) for one in (mara, mike, vera)] == [[talk]] * 3


async def test_an_outsider_learns_nothing_of_it_and_neither_does_an_admin_who_is_not_in_the_team(room: Room) -> None:
    talk = await begun(room, inside(room, "Mara", "member"))
    elsewhere = room.person("Eve", teams=frozenset({(str(new_id()), "owner")}))

    for other in (room.person("Otto"), elsewhere, room.person("Ada", role="admin")):
        assert await listed(room, other) == []
        for attempt in (
            room.conversations.read(other, talk),
            room.conversations.delete(other, talk),
            room.conversations.rename(other, talk, "Mine"),
            room.ask(other, QUESTION, str(talk)),
        ):
            with pytest.raises(NoSuchConversation):
                await attempt
        with pytest.raises(Refused):
            await room.conversations.start(other, "Mine", UUID(TEAM))


async def test_an_admin_who_lists_what_a_member_asked_does_not_find_what_belongs_to_the_team(room: Room) -> None:
    mara, ada = inside(room, "Mara", "member"), room.person("Ada", role="admin")
    await begun(room, mara)
    own = UUID((await room.ask(mara, "What do I read first?"))["conversation_id"])

    found = (await room.conversations.recent(ada, of=mara.id, page_size=10, page_token=None)).items

    assert [one.id for one in found] == [own]


async def test_who_began_it_and_is_no_longer_in_the_team_has_lost_it(room: Room) -> None:
    mara = inside(room, "Mara", "member")
    talk = await begun(room, mara)
    gone = replace(mara, teams=frozenset())

    assert await listed(room, gone) == []
    for attempt in (
        room.conversations.read(gone, talk),
        room.conversations.delete(gone, talk),
        room.ask(gone, QUESTION, str(talk)),
    ):
        with pytest.raises(NoSuchConversation):
            await attempt


async def test_who_only_reads_in_a_team_begins_writes_and_deletes_nothing_there(room: Room) -> None:
    mara, vera = inside(room, "Mara", "member"), inside(room, "Vera", "viewer")
    talk = await begun(room, mara)

    with pytest.raises(Refused):
        await room.conversations.start(vera, "Mine", UUID(TEAM))
    with pytest.raises(NoSuchConversation):
        await room.ask(vera, QUESTION, str(talk))
    with pytest.raises(NoSuchConversation):
        await room.conversations.delete(vera, talk)
    assert len((await room.conversations.read(mara, talk)).messages) == 2


async def test_it_is_deleted_by_who_began_it_or_who_owns_the_team(room: Room) -> None:
    mara, mike, olga = (inside(room, *one) for one in (("Mara", "member"), ("Mike", "member"), ("Olga", "owner")))
    first, second = await begun(room, mara), await begun(room, mara)

    with pytest.raises(NoSuchConversation):
        await room.conversations.delete(mike, first)
    await room.conversations.delete(olga, first)
    await room.conversations.delete(mara, second)

    assert await listed(room, mara) == []


async def test_it_is_renamed_by_who_began_it_or_who_owns_the_team_and_by_nobody_else(room: Room) -> None:
    mara, mike, vera, olga = (
        inside(room, *one) for one in (("Mara", "member"), ("Mike", "member"), ("Vera", "viewer"), ("Olga", "owner"))
    )
    talk = await begun(room, mara)

    for other in (mike, vera, room.person("Ada", role="admin")):
        with pytest.raises(NoSuchConversation):
            await room.conversations.rename(other, talk, "Mine")
    assert (await room.conversations.rename(mara, talk, "Grease")).title == "Grease"
    assert (await room.conversations.rename(olga, talk, "Grease of line 4")).title == "Grease of line 4"


async def test_an_admin_renames_no_conversation_of_somebody_else(room: Room) -> None:
    talk = UUID((await room.ask(room.person("Mara"), QUESTION))["conversation_id"])

    with pytest.raises(NoSuchConversation):
        await room.conversations.rename(room.person("Ada", role="admin"), talk, "Read by an admin")
