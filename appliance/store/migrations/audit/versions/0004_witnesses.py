"""What witnesses cosigned of this node's logs, and what this node cosigned of others'."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_witnesses"
down_revision: str | None = "0003_tiles"
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, 'what was witnessed stays'); END
"""
ONCE = """
CREATE TRIGGER cosignatures_once BEFORE INSERT ON cosignatures
WHEN EXISTS (
  SELECT 1 FROM cosignatures WHERE log = NEW.log AND size = NEW.size AND witness = NEW.witness AND at = NEW.at
)
BEGIN SELECT RAISE(ABORT, 'a cosignature is kept once'); END
"""
# Whatever a program asks for, a witness never goes back.
FORWARD = """
CREATE TRIGGER witnessed_heads_forward BEFORE INSERT ON witnessed_heads
WHEN EXISTS (SELECT 1 FROM witnessed_heads WHERE origin = NEW.origin AND size >= NEW.size)
BEGIN SELECT RAISE(ABORT, 'a log that is witnessed only grows'); END
"""


def upgrade() -> None:
    op.create_table(
        "cosignatures",
        sa.Column("log", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("witness", sa.String(256), primary_key=True),
        sa.Column("at", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_table(
        "witnesses",
        sa.Column("witness", sa.String(256), primary_key=True),
        sa.Column("created_at", sa.String(27), nullable=False),
    )
    op.create_table(
        "watched_nodes",
        sa.Column("node_id", sa.String(16), primary_key=True),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
    )
    op.create_table(
        "witnessed_heads",
        sa.Column("origin", sa.String(128), primary_key=True),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(ONCE)
        op.execute(FORWARD)
        for table in ("cosignatures", "witnessed_heads"):
            for event in ("update", "delete"):
                op.execute(APPEND_ONLY.format(table=table, event=event))


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
