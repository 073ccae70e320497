"""Writing GGUF files.

    magic, version, counts | key-value pairs | tensor names, shapes, types, offsets | padding | tensors, each aligned

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

Kind = Literal["f32", "q8_0", "q4_0"]
Value = str | float | bool | list[str] | list[int]

ALIGNMENT = 32
BLOCK = 32
"""Weights that share a scale."""
FILE_TYPES: dict[Kind, int] = {"f32": 0, "q4_0": 2, "q8_0": 7}
NORMAL, CONTROL, UNUSED = 1, 3, 5
"""Types of tokens."""

_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_TYPES: dict[Kind, int] = {"f32": 0, "q4_0": 2, "q8_0": 8}


@dataclass(frozen=True, slots=True)
class Tensor:
    """`dimensions` come slowest first, as numpy has them."""

    name: str
    dimensions: tuple[int, ...]
    kind: Kind

    @property
    def size(self) -> int:
        """In bytes."""
        count = int(np.prod(self.dimensions))
        return {"f32": 4 * count, "q8_0": count // BLOCK * 34, "q4_0": count // BLOCK * 18}[self.kind]


def write(path: Path, values: Iterable[tuple[str, Value]], tensors: list[Tensor], data: Iterator[bytes]) -> None:
    """Write the file; `data` gives the bytes of each tensor, in their order."""
    with path.open("wb") as out:
        pairs = [_pair(key, value) for key, value in values]
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs))
        offset = 0
        for tensor in tensors:
            # GGUF lists the fastest dimension first.
            out.write(_text(tensor.name) + struct.pack("<I", len(tensor.dimensions)))
            out.write(struct.pack(f"<{len(tensor.dimensions)}Q", *reversed(tensor.dimensions)))
            out.write(struct.pack("<IQ", _TYPES[tensor.kind], offset))
            offset += _aligned(tensor.size)
        out.write(bytes(_aligned(out.tell()) - out.tell()))
        for tensor, raw in zip(tensors, data, strict=True):
            if len(raw) != tensor.size:
                raise ValueError(f"{tensor.name} has {len(raw)} bytes, {tensor.size} are due")
            out.write(raw + bytes(_aligned(len(raw)) - len(raw)))


def byte_letters() -> list[str]:
    """The letter that GPT-2's byte-level vocabulary writes for each byte: itself if visible, else one from 256 on."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in visible else next(spare)) for byte in range(256)]


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _pair(key: str, value: Value) -> bytes:
    if isinstance(value, list):
        return _array(key, value)
    if isinstance(value, bool):
        return _text(key) + struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return _text(key) + struct.pack("<II", _UINT32, value)
    if isinstance(value, float):
        return _text(key) + struct.pack("<If", _FLOAT32, value)
    return _text(key) + struct.pack("<I", _STRING) + _text(value)


def _array(key: str, values: list[str] | list[int]) -> bytes:
    of = _STRING if isinstance(values[0], str) else _INT32
    items = (_text(value) if isinstance(value, str) else struct.pack("<i", value) for value in values)
    return _text(key) + struct.pack("<IIQ", _ARRAY, of, len(values)) + b"".join(items)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
