"""Routing's JSON."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.routing.breaker import BreakerState
from appliance.routing.providers import Registration
from appliance.routing.values import Default, Health, Offered, Provider, ProviderKind, Scope
from appliance.shelf.values import Tier
from appliance.web import Flag

Priority = Annotated[int, Field(ge=0, le=100, description="The lowest is asked first.")]
Timeout = Annotated[int, Field(ge=1, le=600, description="Seconds that one answer may take.")]
Failures = Annotated[int, Field(ge=1, le=100, description="After how many in a row nobody is sent there.")]
Pause = Annotated[int, Field(ge=1, le=600, description="Seconds that nobody is sent there, at first.")]
Clearance = Annotated[int, Field(ge=1, le=4, description="The highest class of passages that it may be given.")]
Key = Annotated[
    str, Field(max_length=500, description="Sent with each request; kept sealed, never shown. Empty: none.")
]
Url = Annotated[
    str, Field(min_length=1, max_length=300, description="Such as http://10.1.2.3:8000; on the owner's list.")
]


class NewOffered(BaseModel):
    """A model of a provider, by the name it has there, and the tiers that it is for."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    tiers: list[str] = Field(max_length=4)


Models = Annotated[list[NewOffered], Field(min_length=1, max_length=20)]


class OfferedView(BaseModel):
    """A model that a provider serves, and how fast it was when it was measured (tokens per second)."""

    name: str
    tiers: list[Tier]
    prompt_tokens_per_s: float
    decode_tokens_per_s: float

    @classmethod
    def of(cls, one: Offered) -> OfferedView:
        return cls(
            name=one.name, tiers=list(one.tiers), prompt_tokens_per_s=one.speed.prompt,
            decode_tokens_per_s=one.speed.decode,
        )  # fmt: skip


class RouteView(BaseModel):
    """One thing that answers or fails as one: how it was when last looked at, and whether anybody is sent there."""

    name: str
    tiers: list[Tier]
    breaker: BreakerState
    up: bool | None = None
    latency_ms: float | None = None
    problem: str | None = None
    looked_at: dt.datetime | None = None

    @classmethod
    def of(cls, name: str, tiers: list[Tier], breaker: BreakerState, health: Health | None) -> RouteView:
        view = cls(name=name, tiers=tiers, breaker=breaker)
        if health is not None:
            view.up, view.latency_ms, view.problem, view.looked_at = (
                health.up, health.latency_ms, health.problem, health.at,
            )  # fmt: skip
        return view


class ProviderView(BaseModel):
    """A chat server that may be asked. `local` is the node's own; its models are those in force on the shelf."""

    id: UUID
    name: str
    kind: ProviderKind
    base_url: str
    models: list[OfferedView]
    priority: int
    timeout_seconds: int
    failures: int
    pause_seconds: int
    clearance: int
    enabled: bool
    has_key: bool
    created_at: dt.datetime | None
    routes: list[RouteView]

    @classmethod
    def of(cls, one: Provider, routes: list[RouteView]) -> ProviderView:
        return cls(
            id=one.id, name=one.name, kind=one.kind, base_url=one.base_url,
            models=[OfferedView.of(each) for each in one.models], priority=one.priority,
            timeout_seconds=one.timeout_seconds, failures=one.failures, pause_seconds=one.pause_seconds,
            clearance=one.clearance, enabled=one.enabled, has_key=one.has_key, created_at=one.created_at, routes=routes,
        )  # fmt: skip


class ProvidersView(BaseModel):
    items: list[ProviderView]


class ProviderChange(BaseModel):
    """What is to be otherwise; what is left out stays. A new address, key or list of models is tried before it counts."""

    model_config = ConfigDict(extra="forbid")

    base_url: Url | None = None
    models: Models | None = None
    key: Key | None = None
    priority: Priority | None = None
    timeout_seconds: Timeout | None = None
    failures: Failures | None = None
    pause_seconds: Pause | None = None
    clearance: Clearance | None = None
    enabled: Flag | None = None

    def registration(self) -> Registration:
        given = {name: getattr(self, name) for name in ProviderChange.model_fields if name != "models"}
        models = None if self.models is None else {one.name: one.tiers for one in self.models}
        return Registration(**given, models=models)


class NewProvider(ProviderChange):
    """A server of the plant that is to write answers too. It is asked, and measured, before it is taken."""

    name: str = Field(min_length=1, max_length=40)
    kind: str = Field(default="openai_compatible", max_length=40)
    base_url: Url
    models: Models


class MainProvider(BaseModel):
    """The provider that goes first within a tier; null leaves it to priority."""

    model_config = ConfigDict(extra="forbid")

    provider: str | None = Field(max_length=40)
    scope: Literal["tenant", "global"] = "tenant"


class DefaultView(BaseModel):
    """A choice: a tier, `auto` (the question decides), or the name of a model."""

    scope: Scope
    subject: str
    choice: str

    @classmethod
    def of(cls, one: Default) -> DefaultView:
        return cls(scope=one.scope, subject=one.subject, choice=one.choice)


class DefaultsView(BaseModel):
    """What your answers are written with where you name nothing.

    `default` is the choice that counts, the first of `chain` (person, role, plant, node) that can be kept; `served_by` who
    would write an answer to a plain question now, null where nobody can. `models` can be chosen.
    """

    default: DefaultView
    chain: list[DefaultView]
    main_provider: str | None
    served_by: str | None
    models: list[str]


class NewDefault(BaseModel):
    """`choice` null forgets the default of this scope. `subject` is the role where the scope is one."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope = "user"
    subject: str = Field(default="", max_length=40)
    choice: str | None = Field(max_length=120)
