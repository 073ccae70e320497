"""What callers give to the record, and what its reader gives back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NewType

from appliance.store import TenantId, new_id

LogName = NewType("LogName", str)
"""`<tenant id>/<epoch>`, or `node/<epoch>` for what belongs to no tenant."""

NODE = "node"
Phase = Literal["pre", "post", "single"]
ResultStatus = Literal["success", "error", "denied", "aborted", "unknown"]


def log_name(tenant_id: TenantId | None, epoch: int) -> LogName:
    return LogName(f"{NODE if tenant_id is None else tenant_id}/{epoch}")


@dataclass(frozen=True, slots=True)
class NewRecord:
    """One fact to be recorded, for ever.

    `pre` is written before work starts, `post` when it ended; both carry the work's `correlation_id`. `single` stands
    alone. `personal` holds what may have to be erased one day (a name): the record keeps only a salted hash of it.
    `outside` marks a pre-record of work that reaches beyond our own database, whose end a crash leaves unknown.

    `metadata` holds JSON values; integers up to 2**53, no secret, no personal data, no text of a question.
    """

    tenant_id: TenantId | None
    event_type: str
    phase: Phase
    correlation_id: uuid.UUID
    user_id: uuid.UUID | None
    session_id: uuid.UUID | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    request_hash: str | None = None
    result_status: ResultStatus | None = None
    latency_ms: int | None = None
    model: str | None = None
    tools_used: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
    actor_kind: str | None = None
    role: str | None = None
    policies: tuple[str, ...] = ()
    pack_version: str | None = None
    outside: bool = False
    id: uuid.UUID = field(default_factory=new_id)
    created_at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


@dataclass(frozen=True, slots=True)
class Proven:
    """A record as it is stored, and the hashes that prove it to be number `seq` of a log, nearest sibling first."""

    seq: int
    hash: bytes
    record: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as a reader sees it: where it stands, its leaf hash, what it says, and its personal fields if still here."""

    log: LogName
    seq: int
    hash: bytes
    record: Mapping[str, Any]
    personal: Mapping[str, str]
