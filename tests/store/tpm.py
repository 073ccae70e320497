"""A TPM 2.0 in software (swtpm): the same commands as a chip, its state in a directory."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.node import free_port


@contextmanager
def software_tpm(state: Path) -> Iterator[dict[str, str]]:
    """Run one; what is given is the environment that leads tpm2-tools to it."""
    program = shutil.which("swtpm")
    assert program is not None, "install swtpm and tpm2-tools (Debian: apt-get install swtpm tpm2-tools)"
    state.mkdir(exist_ok=True)
    # The control port is the one after it, by the convention of the library that tpm2-tools speak through.
    port = free_port()
    server, control = f"type=tcp,port={port}", f"type=tcp,port={port + 1}"
    command = [program, "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server", server, "--ctrl", control]
    with subprocess.Popen([*command, "--flags", "not-need-init,startup-clear"]) as process:
        try:
            yield {"TPM2TOOLS_TCTI": f"swtpm:host=127.0.0.1,port={port}"}
        finally:
            process.terminate()
