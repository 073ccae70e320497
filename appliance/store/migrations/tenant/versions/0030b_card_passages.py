"""Cards name every passage that they stand on. Cards from before name none: they are shown no more and made anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json

revision = "0030b_card_passages"
down_revision: str | None = "0030_holds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answer_cards") as table:
        table.add_column(sa.Column("stands_on", Json(), nullable=False, server_default="[]"))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
