"""Conversations: begun, listed, read back, deleted.

A conversation is its owner's, or a team's: then everybody in the team reads it, and who does not only read there writes on.
Whose it is and who asks is for the policy; to whom it does not give one, there is none.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.chat import store as queries
from appliance.chat.errors import KioskKeepsNothing, NoSuchConversation
from appliance.chat.schemas import ConversationDetail, ConversationView, Page
from appliance.chat.tables import Conversation
from appliance.chat.withholding import seen, sources_of
from appliance.gate import Gate
from appliance.policy import Resource
from appliance.policy.ports import Permits
from appliance.retrieval.disclosure import note_classes
from appliance.retrieval.service import Search
from appliance.store import Admitted, Principal, Store
from appliance.teams.values import Standing
from appliance.web import Cursors

HISTORY: Final = 50


class Conversations:
    """The use cases of conversations."""

    def __init__(
        self, store: Store, gate: Gate, search: Search, policy: Permits, teams: Standing, cursors: Cursors
    ) -> None:
        self._store, self._gate, self._search = store, gate, search
        self._policy, self._teams, self._cursors = policy, teams, cursors

    async def start(self, principal: Principal, title: str, team: UUID | None = None) -> ConversationView:
        """Open an empty conversation, of a team's if one is named.

        Raises:
            Refused: the team is none in which the principal writes.
            KioskKeepsNothing: the title is free text, whatever the policy says of kiosks.
            UnknownTeam: the team was removed meanwhile.
        """
        attrs = {} if team is None else {"owner": principal.id, "team": team}
        async with (
            self._gate.admit(principal, "chat.start", resource=Resource("conversation", attrs=attrs)) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            must_remember(principal, title)
            if team is not None:
                await self._teams.hold(session, admitted, str(team))
            made = queries.start(session, principal.id, title, dt.datetime.now(dt.UTC), team=team)
            admitted.outcome.resource_id = str(made.id)
            _note(admitted, made)
            return _view(made)

    async def recent(
        self,
        principal: Principal,
        *,
        of: UUID | None = None,
        words: str | None = None,
        page_size: int,
        page_token: str | None,
    ) -> Page:
        """The principal's own conversations and those of their teams, or those that one other person began; newest first.

        With `words`, only those whose title has them, in whatever case.

        Raises:
            Refused: they are of another person, and the policy does not permit that.
        """
        before = None
        if page_token is not None:
            position = self._cursors.decode(page_token)
            before = (position.moment("at"), position.id("id"))
        attrs = {} if of is None else {"owner": of}
        teams = [team for team, _ in principal.teams] if of is None else []
        resource = Resource("conversation", attrs=attrs)
        async with self._gate.admit(principal, "chat.read", resource=resource) as admitted:
            async with self._store.open_session(admitted) as session:
                found = await queries.recent(
                    session, of or principal.id, teams, words=words, limit=page_size + 1, before=before
                )
            if of is not None and of != principal.id:
                admitted.outcome.metadata |= {"of": str(of)}
        more = len(found) > page_size
        found = found[:page_size]
        token = None
        if more:
            token = self._cursors.encode({"at": found[-1].updated_at.isoformat(), "id": str(found[-1].id)})
        may = self._policy.permits(principal, "chat.read", [described(one) for one in found])
        shown = [_view(one) for one, permitted in zip(found, may, strict=True) if permitted]
        return Page(items=shown, next_page_token=token)

    async def read(self, principal: Principal, conversation_id: UUID) -> ConversationDetail:
        """One conversation with its newest messages; of an answer whose sources are no longer open, that it is withheld.

        Raises:
            NoSuchConversation: there is none, or none for this principal.
        """
        resource = Resource("conversation", id=str(conversation_id))
        async with self._gate.admit(principal, "chat.read", resource=resource) as admitted:
            async with self._store.open_session(admitted) as session:
                found = await must_find(session, self._policy, admitted, conversation_id)
                messages = await queries.latest_messages(session, conversation_id, limit=HISTORY)
            sources = frozenset[UUID]().union(*(sources_of(one) for one in messages))
            still_open = await self._search.open_to(admitted, sources)
            shown = {one.id: sources_of(one) for one in messages if sources_of(one) <= still_open.keys()}
            named = frozenset[UUID]().union(*shown.values())
            note_classes(admitted, {source: still_open[source] for source in named})
            return ConversationDetail(
                **_view(found).model_dump(), messages=[seen(one, withheld=one.id not in shown) for one in messages]
            )

    async def rename(self, principal: Principal, conversation_id: UUID, title: str) -> ConversationView:
        """Give a conversation another title. It stays where it is in the list. Raises NoSuchConversation."""
        resource = Resource("conversation", id=str(conversation_id))
        async with (
            self._gate.admit(principal, "chat.rename", resource=resource, request=title.encode()) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            found = await must_find(session, self._policy, admitted, conversation_id)
            found.title = title
            return _view(found)

    async def delete(self, principal: Principal, conversation_id: UUID) -> None:
        """Hide a conversation from everybody. Raises NoSuchConversation."""
        resource = Resource("conversation", id=str(conversation_id))
        async with (
            self._gate.admit(principal, "chat.delete", resource=resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            found = await must_find(session, self._policy, admitted, conversation_id)
            found.deleted_at = dt.datetime.now(dt.UTC)

    async def of_team(self, admitted: Admitted, team: UUID) -> bool:
        """Whether a conversation of the tenant belongs to the team."""
        async with self._store.open_session(admitted) as session:
            return await queries.of_team(session, str(team))


async def must_find(session: AsyncSession, policy: Permits, admitted: Admitted, conversation_id: UUID) -> Conversation:
    """The conversation, if this action is permitted on it; whose it is goes into the record. Raises NoSuchConversation."""
    found = await queries.find(session, conversation_id)
    if found is None or policy.permits(admitted.principal, admitted.action, [described(found)]) != [True]:
        raise NoSuchConversation("There is no such conversation of yours.")
    _note(admitted, found)
    return found


def described(conversation: Conversation) -> Resource:
    """A conversation as policies see it."""
    attrs: dict[str, Any] = {"owner": conversation.owner_id, "team": conversation.owner_team_id}
    return Resource("conversation", str(conversation.id), attrs)


def must_remember(principal: Principal, words: str | None) -> None:
    """Raises KioskKeepsNothing for words from a kiosk."""
    if principal.kind == "kiosk" and words is not None:
        raise KioskKeepsNothing("This was asked at a shared kiosk.")


def _note(admitted: Admitted, conversation: Conversation) -> None:
    if conversation.owner_id != admitted.principal.id:
        admitted.outcome.metadata |= {"of": str(conversation.owner_id)}
    if conversation.owner_team_id is not None:
        admitted.outcome.metadata |= {"team": conversation.owner_team_id}


def _view(conversation: Conversation) -> ConversationView:
    team = conversation.owner_team_id
    return ConversationView(
        id=conversation.id,
        title=conversation.title,
        owner_id=conversation.owner_id,
        team_id=None if team is None else UUID(team),
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
    )
