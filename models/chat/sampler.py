"""Which token follows: greedy or drawn, within a grammar or free."""

import ctypes
from dataclasses import dataclass
from typing import Any

import llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from models.chat.engine import Engine
from models.chat.likelihood import Row
from models.errors import ModelsError

_CANDIDATE = [("id", np.int32), ("logit", np.float32), ("p", np.float32)]


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
    """Log probabilities are of the whole vocabulary and before any grammar, as is `margin`: see `Row`."""

    token: int
    logprob: float
    margin: float = 0.0
    likely: tuple[tuple[int, float], ...] = ()


class Sampler:
    """Of one answer, on the engine's thread. To be closed."""

    def __init__(self, engine: Engine, sampling: Sampling) -> None:
        self._engine = engine
        self._drawn = _chain(sampling) if sampling.temperature > 0 else None
        self._grammar = (
            llama.llama_sampler_init_grammar(engine.vocab, sampling.grammar.encode(), b"root")
            if sampling.grammar is not None
            else None
        )

    def close(self) -> None:
        for made in (self._drawn, self._grammar):
            if made:
                llama.llama_sampler_free(made)

    def pick(self, row: Row, *, likely: int = 0) -> Picked:
        """The token that follows.

        Raises:
            NothingFits: llama.cpp would end the process if it were told to take any token now.
        """
        token = row.best if self._drawn is None else self._draw(_candidates(row.logits))
        # Most tokens that the model wants are allowed: one is looked at before the whole vocabulary is.
        if self._grammar and not self._allowed(token):
            token = self._allowed_one(row.logits)
        if self._grammar and not self._engine.ends(token):
            llama.llama_sampler_accept(self._grammar, token)
        return Picked(token, row.logprob(token), row.margin, row.likeliest(likely))

    def _allowed(self, token: int) -> bool:
        one = np.array([(token, 0, 0)], _CANDIDATE)
        _apply(self._grammar, one)
        return bool(one[0]["logit"] > -np.inf)

    def _allowed_one(self, logits: NDArray[np.float32]) -> int:
        table = _candidates(logits)
        _apply(self._grammar, table)
        fitting = table[table["logit"] > -np.inf]
        if not len(fitting):
            raise NothingFits("the grammar allows no token here")
        return self._draw(fitting)

    def _draw(self, table: NDArray[Any]) -> int:
        if self._drawn is None:
            return int(table[table["logit"].argmax()]["id"])
        array = _apply(self._drawn, table)
        return int(array.data[array.selected].id)


def _chain(sampling: Sampling) -> Any:
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_temp(sampling.temperature))
    llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_top_p(sampling.top_p, 1))
    llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_dist(sampling.seed))
    return chain


def _candidates(logits: NDArray[np.float32]) -> NDArray[Any]:
    table = np.zeros(len(logits), _CANDIDATE)
    table["id"], table["logit"] = np.arange(len(logits), dtype=np.int32), logits
    return table


def _apply(sampler: Any, table: NDArray[Any]) -> Any:
    """Let llama.cpp change the table; returns its own view of it, which knows what was selected."""
    rows = ctypes.cast(table.ctypes.data, ctypes.POINTER(llama.llama_token_data))
    array = llama.llama_token_data_array(rows, len(table), -1, False)
    llama.llama_sampler_apply(sampler, ctypes.byref(array))
    return array
