"""The kernels that fit the processor are loaded, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import llama_cpp

from models.chat.engine import Engine

FLAGS = {
    "haswell": {"avx2", "fma", "bmi2"},
    "skylakex": {"avx512f", "avx512bw"},
    "icelake": {"avx512_vnni", "avx512vbmi"},
    "zen4": {"avx512_vnni", "avx512_bf16"},
    "alderlake": {"avx_vnni"},
}


def flags() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return set(next(line for line in lines if line.startswith(("flags", "Features"))).split())


def chosen() -> str:
    asked = "from models.chat import kernels; kernels.load(); kernels.load(); print(kernels.loaded())"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_one_that_this_processor_can_run_is_loaded_once() -> None:
    carried = {
        path.stem.removeprefix("libggml-cpu-") for path in Path(llama_cpp.__file__).parent.glob("lib/libggml-cpu-*.so")
    }

    assert len(carried) > 3
    assert chosen() in carried


def test_a_processor_is_not_held_to_less_than_it_can_do() -> None:
    """The oldest kernels only where none of the newer ones run: a name of FLAGS, or one newer than all of them."""
    older = {"x64", "sse42", "sandybridge", "ivybridge", "piledriver"}
    fitting = {name for name, needed in FLAGS.items() if needed <= flags()}

    assert (chosen() in older) == (not fitting)
    if "avx512_vnni" in flags():
        assert chosen() not in {"haswell", "skylakex", "cannonlake"}


def test_a_model_opens_with_them(engine: Engine) -> None:
    assert engine.vocabulary > 0
