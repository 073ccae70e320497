"""A GGUF file of random weights, for tests and figures: it loads and runs like a model, and says nothing.

One token a byte, and no merges: the text `abc` is
three tokens. Greedy decoding gives printable ASCII and never ends by itself, since the output rows of all other tokens
are zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.chat import gguf_file
from models.chat.gguf_file import BLOCK, Kind, Tensor, Value, byte_letters

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


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
    tensors = [Tensor(*described) for described in _tensors(shape)]
    random = np.random.default_rng(seed)
    data = (_weights(random, one.name, one.dimensions, one.kind).tobytes() for one in tensors)
    gguf_file.write(path, _pairs(shape, template), tensors, data)


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
    codes, span = (BLOCK, 64) if kind == "q8_0" else (BLOCK // 2, 4.6)
    blocks = random.integers(0, 256, (dimensions[0], dimensions[1] // BLOCK, 2 + codes), np.uint8)
    scales = np.full(blocks.shape[:2], spread / span, "<f2")
    if name == "output.weight":
        scales[_silent(dimensions[0])] = 0
    blocks[:, :, :2] = scales[..., None].view(np.uint8)
    return blocks


def _silent(vocabulary: int) -> NDArray[np.intp]:
    return np.array([token for token in range(vocabulary) if not 32 <= token < 127])


def _pairs(shape: Shape, template: str | None) -> Iterator[tuple[str, Value]]:
    yield "general.architecture", "llama"
    yield "general.name", "random"
    yield "general.alignment", gguf_file.ALIGNMENT
    yield "general.file_type", gguf_file.FILE_TYPES[shape.kind]
    yield "llama.context_length", shape.context
    yield "llama.embedding_length", shape.width
    yield "llama.block_count", shape.layers
    yield "llama.feed_forward_length", shape.inner
    yield "llama.attention.head_count", shape.heads
    yield "llama.attention.head_count_kv", shape.heads
    yield "llama.attention.layer_norm_rms_epsilon", 1e-5
    yield "llama.rope.dimension_count", shape.width // shape.heads
    yield "llama.vocab_size", shape.vocabulary
    yield "tokenizer.ggml.model", "gpt2"
    yield "tokenizer.ggml.pre", "gpt-2"
    unused = [f"[unused{n}]" for n in range(shape.vocabulary - 256 - len(CONTROL))]
    yield "tokenizer.ggml.tokens", [*byte_letters(), *CONTROL, *unused]
    types = [gguf_file.NORMAL] * 256 + [gguf_file.CONTROL] * len(CONTROL) + [gguf_file.UNUSED] * len(unused)
    yield "tokenizer.ggml.token_type", types
    # llama.cpp wants the list; a pair of bytes that no UTF-8 text holds leaves every text one token a byte.
    yield "tokenizer.ggml.merges", ["ÿ ÿ"]
    yield "tokenizer.ggml.bos_token_id", 256
    yield "tokenizer.ggml.eos_token_id", 258
    yield "tokenizer.ggml.add_bos_token", False
    if template is not None:
        yield "tokenizer.chat_template", template
