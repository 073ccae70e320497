"""The header of a GGUF file, read from foreign bytes within limits: what a model is, before anything loads it.

    magic "GGUF", version, counts | key-value pairs | tensor names, shapes, types, offsets | padding | tensors

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian. Nothing but the header
is read; long arrays (the vocabulary) are stepped over, not kept. llama.cpp trusts a file's counts and offsets, and a wrong
one has crashed it before: it gets only files that passed here.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from models.errors import HeaderRefused

MAGIC: Final = b"GGUF"
VERSIONS: Final = frozenset({2, 3})
MOST_HEADER: Final = 256 * 2**20
"""Bytes; the largest vocabulary with its merges takes some 20 MiB."""
MOST_PAIRS, MOST_TENSORS, MOST_KEY = 4_096, 65_536, 256
MOST_STRING: Final = 4 * 2**20
MOST_ITEMS: Final = 4 * 2**20
MOST_DIMENSIONS: Final = 4
KEPT_STRING: Final = 256 * 2**10
"""Longer strings are stepped over; no template is longer."""

_SCALARS: Final[Mapping[int, struct.Struct]] = {
    0: struct.Struct("<B"), 1: struct.Struct("<b"), 2: struct.Struct("<H"), 3: struct.Struct("<h"),
    4: struct.Struct("<I"), 5: struct.Struct("<i"), 6: struct.Struct("<f"), 7: struct.Struct("<?"),
    10: struct.Struct("<Q"), 11: struct.Struct("<q"), 12: struct.Struct("<d"),
}  # fmt: skip
_STRING, _ARRAY = 8, 9

_TYPES: Final[Mapping[int, tuple[str, int, int]]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
"""Number of a tensor type -> its name, weights per block, bytes per block (ggml.h, ggml-common.h)."""

ARCHITECTURES: Final = frozenset({
    "llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "phi2", "phi3", "gemma", "gemma2", "gemma3", "mistral3",
    "falcon", "starcoder2", "stablelm", "olmo", "olmo2", "granite", "granitemoe", "internlm2", "minicpm", "minicpm3",
    "command-r", "cohere2", "exaone", "deepseek", "deepseek2", "glm4", "chatglm", "smollm3", "ernie4_5", "gpt-oss",
})  # fmt: skip
"""Chat architectures of the llama.cpp we build that this release lets through."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself.

    `tensor_bytes` counts all weights, `parameters` their elements; `quantisation` is the type of most of them.
    `cache_bytes` is what one token of one sequence costs in the cache, in float16, for every layer. `template` is None
    where the file has none.
    """

    architecture: str
    name: str
    context: int
    layers: int
    width: int
    vocabulary: int
    template: str | None
    quantisation: str
    parameters: int
    tensor_bytes: int
    cache_bytes: int
    header_bytes: int
    licence: str

    def memory(self, tokens: int) -> int:
        """Bytes to serve this model with a cache of `tokens`: weights, cache, and room for the sums of a batch."""
        return (
            self.tensor_bytes + self.cache_bytes * tokens + 256 * 2**20 + 4 * 512 * (self.vocabulary + 8 * self.width)
        )


def read_header(path: Path) -> Header:
    """Read and check the header of `path`, in time and memory bounded by `MOST_HEADER`.

    Raises:
        HeaderRefused: it is no GGUF file, is cut short, or says what cannot be; the message says which.
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        return _Reader(stream, size).header()


def servable(header: Header) -> None:
    """Raises HeaderRefused where the model could not serve chat: its architecture is unknown, or it has no template."""
    if header.architecture not in ARCHITECTURES:
        raise HeaderRefused(f"its architecture {header.architecture!r} is not one that this release can run")
    if not header.template:
        raise HeaderRefused("it has no chat template, so nobody can tell how to ask it")
    if header.context < 512:
        raise HeaderRefused(f"it holds {header.context} tokens; 512 are the least that an answer needs")


