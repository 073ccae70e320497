"""Checkpoints: the size and root of a log, as a C2SP signed note (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

    outpost/3f2a...c1/8c0e.../1          origin: the node, the log, the epoch
    1804                                 number of records
    qINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=
                                         (an empty line ends the signed text)
    - outpost/3f2a...c1/8c0e.../1 Gvx0...    em dash, name, base64(key id || signature)

The key id is the first four bytes of SHA-256(name || 0x0A || 0x01 || public key); 0x01 names Ed25519, and other
signatures may stand on further lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.audit.errors import MalformedNote

ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a note says: the first `size` records of the log `origin` have this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Signer:
    """The key of this node's logs.

    Args:
        seed: 32 secret bytes; the same seed is the same node.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()
        self.node_id = node_id(self.public_key)

    def origin(self, log: str) -> str:
        """The name of a log (`<tenant or "node">/<epoch>`) as the world knows it."""
        return f"outpost/{self.node_id}/{log}"

    def sign(self, checkpoint: Checkpoint) -> str:
        return self.note(checkpoint.origin, checkpoint.text())

    def note(self, name: str, text: str) -> str:
        """A text of whole lines, signed under a name of this node's."""
        blob = key_id(name, self.public_key) + self._key.sign(text.encode())
        return f"{text}\n\N{EM DASH} {name} {base64.b64encode(blob).decode()}\n"


def node_id(public_key: bytes) -> str:
    """A node is named after the key that signs its logs."""
    return hashlib.sha256(b"outpost node\n" + public_key).hexdigest()[:16]


def key_id(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def verified(note: str, public_key: bytes, *, origin: str | None = None) -> Checkpoint:
    """Return what the note says, its signature checked; with `origin`, also that it is that log's.

    Raises:
        MalformedNote: it is not a note, not signed with this key, or another log's.
    """
    text, separator, signatures = note.partition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise MalformedNote("A checkpoint is a text, an empty line and its signatures.")
    checkpoint = _parsed(text + "\n")
    if origin is not None and checkpoint.origin != origin:
        raise MalformedNote(f"The checkpoint is of {checkpoint.origin}, not of {origin}.")
    expected = key_id(checkpoint.origin, public_key)
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        if dash != "\N{EM DASH}" or name != checkpoint.origin:
            continue
        blob = _decoded(encoded)
        if blob[:4] != expected:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(blob[4:], checkpoint.text().encode())
        except InvalidSignature:
            raise MalformedNote("The signature of the checkpoint does not verify.") from None
        return checkpoint
    raise MalformedNote("The checkpoint is not signed by this node.")


def _parsed(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise MalformedNote("A checkpoint has three lines: origin, size and root.")
    origin, size, root = lines[0], lines[1], _decoded(lines[2])
    if not size.isascii() or not size.isdigit() or str(int(size)) != size or len(root) != 32:
        raise MalformedNote("The size or the root of the checkpoint cannot be read.")
    return Checkpoint(origin, int(size), root)


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = None
    # The last letter carries spare bits: only one of its spellings is taken.
    if raw is None or base64.b64encode(raw).decode() != text:
        raise MalformedNote("A checkpoint holds base64 that cannot be read.")
    return raw
