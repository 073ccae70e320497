"""The record over HTTP: admins read their tenant's, everybody else their own part of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Self

from litestar import Controller, get
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from appliance.audit.ports import Decides, Door
from appliance.audit.recorder import Recorder
from appliance.audit.service import READ_ALL, READ_OWN, AuditLog, LogHead, Wanted
from appliance.audit.values import Entry
from appliance.errors import InvalidInput
from appliance.policy.values import Resource
from appliance.store import Principal, Store
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
    last_witnessed: Annotated[str | None, Field(description="When a hub or a person last kept a checkpoint.")] = None

    @classmethod
    def of(cls, head: LogHead) -> Self:
        return cls(log=head.log, size=head.size, root=head.root.hex(), signed_note=head.note)


class AuditController(Controller):
    tags = ("Record",)

    @get(["/v1/audit", "/v1/admin/audit"], operation_id="list_records", asks=(READ_OWN, READ_ALL))
    async def page(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        policy: Injected[Decides],
        store: Injected[Store],
        recorder: Injected[Recorder],
        cursors: Injected[Cursors],
        event_type: Annotated[str | None, QueryParameter(max_length=128, description="Only this event.")] = None,
        user_id: Annotated[
            str | None, QueryParameter(max_length=36, description="Only this person; admins only.")
        ] = None,
        after: Annotated[dt.datetime | None, QueryParameter(description="Only records made after this moment.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_size: Annotated[
            int | None, QueryParameter(ge=1, le=PAGE_SIZE_MAX, description="In place of `limit`.")
        ] = None,
        page_token: FromQuery[str | None] = None,
    ) -> EntryPage:
        """Records of your plant, the newest first; your own only, unless you are an admin."""
        limit = page_size or limit
        before = cursors.decode(page_token).number("record") if page_token else None
        moment = None if after is None else _in_utc(after)
        action = READ_ALL if policy.decide(principal, READ_ALL, RECORD).allowed else READ_OWN
        asked = json.dumps([event_type, user_id, str(after), limit, before]).encode()
        async with gate.admit(principal, action, RECORD, request=asked) as admitted:
            wanted = Wanted(event_type, user_id, moment, before)
            found = await AuditLog(store, recorder).page(admitted, wanted, limit=limit + 1)
            shown = found[:limit]
            admitted.outcome.metadata["records"] = len(shown)
        more = len(found) > limit
        return EntryPage(
            items=[EntryView.of(entry) for entry in shown],
            next_page_token=cursors.encode({"record": shown[-1].seq}) if more else None,
        )

    @get("/v1/audit/checkpoint", operation_id="read_checkpoint", asks=READ_OWN)
    async def checkpoint(
        self, principal: Injected[Principal], gate: Injected[Door], store: Injected[Store], recorder: Injected[Recorder]
    ) -> CheckpointView:
        """The signed head of your plant's log as it is now."""
        async with gate.admit(principal, READ_OWN, CHECKPOINT) as admitted:
            return CheckpointView.of(await AuditLog(store, recorder).head(admitted.tenant_id))


def _in_utc(after: dt.datetime) -> dt.datetime:
    """The same moment in UTC, which is meant where no zone is said; the first and last years hold some that have none.

    Raises:
        InvalidInput: it lies outside the years 1 to 9999 there.
    """
    try:
        return after.replace(tzinfo=dt.UTC) if after.tzinfo is None else after.astimezone(dt.UTC)
    except OverflowError:
        fields = [{"field": "after", "why": "lies outside the years 1 to 9999 in UTC"}]
        raise InvalidInput("A field is wrong.", fields=fields) from None


ROUTES = [AuditController]
