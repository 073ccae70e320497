"""Passages, their text index and their vectors."""

from __future__ import annotations

revision = "0005_passages"
down_revision: str | None = "0004_documents"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the domain that owns these tables."""


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
