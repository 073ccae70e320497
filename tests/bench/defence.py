"""What the whole defence costs a request: the same server asked for what anybody may have, and for what is decided and recorded.

    bare      GET /v1           no token, nothing counted, decided or recorded
    defended  GET /v1/auth/me   token, limits, policy, a record before and after, tag of the answer

Both in turn, one after the other, over one connection each, so that whatever else the machine does falls on both.
`python -m tests.bench.defence`
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

import httpx

from tests.bench.figures import Figure, quantile, report
from tests.node import RunningNode

ROUNDS: Final = 600
WARM: Final = 50
AIM_P50_MS: Final = 3.0
AIM_P95_MS: Final = 8.0


def measure(folder: Path) -> list[Figure]:
    """Milliseconds that the defence adds, at the median and for one in twenty."""
    with (
        RunningNode(folder / "node", demo=False) as node,
        node.sign_in("viewer", tenant="plant") as person,
        httpx.Client(base_url=node.url, timeout=60) as anybody,
    ):
        for _ in range(WARM):
            _ms(anybody, "/v1")
            _ms(person, "/v1/auth/me")
        pairs = [(_ms(anybody, "/v1"), _ms(person, "/v1/auth/me")) for _ in range(ROUNDS)]
    bare, defended = [one for one, _ in pairs], [one for _, one in pairs]
    return [
        Figure(
            f"the defence of one request {name}",
            quantile(defended, share) - quantile(bare, share),
            "ms",
            f"{quantile(defended, share):.1f} ms beside {quantile(bare, share):.1f} ms bare, {ROUNDS} pairs",
            quantile(defended, share) / quantile(bare, share),
            f"<= {aim:.0f} ms",
            quantile(defended, share) - quantile(bare, share) <= aim,
        )
        for name, share, aim in (("p50", 0.5, AIM_P50_MS), ("p95", 0.95, AIM_P95_MS))
    ]


def _ms(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report("defence", measure(Path(folder)))


if __name__ == "__main__":
    main()
