"""Data owners, what they were asked and what they approved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0012_classification"
down_revision: str | None = "0011_guards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("documents", "passage_sources"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("data_owner", sa.String(36), nullable=False, server_default=""))
            batch.add_column(sa.Column("stage", sa.String(8), nullable=False, server_default="open"))
            batch.add_column(sa.Column("approved", Json(), nullable=False, server_default="[]"))
            batch.add_column(sa.Column("approved_until", UtcDateTime(), nullable=True))
    with op.batch_alter_table("documents") as batch:
        batch.add_column(sa.Column("review_on", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("field_labels", Json(), nullable=False, server_default="{}"))
    op.create_table(
        "approvals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.Uuid(), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("data_owner", sa.String(36), nullable=False),
        sa.Column("requester", sa.String(36), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("people", Json(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(36), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_approvals_document", "approvals", ["document_id", "state"])
    op.create_index("ix_approvals_state", "approvals", ["state", "seq"])


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
