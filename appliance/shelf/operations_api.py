"""Upkeep of models over HTTP: several at once, what waits, and the processes that run them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter
from pydantic import BaseModel, ConfigDict, Field

from appliance.errors import Forbidden, OutpostError
from appliance.gate import Gate
from appliance.policy import Resource
from appliance.shelf import schemas
from appliance.shelf.service import Shelf
from appliance.shelf.stopping import stop
from appliance.shelf.values import ModelPackage, Tier, Waiting
from appliance.store import Principal
from appliance.web import Flag, Injected

MOST_AT_ONCE = 20


class NewModels(BaseModel):
    """Files to take in, one after the other. `all_or_nothing`: when one is refused, those before it are taken out again."""

    model_config = ConfigDict(extra="forbid")

    all_or_nothing: Flag = False

    items: list[schemas.NewModel] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ModelsToRemove(BaseModel):
    """Models to take off the shelf, each by its id or name. `all_or_nothing`: when one cannot be, none is."""

    model_config = ConfigDict(extra="forbid")

    all_or_nothing: Flag = False

    models: list[Annotated[str, Field(min_length=1, max_length=80)]] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ItemDone(BaseModel):
    """What became of one item: the model it is about, or the error that it alone ended with.

    `undone` where it was all or nothing, and another one was refused.
    """

    item: str
    status: Literal["done", "refused", "undone"]
    model_id: UUID | None = None
    code: str | None = None
    detail: str | None = None
    hint: str | None = None


class BatchDone(BaseModel):
    """One result an item, in the order of the items. One that is refused undoes the others only if that was asked for."""

    items: list[ItemDone]
    done: int
    refused: int


class WaitingView(BaseModel):
    """A model that waits to be put in force. `memory_bytes` is the least it needs; `why` says why it would be refused."""

    model: schemas.ModelView
    fits: bool
    memory_bytes: int | None
    why: str | None

    @classmethod
    def of(cls, one: Waiting) -> WaitingView:
        return cls(model=schemas.ModelView.of(one.package), fits=one.fits, memory_bytes=one.memory_bytes, why=one.why)


class Preview(BaseModel):
    items: list[WaitingView]


class LifecycleView(BaseModel):
    """What became of a process. `why` is the signal or exit code that it ended with."""

    process: str
    pid: int
    event: Literal["started", "ended", "stopped"]
    why: str | None
    at: dt.datetime


class Lifecycle(BaseModel):
    items: list[LifecycleView]


class Stopped(BaseModel):
    """The model server that was told to end. It is started again as long as its model is in force."""

    process: str
    pid: int


class BatchController(Controller):
    path = "/v1/batch/models"
    tags = ("Models",)

    @post("/bulk-create", operation_id="take_in_models", asks="models.manage", status_code=200)
    async def take_in(
        self,
        data: JSONBody[NewModels],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> BatchDone:
        """Take in several GGUF files; each is decided, recorded and checked for itself."""

        async def one(new: schemas.NewModel) -> ModelPackage:
            body = new.model_dump_json().encode()
            async with gate.admit(principal, "models.manage", resource=Resource("model"), request=body) as admitted:
                return await shelf.take_in(
                    admitted,
                    Path(new.file),
                    name=new.name,
                    tiers=tuple(new.tiers),
                    licence=new.licence,
                    sha256=new.sha256,
                )

        done: list[ItemDone] = []
        for new in data.items:
            done.append(await _result(new.name, one(new)))
            if data.all_or_nothing and done[-1].status == "refused":
                for taken in done[:-1]:
                    async with gate.admit(
                        principal, "models.manage", resource=Resource("model", str(taken.model_id))
                    ) as admitted:
                        await shelf.remove(admitted, str(taken.model_id))
                return _together(_undone(done, [each.name for each in data.items]))
        return _together(done)

    @delete("/bulk-delete", operation_id="remove_models", asks="models.manage", status_code=200)
    async def remove(
        self,
        data: JSONBody[ModelsToRemove],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> BatchDone:
        """Take several models off the shelf; one in force stays."""

        async def one(word: str) -> ModelPackage:
            async with gate.admit(principal, "models.manage", resource=Resource("model", word)) as admitted:
                return await shelf.remove(admitted, word)

        if data.all_or_nothing:
            async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
                seen = [await _result(word, shelf.removable(admitted, word)) for word in data.models]
            if any(each.status == "refused" for each in seen):
                return _together(_undone(seen, data.models))
        return _together([await _result(word, one(word)) for word in data.models])


class AutoStart(BaseModel):
    """Whether the model in force for a tier runs now and whenever the node starts."""

    model_config = ConfigDict(extra="forbid")

    tier: Tier = "light"
    auto_start: Flag


class InternalController(Controller):
    """For programs of the box itself: only the owner's door leads here."""

    path = "/v1/internal/ops"
    tags = ("Models",)

    @post(
        "/auto-start-override",
        operation_id="override_auto_start_internally",
        asks=("node.programs", "models.activate"),
        only="owner",
        status_code=200,
    )
    async def auto_start(
        self,
        data: JSONBody[AutoStart],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> schemas.ModelView:
        """The same as the admins' switch, for the node's own scripts."""
        async with gate.admit(principal, "node.programs"):
            return await _auto_start(data, principal, gate, shelf)


class OperationsController(Controller):
    path = "/v1/admin"
    tags = ("Models",)

    @get("/ops/preview-staged", operation_id="preview_staged_models", asks="models.manage")
    async def preview(self, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]) -> Preview:
        """The models that wait to be put in force, and whether each would fit into the memory that is free now."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            return Preview(items=[WaitingView.of(one) for one in await shelf.waiting(admitted)])

    @post("/ops/auto-start-override", operation_id="override_auto_start", asks="models.activate", status_code=200)
    async def auto_start(
        self,
        data: JSONBody[AutoStart],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> schemas.ModelView:
        """Hold the model in force for a tier back, so that it does not run, or let it run again."""
        return await _auto_start(data, principal, gate, shelf)

    @get("/processes/history/processes", operation_id="process_history", asks="models.manage")
    async def history(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        lifecycle: Injected[Callable[[], list[dict[str, Any]]]],
    ) -> Lifecycle:
        """When the processes of this node started and ended, newest first; empty where systemd keeps them."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")):
            return Lifecycle(items=[LifecycleView.model_validate(one) for one in lifecycle()])

    @delete("/processes/{pid:int}", operation_id="stop_model_server", asks="models.manage", status_code=202)
    async def stop(
        self,
        pid: Annotated[int, PathParameter(description="The process id of a model server.", ge=1, le=2**31 - 1)],
        principal: Injected[Principal],
        gate: Injected[Gate],
        processes: Injected[Callable[[], dict[str, int]]],
    ) -> Stopped:
        """Tell a model server of this node to end; it is started afresh. No other process can be ended."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            name = stop(pid, processes)
            admitted.outcome.metadata |= {"process": name, "pid": pid}
            return Stopped(process=name, pid=pid)


async def _auto_start(data: AutoStart, principal: Principal, gate: Gate, shelf: Shelf) -> schemas.ModelView:
    request = data.model_dump_json().encode()
    async with gate.admit(principal, "models.activate", resource=Resource("model"), request=request) as admitted:
        return schemas.ModelView.of(await shelf.let_start(admitted, data.tier, data.auto_start))


async def _result(item: str, work: Awaitable[ModelPackage]) -> ItemDone:
    """Raises Forbidden: who may not do this may do it for no item."""
    try:
        package = await work
    except Forbidden:
        raise
    except OutpostError as error:
        return ItemDone(item=item, status="refused", code=error.code, detail=error.detail, hint=error.hint)
    return ItemDone(item=item, status="done", model_id=package.id)


def _undone(done: list[ItemDone], items: Sequence[str]) -> list[ItemDone]:
    """Everything but what was refused is as it was before."""
    refused = {at: one for at, one in enumerate(done) if one.status == "refused"}
    return [refused.get(at) or ItemDone(item=item, status="undone") for at, item in enumerate(items)]


def _together(items: list[ItemDone]) -> BatchDone:
    done = sum(one.status == "done" for one in items)
    return BatchDone(items=items, done=done, refused=len(items) - done)


ROUTES = [BatchController, OperationsController, InternalController]
