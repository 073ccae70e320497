"""One ONNX model with its tokenizer, kept small: few threads, no memory arena, one text at a time."""

from collections.abc import Generator, Sequence
from typing import TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.engines.windows import Tokens
from models.errors import PackageDamaged
from models.package import Package

T = TypeVar("T")
Sliced = Generator[None, None, T]
"""Work that yields after each text, so that something more urgent can go first, and returns its result."""


def finish(work: Sliced[T]) -> T:
    """Run all slices at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


class Session:
    """A package opened for inference. Not thread-safe: one thread owns it."""

    def __init__(self, package: Package, *, threads: int, beside: "Session | None" = None) -> None:
        """`beside` lends its tokenizer (10 MB) when both packages carry the same one.

        Raises:
            PackageDamaged: the package is of an older release and has no graph of its own.
        """
        if not {package.model.name, package.tokenizer.name} <= package.manifest.files.keys():
            name = package.manifest.name
            raise PackageDamaged(f"package {name} is of an older release; run `python -m models.convert` again")
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
        self, outputs: Sequence[str], ids: Sequence[int], types: Sequence[int] | None = None
    ) -> list[NDArray[np.float32]]:
        """The named outputs for one text, without the batch axis; `types` are all 0 unless given.

        One text at a time: activations are quantised by their range over the whole batch, so in a batch a text's vector
        would depend on its neighbours (cosine down to .97). From 64 tokens on it is also the faster way on a CPU.
        """
        row = np.array([ids], np.int64)
        kinds = np.zeros_like(row) if types is None else np.array([types], np.int64)
        feed = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": kinds}
        return [value[0] for value in self._session.run(list(outputs), feed)]
