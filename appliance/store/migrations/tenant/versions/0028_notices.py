"""What people are told of, and what of it they have read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0028_notices"
down_revision: str | None = "0027_queue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("slot", sa.String(160), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("audience", sa.String(64), nullable=True),
        sa.Column("person", sa.String(40), nullable=True),
        sa.Column("author", sa.String(40), nullable=True),
        sa.Column("params", Json(), nullable=False),
        sa.Column("spread", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("tenant_id", "slot", name="uq_notices"),
    )
    op.create_index("ix_notices_at", "notices", ["at", "id"])
    op.create_index("ix_notices_spread", "notices", ["spread"])
    op.create_table(
        "notice_reads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), sa.ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person_id", sa.Uuid(), primary_key=True),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
