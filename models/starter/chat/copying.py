"""Weights to start from, by which the decoder copies before it has learned anything.

A model this small would spend most of a short training on finding out that it may look back. So three heads are laid out by
hand (all else is random, and all is trained):

    width     0        1 … 159              160 … 223                 224 … 255
              always 1 the token            the token before it       the one before that, in part
    layer 0   head 0 looks one back, head 1 two back, by rotation alone, and both write what they see to the right
    layer 1   heads 0 and 1 look where what came before is what stands here, and write the token that followed there
"""

import math

import torch

from models.starter.chat.decoder import Decoder
from models.starter.chat.shape import Dimensions

TOKEN, BEFORE, FARTHER = 1, 160, 224
STEADY, SPREAD = 0.3, 0.05
"""Of the word table: the value that all tokens share, and the deviation of what tells them apart."""
SHARPNESS = 8.8
MATCH = 2.2
KEPT, FOLLOWING = 0.05, 0.3
NEAREST, NEXT = 20, 12
"""How many numbers of the token, and of the one before it, are compared."""


def lay_out(decoder: Decoder) -> None:
    shape = decoder.shape
    size = shape.width // shape.heads
    with torch.no_grad():
        words = decoder.words.weight
        words.normal_(std=SPREAD)
        words[:, 0] = STEADY
        words[:, BEFORE:] = 0
        steady = STEADY / math.sqrt((STEADY**2 + (BEFORE - TOKEN) * SPREAD**2) / shape.width)
        for head, (back, place, count) in enumerate(((1, BEFORE, size), (2, FARTHER, shape.width - FARTHER))):
            look_back(decoder, head, back, steady)
            pass_on(decoder, 0, head, (TOKEN, place, count), KEPT)
        for head, start in enumerate((TOKEN, TOKEN + size)):
            compare(decoder, head, size)
            pass_on(decoder, 1, head, (start, start, size), FOLLOWING)


def look_back(decoder: Decoder, head: int, back: int, steady: float) -> None:
    """Of layer 0: attend to the token `back` places before, whatever it is. Only the fast pairs tell neighbours apart."""
    shape = decoder.shape
    size = shape.width // shape.heads
    weight = decoder.blocks[0].qkv.weight
    query, key = (
        weight[head * size : (head + 1) * size],
        weight[shape.width + head * size : shape.width + (head + 1) * size],
    )
    query.zero_()
    key.zero_()
    for pair in range(size // 8):
        angle = back * speed(shape, pair)
        query[2 * pair, 0] = SHARPNESS / steady * math.cos(angle)
        query[2 * pair + 1, 0] = -SHARPNESS / steady * math.sin(angle)
        key[2 * pair, 0] = SHARPNESS / steady


def compare(decoder: Decoder, head: int, size: int) -> None:
    """Of layer 1: attend where the tokens before are those that stand here. Only the slow pairs hardly turn with distance."""
    width = decoder.shape.width
    weight = decoder.blocks[1].qkv.weight
    query, key = weight[head * size : (head + 1) * size], weight[width + head * size : width + (head + 1) * size]
    query.zero_()
    key.zero_()
    for number in range(NEAREST):
        query[size // 2 + number, TOKEN + number] = key[size // 2 + number, BEFORE + number] = MATCH
    for number in range(NEXT):
        row = size // 2 + NEAREST + number
        query[row, BEFORE + number] = key[row, FARTHER + number] = MATCH


def pass_on(decoder: Decoder, layer: int, head: int, places: tuple[int, int, int], gain: float) -> None:
    """Write `count` numbers of what the head sees, from the first place on, to the second place, `gain` times."""
    start, place, count = places
    shape = decoder.shape
    size = shape.width // shape.heads
    block = decoder.blocks[layer]
    value = block.qkv.weight[2 * shape.width + head * size : 2 * shape.width + (head + 1) * size]
    out = block.out.weight[:, head * size : (head + 1) * size]
    value.zero_()
    out.zero_()
    for number in range(count):
        value[number, start + number] = 1.0
        out[place + number, number] = gain


def speed(shape: Dimensions, pair: int) -> float:
    """Radians by which a pair turns from one token to the next."""
    return float(shape.base ** (-2 * pair / (shape.width // shape.heads)))
