"""BERT as an ONNX graph, written from weights alone: no torch and no exporter at set-up.

input_ids, attention_mask, token_type_ids   (batch, length) int64
-> words (int8 rows with a scale each) + places + types -> LayerNorm -> 6 x (attention, feed-forward)
-> embed: token_embeddings (batch, length, width), sentence_embedding (batch, width), mean-pooled, L2 norm 1
-> read:  spans (batch, length, 2) start and end logits, answerable (batch,) logit from [CLS]
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
IR_VERSION = 9
"""What onnxruntime 1.17 and later read."""

EPSILON = 1e-12
PADDED = -10000.0
"""Added to the attention score of a padding token."""

Weights = Mapping[str, NDArray[np.float32]]
Head = Literal["embed", "read"]


def quantised_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`(rows, width)` int8 and `(rows, 1)` scales with `int8 * scale` close to `table`."""
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-9) / 127
    return np.round(table / scale).astype(np.int8), scale.astype(np.float32)


class _Graph:
    """Nodes and initialisers under construction; every method returns the name of its output."""

    def __init__(self, weights: Weights, heads: int) -> None:
        self.weights, self.heads = weights, heads
        self.width = weights["embeddings.LayerNorm.weight"].shape[0]
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def op(self, kind: str, inputs: list[str], out: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def norm(self, x: str, prefix: str, out: str) -> str:
        names = [self.constant(f"{prefix}.{part}", self.weights[f"{prefix}.{part}"]) for part in ("weight", "bias")]
        return self.op("LayerNormalization", [x, *names], out, axis=-1, epsilon=EPSILON)

    def linear(self, x: str, prefix: str, out: str) -> str:
        turned = self.constant(f"{prefix}.turned", self.weights[f"{prefix}.weight"].T)
        product = self.op("MatMul", [x, turned], f"{out}_product")
        return self.op("Add", [product, self.constant(f"{prefix}.bias", self.weights[f"{prefix}.bias"])], out)

    def embeddings(self) -> str:
        rows, scale = quantised_rows(self.weights["embeddings.word_embeddings.weight"])
        whole = self.op("Gather", [self.constant("words", rows), "input_ids"], "word_rows")
        cast = self.op("Cast", [whole], "word_cast", to=TensorProto.FLOAT)
        factor = self.op("Gather", [self.constant("word_scale", scale), "input_ids"], "word_factor")
        words = self.op("Mul", [cast, factor], "word")
        types = self.weights["embeddings.token_type_embeddings.weight"]
        kind = self.op("Gather", [self.constant("types", types), "token_type_ids"], "type")
        length = self.op("Shape", ["input_ids"], "length", start=1, end=2)
        first = self.constant("start", np.array([0], np.int64))
        places = self.constant("places", self.weights["embeddings.position_embeddings.weight"])
        placed = self.op("Add", [words, self.op("Slice", [places, first, length, first], "place")], "placed")
        return self.norm(self.op("Add", [placed, kind], "typed"), "embeddings.LayerNorm", "embedded")

    def padding_bias(self) -> str:
        axes = self.constant("axes_1_2", np.array([1, 2], np.int64))
        mask = self.op(
            "Cast", [self.op("Unsqueeze", ["attention_mask", axes], "mask4")], "mask4f", to=TensorProto.FLOAT
        )
        absent = self.op("Sub", [self.constant("onef", np.array(1, np.float32)), mask], "absent")
        return self.op("Mul", [absent, self.constant("padded", np.array(PADDED, np.float32))], "padding_bias")

    def layer(self, x: str, index: int, bias: str) -> str:
        prefix, here = f"encoder.layer.{index}", f"l{index}"
        split = self.constant("split", np.array([0, 0, self.heads, self.width // self.heads], np.int64))
        join = self.constant("join", np.array([0, 0, self.width], np.int64))

        def part(name: str, order: list[int]) -> str:
            y = self.linear(x, f"{prefix}.attention.self.{name}", f"{here}_{name}")
            parted = self.op("Reshape", [y, split], f"{here}_{name}_split")
            return self.op("Transpose", [parted], f"{here}_{name}_turned", perm=order)

        query, key, value = part("query", [0, 2, 1, 3]), part("key", [0, 2, 3, 1]), part("value", [0, 2, 1, 3])
        root = self.constant("root", np.array(1 / np.sqrt(self.width // self.heads), np.float32))
        scores = self.op("Mul", [self.op("MatMul", [query, key], f"{here}_raw"), root], f"{here}_scaled")
        seen = self.op("Softmax", [self.op("Add", [scores, bias], f"{here}_masked")], f"{here}_seen", axis=-1)
        context = self.op(
            "Transpose", [self.op("MatMul", [seen, value], f"{here}_mix")], f"{here}_back", perm=[0, 2, 1, 3]
        )
        joined = self.op("Reshape", [context, join], f"{here}_joined")
        out = self.linear(joined, f"{prefix}.attention.output.dense", f"{here}_attended")
        x = self.norm(
            self.op("Add", [out, x], f"{here}_kept"), f"{prefix}.attention.output.LayerNorm", f"{here}_middle"
        )
        wide = self.op("Gelu", [self.linear(x, f"{prefix}.intermediate.dense", f"{here}_wide")], f"{here}_gelu")
        narrow = self.linear(wide, f"{prefix}.output.dense", f"{here}_narrow")
        return self.norm(self.op("Add", [narrow, x], f"{here}_sum"), f"{prefix}.output.LayerNorm", f"{here}_out")

    def pooled(self, x: str) -> list[onnx.ValueInfoProto]:
        self.op("Identity", [x], "token_embeddings")
        axis2, axis1 = (self.constant(f"axis_{n}", np.array([n], np.int64)) for n in (2, 1))
        mask = self.op(
            "Cast", [self.op("Unsqueeze", ["attention_mask", axis2], "mask3")], "mask3f", to=TensorProto.FLOAT
        )
        total = self.op("ReduceSum", [self.op("Mul", [x, mask], "kept"), axis1], "total", keepdims=0)
        # The norm of a mean and of a sum differ by a factor that L2 normalisation takes out again.
        last = self.constant("axis_last", np.array([-1], np.int64))
        self.op("Div", [total, self.op("ReduceL2", [total, last], "norm", keepdims=1)], "sentence_embedding")
        return [
            _output("token_embeddings", ["batch", "length", self.width]),
            _output("sentence_embedding", ["batch", self.width]),
        ]

    def answers(self, x: str) -> list[onnx.ValueInfoProto]:
        self.op("Identity", [self.linear(x, "span", "span_logits")], "spans")
        first = self.op("Gather", [x, self.constant("zero", np.array(0, np.int64))], "first", axis=1)
        column = self.constant("axis_one", np.array([1], np.int64))
        self.op("Squeeze", [self.linear(first, "answerable", "answerable_column"), column], "answerable")
        return [_output("spans", ["batch", "length", 2]), _output("answerable", ["batch"])]


def _output(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def bert(weights: Weights, head: Head, *, heads: int = 12) -> onnx.ModelProto:
    """The float32 graph; weights are named as in the published safetensors, the reader's heads `span`, `answerable`."""
    graph = _Graph(weights, heads)
    layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})
    x, bias = graph.embeddings(), graph.padding_bias()
    for index in range(layers):
        x = graph.layer(x, index, bias)
    outputs = graph.pooled(x) if head == "embed" else graph.answers(x)
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in names]
    built = helper.make_graph(graph.nodes, f"minilm-{head}", inputs, outputs, list(graph.constants.values()))
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model
