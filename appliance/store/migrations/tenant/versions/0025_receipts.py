"""What an answer said, word for word, for its receipt; and the hash of each uploaded file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0025_receipts"
down_revision: str | None = "0024_regimes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("documents") as table:
        table.add_column(sa.Column("sha256", sa.String(64), nullable=True))
    op.create_table(
        "answer_receipts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("message_id", sa.Uuid(), sa.ForeignKey("messages.id"), nullable=False),
        sa.Column("part", sa.String(8), nullable=False),
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("message_id", "part", name="uq_answer_receipts"),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
