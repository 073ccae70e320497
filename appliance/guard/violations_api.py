"""What the guard found, over HTTP: for admins and auditors."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Self
from uuid import UUID

from litestar import Controller, get
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from appliance.errors import InvalidInput
from appliance.gate import Gate
from appliance.guard.tables import ViolationRow
from appliance.guard.values import Act, Place, Severity, ViolationKind
from appliance.guard.violations import Sought, Violations
from appliance.policy import Resource
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Injected


class ViolationView(BaseModel):
    """Something that the guard found; of who asked, only the id, and null once they were erased."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    at: dt.datetime
    last_at: Annotated[dt.datetime, Field(description="When it came up again within the same hour.")]
    count: int
    kind: ViolationKind
    where: Place
    action: Annotated[Act, Field(description="`withheld`: not given to a model.")]
    severity: Severity
    rules: Annotated[list[str], Field(description="Names of rules or kinds of data; never what was found.")]
    score: Annotated[float, Field(description="The classifier's chance, 0 where it was not asked.")]
    user_id: UUID | None
    document_id: UUID | None
    conversation_id: UUID | None
    message_id: UUID | None

    @classmethod
    def of(cls, row: ViolationRow) -> Self:
        return cls.model_validate(
            {
                "id": row.id, "at": row.at, "last_at": row.last_at, "count": row.times, "kind": row.kind,
                "where": row.place, "action": row.act, "severity": row.severity, "rules": row.rules,
                "score": round(row.score, 4), "user_id": row.user_id, "document_id": row.document_id,
                "conversation_id": row.conversation_id, "message_id": row.message_id,
            }
        )  # fmt: skip


class ViolationPage(BaseModel):
    items: list[ViolationView]
    next_page_token: str | None


class ViolationsController(Controller):
    path = "/v1/guard/violations"
    tags = ("Guard",)

    @get("/", operation_id="list_violations", asks="guard.violations")
    async def page(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        violations: Injected[Violations],
        cursors: Injected[Cursors],
        kind: FromQuery[ViolationKind | None] = None,
        where: FromQuery[Place | None] = None,
        user: Annotated[UUID | None, QueryParameter(description="Who asked, or took the document in.")] = None,
        document: FromQuery[UUID | None] = None,
        since: Annotated[dt.datetime | None, QueryParameter(name="from", description="Seen at or after it.")] = None,
        until: Annotated[dt.datetime | None, QueryParameter(name="to", description="Seen before it.")] = None,
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> ViolationPage:
        """What the guard found in questions, documents and answers, and what it did; the newest first."""
        before = None
        if page_token is not None:
            position = cursors.decode(page_token)
            before = (position.moment("violation"), position.id("id"))
        sought = Sought(kind, where, user, document, _in_utc("from", since), _in_utc("to", until))
        asked = json.dumps([kind, where, str(user), str(document), str(since), str(until), page_token]).encode()
        async with gate.admit(principal, "guard.violations", resource=Resource("guard"), request=asked) as admitted:
            found = await violations.page(admitted, sought, limit=page_size + 1, before=before)
            shown = found[:page_size]
            admitted.outcome.metadata["violations"] = len(shown)
        token = None
        if len(found) > page_size:
            token = cursors.encode({"violation": shown[-1].at.isoformat(), "id": str(shown[-1].id)})
        return ViolationPage(items=[ViolationView.of(one) for one in shown], next_page_token=token)


def _in_utc(field: str, moment: dt.datetime | None) -> dt.datetime | None:
    """The same moment in UTC, which is meant where no zone is said. Raises InvalidInput outside the years 1 to 9999 there."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except OverflowError:
        fields = [{"field": field, "why": "lies outside the years 1 to 9999 in UTC"}]
        raise InvalidInput("A field is wrong.", fields=fields) from None
