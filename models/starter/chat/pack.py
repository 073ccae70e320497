"""From trained weights and their tokenizer to one GGUF file, with names and layout of llama.cpp's llama architecture."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.chat import gguf_file
from models.chat.gguf_file import Kind, Tensor, Value
from models.starter.chat import quantise
from models.starter.chat.shape import Dimensions
from models.starter.chat.template import TEMPLATE
from models.starter.chat.words import CLOSES, CONTROL, END, PRE

NAME = "outpost-starter"
LICENCE = "CC-BY-SA-4.0"
Floats = NDArray[np.float32]


def pack(weights: Path, tokens: Path, out: Path, kind: Kind) -> None:
    """Write the file, matrices as `kind`; the word table, which also makes the logits, is never below q8_0."""
    named = dict(named_tensors({name: t.astype(np.float32) for name, t in load_file(weights).items()}))
    vocabulary = json.loads(tokens.read_text(encoding="utf-8"))["model"]
    tensors = [Tensor(name, value.shape, kind_of(name, value, kind)) for name, value in named.items()]
    data = (encoded(named[one.name], one.kind) for one in tensors)
    gguf_file.write(out, header(Dimensions(), vocabulary, kind), tensors, data)


def kind_of(name: str, value: Floats, kind: Kind) -> Kind:
    if value.ndim == 1:
        return "f32"
    return "q8_0" if name == "token_embd.weight" and kind == "q4_0" else kind


def encoded(value: Floats, kind: Kind) -> bytes:
    plain = np.ascontiguousarray(value)
    match kind:
        case "f32":
            return plain.tobytes()
        case "q8_0":
            return quantise.q8_0(plain)
        case "q4_0":
            return quantise.q4_0(plain)


def named_tensors(weights: dict[str, Floats]) -> Iterator[tuple[str, Floats]]:
    """The decoder's tensors under llama.cpp's names; joint matrices are taken apart."""
    yield "token_embd.weight", weights["words.weight"]
    yield "output_norm.weight", weights["norm.weight"]
    for layer in range(Dimensions().layers):
        ours, theirs = f"blocks.{layer}.", f"blk.{layer}."
        yield f"{theirs}attn_norm.weight", weights[f"{ours}attention_norm.weight"]
        for name, part in zip("qkv", np.split(weights[f"{ours}qkv.weight"], 3), strict=True):
            yield f"{theirs}attn_{name}.weight", part
        yield f"{theirs}attn_output.weight", weights[f"{ours}out.weight"]
        yield f"{theirs}ffn_norm.weight", weights[f"{ours}feed_norm.weight"]
        gate, up = np.split(weights[f"{ours}gate_up.weight"], 2)
        yield f"{theirs}ffn_gate.weight", gate
        yield f"{theirs}ffn_up.weight", up
        yield f"{theirs}ffn_down.weight", weights[f"{ours}down.weight"]


def header(shape: Dimensions, bpe: dict[str, object], kind: Kind) -> Iterator[tuple[str, Value]]:
    vocab, merges = bpe["vocab"], bpe["merges"]
    assert isinstance(vocab, dict)
    assert isinstance(merges, list)
    tokens = sorted(vocab, key=vocab.__getitem__)
    yield "general.architecture", "llama"
    yield "general.name", NAME
    yield "general.license", LICENCE
    yield "general.alignment", gguf_file.ALIGNMENT
    yield "general.file_type", gguf_file.FILE_TYPES[kind]
    yield "llama.context_length", shape.context
    yield "llama.embedding_length", shape.width
    yield "llama.block_count", shape.layers
    yield "llama.feed_forward_length", shape.inner
    yield "llama.attention.head_count", shape.heads
    yield "llama.attention.head_count_kv", shape.heads
    yield "llama.attention.layer_norm_rms_epsilon", shape.epsilon
    yield "llama.rope.dimension_count", shape.width // shape.heads
    yield "llama.rope.freq_base", shape.base
    yield "llama.vocab_size", len(tokens)
    yield "tokenizer.ggml.model", "gpt2"
    yield "tokenizer.ggml.pre", PRE
    yield "tokenizer.ggml.tokens", tokens
    yield "tokenizer.ggml.token_type", [gguf_file.CONTROL if t in CONTROL else gguf_file.NORMAL for t in tokens]
    yield "tokenizer.ggml.merges", [pair if isinstance(pair, str) else " ".join(pair) for pair in merges]
    yield "tokenizer.ggml.bos_token_id", vocab[END]
    yield "tokenizer.ggml.eos_token_id", vocab[CLOSES]
    yield "tokenizer.ggml.add_bos_token", False
    yield "tokenizer.chat_template", TEMPLATE
