"""The proof that an action was decided and recorded, without which no session opens.

    gate ── mint ──> Admitted ── open_session(admitted) ──> the tenant's rows

`Admitted` has no public constructor. `minter()` gives the only factory; `compose` hands it to the gate alone.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, Protocol, cast

from appliance.store.ids import TenantId

Role = Literal["viewer", "operator", "admin"]
Kind = Literal["person", "kiosk", "owner", "service"]
TeamRole = Literal["owner", "member", "viewer"]
"""An owner also says who is in the team; a viewer changes nothing that belongs to it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts. `name` is the one to sign in with, or a kiosk's; `clearance` is 1 (public) to 4 (restricted).

    `eligibility` are the export regimes, `EAR` and `ITAR`, that it may see documents of; `duties` what it has been asked
    to do beside its role, as far as that is in force now; `teams` the ids of the teams that it is in, each with what it is there.
    `must_change`: it may do nothing but choose a password of its own.
    """

    id: uuid.UUID
    kind: Kind
    tenant_id: TenantId
    name: str
    role: Role
    clearance: int
    scopes: frozenset[str] = frozenset()
    kiosk_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    eligibility: frozenset[str] = frozenset()
    duties: frozenset[str] = frozenset()
    teams: frozenset[tuple[str, TeamRole]] = frozenset()
    must_change: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy said, and which of its policies said it."""

    allowed: bool
    policies: tuple[str, ...]
    pack_version: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a record stands: the log, its place in it from 0, and its own id."""

    log: str
    seq: int
    id: uuid.UUID


@dataclass(slots=True)
class Outcome:
    """What came of an action: filled by the service while it works, turned into the post-record afterwards.

    `committed` is set by the store alone, when a writing transaction and the post-record in it are durable.
    """

    result_status: Literal["success", "error", "denied"] = "success"
    resource_id: str | None = None
    model: str | None = None
    tools_used: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    committed: bool = False


@dataclass(slots=True)
class WriteTurn:
    """Whether the one writing transaction of an admission is open; the store alone looks at it."""

    taken: bool = False


class Admitted:
    """One admitted action: who, where, what, decided how, recorded at `pre`.

    Everything but `outcome` is fixed. It cannot be built, copied or pickled; only `minter()` makes one.
    """

    __slots__ = (
        "action",
        "correlation_id",
        "decision",
        "outcome",
        "pre",
        "principal",
        "request_hash",
        "resource_id",
        "resource_type",
        "started_ns",
        "write_turn",
    )

    principal: Principal
    action: str
    resource_type: str | None
    resource_id: str | None
    decision: Decision
    correlation_id: uuid.UUID
    pre: RecordRef
    request_hash: str | None
    started_ns: int
    outcome: Outcome
    write_turn: WriteTurn

    def __new__(cls, *_: object, **__: object) -> NoReturn:
        raise TypeError("only the gate admits")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("an admission has no other kinds")

    def __setattr__(self, name: str, _: object) -> NoReturn:
        raise AttributeError(f"{name} of an admission is fixed")

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("an admission is neither copied nor pickled")

    @property
    def tenant_id(self) -> TenantId:
        """The principal's own tenant; nobody is admitted to another."""
        return self.principal.tenant_id

    def __repr__(self) -> str:
        return f"<Admitted {self.action} {self.correlation_id}>"


class Mint(Protocol):
    """Makes an admission out of an allowing decision and its durable pre-record."""

    def __call__(
        self,
        *,
        principal: Principal,
        action: str,
        decision: Decision,
        pre: RecordRef,
        correlation_id: uuid.UUID,
        resource_type: str | None = None,
        resource_id: str | None = None,
        request_hash: str | None = None,
        started_ns: int | None = None,
    ) -> Admitted:
        """Return the admission; `started_ns` is monotonic time, now if None.

        Raises:
            ValueError: the decision does not allow.
        """


_fix: Final[Callable[[Admitted, str, object], None]] = object.__setattr__


def minter() -> Mint:
    """Give the factory of admissions. A test watches that only `compose` imports this name."""

    def mint(
        *,
        principal: Principal,
        action: str,
        decision: Decision,
        pre: RecordRef,
        correlation_id: uuid.UUID,
        resource_type: str | None = None,
        resource_id: str | None = None,
        request_hash: str | None = None,
        started_ns: int | None = None,
    ) -> Admitted:
        if not decision.allowed:
            raise ValueError("a refusal admits nobody")
        admitted: Admitted = object.__new__(cast("type[Any]", Admitted))
        _fix(admitted, "principal", principal)
        _fix(admitted, "action", action)
        _fix(admitted, "resource_type", resource_type)
        _fix(admitted, "resource_id", resource_id)
        _fix(admitted, "decision", decision)
        _fix(admitted, "correlation_id", correlation_id)
        _fix(admitted, "pre", pre)
        _fix(admitted, "request_hash", request_hash)
        _fix(admitted, "started_ns", time.monotonic_ns() if started_ns is None else started_ns)
        _fix(admitted, "outcome", Outcome())
        _fix(admitted, "write_turn", WriteTurn())
        return admitted

    return mint
