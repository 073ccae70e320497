"""Which token follows: greedy or drawn, within a grammar or free, and how sure the model was."""

import ctypes
from dataclasses import dataclass

import llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from models.chat.engine import Engine
from models.errors import ModelsError


class NothingFits(ModelsError):
    """The grammar allows no token of this model's vocabulary here."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """`temperature` 0 always takes the likeliest token. `grammar` is one that the engine has found valid."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    grammar: str | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """`likely` are the likeliest tokens with their log probabilities, of the whole vocabulary and before any grammar."""

    token: int
    logprob: float
    likely: tuple[tuple[int, float], ...] = ()


class Sampler:
    """Of one answer, on the engine's thread. To be closed."""

    def __init__(self, engine: Engine, sampling: Sampling) -> None:
        self._engine = engine
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        if sampling.temperature > 0:
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_temp(sampling.temperature))
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_top_p(sampling.top_p, 1))
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_dist(sampling.seed))
        else:
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_greedy())
        self._chain = chain
        self._grammar = (
            llama.llama_sampler_init_grammar(engine.vocab, sampling.grammar.encode(), b"root")
            if sampling.grammar is not None
            else None
        )

    def close(self) -> None:
        llama.llama_sampler_free(self._chain)
        if self._grammar:
            llama.llama_sampler_free(self._grammar)

    def pick(self, row: int, *, likely: int = 0) -> Picked:
        """The token after the one whose logits stand in `row`.

        Raises:
            NothingFits: llama.cpp would end the process if it were told to take any token now.
        """
        token = self._engine.draw(self._chain, row)
        logits = self._engine.logits(row)
        # Most tokens that the model wants are allowed: one is looked at before the whole vocabulary is.
        if self._grammar and not self._allowed(token):
            token = self._allowed_one(logits)
        if self._grammar and not self._engine.ends(token):
            llama.llama_sampler_accept(self._grammar, token)
        return _measured(token, logits, likely)

    def _allowed(self, token: int) -> bool:
        one = (llama.llama_token_data * 1)(llama.llama_token_data(token, 0.0, 0.0))
        self._constrain(one, 1)
        return bool(one[0].logit > -np.inf)

    def _allowed_one(self, logits: NDArray[np.float32]) -> int:
        table = np.zeros(len(logits), [("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        table["id"], table["logit"] = np.arange(len(logits)), logits
        rows = ctypes.cast(table.ctypes.data, ctypes.POINTER(llama.llama_token_data))
        self._constrain(rows, len(table))
        fitting = table[table["logit"] > -np.inf]
        if not len(fitting):
            raise NothingFits("the grammar allows no token here")
        rows = ctypes.cast(fitting.ctypes.data, ctypes.POINTER(llama.llama_token_data))
        array = llama.llama_token_data_array(rows, len(fitting), -1, False)
        llama.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _constrain(self, rows: object, count: int) -> None:
        array = llama.llama_token_data_array(rows, count, -1, False)
        llama.llama_sampler_apply(self._grammar, ctypes.byref(array))


def _measured(token: int, logits: NDArray[np.float32], likely: int) -> Picked:
    top = float(logits.max())
    total = top + float(np.log(np.exp(logits - top).sum(dtype=np.float64)))
    best: tuple[tuple[int, float], ...] = ()
    if likely:
        order = np.argpartition(logits, -likely)[-likely:]
        best = tuple((int(i), float(logits[i]) - total) for i in order[np.argsort(-logits[order])])
    return Picked(token, float(logits[token]) - total, best)
