"""The shelf of models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0004_shelf"
down_revision: str | None = "0003_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_packages",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("licence", sa.String(120), nullable=False),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("measured", Json(), nullable=True),
        sa.Column("reason", sa.String(300), nullable=True),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "models_in_force",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("package_id", sa.Uuid(), sa.ForeignKey("model_packages.id"), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
    )
    op.create_table(
        "model_events",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
