"""Models come in whole, serve only when they have passed, and whatever goes wrong leaves the one in force as it was."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import OutpostError
from appliance.shelf import Measured, ModelPackage, Shelf, files, service
from appliance.shelf.errors import (
    BadModelName,
    ChatNotInstalled,
    ModelDoesNotFit,
    ModelInUse,
    ModelRefusedHere,
    NoSuchModel,
    NothingBefore,
    ShelfBusy,
)
from appliance.store import Admitted, Store
from models.chat.random_gguf import Shape, write
from models.hardware import Box

Owner = Callable[..., Admitted]
MEASURED = Measured(400.0, 40.0, 0.5, 2**28, 1, 2, 2048, dt.datetime(2026, 3, 5, tzinfo=dt.UTC))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.gguf"
    write(path, Shape(layers=1, kind="q4_0"))
    return path


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "other.gguf"
    write(path, Shape(layers=1, kind="q4_0"), seed=5)
    return path


@pytest.fixture
def run() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


@pytest.fixture
async def shelf(store: Store, place: Path, run: Path) -> AsyncIterator[Shelf]:
    """Over SQLCipher, then over PostgreSQL."""
    place.mkdir()
    made = Shelf(store, folder=place / "models", imports=place / "import", run=run)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def owner(admitted: Owner) -> Callable[[], Admitted]:
    return lambda: admitted(kind="owner", role="admin", action="models.manage")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every trial passes at once: what is tested is the shelf around it."""

    async def at_once(*_: object, **__: object) -> Measured:
        return MEASURED

    monkeypatch.setattr(service, "tried", at_once)


def all_served(run: Path) -> list[str]:
    path = run / "serving.json"
    return [one["name"] for one in json.loads(path.read_text())] if path.exists() else []


def served(run: Path) -> str | None:
    """The only model that is served, where one is."""
    names = all_served(run)
    assert len(names) < 2
    return names[0] if names else None


def file_of(place: Path, package: ModelPackage) -> Path:
    return place / "models" / str(package.id) / "model.gguf"


async def settled(shelf: Shelf) -> None:
    assert shelf._starting is not None
    await asyncio.wait_for(shelf._starting, 30)


async def begun_again(store: Store, place: Path, run: Path) -> Shelf:
    shelf = Shelf(store, folder=place / "models", imports=place / "import", run=run)
    await shelf.start()
    await settled(shelf)
    return shelf


async def test_a_model_that_loads_and_answers_is_measured_and_put_in_force(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], run: Path
) -> None:
    taken = await shelf.take_in(owner(), model, name="small", tiers=("fast",), licence="Apache-2.0")
    assert taken.state == "verified"
    assert taken.tiers == ("light",)
    assert taken.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert served(run) is None

    active = await shelf.activate(owner(), "small")

    assert active.state == "active"
    assert active.measured is not None
    assert active.measured.prompt_tokens_per_s > 0
    assert active.measured.decode_tokens_per_s > 0
    assert served(run) == "small"
    assert not (run / "trial.sock").exists()
    assert [one.what for one in await shelf.history(owner())] == ["activated", "imported"]


async def test_a_model_that_holds_little_is_measured_with_a_shorter_prompt(
    shelf: Shelf, owner: Callable[[], Admitted], tmp_path: Path
) -> None:
    write(tmp_path / "short.gguf", Shape(layers=1, kind="q4_0", context=1024))
    await shelf.take_in(owner(), tmp_path / "short.gguf", name="short")

    assert (await shelf.activate(owner(), "short")).state == "active"


async def test_a_rollback_returns_to_the_model_before_and_another_to_the_one_after(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], run: Path, passes: None
) -> None:
    for name, path in (("one", model), ("two", other_model)):
        await shelf.take_in(owner(), path, name=name)
        await shelf.activate(owner(), name)

    assert (await shelf.roll_back(owner())).name == "one"
    assert served(run) == "one"
    assert {one.name: one.state for one in await shelf.packages(owner())} == {"one": "active", "two": "retired"}
    assert (await shelf.roll_back(owner())).name == "two"


async def test_nothing_before_means_no_rollback(shelf: Shelf, owner: Callable[[], Admitted]) -> None:
    with pytest.raises(NothingBefore):
        await shelf.roll_back(owner())
    with pytest.raises(NothingBefore):
        await shelf.deactivate(owner())


