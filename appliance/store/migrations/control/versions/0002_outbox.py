"""The record's outbox for node-level rows."""

from __future__ import annotations

revision = "0002_outbox"
down_revision: str | None = "0001_tenants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the domain that owns these tables."""


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
