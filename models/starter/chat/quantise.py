"""float32 to llama.cpp's blocks of 32 weights and a float16 scale (ggml-common.h). Pure.

q8_0    w = d * c, c from -127 to 127, a byte each
q4_0    w = d * (c - 8), c from 0 to 15; byte i holds c of weight i low, of weight i + 16 high
"""

import numpy as np
from numpy.typing import NDArray

from models.chat.gguf_file import BLOCK

Floats = NDArray[np.float32]


def q8_0(weights: Floats) -> bytes:
    blocks = weights.reshape(-1, BLOCK)
    scale = (np.abs(blocks).max(axis=1) / 127).astype("<f2")
    codes = np.clip(np.rint(blocks * inverse(scale)), -127, 127).astype(np.int8)
    return np.concatenate([scale[:, None].view(np.uint8), codes.view(np.uint8)], axis=1).tobytes()


def q4_0(weights: Floats) -> bytes:
    blocks = weights.reshape(-1, BLOCK)
    # The largest weight, with its sign, falls on -8: one code more than on the other side.
    largest = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(axis=1)]
    scale = (largest / -8).astype("<f2")
    codes = np.clip(np.rint(blocks * inverse(scale)) + 8, 0, 15).astype(np.uint8)
    nibbles = codes[:, : BLOCK // 2] | codes[:, BLOCK // 2 :] << 4
    return np.concatenate([scale[:, None].view(np.uint8), nibbles], axis=1).tobytes()


def inverse(scale: NDArray[np.float16]) -> Floats:
    wide = scale.astype(np.float32)[:, None]
    return np.divide(1, wide, out=np.zeros_like(wide), where=wide != 0)


def restored(raw: bytes, kind: str) -> Floats:
    """The weights that the blocks stand for, (count of blocks, 32)."""
    held = np.frombuffer(raw, np.uint8).reshape(-1, 34 if kind == "q8_0" else 18)
    scale = held[:, :2].copy().view("<f2").astype(np.float32)
    codes = held[:, 2:]
    if kind == "q8_0":
        return scale * codes.view(np.int8).astype(np.float32)
    return scale * (np.concatenate([codes & 15, codes >> 4], axis=1).astype(np.float32) - 8)
