"""Documents and their states."""

from __future__ import annotations

revision = "0004_documents"
down_revision: str | None = "0003_jobs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the domain that owns these tables."""


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
