"""Receipts of answers: kept with the answer, given out with its record's proof while its sources are open to the reader."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.drawing import drawn
from appliance.audit.service import LogHead
from appliance.audit.values import Proven
from appliance.chat import receipt_rules as rules
from appliance.chat import store as queries
from appliance.chat.conversations import must_find
from appliance.chat.errors import NoSuchConversation
from appliance.chat.receipt_rules import Kept, Part
from appliance.chat.schemas import ReceiptView
from appliance.chat.tables import Message
from appliance.chat.withholding import sources_of
from appliance.errors import Forbidden, NotFound
from appliance.gate import Gate
from appliance.policy import Resource
from appliance.policy.ports import Permits
from appliance.retrieval.disclosure import note_classes
from appliance.retrieval.service import Search
from appliance.store import Admitted, Principal, Store, TenantId


class NoReceipt(NotFound):
    """There is no answer of theirs with that id, or none whose words were kept for a receipt; which is not told."""

    code, title = "no-receipt", "There is no receipt of that answer"
    hint = "Ask again, signed in: the answer that you then get has one."


class AnswerWithheld(Forbidden):
    """A source of the answer is no longer open to whoever wants its receipt."""

    code, title = "answer-withheld", "This answer is withheld"
    hint = "Ask again: you will be told what you may read today."


class Files(Protocol):
    """The library: what was uploaded."""

    async def hashes(self, admitted: Admitted, documents: Iterable[UUID]) -> Mapping[str, str]:
        """SHA-256 (hex) of the files of these documents, by document id; those that are not known are left out."""


class Packages(Protocol):
    """The shelf: what answers are made with."""

    async def hashes(self, served_by: str | None) -> Mapping[str, str]:
        """SHA-256 (hex) by name of the model packages of this node in it: those that find quotes for None, or one that writes."""


class Records(Protocol):
    """The record, read."""

    @property
    def public_key(self) -> bytes: ...

    async def of_work(
        self, tenant_id: TenantId, works: Sequence[str], *, phase: str
    ) -> tuple[Mapping[str, Proven], LogHead]:
        """Of each piece of work its last record of that phase, proven. Raises RecordDamaged."""


class Receipts:
    """Args:
    records, files, packages: where what proves an answer stands.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        search: Search,
        policy: Permits,
        records: Records,
        files: Files,
        packages: Packages,
    ) -> None:
        self._store, self._gate, self._search, self._policy = store, gate, search, policy
        self._records, self._files, self._packages = records, files, packages

    async def provenance(
        self, admitted: Admitted, citations: Sequence[Mapping[str, str]], served_by: str | None
    ) -> Mapping[str, str]:
        """Put into the record which files an answer is quoted from and which models made it; return the files' hashes."""
        hashes = await self._files.hashes(admitted, {UUID(one["document_id"]) for one in citations})
        admitted.outcome.metadata |= {
            "sources": [[one["document_id"], one["revision"], hashes.get(one["document_id"])] for one in citations],
            "packages": dict(await self._packages.hashes(served_by)),
        }
        return hashes

    async def keep(
        self, session: AsyncSession, admitted: Admitted, message_id: UUID, part: Part, said: str, now: dt.datetime
    ) -> None:
        """Keep what was said beside its message, and its commitment in the record, in one transaction."""
        salt = os.urandom(rules.SALT)
        await queries.keep_said(session, message_id, Kept(part, admitted.correlation_id, salt, said), now)
        admitted.outcome.metadata["said"] = rules.commitment(salt, said)

    async def give(self, principal: Principal, message_id: UUID) -> ReceiptView:
        """The receipt of an answer of theirs.

        Raises:
            NoReceipt: there is none.
            AnswerWithheld: a source is not open to them any more.
            RecordDamaged: the record no longer proves it.
        """
        resource = Resource("message", id=str(message_id))
        async with self._gate.admit(principal, "chat.receipt", resource=resource) as admitted:
            message, kept = await self._kept(admitted, message_id)
            await self._must_be_open(admitted, message)
            works = [str(one.correlation_id) for one in kept]
            proven, head = await self._records.of_work(admitted.tenant_id, works, phase="post")
            parts = [(one, proven[str(one.correlation_id)]) for one in kept if str(one.correlation_id) in proven]
            if len(parts) < len(kept):
                raise NoReceipt("The record of this answer is not in the log yet.")
            receipt = rules.file_of(head, self._records.public_key, parts)
            admitted.outcome.metadata["receipt"] = rules.digest(receipt)
        return ReceiptView(
            name=f"receipt-{message_id}.json",
            receipt=receipt,
            sha256=rules.digest(receipt),
            qr=drawn(rules.stub_of(receipt, head)),
        )

    async def _kept(self, admitted: Admitted, message_id: UUID) -> tuple[Message, Sequence[Kept]]:
        async with self._store.open_session(admitted) as session:
            message = await queries.own_answer(session, message_id, admitted.principal.id)
            kept = [] if message is None else await queries.said(session, message_id)
            if message is None or message.conversation_id is None or not kept:
                raise NoReceipt("There is no receipt of that answer.")
            try:
                await must_find(session, self._policy, admitted, message.conversation_id)
            except NoSuchConversation:
                raise NoReceipt("There is no receipt of that answer.") from None
            return message, kept

    async def _must_be_open(self, admitted: Admitted, message: Message) -> None:
        sources = sources_of(message)
        still_open = await self._search.open_to(admitted, sources)
        if not sources <= still_open.keys():
            raise AnswerWithheld("A source of this answer is no longer open to you.")
        note_classes(admitted, still_open)
