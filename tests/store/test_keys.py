from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Conflict
from appliance.store import (
    Purpose,
    RecoveryCode,
    create_master_key,
    open_store,
    recover_master_key,
    renew_recovery_code,
)
from appliance.store.errors import (
    KeyMissing,
    MasterKeyExists,
    MasterKeyMissing,
    NoNodeHere,
    WrongKey,
    WrongRecoveryCode,
)
from appliance.store.keys import Keyring, derive


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_key_comes_back_the_same_after_a_restart(keys: Path) -> None:
    create_master_key(keys)
    made = Keyring.load(keys).create("control")

    assert Keyring.load(keys).key("control") == made
    assert len(made) == 32


def test_no_key_is_readable_by_others_and_no_key_lies_in_the_clear(keys: Path) -> None:
    create_master_key(keys)
    made = Keyring.load(keys).create("control")

    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    for path in keys.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
        assert made not in path.read_bytes()


def test_a_second_master_key_is_refused(keys: Path) -> None:
    create_master_key(keys)

    with pytest.raises(MasterKeyExists):
        create_master_key(keys)


def test_a_new_master_key_is_refused_where_keys_wait_for_the_old_one(keys: Path) -> None:
    create_master_key(keys)
    Keyring.load(keys).create("control")
    (keys / "master.key").unlink()

    with pytest.raises(MasterKeyExists):
        create_master_key(keys)
    with pytest.raises(MasterKeyMissing):
        Keyring.load(keys)


def test_a_master_key_that_was_begun_but_not_finished_is_made_again(keys: Path) -> None:
    create_master_key(keys)
    (keys / "master.key").unlink()

    code = create_master_key(keys)

    (keys / "master.key").unlink()
    recover_master_key(keys, str(code))


def test_the_recovery_code_brings_back_a_lost_master_key(keys: Path) -> None:
    code = create_master_key(keys)
    made = Keyring.load(keys).create("control")
    (keys / "master.key").unlink()

    recover_master_key(keys, str(code))

    assert Keyring.load(keys).key("control") == made


def test_the_recovery_code_replaces_a_master_key_that_does_not_fit(keys: Path) -> None:
    code = create_master_key(keys)
    made = Keyring.load(keys).create("control")
    (keys / "master.key").write_bytes(bytes(32))
    with pytest.raises(WrongKey):
        Keyring.load(keys)

    recover_master_key(keys, str(code))

    assert Keyring.load(keys).key("control") == made


@pytest.mark.parametrize(
    "misread",
    [str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("0", "O").replace("1", "l")],
    ids=["small letters", "spaces", "look-alikes"],
)
def test_a_recovery_code_may_be_typed_as_people_type(keys: Path, misread: object) -> None:
    code = create_master_key(keys)
    (keys / "master.key").unlink()

    assert callable(misread)
    recover_master_key(keys, misread(str(code)))

    assert (keys / "master.key").exists()


def test_a_new_recovery_code_replaces_the_old_one(keys: Path) -> None:
    old = create_master_key(keys)
    master = (keys / "master.key").read_bytes()

    new = renew_recovery_code(keys)

    (keys / "master.key").unlink()
    with pytest.raises(WrongRecoveryCode):
        recover_master_key(keys, str(old))
    recover_master_key(keys, str(new))
    assert (keys / "master.key").read_bytes() == master


def test_a_wrong_recovery_code_changes_nothing(keys: Path) -> None:
    code = str(create_master_key(keys))
    before = (keys / "master.key").read_bytes()
    wrong = ("Z" if code[0] != "Z" else "Y") + code[1:]

    for attempt in (wrong, code[:-1], ""):
        with pytest.raises(WrongRecoveryCode):
            recover_master_key(keys, attempt)
    assert (keys / "master.key").read_bytes() == before


def test_a_directory_without_recovery_key_says_so(keys: Path) -> None:
    keys.mkdir()
    with pytest.raises(KeyMissing):
        recover_master_key(keys, "0000")


def test_a_recovery_code_is_not_shown_by_accident(keys: Path) -> None:
    code = create_master_key(keys)

    assert str(code) not in repr(code)
    assert code.text not in repr([code])


def test_two_wrapped_keys_cannot_be_swapped(keys: Path) -> None:
    create_master_key(keys)
    keyring = Keyring.load(keys)
    keyring.create("tenant-a")
    keyring.create("tenant-b")
    first, second = keys / "tenant-a.wrapped", keys / "tenant-b.wrapped"
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)

    with pytest.raises(WrongKey):
        Keyring.load(keys).key("tenant-a")


@given(position=st.integers(0, 63), flip=st.integers(1, 255))
def test_a_wrapped_key_with_a_changed_byte_does_not_open(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    keys = tmp_path_factory.mktemp("changed") / "keys"
    create_master_key(keys)
    Keyring.load(keys).create("audit")
    stored = bytearray((keys / "audit.wrapped").read_bytes())
    stored[position] ^= flip
    (keys / "audit.wrapped").write_bytes(stored)

    with pytest.raises(WrongKey):
        Keyring.load(keys).key("audit")


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_file_that_is_no_master_key_is_told_from_one(keys: Path, content: bytes) -> None:
    create_master_key(keys)
    (keys / "master.key").write_bytes(content)

    with pytest.raises(WrongKey):
        Keyring.load(keys)


def test_a_key_is_made_once(keys: Path) -> None:
    create_master_key(keys)
    Keyring.load(keys).create("control")

    with pytest.raises(Conflict):
        Keyring.load(keys).create("control")


def test_a_destroyed_key_is_gone(keys: Path) -> None:
    create_master_key(keys)
    keyring = Keyring.load(keys)
    keyring.create("tenant-a")

    keyring.destroy("tenant-a")

    with pytest.raises(KeyMissing):
        keyring.key("tenant-a")


def test_hkdf_gives_what_it_gave_before() -> None:
    # Made once with the same parameters by `cryptography` 50; a change would orphan every secret and blob name.
    assert derive(bytes(range(32)), "secret/cursor").hex() == (
        "5ec2c9a8d6115fac43c73b19f65e28ca1890c973a616e873e648e9f4cdeffe9f"
    )


async def test_opening_a_new_directory_hands_out_the_recovery_code_once(tmp_path: Path) -> None:
    first = await open_store(tmp_path / "data")
    second = await open_store(tmp_path / "data")

    assert isinstance(first.recovery_code, RecoveryCode)
    assert second.recovery_code is None
    await first.close()
    await second.close()


async def test_a_mistyped_directory_does_not_become_a_node(tmp_path: Path) -> None:
    with pytest.raises(NoNodeHere):
        await open_store(tmp_path / "typo", create=False)

    assert not (tmp_path / "typo").exists()


async def test_a_node_comes_back_with_its_data_after_recovery(tmp_path: Path) -> None:
    data = tmp_path / "data"
    store = await open_store(data)
    await store.migrate()
    tenant = await store.create_tenant("north", "North plant")
    code = str(store.recovery_code)
    await store.close()
    (data / "keys" / "master.key").unlink()
    with pytest.raises(MasterKeyMissing):
        await open_store(data)

    recover_master_key(data / "keys", code)

    again = await open_store(data)
    await again.migrate()
    assert await again.tenants() == [tenant]
    async with again.open_internal(Purpose.VERIFY, tenant.id):
        pass
    await again.close()
