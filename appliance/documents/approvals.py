"""What people ask of data owners, and what data owners answer. Every method is one admitted, recorded action."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents import approval_rules as rules
from appliance.documents import approving
from appliance.documents import store as queries
from appliance.documents.approval_rules import Approval, Wanted
from appliance.documents.errors import (
    AlreadyAsked,
    AlreadyDecided,
    InvalidApproval,
    NotTheDataOwner,
    UnknownApproval,
    UnknownDocument,
    UnsuitableOwner,
)
from appliance.documents.exporting import ExportControl, is_looser
from appliance.documents.ports import Directory, Index
from appliance.documents.settling import IN_FORCE, Clock, library_worker, now, settle
from appliance.documents.tables import ApprovalRow, DocumentRow
from appliance.gate import Gate
from appliance.jobs import Waker, enqueue
from appliance.policy import Policies, Resource
from appliance.store import Admitted, Principal, Store
from appliance.web import Cursors

READ_ALL: Final = "approvals.read_all"
READ_OWN: Final = "approvals.list"
CLEARED: Final = 3
"""The clearance that somebody needs who is to use a class IV document."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A request, the name of its document for those who may see or decide about it, and how many must agree to it."""

    approval: Approval
    document: str | None
    is_yours_to_decide: bool
    needed: int = 1


