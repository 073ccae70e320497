"""What identity providers gave for sessions, to ask them anew with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0016b_provider_grants"
down_revision: str | None = "0016_own_passwords"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_grants",
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("sign_in_sessions.id"), primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
