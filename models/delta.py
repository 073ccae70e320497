"""The trained reader as its difference from the pinned body: what git carries instead of 42 MB of weights.

A delta is one safetensors file. For a matrix it holds two thin int8 factors with a float32 scale per rank,

    <name>.left (rows, rank) x <name>.right (rank, columns)   beside <name>.left_scale, <name>.right_scale (rank,)

or, where that would be no smaller, `<name>.whole` in int8 with `<name>.whole_scale` (rows,). Vectors are `<name>.value` in
float16, the heads, which the body does not have, `<name>.value` in float32. Its metadata names the body by SHA-256, so
that it is never merged into another one, and carries facts: the calibration of the answerable score and the figures.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models.errors import DeltaRefused

FORMAT = "outpost-delta-1"
FROZEN = ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight")
HEADS = ("span.", "answerable.")

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Delta:
    """`body` is the SHA-256 of the safetensors it belongs to; `facts` are the model card's figures and calibration."""

    tensors: Mapping[str, NDArray[np.generic]]
    body: str
    facts: Mapping[str, object]


def _codes(factor: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scale = np.maximum(np.abs(factor).max(axis=axis), 1e-12) / 127
    return np.round(factor / np.expand_dims(scale, axis)).astype(np.int8), scale.astype(np.float32)


def compress(trained: Weights, body: Weights, *, rank: int) -> dict[str, NDArray[np.generic]]:
    """The tensors of a delta whose matrices keep the `rank` largest singular values of the difference."""
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, value in trained.items():
        if name in FROZEN:
            continue
        if name.startswith(HEADS):
            tensors[f"{name}.value"] = value.astype(np.float32)
            continue
        change = value - body[name]
        if min(change.shape) <= 2 or change.ndim < 2:
            tensors[f"{name}.value"] = change.astype(np.float16)
            continue
        if rank * sum(change.shape) >= change.size:
            tensors[f"{name}.whole"], tensors[f"{name}.whole_scale"] = _codes(change, 1)
            continue
        left, sizes, right = np.linalg.svd(change, full_matrices=False)
        root = np.sqrt(sizes[:rank])
        for side, factor, axis in (("left", left[:, :rank] * root, 0), ("right", right[:rank] * root[:, None], 1)):
            tensors[f"{name}.{side}"], tensors[f"{name}.{side}_scale"] = _codes(factor.astype(np.float32), axis)
    return tensors


def _decoded(delta: Delta, key: str, axis: int) -> NDArray[np.float32]:
    scale = np.expand_dims(delta.tensors[f"{key}_scale"].astype(np.float32), axis)
    return delta.tensors[key].astype(np.float32) * scale


def merge(body: Weights, delta: Delta) -> dict[str, NDArray[np.float32]]:
    """The trained weights again, within the precision that the delta kept. Raises DeltaRefused on a stray tensor."""
    merged = {name: value.astype(np.float32) for name, value in body.items()}
    for key, tensor in delta.tensors.items():
        name, _, part = key.rpartition(".")
        if part == "value":
            change = tensor.astype(np.float32)
        elif part == "whole":
            change = _decoded(delta, key, 1)
        elif part == "left":
            change = _decoded(delta, key, 0) @ _decoded(delta, f"{name}.right", 1)
        else:
            continue
        if name.startswith(HEADS):
            merged[name] = change
        elif name in merged and merged[name].shape == change.shape:
            merged[name] = merged[name] + change
        else:
            raise DeltaRefused(f"the delta changes {name}, which the body does not have in that shape")
    return merged


def write(path: Path, delta: Delta) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"format": FORMAT, "body": delta.body, "facts": json.dumps(delta.facts, sort_keys=True)}
    metadata["sha256"] = _digest(delta.tensors, metadata["facts"])
    save_file({name: np.ascontiguousarray(tensor) for name, tensor in delta.tensors.items()}, path, metadata=metadata)


def read(path: Path, *, body: str) -> Delta:
    """The delta in `path`, checked against its own digest and the body's. Raises DeltaRefused."""
    try:
        with safe_open(path, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as problem:
        raise DeltaRefused(f"{path.name} cannot be read: {problem}") from problem
    if metadata.get("format") != FORMAT:
        raise DeltaRefused(f"{path.name} is not of format {FORMAT}")
    if metadata.get("body") != body:
        raise DeltaRefused(f"{path.name} was made for another body")
    if metadata.get("sha256") != _digest(tensors, metadata.get("facts", "")):
        raise DeltaRefused(f"{path.name} is damaged: its content does not match its digest")
    return Delta(tensors, body, json.loads(metadata["facts"]))


def _digest(tensors: Mapping[str, NDArray[np.generic]], facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()
