"""Train the reader within a budget of minutes on the CPU; the learning rate falls with the clock, so it always ends well."""

import random
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.nn import functional as f

from models.starter.batches import Batch, batches
from models.starter.bert import Reader
from models.starter.narrow import narrowed
from models.starter.squad import Article, Example, training

BFLOAT16 = re.search(r"\b(?:avx512_bf16|amx_bf16)\b", Path("/proc/cpuinfo").read_text()) is not None
"""A processor without it only pretends, at a tenth of the speed of float32."""
CHECKPOINT_SECONDS = 240.0
REPORT_STEPS = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train. `longest` counts tokens of a window, question included."""

    minutes: float = 55.0
    threads: int = 2
    size: int = 16
    longest: int = 192
    rate: float = 1.2e-4
    warm_steps: int = 60
    plant_share: float = 0.55
    headed_share: float = 0.4
    narrow_share: float = 0.45
    seed: int = 0


def mixed(squad: Iterable[Example], plant: Iterator[Example], share: float, chance: random.Random) -> Iterator[Example]:
    """The squad examples with plant examples strewn in, so that these are `share` of the whole."""
    for example in squad:
        yield example
        while chance.random() < share:
            yield next(plant)


def quotes(examples: Iterable[Example], share: float, chance: random.Random) -> Iterator[Example]:
    """The examples, `share` of them cut down to one quote; their first line is a heading where it ends like one."""
    for example in examples:
        first = example.passage.split("\n", 1)[0]
        heading = first != example.passage and not first.endswith((".", ":"))
        yield narrowed(example, chance, heading=heading) if chance.random() < share else example


def loss_of(reader: Reader, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy of both span ends, and half the binary cross-entropy of answerable."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
        spans, answerable = reader(batch.ids, batch.types, batch.mask)
    spans = spans.float().masked_fill(~batch.mask[..., None], -1e4)
    ends = f.cross_entropy(spans[..., 0], batch.start) + f.cross_entropy(spans[..., 1], batch.end)
    return ends / 2 + f.binary_cross_entropy_with_logits(answerable.float(), batch.answerable) / 2


def save(reader: Reader, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file({name: tensor.contiguous() for name, tensor in reader.state_dict().items()}, partial)
    partial.replace(path)


def train(
    plan: Plan, *, body: Path, tokenizer: Tokenizer, articles: list[Article], plant: Iterator[Example], out: Path
) -> int:
    """Train and write `out` (every few minutes, and at the end); returns the number of examples seen.

    `body` is a published body or the weights of a reader, which are then trained further.
    """
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    reader = Reader()
    weights = load_file(body)
    if "span.weight" in weights:
        reader.load_state_dict(weights)
    else:
        reader.load_body(weights)
    reader.freeze()
    reader.train()
    trained = [p for p in reader.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=plan.rate, weight_decay=0.01, fused=True)

    def examples() -> Iterator[Example]:
        epoch = plan.seed * 1000
        while True:
            squad = training(articles, epoch, headings=plan.headed_share)
            whole = mixed(squad, plant, plan.plant_share, random.Random(epoch))
            yield from quotes(whole, plan.narrow_share, random.Random(epoch + 1))
            epoch += 1

    began = saved = time.monotonic()
    seen, running = 0, 0.0
    stream = batches(tokenizer, examples(), longest=plan.longest, size=plan.size, seed=plan.seed)
    for step, batch in enumerate(stream):
        now = time.monotonic()
        spent = (now - began) / (plan.minutes * 60)
        if spent >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * min(1, (step + 1) / plan.warm_steps) * max(0.02, 1 - spent)
        loss = loss_of(reader, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        seen += len(batch.ids)
        running = 0.98 * running + 0.02 * loss.item() if step else loss.item()
        if step % REPORT_STEPS == 0:
            pace = seen / (time.monotonic() - began)
            print(f"{spent:4.0%}  {seen:6} examples  loss {running:.3f}  {pace:.1f} examples/s", flush=True)
        if now - saved > CHECKPOINT_SECONDS:
            save(reader, out)
            saved = now
    save(reader, out)
    return seen
