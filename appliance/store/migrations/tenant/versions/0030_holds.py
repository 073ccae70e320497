"""Destruction holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0030_holds"
down_revision: str | None = "0029_allowances"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("correlation_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("release_reason", sa.String(500), nullable=True),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
