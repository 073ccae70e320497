"""A new master key takes the place of the old one whole, wherever it is cut off, and never under somebody's hands."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from appliance.store import CONTROL, Purpose, create_master_key, keys_alone, open_store, recover_master_key
from appliance.store.errors import KeysInUse, KeyVolumeUnfit, NoNodeHere, WrongKey, WrongRecoveryCode
from appliance.store.keeping import Cost, in_file, mode_of, on_volume, read_master, under_passphrase
from appliance.store.keys import Keyring
from appliance.store.switching import generation, settle, switch
from tests.node import ROOT
from tests.store.killed import PASSPHRASE

NAMES = ("audit", "control", "tenant-a", "tenant-b")


def passphrase() -> str:
    return PASSPHRASE


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    keys = tmp_path / "keys"
    create_master_key(keys)
    keyring = Keyring.load(keys)
    for name in NAMES:
        keyring.create(name)
    return keys


def opened(keys: Path) -> dict[str, bytes]:
    """Every key, by whichever way the directory says that it opens."""
    keyring = Keyring.load(keys, read_master(keys, passphrase))
    return {name: keyring.key(name) for name in keyring.names()}


def test_a_kill_at_any_step_leaves_all_of_the_old_or_all_of_the_new(keys: Path, tmp_path: Path) -> None:
    before, old = opened(keys), read_master(keys)
    left = tmp_path / "left"

    done = subprocess.run(
        [sys.executable, "-m", "tests.store.killed", str(keys), str(left)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    steps = int(done.stdout)
    assert steps > 30
    modes = []
    for number in range(1, steps + 1):
        one = left / str(number)
        settle(one)
        assert opened(one) == before, number
        modes.append(str(mode_of(one)))
        names = {path.name for path in one.iterdir()} - {"in-use", "lock"}
        master = {"master.key"} if modes[-1] == "file" else {"master.json", "generations.json"}
        assert names == {f"{name}.wrapped" for name in (*NAMES, "recovery")} | master, number
        assert (read_master(one, passphrase) == old) == (modes[-1] == "file")
        assert generation(one, "token-signing").number == (0 if modes[-1] == "file" else 1)
    # There is one step before which it is the old, and after which it is the new.
    assert sorted(set(modes)) == ["file", "passphrase"]
    assert modes == sorted(modes)


def test_the_old_master_key_and_the_old_recovery_key_open_nothing_any_more(keys: Path, tmp_path: Path) -> None:
    old = read_master(keys)
    old_code = str(create_master_key(tmp_path / "other"))
    before = opened(keys)
    first = switch(keys, old, in_file)
    second = switch(keys, read_master(keys), in_file)

    assert opened(keys) == before
    with pytest.raises(WrongKey):
        Keyring.load(keys, old)
    (keys / "master.key").unlink()
    for code in (old_code, str(first.code)):
        with pytest.raises(WrongRecoveryCode):
            recover_master_key(keys, code)
    recover_master_key(keys, str(second.code))
    assert opened(keys) == before


def test_the_way_there_and_back_again(keys: Path) -> None:
    before = opened(keys)
    keep = partial(under_passphrase, passphrase=PASSPHRASE, cost=Cost(passes=1, memory_kib=64))

    switch(keys, read_master(keys), keep)
    assert mode_of(keys) == "passphrase"
    assert not (keys / "master.key").exists()
    code = switch(keys, read_master(keys, passphrase), keep).code
    assert opened(keys) == before
    # The passphrase is lost: the recovery key opens it, and the key is in a file until it is moved again.
    recover_master_key(keys, str(code))
    assert mode_of(keys) == "file"
    assert opened(keys) == before
    switch(keys, read_master(keys), in_file)
    assert opened(keys) == before


def test_where_the_new_place_cannot_be_used_nothing_is_changed(keys: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in keys.iterdir()}

    with pytest.raises(KeyVolumeUnfit):
        switch(keys, read_master(keys), partial(on_volume, folder=tmp_path, data=tmp_path))
    with pytest.raises(WrongKey):
        switch(keys, bytes(32), in_file)

    assert {path.name: path.read_bytes() for path in keys.iterdir()} == before


async def test_keys_are_not_wrapped_anew_while_a_process_uses_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    store = await open_store(data)
    await store.migrate()
    with pytest.raises(KeysInUse):
        async with keys_alone(data):
            pass
    await store.close()

    async with keys_alone(data) as keys:
        switch(keys, read_master(keys), in_file)
        # Who comes now waits, and finds the new one.
        waiting = asyncio.create_task(open_store(data))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    again = await waiting
    async with again.open_internal(Purpose.VERIFY, CONTROL):
        pass
    await again.close()


async def test_there_is_nothing_to_move_where_there_is_no_node(tmp_path: Path) -> None:
    with pytest.raises(NoNodeHere):
        async with keys_alone(tmp_path):
            pass


async def test_a_switch_that_was_cut_off_is_finished_by_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    store = await open_store(data)
    await store.migrate()
    await store.close()
    keys = data / "keys"
    (keys / "control.wrapped").rename(keys / "control.wrapped.next")
    (keys / "switch").write_text("master.key")

    again = await open_store(data)
    await again.close()

    assert not (keys / "switch").exists()
    assert (keys / "control.wrapped").exists()
