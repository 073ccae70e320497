"""What the shelf holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

State = Literal["verified", "active", "retired", "refused"]
"""`verified`: copied, and every check of the file passed. `retired`: was in force. `refused`: found damaged since."""
Tier = Literal["light", "standard", "heavy"]
TIERS: Final[tuple[Tier, ...]] = ("light", "standard", "heavy")
"""From the quickest to the best. At most one model is in force for each; one model may be for several."""
What = Literal[
    "imported", "activated", "rolled-back", "deactivated", "removed", "refused", "fell-back", "breaker-opened",
    "breaker-closed", "start-held", "start-allowed", "registered", "changed", "unregistered",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model gave on this box when it was tried: tokens per second, seconds until it served, bytes it takes."""

    prompt_tokens_per_s: float
    decode_tokens_per_s: float
    load_seconds: float
    memory_bytes: int
    threads: int
    sequences: int
    context: int
    at: dt.datetime

    def seconds(self, prompt: int, answer: int) -> float:
        """How long an answer of so many tokens takes after so many tokens of fresh prompt."""
        return prompt / self.prompt_tokens_per_s + answer / self.decode_tokens_per_s


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """One chat model on the shelf. `sha256` and `size` (bytes) are of its file; `reason` says why it is refused.

    `tiers` are what it is meant for, `serves` those of them that it is in force for now. One that is `held` is in force and
    not started.
    """

    id: UUID
    name: str
    state: State
    sha256: str
    size: int
    licence: str
    architecture: str
    quantisation: str
    parameters: int
    context: int
    tiers: tuple[Tier, ...]
    imported_at: dt.datetime
    measured: Measured | None = None
    reason: str | None = None
    serves: tuple[Tier, ...] = ()
    held: bool = False

    @property
    def socket(self) -> str:
        """The name of the socket, in the run folder, of the server that serves it; no longer than that of the small models."""
        return f"chat-{self.id.hex[-7:]}.sock"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A package that waits to be put in force. `memory_bytes` is the least it needs; `why` says why it would be refused."""

    package: ModelPackage
    fits: bool
    memory_bytes: int | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the shelf's history. `by` is None for what the node did itself."""

    number: int
    what: What
    model: str
    package_id: UUID
    reason: str | None
    by: UUID | None
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A small model that comes with the release and is always in force. `sha256` is of its manifest, which holds those of its files."""

    name: str
    kind: str
    version: str
    licence: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Serving:
    """What one chat server is to run. `outpost run` reads all of them from `run/serving.json`."""

    process: str
    name: str
    socket: str
    file: str
    sha256: str
    threads: int
    sequences: int
    context: int
