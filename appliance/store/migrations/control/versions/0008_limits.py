"""What was counted of requests in each window."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json

revision = "0008_limits"
down_revision: str | None = "0005_routing"
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
        sa.Column("at", sa.Float(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
