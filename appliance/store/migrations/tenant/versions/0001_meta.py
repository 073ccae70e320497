"""Which tenant a file belongs to."""

from __future__ import annotations

revision = "0001_meta"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the domain that owns these tables."""


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
