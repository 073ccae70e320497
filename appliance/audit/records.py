"""From a fact to the exact bytes that are hashed, stored and later verified.

The bytes are canonical JSON (RFC 8785) of the members below, made once; nobody canonicalises them again.

    v 1 · id · log · epoch · node · created_at · event_type · phase · correlation_id
    tenant_id · user_id · actor {kind, role} · session_id · resource_type · resource_id · request_hash
    result_status · latency_ms · model · tools_used · policies · pack_version · metadata
    effects "database" | "outside" · personal {field: commitment}

A commitment is hex SHA-256(salt || field || 0x00 || value), UTF-8, with a 32-byte salt of its own.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.audit.errors import Unrecordable
from appliance.audit.rules import leaf_hash
from appliance.audit.values import LogName, NewRecord, log_name
from appliance.store import TenantId

SALT = 32
SAFE = 2**53
"""Integers below it are themselves in every reader of JSON."""
_NONCE = 12
_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class SealedField:
    """One personal field of a record: nonce || AES-GCM(salt || value)."""

    field: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Leaf:
    """A record ready to be appended: its bytes, its hash, and what queries need to find it."""

    log: LogName
    id: str
    hash: bytes
    record: bytes
    event_type: str
    phase: str
    correlation_id: str
    user_id: str | None
    created_at: str
    outside: bool
    personal: tuple[SealedField, ...] = ()

    @classmethod
    def of(cls, record: bytes, *, epoch: int, personal: tuple[SealedField, ...] = ()) -> Leaf:
        """Read a leaf back from its bytes; it will stand in the log of `epoch`.

        Raises:
            ValueError: the bytes are not a record.
        """
        members = json.loads(record)
        try:
            return _leaf(members, record, epoch, personal)
        except (KeyError, TypeError, AttributeError):
            raise ValueError("the bytes are not those of a record") from None


class Sealer:
    """Seals personal fields under the key of their tenant.

    Args:
        key_for: 32 bytes for a tenant, or for the node itself when given None.
    """

    def __init__(self, key_for: Callable[[TenantId | None], bytes]) -> None:
        self._key_for = key_for
        self._ciphers: dict[TenantId | None, AESGCM] = {}

    def _cipher(self, tenant_id: TenantId | None) -> AESGCM:
        if tenant_id not in self._ciphers:
            self._ciphers[tenant_id] = AESGCM(self._key_for(tenant_id))
        return self._ciphers[tenant_id]

    def seal(self, tenant_id: TenantId | None, record_id: str, field: str, value: str) -> tuple[str, SealedField]:
        """Return the commitment that goes into the record, and what is kept beside it."""
        drawn = os.urandom(SALT + _NONCE)
        salt, nonce = drawn[:SALT], drawn[SALT:]
        secret = self._cipher(tenant_id).encrypt(nonce, salt + value.encode(), _about(record_id, field))
        return commitment(salt, field, value), SealedField(field, nonce + secret)

    def open(self, tenant_id: TenantId | None, record_id: str, kept: SealedField) -> tuple[bytes, str]:
        """Return salt and value.

        Raises:
            ValueError: the bytes were altered, or belong to another record, field or tenant.
        """
        nonce, secret = kept.sealed[:_NONCE], kept.sealed[_NONCE:]
        try:
            opened = self._cipher(tenant_id).decrypt(nonce, secret, _about(record_id, kept.field))
        except InvalidTag:
            raise ValueError("a sealed field does not open") from None
        return opened[:SALT], opened[SALT:].decode()


def commitment(salt: bytes, field: str, value: str) -> str:
    return hashlib.sha256(salt + field.encode() + b"\x00" + value.encode()).hexdigest()


def canonical(value: Any) -> bytes:
    """The canonical JSON (RFC 8785) of a value.

    An encoder in C writes the same bytes many times faster, but for what `_is_plain` leaves out.

    Raises:
        rfc8785.CanonicalizationError, UnicodeEncodeError: it has none.
    """
    if _is_plain(value):
        return _ENCODER.encode(value)
    return rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    """Whether it holds nothing that RFC 8785 writes in its own way: fractions, great numbers, the order of odd names."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-SAFE < value < SAFE)
    if kind is dict:
        return all(type(name) is str and name.isascii() and _is_plain(member) for name, member in value.items())
    return kind is list and all(map(_is_plain, value))


def prepare(new: NewRecord, *, node: str, epoch: int, sealer: Sealer) -> Leaf:
    """Fix the bytes of a record.

    Raises:
        Unrecordable: a value has no canonical JSON form.
    """
    record_id = str(new.id)
    sealed = {
        field: sealer.seal(new.tenant_id, record_id, field, value) for field, value in sorted(new.personal.items())
    }
    members: dict[str, Any] = {
        "v": 1,
        "id": record_id,
        "log": log_name(new.tenant_id, epoch).partition("/")[0],
        "epoch": epoch,
        "node": node,
        "created_at": moment(new.created_at),
        "event_type": new.event_type,
        "phase": new.phase,
        "correlation_id": str(new.correlation_id),
        "tenant_id": _text(new.tenant_id),
        "user_id": _text(new.user_id),
        "actor": {"kind": new.actor_kind, "role": new.role},
        "session_id": _text(new.session_id),
        "resource_type": new.resource_type,
        "resource_id": new.resource_id,
        "request_hash": new.request_hash,
        "result_status": new.result_status,
        "latency_ms": new.latency_ms,
        "model": new.model,
        "tools_used": list(new.tools_used),
        "policies": list(new.policies),
        "pack_version": new.pack_version,
        "metadata": dict(new.metadata),
        "effects": "outside" if new.outside else "database",
        "personal": {field: commit for field, (commit, _) in sealed.items()},
    }
    try:
        # All the others are texts, by their types: looking at each would take longer than writing them.
        plain = _is_plain([members["latency_ms"], members["metadata"]])
        record = _ENCODER.encode(members) if plain else rfc8785.dumps(members)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Unrecordable(f"A record of {new.event_type} holds a value that JSON cannot carry exactly.") from error
    return _leaf(members, record, epoch, tuple(kept for _, kept in sealed.values()))


def tenant_of(record: Mapping[str, Any]) -> TenantId | None:
    """The tenant a record belongs to, from its members."""
    return None if record["tenant_id"] is None else TenantId(uuid.UUID(record["tenant_id"]))


def pack_personal(personal: tuple[SealedField, ...]) -> bytes:
    """Sealed fields as they travel through an outbox."""
    return json.dumps({kept.field: base64.b64encode(kept.sealed).decode() for kept in personal}).encode()


def unpack_personal(packed: bytes) -> tuple[SealedField, ...]:
    return tuple(SealedField(field, base64.b64decode(sealed)) for field, sealed in json.loads(packed).items())


def _leaf(members: Mapping[str, Any], record: bytes, epoch: int, personal: tuple[SealedField, ...]) -> Leaf:
    return Leaf(
        log=LogName(f"{members['log']}/{epoch}"),
        id=members["id"],
        hash=leaf_hash(record),
        record=record,
        event_type=members["event_type"],
        phase=members["phase"],
        correlation_id=members["correlation_id"],
        user_id=members["user_id"],
        created_at=members["created_at"],
        outside=members["effects"] == "outside",
        personal=personal,
    )


def _about(record_id: str, field: str) -> bytes:
    return f"{record_id}/{field}".encode()


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)


def moment(at: dt.datetime) -> str:
    """A point in time as records write it: RFC 3339 in UTC with microseconds: 27 characters that sort as time does."""
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
