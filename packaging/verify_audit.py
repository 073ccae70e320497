#!/usr/bin/env python3
"""Check an exported audit log. This one file and Python 3.9 or newer are all it needs: no account, no database.

    python3 verify_audit.py record.jsonl
    python3 verify_audit.py record.jsonl --key 4f1c...            the key the node printed, from somewhere else
    python3 verify_audit.py record.jsonl --kept checkpoint.txt    a checkpoint somebody kept

The export is one JSON object per line:

    {"format": "outpost-audit-export/1", "log": ..., "origin": ..., "public_key": hex, "size": n, "whole": true,
     "checkpoint": "signed note"}
    {"saved": "signed note", "consistency": [hex, ...]}           heads of the past; the proof in an excerpt only
    {"seq": 0, "hash": hex, "record": "{...}",                    the records, in order
     "proof": [hex, ...],                                         in an excerpt only
     "personal": {"username": {"salt": hex, "value": ...}}}       what has been disclosed

A log is a Merkle tree (RFC 6962) over the exact bytes of `record`; a checkpoint is a signed note (c2sp.org/signed-note)
with an Ed25519 signature (RFC 8032). `personal` opens a commitment: SHA-256(salt || field || 0x00 || value).

Exit status: 0 as it was written, 1 not as it was written, 2 not an export.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = "outpost-audit-export/1"

# Ed25519, RFC 8032, section 5.1; points as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


class Unusable(Exception):
    """The file is not an export."""


class Note(NamedTuple):
    """A checkpoint whose signature verified."""

    origin: str
    size: int
    root: bytes


def _add(a: Point, b: Point) -> Point:
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(raw: bytes) -> Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made with the secret of `public_key` (32 bytes)."""
    if len(public_key) != 32 or len(signature) != 64 or BASE is None:
        return False
    key, r = _point(public_key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(r, _times(k, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def leaf_hash(record: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The root of all leaves so far."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        carry = self.size
        while carry & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            carry >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def consistent(old_root: bytes, old_size: int, root: bytes, size: int, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2."""
    if old_size == size:
        return old_root == root and not proof
    if old_size == 0:
        return old_root == hashlib.sha256(b"").digest() and not proof
    path = proof if old_size & (old_size - 1) else [old_root, *proof]
    if not 0 < old_size < size or not path:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_node = node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_node, node = node_hash(sibling, old_node), node_hash(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old_node == old_root and node == root


def open_note(note: str, public_key: bytes) -> Note:
    """Return what a signed note says.

    Raises:
        ValueError: it is not one, or not signed with this key.
    """
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) != 3 or not lines[1].isdigit():
        raise ValueError("it is not a checkpoint")
    origin, size = lines[0], int(lines[1])
    key_id = hashlib.sha256(origin.encode() + b"\n\x01" + public_key).digest()[:4]
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        if dash != "\N{EM DASH}" or name != origin:
            continue
        blob = base64.b64decode(encoded, validate=True)
        if blob[:4] == key_id:
            if not ed25519_verifies(public_key, (text + "\n").encode(), blob[4:]):
                raise ValueError("its signature is wrong")
            return Note(origin, size, base64.b64decode(lines[2], validate=True))
    raise ValueError("it is not signed with this key")


class Check:
    """One pass over an export: heads first, then records.

    Args:
        kept: signed notes that somebody kept elsewhere.
        key: the public key from elsewhere; None takes the export's own.
    """

    def __init__(self, kept: list[str], key: bytes | None) -> None:
        self.problems: list[str] = []
        self.facts: list[str] = []
        self._kept = kept
        self._key = key
        self._tree = Tree()
        self._marks: dict[int, list[tuple[bytes, str]]] = {}
        self._proven = 0
        self._names: dict[str, int] = {}

    def run(self, lines: Iterator[dict[str, Any]]) -> None:
        """Read everything once.

        Raises:
            Unusable: it is no export.
        """
        header = next(lines, {})
        if header.get("format") != FORMAT:
            raise Unusable(f"its first line does not say {FORMAT}")
        stated = bytes.fromhex(header["public_key"])
        key = stated if self._key is None else self._key
        if key != stated:
            self.problems.append("The export was signed with another key than the one you gave.")
        try:
            final = open_note(header["checkpoint"], key)
        except (ValueError, binascii.Error) as error:
            self.problems.append(f"The checkpoint of the export does not count: {error}.")
            return
        if final.origin != header["origin"] or final.size != header["size"]:
            self.problems.append("The checkpoint is not that of this log and size.")
        whole, records = bool(header["whole"]), 0
        self._expect(final, "The checkpoint of the export", final, whole=whole, proof=[])
        for note in self._kept:
            self._open(note, "A checkpoint you gave", key, final, whole=whole, proof=None)
        for line in lines:
            if "saved" in line:
                self._open(line["saved"], "A saved checkpoint", key, final, whole=whole, proof=line.get("consistency"))
            else:
                records += 1
                self._record(line, final, whole=whole)
        if whole and self._tree.size != final.size:
            self.problems.append(f"The export holds {self._tree.size} records, its checkpoint {final.size}.")
        self.facts = [
            f"log          {final.origin}",
            f"public key   {key.hex()}" + ("" if self._key else "   (compare it with the one the node printed)"),
            f"checkpoint   {_records(final.size)}, root {final.root.hex()}",
            f"checked      {_records(records)}, {'all of them' if whole else 'an excerpt, each with its proof'}",
            *(f"personal     {field}: {count} opened" for field, count in sorted(self._names.items())),
        ]

    def _open(self, note: str, what: str, key: bytes, final: Note, *, whole: bool, proof: list[str] | None) -> None:
        try:
            head = open_note(note, key)
        except (ValueError, binascii.Error) as error:
            self.problems.append(f"{what} does not count: {error}.")
            return
        if head.origin != final.origin:
            self.problems.append(f"{what} is of another log, {head.origin}.")
        else:
            self._expect(head, what, final, whole=whole, proof=proof)

    def _expect(self, head: Note, what: str, final: Note, *, whole: bool, proof: list[str] | None) -> None:
        """Remember the root to be met at a size; in an excerpt it must be proven now."""
        if head.size > final.size:
            self.problems.append(f"{what} knows {head.size} records, the export only {final.size}: its end was lost.")
        elif whole and head.size == 0:
            if head.root != self._tree.root():
                self.problems.append(f"{what} at 0 records does not match.")
        elif whole:
            self._marks.setdefault(head.size, []).append((head.root, what))
        elif proof is None and head.size != final.size:
            self.problems.append(f"{what} at {head.size} records can be checked with a whole export only.")
        elif not consistent(head.root, head.size, final.root, final.size, _hashes(proof or [])):
            self.problems.append(f"{what} at {head.size} records is not part of this log.")

    def _record(self, line: dict[str, Any], final: Note, *, whole: bool) -> None:
        seq, raw = line["seq"], line["record"].encode("utf-8", "surrogateescape")
        leaf = leaf_hash(raw)
        if leaf.hex() != line["hash"]:
            self.problems.append(f"Record {seq} was changed.")
        self._personal(line, seq)
        if not whole:
            if not includes(final.root, final.size, seq, leaf, _hashes(line["proof"])):
                self.problems.append(f"Record {seq} is not part of the log.")
            return
        if seq != self._tree.size:
            self.problems.append(f"Record {self._tree.size} is missing or out of place.")
        self._tree.append(leaf)
        for root, what in self._marks.pop(self._tree.size, ()):
            if root == self._tree.root():
                self._proven = self._tree.size
            else:
                self.problems.append(
                    f"{what} at {self._tree.size} records does not match: something in records {self._proven} to "
                    f"{self._tree.size - 1} was changed."
                )
                self._marks.clear()  # everything after it is another tree too
                break

    def _personal(self, line: dict[str, Any], seq: int) -> None:
        opened = line.get("personal") or {}
        told = json.loads(line["record"])["personal"] if opened else {}
        for field, kept in opened.items():
            salt = bytes.fromhex(kept["salt"])
            made = hashlib.sha256(salt + field.encode() + b"\x00" + kept["value"].encode()).hexdigest()
            self._names[field] = self._names.get(field, 0) + 1
            if made != told.get(field):
                self.problems.append(f"The {field} of record {seq} is not the one that was recorded.")


def _records(count: int) -> str:
    return f"{count} record" if count == 1 else f"{count} records"


def _hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
            except ValueError:
                raise Unusable(f"its line {number} is not JSON") from None
            if not isinstance(line, dict):
                raise Unusable(f"its line {number} is not an object")
            yield line


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an exported audit log, offline.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=bytes.fromhex, help="the node's public key, in hex, from elsewhere")
    parser.add_argument("--kept", type=Path, action="append", default=[], help="a checkpoint that was kept elsewhere")
    options = parser.parse_args(arguments)
    try:
        check = Check([path.read_text(encoding="utf-8") for path in options.kept], options.key)
        check.run(_lines(options.export))
    except (OSError, UnicodeDecodeError, Unusable, KeyError, TypeError, ValueError) as error:
        print(f"cannot check {options.export}: {error or type(error).__name__}")
        return 2
    print("\n".join(check.facts))
    for problem in check.problems[:50]:
        print(f"NOT AS WRITTEN  {problem}")
    if check.problems:
        print(f"The record is NOT as it was written: {len(check.problems)} findings.")
        return 1
    print("The record is as it was written, up to its checkpoint.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
