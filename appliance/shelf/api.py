"""Models over HTTP: look, take in, check, try, put in force, go back.

Taking in and putting in force take as long as they take: the request stays open, `GET /v1/models/instances` says how far
it is, and hanging up gives up. The model in force goes on until the one write that replaces it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter
from pydantic import BaseModel

from appliance.gate import Gate
from appliance.policy import Resource
from appliance.shelf import schemas
from appliance.shelf.builtin import BuiltIns
from appliance.shelf.probing import Probe
from appliance.shelf.service import Shelf
from appliance.store import Principal
from appliance.web import Injected

Word = Annotated[str, PathParameter(description="The id or the name of a model.", max_length=80)]


class ModelsController(Controller):
    path = "/v1/models/instances"
    tags = ("Models",)

    @get("/", operation_id="list_models", asks="models.list")
    async def listed(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
        built_in: Injected[BuiltIns],
    ) -> schemas.ShelfView:
        """All models here, and how far the work on one of them is."""
        async with gate.admit(principal, "models.list", resource=Resource("model")) as admitted:
            found = await shelf.packages(admitted)
        working = shelf.working
        return schemas.ShelfView(
            items=[schemas.ModelView.of(one) for one in found],
            built_in=[schemas.BuiltInView.of(one) for one in built_in()],
            working=None if working is None else schemas.WorkingView.of(working),
            import_folder=shelf.import_folder,
            importable=shelf.importable(),
        )

    @get("/{instance_id:str}", operation_id="get_model", asks="models.list")
    async def one(
        self, instance_id: Word, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]
    ) -> schemas.ModelView:
        """One model."""
        async with gate.admit(principal, "models.list", resource=Resource("model")) as admitted:
            return schemas.ModelView.of(await shelf.package(admitted, instance_id))

    @post("/", operation_id="take_in_model", asks="models.manage", status_code=201)
    async def take_in(
        self,
        data: JSONBody[schemas.NewModel],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> schemas.ModelView:
        """Copy a GGUF file onto the shelf and check it; it is not in force yet."""
        return await _take_in(data, principal, gate, shelf)

    @delete("/{instance_id:str}", operation_id="remove_model", asks="models.manage")
    async def remove(
        self, instance_id: Word, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]
    ) -> None:
        """Take a model off the shelf; one in force stays."""
        async with gate.admit(principal, "models.manage", resource=Resource("model", instance_id)) as admitted:
            await shelf.remove(admitted, instance_id)

    @post("/{instance_id:str}/checks", operation_id="verify_model", asks="models.manage", status_code=200)
    async def verify(
        self, instance_id: Word, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]
    ) -> schemas.ModelView:
        """Hash a model's file again. A damaged one is refused, and the one before it serves instead."""
        async with gate.admit(principal, "models.manage", resource=Resource("model", instance_id)) as admitted:
            return schemas.ModelView.of(await shelf.verify(admitted, instance_id))

    @post("/{instance_id:str}/tests", operation_id="test_model", asks="models.test", status_code=200)
    async def test(
        self,
        instance_id: Word,
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
        chat_probe: Injected[Probe],
    ) -> schemas.Tested:
        """Ask a model in force a short question."""
        async with gate.admit(principal, "models.test", resource=Resource("model", instance_id)) as admitted:
            found = await shelf.package(admitted, instance_id)
            return await chat_probe.ask(found)


class ManifestController(Controller):
    path = "/v1/admin/models/manifests/builtins"
    tags = ("Models",)

    @get("/", operation_id="list_manifests", asks="models.manage")
    async def listed(
        self, principal: Injected[Principal], gate: Injected[Gate], built_in: Injected[BuiltIns]
    ) -> list[schemas.BuiltInView]:
        """The small models that come with this release."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")):
            return [schemas.BuiltInView.of(one) for one in built_in()]

    @post("/staged", operation_id="stage_model", asks="models.manage", status_code=201)
    async def stage(
        self,
        data: JSONBody[schemas.NewModel],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> schemas.ModelView:
        """The same as taking a model in."""
        return await _take_in(data, principal, gate, shelf)

    @post("/activations", operation_id="activate_model", asks="models.activate", status_code=200)
    async def activate(
        self,
        data: JSONBody[schemas.Chosen],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> schemas.ModelView:
        """Check a model, try it, measure it on this box, and put it in force."""
        async with gate.admit(
            principal, "models.activate", resource=Resource("model", data.model), request=_bytes(data)
        ) as admitted:
            word = data.model or await shelf.latest(admitted)
            return schemas.ModelView.of(await shelf.activate(admitted, word))

    @post("/deactivations", operation_id="deactivate_model", asks="models.activate", status_code=200)
    async def deactivate(
        self,
        data: JSONBody[schemas.Chosen],
        principal: Injected[Principal],
        gate: Injected[Gate],
        shelf: Injected[Shelf],
    ) -> schemas.Ended:
        """Serve a chat model no longer, or where none is named none at all. Quotes need none."""
        async with gate.admit(
            principal, "models.activate", resource=Resource("model", data.model), request=_bytes(data)
        ) as admitted:
            ended = await shelf.deactivate(admitted, data.model or "")
            return schemas.Ended(items=[schemas.ModelView.of(one) for one in ended])

    @post("/rollbacks", operation_id="roll_back_model", asks="models.activate", status_code=200)
    async def roll_back(
        self, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]
    ) -> schemas.ModelView:
        """Put the model in force that was before this one."""
        async with gate.admit(principal, "models.activate", resource=Resource("model")) as admitted:
            return schemas.ModelView.of(await shelf.roll_back(admitted))

    @get("/history", operation_id="model_history", asks="models.manage")
    async def history(
        self, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]
    ) -> schemas.HistoryView:
        """What became of models here, newest first."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            return schemas.HistoryView(items=[schemas.HappenedView.of(one) for one in await shelf.history(admitted)])


class ProcessController(Controller):
    path = "/v1/admin/processes"
    tags = ("Models",)

    @get("/history/manifests", operation_id="process_manifest_history", asks="models.manage")
    async def history(
        self, principal: Injected[Principal], gate: Injected[Gate], shelf: Injected[Shelf]
    ) -> schemas.HistoryView:
        """The same as the history of models."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            return schemas.HistoryView(items=[schemas.HappenedView.of(one) for one in await shelf.history(admitted)])

    @get("/", operation_id="list_processes", asks="models.manage")
    async def processes(
        self, principal: Injected[Principal], gate: Injected[Gate], processes: Injected[Callable[[], dict[str, int]]]
    ) -> dict[str, int]:
        """The running processes of this node by name, each with its process id."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")):
            return processes()


async def _take_in(data: schemas.NewModel, principal: Principal, gate: Gate, shelf: Shelf) -> schemas.ModelView:
    async with gate.admit(principal, "models.manage", resource=Resource("model"), request=_bytes(data)) as admitted:
        return schemas.ModelView.of(
            await shelf.take_in(
                admitted,
                Path(data.file),
                name=data.name,
                tiers=tuple(data.tiers),
                licence=data.licence,
                sha256=data.sha256,
            )
        )


def _bytes(data: BaseModel) -> bytes:
    return data.model_dump_json().encode()


ROUTES = [ModelsController, ManifestController, ProcessController]
