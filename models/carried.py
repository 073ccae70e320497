"""What git carries of the models.

starter/weights/injection.safetensors  the classifier's head, which set-up puts on the lower layers of the body
starter/weights/reader.safetensors     the reader as its difference from the body (`delta.py`)
starter/weights/starter.gguf           the starter chat model, whole: it is put in its place with a manifest
"""

import shutil
from pathlib import Path

from models.package import Manifest, digest

CARRIED = Path(__file__).parent / "starter" / "weights"
INJECTION_HEAD = CARRIED / "injection.safetensors"
STARTER, STARTER_FILE, STARTER_VERSION = "outpost-starter", CARRIED / "starter.gguf", "1"


def lay_starter(folder: Path, made_by: str) -> Manifest:
    """Put the starter into `folder`; returns the manifest that vouches for it."""
    model = folder / "model.gguf"
    shutil.copyfile(STARTER_FILE, model)
    return Manifest(
        name=STARTER,
        kind="chat",
        version=STARTER_VERSION,
        licence="CC-BY-SA-4.0",
        source="trained by the Outpost developers, see docs/models.md",
        recipe=made_by,
        width=0,
        max_tokens=1024,
        languages=("en",),
        files={model.name: digest(model)},
        aliases=("fast",),
    )
