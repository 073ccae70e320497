"""Requests about one's own data over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Literal, Self, cast
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream
from pydantic import BaseModel, ConfigDict, Field

from appliance.identity.factors_api import XStepUp
from appliance.identity.sign_in import SignIn
from appliance.identity.step_ups import StepUps
from appliance.privacy.exporting import MANAGE, OWN, Exporting
from appliance.privacy.requests import ERASE, Requests
from appliance.privacy.tables import RequestRow
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Injected


class Whose(BaseModel):
    """Whom it is about: whoever asks, or for an admin anybody of the plant."""

    model_config = ConfigDict(extra="forbid")

    person_id: Annotated[UUID | None, Field(description="Left out: yourself.")] = None


class Refusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(min_length=1, max_length=500, description="Why not; the person reads it.")]


class RequestView(BaseModel):
    """A request; `running` cannot be undone any more."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    kind: Literal["access", "erasure"]
    person_id: UUID
    asked_by: UUID
    asked_at: dt.datetime
    state: Literal["asked", "refused", "running", "done"]
    decided_by: UUID | None
    decided_at: dt.datetime | None
    why: str | None
    job_id: UUID | None
    done_at: dt.datetime | None

    @classmethod
    def of(cls, row: RequestRow) -> Self:
        kind = cast("Literal['access', 'erasure']", row.kind)
        state = cast("Literal['asked', 'refused', 'running', 'done']", row.state)
        return cls(
            id=row.id, kind=kind, person_id=row.person_id, asked_by=row.asked_by, asked_at=row.asked_at, state=state,
            decided_by=row.decided_by, decided_at=row.decided_at, why=row.why, job_id=row.job_id, done_at=row.done_at,
        )  # fmt: skip


class RequestPage(BaseModel):
    items: list[RequestView]
    next_page_token: str | None


class PrivacyController(Controller):
    path = "/v1/compliance/gdpr"
    tags = ("Own data",)

    @post(
        "/data-subject-request",
        operation_id="export_personal_data",
        asks=OWN,
        status_code=200,
        media_type="application/json",
    )
    async def export(
        self, principal: Injected[Principal], exporting: Injected[Exporting], data: JSONBody[Whose | None] = None
    ) -> Stream:
        """All that is kept of you, or for an admin of somebody, as one JSON document (GDPR, articles 15 and 20)."""
        person_id = (data or Whose()).person_id or principal.id
        pieces = exporting.export(principal, person_id)
        first = await anext(pieces)
        headers = {"content-disposition": f'attachment; filename="personal-data-{person_id}.json"'}
        return Stream(_from(first, pieces), media_type="application/json", headers=headers)

    @post("/erasure-request", operation_id="request_erasure", asks=OWN, status_code=202)
    async def ask(
        self, principal: Injected[Principal], requests: Injected[Requests], data: JSONBody[Whose | None] = None
    ) -> RequestView:
        """Ask that you be erased, or as an admin that somebody be (GDPR, article 17). An admin decides."""
        return RequestView.of(await requests.ask(principal, (data or Whose()).person_id or principal.id))

    @get("/requests", operation_id="list_own_requests", asks=OWN)
    async def own(
        self,
        principal: Injected[Principal],
        requests: Injected[Requests],
        cursors: Injected[Cursors],
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> RequestPage:
        """What was asked for about your own data, the newest first."""
        return await _page(principal, requests, cursors, page_size, page_token, everybody=False)

    @get("/requests/all", operation_id="list_requests", asks=MANAGE)
    async def everybodys(
        self,
        principal: Injected[Principal],
        requests: Injected[Requests],
        cursors: Injected[Cursors],
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> RequestPage:
        """What was asked for about anybody of the plant, the newest first."""
        return await _page(principal, requests, cursors, page_size, page_token, everybody=True)

    @post("/requests/{request_id:uuid}/refuse", operation_id="refuse_erasure", asks=MANAGE, status_code=200)
    async def refuse(
        self,
        request_id: FromPath[UUID],
        data: JSONBody[Refusal],
        principal: Injected[Principal],
        requests: Injected[Requests],
    ) -> RequestView:
        """Say no to an erasure, and why."""
        return RequestView.of(await requests.refuse(principal, request_id, data.why))

    @post("/requests/{request_id:uuid}/approve", operation_id="approve_erasure", asks=ERASE, status_code=202)
    async def approve(
        self,
        request_id: FromPath[UUID],
        principal: Injected[Principal],
        requests: Injected[Requests],
        step_ups: Injected[StepUps],
        sign_in: Injected[SignIn],
        x_step_up: XStepUp = None,
    ) -> RequestView:
        """Have the person erased by a job. It cannot be undone. A step-up is asked for; a hold refuses it."""
        proven = partial(step_ups.require, principal, ERASE, str(request_id), x_step_up)
        row = await requests.approve(principal, request_id, proven)
        sign_in.forget()
        return RequestView.of(row)


async def _from(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


async def _page(
    principal: Principal, requests: Requests, cursors: Cursors, size: int, token: str | None, *, everybody: bool
) -> RequestPage:
    before = cursors.decode(token).id("request") if token else None
    found = await requests.page(principal, everybody=everybody, limit=size, before=before)
    further = cursors.encode({"request": str(found.rows[-1].id)}) if found.more else None
    return RequestPage(items=[RequestView.of(row) for row in found.rows], next_page_token=further)


ROUTES = [PrivacyController]
