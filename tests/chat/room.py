"""People and kiosks who ask, and eyes for what is left of it in the databases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from appliance.audit.tables import LeafRow, OpenRow
from appliance.chat.conversations import Conversations
from appliance.chat.receipts import Receipts
from appliance.chat.service import Chat
from appliance.chat.tables import Feedback, Message
from appliance.gate import Gate
from appliance.guard.tables import ViolationRow
from appliance.policy import PolicyEngine
from appliance.store import AUDIT, Principal, Purpose, Store, Tenant, TenantId, new_id
from appliance.store.admission import Role, TeamRole
from appliance.store.sessions import Where


@dataclass
class Room:
    store: Store
    tenant: Tenant
    chat: Chat
    conversations: Conversations
    gate: Gate
    receipts: Receipts
    intents: Mapping[str, str] = field(default_factory=lambda: PolicyEngine().pack.intents)

    def person(
        self, name: str = "Nora North", *, role: Role = "viewer", teams: frozenset[tuple[str, TeamRole]] = frozenset()
    ) -> Principal:
        return Principal(new_id(), "person", self.tenant.id, name, role, 2, session_id=new_id(), teams=teams)

    def kiosk(self) -> Principal:
        kiosk_id = new_id()
        return Principal(kiosk_id, "kiosk", self.tenant.id, "Line 1", "viewer", 2, kiosk_id=kiosk_id)

    async def ask(self, who: Principal, question: str, conversation: str | None = None) -> dict[str, Any]:
        """The whole answer, as JSON callers get it."""
        steps = self.chat.ask(who, question, None if conversation is None else UUID(conversation))
        return [shown async for _, shown in steps][-1]

    async def messages(self) -> list[Message]:
        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return list(await session.scalars(select(Message).order_by(Message.created_at, Message.seq)))

    async def feedback(self) -> list[Feedback]:
        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return list(await session.scalars(select(Feedback)))

    async def violations(self) -> list[ViolationRow]:
        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return list(await session.scalars(select(ViolationRow).order_by(ViolationRow.at)))

    async def records(self) -> list[dict[str, Any]]:
        """The tenant's log, oldest first."""
        async with self.store.open_internal(Purpose.VERIFY, AUDIT) as session:
            query = select(LeafRow.record).where(LeafRow.log == f"{self.tenant.id}/1").order_by(LeafRow.seq)
            return [json.loads(raw) for raw in await session.scalars(query)]

    async def left_open(self) -> int:
        """How many pre-records still wait for their post-records."""
        async with self.store.open_internal(Purpose.VERIFY, AUDIT) as session:
            return await session.scalar(select(func.count()).select_from(OpenRow)) or 0


async def everything_in(store: Store, where: Where | TenantId) -> bytes:
    """All values of all tables of a database, shadow tables of the indexes too, in lower case."""
    found = []
    async with store.open_internal(Purpose.VERIFY, where) as session:
        tables = (await session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars().all()
        for table in tables:
            for row in await session.execute(text(f'SELECT * FROM "{table}"')):
                found += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(found).lower()
