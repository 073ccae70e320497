"""Documents of a tenant: what was uploaded, how far it is, whether it is in force."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import Json, TenantBase, UtcDateTime

RowId = BigInteger().with_variant(Integer(), "sqlite")


class DocumentRow(TenantBase):
    """One uploaded file.

    `seq` orders uploads (no clock and no id does). `fingerprint` is the SHA-256 of content, name, revision and all that
    was said of it: the same upload twice is the same document; `sha256` is of the content alone, None where it came before that was
    kept and has not been read in since. `indexed_by` is the job whose passages the index holds.
    `flagged` counts passages that give orders to a language model; None while nobody has looked.
    `reach` is the clearance of the uploader, `reach_export` the export regimes they were eligible for: a document never
    displaces one that its uploader could not read. `export` is its own regime, `eccn` the category within it, and
    `countries` where it may be; an empty list names none.
    `owner_team_id` is the team that it belongs to, if to one. `data_owner` decides who may use it; `stage` is "waiting" until they have agreed. `approved` may use a document of
    class IV, all of them until `approved_until`, when the list is made anew. On `review_on` its class is looked at again.
    A field of `details` with a class in `field_labels` is shown to those who are cleared for it.
    """

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_filename", "filename"),
        Index("ix_documents_fingerprint", "fingerprint"),
        Index("ix_documents_blob", "blob"),
        Index("ix_documents_team", "owner_team_id"),
        Index("ix_documents_status", "status", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    filename: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(16))
    size: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str | None] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    revision: Mapped[str | None] = mapped_column(String(64))
    doc_type: Mapped[str | None] = mapped_column(String(64))
    level: Mapped[int]
    tags: Mapped[list[str]] = mapped_column(Json)
    acl: Mapped[list[str]] = mapped_column(Json)
    owner_team_id: Mapped[str | None] = mapped_column(String(36))
    data_owner: Mapped[str] = mapped_column(String(36))
    stage: Mapped[str] = mapped_column(String(8))
    approved: Mapped[list[str]] = mapped_column(Json)
    approved_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    review_on: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    export: Mapped[str] = mapped_column(String(8))
    eccn: Mapped[str] = mapped_column(String(32))
    countries: Mapped[list[str]] = mapped_column(Json)
    assets: Mapped[list[str]] = mapped_column(Json)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", Json)
    field_labels: Mapped[dict[str, int]] = mapped_column(Json)
    effective_from: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    effective_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    supersedes: Mapped[list[str]] = mapped_column(Json)
    reach: Mapped[int]
    reach_export: Mapped[list[str]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    in_force: Mapped[bool]
    pages: Mapped[int | None]
    passages: Mapped[int]
    flagged: Mapped[int | None]
    job_id: Mapped[uuid.UUID | None]
    indexed_by: Mapped[uuid.UUID | None]
    uploaded_by: Mapped[uuid.UUID]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ApprovalRow(TenantBase):
    """Something that somebody asked a data owner for, and what became of it. `people` and `until` belong to a use.

    `level` belongs to a lower class, `regime` to a looser export regime. `agreed` are the subjects who have agreed so far.
    `reason` says why it was rejected where nobody did.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        Index("ix_approvals_document", "document_id", "state"),
        Index("ix_approvals_state", "state", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    document_id: Mapped[uuid.UUID]
    data_owner: Mapped[str] = mapped_column(String(36))
    requester: Mapped[str] = mapped_column(String(36))
    purpose: Mapped[str] = mapped_column(Text)
    people: Mapped[list[str]] = mapped_column(Json)
    until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    level: Mapped[int | None]
    regime: Mapped[str | None] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16))
    decided_by: Mapped[str | None] = mapped_column(String(36))
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str | None] = mapped_column(Text)
    agreed: Mapped[list[str]] = mapped_column(Json, server_default="[]")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    escalated_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(16))
