"""BERT with the reader's heads in plain torch, named as in the published safetensors, so that weights load by name."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as f

HEADS: Final = 12
LAYERS: Final = 6
WIDTH: Final = 384
INNER: Final = 1536
EPSILON: Final = 1e-12
FROZEN: Final = ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight")
"""Not trained: they need no delta, and the embedder's tables can be shared."""


class Layer(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")}),
                "output": nn.ModuleDict(
                    {"dense": nn.Linear(WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, eps=EPSILON)}
                ),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, INNER)})
        self.output = nn.ModuleDict({"dense": nn.Linear(INNER, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, eps=EPSILON)})

    def forward(self, x: Tensor, mask: Tensor, dropout: float) -> Tensor:
        batch, length, _ = x.shape
        inner = self.attention["self"]
        q, k, v = (inner[n](x).view(batch, length, HEADS, -1).transpose(1, 2) for n in ("query", "key", "value"))
        seen = f.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(batch, length, WIDTH)
        out = self.attention["output"]
        x = out["LayerNorm"](x + f.dropout(out["dense"](seen), dropout, self.training))
        wide = self.output["dense"](f.gelu(self.intermediate["dense"](x)))
        normed: Tensor = self.output["LayerNorm"](x + f.dropout(wide, dropout, self.training))
        return normed


class Reader(nn.Module):  # type: ignore[misc]
    """Start and end logits per token, and one answerable logit from `[CLS]`."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(30522, WIDTH),
                "position_embeddings": nn.Embedding(512, WIDTH),
                "token_type_embeddings": nn.Embedding(2, WIDTH),
                "LayerNorm": nn.LayerNorm(WIDTH, eps=EPSILON),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))})
        self.span = nn.Linear(WIDTH, 2)
        self.answerable = nn.Linear(WIDTH, 1)

    def load_body(self, weights: dict[str, Tensor]) -> None:
        """Load a published body; the heads keep their fresh values. Raises RuntimeError when a tensor is missing."""
        mine = self.state_dict()
        names = [name for name in mine if not name.startswith(("span.", "answerable."))]
        self.load_state_dict({**mine, **{name: weights[name] for name in names}})

    def freeze(self) -> None:
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name not in FROZEN)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`(batch, length, 2)` span logits and `(batch,)` answerable logits; `mask` is True at real tokens."""
        tables = self.embeddings
        places = torch.arange(ids.shape[1])
        x = tables["word_embeddings"](ids) + tables["position_embeddings"](places)
        x = tables["LayerNorm"](x + tables["token_type_embeddings"](types))
        for layer in self.encoder["layer"]:
            x = layer(x, mask[:, None, None, :], self.dropout)
        return self.span(x), self.answerable(x[:, 0]).squeeze(-1)
