"""llama.cpp's low-level API as far as a chat server needs it: one model, one cache with several sequences.

Nothing here may be called from two threads at once, except what reads the vocabulary alone (`tokenize`, `piece`,
`control_texts`, `grammar_is_valid`): that never changes.
"""

import ctypes
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from models.chat import kernels
from models.chat.scheduler import BATCH
from models.errors import ModelsError, PackageDamaged

MOST_GUESSED = 8
"""Rows of logits that a step may have beyond one for each sequence."""

NO_ADAPTERS: Mapping[str, Path] = {}

MOST_CONTEXT = 8192
"""Tokens a sequence gets when nobody says how many: the cache is allocated at start."""


class DecodeFailed(ModelsError):
    """llama.cpp could not decode a batch; `code` is what it returned."""

    def __init__(self, code: int) -> None:
        super().__init__(f"llama.cpp could not decode (code {code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens of one sequence, from position `start`; `wanted` asks for what follows each of the last so many of them."""

    sequence: int
    start: int
    tokens: Sequence[int]
    wanted: int


def _drop(level: int, text: bytes, data: ctypes.c_void_p) -> None:
    """llama.cpp's log goes nowhere: it may quote prompts."""


_silence = llama.llama_log_callback(_drop)
"""Kept for as long as the library may call it."""


class _Muted:
    """llama.cpp's parser writes the grammars that it does not take to standard error, past any log: nobody's text belongs there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._real = -1

    def __enter__(self) -> None:
        self._lock.acquire()
        self._real = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def __exit__(self, *problem: object) -> None:
        os.dup2(self._real, 2)
        os.close(self._real)
        self._lock.release()


_muted = _Muted()

_logits_at = ctypes.PyDLL(llama.llama_cpp._lib._name).llama_get_logits
"""Called with the interpreter's lock held: it takes no time, and to get the lock back from the event loop would."""
_logits_at.argtypes, _logits_at.restype = [llama.llama_context_p_ctypes], ctypes.c_void_p


class Engine:
    """`context` counts the tokens a sequence may hold, prompt and answer together; 0 takes the model's own, within bounds."""

    def __init__(
        self, path: Path, *, threads: int, sequences: int, context: int = 0, adapters: Mapping[str, Path] = NO_ADAPTERS
    ) -> None:
        """Raises PackageDamaged when llama.cpp does not take the file, or an adapter is none for it."""
        llama.llama_log_set(_silence, ctypes.c_void_p(0))
        kernels.load()
        llama.llama_backend_init()
        wanted = llama.llama_model_default_params()
        wanted.n_gpu_layers = 0
        model = llama.llama_model_load_from_file(str(path).encode(), wanted)
        if not model:
            raise PackageDamaged(f"{path} is not a model that llama.cpp can load")
        self._model = model
        vocab = llama.llama_model_get_vocab(model)
        assert vocab is not None
        self.vocab = vocab
        self.vocabulary = llama.llama_vocab_n_tokens(vocab)
        self.sequences = sequences
        trained = llama.llama_model_n_ctx_train(model)
        self.context = min(context or MOST_CONTEXT, trained)
        self._adapters = {name: self._adapter(name, file) for name, file in adapters.items()}
        self._used = ""
        self._context = self._open(threads)
        self._memory = llama.llama_get_memory(self._context)
        self._batch = _Batch()
        self._seen: tuple[int, int, NDArray[np.float32]] = (0, 0, np.zeros((0, self.vocabulary), np.float32))
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self.forgets = not (llama.llama_model_is_recurrent(model) or llama.llama_model_is_hybrid(model))
        """Whether a sequence can be cut back by some tokens: a recurrent state cannot."""

        self.name = self.metadata("general.name") or path.stem
        self.template = self.metadata("tokenizer.chat_template")

    def _open(self, threads: int) -> llama.llama_context_p:
        wanted = llama.llama_context_default_params()
        wanted.n_ctx = self.context * self.sequences
        wanted.n_batch = wanted.n_ubatch = BATCH
        wanted.n_seq_max = self.sequences
        wanted.n_outputs_max = self.sequences + MOST_GUESSED
        wanted.n_threads = wanted.n_threads_batch = threads
        # A buffer each: in one for all, every token would be held against all that idle sequences have kept.
        wanted.kv_unified = False
        wanted.swa_full = True
        # On a CPU, plain products over a long cache are several times as fast as flash attention for a few tokens.
        wanted.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        wanted.no_perf = True
        opened: llama.llama_context_p | None = llama.llama_init_from_model(self._model, wanted)
        if not opened:
            llama.llama_model_free(self._model)
            raise PackageDamaged(f"no memory for {self.sequences} sequences of {self.context} tokens")
        return opened

    def _adapter(self, name: str, file: Path) -> Any:
        made = llama.llama_adapter_lora_init(self._model, str(file).encode())
        if not made:
            llama.llama_model_free(self._model)
            raise PackageDamaged(f"{file} is not a LoRA adapter for this model ({name})")
        return made

    @property
    def raw(self) -> llama.llama_context_p:
        """llama.cpp's own context, for figures beside the plain loop."""
        return self._context

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(self._adapters)

    def use(self, adapter: str) -> None:
        """Decode with this LoRA adapter from now on; with none when it is empty. What others decoded stays in the cache."""
        if adapter == self._used:
            return
        chosen = [self._adapters[adapter]] if adapter else []
        pointers = (llama.llama_adapter_lora_p_ctypes * len(chosen))(*chosen)
        scales = (ctypes.c_float * len(chosen))(*[1.0] * len(chosen))
        if llama.llama_set_adapters_lora(self._context, pointers, len(chosen), scales):
            raise DecodeFailed(0)
        self._used = adapter

    def close(self) -> None:
        # A model's adapters are freed with it.
        llama.llama_free(self._context)
        llama.llama_model_free(self._model)

    def metadata(self, key: str) -> str | None:
        """A string from the file's header."""
        room = 256
        while True:
            buffer = ctypes.create_string_buffer(room)
            size = llama.llama_model_meta_val_str(self._model, key.encode(), buffer, room)
            if size < room:
                return buffer.value.decode(errors="replace") if size >= 0 else None
            room = size + 1

    # --- the vocabulary -----------------------------------------------------------------------------------------------

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """`special` reads the names of control tokens as these tokens: for templates, never for anybody's text."""
        encoded = text.encode()
        room = len(encoded) + 8
        tokens = (llama.llama_token * room)()
        count = llama.llama_tokenize(self.vocab, encoded, len(encoded), tokens, room, False, special)
        return list(tokens[: max(count, 0)])

    @property
    def opening(self) -> int | None:
        """The token that a text begins with, if the model wants one."""
        return llama.llama_vocab_bos(self.vocab) if llama.llama_vocab_get_add_bos(self.vocab) else None

    def special_text(self, token: int) -> str:
        """A control token's name, as templates write it; empty for none."""
        return self._written(token, special=True).decode(errors="replace") if token >= 0 else ""

    @property
    def bos_text(self) -> str:
        return self.special_text(llama.llama_vocab_bos(self.vocab))

    @property
    def eos_text(self) -> str:
        return self.special_text(llama.llama_vocab_eos(self.vocab))

    def control_texts(self) -> list[str]:
        """How all control tokens are written, the longest first."""
        texts = {
            self.special_text(token)
            for token in range(self.vocabulary)
            if llama.llama_vocab_is_control(self.vocab, token)
        }
        return sorted((text for text in texts if text), key=len, reverse=True)

    def piece(self, token: int) -> bytes:
        """The bytes of a token; control tokens have none. A character may be split between tokens."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._written(token, special=False)
        return known

    def _written(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            size = llama.llama_token_to_piece(self.vocab, token, buffer, room, 0, special)
            if size >= 0:
                return buffer.raw[:size]
            room = -size

    def ends(self, token: int) -> bool:
        """Whether the model says with it that its answer is over."""
        known = self._ends.get(token)
        if known is None:
            known = self._ends[token] = bool(llama.llama_vocab_is_eog(self.vocab, token))
        return known

    def grammar_is_valid(self, grammar: str) -> bool:
        """Whether llama.cpp takes it. A grammar that it does not take crashes the process when it is used."""
        with _muted:
            made = llama.llama_sampler_init_grammar(self.vocab, grammar.encode(), b"root")
        if made:
            llama.llama_sampler_free(made)
        return bool(made)

    # --- the cache ----------------------------------------------------------------------------------------------------

    def decode(self, parts: Sequence[Part]) -> NDArray[np.float32]:
        """Put the parts into the cache, at most BATCH tokens; returns the logits that were wanted, a row each, in their order.

        The rows are llama.cpp's own memory, valid until the next `decode`.

        Raises:
            DecodeFailed: some of the tokens may be in the cache nevertheless; `cut` each sequence to what it had.
        """
        rows = self._batch.fill(parts)
        code = llama.llama_decode(self._context, self._batch.raw)
        if code:
            raise DecodeFailed(code)
        return self._logits(rows)

    def _logits(self, rows: int) -> NDArray[np.float32]:
        if not rows:
            return np.zeros((0, self.vocabulary), np.float32)
        start: int = _logits_at(self._context)
        if (start, rows) != self._seen[:2]:
            held = (ctypes.c_float * (rows * self.vocabulary)).from_address(start)
            self._seen = (start, rows, np.frombuffer(held, np.float32).reshape(rows, self.vocabulary))
        return self._seen[2]

    def cut(self, sequence: int, length: int) -> bool:
        """Keep the first `length` tokens of a sequence. False: this model cannot, and all of them are gone."""
        if llama.llama_memory_seq_rm(self._memory, sequence, length, -1):
            return True
        llama.llama_memory_seq_rm(self._memory, sequence, -1, -1)
        return False

    def share(self, source: int, sequence: int, length: int) -> bool:
        """Give an empty sequence the first `length` tokens of another: a copy of its buffer, cut. False as for `cut`."""
        llama.llama_memory_seq_cp(self._memory, source, sequence, -1, -1)
        return self.cut(sequence, length)


class _Batch:
    """llama.cpp's batch over arrays of ours: filled by slices, not token by token."""

    def __init__(self) -> None:
        self._token = np.zeros(BATCH, np.int32)
        self._position = np.zeros(BATCH, np.int32)
        self._sequence = np.zeros(BATCH, np.int32)
        self._count = np.ones(BATCH, np.int32)
        self._wanted = np.zeros(BATCH, np.int8)
        # Each token's list of sequences is one entry of `_sequence`.
        start = self._sequence.ctypes.data
        self._lists = np.arange(start, start + 4 * BATCH, 4, dtype=np.uintp)
        self.raw = llama.llama_batch()
        for name, array, of in (
            ("token", self._token, ctypes.POINTER(llama.llama_token)),
            ("pos", self._position, ctypes.POINTER(llama.llama_pos)),
            ("n_seq_id", self._count, ctypes.POINTER(ctypes.c_int32)),
            ("seq_id", self._lists, ctypes.POINTER(ctypes.POINTER(llama.llama_seq_id))),
            ("logits", self._wanted, ctypes.POINTER(ctypes.c_int8)),
        ):
            setattr(self.raw, name, ctypes.cast(array.ctypes.data, of))

    def fill(self, parts: Sequence[Part]) -> int:
        """Returns how many rows of logits there will be."""
        begin = rows = 0
        for part in parts:
            count, wanted = len(part.tokens), part.wanted
            if count == 1:
                # A slice costs ten times as much, and each answer is one token a step.
                self._token[begin], self._position[begin] = part.tokens[0], part.start
                self._sequence[begin], self._wanted[begin] = part.sequence, wanted
            else:
                end = begin + count
                self._token[begin:end] = part.tokens
                self._position[begin:end] = np.arange(part.start, part.start + count)
                self._sequence[begin:end] = part.sequence
                self._wanted[begin:end] = 0
                self._wanted[end - wanted : end] = wanted > 0
            begin += count
            rows += wanted
        self.raw.n_tokens = begin
        return rows