class Approvals:
    """Args:
    people: who can be named as the user of a document.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        policy: Policies,
        index: Index,
        waker: Waker,
        people: Directory,
        cursors: Cursors,
        *,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._gate = gate
        self._policy = policy
        self._index = index
        self._waker = waker
        self._people = people
        self._cursors = cursors
        self._clock = clock

    async def ask(self, principal: Principal, document_id: UUID, wanted: Wanted, *, request: bytes) -> Shown:
        """Ask the data owner for a use of a class IV, a lower class or a looser export regime; `wanted.people` are names or ids.

        Raises:
            UnknownDocument: there is none, or nothing of the kind can be asked for it.
            InvalidApproval, UnsuitableOwner: nothing was asked.
            AlreadyAsked: the same person waits for the same thing.
        """
        async with self._gate.admit(principal, "approvals.ask", Resource("approval"), request=request) as admitted:
            named = replace(wanted, people=await self._cleared(admitted, wanted.people))
            async with self._store.open_session(admitted, write=True) as session:
                row = await queries.find(session, document_id, to_change=True)
                if row is None or not (wanted.kind == "use" or self._sees(principal, row)):
                    raise UnknownDocument("There is no such document.")
                rules.check(named, level=row.level, regime=row.export, stage=row.stage, now=self._clock())
                if await approving.pending(session, row.id, wanted.kind, str(principal.id)):
                    raise AlreadyAsked("The data owner has not answered yet.")
                approval_id = await approving.ask(session, row, named, str(principal.id), self._clock())
                await session.flush()
                made = await approving.find(session, approval_id)
                admitted.outcome.resource_id = str(approval_id)
                admitted.outcome.metadata |= wanted.facts(document_id)
                return self._told(principal, _there(made), row)

    async def page(
        self, principal: Principal, *, state: str | None, page_size: int, page_token: str | None
    ) -> tuple[list[Shown], str | None]:
        """The latest first: all for those who may read all, for others what they asked for or are to decide."""
        before = self._cursors.decode(page_token).number("approval") if page_token else None
        every = self._policy.decide(principal, READ_ALL, Resource("approval")).allowed
        subject = None if every else str(principal.id)
        async with (
            self._gate.admit(principal, READ_ALL if every else READ_OWN, Resource("approval")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            rows = await approving.listed(session, subject=subject, state=state, before=before, limit=page_size + 1)
            shown = [await self._shown(session, principal, row) for row in rows[:page_size]]
        more = len(rows) > page_size
        return shown, self._cursors.encode({"approval": rows[page_size - 1].seq}) if more else None

    async def decide(
        self,
        principal: Principal,
        approval_id: UUID,
        *,
        approve: bool,
        answer: str,
        request: bytes,
        proven: Callable[[], Awaitable[None]],
    ) -> Shown:
        """Approve or reject, once. What follows when enough have agreed is done in the same transaction.

        Args:
            proven: asks whether it is them who decides, once that they may is known; raises where it is not.

        Raises:
            UnknownApproval: there is none, or it is not theirs to decide.
            AlreadyDecided: somebody has.
        """
        resource = Resource("approval", str(approval_id))
        async with self._gate.admit(principal, "approvals.decide", resource, request=request) as admitted:
            await proven()
            async with self._store.open_session(admitted, write=True) as session:
                await queries.take_turn(session)
                row = await approving.find(session, approval_id, to_change=True)
                document = None if row is None else await queries.find(session, row.document_id, to_change=True)
                if row is None or not self._decides(principal, row, document):
                    raise UnknownApproval("There is no such request for you to decide.")
                if row.state != "pending":
                    raise AlreadyDecided(f"It was {row.state}.")
                row.agreed = [*row.agreed, str(principal.id)] if approve else row.agreed
                needed = self._needed(principal, row.kind)
                admitted.outcome.metadata |= {
                    "kind": row.kind, "approved": approve, "document": str(row.document_id),
                    "agreed": len(row.agreed), "needed": needed,
                }  # fmt: skip
                if not approve or len(row.agreed) >= needed:
                    row.state = "approved" if approve else "rejected"
                    row.decided_by, row.decided_at, row.answer = (
                        str(principal.id), self._clock(), answer.strip() or None,
                    )  # fmt: skip
                    await session.flush()
                    await approving.decided(session, row)
                    if document is not None:
                        await self._carry_out(session, admitted, row, document)
                shown = self._told(principal, row, document)
        self._waker.wake()
        return shown

    async def classify(
        self,
        principal: Principal,
        document_id: UUID,
        *,
        level: int | None,
        people: Sequence[str] | None,
        export: ExportControl | None = None,
    ) -> None:
        """Raise the class of a document, put it under a stricter export regime, or change the list of a class III.

        Args:
            export: the regime and the category within it; the countries stay as they are.

        Raises:
            UnknownDocument: not for this person.
            InvalidApproval: the class would be lower, or the regime looser; that is for the data owner to approve.
            NotTheDataOwner: the list is for the data owner or an admin to change.
        """
        resource = Resource("document", str(document_id))
        async with self._gate.admit(principal, "documents.classify", resource) as admitted:
            listed = None if people is None else await self._cleared(admitted, people)
            async with self._store.open_session(admitted, write=True) as session:
                await queries.take_turn(session)
                row = await queries.find(session, document_id, to_change=True)
                if row is None or not self._sees(principal, row, "documents.classify"):
                    raise UnknownDocument("There is no such document.")
                before, regime = row.level, row.export
                if level is not None and level < row.level:
                    raise InvalidApproval("A lower class is for the data owner to approve.", field="classification")
                if export is not None and is_looser(export.regime, row.export):
                    raise InvalidApproval("A looser export regime is for the data owner to approve.", field="regime")
                if listed is not None and not self._sees(principal, row, "documents.share"):
                    raise NotTheDataOwner("Only the data owner or an admin changes who is on the list.")
                row.level, row.updated_at = level or row.level, self._clock()
                if listed is not None:
                    row.acl = list(listed)
                if export is not None:
                    row.export, row.eccn = export.regime, export.category
                if row.export != regime:
                    await approving.overtake(session, row, str(principal.id), row.updated_at)
                await self._changed(session, admitted, row)
                admitted.outcome.metadata |= {
                    "before": before, "after": row.level, "list": listed and len(listed),
                    "regime_before": regime, "regime_after": row.export,
                }  # fmt: skip

    async def _carry_out(
        self, session: AsyncSession, admitted: Admitted, approval: ApprovalRow, document: DocumentRow
    ) -> None:
        approved, moment = approval.state == "approved", self._clock()
        match approval.kind, approved:
            case "ingest", True:
                document.stage = "open"
                await approving.read_in(session, document, admitted.principal, moment)
            case "ingest", False:
                document.status, document.reason = "failed", approving.REJECTED
            case "list", True:
                document.stage = "open"
                await self._changed(session, admitted, document)
            case "use", True:
                await approving.renew_uses(session, self._index, document, moment)
                await self._look_again(session, admitted, approval.until)
            case "declassify", True if approval.level is not None and approval.level < document.level:
                admitted.outcome.metadata |= {"before": document.level, "after": approval.level}
                document.level, document.approved, document.approved_until = approval.level, [], None
                await self._changed(session, admitted, document)
            case "regime", True if approval.regime is not None and is_looser(approval.regime, document.export):
                admitted.outcome.metadata |= {"regime_before": document.export, "regime_after": approval.regime}
                # A category belongs to its regime; where a document may be, to any.
                document.export, document.eccn = approval.regime, ""
                document.countries = [] if approval.regime == "NONE" else document.countries
                await self._changed(session, admitted, document)
            case _:
                pass

    async def _changed(self, session: AsyncSession, admitted: Admitted, document: DocumentRow) -> None:
        """The index follows, and what the document displaces or not is decided anew."""
        await session.flush()
        if document.indexed_by is not None:
            await self._index.update(session, queries.facts(document))
        await settle(session, self._index, [document], tenant_id=admitted.tenant_id, clock=self._clock)

    async def _look_again(self, session: AsyncSession, admitted: Admitted, moment: dt.datetime | None) -> None:
        if moment is not None:
            await enqueue(
                session, kind=IN_FORCE, payload={}, owner=library_worker(admitted.tenant_id),
                idempotency_key=f"approval:{moment.isoformat()}", not_before=moment,
            )  # fmt: skip

    async def _cleared(self, admitted: Admitted, words: Sequence[str]) -> tuple[str, ...]:
        found = []
        for word in words:
            person = await self._people.known(admitted, word)
            if person is None or not person.is_active or person.clearance < CLEARED:
                raise UnsuitableOwner(f"{word[:64]!r} is nobody who is cleared for class III here.")
            found.append(str(person.id))
        return tuple(sorted(set(found)))

    async def _shown(self, session: AsyncSession, principal: Principal, row: ApprovalRow) -> Shown:
        document = await queries.find(session, row.document_id)
        # Who is to decide must know of what.
        decides = self._decides(principal, row, document)
        name = document.filename if document is not None and (decides or self._sees(principal, document)) else None
        return replace(self._told(principal, row, document), document=name)

    def _told(self, principal: Principal, row: ApprovalRow, document: DocumentRow | None) -> Shown:
        """The request without the name of its document."""
        decides = row.state == "pending" and self._decides(principal, row, document)
        return Shown(approving.approval_of(row), None, decides, self._needed(principal, row.kind))

    def _needed(self, principal: Principal, kind: str) -> int:
        return self._policy.pack_of(principal.tenant_id).needed.get(kind, 1)

    def _sees(self, principal: Principal, row: DocumentRow, action: str = "documents.read") -> bool:
        resource = Resource("document", str(row.id), queries.facts(row).attributes)
        return self._policy.permits(principal, action, [resource]) == [True]

    def _decides(self, principal: Principal, row: ApprovalRow, document: DocumentRow | None) -> bool:
        # Nobody lifts for themselves what keeps a document from them.
        if row.kind == "regime" and (document is None or not self._sees(principal, document)):
            return False
        attributes: dict[str, Any] = {
            "owner": row.data_owner or None, "requester": row.requester, "kind": row.kind, "agreed": row.agreed,
        }  # fmt: skip
        resource = Resource("approval", str(row.id), attributes)
        return self._policy.permits(principal, "approvals.decide", [resource]) == [True]


def _there(row: ApprovalRow | None) -> ApprovalRow:
    assert row is not None  # it was written a moment ago
    return row