class _Reader:
    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size, self._at = stream, size, 0

    def header(self) -> Header:
        if self._take(4) != MAGIC:
            raise HeaderRefused("it is no GGUF file")
        version = self._number("<I")
        if version not in VERSIONS:
            raise HeaderRefused(f"it is of GGUF version {version}; versions 2 and 3 can be read")
        tensors, pairs = self._number("<Q"), self._number("<Q")
        if not 0 < tensors <= MOST_TENSORS or not 0 < pairs <= MOST_PAIRS:
            raise HeaderRefused(f"it announces {tensors} tensors and {pairs} properties")
        facts: dict[str, object] = {}
        for _ in range(pairs):
            key = self._text(MOST_KEY)
            if key in facts:
                raise HeaderRefused(f"it says {key[:60]!r} twice")
            facts[key] = self._value(self._number("<I"))
        return self._made(facts, tensors)

    def _made(self, facts: Mapping[str, object], tensors: int) -> Header:
        architecture = _text_of(facts, "general.architecture")
        number = partial(_count_of, facts, architecture)
        alignment = facts.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 8 <= alignment <= 65_536 or alignment % 8:
            raise HeaderRefused("its alignment cannot be")
        sizes, parameters, end = self._tensors(tensors, alignment)
        start = -(-self._at // alignment) * alignment
        if start + end > self._size:
            raise HeaderRefused(f"it is cut short: {start + end} bytes are announced, {self._size} are there")
        layers, width, heads = number("block_count"), number("embedding_length"), number("attention.head_count")
        if width % heads:
            raise HeaderRefused("its width is no multiple of its heads")
        groups = number("attention.head_count_kv", heads)
        keys = number("attention.key_length", width // heads)
        values = number("attention.value_length", width // heads)
        vocabulary = facts.get("tokenizer.ggml.tokens")
        if not isinstance(vocabulary, int):
            raise HeaderRefused("it has no vocabulary")
        template = facts.get("tokenizer.chat_template")
        return Header(
            architecture=architecture,
            name=_shown(facts, "general.name"),
            context=number("context_length"),
            layers=layers,
            width=width,
            vocabulary=vocabulary,
            template=template if isinstance(template, str) and template.strip() else None,
            quantisation=max(sizes, key=lambda kind: sizes[kind]),
            parameters=parameters,
            tensor_bytes=sum(sizes.values()),
            cache_bytes=2 * layers * groups * (keys + values),
            header_bytes=start,
            licence=_shown(facts, "general.license"),
        )

    def _tensors(self, count: int, alignment: int) -> tuple[dict[str, int], int, int]:
        """Bytes by type, elements, and where the last tensor ends after the header."""
        sizes: dict[str, int] = {}
        names: set[str] = set()
        parameters = end = 0
        for _ in range(count):
            name = self._text(MOST_KEY)
            dimensions = self._number("<I")
            if name in names or not 1 <= dimensions <= MOST_DIMENSIONS:
                raise HeaderRefused("a tensor is named twice, or has no shape that can be")
            names.add(name)
            elements = row = self._number("<Q")
            for _ in range(dimensions - 1):
                elements *= self._number("<Q")
            kind, offset = self._number("<I"), self._number("<Q")
            if kind not in _TYPES:
                raise HeaderRefused(f"a tensor is of type {kind}, which this release does not know")
            label, block, width = _TYPES[kind]
            if not 0 < elements <= self._size * 8 or row % block or offset % alignment:
                raise HeaderRefused("the shape or place of a tensor cannot be")
            size = elements // block * width
            if offset + size > self._size:
                raise HeaderRefused("it is cut short: a tensor ends beyond the file")
            sizes[label] = sizes.get(label, 0) + size
            parameters += elements
            end = max(end, offset + size)
        return sizes, parameters, end

    def _value(self, kind: int) -> object:
        """A scalar, a string, or of an array how many items it has."""
        if kind in _SCALARS:
            return _SCALARS[kind].unpack(self._take(_SCALARS[kind].size))[0]
        if kind == _STRING:
            return self._text(MOST_STRING)
        if kind != _ARRAY:
            raise HeaderRefused(f"a property is of type {kind}, which does not exist")
        inner, items = self._number("<I"), self._number("<Q")
        if items > MOST_ITEMS:
            raise HeaderRefused(f"a property has {items} items")
        if inner in _SCALARS:
            self._skip(items * _SCALARS[inner].size)
        elif inner == _STRING:
            for _ in range(items):
                self._skip(self._length(MOST_STRING))
        else:
            raise HeaderRefused("a property is an array of arrays, which no model needs")
        return items

    def _text(self, most: int) -> str:
        length = self._length(most)
        if length > KEPT_STRING:
            self._skip(length)
            return ""
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise HeaderRefused("a name or text in it is not UTF-8") from None

    def _length(self, most: int) -> int:
        length = self._number("<Q")
        if length > most:
            raise HeaderRefused(f"a text of {length} bytes is announced where {most} are the most")
        return length

    def _number(self, form: str) -> int:
        value: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return value

    def _skip(self, count: int) -> None:
        self._advance(count)
        self._stream.seek(self._at)

    def _take(self, count: int) -> bytes:
        self._advance(count)
        return self._stream.read(count)

    def _advance(self, count: int) -> None:
        self._at += count
        if self._at > self._size:
            raise HeaderRefused("it is cut short: its header does not end")
        if self._at > MOST_HEADER:
            raise HeaderRefused(f"its header is larger than {MOST_HEADER // 2**20} MiB")


def _text_of(facts: Mapping[str, object], key: str) -> str:
    value = facts.get(key)
    if not isinstance(value, str) or not value:
        raise HeaderRefused(f"it does not say its {key}")
    return value


def _shown(facts: Mapping[str, object], key: str) -> str:
    """A text that the file may leave out, cut to what a list can show."""
    value = facts.get(key, "")
    return value[:120] if isinstance(value, str) else ""


def _count_of(facts: Mapping[str, object], architecture: str, key: str, default: int | None = None) -> int:
    value = facts.get(f"{architecture}.{key}", default)
    if not isinstance(value, int) or not 0 < value < 2**31:
        raise HeaderRefused(f"its {key} is missing or cannot be")
    return value
