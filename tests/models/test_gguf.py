"""A GGUF header is foreign bytes: read within limits, or refused with a reason; nothing else ever happens."""

import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.chat.random_gguf import Shape, write
from models.errors import HeaderRefused
from models.gguf import Header, read_header, servable
from models.hardware import Box, fitting, probe

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    write(path, Shape(layers=1, kind="q4_0"))
    return path


@pytest.fixture(scope="module")
def whole(model: Path) -> bytes:
    return model.read_bytes()


def outcome(path: Path) -> Header | str:
    try:
        return read_header(path)
    except HeaderRefused as refused:
        return str(refused)


def test_a_header_says_what_the_model_is(model: Path) -> None:
    header = read_header(model)

    servable(header)
    assert (header.architecture, header.context, header.layers, header.width) == ("llama", 8192, 1, 256)
    assert header.quantisation == "Q4_0"
    assert header.vocabulary == 320
    assert header.template is not None
    assert (
        header.header_bytes + header.tensor_bytes
        <= model.stat().st_size
        < header.header_bytes + header.tensor_bytes + 4096
    )


def test_memory_grows_with_the_cache(model: Path) -> None:
    header = read_header(model)

    assert header.memory(8192) - header.memory(4096) == 4096 * header.cache_bytes
    assert header.cache_bytes == 2 * 1 * 4 * (64 + 64)


def test_a_file_cut_short_anywhere_is_refused(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    ends = [0, 1, 3, 4, 7, 8, 15, 16, 23, 24, 25, *range(30, len(whole), max(1, len(whole) // 150)), len(whole) - 1]
    for end in ends:
        path.write_bytes(whole[:end])
        assert isinstance(outcome(path), str), f"the first {end} bytes passed for a model"


@given(data=st.data())
@QUICK
def test_whatever_bytes_are_changed_the_header_is_read_or_refused(
    whole: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "changed.gguf"
    changed = bytearray(whole[:20_000])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, 9_000))
        changed[at] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(changed) + whole[20_000:])

    began = time.monotonic()
    outcome(path)
    assert time.monotonic() - began < 5


@given(st.binary(max_size=400))
@QUICK
def test_any_bytes_after_the_magic_are_refused(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "noise.gguf"
    path.write_bytes(b"GGUF" + rest)

    assert isinstance(outcome(path), str)


@pytest.mark.parametrize(
    ("bytes_", "why"),
    [
        (b"PK\x03\x04 a zip", "no GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 1, 1, 1), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "version 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**62, 1), "announces"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**40), "announces"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 2**50), "a text of"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 9, 1),
            "array of arrays",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 4, 2**60),
            "items",
        ),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"a" + struct.pack("<I", 77), "type 77"),
    ],
)  # fmt: skip
def test_a_lying_header_is_refused_with_its_reason(tmp_path: Path, bytes_: bytes, why: str) -> None:
    path = tmp_path / "liar.gguf"
    path.write_bytes(bytes_)

    with pytest.raises(HeaderRefused, match=why):
        read_header(path)


def test_an_unknown_architecture_cannot_be_served(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "alien.gguf"
    path.write_bytes(whole.replace(b"llama", b"alien"))

    with pytest.raises(HeaderRefused, match="alien"):
        servable(read_header(path))


def test_a_model_without_a_template_cannot_be_served(tmp_path: Path) -> None:
    path = tmp_path / "mute.gguf"
    write(path, Shape(layers=1), template=None)

    with pytest.raises(HeaderRefused, match="no chat template"):
        servable(read_header(path))


def test_the_largest_shape_that_fits_is_chosen_and_none_where_none_does(model: Path) -> None:
    header = read_header(model)

    whole = fitting(header, Box(cores=8, free=64 * 2**30))
    assert whole is not None
    assert (whole.sequences, whole.context, whole.threads) == (4, 4096, 7)
    assert fitting(header, Box(cores=8, free=64 * 2**20)) is None


def test_a_box_with_one_core_gives_one_thread_and_no_box_gives_all() -> None:
    assert Box(1, 0).threads == 1
    assert all(Box(cores, 0).threads < cores for cores in range(2, 65))


def test_the_limits_of_a_cgroup_are_kept(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")

    assert probe(tmp_path) == Box(1, 600_000)


def test_a_box_without_limits_or_with_unreadable_ones_is_looked_at_itself(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_bytes(b"\xff\xfe")

    box = probe(tmp_path)
    assert box.cores >= 1
    assert box.free > 2**20
