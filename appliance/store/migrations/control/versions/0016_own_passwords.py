"""Whose password somebody else made. Those who are here already have used theirs, and keep it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_own_passwords"
down_revision: str | None = "0014_purges"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("people") as batch:
        batch.add_column(sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
