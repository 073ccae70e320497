"""Who can write, and what is wanted of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from appliance.shelf.spending import LOCAL
from appliance.shelf.values import Tier
from appliance.store import Principal

ProviderKind = Literal["llama_cpp", "openai_compatible", "ollama"]
"""`llama_cpp` is our own server for what is in force on the shelf; the others are servers of the plant in OpenAI's shape."""
LOCAL_ID: Final = UUID(int=1)
Scope = Literal["global", "tenant", "role", "user"]
AUTO: Final = "auto"
"""The choice that leaves the tier to the question."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second of prompt and of answer."""

    prompt: float
    decode: float

    def seconds(self, prompt: int, answer: int) -> float:
        """How long an answer of so many tokens takes after so many tokens of fresh prompt."""
        return prompt / self.prompt + answer / self.decode


@dataclass(frozen=True, slots=True)
class Offered:
    """A model that a provider serves: its name there, what it is for, and how fast it was when it was registered."""

    name: str
    tiers: tuple[Tier, ...]
    speed: Speed


@dataclass(frozen=True, slots=True)
class Provider:
    """A chat server that may be asked.

    Args:
        priority: 0 to 100; the lowest is asked first.
        timeout_seconds: the longest that one answer may take.
        failures, pause_seconds: after how many in a row nobody is sent there, and for how long at first.
        clearance: 1 (public) to 4 (restricted): the highest class of passages that it may be given.
    """

    id: UUID
    name: str
    kind: ProviderKind
    base_url: str = ""
    models: tuple[Offered, ...] = ()
    priority: int = 50
    timeout_seconds: int = 120
    failures: int = 3
    pause_seconds: int = 2
    clearance: int = 4
    enabled: bool = True
    has_key: bool = False
    created_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One model of one provider. `key` is what fails as one: a provider, or one server of ours."""

    key: str
    provider: Provider
    model: str
    tiers: tuple[Tier, ...]
    speed: Speed | None

    @property
    def name(self) -> str:
        """What an answer is said to be served by."""
        return self.model if self.provider.name == LOCAL else f"{self.provider.name}/{self.model}"


def _unheard(_names: Sequence[str]) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An answer that is to be written.

    Args:
        passages: how many passages it is written from; `classification` is their highest class, 1 to 4.
        ask: the tier or the model that the asker named; empty where none was.
        without: providers that may not be asked, since their budget is used up.
        here: only this node's own models may be asked: a passage is under export control.
        light: only light models may be asked, since the budget for the others is used up.
        best: ask the best there is, whatever the question is like; `but` is who was asked already.
        withheld: is told the names of the models that the policy keeps from the principal, each time.
    """

    principal: Principal
    question: str
    passages: int = 1
    long: bool = False
    classification: int = 1
    here: bool = False
    ask: str = ""
    without: frozenset[str] = frozenset()
    light: bool = False
    best: bool = False
    but: str = ""
    withheld: Callable[[Sequence[str]], None] = field(default=_unheard, compare=False)


@dataclass(frozen=True, slots=True)
class Default:
    """What answers are written with where nothing else is said: a tier, `auto`, or the name of a model."""

    scope: Scope
    subject: str
    choice: str


@dataclass(frozen=True, slots=True)
class Health:
    """How a route was when it was last looked at; `latency_ms` of a short request, None where it did not answer."""

    at: dt.datetime
    up: bool
    latency_ms: float | None = None
    problem: str | None = None


__all__ = [
    "AUTO", "LOCAL", "LOCAL_ID", "Default", "Health", "Offered", "Provider", "ProviderKind", "Route", "Scope", "Speed",
    "Wanted",
]  # fmt: skip
