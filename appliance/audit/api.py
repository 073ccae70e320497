"""The record over HTTP: admins read their tenant's, everybody else their own part of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Self
from uuid import UUID

from litestar import Controller, get
from litestar.params import FromPath, FromQuery, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from appliance.audit.drawing import drawn
from appliance.audit.export import excerpt_of
from appliance.audit.ports import Decides, Door
from appliance.audit.service import READ_ALL, READ_HEADS, READ_OWN, AuditLog, LogHead, Wanted
from appliance.audit.values import Entry, Proven
from appliance.errors import InvalidInput
from appliance.policy.values import Resource
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Injected

RECORD = Resource("record")
CHECKPOINT = Resource("checkpoint")


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class EntryView(View):
    """One record and its place."""

    log: Annotated[str, Field(description="`<tenant>/<epoch>`.")]
    seq: Annotated[int, Field(description="Its place in the log, from 0.")]
    hash: Annotated[str, Field(description="Its leaf hash: hex SHA-256 of 0x00 and the stored bytes.")]
    record: Annotated[
        dict[str, Any], Field(description="What was recorded; `personal` shows names that have not been erased.")
    ]
    commitments: Annotated[
        dict[str, str], Field(description="What the stored bytes hold in place of each personal field.")
    ]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        commitments = dict(entry.record["personal"])
        personal = {field: entry.personal.get(field) for field in commitments}
        return cls(
            log=entry.log,
            seq=entry.seq,
            hash=entry.hash.hex(),
            record={**entry.record, "personal": personal},
            commitments=commitments,
        )


class EntryPage(View):
    items: list[EntryView]
    next_page_token: str | None


class CheckpointView(View):
    """Proof of where the log stands: keep `signed_note` elsewhere, and nobody can change what came before unseen."""

    log: str
    size: int
    root: str
    signed_note: str
    last_witnessed: Annotated[dt.datetime | None, Field(description="When a trusted witness last cosigned a head.")] = (
        None
    )
    witnessed_size: Annotated[int | None, Field(description="How many records that head covers.")] = None
    witnessed_by: Annotated[str | None, Field(description="The name of that witness.")] = None
    witnessed_note: Annotated[str | None, Field(description="That head, with the cosignature on it.")] = None

    @classmethod
    def of(cls, head: LogHead) -> Self:
        last = head.witnessed
        return cls(
            log=head.log,
            size=head.size,
            root=head.root.hex(),
            signed_note=head.note,
            last_witnessed=None if last is None else last.at,
            witnessed_size=None if last is None else last.size,
            witnessed_by=None if last is None else last.by,
            witnessed_note=None if last is None else last.note,
        )


class HeadView(CheckpointView):
    """The same, to be printed."""

    qr: Annotated[str, Field(description="A QR code of `signed_note`, as SVG.")]

    @classmethod
    def printed(cls, head: LogHead) -> Self:
        return cls(**CheckpointView.of(head).model_dump(), qr=drawn(head.note))


class HeadsView(View):
    """The heads of all logs of the node: kept elsewhere, nobody can change what came before unseen, in none of them."""

    signed_note: Annotated[str, Field(description="docs/audit/format.md says what stands in it.")]


class ProofView(View):
    """One record and all that proves it: the exact bytes that were hashed, the path to the root, the signed head."""

    entry: EntryView
    record: Annotated[str, Field(description="The stored bytes, UTF-8.")]
    proof: Annotated[list[str], Field(description="Hashes from the leaf up to the root, in hex (RFC 6962).")]
    checkpoint: CheckpointView
    public_key: Annotated[str, Field(description="Ed25519, hex.")]
    file: Annotated[str, Field(description="All of it as an export of one record, which `verify_audit.py` checks.")]

    @classmethod
    def proven(cls, entry: Entry, proven: Proven, head: LogHead, public_key: bytes) -> Self:
        return cls(
            entry=EntryView.of(entry),
            record=proven.record.decode(),
            proof=[node.hex() for node in proven.proof],
            checkpoint=CheckpointView.of(head),
            public_key=public_key.hex(),
            file=excerpt_of(head, public_key, proven),
        )


class AuditController(Controller):
    tags = ("Record",)

    @get(["/v1/audit", "/v1/admin/audit"], operation_id="list_records", asks=(READ_OWN, READ_ALL))
    async def page(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        policy: Injected[Decides],
        audit_log: Injected[AuditLog],
        cursors: Injected[Cursors],
        event_type: Annotated[str | None, QueryParameter(max_length=128, description="Only this event.")] = None,
        user_id: Annotated[
            str | None, QueryParameter(max_length=36, description="Only this person; admins only.")
        ] = None,
        correlation_id: Annotated[
            str | None, QueryParameter(max_length=36, description="Only the records of this piece of work.")
        ] = None,
        after: Annotated[dt.datetime | None, QueryParameter(description="Only records made after this moment.")] = None,
        since: Annotated[
            dt.datetime | None, QueryParameter(name="from", description="Only records made at this moment or later.")
        ] = None,
        until: Annotated[
            dt.datetime | None, QueryParameter(name="to", description="Only records made before this moment.")
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_size: Annotated[
            int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX, description="In place of `limit`.")
        ] = None,
        page_token: FromQuery[str | None] = None,
    ) -> EntryPage:
        """Records of your plant, the newest first; your own only, unless you are an admin."""
        limit = page_size or limit
        before = cursors.decode(page_token).number("record") if page_token else None
        moments = _in_utc("after", after), _in_utc("from", since), _in_utc("to", until)
        action = READ_ALL if policy.decide(principal, READ_ALL, RECORD).allowed else READ_OWN
        asked = json.dumps([event_type, user_id, correlation_id, *map(str, moments), limit, before]).encode()
        async with gate.admit(principal, action, RECORD, request=asked) as admitted:
            wanted = Wanted(event_type, user_id, moments[0], before, correlation_id, moments[1], moments[2])
            found = await audit_log.page(admitted, wanted, limit=limit + 1)
            shown = found[:limit]
            admitted.outcome.metadata["records"] = len(shown)
        more = len(found) > limit
        return EntryPage(
            items=[EntryView.of(entry) for entry in shown],
            next_page_token=cursors.encode({"record": shown[-1].seq}) if more else None,
        )

    @get("/v1/audit/checkpoint", operation_id="read_checkpoint", asks=READ_OWN)
    async def checkpoint(
        self, principal: Injected[Principal], gate: Injected[Door], audit_log: Injected[AuditLog]
    ) -> HeadView:
        """The signed head of your plant's log as it is now."""
        async with gate.admit(principal, READ_OWN, CHECKPOINT) as admitted:
            return HeadView.printed(await audit_log.head(admitted.tenant_id))

    @get("/v1/audit/heads", operation_id="read_heads", asks=READ_HEADS)
    async def heads(
        self, principal: Injected[Principal], gate: Injected[Door], audit_log: Injected[AuditLog]
    ) -> HeadsView:
        """The signed heads of all logs of this node, in one list; for its owner."""
        async with gate.admit(principal, READ_HEADS, Resource("node")):
            return HeadsView(signed_note=await audit_log.heads())

    @get("/v1/audit/{record_id:uuid}/proof", operation_id="prove_record", asks=(READ_OWN, READ_ALL))
    async def proof(
        self,
        record_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        policy: Injected[Decides],
        audit_log: Injected[AuditLog],
    ) -> ProofView:
        """One record of your plant with what proves that it stands at its place; your own only, unless you are an admin."""
        action = READ_ALL if policy.decide(principal, READ_ALL, RECORD).allowed else READ_OWN
        async with gate.admit(principal, action, Resource("record", str(record_id))) as admitted:
            return ProofView.proven(*await audit_log.proof(admitted, record_id), audit_log.public_key)


def _in_utc(field: str, at: dt.datetime | None) -> dt.datetime | None:
    """The same moment in UTC, which is meant where no zone is said; the first and last years hold some that have none.

    Raises:
        InvalidInput: it lies outside the years 1 to 9999 there.
    """
    if at is None:
        return None
    try:
        return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    except OverflowError:
        fields = [{"field": field, "why": "lies outside the years 1 to 9999 in UTC"}]
        raise InvalidInput("A field is wrong.", fields=fields) from None


ROUTES = [AuditController]
