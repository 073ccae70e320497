"""Tables of the index.

Beside them stand what the migration makes by hand, because SQLAlchemy has no word for it:

- SQLite: `passage_terms` (FTS5 over keys and stems; rowid is passages.id) and `passage_vectors` (vec0, int8[384]);
- PostgreSQL: the columns `passages.terms` (how many keys it has) and `passages.embedding` (vector(384), HNSW).
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import REAL, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import Json, TenantBase, UtcDateTime

RowId = BigInteger().with_variant(Integer(), "sqlite")


class PassageSource(TenantBase):
    """What filters need of a document, once per document: a change of clearance rewrites one row, not hundreds."""

    __tablename__ = "passage_sources"
    __table_args__ = (UniqueConstraint("tenant_id", "document_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    document_id: Mapped[uuid.UUID]
    in_force: Mapped[bool]
    level: Mapped[int]
    tags: Mapped[list[str]] = mapped_column(Json)
    acl: Mapped[list[str]] = mapped_column(Json)
    data_owner: Mapped[str] = mapped_column(String(36))
    stage: Mapped[str] = mapped_column(String(8))
    approved: Mapped[list[str]] = mapped_column(Json)
    approved_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    export: Mapped[str] = mapped_column(String(8))
    team: Mapped[str | None] = mapped_column(String(36))
    assets: Mapped[list[str]] = mapped_column(Json)
    asset_keys: Mapped[list[str]] = mapped_column(Json)
    filename: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(Text)
    revision: Mapped[str | None] = mapped_column(String(64))
    doc_type: Mapped[str | None] = mapped_column(String(64))


class PassagePosting(TenantBase):
    """On a hub: how much a term weighs in a passage (see `postgres_engine`)."""

    __tablename__ = "passage_postings"
    __table_args__ = (Index("ix_passage_postings_passage", "passage_id"), {"info": {"hub_only": True}})

    term: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    passage_id: Mapped[int] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    weight: Mapped[float] = mapped_column(REAL())
    length: Mapped[int]
    """How many terms the passage has: here too, so that a search reads the index alone."""


class PassageRow(TenantBase):
    """One passage; its id is never used again, so that a citation of a removed passage points at nothing else."""

    __tablename__ = "passages"
    # The index covers the filter inside a search: (source, id) without touching the texts.
    __table_args__ = (Index("ix_passages_source", "source_id", "ordinal"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    source_id: Mapped[int] = mapped_column(RowId, ForeignKey("passage_sources.id"))
    ordinal: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    heading: Mapped[str] = mapped_column(Text)
    page: Mapped[int | None]
    tokens: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    lines: Mapped[list[Any]] = mapped_column(Json)
    flags: Mapped[list[str] | None] = mapped_column(Json)
    """Rules by which it gives orders to a language model; None while nobody has looked."""
