"""`python -m models.starter.chat train | pack | evaluate`: train the starter chat model, write its file, measure it."""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from models.starter import plant, squad, written
from models.starter.chat.examples import Talk, talks
from models.starter.squad import Article, Example

TRAINED = Path("var/models/chat.safetensors")
HELD_OUT = 25
READ = 60_000
"""Conversations that the tokenizer is learned from."""


def asked(articles: list[Article], seed: int) -> Iterator[Example]:
    while True:
        yield from squad.training(articles, seed, headings=0.4)
        seed += 1


def taught(articles: list[Article], seed: int, *, short: float) -> Iterator[Talk]:
    """Conversations to train on, a fresh seed gives fresh ones."""
    sources = (
        (0.42, plant.examples(seed + 1)),
        (0.40, written.examples(seed + 2, written.library())),
        (0.18, asked(articles, seed + 3)),
    )
    return talks(seed, sources, short=short)


def run_training(options: argparse.Namespace) -> None:
    from models.starter.chat import tokens
    from models.starter.chat.train import Plan, train

    articles, _ = squad.split(squad.load(options.data), HELD_OUT)
    told = islice(taught(articles, options.seed + 900, short=0.0), options.read)
    tokenizer = tokens.learned("\n".join((*(text for _, text in talk.messages), talk.answer)) for talk in told)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out.with_suffix(".tokens.json")))
    plan = Plan(minutes=options.minutes, threads=options.threads, seed=options.seed)
    easy, whole = taught(articles, plan.seed + 100, short=0.8), taught(articles, plan.seed + 200, short=0.2)
    seen = train(plan, tokenizer, easy, whole, options.out)
    print(f"{seen} tokens seen; the weights are in {options.out}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m models.starter.chat", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train from nothing on the CPU within a budget of minutes (needs torch)")
    train.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    train.add_argument("--minutes", type=float, default=30.0)
    train.add_argument("--threads", type=int, default=1)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--read", type=int, default=READ)
    train.add_argument("--out", type=Path, default=TRAINED)
    train.set_defaults(run=run_training)
    return top


def main() -> None:
    options = parser().parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
