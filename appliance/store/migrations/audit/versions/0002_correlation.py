"""The records of one piece of work are found by what they share."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0002_correlation"
down_revision: str | None = "0001_record"
branch_labels = None
depends_on = None

CHUNK = 1000
NO_UPDATE = """
CREATE TRIGGER leaves_no_update BEFORE update ON leaves
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END
"""


def upgrade() -> None:
    op.add_column("leaves", sa.Column("correlation_id", sa.String(36), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        op.execute("DROP TRIGGER leaves_no_update")
    _fill(op.get_bind())
    if sqlite:
        op.execute(NO_UPDATE)
    op.create_index("ix_leaves_log_correlation", "leaves", ["log", "correlation_id", "seq"])


def _fill(connection: sa.Connection) -> None:
    """Repeat beside each record what it says; one that cannot be read is left for the verifier to name."""
    update = sa.text("UPDATE leaves SET correlation_id = :told WHERE log = :log AND seq = :seq")
    for (log,) in connection.execute(sa.text("SELECT DISTINCT log FROM leaves")).all():
        after = -1
        while True:
            query = sa.text(
                "SELECT seq, record FROM leaves WHERE log = :log AND seq > :after ORDER BY seq LIMIT :limit"
            )
            rows = connection.execute(query, {"log": log, "after": after, "limit": CHUNK}).all()
            if not rows:
                break
            told = [{"log": log, "seq": row.seq, "told": _told(row.record)} for row in rows]
            connection.execute(update, told)
            after = rows[-1].seq


def _told(record: object) -> str | None:
    try:
        found = json.loads(bytes(record))["correlation_id"]  # type: ignore[call-overload]
    except (ValueError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) and len(found) <= 36 else None


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
