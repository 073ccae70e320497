"""One ONNX model with its tokenizer, kept small: few threads, no memory arena, batches of like length."""

from collections.abc import Generator, Sequence
from typing import TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.engines.windows import Tokens
from models.package import Package

T = TypeVar("T")
Sliced = Generator[None, None, T]
"""Work that yields between its slices, so that something more urgent can go first, and returns its result."""

SLICE_ROWS = 16
SLICE_TOKENS = 1024
"""Padded tokens of one slice: some tens of milliseconds of one core, the longest anybody waits for another's batch."""


def finish(work: Sliced[T]) -> T:
    """Run all slices at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def slices(lengths: Sequence[int]) -> list[list[int]]:
    """Indices grouped by length, at most SLICE_ROWS a group and SLICE_TOKENS once padded (a longer one stands alone)."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        group = groups[-1] if groups else []
        if group and len(group) < SLICE_ROWS and (len(group) + 1) * lengths[index] <= SLICE_TOKENS:
            group.append(index)
        else:
            groups.append([index])
    return groups


class Session:
    """A package opened for inference. Not thread-safe: one thread owns it."""

    def __init__(self, package: Package, *, threads: int, beside: "Session | None" = None) -> None:
        """`beside` lends its tokenizer (10 MB) when both packages carry the same one."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, threads)
        options.inter_op_num_threads = 1
        # The arena keeps the largest batch ever seen; a box of 4 GB has better uses for it.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        # Idle threads must not spin beside the database and the web server.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.package = package
        shared = (
            beside is not None
            and beside.package.manifest.files["tokenizer.json"] == package.manifest.files["tokenizer.json"]
        )
        self.tokenizer: Tokenizer = (
            beside.tokenizer if beside and shared else Tokenizer.from_file(str(package.tokenizer))
        )
        self._session = onnxruntime.InferenceSession(str(package.model), options, providers=["CPUExecutionProvider"])

    def tokens(self, text: str) -> Tokens:
        encoded = self.tokenizer.encode(text, add_special_tokens=False)
        return Tokens(encoded.ids, encoded.offsets)

    def run(
        self, output: Sequence[str], ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None = None
    ) -> list[NDArray[np.float32]]:
        """The named outputs for one padded batch; `types` are all 0 unless given."""
        shape = (len(ids), max(len(row) for row in ids))
        padded, mask, kinds = (np.zeros(shape, np.int64) for _ in range(3))
        for index, row in enumerate(ids):
            padded[index, : len(row)] = row
            mask[index, : len(row)] = 1
            if types is not None:
                kinds[index, : len(row)] = types[index]
        feed = {"input_ids": padded, "attention_mask": mask, "token_type_ids": kinds}
        outputs: list[NDArray[np.float32]] = self._session.run(list(output), feed)
        return outputs
