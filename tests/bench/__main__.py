"""`make bench`: the figures of the main job, each beside a peer or a limit of the same run.

Nothing here is asserted: machines are noisy, and a figure is judged by a person who knows which machine it was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import clone, corpus, gate, running
from tests.bench.figures import Figure, report

PARTS = {
    "running": running.measure,
    "gate": gate.measure,
    "corpus": corpus.measure,
    "clone": clone.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"which of {', '.join(PARTS)}; all of them if none is named")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name in arguments.parts or PARTS:
        print(f"bench: {name} …", flush=True)
        with tempfile.TemporaryDirectory(prefix="outpost-bench-") as folder:
            measured = PARTS[name](Path(folder))
        report(name, measured)
        figures += measured
    report("bench", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
