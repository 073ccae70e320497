"""What was counted of requests in each window, and which keyed requests have changed rows of the node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0008_limits"
down_revision: str | None = "0007_federation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate_windows",
        sa.Column("tenant_id", sa.Uuid(), primary_key=True),
        sa.Column("subject", sa.String(80), primary_key=True),
        sa.Column("what", sa.String(160), primary_key=True),
        sa.Column("seconds", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("slices", Json(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
    )
    op.create_table(
        "idempotency_marks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("done", Json(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_idempotency_marks_expires_at", "idempotency_marks", ["expires_at"])


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
