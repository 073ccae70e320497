"""Jobs in an order, with an end, and with arrows that the database itself keeps.

A later batch step that rebuilds `jobs` on SQLite drops the trigger, and makes it again with `GUARD_FILE`.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from appliance.store.schema import UtcDateTime

revision = "0027_queue"
down_revision: str | None = "0025_receipts"
branch_labels = None
depends_on = None

_WRONG = (
    "(OLD.state <> NEW.state AND NOT ("
    "(OLD.state = 'queued' AND NEW.state IN ('running', 'cancelled'))"
    " OR (OLD.state = 'running' AND NEW.state IN ('queued', 'finished', 'failed', 'cancelled'))))"
)
GUARD_FILE = (
    f"CREATE TRIGGER jobs_move BEFORE UPDATE OF state ON jobs WHEN {_WRONG}"
    " BEGIN SELECT RAISE(ABORT, 'a job does not move like that'); END"
)


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="5"))
        batch.add_column(sa.Column("deadline_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("reason", sa.String(32), nullable=True))
    op.create_index("ix_jobs_ended", "jobs", ["state", "updated_at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(GUARD_FILE)
        return
    op.execute(
        "CREATE FUNCTION tenant.jobs_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'a job does not move like that' USING ERRCODE = 'check_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER jobs_move BEFORE UPDATE OF state ON tenant.jobs FOR EACH ROW"
        f" WHEN {_WRONG} EXECUTE FUNCTION tenant.jobs_move()"
    )


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
