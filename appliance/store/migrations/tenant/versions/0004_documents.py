"""Documents and their states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0004_documents"
down_revision: str | None = "0003_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(64), nullable=True),
        sa.Column("doc_type", sa.String(64), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("tags", Json(), nullable=False),
        sa.Column("acl", Json(), nullable=False),
        sa.Column("assets", Json(), nullable=False),
        sa.Column("metadata", Json(), nullable=False),
        sa.Column("effective_from", UtcDateTime(), nullable=True),
        sa.Column("effective_until", UtcDateTime(), nullable=True),
        sa.Column("supersedes", Json(), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("indexed_by", sa.Uuid(), nullable=True),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_documents_filename", "documents", ["filename"])
    op.create_index("ix_documents_fingerprint", "documents", ["fingerprint"])
    op.create_index("ix_documents_blob", "documents", ["blob"])
    op.create_index("ix_documents_status", "documents", ["status", "seq"])


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
