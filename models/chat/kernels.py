"""The kernels of llama.cpp that fit this processor best.

The wheel carries one library for each generation of processors (`libggml-cpu-*.so`). Each says how well it fits the one it finds
itself on, and the best is loaded: one wheel runs everywhere, and a processor with AVX-512 or VNNI is not held to AVX2.
"""

import ctypes
import re
from pathlib import Path

import llama_cpp

_FOLDER = Path(llama_cpp.__file__).parent / "lib"
_LOADED = re.compile(r"/libggml-cpu-([a-z0-9_]+)\.so$", re.MULTILINE)


def load() -> None:
    """Load the best; to be called before the first model is loaded, again does nothing."""
    if loaded() == "":
        load_all = ctypes.CDLL(str(_FOLDER / "libggml.so")).ggml_backend_load_all_from_path
        load_all.argtypes, load_all.restype = [ctypes.c_char_p], None
        load_all(str(_FOLDER).encode())


def loaded() -> str:
    """The generation whose kernels this process uses, such as `haswell` or `zen4`; empty before `load`."""
    found = _LOADED.search(Path("/proc/self/maps").read_text(encoding="utf-8"))
    return "" if found is None else found[1]
