"""The graph we write computes BERT, checked against the formulas in numpy."""

import math

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from models.graph import Head, bert, quantised_rows

WIDTH, INNER, HEADS, LAYERS = 24, 48, 4, 2
Array = NDArray[np.float32]


def random_weights() -> dict[str, Array]:
    draw = np.random.default_rng(4)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (60, WIDTH),
        "embeddings.position_embeddings.weight": (32, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
        "span.weight": (2, WIDTH),
        "span.bias": (2,),
        "answerable.weight": (1, WIDTH),
        "answerable.bias": (1,),
    }
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        for name in ("query", "key", "value"):
            shapes |= {f"{at}attention.self.{name}.weight": (WIDTH, WIDTH), f"{at}attention.self.{name}.bias": (WIDTH,)}
        for name, out, into in (
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", INNER, WIDTH),
            ("output.dense", WIDTH, INNER),
        ):
            shapes |= {f"{at}{name}.weight": (out, into), f"{at}{name}.bias": (out,)}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{at}{name}.weight": (WIDTH,), f"{at}{name}.bias": (WIDTH,)}
    return {name: draw.normal(scale=0.5, size=shape).astype(np.float32) for name, shape in shapes.items()}


def norm(x: Array, w: dict[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return np.asarray(scaled * w[f"{name}.weight"] + w[f"{name}.bias"])


def linear(x: Array, w: dict[str, Array], name: str) -> Array:
    return np.asarray(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])


def gelu(x: Array) -> Array:
    return np.asarray(x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))))


def reference(w: dict[str, Array], ids: list[int], types: list[int]) -> Array:
    """Token vectors of one unpadded sequence, by the formulas of the BERT paper."""
    rows, scale = quantised_rows(w["embeddings.word_embeddings.weight"])
    words = (rows * scale)[ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(words + w["embeddings.token_type_embeddings.weight"][types], w, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        query, key, value = (
            linear(x, w, f"{at}attention.self.{name}").reshape(len(ids), HEADS, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(WIDTH // HEADS))
        mixed = (scores / scores.sum(-1, keepdims=True) @ value).swapaxes(0, 1).reshape(len(ids), WIDTH)
        x = norm(linear(mixed, w, f"{at}attention.output.dense") + x, w, f"{at}attention.output.LayerNorm")
        wide = linear(gelu(linear(x, w, f"{at}intermediate.dense")), w, f"{at}output.dense")
        x = norm(wide + x, w, f"{at}output.LayerNorm")
    return x


SHORT, LONG = [3, 17, 42, 5], [3, 9, 8, 7, 31, 59, 5]


def run(head: Head) -> dict[str, Array]:
    model = bert(random_weights(), head, heads=HEADS)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    padded = np.zeros((2, len(LONG)), np.int64)
    padded[0, : len(SHORT)], padded[1] = SHORT, LONG
    types = np.zeros_like(padded)
    types[1, 3:] = 1
    mask = np.ones_like(padded)
    mask[0, len(SHORT) :] = 0
    names = [output.name for output in session.get_outputs()]
    values = session.run(names, {"input_ids": padded, "attention_mask": mask, "token_type_ids": types})
    return dict(zip(names, (np.asarray(value) for value in values), strict=True))


@pytest.fixture(scope="module")
def expected() -> tuple[Array, Array]:
    weights = random_weights()
    return reference(weights, SHORT, [0] * 4), reference(weights, LONG, [0, 0, 0, 1, 1, 1, 1])


def test_token_vectors_are_those_of_the_formulas_with_padding_ignored(expected: tuple[Array, Array]) -> None:
    tokens = run("embed")["token_embeddings"]

    assert np.abs(tokens[0, : len(SHORT)] - expected[0]).max() < 1e-4
    assert np.abs(tokens[1] - expected[1]).max() < 1e-4


def test_sentence_vectors_are_normalised_means(expected: tuple[Array, Array]) -> None:
    vectors = run("embed")["sentence_embedding"]

    for vector, tokens in zip(vectors, expected, strict=True):
        mean = tokens.mean(axis=0)
        assert np.abs(vector - mean / np.linalg.norm(mean)).max() < 1e-5


def test_reader_outputs_are_its_heads_over_the_token_vectors(expected: tuple[Array, Array]) -> None:
    outputs, weights = run("read"), random_weights()

    assert outputs["spans"].shape == (2, len(LONG), 2)
    assert np.abs(outputs["spans"][1] - linear(expected[1], weights, "span")).max() < 1e-4
    first = np.array([tokens[0] for tokens in expected])
    assert np.abs(outputs["answerable"] - linear(first, weights, "answerable")[:, 0]).max() < 1e-4
