from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.store import BlobName, Blobs, Store, Tenant, TenantId, create_master_key, new_id
from appliance.store.errors import BlobDamaged, UnknownBlob
from appliance.store.keys import Keyring
from appliance.store.segments import SEGMENT

SIZES = [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 3 * SEGMENT + 17]


def content(size: int) -> bytes:
    return bytes(range(251)) * (size // 251 + 1)


def stored(store: Store, tenant: Tenant, name: BlobName) -> Path:
    return store.data / "tenants" / str(tenant.id) / "blobs" / name[:2] / name


@pytest.mark.parametrize("size", SIZES)
async def test_what_was_put_comes_back(node_store: Store, tenant: Tenant, tmp_path: Path, size: int) -> None:
    whole = content(size)[:size]
    file = tmp_path / "manual.pdf"
    file.write_bytes(whole)

    name = await node_store.blobs.put(tenant.id, whole)

    assert await node_store.blobs.put(tenant.id, file) == name, "bytes and a file of the same content are one"
    assert await node_store.blobs.get(tenant.id, name) == whole
    assert [piece async for piece in node_store.blobs.stream(tenant.id, name)] == [
        whole[start : start + SEGMENT] for start in range(0, max(size, 1), SEGMENT)
    ]


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_stored_like_bytes(node_store: Store, tenant: Tenant, tmp_path: Path, size: int) -> None:
    file = tmp_path / "manual.pdf"
    file.write_bytes(content(size)[:size])

    name = await node_store.blobs.put(tenant.id, file)

    assert await node_store.blobs.get(tenant.id, name) == content(size)[:size]


async def test_the_stored_file_shows_neither_content_nor_its_hash(node_store: Store, tenant: Tenant) -> None:
    name = await node_store.blobs.put(tenant.id, b"recipe " * 100)

    assert b"recipe" not in stored(node_store, tenant, name).read_bytes()
    assert hashlib.sha256(b"recipe " * 100).hexdigest() != name


async def test_a_removed_blob_is_gone_and_may_be_removed_again(node_store: Store, tenant: Tenant) -> None:
    name = await node_store.blobs.put(tenant.id, b"manual")
    assert await node_store.blobs.exists(tenant.id, name)

    await node_store.blobs.remove(tenant.id, name)
    await node_store.blobs.remove(tenant.id, name)

    assert not await node_store.blobs.exists(tenant.id, name)
    with pytest.raises(UnknownBlob):
        await node_store.blobs.get(tenant.id, name)


@pytest.mark.parametrize("name", ["", "../../keys/master.key", "A" * 64, "0" * 63, "0" * 65])
async def test_a_name_that_is_none_of_ours_reaches_no_file(node_store: Store, tenant: Tenant, name: str) -> None:
    with pytest.raises(UnknownBlob):
        await node_store.blobs.get(tenant.id, BlobName(name))
    with pytest.raises(UnknownBlob):
        await node_store.blobs.remove(tenant.id, BlobName(name))


async def test_equal_uploads_at_the_same_time_are_stored_once(node_store: Store, tenant: Tenant) -> None:
    names = await asyncio.gather(*(node_store.blobs.put(tenant.id, content(SEGMENT)) for _ in range(6)))

    assert len(set(names)) == 1
    folder = stored(node_store, tenant, names[0]).parent
    assert [path.name for path in folder.iterdir()] == [names[0]]
    assert await node_store.blobs.get(tenant.id, names[0]) == content(SEGMENT)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: SEGMENT + 16 + 11],
        lambda whole: whole[:-1],
        lambda whole: whole + b"\0",
        lambda whole: whole[:11] + whole[11 + SEGMENT + 16 :],
        lambda whole: whole[:11] + whole[11 + SEGMENT + 16 : 11 + 2 * (SEGMENT + 16)] * 2 + whole[11 + 2 * SEGMENT + 32 :],
        lambda whole: b"",
        lambda whole: b"OPB1",
        lambda whole: b"XXXX" + whole[4:],
    ],
    ids=["cut at a segment", "one byte short", "one byte more", "first segment gone", "one segment twice", "empty",
         "head cut", "other format"],
)  # fmt: skip
async def test_a_damaged_file_is_never_given_out_whole(node_store: Store, tenant: Tenant, damage: object) -> None:
    assert callable(damage)
    name = await node_store.blobs.put(tenant.id, content(3 * SEGMENT))
    path = stored(node_store, tenant, name)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(BlobDamaged):
        await node_store.blobs.get(tenant.id, name)


async def test_putting_the_content_of_a_damaged_file_again_mends_it(node_store: Store, tenant: Tenant) -> None:
    name = await node_store.blobs.put(tenant.id, b"manual")
    stored(node_store, tenant, name).write_bytes(b"OPB1")

    assert await node_store.blobs.put(tenant.id, b"manual") == name

    assert await node_store.blobs.get(tenant.id, name) == b"manual"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Blobs, TenantId, BlobName, Path]:
    data = tmp_path_factory.mktemp("blobs")
    create_master_key(data / "keys")
    keyring = Keyring.load(data / "keys")
    tenant = TenantId(new_id())
    keyring.create(f"tenant-{tenant}")
    blobs = Blobs(data / "tenants", keyring)
    name = asyncio.run(blobs.put(tenant, b"Tighten to 47 Nm."))
    return blobs, tenant, name, data / "tenants" / str(tenant) / "blobs" / name[:2] / name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(position=st.integers(0, 43), flip=st.integers(1, 255))
def test_no_byte_can_be_changed_unseen(small: tuple[Blobs, TenantId, BlobName, Path], position: int, flip: int) -> None:
    blobs, tenant, name, path = small
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[position] ^= flip
    path.write_bytes(changed)
    try:
        with pytest.raises(BlobDamaged):
            asyncio.run(blobs.get(tenant, name))
    finally:
        path.write_bytes(whole)


async def test_an_interrupted_put_leaves_no_file_behind(node_store: Store, tenant: Tenant, tmp_path: Path) -> None:
    folder = node_store.data / "tenants" / str(tenant.id) / "blobs"

    with pytest.raises(IsADirectoryError):
        await node_store.blobs.put(tenant.id, tmp_path)

    assert [path for path in folder.rglob("*") if path.is_file()] == []
