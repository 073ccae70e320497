"""Destruction holds over HTTP: set and released by admins, read by auditors too."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.holds.rules import Hold
from appliance.holds.service import MANAGE, READ, Holds
from appliance.holds.tables import HoldRow
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Injected

Reason = Annotated[str, Field(min_length=1, max_length=500, description="Why, for whoever looks later; no secrets.")]


class NewHold(BaseModel):
    """Names whatever fits all that is set; with nothing set, everything."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    since: Annotated[AwareDatetime | None, Field(description="Made at this moment or later.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Made before this moment.")] = None
    user_id: Annotated[UUID | None, Field(description="What this person did, and what mentions them.")] = None
    document_id: Annotated[UUID | None, Field(description="This document, and the records that mention it.")] = None
    correlation_id: Annotated[UUID | None, Field(description="The records of one piece of work.")] = None


class Release(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class HoldView(BaseModel):
    """A hold; in force until `released_at`."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    reason: str
    since: dt.datetime | None
    until: dt.datetime | None
    user_id: UUID | None
    document_id: UUID | None
    correlation_id: UUID | None
    created_at: dt.datetime
    created_by: UUID
    released_at: dt.datetime | None
    released_by: UUID | None
    release_reason: str | None

    @classmethod
    def of(cls, row: HoldRow) -> Self:
        return cls(
            id=row.id, reason=row.reason, since=row.since, until=row.until, user_id=row.user_id,
            document_id=row.document_id, correlation_id=row.correlation_id, created_at=row.created_at,
            created_by=row.created_by, released_at=row.released_at, released_by=row.released_by,
            release_reason=row.release_reason,
        )  # fmt: skip


class HoldPage(BaseModel):
    items: list[HoldView]
    next_page_token: str | None


class HoldsController(Controller):
    path = "/v1/holds"
    tags = ("Holds",)

    @get("/", operation_id="list_holds", asks=READ)
    async def page(
        self,
        principal: Injected[Principal],
        holds: Injected[Holds],
        cursors: Injected[Cursors],
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> HoldPage:
        """The holds of the plant, the newest first; those that were released stay listed."""
        before = cursors.decode(page_token).id("hold") if page_token else None
        found = await holds.page(principal, limit=page_size, before=before)
        token = cursors.encode({"hold": str(found.rows[-1].id)}) if found.more else None
        return HoldPage(items=[HoldView.of(row) for row in found.rows], next_page_token=token)

    @post("/", operation_id="create_hold", asks=MANAGE)
    async def create(self, data: JSONBody[NewHold], principal: Injected[Principal], holds: Injected[Holds]) -> HoldView:
        """Keep what is named from being purged or deleted, until the hold is released."""
        hold = Hold(data.since, data.until, data.user_id, data.document_id, data.correlation_id)
        return HoldView.of(await holds.set(principal, hold, data.reason))

    @post("/{hold_id:uuid}/release", operation_id="release_hold", asks=MANAGE, status_code=200)
    async def release(
        self, hold_id: FromPath[UUID], data: JSONBody[Release], principal: Injected[Principal], holds: Injected[Holds]
    ) -> HoldView:
        """Let go of what was kept; it goes when its time is over."""
        return HoldView.of(await holds.release(principal, hold_id, data.reason))


ROUTES = [HoldsController]
