"""The export control of documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json

revision = "0013_export_control"
down_revision: str | None = "0012_classification"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("documents", "passage_sources"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("export", sa.String(8), nullable=False, server_default="NONE"))
    with op.batch_alter_table("documents") as batch:
        batch.add_column(sa.Column("eccn", sa.String(32), nullable=False, server_default=""))
        batch.add_column(sa.Column("countries", Json(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("reach_export", Json(), nullable=False, server_default="[]"))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
