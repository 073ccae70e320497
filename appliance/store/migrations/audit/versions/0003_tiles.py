"""Tiles of the logs, kept when the records below them are purged; and the only way in which a record is ever removed."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0003_tiles"
down_revision: str | None = "0002_correlation"
branch_labels = None
depends_on = None

TILE = 256
APPEND_ONLY = """
CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END
"""
ONCE = """
CREATE TRIGGER {table}_once BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})
BEGIN SELECT RAISE(ABORT, 'a {word} is written once'); END
"""
# What is younger than this is removed by nobody, whatever a program asks for.
PURGED_IN_TIME = """
CREATE TRIGGER purged_in_time BEFORE INSERT ON purged
WHEN NEW.size % 256 <> 0 OR NEW.before > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')
  OR NOT EXISTS (SELECT 1 FROM tiles WHERE log = NEW.log AND level = 0 AND place = NEW.size / 256 - 1)
  OR NOT EXISTS (SELECT 1 FROM leaves WHERE log = NEW.log AND seq = NEW.size)
  OR NOT EXISTS (SELECT 1 FROM checkpoints WHERE log = NEW.log AND size >= NEW.size)
BEGIN SELECT RAISE(ABORT, 'only closed segments of old records are purged'); END
"""
NO_DELETE = """
CREATE TRIGGER leaves_no_delete BEFORE delete ON leaves
WHEN NOT EXISTS (
  SELECT 1 FROM purged WHERE log = OLD.log AND size > OLD.seq AND before > OLD.created_at
)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END
"""
FUNCTION = """
CREATE FUNCTION audit.purge(of_log text, to_size bigint, made_before text, at text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
DECLARE gone bigint;
BEGIN
  IF to_size % 256 <> 0
    OR made_before > to_char((now() AT TIME ZONE 'UTC') - interval '30 days', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    OR NOT EXISTS (SELECT 1 FROM tiles WHERE log = of_log AND level = 0 AND place = to_size / 256 - 1)
    OR NOT EXISTS (SELECT 1 FROM leaves WHERE log = of_log AND seq = to_size)
    OR NOT EXISTS (SELECT 1 FROM checkpoints WHERE log = of_log AND size >= to_size)
    OR EXISTS (SELECT 1 FROM leaves WHERE log = of_log AND seq < to_size AND created_at >= made_before)
  THEN RAISE EXCEPTION 'only closed segments of old records are purged';
  END IF;
  INSERT INTO purged (log, size, before, created_at) VALUES (of_log, to_size, made_before, at);
  DELETE FROM personal WHERE record_id IN (SELECT id FROM leaves WHERE log = of_log AND seq < to_size);
  DELETE FROM leaves WHERE log = of_log AND seq < to_size;
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "tiles",
        sa.Column("log", sa.String(64), primary_key=True),
        sa.Column("level", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("place", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "purged",
        sa.Column("log", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("before", sa.String(27), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
    )
    for (log,) in op.get_bind().execute(sa.text("SELECT DISTINCT log FROM checkpoints")).all():
        _fill(op.get_bind(), log)
    if op.get_bind().dialect.name != "sqlite":
        op.execute(FUNCTION)
        return
    op.execute("DROP TRIGGER leaves_no_delete")
    op.execute(NO_DELETE)
    op.execute(PURGED_IN_TIME)
    op.execute(
        ONCE.format(table="tiles", word="tile", same="log = NEW.log AND level = NEW.level AND place = NEW.place")
    )
    op.execute(ONCE.format(table="purged", word="purge", same="log = NEW.log AND size = NEW.size"))
    for table in ("tiles", "purged"):
        for event in ("update", "delete"):
            op.execute(APPEND_ONLY.format(table=table, event=event))


def _fill(connection: sa.Connection, log: str) -> None:
    """Keep the full tiles of a log. Where a record is missing, there are none beyond it; the verifier names it."""
    query = sa.text("SELECT seq, hash FROM leaves WHERE log = :log AND seq >= :start ORDER BY seq LIMIT 256")
    upper: list[list[bytes]] = []
    place = 0
    while True:
        rows = connection.execute(query, {"log": log, "start": place * TILE}).all()
        if len(rows) < TILE or rows[-1].seq != (place + 1) * TILE - 1:
            return
        hashes = [bytes(row.hash) for row in rows]
        level, at = 0, place
        while True:
            root = _root(hashes)
            connection.execute(
                sa.text("INSERT INTO tiles VALUES (:log, :level, :place, :root, :hashes)"),
                {"log": log, "level": level, "place": at, "root": root, "hashes": b"".join(hashes)},
            )
            if len(upper) == level:
                upper.append([])
            upper[level].append(root)
            if len(upper[level]) < TILE:
                break
            hashes, upper[level] = upper[level], []
            level, at = level + 1, at // TILE
        place += 1


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]


def downgrade() -> None:
    raise RuntimeError("The store only rolls forward; a failed update returns to the snapshot.")
