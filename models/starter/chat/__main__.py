"""`python -m models.starter.chat train | pack | evaluate`: train the starter chat model, write its file, measure it."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

from models.carried import STARTER_FILE
from models.chat_client import ChatClient
from models.errors import PackageDamaged
from models.starter import plant, squad, written
from models.starter.chat.examples import Talk, talks
from models.starter.chat.measure import Said, asked, beside, exam, figures, judged
from models.starter.squad import Article, Example

TRAINED = Path("var/models/chat.safetensors")
HELD_OUT = 25
AT_ONCE = 4
READ = 60_000


def triples(articles: list[Article], seed: int) -> Iterator[Example]:
    while True:
        yield from squad.training(articles, seed, headings=0.4)
        seed += 1


def taught(articles: list[Article], seed: int, *, short: float) -> Iterator[Talk]:
    """Conversations to train on, a fresh seed gives fresh ones."""
    sources = (
        (0.42, plant.examples(seed + 1)),
        (0.40, written.examples(seed + 2, written.library())),
        (0.18, triples(articles, seed + 3)),
    )
    return talks(seed, sources, short=short)


def run_training(options: argparse.Namespace) -> None:
    from models.starter.chat import words
    from models.starter.chat.train import Plan, train

    articles, _ = squad.split(squad.load(options.data), HELD_OUT)
    spelled = options.out.with_suffix(".tokens.json")
    plan = Plan(minutes=options.minutes, threads=options.threads, seed=options.seed)
    if options.again:
        tokenizer = words.opened(spelled)
        plan = replace(plan, rate=plan.rate / 2, word_rate=plan.word_rate / 2, warm_steps=10, copying=0.0)
    else:
        told = islice(taught(articles, options.seed + 900, short=0.0), options.read)
        tokenizer = words.learned("\n".join((*(text for _, text in talk.messages), talk.answer)) for talk in told)
        spelled.parent.mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(spelled))
    easy, whole = taught(articles, plan.seed + 100, short=0.8), taught(articles, plan.seed + 200, short=0.3)
    seen = train(plan, tokenizer, easy, whole, options.out, options.out if options.again else None)
    print(f"{seen} tokens seen; the weights are in {options.out}")


def run_packing(options: argparse.Namespace) -> None:
    from models.starter.chat.pack import pack

    pack(options.trained, options.trained.with_suffix(".tokens.json"), options.out, options.kind)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


def run_evaluation(options: argparse.Namespace) -> None:
    _, held_out = squad.split(squad.load(options.data), HELD_OUT)
    with (
        tempfile.TemporaryDirectory(prefix="op-") as folder,
        serving(options.model, Path(folder) / "chat.sock") as socket,
    ):
        for origin, given in exam(held_out, options.count).items():
            said = judged(asyncio.run(answers(socket, given)))
            print(f"{origin}:")
            for name, part in figures(said).items():
                print(f"  {name:38} {part}")
            if options.beside:
                print("\n" + beside(said, options.beside) + "\n")


async def answers(socket: Path, given: list[Talk]) -> list[Said]:
    async with ChatClient(socket) as client:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(talk: Talk) -> Said:
            async with places:
                return await asked(client, talk)

        return list(await asyncio.gather(*(one(talk) for talk in given)))


@contextmanager
def serving(model: Path, socket: Path) -> Iterator[Path]:
    """The chat server as it runs on a node, with this model."""
    command = [sys.executable, "-m", "models.server", "--kinds", "chat", "--model", str(model), "--socket", str(socket)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if b"serving" not in process.stdout.readline():
            raise PackageDamaged(f"the chat server does not take {model}")
        yield socket
    finally:
        process.terminate()
        process.wait(timeout=30)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m models.starter.chat", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train from nothing on the CPU within a budget of minutes (needs torch)")
    train.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    train.add_argument("--minutes", type=float, default=25.0)
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--again", action="store_true", help="continue from what --out holds, at half the rate")
    train.add_argument("--read", type=int, default=READ, help="conversations that the tokenizer is learned from")
    train.add_argument("--out", type=Path, default=TRAINED)
    train.set_defaults(run=run_training)
    packing = verbs.add_parser("pack", help="write the GGUF file that git carries")
    packing.add_argument("--trained", type=Path, default=TRAINED)
    packing.add_argument("--kind", choices=("q8_0", "q4_0", "f32"), default="q8_0")
    packing.add_argument("--out", type=Path, default=STARTER_FILE)
    packing.set_defaults(run=run_packing)
    evaluate = verbs.add_parser("evaluate", help="measure a file on topics, plants and articles that it has not seen")
    evaluate.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    evaluate.add_argument("--model", type=Path, default=STARTER_FILE)
    evaluate.add_argument("--count", type=int, default=150, help="conversations of each origin")
    evaluate.add_argument(
        "--beside", type=int, default=0, help="print so many rows of what was wanted and what was said"
    )
    evaluate.set_defaults(run=run_evaluation)
    return top


def main() -> None:
    options = parser().parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
