"""The starter's dimensions, for training and for its file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dimensions:
    """All multiples of 256, so that any quantisation of llama.cpp fits."""

    vocabulary: int = 4096
    width: int = 256
    layers: int = 6
    heads: int = 4
    inner: int = 768
    context: int = 1024
    base: float = 500_000.0
    epsilon: float = 1e-5
