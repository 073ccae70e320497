"""Conversations that belong to a team."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_team_conversations"
down_revision: str | None = "0020_teams"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("conversations") as batch:
        batch.add_column(sa.Column("owner_team_id", sa.String(36), nullable=True))
        batch.create_index("ix_conversations_team", ["owner_team_id"])


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
