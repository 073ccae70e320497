"""A plant in which one person has left traces wherever a person can, and another beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from appliance.audit import NewRecord, Recorder
from appliance.audit.personal import _opened
from appliance.audit.tables import LeafRow, PersonalRow
from appliance.chat.tables import Conversation, Feedback, Message, Said
from appliance.compose.privacy import PARTS
from appliance.gate import Gate
from appliance.guard.tables import ViolationRow
from appliance.idempotency.tables import IdempotencyKeyRow
from appliance.identity.federation.tables import OutsidePersonRow
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.tables import ApiKeyRow, BadgeRow, FactorRow, RecoveryCodeRow, RefreshTokenRow, SessionRow
from appliance.identity.values import NewPerson
from appliance.jobs import JobId, RunningJob, Waker
from appliance.jobs.tables import JobRow
from appliance.news.tables import NodeNoticeRow, NoticeReadRow, NoticeRow
from appliance.notices.tables import MailChoiceRow
from appliance.policy import Resource
from appliance.privacy.erasing import Erasing
from appliance.privacy.exporting import Exporting
from appliance.privacy.requests import Requests
from appliance.privacy.tables import RequestRow
from appliance.store import AUDIT, CONTROL, Principal, Purpose, Store, Tenant, TenantId, new_id
from appliance.store.admission import Role
from appliance.store.sessions import Where

NAME, USERNAME, ADDRESS = "Quirin Zapletal", "quirin.zapletal", "q.zapletal@brewery.example"
QUESTION = "Why does the zebra pump whistle at noon?"
NEEDLES: Final = ("quirin", "zapletal", "zebra pump")
NOW: Final = dt.datetime.now(dt.UTC).replace(microsecond=0)


async def proven() -> None:
    return None


@dataclass
class Site:
    store: Store
    tenant: Tenant
    gate: Gate
    recorder: Recorder
    people: People
    requests: Requests
    exporting: Exporting
    erasing: Erasing
    admin: Principal
    person: Principal
    other: Principal

    async def export(self, who: Principal, person_id: UUID) -> bytes:
        return b"".join([piece async for piece in self.exporting.export(who, person_id)])

    async def approved(self, person: Principal | None = None) -> RequestRow:
        row = await self.requests.ask(self.admin, (person or self.person).id)
        return await self.requests.approve(self.admin, row.id, proven)

    async def erase(self, row: RequestRow, report: Callable[[float, str], Awaitable[None]] | None = None) -> int:
        """Run the handler of the job as the worker would; how many rows went."""

        async def silent(_share: float, _word: str) -> None:
            return None

        payload: Mapping[str, Any] = {"request": str(row.id)}
        job = RunningJob(JobId(new_id()), self.tenant.id, "privacy.erase", payload, 1, new_id(), report or silent)
        return int((await self.erasing(job) or {})["gone"])

    async def state(self, row: RequestRow) -> str:
        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return (await session.get_one(RequestRow, row.id)).state

    async def everything(self) -> str:
        """All values of all tables, and whatever sealed name can still be opened, in lower case."""
        parts = [await values(self.store, where) for where in (CONTROL, AUDIT, self.tenant.id)]
        return "\n".join([*parts, *await self.names()]).lower()

    async def names(self) -> list[str]:
        async with self.store.open_internal(Purpose.VERIFY, AUDIT) as session:
            query = select(PersonalRow, LeafRow.log).join(LeafRow, LeafRow.id == PersonalRow.record_id)
            rows = (await session.execute(query)).all()
        return [
            _opened(self.recorder, None if log.startswith("node") else self.tenant.id, (row.record_id, row.field, row.sealed))
            for row, log in rows
        ]  # fmt: skip


async def values(store: Store, where: Where | TenantId) -> str:
    """All values of all tables that this session sees, of the indexes too."""
    found = []
    async with store.open_internal(Purpose.VERIFY, where) as session:
        if session.get_bind().dialect.name == "sqlite":
            names = (await session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))).scalars().all()
        else:
            query = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
            schema = where.value if where in (CONTROL, AUDIT) else "tenant"  # type: ignore[union-attr]
            found_names = (await session.execute(query, {"schema": schema})).scalars().all()
            names = [f'{schema}"."{one}' for one in found_names]
        for name in sorted(names):
            for row in await session.execute(text(f'SELECT * FROM "{name}"')):
                found += [one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in row]
    return "\n".join(found)


async def populated(store: Store, tenant: Tenant, gate: Gate, recorder: Recorder) -> Site:
    passwords = Passwords()
    people = People(store, passwords=passwords)
    founder = Principal(new_id(), "owner", tenant.id, "owner", "admin", 3)

    async def person(username: str, name: str, role: Role) -> Principal:
        async with gate.admit(founder, "people.create", Resource("person")) as admitted:
            made = await people.create(admitted, NewPerson(username, name, role))
        return Principal(made.person.id, "person", tenant.id, username, role, 2, session_id=new_id())

    admin, second = await person("ada", "Ada Admin", "admin"), await person("otto", "Otto Other", "viewer")
    quirin = await person(USERNAME, NAME, "operator")
    for one, question in ((quirin, QUESTION), (second, "What is the torque of the bolts?")):
        await _traces(store, tenant, one, question)
        async with gate.admit(one, "search.query", Resource("search"), request=question.encode()):
            pass
    await _typed(recorder, tenant)
    epoch = recorder.epoch
    waker = Waker(store.data / "run" / "worker.sock")
    site = Site(
        store, tenant, gate, recorder, people,
        Requests(store, gate, people, waker, epoch=epoch),
        Exporting(store, gate, people, PARTS, epoch=epoch),
        Erasing(store, gate, recorder, PARTS, store.data / "backups"),
        replace(admin, clearance=3), quirin, second,
    )  # fmt: skip
    passwords.close()
    return site


async def _typed(recorder: Recorder, tenant: Tenant) -> None:
    """A sign-in that failed before anybody was known, here and where no plant was named; and the first start."""
    for tenant_id in (tenant.id, None):
        for name in (USERNAME, "somebody.else"):
            await recorder.append(
                NewRecord(
                    tenant_id=tenant_id, event_type="auth.denied", phase="single", correlation_id=new_id(), user_id=None,
                    result_status="denied", personal={"username": name.title()},
                )
            )  # fmt: skip


async def _traces(store: Store, tenant: Tenant, who: Principal, question: str) -> None:
    conversation, asked, answered, sign_in = new_id(), new_id(), new_id(), new_id()
    mark = who.name
    async with store.open_internal(Purpose.SEED, tenant.id, write=True) as session:
        session.add(Conversation(id=conversation, owner_id=who.id, title=question, created_at=NOW, updated_at=NOW))
        await session.flush()
        for seq, (id_, role, content) in enumerate([(asked, "user", question), (answered, "assistant", question)]):
            session.add(
                Message(
                    id=id_, conversation_id=conversation, seq=seq, author_id=who.id, role=role, content=content,
                    details={"question": question}, created_at=NOW,
                )
            )  # fmt: skip
        await session.flush()
        session.add_all(
            [
                Said(id=new_id(), message_id=answered, part="quotes", correlation_id=new_id(), salt=b"s", said=question, created_at=NOW),
                Feedback(id=new_id(), message_id=answered, author_id=who.id, thumbs="up", comment=f"{mark} says thanks", created_at=NOW),
                ViolationRow(
                    id=new_id(), slot=f"{who.id}|pii", at=NOW, last_at=NOW, times=1, kind="pii", place="question", act="warn",
                    severity="low", rules=["name"], score=1.0, user_id=who.id,
                ),
                MailChoiceRow(person_id=who.id, address=f"{mark}@brewery.example", kinds=["disk.low"]),
                IdempotencyKeyRow(
                    id=new_id(), subject=str(who.id), key="k", route="POST /v1/chat", owner="", expires_at=NOW, status=200,
                    body=question.encode(),
                ),
                JobRow(
                    id=new_id(), kind="demo", payload={"for": mark}, owner_id=who.id, state="finished", progress=0, word="",
                    attempt=0, retries=0, not_before=NOW, priority=5, cancel_asked=False, events=0, created_at=NOW, updated_at=NOW,
                ),
            ]
        )  # fmt: skip
        own, theirs = new_id(), new_id()
        session.add(
            NoticeRow(
                id=own, slot=str(own), at=NOW, kind="approval.decided", person=str(who.id), params={}, spread=True
            )
        )
        session.add(
            NoticeRow(id=theirs, slot=str(theirs), at=NOW, kind="disk.low", author=str(who.id), params={}, spread=True)
        )
        await session.flush()
        session.add(NoticeReadRow(notice_id=theirs, person_id=who.id))
    async with store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
        session.add(SessionRow(id=sign_in, person_id=who.id, created_at=NOW, expires_at=NOW + dt.timedelta(days=1)))
        await session.flush()
        session.add_all(
            [
                RefreshTokenRow(hash=f"{who.id}", session_id=sign_in, expires_at=NOW),
                FactorRow(id=new_id(), person_id=who.id, kind="totp", name=f"Phone of {mark}", sealed=b"x", created_at=NOW),
                RecoveryCodeRow(hash=f"r{who.id}", person_id=who.id),
                BadgeRow(person_id=who.id, hash=f"b{who.id}"),
                OutsidePersonRow(
                    person_id=who.id, tenant_id=tenant.id, kind="oidc", issuer="https://sso.brewery.example",
                    external_id=f"{mark}@brewery.example", groups=[], said_at=NOW,
                ),
                ApiKeyRow(
                    id=new_id(), tenant_id=tenant.id, prefix=str(who.id)[:30], hash="h", name=f"Script of {mark}", maker_id=who.id,
                    role="viewer", clearance=1, scopes=[], days=1, created_at=NOW, expires_at=NOW,
                ),
                NodeNoticeRow(id=new_id(), tenant_id=tenant.id, slot=str(new_id()), at=NOW, kind="account.locked", person=str(who.id), params={}),
            ]
        )  # fmt: skip
