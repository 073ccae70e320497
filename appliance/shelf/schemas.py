"""The shelf's JSON."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.shelf.turns import Working
from appliance.shelf.values import BuiltIn, Happened, Measured, ModelPackage, State, Tier, What

PROMPT_TOKENS, ANSWER_TOKENS = 400, 60
"""An answer on the diet: what is shown as the time that an answer takes here."""


class MeasuredView(BaseModel):
    """What a model gave when it was tried on this box; `seconds_per_answer` is for 400 fresh tokens and 60 of answer."""

    prompt_tokens_per_s: float
    decode_tokens_per_s: float
    seconds_per_answer: float
    load_seconds: float
    memory_bytes: int
    threads: int
    sequences: int
    context: int
    at: dt.datetime

    @classmethod
    def of(cls, one: Measured) -> MeasuredView:
        return cls(
            prompt_tokens_per_s=one.prompt_tokens_per_s,
            decode_tokens_per_s=one.decode_tokens_per_s,
            seconds_per_answer=round(one.seconds(PROMPT_TOKENS, ANSWER_TOKENS), 1),
            load_seconds=one.load_seconds,
            memory_bytes=one.memory_bytes,
            threads=one.threads,
            sequences=one.sequences,
            context=one.context,
            at=one.at,
        )


class ModelView(BaseModel):
    """A chat model on the shelf. `tiers` are what it is meant for, `serves` what it is in force for; `held` does not run."""

    id: UUID
    name: str
    kind: str = "chat"
    state: State
    sha256: str
    size_bytes: int
    licence: str
    architecture: str
    quantisation: str
    parameters: int
    context: int
    tiers: list[Tier]
    serves: list[Tier]
    held: bool
    imported_at: dt.datetime
    measured: MeasuredView | None
    reason: str | None

    @classmethod
    def of(cls, one: ModelPackage) -> ModelView:
        return cls(
            id=one.id,
            name=one.name,
            state=one.state,
            sha256=one.sha256,
            size_bytes=one.size,
            licence=one.licence,
            architecture=one.architecture,
            quantisation=one.quantisation,
            parameters=one.parameters,
            context=one.context,
            tiers=list(one.tiers),
            serves=list(one.serves),
            held=one.held,
            imported_at=one.imported_at,
            measured=None if one.measured is None else MeasuredView.of(one.measured),
            reason=one.reason,
        )


class WorkingView(BaseModel):
    """What is being done to a model now; `share` is 0 to 1 of this phase."""

    model: str
    phase: str
    share: float

    @classmethod
    def of(cls, one: Working) -> WorkingView:
        return cls(model=one.model, phase=one.phase, share=round(one.share, 3))


class BuiltInView(BaseModel):
    """A small model that comes with the release."""

    name: str
    kind: str
    version: str
    licence: str
    size_bytes: int

    @classmethod
    def of(cls, one: BuiltIn) -> BuiltInView:
        return cls(name=one.name, kind=one.kind, version=one.version, licence=one.licence, size_bytes=one.size)


class ShelfView(BaseModel):
    """All models of this node, and what is being done to one of them."""

    items: list[ModelView]
    built_in: list[BuiltInView]
    working: WorkingView | None
    import_folder: str
    importable: list[str]


class HappenedView(BaseModel):
    """One line of the history. `by` is the person, or null for what the node did itself."""

    number: int
    what: What
    model: str
    model_id: UUID
    reason: str | None
    by: UUID | None
    at: dt.datetime

    @classmethod
    def of(cls, one: Happened) -> HappenedView:
        return cls(
            number=one.number,
            what=one.what,
            model=one.model,
            model_id=one.package_id,
            reason=one.reason,
            by=one.by,
            at=one.at,
        )


class HistoryView(BaseModel):
    items: list[HappenedView]


class NewModel(BaseModel):
    """A GGUF file to take in: of the import folder by its name, or, for the owner of the node, any path of theirs."""

    model_config = ConfigDict(extra="forbid")

    file: str = Field(min_length=1, max_length=4096)
    name: str = Field(min_length=1, max_length=64)
    tiers: list[str] = Field(default_factory=list, max_length=4)
    licence: str = Field(default="", max_length=120)
    sha256: str = Field(default="", pattern=r"^(?:[0-9a-fA-F]{64})?$")


class Chosen(BaseModel):
    """A model by its id or name; for an activation none means the latest that was taken in, else all."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(default=None, max_length=80)


class Ended(BaseModel):
    """The models that are in force no longer."""

    items: list[ModelView]


class Tested(BaseModel):
    """What a model in force answered to a short prompt, and how long it took."""

    model: str
    answer: str
    seconds: float
    prompt_tokens: int
    completion_tokens: int
