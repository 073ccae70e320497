"""The looser export regime that a data owner is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_regimes"
down_revision: str | None = "0023_violations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("approvals") as batch:
        batch.add_column(sa.Column("regime", sa.String(8), nullable=True))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