async def test_a_model_in_force_is_neither_removed_nor_put_in_force_again(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], place: Path, passes: None
) -> None:
    package = await shelf.take_in(owner(), model, name="small")
    await shelf.activate(owner(), "small")

    with pytest.raises(ModelInUse):
        await shelf.remove(owner(), "small")
    with pytest.raises(ModelInUse):
        await shelf.activate(owner(), "small")
    await shelf.deactivate(owner())
    await shelf.remove(owner(), "small")

    assert not file_of(place, package).exists()
    with pytest.raises(NoSuchModel):
        await shelf.package(owner(), "small")


def cut(path: Path, whole: bytes) -> None:
    path.write_bytes(whole[:-1])


def flipped(path: Path, whole: bytes) -> None:
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    path.write_bytes(changed)


def swapped(path: Path, whole: bytes) -> None:
    write(path, Shape(layers=1, kind="q4_0"), seed=77)


def gone(path: Path, whole: bytes) -> None:
    path.unlink()


HARM = pytest.mark.parametrize("harm", [cut, flipped, swapped, gone], ids=lambda one: one.__name__)


@HARM
async def test_a_file_harmed_on_the_shelf_is_never_put_in_force(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], place: Path, run: Path, passes: None,
    harm: Callable[[Path, bytes], None],
) -> None:  # fmt: skip
    await shelf.take_in(owner(), model, name="good")
    await shelf.activate(owner(), "good")
    bad = await shelf.take_in(owner(), other_model, name="bad")
    harm(file_of(place, bad), other_model.read_bytes())

    with pytest.raises(ModelRefusedHere):
        await shelf.activate(owner(), "bad")

    assert served(run) == "good"
    found = await shelf.package(owner(), "bad")
    assert found.state == "refused"
    assert found.reason


@HARM
async def test_a_model_harmed_while_in_force_gives_way_to_the_one_before_at_the_next_start(
    shelf: Shelf, store: Store, model: Path, other_model: Path, owner: Callable[[], Admitted], place: Path, run: Path,
    passes: None, harm: Callable[[Path, bytes], None],
) -> None:  # fmt: skip
    for name, path in (("old", model), ("new", other_model)):
        package = await shelf.take_in(owner(), path, name=name)
        await shelf.activate(owner(), name)
    harm(file_of(place, package), other_model.read_bytes())

    again = await begun_again(store, place, run)

    assert served(run) == "old"
    assert {one.name: one.state for one in await again.packages(owner())} == {"old": "active", "new": "refused"}
    assert [one.what for one in await again.history(owner())][:2] == ["fell-back", "refused"]
    await again.close()


async def test_where_every_model_is_harmed_none_is_served_and_the_node_goes_on(
    shelf: Shelf, store: Store, model: Path, owner: Callable[[], Admitted], place: Path, run: Path, passes: None
) -> None:
    package = await shelf.take_in(owner(), model, name="only")
    await shelf.activate(owner(), "only")
    flipped(file_of(place, package), model.read_bytes())

    again = await begun_again(store, place, run)

    assert served(run) is None
    assert await again.force.serving() == []
    await again.close()


async def test_verify_finds_harm_and_the_one_before_serves(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], place: Path, run: Path, passes: None
) -> None:
    for name, path in (("old", model), ("new", other_model)):
        package = await shelf.take_in(owner(), path, name=name)
        await shelf.activate(owner(), name)
    assert (await shelf.verify(owner(), "new")).name == "new"
    flipped(file_of(place, package), other_model.read_bytes())

    with pytest.raises(ModelRefusedHere, match="altered"):
        await shelf.verify(owner(), "new")

    assert served(run) == "old"


async def test_a_flipped_bit_in_every_thousandth_byte_is_seen(model: Path, tmp_path: Path) -> None:
    whole = model.read_bytes()
    sha256 = hashlib.sha256(whole).hexdigest()
    path = tmp_path / "flipped.gguf"
    for at in range(0, len(whole), 1000):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        assert files.intact(path, sha256, len(whole), lambda _: None) is not None, f"byte {at}"


async def refused(work: Awaitable[Any], error: type[OutpostError]) -> str:
    with pytest.raises(error) as caught:
        await work
    return caught.value.detail


