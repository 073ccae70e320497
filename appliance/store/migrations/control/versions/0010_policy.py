"""Policy packs, and which of them is in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0010_policy"
down_revision: str | None = "0009_vault"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_packs",
        sa.Column("tenant_id", sa.Uuid(), sa.ForeignKey("tenants.id"), primary_key=True),
        sa.Column("version", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("texts", Json(), nullable=False),
        sa.Column("staged_by", sa.Uuid(), nullable=False),
        sa.Column("staged_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "policy_switches",
        sa.Column("tenant_id", sa.Uuid(), sa.ForeignKey("tenants.id"), primary_key=True),
        sa.Column("generation", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(12), nullable=True),
        sa.Column("what", sa.String(8), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
