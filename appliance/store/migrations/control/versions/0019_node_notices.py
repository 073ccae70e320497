"""What is to be told to a plant because of rows of the node."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0019_node_notices"
down_revision: str | None = "0016b_provider_grants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "node_notices",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("tenant_id", sa.Uuid(), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("slot", sa.String(160), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("audience", sa.String(64), nullable=True),
        sa.Column("person", sa.String(40), nullable=True),
        sa.Column("author", sa.String(40), nullable=True),
        sa.Column("params", Json(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
