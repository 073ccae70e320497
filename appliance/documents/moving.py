"""A document is given to a team, to another, or to the whole plant.

    nobody's ── documents.move ──> a team's ── documents.move ──> another team's
                                       └────── documents.release ──> the whole plant's

The policy is asked about the document as it is and as it would be: who moves one changes things in both teams. That
everybody sees more is an action of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from appliance.documents import store as queries
from appliance.documents.errors import NotForEverybody, TeamNotYours, UnknownDocument
from appliance.documents.ports import Index
from appliance.documents.schemas import DocumentView
from appliance.documents.settling import Clock, now, settle
from appliance.documents.tables import DocumentRow
from appliance.documents.values import DocumentFacts
from appliance.gate import Gate
from appliance.policy import Policies, Resource
from appliance.store import Principal, Store
from appliance.teams.values import Standing

MOVE: Final = "documents.move"
RELEASE: Final = "documents.release"


class Moving:
    """The team of a document, changed."""

    def __init__(
        self, store: Store, gate: Gate, policy: Policies, index: Index, teams: Standing, *, clock: Clock = now
    ) -> None:
        self._store, self._gate, self._policy = store, gate, policy
        self._index, self._teams, self._clock = index, teams, clock

    async def move(self, principal: Principal, document_id: UUID, team: UUID | None) -> DocumentView:
        """Give the document to `team`, or to the whole plant. Search and what it displaces follow in the same transaction.

        Raises:
            UnknownDocument: not for this person.
            TeamNotYours: they change nothing in the one team or the other.
            NotForEverybody: it is not for them to show it to the whole plant.
            UnknownTeam: the team was removed meanwhile.
        """
        wanted = None if team is None else str(team)
        action, resource = RELEASE if team is None else MOVE, Resource("document", str(document_id))
        async with (
            self._gate.admit(principal, action, resource, request=(wanted or "").encode()) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            await queries.take_turn(session)
            row = await queries.find(session, document_id, to_change=True)
            if row is None or not self._may(principal, "documents.read", queries.facts(row)):
                raise UnknownDocument("There is no such document.")
            before = row.owner_team_id
            admitted.outcome.metadata |= {"before": before, "after": wanted}
            if before == wanted:
                return DocumentView.of(row)
            self._must(principal, action, row, wanted)
            if wanted is not None:
                await self._teams.hold(session, admitted, wanted)
            row.owner_team_id, row.updated_at = wanted, self._clock()
            await session.flush()
            if row.indexed_by is not None:
                await self._index.update(session, queries.facts(row))
            await settle(session, self._index, [row], tenant_id=admitted.tenant_id, clock=self._clock)
            return DocumentView.of(row)

    def _must(self, principal: Principal, action: str, row: DocumentRow, wanted: str | None) -> None:
        known = queries.facts(row)
        if not self._may(principal, action, known):
            if wanted is None:
                raise NotForEverybody("Only an owner of the team shows this document to everybody.")
            raise TeamNotYours("You do not change what belongs to the team of this document.")
        if wanted is not None and not self._may(principal, action, replace(known, team=wanted)):
            raise TeamNotYours("You do not change what belongs to the team that it is to be given to.")

    def _may(self, principal: Principal, action: str, known: DocumentFacts) -> bool:
        resource = Resource("document", str(known.id), known.attributes)
        return self._policy.permits(principal, action, [resource]) == [True]
