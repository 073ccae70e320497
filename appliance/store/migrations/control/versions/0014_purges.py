"""When a plant is erased: the day that was set, when it began, and when nothing of it was left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0014_purges"
down_revision: str | None = "0013_duties"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tenants") as batch:
        for name in ("purge_at", "purge_begun_at", "purged_at"):
            batch.add_column(sa.Column(name, UtcDateTime(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
