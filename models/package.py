"""A model package on disk: a folder with `manifest.json` and the files it vouches for by SHA-256."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.errors import PackageDamaged

MANIFEST = "manifest.json"

Kind = Literal["embed", "read", "classify", "chat"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files` maps a file name to its SHA-256; `recipe` says which inputs and converter made the package.

    `calibration` belongs to readers: intercept and two factors of the answerable score (see `engines.reader`). `aliases`
    are the tiers that a chat model may serve; `width` is 0 where no vectors come out.
    """

    name: str
    kind: Kind
    version: str
    licence: str
    source: str
    recipe: str
    width: int
    max_tokens: int
    languages: tuple[str, ...]
    files: Mapping[str, str]
    calibration: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    folder: Path
    manifest: Manifest

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest; the folder is a package from here on."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def open_package(folder: Path) -> Package:
    """The package in `folder`, every file checked. Raises PackageDamaged, which says what to do."""
    remedy = "run `python -m models.convert` again"
    try:
        raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**{**raw, "languages": tuple(raw["languages"]), "aliases": tuple(raw.get("aliases", ()))})
    except OSError as problem:
        raise PackageDamaged(f"there is no model package in {folder}; {remedy}") from problem
    except (ValueError, TypeError, KeyError) as problem:
        raise PackageDamaged(f"the manifest in {folder} cannot be read; {remedy}") from problem
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() or digest(path) != expected:
            raise PackageDamaged(f"{name} of package {manifest.name} is missing or altered; {remedy}")
    return Package(folder, manifest)