async def test_what_is_no_model_is_not_taken_and_leaves_nothing_behind(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], tmp_path: Path, place: Path
) -> None:
    text, mute, short = tmp_path / "notes.gguf", tmp_path / "mute.gguf", tmp_path / "short.gguf"
    text.write_text("not a model")
    write(mute, Shape(layers=1), template=None)
    short.write_bytes(model.read_bytes()[:-100])

    assert "no GGUF file" in await refused(shelf.take_in(owner(), text, name="a"), ModelRefusedHere)
    assert "no chat template" in await refused(shelf.take_in(owner(), mute, name="a"), ModelRefusedHere)
    assert "cut short" in await refused(shelf.take_in(owner(), short, name="a"), ModelRefusedHere)
    assert "cannot be read" in await refused(shelf.take_in(owner(), tmp_path / "none", name="a"), BadModelName)
    assert "SHA-256" in await refused(shelf.take_in(owner(), model, name="a", sha256="0" * 64), ModelRefusedHere)
    assert "no tier" in await refused(shelf.take_in(owner(), model, name="a", tiers=("huge",)), BadModelName)
    assert "name" in await refused(shelf.take_in(owner(), model, name="../up"), BadModelName)

    assert list((place / "models").iterdir()) == []
    assert await shelf.packages(owner()) == []


