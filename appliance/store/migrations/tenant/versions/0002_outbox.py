"""The record's outbox for a tenant's rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_outbox"
down_revision: str | None = "0001_meta"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_outbox",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
