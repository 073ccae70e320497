"""What people are asked to do beside their role, and the keys of auditors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json

revision = "0013_duties"
down_revision: str | None = "0012_teams"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("people") as batch:
        batch.add_column(sa.Column("duties", Json(), nullable=False, server_default="{}"))
    with op.batch_alter_table("api_keys") as batch:
        batch.add_column(sa.Column("auditor", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
