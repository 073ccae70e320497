"""Logs, leaves and checkpoints of the record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_record"
down_revision: str | None = None
branch_labels = None
depends_on = None

# The node's own guard; on a hub the app's role has no grant for UPDATE and DELETE on these two tables.
# The check before an insert also stops INSERT OR REPLACE, which deletes without firing a delete trigger.
APPEND_ONLY = """
CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END
"""
IN_ORDER = """
CREATE TRIGGER leaves_in_order BEFORE INSERT ON leaves
WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), -1) + 1 FROM leaves WHERE log = NEW.log)
  OR EXISTS (SELECT 1 FROM leaves WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a record is appended at the end, once'); END
"""
CHECKPOINT_ONCE = """
CREATE TRIGGER checkpoints_once BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE log = NEW.log AND size = NEW.size)
BEGIN SELECT RAISE(ABORT, 'a checkpoint is written once'); END
"""


def upgrade() -> None:
    op.create_table(
        "leaves",
        sa.Column("log", sa.String(64), primary_key=True),
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("event_type", sa.String(128), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=True),
        sa.Column("created_at", sa.String(27), nullable=False),
    )
    op.create_index("ix_leaves_log_user", "leaves", ["log", "user_id", "seq"])
    op.create_index("ix_leaves_log_event", "leaves", ["log", "event_type", "seq"])
    op.create_table(
        "checkpoints",
        sa.Column("log", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_table(
        "personal",
        sa.Column("record_id", sa.String(36), primary_key=True),
        sa.Column("field", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(36), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "open_records",
        sa.Column("correlation_id", sa.String(36), primary_key=True),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("instance", sa.String(36), nullable=False),
        sa.Column("outside", sa.Boolean(), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for table in ("leaves", "checkpoints"):
            for event in ("update", "delete"):
                op.execute(APPEND_ONLY.format(table=table, event=event))
        op.execute(IN_ORDER)
        op.execute(CHECKPOINT_ONCE)


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