async def test_a_model_that_llama_cpp_does_not_load_is_refused_and_the_old_one_goes_on(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.take_in(owner(), model, name="good")
    await shelf.activate(owner(), "good")
    # The header is right, and a tensor that llama.cpp looks for is called otherwise.
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(model.read_bytes().replace(b"blk.0.attn_q.weight", b"blk.0.attn_x.weight"))
    await shelf.take_in(owner(), broken, name="broken")

    assert "does not load" in await refused(shelf.activate(owner(), "broken"), ModelRefusedHere)

    assert served(run) == "good"


async def test_a_model_that_does_not_fit_into_memory_is_refused(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.take_in(owner(), model, name="small")
    monkeypatch.setattr(service, "probe", lambda: Box(2, 50 * 2**20))

    assert "memory" in await refused(shelf.activate(owner(), "small"), ModelDoesNotFit)


async def test_without_a_chat_server_activation_says_what_to_install(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.take_in(owner(), model, name="small")
    monkeypatch.setattr(service, "find_spec", lambda _: None)

    with pytest.raises(ChatNotInstalled) as caught:
        await shelf.activate(owner(), "small")

    assert "make chat" in caught.value.hint


async def test_a_disk_without_room_takes_no_model(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=usage.total // 10))

    await refused(shelf.take_in(owner(), model, name="small"), ModelDoesNotFit)


async def test_people_take_files_from_the_import_folder_alone(
    shelf: Shelf, model: Path, admitted: Owner, place: Path, tmp_path: Path
) -> None:
    def admin() -> Admitted:
        return admitted(role="admin", action="models.manage")

    shutil.copy(model, place / "import" / "stick.gguf")
    (place / "import" / "link.gguf").symlink_to(model)

    for path in (model, Path("../x.gguf"), Path("/etc/passwd"), Path("link.gguf"), Path("..")):
        await refused(shelf.take_in(admin(), path, name="x"), BadModelName)
    assert shelf.importable() == ["link.gguf", "stick.gguf"]
    assert (await shelf.take_in(admin(), Path("stick.gguf"), name="x")).name == "x"


async def test_one_model_is_worked_on_at_a_time_and_hanging_up_gives_up(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], place: Path, monkeypatch: pytest.MonkeyPatch, passes: None
) -> None:
    await shelf.take_in(owner(), model, name="small")
    begun = asyncio.Event()

    async def slow(*_: object, **__: object) -> Measured:
        begun.set()
        await asyncio.sleep(60)
        return MEASURED

    monkeypatch.setattr(service, "tried", slow)
    working = asyncio.create_task(shelf.activate(owner(), "small"))
    await asyncio.wait_for(begun.wait(), 20)

    assert shelf.working is not None
    assert (shelf.working.model, shelf.working.phase) == ("small", "trying")
    await refused(shelf.take_in(owner(), model, name="more"), ShelfBusy)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert shelf.working is None
    assert (await shelf.package(owner(), "small")).state == "verified"
    assert (await shelf.take_in(owner(), model, name="more")).name == "more"


async def test_a_copy_given_up_half_way_leaves_nothing(
    shelf: Shelf, model: Path, owner: Callable[[], Admitted], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK", 4096)
    taking = asyncio.create_task(shelf.take_in(owner(), model, name="small"))
    while shelf.working is None or shelf.working.share == 0:
        await asyncio.sleep(0)
        assert not taking.done()
    taking.cancel()
    with pytest.raises((asyncio.CancelledError, InterruptedError)):
        await taking

    assert list((place / "models").iterdir()) == []
    assert await shelf.packages(owner()) == []


async def test_a_restart_of_the_web_process_alone_leaves_the_model_serving(
    shelf: Shelf, store: Store, model: Path, owner: Callable[[], Admitted], place: Path, run: Path, passes: None
) -> None:
    await shelf.take_in(owner(), model, name="small")
    await shelf.activate(owner(), "small")

    again = Shelf(store, folder=place / "models", imports=place / "import", run=run)
    await again.start()

    assert served(run) == "small"
    await settled(again)
    assert served(run) == "small"
    await again.close()


async def two(shelf: Shelf, owner: Callable[[], Admitted], model: Path, other_model: Path) -> None:
    for name, path, tier in (("quick", model, "fast"), ("good", other_model, "heavy")):
        await shelf.take_in(owner(), path, name=name, tiers=(tier,))
        await shelf.activate(owner(), name)


async def test_models_for_different_tiers_are_in_force_beside_each_other(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], run: Path, passes: None
) -> None:
    await two(shelf, owner, model, other_model)

    assert sorted(all_served(run)) == ["good", "quick"]
    assert {one.name: one.serves for one in await shelf.force.serving()} == {"quick": ("light",), "good": ("heavy",)}
    sockets = {one["socket"] for one in json.loads((run / "serving.json").read_text())}
    assert len(sockets) == 2


async def test_a_model_for_several_tiers_gives_way_in_one_and_stays_in_the_other(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], run: Path, passes: None
) -> None:
    await shelf.take_in(owner(), model, name="both", tiers=("light", "heavy"))
    await shelf.activate(owner(), "both")
    assert all_served(run) == ["both"]
    await shelf.take_in(owner(), other_model, name="quick", tiers=("light",))
    await shelf.activate(owner(), "quick")

    assert {one.name: one.serves for one in await shelf.force.serving()} == {"quick": ("light",), "both": ("heavy",)}
    with pytest.raises(NothingBefore):
        await shelf.roll_back(owner())


async def test_a_rollback_undoes_the_last_switch_and_leaves_the_other_tier_alone(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], run: Path, passes: None
) -> None:
    await two(shelf, owner, model, other_model)
    await shelf.take_in(owner(), model, name="quicker", tiers=("light",))
    await shelf.activate(owner(), "quicker")
    assert sorted(all_served(run)) == ["good", "quicker"]

    assert (await shelf.roll_back(owner())).name == "quick"

    assert sorted(all_served(run)) == ["good", "quick"]


async def test_one_of_several_models_is_taken_out_of_force_alone(
    shelf: Shelf, model: Path, other_model: Path, owner: Callable[[], Admitted], run: Path, passes: None
) -> None:
    await two(shelf, owner, model, other_model)

    assert [one.name for one in await shelf.deactivate(owner(), "quick")] == ["quick"]
    assert all_served(run) == ["good"]
    with pytest.raises(NothingBefore):
        await shelf.deactivate(owner(), "quick")
    assert [one.name for one in await shelf.deactivate(owner())] == ["good"]
    assert all_served(run) == []


async def test_a_harmed_model_of_one_tier_does_not_end_that_of_the_other(
    shelf: Shelf, store: Store, model: Path, other_model: Path, owner: Callable[[], Admitted], place: Path, run: Path,
    passes: None,
) -> None:  # fmt: skip
    await two(shelf, owner, model, other_model)
    flipped(file_of(place, await shelf.package(owner(), "good")), other_model.read_bytes())

    again = await begun_again(store, place, run)

    assert all_served(run) == ["quick"]
    assert (await again.package(owner(), "good")).state == "refused"
    await again.close()


async def test_a_model_that_is_held_is_in_force_and_does_not_run_also_after_a_start(
    shelf: Shelf, store: Store, model: Path, other_model: Path, owner: Callable[[], Admitted], place: Path, run: Path,
    passes: None,
) -> None:  # fmt: skip
    await two(shelf, owner, model, other_model)

    assert (await shelf.let_start(owner(), "heavy", False)).held
    assert all_served(run) == ["quick"]
    again = await begun_again(store, place, run)
    assert all_served(run) == ["quick"]
    assert not (await again.let_start(owner(), "heavy", True)).held
    assert sorted(all_served(run)) == ["good", "quick"]
    assert [one.what for one in await again.history(owner())][:2] == ["start-allowed", "start-held"]
    with pytest.raises(NothingBefore):
        await again.let_start(owner(), "standard", False)
    await again.close()
