"""A GGUF file of random weights, for tests and figures: it loads and runs like a model, and says nothing.

    magic, version, counts | key-value pairs | tensor names, shapes, types, offsets | padding | tensors, each aligned

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. One token a byte, and no merges: the text `abc` is
three tokens. Greedy decoding gives printable ASCII and never ends by itself, since the output rows of all other tokens
are zero.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["f32", "q8_0", "q4_0"]
ALIGNMENT = 32
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9
_TYPES: dict[Kind, int] = {"f32": 0, "q4_0": 2, "q8_0": 8}
_FILE_TYPES: dict[Kind, int] = {"f32": 0, "q4_0": 2, "q8_0": 7}
_BLOCK = 32
_NORMAL, _CONTROL_TOKEN, _UNUSED = 1, 3, 5


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions are multiples of 256 where the weights are quantised; `vocabulary` holds at least 259 tokens."""

    layers: int = 2
    width: int = 256
    heads: int = 4
    inner: int = 512
    vocabulary: int = 320
    context: int = 8192
    kind: Kind = "f32"


def write(path: Path, shape: Shape = Shape(), *, seed: int = 0, template: str | None = TEMPLATE) -> None:
    """Write the file; the same arguments give the same bytes."""
    tensors = list(_tensors(shape))
    with path.open("wb") as out:
        pairs = list(_pairs(shape, template))
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs))
        offset = 0
        for name, dimensions, kind in tensors:
            # GGUF lists the fastest dimension first.
            out.write(_text(name) + struct.pack("<I", len(dimensions)))
            out.write(struct.pack(f"<{len(dimensions)}Q", *reversed(dimensions)))
            out.write(struct.pack("<IQ", _TYPES[kind], offset))
            offset += _aligned(_size(dimensions, kind))
        out.write(bytes(_aligned(out.tell()) - out.tell()))
        random = np.random.default_rng(seed)
        for name, dimensions, kind in tensors:
            data = _weights(random, name, dimensions, kind).tobytes()
            out.write(data + bytes(_aligned(len(data)) - len(data)))


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...], Kind]]:
    square, kind = (shape.width, shape.width), shape.kind
    yield "token_embd.weight", (shape.vocabulary, shape.width), kind
    yield "output_norm.weight", (shape.width,), "f32"
    yield "output.weight", (shape.vocabulary, shape.width), kind
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield f"{block}attn_norm.weight", (shape.width,), "f32"
        yield f"{block}ffn_norm.weight", (shape.width,), "f32"
        for matrix in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"{block}{matrix}.weight", square, kind
        yield f"{block}ffn_gate.weight", (shape.inner, shape.width), kind
        yield f"{block}ffn_up.weight", (shape.inner, shape.width), kind
        yield f"{block}ffn_down.weight", (shape.width, shape.inner), kind


def _weights(
    random: np.random.Generator, name: str, dimensions: tuple[int, ...], kind: Kind
) -> NDArray[np.float32] | NDArray[np.uint8]:
    if len(dimensions) == 1:
        return np.ones(dimensions, np.float32)
    spread = dimensions[-1] ** -0.5
    if kind == "f32":
        plain = random.standard_normal(dimensions, np.float32) * np.float32(spread)
        if name == "output.weight":
            plain[_silent(dimensions[0])] = 0
        return plain
    # A block is a float16 scale and 32 codes: bytes, or nibbles that stand for -8 to 7.
    codes, span = (_BLOCK, 64) if kind == "q8_0" else (_BLOCK // 2, 4.6)
    blocks = random.integers(0, 256, (dimensions[0], dimensions[1] // _BLOCK, 2 + codes), np.uint8)
    scales = np.full(blocks.shape[:2], spread / span, "<f2")
    if name == "output.weight":
        scales[_silent(dimensions[0])] = 0
    blocks[:, :, :2] = scales[..., None].view(np.uint8)
    return blocks


def _silent(vocabulary: int) -> NDArray[np.intp]:
    return np.array([token for token in range(vocabulary) if not 32 <= token < 127])


def _pairs(shape: Shape, template: str | None) -> Iterator[bytes]:
    yield _pair("general.architecture", "llama")
    yield _pair("general.name", "random")
    yield _pair("general.alignment", ALIGNMENT)
    yield _pair("general.file_type", _FILE_TYPES[shape.kind])
    yield _pair("llama.context_length", shape.context)
    yield _pair("llama.embedding_length", shape.width)
    yield _pair("llama.block_count", shape.layers)
    yield _pair("llama.feed_forward_length", shape.inner)
    yield _pair("llama.attention.head_count", shape.heads)
    yield _pair("llama.attention.head_count_kv", shape.heads)
    yield _pair("llama.attention.layer_norm_rms_epsilon", 1e-5)
    yield _pair("llama.rope.dimension_count", shape.width // shape.heads)
    yield _pair("llama.vocab_size", shape.vocabulary)
    yield _pair("tokenizer.ggml.model", "gpt2")
    yield _pair("tokenizer.ggml.pre", "gpt-2")
    unused = [f"[unused{n}]" for n in range(shape.vocabulary - 256 - len(CONTROL))]
    yield _array("tokenizer.ggml.tokens", [*_byte_letters(), *CONTROL, *unused])
    types = [_NORMAL] * 256 + [_CONTROL_TOKEN] * len(CONTROL) + [_UNUSED] * len(unused)
    yield _array("tokenizer.ggml.token_type", types)
    # llama.cpp wants the list; a pair of bytes that no UTF-8 text holds leaves every text one token a byte.
    yield _array("tokenizer.ggml.merges", ["ÿ ÿ"])
    yield _pair("tokenizer.ggml.bos_token_id", 256)
    yield _pair("tokenizer.ggml.eos_token_id", 258)
    yield _pair("tokenizer.ggml.add_bos_token", False)
    if template is not None:
        yield _pair("tokenizer.chat_template", template)


def _byte_letters() -> list[str]:
    """The letter that GPT-2's byte-level vocabulary writes for each byte: itself if visible, else one from 256 on."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in visible else next(spare)) for byte in range(256)]


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _pair(key: str, value: str | float | bool) -> bytes:
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


def _size(dimensions: tuple[int, ...], kind: Kind) -> int:
    count = int(np.prod(dimensions))
    return {"f32": 4 * count, "q8_0": count // _BLOCK * 34, "q4_0": count // _BLOCK * 18}[kind]


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
