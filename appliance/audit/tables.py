"""Tables of the record (audit file or schema) and the outboxes that stand beside the rows they speak of.

Leaves and checkpoints are only ever inserted: by grant on a hub, by trigger on a node. All values are plain text,
numbers and bytes, because the recorder writes them past the ORM.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import AuditBase, ControlBase, TenantBase

LOG = String(64)
ID = String(36)
WITNESS = String(256)


class LeafRow(AuditBase):
    """A record and its place. Columns beside `record` repeat it for queries; the verifier compares them."""

    __tablename__ = "leaves"
    __table_args__ = (
        Index("ix_leaves_log_user", "log", "user_id", "seq"),
        Index("ix_leaves_log_event", "log", "event_type", "seq"),
        Index("ix_leaves_log_correlation", "log", "correlation_id", "seq"),
        {"info": {"append_only": True}},
    )

    log: Mapped[str] = mapped_column(LOG, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(ID, unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    record: Mapped[bytes] = mapped_column(LargeBinary)
    event_type: Mapped[str] = mapped_column(String(128))
    user_id: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[str] = mapped_column(String(27))
    correlation_id: Mapped[str | None] = mapped_column(ID)


class CheckpointRow(AuditBase):
    """A signed head of the past, with the frontier that lets an appender go on from it without reading the log."""

    __tablename__ = "checkpoints"
    __table_args__ = ({"info": {"append_only": True}},)

    log: Mapped[str] = mapped_column(LOG, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)


class TileRow(AuditBase):
    """A full tile: 256 hashes, of leaves (level 0) or of the tiles below, and the root over them (c2sp.org/tlog-tiles).

    It stays when the records of its leaves are purged, so that every proof can still be made.
    """

    __tablename__ = "tiles"
    __table_args__ = ({"info": {"append_only": True}},)

    log: Mapped[str] = mapped_column(LOG, primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class PurgedRow(AuditBase):
    """The first `size` records of a log were made before `before`, their time was over, and they are gone."""

    __tablename__ = "purged"
    __table_args__ = ({"info": {"append_only": True}},)

    log: Mapped[str] = mapped_column(LOG, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    before: Mapped[str] = mapped_column(String(27))
    created_at: Mapped[str] = mapped_column(String(27))


class CosignatureRow(AuditBase):
    """That a witness had seen a log of this node at a size; `note` is the checkpoint with our signature and this one."""

    __tablename__ = "cosignatures"
    __table_args__ = ({"info": {"append_only": True}},)

    log: Mapped[str] = mapped_column(LOG, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    witness: Mapped[str] = mapped_column(WITNESS, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(Text)


class WitnessRow(AuditBase):
    """A witness whose cosignatures this node takes, by its verifier key (c2sp.org/signed-note)."""

    __tablename__ = "witnesses"

    witness: Mapped[str] = mapped_column(WITNESS, primary_key=True)
    created_at: Mapped[str] = mapped_column(String(27))


class WatchedRow(AuditBase):
    """A node whose logs this one witnesses; its public key (hex) signs them."""

    __tablename__ = "watched_nodes"

    node_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    public_key: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[str] = mapped_column(String(27))


class WitnessedRow(AuditBase):
    """A head of another node's log that this one cosigned; the largest of an origin is what the next must hold."""

    __tablename__ = "witnessed_heads"
    __table_args__ = ({"info": {"append_only": True}},)

    origin: Mapped[str] = mapped_column(String(128), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[str] = mapped_column(String(27))


class PersonalRow(AuditBase):
    """A personal field and its salt, sealed under the tenant's key; the record commits to both by hash."""

    __tablename__ = "personal"

    record_id: Mapped[str] = mapped_column(ID, primary_key=True)
    field: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[str | None] = mapped_column(ID)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class OpenRow(AuditBase):
    """A pre-record whose post-record is still to come, and the process that owes it."""

    __tablename__ = "open_records"

    correlation_id: Mapped[str] = mapped_column(ID, primary_key=True)
    record_id: Mapped[str] = mapped_column(ID)
    instance: Mapped[str] = mapped_column(ID)
    outside: Mapped[bool] = mapped_column(Boolean)


class ControlOutboxRow(ControlBase):
    """A post-record that became durable together with the change it describes."""

    __tablename__ = "audit_outbox"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    record: Mapped[bytes] = mapped_column(LargeBinary)
    personal: Mapped[bytes] = mapped_column(LargeBinary)


class TenantOutboxRow(TenantBase):
    """The same, in a tenant's own file."""

    __tablename__ = "audit_outbox"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    record: Mapped[bytes] = mapped_column(LargeBinary)
    personal: Mapped[bytes] = mapped_column(LargeBinary)
