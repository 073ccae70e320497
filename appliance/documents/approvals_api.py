"""Classification and approvals over HTTP."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Annotated, Literal, Self
from uuid import UUID

from litestar import Controller, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.documents.approval_rules import MOST_PEOPLE, Kind, State, Wanted
from appliance.documents.approvals import READ_ALL, READ_OWN, Approvals, Shown
from appliance.documents.exporting import ExportControl, export_control
from appliance.documents.uploads import LEVEL_NAMES, level_of
from appliance.documents.values import Regime
from appliance.identity.factors_api import XStepUp
from appliance.identity.step_ups import StepUps
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Flag, Injected

People = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]],
    Field(max_length=MOST_PEOPLE, description="Names to sign in with, or ids."),
]
Classification = Annotated[
    str, Field(max_length=32, description="PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED, or I to IV.")
]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewApproval(Body):
    """A use of a class IV document by named people, a lower class, or a looser export regime."""

    kind: Literal["use", "declassify", "regime"]
    purpose: Annotated[str, Field(min_length=1, max_length=1000)]
    people: People = []
    until: Annotated[AwareDatetime | None, Field(description="The end of the use, within a year.")] = None
    classification: Classification | None = None
    regime: Annotated[Regime | None, Field(description="The looser export regime.")] = None

    def wanted(self) -> Wanted:
        """Raises UnknownClassification."""
        level = None if self.classification is None else level_of(self.classification)
        until = None if self.until is None else self.until.astimezone(dt.UTC)
        return Wanted(self.kind, self.purpose, tuple(self.people), until, level, self.regime)


class ApprovalDecision(Body):
    approve: Flag
    answer: Annotated[str, Field(max_length=1000, description="What the person who asked is told.")] = ""


class ApprovalView(Body):
    id: UUID
    kind: Kind
    document_id: UUID
    document: Annotated[str | None, Field(description="Its name, for those who may see it.")]
    data_owner: str
    requester: str
    purpose: str
    people: list[str]
    until: dt.datetime | None
    classification: Annotated[str | None, Field(description="The class asked for.")]
    regime: Annotated[Regime | None, Field(description="The export regime asked for.")]
    state: State
    decided_by: str | None
    decided_at: dt.datetime | None
    answer: str | None
    created_at: dt.datetime
    escalated_at: Annotated[
        dt.datetime | None, Field(description="When it was put before the admins, for want of an answer.")
    ]
    reason: Annotated[str | None, Field(description="`no-answer` where it was rejected because nobody answered.")]
    agreed: Annotated[list[str], Field(description="Who has agreed so far.")]
    needed: Annotated[int, Field(description="How many must agree.")]
    is_yours_to_decide: bool

    @classmethod
    def of(cls, shown: Shown) -> Self:
        one = shown.approval
        return cls(
            id=one.id, kind=one.kind, document_id=one.document_id, document=shown.document, data_owner=one.data_owner,
            requester=one.requester, purpose=one.purpose, people=list(one.people), until=one.until,
            classification=None if one.level is None else LEVEL_NAMES[one.level], regime=one.regime, state=one.state,
            decided_by=one.decided_by, decided_at=one.decided_at, answer=one.answer, created_at=one.created_at,
            escalated_at=one.escalated_at, reason=one.reason,
            agreed=list(one.agreed), needed=shown.needed, is_yours_to_decide=shown.is_yours_to_decide,
        )  # fmt: skip


class ApprovalPage(Body):
    items: list[ApprovalView]
    next_page_token: str | None


class NewClassification(Body):
    classification: Classification | None = None
    people: Annotated[People | None, Field(description="Who is on the list of a class III.")] = None
    regime: Annotated[Regime | None, Field(description="A stricter export regime: NONE < EAR < ITAR.")] = None
    category: Annotated[str | None, Field(max_length=32, description="Within the regime that is given.")] = None

    def export(self) -> ExportControl | None:
        """Raises InvalidExportControl."""
        if self.regime is None and not self.category:
            return None
        return export_control({"regime": self.regime, "category": self.category})


class ApprovalsController(Controller):
    path = "/v1/approvals"
    tags = ("Approvals",)

    @get("/", operation_id="list_approvals", asks=(READ_OWN, READ_ALL))
    async def page(
        self,
        principal: Injected[Principal],
        approvals: Injected[Approvals],
        only: Annotated[State | None, QueryParameter(name="state", description="Only these.")] = None,
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> ApprovalPage:
        """What you asked for and what you are to decide; for admins, all. The latest first."""
        found, following = await approvals.page(principal, state=only, page_size=page_size, page_token=page_token)
        return ApprovalPage(items=[ApprovalView.of(one) for one in found], next_page_token=following)

    @post("/{approval_id:uuid}/decision", operation_id="decide_approval", asks="approvals.decide", status_code=200)
    async def decide(
        self,
        approval_id: FromPath[UUID],
        data: JSONBody[ApprovalDecision],
        principal: Injected[Principal],
        approvals: Injected[Approvals],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> ApprovalView:
        """Agree or reject, once; never what you asked for yourself. It is approved when enough have agreed. A step-up is asked for."""
        request = data.model_dump_json(include={"approve"}).encode()
        proven = partial(step_ups.require, principal, "approvals.decide", str(approval_id), x_step_up)
        decided = await approvals.decide(
            principal, approval_id, approve=data.approve, answer=data.answer, request=request, proven=proven
        )
        return ApprovalView.of(decided)


class ClassificationController(Controller):
    path = "/v1/documents/{document_id:uuid}"
    tags = ("Approvals",)

    @post("/approvals", operation_id="ask_for_approval", asks="approvals.ask", status_code=201)
    async def ask(
        self,
        document_id: FromPath[UUID],
        data: JSONBody[NewApproval],
        principal: Injected[Principal],
        approvals: Injected[Approvals],
    ) -> ApprovalView:
        """Ask the data owner: for the use of a class IV document, a lower class, or a looser export regime."""
        request = data.model_dump_json(exclude={"purpose", "people"}).encode()
        asked = await approvals.ask(principal, document_id, data.wanted(), request=request)
        return ApprovalView.of(asked)

    @put("/classification", operation_id="classify_document", asks="documents.classify", status_code=204)
    async def classify(
        self,
        document_id: FromPath[UUID],
        data: JSONBody[NewClassification],
        principal: Injected[Principal],
        approvals: Injected[Approvals],
    ) -> None:
        """Raise the class of a document, put it under a stricter export regime, or change the list of a class III."""
        level = None if data.classification is None else level_of(data.classification)
        await approvals.classify(principal, document_id, level=level, people=data.people, export=data.export())


ROUTES = [ApprovalsController, ClassificationController]
