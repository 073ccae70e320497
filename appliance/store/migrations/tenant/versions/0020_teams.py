"""Documents that belong to a team."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_teams"
down_revision: str | None = "0019_hub_postings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("documents") as batch:
        batch.add_column(sa.Column("owner_team_id", sa.String(36), nullable=True))
        batch.create_index("ix_documents_team", ["owner_team_id"])
    with op.batch_alter_table("passage_sources") as batch:
        batch.add_column(sa.Column("team", sa.String(36), nullable=True))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
