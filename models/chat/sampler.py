"""Which token follows: greedy or drawn, within a grammar or free."""

import ctypes
from dataclasses import dataclass
from random import Random
from typing import Any

import llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from models.chat.engine import Engine
from models.chat.likelihood import Row
from models.errors import ModelsError

COLDEST = 1e-4
"""Below this temperature nothing but the likeliest token has a chance anyway, and the quotients would have no bounds."""

_SMALL = 1e-4
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
        self._engine, self._sampling = engine, sampling
        self._random = Random(sampling.seed) if sampling.temperature > 0 else None
        self._grammar = (
            llama.llama_sampler_init_grammar(engine.vocab, sampling.grammar.encode(), b"root")
            if sampling.grammar is not None
            else None
        )

    def close(self) -> None:
        if self._grammar:
            llama.llama_sampler_free(self._grammar)

    def pick(self, row: Row, *, likely: int = 0) -> Picked:
        """The token that follows.

        Raises:
            NothingFits: llama.cpp would end the process if it were told to take any token now.
        """
        token = row.best if self._random is None else self._draw(row.logits)
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
        table = np.zeros(len(logits), _CANDIDATE)
        table["id"], table["logit"] = np.arange(len(logits), dtype=np.int32), logits
        _apply(self._grammar, table)
        fitting = table[table["logit"] > -np.inf]
        if not len(fitting):
            raise NothingFits("the grammar allows no token here")
        return int(fitting["id"][self._draw(fitting["logit"])])

    def _draw(self, logits: NDArray[np.float32]) -> int:
        """The place among them of the one that is drawn."""
        if self._random is None:
            return int(logits.argmax())
        return draw(logits, self._sampling.temperature, self._sampling.top_p, self._random.random())


def draw(logits: NDArray[np.float32], temperature: float, top_p: float, point: float) -> int:
    """The place whose share of all chances `point`, from 0 to below 1, falls on, of the likeliest that have `top_p` together.

    Chances are the exponentials of `logits / temperature`.
    """
    chances = np.exp((logits - logits.max()) / np.float32(max(temperature, COLDEST)))
    if top_p == 1:
        return _at(chances, point)
    places = likeliest(chances, top_p)
    return int(places[_at(chances[places], point)])


def likeliest(chances: NDArray[np.float32], share: float) -> NDArray[np.intp]:
    """The places of the fewest of them that have this share of their sum, the likeliest first."""
    enough = share * float(chances.sum(dtype=np.float64))
    # Most of a vocabulary has next to no chance, and to sort all of it takes its time.
    places = np.flatnonzero(chances > enough * _SMALL)
    if float(chances[places].sum(dtype=np.float64)) < enough:
        places = np.arange(len(chances))
    places = places[np.argsort(-chances[places], kind="stable")]
    sums = np.cumsum(chances[places], dtype=np.float64)
    return places[: int(np.searchsorted(sums, enough)) + 1]


def _at(chances: NDArray[np.float32], point: float) -> int:
    sums = np.cumsum(chances, dtype=np.float64)
    # Rounding may put the point on the very end, behind the last that has a chance.
    return int(min(np.searchsorted(sums, point * sums[-1], side="right"), np.searchsorted(sums, sums[-1])))


def _apply(sampler: Any, table: NDArray[Any]) -> None:
    """Let llama.cpp change the table."""
    rows = ctypes.cast(table.ctypes.data, ctypes.POINTER(llama.llama_token_data))
    array = llama.llama_token_data_array(rows, len(table), -1, False)
    llama.llama_sampler_apply(sampler, ctypes.byref(array))
