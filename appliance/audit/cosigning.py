r"""Cosignatures of witnesses, and the question that asks for one. Pure: no file, no clock.

A cosignature (c2sp.org/tlog-cosignature, Ed25519, version 1) is one more line of a signed note:

    - witness.example/w1 jWbP...       em dash, name of the witness, base64(key id || time || signature)

    key id      the first four bytes of SHA-256(name || 0x0A || 0x04 || public key)
    time        when it was given, POSIX seconds, 8 bytes, big-endian
    signature   Ed25519 over "cosignature/v1\ntime <seconds>\n" and the text of the checkpoint

A witness is known by its verifier key (c2sp.org/signed-note): `<name>+<key id, hex>+<base64(0x04 || public key)>`. What it is
asked (c2sp.org/tlog-witness) is the size that it cosigned last, the proof from there, an empty line and the checkpoint:

    old 1500
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=

    outpost/3f2a...c1/node/1
    ...
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.audit.errors import ForgedCosignature, MalformedSubmission, MalformedWitnessKey
from appliance.audit.notes import Checkpoint

COSIGNATURE: Final = b"\x04"
LAST: Final = 253402300799
"""The last second that a calendar has (9999-12-31); a time beyond it is no time."""
PROOF_LINES: Final = 63
MOST: Final = 16 * 1024
"""Bytes of a question; 63 hashes and a checkpoint with a few signatures need 4 KiB."""

_OLD: Final = re.compile("old (0|[1-9][0-9]{0,18})")
_NAME: Final = re.compile(r"[^\s+\x00-\x20]{1,128}")


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Whose cosignatures are taken: a name and 32 bytes of an Ed25519 public key."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + COSIGNATURE + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(COSIGNATURE + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes.

        Raises:
            MalformedWitnessKey: it is not a verifier key of a cosigner, or a letter of it was lost.
        """
        name, _, rest = text.strip().partition("+")
        raw = _base64(rest.partition("+")[2])
        if not _NAME.fullmatch(name) or raw is None or len(raw) != 33 or raw[:1] != COSIGNATURE:
            raise MalformedWitnessKey("A witness's key is NAME+HEX+BASE64.")
        key = cls(name, raw[1:])
        if str(key) != text.strip():
            raise MalformedWitnessKey("The parts of the key do not fit each other.")
        return key


@dataclass(frozen=True, slots=True)
class Cosignature:
    """That a witness had seen a log grow to this checkpoint and no larger, at a moment (POSIX seconds); and its line."""

    key: WitnessKey
    at: int
    line: str


class Cosigner:
    """The key of this node as a witness.

    Args:
        seed: 32 secret bytes, used for nothing else.
    """

    def __init__(self, name: str, seed: bytes) -> None:
        self._secret = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = WitnessKey(name, self._secret.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint, at: int) -> str:
        """The line, with its end; `at` is the present moment."""
        signature = self._secret.sign(_message(checkpoint, at))
        blob = base64.b64encode(self.key.id + at.to_bytes(8, "big") + signature).decode()
        return f"\N{EM DASH} {self.key.name} {blob}\n"


def cosignatures(note: str, checkpoint: Checkpoint, keys: Iterable[WitnessKey]) -> list[Cosignature]:
    """The cosignatures of known witnesses on a note whose text says `checkpoint`; lines of others are left out.

    Raises:
        ForgedCosignature: a line carries the name and key id of one of them, and does not verify.
    """
    known = {(key.name, key.id): key for key in keys}
    found: dict[tuple[str, int], Cosignature] = {}
    for line in note.partition("\n\n")[2].split("\n"):
        name, _, encoded = line.removeprefix("\N{EM DASH} ").rpartition(" ")
        blob = _base64(encoded) if line.startswith("\N{EM DASH} ") else None
        key = None if blob is None else known.get((name, blob[:4]))
        if key is None or blob is None:
            continue
        at = int.from_bytes(blob[4:12], "big")
        if len(blob) != 76 or at > LAST or not _verifies(key, checkpoint, at, blob[12:]):
            raise ForgedCosignature(f"The cosignature of {name} is not over this checkpoint, or not its own.")
        found[name, at] = Cosignature(key, at, f"{line}\n")
    return list(found.values())


def _verifies(key: WitnessKey, checkpoint: Checkpoint, at: int, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, _message(checkpoint, at))
    except (InvalidSignature, ValueError):
        return False
    return True


def _message(checkpoint: Checkpoint, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{checkpoint.text()}".encode()


@dataclass(frozen=True, slots=True)
class Submission:
    """What a witness is asked: to cosign `note`, which it last saw at size `old`, and the proof from there."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in (f"old {self.old}", *map(_text, self.proof), "")) + self.note

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes.

        Raises:
            MalformedSubmission: it is something else.
        """
        head, separator, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        old = _OLD.fullmatch(first)
        proof = [_base64(line) for line in lines]
        if not separator or old is None or len(text.encode()) > MOST:
            raise MalformedSubmission(
                "A question to a witness begins with `old SIZE`, and has an empty line after its proof."
            )
        if len(proof) > PROOF_LINES or any(node is None or len(node) != 32 for node in proof):
            raise MalformedSubmission("A line of the proof is not the base64 of 32 bytes, or there are more than 63.")
        return cls(int(old[1]), tuple(node for node in proof if node is not None), note)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _base64(text: str) -> bytes | None:
    """None for what is not base64 in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if _text(raw) == text else None
