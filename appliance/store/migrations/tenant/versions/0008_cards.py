"""Answer cards: worded answers that are made ahead."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0008_cards"
down_revision: str | None = "0007_usage"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_cards",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.String(64), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("question_key", sa.Text(), nullable=False),
        sa.Column("bound", sa.String(64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_answer_cards_bound", "answer_cards", ["bound"])
    op.create_index("ix_answer_cards_passage", "answer_cards", ["passage_id"])


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
