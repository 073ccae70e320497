"""The starter's decoder in torch: the llama architecture, small. Tensors map to GGUF names in `pack.py`.

x -> rms -> q, k, v, rotated in pairs (2i, 2i+1) -> causal attention -> + -> rms -> silu(gate) * up -> down -> +
"""

import torch
from torch import nn
from torch.nn import functional as f

from models.starter.chat.shape import Dimensions


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Dimensions) -> None:
        super().__init__()
        self.heads = shape.heads
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.feed_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.gate_up = nn.Linear(shape.width, 2 * shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))
        mixed = f.scaled_dot_product_attention(rotated(q, cos, sin), rotated(k, cos, sin), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, length, width))
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, dim=-1)
        fed: torch.Tensor = x + self.down(f.silu(gate) * up)
        return fed


class Decoder(nn.Module):  # type: ignore[misc]
    """`forward`: ids (rows, length) to states (rows, length, width); `logits` of states, with the word table tied."""

    def __init__(self, shape: Dimensions) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if last else 0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        cos, sin = angles(self.shape, ids.shape[1])
        x: torch.Tensor = self.words(ids)
        for block in self.blocks:
            x = block(x, cos, sin)
        states: torch.Tensor = self.norm(x)
        return states

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return f.linear(states, self.words.weight)


def angles(shape: Dimensions, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine, (length, head width / 2)."""
    size = shape.width // shape.heads
    speed = shape.base ** (-torch.arange(0, size, 2) / size)
    turn = torch.outer(torch.arange(length), speed)
    return turn.cos(), turn.sin()


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)
