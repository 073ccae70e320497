"""The delta restores what was trained, and nothing else is taken for one."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models import delta
from models.errors import DeltaRefused

BODY = "b" * 64
Arrays = dict[str, NDArray[np.float32]]


def weights(seed: int) -> Arrays:
    draw = np.random.default_rng(seed)
    return {
        "embeddings.word_embeddings.weight": draw.normal(size=(50, 16)).astype(np.float32),
        "encoder.layer.0.output.dense.weight": draw.normal(size=(16, 24)).astype(np.float32),
        "encoder.layer.0.output.dense.bias": draw.normal(size=16).astype(np.float32),
    }


def trained(body: Arrays) -> Arrays:
    """A change of rank 3 in the matrix, a small one in the bias, and heads that the body does not have."""
    draw = np.random.default_rng(9)
    change = draw.normal(size=(16, 3)) @ draw.normal(size=(3, 24)) / 50
    changed = dict(body)
    changed["encoder.layer.0.output.dense.weight"] = (body["encoder.layer.0.output.dense.weight"] + change).astype("f4")
    changed["encoder.layer.0.output.dense.bias"] = body["encoder.layer.0.output.dense.bias"] + np.float32(0.01)
    changed["span.weight"] = draw.normal(size=(2, 16)).astype(np.float32)
    return changed


@pytest.fixture
def written(tmp_path: Path) -> Path:
    body = weights(1)
    path = tmp_path / "reader.safetensors"
    facts = {"calibration": {"intercept": 0.5}}
    delta.write(path, delta.Delta(delta.compress(trained(body), body, rank=4), BODY, facts))
    return path


def test_a_merged_delta_gives_the_trained_weights_again(written: Path) -> None:
    body = weights(1)

    merged = delta.merge(body, delta.read(written, body=BODY))

    for name, value in trained(body).items():
        assert np.abs(merged[name] - value).max() < 0.01, name


def test_a_rank_that_saves_nothing_keeps_the_whole_difference() -> None:
    body = weights(1)
    change = delta.Delta(delta.compress(trained(body), body, rank=16), BODY, {})

    assert "encoder.layer.0.output.dense.weight.whole" in change.tensors
    for name, value in trained(body).items():
        assert np.abs(delta.merge(body, change)[name] - value).max() < 0.01, name


def test_a_delta_carries_its_calibration(written: Path) -> None:
    assert delta.read(written, body=BODY).facts == {"calibration": {"intercept": 0.5}}


def test_the_frozen_tables_are_not_in_the_delta(written: Path) -> None:
    assert not [name for name in delta.read(written, body=BODY).tensors if "word_embeddings" in name]


def test_a_delta_of_another_body_is_refused(written: Path) -> None:
    with pytest.raises(DeltaRefused, match="another body"):
        delta.read(written, body="c" * 64)


def test_a_flipped_byte_is_refused(written: Path) -> None:
    data = bytearray(written.read_bytes())
    data[-7] ^= 1
    written.write_bytes(data)

    with pytest.raises(DeltaRefused, match="damaged"):
        delta.read(written, body=BODY)


def test_altered_facts_are_refused(written: Path) -> None:
    written.write_bytes(written.read_bytes().replace(b"0.5", b"9.5"))

    with pytest.raises(DeltaRefused, match="damaged"):
        delta.read(written, body=BODY)


@pytest.mark.parametrize("content", [b"", b"not a delta", b"\xff" * 64])
def test_a_file_that_is_no_delta_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "reader.safetensors"
    path.write_bytes(content)

    with pytest.raises(DeltaRefused):
        delta.read(path, body=BODY)


def test_a_delta_for_a_tensor_the_body_lacks_is_refused(written: Path) -> None:
    body = {name: value for name, value in weights(1).items() if "bias" not in name}

    with pytest.raises(DeltaRefused, match="bias"):
        delta.merge(body, delta.read(written, body=BODY))
