"""Who has agreed to a request to which more than one must."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json

revision = "0022_agreed"
down_revision: str | None = "0021_team_conversations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("approvals") as batch:
        batch.add_column(sa.Column("agreed", Json(), nullable=False, server_default="[]"))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
