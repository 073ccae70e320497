"""The shelf: models come in, are checked, tried, and put in force by one durable switch.

    import    header checked ─ room ─ copied while hashed ─ header of the copy ─ adopted ─ one row
    activate  hash and header again ─ fits in memory ─ loads, answers, measured ─ pointer moved in one transaction
    start     the one in force is hashed again before it serves; a damaged one is refused, the one before it serves

Whatever goes wrong before the last step leaves the model that was in force as it was.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError
from appliance.shelf import files, rules
from appliance.shelf import store as queries
from appliance.shelf.errors import (
    BadModelName,
    ChatNotInstalled,
    ModelDoesNotFit,
    ModelInUse,
    ModelRefusedHere,
    NoSuchModel,
    NothingBefore,
)
from appliance.shelf.force import InForce, utc_now
from appliance.shelf.tables import ModelPackageRow
from appliance.shelf.trial import tried
from appliance.shelf.turns import Turns, Working
from appliance.shelf.values import TIERS, Happened, Measured, ModelPackage, Tier, Waiting, What
from appliance.store import CONTROL, Admitted, Purpose, Store, new_id
from models.hardware import Box, fitting, probe

MOST_HISTORY: Final = 200
log = structlog.get_logger(__name__)


class Shelf:
    """The models of one node, for one process.

    Args:
        folder: where packages stand.
        imports: where people other than the owner may take files from.
        run: where the trial's socket and `serving.json` stand.
    """

    def __init__(
        self, store: Store, *, folder: Path, imports: Path, run: Path, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._store, self._folder, self._imports, self._run, self._clock = store, folder, imports, run, clock
        self._turns = Turns()
        self._starting: asyncio.Task[None] | None = None
        self.force = InForce(store, folder=folder, run=run, clock=clock)

    # --- from start to end --------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Clear up after a power cut, and begin to check what is in force; it is served once it has passed."""
        for place in (self._folder, self._imports):
            place.mkdir(mode=0o700, exist_ok=True)
        async with self._store.open_internal(Purpose.SHELF, CONTROL) as session:
            known = await queries.packages(session)
        await asyncio.to_thread(files.sweep, self._folder, [one.id for one in known])
        if not any(one.serves for one in known):
            await self.force.publish()
        else:
            # What is served meanwhile, after a restart of this process alone, was checked by the one before it.
            self._starting = asyncio.create_task(self._resume())

    async def close(self) -> None:
        self._turns.give_up()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])

    async def _resume(self) -> None:
        try:
            async with self._turns.at_start():
                await self._serve_what_is_whole()
        except OutpostError as error:
            log.error("no chat model is served", problem=error.detail)

    async def _serve_what_is_whole(self) -> None:
        """Serve each model in force whose file is as it was; refuse the others, and fall back to the ones before them."""
        while (package := await self.force.unchecked()) is not None:
            why = await self._intact(package)
            if why is None:
                self.force.whole(package.id)
            else:
                log.error("a chat model is damaged", model=package.name, why=why)
                await self.force.lost(package, why)
        await self.force.publish()

    # --- what people see ----------------------------------------------------------------------------------------------

    @property
    def working(self) -> Working | None:
        return self._turns.working

    @property
    def import_folder(self) -> str:
        return str(self._imports)

    def importable(self) -> list[str]:
        """The GGUF files that people may take in."""
        return sorted(one.name for one in self._imports.glob("*.gguf") if one.is_file())[:100]

    async def latest(self, admitted: Admitted) -> str:
        """The id of the newest package that can be put in force. Raises NoSuchModel."""
        for one in await self.packages(admitted):
            if one.state in ("verified", "retired"):
                return str(one.id)
        raise NoSuchModel("No model on the shelf waits to be put in force.")

    async def packages(self, admitted: Admitted) -> list[ModelPackage]:
        async with self._store.open_control(admitted) as session:
            return await queries.packages(session)

    async def package(self, admitted: Admitted, word: str) -> ModelPackage:
        """By id, or by name. Raises NoSuchModel."""
        found = rules.chosen(await self.packages(admitted), word)
        if found is None:
            raise NoSuchModel(f"There is no model {word[:80]!r} on the shelf.")
        return found

    async def waiting(self, admitted: Admitted) -> list[Waiting]:
        """The packages that wait to be put in force, newest first, each with whether it would fit into memory now."""
        packages = [one for one in await self.packages(admitted) if one.state == "verified"]
        box = probe()
        return [await asyncio.to_thread(self._forecast, one, box) for one in packages]

    def _forecast(self, package: ModelPackage, box: Box) -> Waiting:
        try:
            header = files.checked(self._folder / str(package.id) / files.FILE)
        except (ModelRefusedHere, BadModelName) as error:
            return Waiting(package, fits=False, memory_bytes=None, why=error.detail)
        shape, least = fitting(header, box), header.memory(1024)
        why = None if shape else f"It needs {least / 2**30:.1f} GiB of memory; {box.free / 2**30:.1f} GiB are free."
        return Waiting(package, fits=shape is not None, memory_bytes=least, why=why)

    async def history(self, admitted: Admitted) -> list[Happened]:
        """Newest first."""
        async with self._store.open_control(admitted) as session:
            return await queries.history(session, MOST_HISTORY)

    # --- changes ------------------------------------------------------------------------------------------------------

    async def take_in(
        self,
        admitted: Admitted,
        source: Path,
        *,
        name: str,
        tiers: tuple[str, ...] = (),
        licence: str = "",
        sha256: str = "",
    ) -> ModelPackage:
        """Copy a GGUF file onto the shelf.

        Raises:
            BadModelName: the name, a tier or the path cannot be used.
            ModelRefusedHere: the file cannot be served, or is not the one that `sha256` names.
            ModelDoesNotFit: the disk has no room for it.
            ShelfBusy: another model is being worked on.
        """
        called, wanted, path = rules.named(name), rules.tiers(tiers), self._allowed(admitted, source)
        async with self._turn(called, "copying"):
            header = await asyncio.to_thread(files.checked, path)
            size = path.stat().st_size
            files.require_room(self._folder, size)
            package = new_id()
            try:
                found, size = await self._turns.in_thread(
                    files.copy, path, self._folder, package, self._turns.progress("copying", size)
                )
                header = await asyncio.to_thread(files.checked, self._folder / f".new-{package}" / files.FILE)
                if sha256 and found != sha256.lower():
                    raise ModelRefusedHere("The file is not the one whose SHA-256 was given.")
                files.adopt(self._folder, package)
                async with self._store.open_control(admitted, write=True) as session:
                    row = queries.new_row(
                        package, called, found, size, (licence or header.licence)[:120], header, wanted, self._clock()
                    )
                    session.add(row)
                    await session.flush()
                    await self._happened(session, admitted, "imported", row)
                    self._tell(admitted, row)
            except BaseException:
                await asyncio.to_thread(files.drop, self._folder, package)
                raise
            return queries.package_of(row)

    async def verify(self, admitted: Admitted, word: str) -> ModelPackage:
        """Hash a package's file again; a damaged one is refused, and the one before it serves in its place."""
        package = await self.package(admitted, word)
        async with self._turn(package.name, "checking"):
            why = await self._intact(package)
            if why is None:
                return package
            self.force.doubtful(package.id)
            await self._refuse(admitted, package, why)
            await self._serve_what_is_whole()
            raise ModelRefusedHere(f"{package.name}: {why}.")

    async def activate(self, admitted: Admitted, word: str, *, what: What = "activated") -> ModelPackage:
        """Check, try and measure a package, and put it in force for its tiers; for others the models in force stay.

        Raises:
            ChatNotInstalled: there is nothing to run it with.
            NoSuchModel, ModelInUse, ShelfBusy, ModelDoesNotFit, ModelRefusedHere: the one in force goes on.
        """
        if find_spec("llama_cpp") is None:
            raise ChatNotInstalled("Set-up has not built llama.cpp here.")
        package = await self.package(admitted, word)
        if package.state == "active":
            raise ModelInUse(f"{package.name} is in force.")
        async with self._turn(package.name, "checking"):
            if why := await self._intact(package):
                await self._refuse(admitted, package, why)
                raise ModelRefusedHere(f"{package.name}: {why}.")
            measured = await self._tried(package)
            async with self._store.open_control(admitted, write=True) as session:
                row = await session.get_one(ModelPackageRow, package.id)
                row.measured, row.reason = queries.measured_json(measured), None
                await queries.put_in_force(session, package.id, package.tiers)
                await self._happened(session, admitted, what, row)
                self._tell(admitted, row)
            self.force.whole(package.id)
            await self.force.publish()
            return await self.package(admitted, str(package.id))

    async def roll_back(self, admitted: Admitted) -> ModelPackage:
        """Undo the last switch: put the model in force that was before. Raises NothingBefore, and as `activate` does."""
        async with self._store.open_control(admitted) as session:
            latest = await queries.latest_in_force(session)
            tiers = (await queries.package(session, latest)).tiers if latest else TIERS
            earlier = await queries.retired_before(session, tiers)
        if not earlier:
            raise NothingBefore("No model was in force before this one.")
        return await self.activate(admitted, str(earlier[0]), what="rolled-back")

    async def deactivate(self, admitted: Admitted, word: str = "") -> list[ModelPackage]:
        """Serve this chat model no longer, or none. Raises NothingBefore where it, or any, is not in force; NoSuchModel."""
        wanted = (await self.package(admitted, word)).id if word else None
        async with self._turn(word, "stopping"):
            async with self._store.open_control(admitted, write=True) as session:
                ended = [one for one in await queries.packages(session) if one.serves and wanted in (None, one.id)]
                if not ended:
                    raise NothingBefore(
                        f"{word or 'No chat model'} is not in force." if word else "No chat model is in force.",
                        hint="`outpost model activate NAME` puts one in force.",
                    )
                for one in ended:
                    row = await session.get_one(ModelPackageRow, one.id)
                    await queries.put_in_force(session, None, one.serves)
                    await self._happened(session, admitted, "deactivated", row)
                    self._tell(admitted, row)
            await self.force.publish()
            return [await self.package(admitted, str(one.id)) for one in ended]

    async def let_start(self, admitted: Admitted, tier: Tier, start: bool) -> ModelPackage:
        """Whether the model in force for a tier runs: at once, and whenever the node starts. Raises NothingBefore."""
        async with self._turn("", "stopping"):
            async with self._store.open_control(admitted, write=True) as session:
                found = await queries.let_start(session, tier, start)
                if found is None:
                    raise NothingBefore(f"No model is in force for {tier}.")
                row = await session.get_one(ModelPackageRow, found)
                await self._happened(session, admitted, "start-allowed" if start else "start-held", row)
                self._tell(admitted, row)
            await self.force.publish()
            return await self.package(admitted, str(found))

    async def removable(self, admitted: Admitted, word: str) -> ModelPackage:
        """A package that can be taken off the shelf now. Raises NoSuchModel, ModelInUse."""
        package = await self.package(admitted, word)
        if package.serves:
            raise ModelInUse(f"{package.name} is in force.")
        return package

    async def remove(self, admitted: Admitted, word: str) -> ModelPackage:
        """Take a package off the shelf. Raises NoSuchModel, ModelInUse, ShelfBusy."""
        package = await self.removable(admitted, word)
        async with self._turn(package.name, "removing"):
            async with self._store.open_control(admitted, write=True) as session:
                row = await session.get_one(ModelPackageRow, package.id)
                if row.state == "active":
                    raise ModelInUse(f"{package.name} is in force.")
                await self._happened(session, admitted, "removed", row)
                self._tell(admitted, row)
                await session.delete(row)
            await asyncio.to_thread(files.drop, self._folder, package.id)
        return package

    # --- inside -------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, model: str, phase: str) -> AsyncIterator[None]:
        if self._starting is not None:
            await asyncio.wait([self._starting])
        async with self._turns.turn(model, phase):
            yield

    async def _intact(self, package: ModelPackage) -> str | None:
        path = self._folder / str(package.id) / files.FILE
        progress = self._turns.progress("checking", package.size)
        return await self._turns.in_thread(files.intact, path, package.sha256, package.size, progress)

    async def _refuse(self, admitted: Admitted, package: ModelPackage, why: str) -> None:
        async with self._store.open_control(admitted, write=True) as session:
            await self.force.fall_back(session, package, why, by=admitted.principal.id)

    async def _tried(self, package: ModelPackage) -> Measured:
        path = self._folder / str(package.id) / files.FILE
        header, box = await asyncio.to_thread(files.checked, path), probe()
        shape = fitting(header, box)
        if shape is None:
            raise ModelDoesNotFit(
                f"{package.name} needs {header.memory(1024) / 2**30:.1f} GiB of memory; {box.free / 2**30:.1f} GiB are free."
            )
        self._turns.phase(package.name, "trying")
        return await tried(path, self._run / "trial.sock", sha256=package.sha256, size=package.size, shape=shape)

    def _allowed(self, admitted: Admitted, source: Path) -> Path:
        """The owner of the data directory may read what they may read; anybody else only the import folder."""
        if admitted.principal.kind == "owner":
            return source
        if source.name != str(source) or source.name in ("", ".", ".."):
            raise BadModelName("Name a file of the import folder, without a path.")
        path = self._imports / source.name
        if path.is_symlink():
            raise BadModelName("A link is not followed out of the import folder.")
        return path

    def _tell(self, admitted: Admitted, row: ModelPackageRow) -> None:
        admitted.outcome.resource_id = str(row.id)
        admitted.outcome.metadata |= {"model": row.name, "sha256": row.sha256}

    async def _happened(self, session: AsyncSession, admitted: Admitted, what: What, row: ModelPackageRow) -> None:
        by = admitted.principal.id
        await queries.happened(session, what, row.name, row.id, by=by, at=self._clock())
