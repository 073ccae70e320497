"""The shapes that the library shows."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from appliance.documents.tables import DocumentRow
from appliance.documents.uploads import CLASS_NAMES, LEVEL_NAMES
from appliance.documents.values import DocumentStatus, Passage, Regime, Sides, Stage


class Uploaded(BaseModel):
    """What became of an upload; `status` is `ready` when the same document was here already."""

    document_id: UUID
    status: DocumentStatus
    job_id: UUID | None


class PassageView(BaseModel):
    """One passage; `page` is where it begins, and `boxes` are its lines on that page. `flagged`: it gives orders to a language
    model, so it is quoted and given to none; null while nobody has looked.
    """

    ordinal: int
    kind: Literal["text", "table", "list", "steps", "code"]
    heading: str
    page: int | None
    text: str
    boxes: list[Sides]
    flagged: bool | None

    @classmethod
    def of(cls, passage: Passage) -> PassageView:
        return cls(
            ordinal=passage.ordinal,
            kind=passage.kind,
            heading=passage.heading,
            page=passage.page,
            text=passage.text,
            boxes=list(passage.boxes),
            flagged=None if passage.flags is None else bool(passage.flags),
        )


class ExportControlView(BaseModel):
    """`countries` are the codes of where the document may be; empty where none is named."""

    regime: Regime
    category: str
    countries: list[str]


class DocumentView(BaseModel):
    """`flagged` counts passages that give orders to a language model; null while nobody has looked."""

    id: UUID
    document_id: UUID
    filename: str
    title: str | None
    revision: str | None
    doc_type: str | None
    classification: str
    class_name: Annotated[str, Field(description="The same in the other spelling: I to IV.")]
    level: int
    data_owner: str
    team_id: Annotated[UUID | None, Field(description="The team that it belongs to; null where it is for all.")]
    stage: Annotated[Stage, Field(description="`waiting` while its data owner has not agreed to it.")]
    export_control: ExportControlView
    status: DocumentStatus
    progress: float | None
    reason: str | None
    passages: int
    flagged: int | None
    pages: int | None
    in_force: bool
    effective_from: dt.datetime | None
    effective_until: dt.datetime | None
    assets: list[str]
    tags: list[str]
    size_bytes: int
    job_id: UUID | None
    created_at: dt.datetime
    updated_at: dt.datetime

    @classmethod
    def of(cls, row: DocumentRow, progress: float | None = None) -> DocumentView:
        return cls(**_members(row, progress))


class DocumentDetail(DocumentView):
    """One document with what was said of it and its first passages."""

    metadata: dict[str, Any]
    supersedes: list[str]
    acl: list[str]
    chunks: list[PassageView]

    @classmethod
    def detailed(
        cls, row: DocumentRow, progress: float | None, passages: list[Passage], clearance: int
    ) -> DocumentDetail:
        """Fields of the metadata that have a class above `clearance` are left out."""
        return cls(
            **_members(row, progress),
            metadata={key: value for key, value in row.details.items() if row.field_labels.get(key, 1) <= clearance},
            supersedes=row.supersedes,
            acl=row.acl,
            chunks=[PassageView.of(passage) for passage in passages],
        )


def _members(row: DocumentRow, progress: float | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "document_id": row.id,
        "filename": row.filename,
        "title": row.title or None,
        "revision": row.revision,
        "doc_type": row.doc_type,
        "classification": LEVEL_NAMES[row.level],
        "class_name": CLASS_NAMES[row.level],
        "level": row.level,
        "data_owner": row.data_owner,
        "team_id": row.owner_team_id,
        "stage": row.stage,
        "export_control": {"regime": row.export, "category": row.eccn, "countries": row.countries},
        "status": row.status,
        "progress": progress if row.status == "processing" else None,
        "reason": row.reason,
        "passages": row.passages,
        "flagged": row.flagged,
        "pages": row.pages,
        "in_force": row.in_force,
        "effective_from": row.effective_from,
        "effective_until": row.effective_until,
        "assets": row.assets,
        "tags": row.tags,
        "size_bytes": row.size,
        "job_id": row.job_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


class DocumentPage(BaseModel):
    items: list[DocumentView]
    next_page_token: str | None


class PassagePage(BaseModel):
    """Passages in reading order; `next_page_token` is always null, go on with `start`."""

    items: list[PassageView]
    next_page_token: str | None = None
