"""Train the starter chat model within a budget of minutes on the CPU, from weights that can copy and know nothing else.

The rate falls with the clock. The first part of the time is easy: short passages, and nonsense that is told twice.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.nn import functional as f

from models.starter.chat.copying import lay_out
from models.starter.chat.decoder import Decoder
from models.starter.chat.examples import Talk
from models.starter.chat.shape import Dimensions
from models.starter.chat.words import CONTROL, encoded
from models.starter.train import BFLOAT16

CHECKPOINT_SECONDS = 120.0
REPORT_STEPS = 20
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Plan:
    """`tokens` a step, padding included; `copying` is the share of the time with nonsense told twice among the talks."""

    minutes: float = 30.0
    threads: int = 1
    tokens: int = 4096
    longest: int = 640
    rate: float = 8e-4
    word_rate: float = 1.5e-3
    warm_steps: int = 60
    copying: float = 0.12
    prompt_weight: float = 0.2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """`ids` (rows, length); `wanted` the id after each, IGNORED where none is; `weight` of each of them."""

    ids: torch.Tensor
    wanted: torch.Tensor
    weight: torch.Tensor


def nonsense(chance: random.Random, vocabulary: int) -> tuple[list[int], int]:
    """Ids without sense, twice."""
    once = [chance.randrange(len(CONTROL), vocabulary) for _ in range(chance.randint(12, 60))]
    return once * 2, len(once)


def batch(rows: list[tuple[list[int], int]], prompt_weight: float) -> Batch:
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    wanted = torch.full((len(rows), longest), IGNORED)
    weight = torch.zeros(len(rows), longest)
    for index, (row, before) in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        wanted[index, : len(row) - 1] = torch.tensor(row[1:])
        weight[index, : before - 1] = prompt_weight
        weight[index, before - 1 : len(row) - 1] = 1.0
    return Batch(ids, wanted, weight)


def batches(rows: Iterator[tuple[list[int], int]], plan: Plan) -> Iterator[Batch]:
    """Rows of like length together, so that little is padding."""
    chance = random.Random(plan.seed)
    while True:
        pool = sorted((next(rows) for _ in range(256)), key=lambda row: len(row[0]))
        groups: list[list[tuple[list[int], int]]] = [[]]
        for row in pool:
            if groups[-1] and len(row[0]) * (len(groups[-1]) + 1) > plan.tokens:
                groups.append([])
            groups[-1].append(row)
        chance.shuffle(groups)
        for group in groups:
            yield batch(group, plan.prompt_weight)


def loss_of(decoder: Decoder, given: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted mean cross-entropy, and that of the answers alone."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
        states = decoder(given.ids)
        counted = given.wanted != IGNORED
        logits = decoder.logits(states[counted])
    each = f.cross_entropy(logits.float(), given.wanted[counted], reduction="none")
    weight = given.weight[counted]
    answers = weight == 1
    return (each * weight).sum() / weight.sum(), each[answers].mean().detach()


def save(decoder: Decoder, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file({name: tensor.contiguous() for name, tensor in decoder.state_dict().items()}, partial)
    partial.replace(path)


def train(
    plan: Plan, tokenizer: Tokenizer, easy: Iterator[Talk], talks: Iterator[Talk], out: Path, begun: Path | None = None
) -> int:
    """Train and write `out` (every two minutes, and at the end); returns the number of tokens seen.

    `easy` conversations come in the first part of the time, `talks` from then on. `begun` holds weights to
    continue from.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    decoder = Decoder(Dimensions(vocabulary=tokenizer.get_vocab_size()))
    if begun is None:
        lay_out(decoder)
    else:
        decoder.load_state_dict(load_file(begun))
    matrices = [p for name, p in decoder.named_parameters() if p.dim() == 2 and name != "words.weight"]
    others = [p for name, p in decoder.named_parameters() if p.dim() != 2 or name == "words.weight"]
    chance = random.Random(plan.seed)
    began = saved = time.monotonic()

    def spent() -> float:
        return (time.monotonic() - began) / (plan.minutes * 60)

    def rows() -> Iterator[tuple[list[int], int]]:
        while True:
            copying = spent() < plan.copying
            if copying and chance.random() < 0.15:
                yield nonsense(chance, tokenizer.get_vocab_size())
                continue
            ids, before = encoded(tokenizer, next(easy if copying else talks))
            if len(ids) <= plan.longest:
                yield ids, before

    optimisers = (
        torch.optim.Muon(matrices, lr=plan.rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw", ns_steps=4),
        torch.optim.AdamW(others, lr=plan.word_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    )
    seen, running, answering = 0, 0.0, 0.0
    for step, given in enumerate(batches(rows(), plan)):
        gone = spent()
        if gone >= 1:
            break
        pace = min(1, (step + 1) / plan.warm_steps) * max(0.02, min(1, (1 - gone) / 0.7))
        for optimiser, rate in zip(optimisers, (plan.rate, plan.word_rate), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = rate * pace
        loss, answers = loss_of(decoder, given)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        seen += given.ids.numel()
        running = 0.95 * running + 0.05 * loss.item() if step else loss.item()
        answering = 0.95 * answering + 0.05 * answers.item() if step else answers.item()
        if step % REPORT_STEPS == 0:
            speed = seen / (time.monotonic() - began)
            print(
                f"{gone:4.0%}  step {step}  loss {running:.3f}  answers {answering:.3f}  {speed:.0f} tokens/s",
                flush=True,
            )
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save(decoder, out)
            saved = time.monotonic()
    save(decoder, out)
    return seen
