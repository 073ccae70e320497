"""What the guard found: warnings on messages, flags on passages and documents; and what a plant has set for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json, UtcDateTime

revision = "0011_guards"
down_revision: str | None = "0010_idempotency"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("messages") as table:
        table.add_column(sa.Column("warnings", Json(), nullable=False, server_default="[]"))
    with op.batch_alter_table("documents") as table:
        table.add_column(sa.Column("flagged", sa.Integer(), nullable=True))
    with op.batch_alter_table("passages") as table:
        table.add_column(sa.Column("flags", Json(), nullable=True))
    op.create_table(
        "guard_settings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("tenant_id", "name", name="uq_guard_settings"),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
