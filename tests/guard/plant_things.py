"""Five hundred things of plants that look like personal numbers: made by rule, so that nobody's catalogue is copied."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import cycle

_LETTERS = "ABCDEFGHKLMNPRSTUVWX"


def things(count: int = 500, seed: int = 7) -> list[str]:
    """Part numbers, serials, codes, tags, orders, values, times; each different."""
    chance = random.Random(seed)

    def number(length: int) -> str:
        return str(chance.randint(1, 9)) + "".join(str(chance.randint(0, 9)) for _ in range(length - 1))

    def letters(length: int) -> str:
        return "".join(chance.choice(_LETTERS) for _ in range(length))

    families: list[Callable[[], str]] = [
        lambda: f"{letters(1)}-{number(3)}{chance.choice('ABC')}",
        lambda: f"{letters(3)}-{number(3)}-{number(2)}",
        lambda: f"E-{number(4)}",
        lambda: f"F{number(5)}",
        lambda: f"M{chance.choice((6, 8, 10, 12, 16, 20))}x{chance.choice(('1', '1.25', '1.5', '1.75', '2'))}",
        lambda: f"6{number(3)}-2RS/C3",
        lambda: f"6ES7 {number(3)}-{number(1)}{letters(2)}{number(2)}-0{letters(2)}{number(1)}",
        lambda: f"3RT{number(4)}-1{letters(2)}{number(2)}",
        lambda: f"{number(3)}-{number(3)}",
        lambda: f"{number(3)}-{number(2)}-{number(3)}",
        lambda: f"{number(6)}/{number(2)}",
        lambda: f"serial {number(10)}",
        lambda: f"S/N {number(12)}",
        lambda: f"part number {number(9)}",
        lambda: f"order {number(10)}",
        lambda: f"batch {number(8)}",
        lambda: f"drawing {number(3)}-{number(3)}-{number(4)}",
        lambda: f"article {number(3)}.{number(3)}.{number(4)}",
        lambda: f"4-20 mA, {number(4)} counts",
        lambda: f"{number(2)}.{number(2)} bar at {number(3)} rpm",
        lambda: f"2026-0{chance.randint(1, 9)}-{chance.randint(10, 28)} {chance.randint(10, 23)}:{number(2)}:{number(2)}",
        lambda: f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.2026 06:00:00",
        lambda: f"firmware V{chance.randint(1, 9)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}.{chance.randint(0, 99)}",
        lambda: f"version {chance.randint(1, 9)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}.{chance.randint(0, 99)}",
        lambda: f"DIN EN ISO {number(4)}-{chance.randint(1, 9)}:20{chance.randint(10, 25)}",
        lambda: f"IP{chance.choice((54, 65, 66, 67))}",
        lambda: f"DB{chance.randint(1, 99)}.DBW{chance.randint(0, 254)}",
        lambda: f"%IW{number(3)}",
        lambda: f"{number(2)} x {number(2)} x {number(3)} mm",
        lambda: f"Q{number(3)}{letters(1)}, cubicle MCC-{chance.randint(1, 9)}, drawer {chance.randint(1, 20)}",
        lambda: f"+{number(2)}.{number(1)} °C to +{number(2)}.{number(1)} °C",
        lambda: f"stock no. {number(3)}-{number(2)}-{number(4)}",
        lambda: f"{letters(2)}{number(2)} {number(4)} {number(4)} {number(4)}",
        lambda: f"recipe {number(2)}, {number(5)} bottles/h",
        lambda: f"{number(3)} {number(3)} {number(3)} strokes",
        lambda: f"count {number(7)}",
        lambda: f"MAC-less node {number(3)}:{number(2)}",
        lambda: f"tolerance 0.{number(3)} to 0.{number(3)} mm",
        lambda: f"ticket {number(3)}-{number(3)}-{number(4)}",
        lambda: f"1{number(2)},{number(3)},{number(3)} cycles",
    ]  # fmt: skip
    found: dict[str, None] = {}
    for family in cycle(families):
        if len(found) == count:
            break
        found[family()] = None
    return list(found)


SENTENCES = (
    "{}", "Replace {} on the filler before the shift ends.", "What is {}?", "See {} in the store.",
    "The nameplate says {}; write it down and tell the shift leader.",
)  # fmt: skip
