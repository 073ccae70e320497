"""Packages whose weights git carries whole: nothing is built, they are put in their place with a manifest.

starter/weights/injection.safetensors -> minilm-injection/  the classifier's head, over minilm-embed's sentence vectors
starter/weights/starter.gguf          -> outpost-starter/   the starter chat model
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from models.package import Kind, Manifest, digest

CARRIED = Path(__file__).parent / "starter" / "weights"
INJECTION, STARTER = "minilm-injection", "outpost-starter"
INJECTION_HEAD = CARRIED / "injection.safetensors"
STARTER_FILE = CARRIED / "starter.gguf"


@dataclass(frozen=True, slots=True)
class Carried:
    """`width` is that of the vectors it reads; `max_tokens` of a text, or of a prompt and its answer."""

    name: str
    kind: Kind
    weights: Path
    file: str
    version: str
    licence: str
    width: int
    max_tokens: int
    aliases: tuple[str, ...] = ()

    def lay(self, folder: Path, made_by: str) -> Manifest:
        """Put the file into `folder`; returns the manifest that vouches for it."""
        shutil.copyfile(self.weights, folder / self.file)
        return Manifest(
            name=self.name,
            kind=self.kind,
            version=self.version,
            licence=self.licence,
            source="trained by the Outpost developers, see docs/models.md",
            recipe=made_by,
            width=self.width,
            max_tokens=self.max_tokens,
            languages=("en",),
            files={self.file: digest(folder / self.file)},
            aliases=self.aliases,
        )


ALL = (
    Carried(INJECTION, "classify", INJECTION_HEAD, "head.safetensors", "2", "CC-BY-SA-4.0", 384, 512),
    Carried(STARTER, "chat", STARTER_FILE, "model.gguf", "1", "CC-BY-SA-4.0", 0, 1024, ("fast",)),
)
