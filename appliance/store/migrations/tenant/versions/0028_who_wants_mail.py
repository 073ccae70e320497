"""Who wants mail of which kinds of news."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import Json

revision = "0028_who_wants_mail"
down_revision: str | None = "0028_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_choices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), primary_key=True),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("kinds", Json(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
