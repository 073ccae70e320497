"""Sealing 32 bytes in this machine's TPM 2.0, through the programs of tpm2-tools.

    seal     primary key of the owner hierarchy (ECC P-256, the same each time) ─ create a sealed object ─ two blobs
    unseal   the same primary ─ load the two blobs ─ unseal

The blobs are of no use to any other TPM. Nothing is bound to PCRs: an update of the firmware must not lock a plant out.
Which TPM is used is for tpm2-tools to know (TPM2TOOLS_TCTI; by default /dev/tpmrm0).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.store.errors import NoTpm

SECONDS: Final = 30.0
"""A TPM is slow; one that takes longer is not there."""
_ATTRIBUTES: Final = "fixedtpm|fixedparent|noda|userwithauth"


@dataclass(frozen=True, slots=True)
class Blob:
    """A sealed object, as the TPM gave it out."""

    public: bytes
    private: bytes

    def words(self) -> dict[str, str]:
        return {"public": self.public.hex(), "private": self.private.hex()}

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Blob:
        """Raises KeyError, ValueError."""
        return cls(bytes.fromhex(words["public"]), bytes.fromhex(words["private"]))


def sealed(secret: bytes) -> Blob:
    """Seal at most 128 bytes. Raises NoTpm."""
    with tempfile.TemporaryDirectory(prefix="outpost-tpm-") as name:
        at = Path(name)
        _primary(at)
        _run(
            "tpm2_create",
            "-C",
            at / "primary",
            "-a",
            _ATTRIBUTES,
            "-u",
            at / "pub",
            "-r",
            at / "priv",
            "-i",
            "-",
            given=secret,
        )
        return Blob((at / "pub").read_bytes(), (at / "priv").read_bytes())


def unsealed(blob: Blob) -> bytes:
    """Raises NoTpm: there is none, or it is another one."""
    with tempfile.TemporaryDirectory(prefix="outpost-tpm-") as name:
        at = Path(name)
        (at / "pub").write_bytes(blob.public)
        (at / "priv").write_bytes(blob.private)
        _primary(at)
        _run("tpm2_load", "-C", at / "primary", "-u", at / "pub", "-r", at / "priv", "-c", at / "sealed")
        return _run("tpm2_unseal", "-c", at / "sealed")


def _primary(at: Path) -> None:
    _run("tpm2_createprimary", "-C", "o", "-g", "sha256", "-G", "ecc", "-c", at / "primary")


def _run(program: str, *words: str | Path, given: bytes = b"") -> bytes:
    """What the program wrote. Raises NoTpm."""
    found = shutil.which(program)
    if found is None:
        raise NoTpm(f"{program} is not installed.", hint="Install tpm2-tools, or keep the master key in another mode.")
    try:
        done = subprocess.run([found, *map(str, words)], input=given, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoTpm(f"{program} did not end within {SECONDS:.0f} s.") from None
    finally:
        # Where nothing stands between us and the TPM, its few places for objects stay taken.
        if program != "tpm2_flushcontext" and (flush := shutil.which("tpm2_flushcontext")):
            subprocess.run([flush, "-t"], capture_output=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise NoTpm(f"{program} ended with {done.returncode}.")
    return done.stdout
