#!/usr/bin/env python3
"""Check an exported audit log, or the receipt of an answer. This one file and Python 3.9 or newer are all it needs: no account, no database.

    python3 verify_audit.py record.jsonl
    python3 verify_audit.py record.jsonl --key 4f1c...            the key the node printed, from somewhere else
    python3 verify_audit.py record.jsonl --kept checkpoint.txt    a checkpoint somebody kept, or a list of heads
    python3 verify_audit.py record.jsonl --witness w/1+2f..+BA..  the key of a witness, from the witness
    python3 verify_audit.py record.jsonl --table record.csv       the same records as a table, compared with them
    python3 verify_audit.py heads.txt --key 4f1c...               a list of heads alone: that the node signed it, and what it says
    python3 verify_audit.py receipt.json                          an answer: what it said, and that this was recorded

The export is one JSON object per line, without spaces, its members in this order and none besides:

    {"format": "outpost-audit-export/1", "log": ..., "origin": ..., "public_key": hex, "size": n, "whole": true,
     "checkpoint": "signed note"}
    {"purged": n, "frontier": [hex, ...]}                         only where the first n records are gone: the hashes of
                                                                  the complete subtrees over them, the largest first
    {"saved": "signed note", "consistency": [hex, ...]}           heads of the past; the proof in an excerpt, and for
                                                                  heads within what is gone
    {"witnesses": ["name+id+key", ...]}                           who cosigned, where somebody did
    {"witnessed": "signed note", "consistency": [hex, ...]}       heads of the past, each with one cosignature
    {"seq": 0, "hash": hex, "record": "{...}",                    the records, in order
     "proof": [hex, ...],                                         in an excerpt only
     "personal": {"username": {"salt": hex, "value": ...}}}       what has been disclosed

A log is a Merkle tree (RFC 6962) over the exact bytes of `record`; a checkpoint is a signed note (c2sp.org/signed-note)
with an Ed25519 signature (RFC 8032); a cosignature says when a witness had seen the log at that size, and that it still held
all that it had seen before (c2sp.org/tlog-cosignature). `personal` opens a commitment: SHA-256(salt || field || 0x00 || value).

A receipt is one such line. `record` is that of an answer, and its `metadata.said` is SHA-256(salt || said), in hex:

    {"format": "outpost-answer-receipt/1", "log": ..., "origin": ..., "public_key": hex, "size": n, "checkpoint": ...,
     "parts": [{"seq": 8, "hash": hex, "record": "{...}", "proof": [hex, ...], "salt": hex, "said": "{...}"}]}

A list of heads is a signed note too, under the name `outpost/<node>/heads`. Its lines are that name, `time <POSIX seconds>`, and of
each log, sorted, `<log> <records> <root in base64>`.

Everything has one spelling (JSON as Python writes it, hex in small letters, base64 with its padding), so that a file with
any byte changed is another file and not the same said otherwise. Times are told, and never decide: the order of a log is
that of its places, and clocks are set back.

Exit status: 0 as it was written, 1 not as it was written, 2 not an export.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import hashlib
import io
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

FORMAT = "outpost-audit-export/1"
RECEIPT = "outpost-answer-receipt/1"
LAST = 253402300799  # the last second that a calendar has
MOST = 1 << 24  # bytes of a receipt, and of a first line
HASH = re.compile("[0-9a-f]{64}")
PLAIN = re.compile('{"seq":(0|[1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})","record":"')
SIZE = re.compile("0|[1-9][0-9]{0,18}")
# Canonical JSON sorts its members, and before this one there is no text of anybody's choosing.
CREATED = re.compile('"created_at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9][.][0-9]{6})Z"')
COLUMNS = (
    "seq", "id", "created_at", "event_type", "phase", "correlation_id", "user_id", "username", "session_id",
    "resource_type", "resource_id", "model", "tools_used", "request_hash", "result_status", "latency_ms", "policies",
    "pack_version", "metadata", "hash",
)  # fmt: skip
LISTED = re.compile(r"\Aoutpost/[0-9a-f]{16}/heads\n")
LISTED_AT = re.compile("time (0|[1-9][0-9]{0,11})")
LISTED_LOG = re.compile("((?:node|[0-9a-f-]{36})/[1-9][0-9]{0,6}) (0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)")
# Where a spreadsheet would take a text for a formula; an apostrophe stands before it in a table.
FORMULA = re.compile(r"(\A|[;\t\r\n])(?=\s*[=+\-@＝＋－＠])|\A(?=[\t\r\n])")

# Ed25519, RFC 8032, section 5.1; points as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


class Unusable(Exception):
    """The file is neither an export nor a receipt."""


class Note(NamedTuple):
    """A checkpoint whose signature verified.

    `cosigned` has the verifier keys of witnesses whose cosignatures verified too, and when (POSIX seconds); `others` counts
    signatures of keys that are not known here.
    """

    origin: str
    size: int
    root: bytes
    others: int
    cosigned: list[tuple[str, int]]


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
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The root of all leaves so far."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    @classmethod
    def of(cls, size: int, peaks: list[bytes]) -> Tree:
        """Go on after `size` leaves. Raises ValueError unless there is one hash for each bit that is set in the size."""
        if len(peaks) != bin(size).count("1"):
            raise ValueError("it has another number of hashes than it should")
        tree = cls()
        tree.size, tree._peaks = size, peaks
        return tree

    def append(self, leaf: bytes) -> None:
        carry = self.size
        while carry & 1:
            leaf = sha256(b"\x01" + self._peaks.pop() + leaf).digest()
            carry >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def copy(self) -> Tree:
        other = Tree()
        other.size, other._peaks = self.size, self._peaks[:]
        return other

    def root(self) -> bytes:
        if not self._peaks:
            return sha256(b"").digest()
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
        return old_root == sha256(b"").digest() and not proof
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


Keys = dict[
    tuple[str, bytes], tuple[str, bytes]
]  # name and key id of a witness: its verifier key, and the public key in it


def open_note(note: str, public_key: bytes, witnesses: Keys | None = None) -> Note:
    """Return what a signed note says; every byte of it has one spelling.

    Raises:
        ValueError: it is not one, not signed with this key, or a cosignature of one of `witnesses` is wrong.
    """
    text, others, cosigned = _signed(note, public_key, witnesses)
    lines = text.split("\n")
    if len(lines) != 3 or not SIZE.fullmatch(lines[1]):
        raise ValueError("it is not a checkpoint")
    return Note(lines[0], int(lines[1]), _base64(lines[2], 32), others, cosigned)


def _signed(note: str, public_key: bytes, witnesses: Keys | None) -> tuple[str, int, list[tuple[str, int]]]:
    """The text of a signed note under the name that is its first line, and what else `Note` says of its signatures."""
    text, separator, signatures = note.partition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise ValueError("it is not a signed note")
    origin = text.partition("\n")[0]
    key_id = sha256(origin.encode() + b"\n\x01" + public_key).digest()[:4]
    others, signed = 0, False
    cosigned: list[tuple[str, int]] = []
    for line in signatures[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        if dash != "\N{EM DASH}" or not name:
            raise ValueError("it holds a line that is no signature")
        blob = _base64(encoded) if name == origin or witnesses else b""
        if witnesses and (name, blob[:4]) in witnesses:
            cosigned.append(_cosignature(text + "\n", witnesses[name, blob[:4]], blob[4:]))
            if cosigned[-1] in cosigned[:-1]:
                raise ValueError("it is cosigned twice by one witness at one time")
            continue
        if name != origin or blob[:4] != key_id:
            others += 1
            continue
        if signed:
            raise ValueError("it is signed twice with one key")
        if not ed25519_verifies(public_key, (text + "\n").encode(), blob[4:]):
            raise ValueError("its signature is wrong")
        signed = True
    if not signed:
        raise ValueError("it is not signed with this key")
    return text, others, cosigned


def _cosignature(text: str, witness: tuple[str, bytes], blob: bytes) -> tuple[str, int]:
    at = int.from_bytes(blob[:8], "big")
    message = f"cosignature/v1\ntime {at}\n{text}".encode()
    if at > LAST or not ed25519_verifies(witness[1], message, blob[8:]):
        raise ValueError("a cosignature on it is wrong")
    return witness[0], at


class Heads:
    """A list of the heads of all logs of a node: that the node signed it, and what it says.

    Args:
        key: the public key from elsewhere; a list does not hold it.
    """

    def __init__(self, key: bytes | None) -> None:
        self.problems: list[str] = []
        self.facts: list[str] = []
        self.first: str | None = None
        self._key = key

    def run(self, raw: bytes) -> None:
        """Read it once.

        Raises:
            Unusable: there is no key to check it with.
        """
        if self._key is None:
            raise Unusable("a list of heads does not hold the key of its node; give it with --key")
        try:
            at, logs = open_heads(raw.decode(), self._key)
        except ValueError as error:
            self.problems.append(f"The list of heads does not count: {error}.")
            return
        self.facts = [
            f"node         {raw.decode().split('/')[1]}",
            f"public key   {self._key.hex()}",
            f"time         {_when(at)}, by the node's clock",
            *(f"log          {log}: {_records(size)}, root {root.hex()}" for log, (size, root) in logs.items()),
        ]


def open_heads(note: str, public_key: bytes) -> tuple[int, dict[str, tuple[int, bytes]]]:
    """When a signed list of heads was made, and the size and root of each log in it.

    Raises:
        ValueError: it is not one, or not signed with this key.
    """
    text, others, _ = _signed(note, public_key, None)
    name, at, *lines = text.split("\n") if "\n" in text else (text, "")
    node = sha256(b"outpost node\n" + public_key).hexdigest()[:16]
    if name != f"outpost/{node}/heads" or others or not (time := LISTED_AT.fullmatch(at)):
        raise ValueError("it is not a list of this node's heads")
    logs: dict[str, tuple[int, bytes]] = {}
    for line in lines:
        found = LISTED_LOG.fullmatch(line)
        if not found or found[1] <= max(logs, default=""):
            raise ValueError("a log in it stands out of order, or cannot be read")
        logs[found[1]] = int(found[2]), _base64(found[3], 32)
    return int(time[1]), logs


def _when(at: int) -> str:
    """A moment; beyond the calendar, its number."""
    if at > LAST:
        return str(at)
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017  # Python 3.9


class Witnesses:
    """The keys of witnesses, and the newest head that each cosigned.

    Args:
        given: verifier keys from elsewhere (c2sp.org/signed-note). Raises ValueError if one is none.
    """

    def __init__(self, given: list[str]) -> None:
        self.keys: Keys = {}
        self.listed = False
        self._given = [self._add(text) for text in given]
        self._newest: dict[str, tuple[int, int]] = {}

    def lists(self, texts: list[Any]) -> None:
        """The line of an export that says who cosigned."""
        if self.listed or not texts or texts != sorted({str(text) for text in texts}):
            raise ValueError("its list of witnesses is not as an appliance writes it")
        self.listed = True
        for text in texts:
            self._add(text)

    def saw(self, note: Note) -> None:
        """Remember who cosigned it."""
        for witness, at in note.cosigned:
            self._newest[witness] = max(self._newest.get(witness, (-1, 0)), (note.size, at))

    def missing(self) -> Iterator[str]:
        """What those whose keys were given did not vouch for, and those that are listed."""
        for witness in self._given:
            if witness not in self._newest:
                yield f"No head in it is cosigned by {witness.partition('+')[0]}, the witness that you gave."
        for witness, _ in self.keys.values():
            if witness not in self._newest and witness not in self._given:
                yield f"It lists the witness {witness.partition('+')[0]}, which cosigned nothing in it."

    def told(self) -> Iterator[str]:
        for witness, (size, at) in sorted(self._newest.items()):
            yield f"witnessed    {_records(size)}, {_when(at)}, by {_inline(witness.partition('+')[0])}"
            if witness not in self._given:
                yield f"             {_inline(witness)}   (compare it with the key that the witness printed)"

    def _add(self, text: str) -> str:
        name, _, rest = text.partition("+")
        stated, _, encoded = rest.partition("+")
        blob = _base64(encoded)
        made = sha256(name.encode() + b"\n" + blob).digest()[:4]
        if not name or len(blob) != 33 or blob[0] != 4 or made.hex() != stated:
            raise ValueError("it names a witness by something that is no key of one")
        self.keys[name, made] = text, blob[1:]
        return text


def _base64(text: str, length: int | None = None) -> bytes:
    """Decode base64 that is spelled in the one canonical way."""
    raw = base64.b64decode(text, validate=True) if text.isascii() else b""
    if base64.b64encode(raw).decode() != text or len(raw) != (len(raw) if length is None else length):
        raise ValueError("it holds base64 that is not as it is written")
    return raw


# The lines of an export: the members of each, in their order, and the type of each.
Shape = Mapping[str, type]
HEADER: Shape = {
    "format": str,
    "log": str,
    "origin": str,
    "public_key": str,
    "size": int,
    "whole": bool,
    "checkpoint": str,
}
SAVED: Mapping[bool, Shape] = {True: {"saved": str}, False: {"saved": str, "consistency": list}}
WITNESSES: Shape = {"witnesses": list}
WITNESSED: Mapping[bool, Shape] = {True: {"witnessed": str}, False: {"witnessed": str, "consistency": list}}
PURGED: Shape = {"purged": int, "frontier": list}
RECORD: Mapping[bool, Shape] = {
    True: {"seq": int, "hash": str, "record": str},
    False: {"seq": int, "hash": str, "record": str, "proof": list},
}
PERSONAL: Shape = {"personal": dict}


class Check:
    """One pass over an export: heads first, then records.

    Args:
        kept: signed notes that somebody kept elsewhere.
        key: the public key from elsewhere; None takes the export's own.
        table: what was exported as a table beside it, to be compared with the records.
        witnesses: those whose keys came from elsewhere.
    """

    def __init__(
        self, kept: list[str], key: bytes | None, table: Table | None = None, witnesses: Witnesses | None = None
    ) -> None:
        self.problems: list[str] = []
        self.facts: list[str] = []
        self.first: str | None = None  # which record is the first bad one, as near as can be said
        self._kept = kept
        self._key = key
        self._table = table
        self._witnesses = witnesses or Witnesses([])
        self._cosigned = (-1, "", -1)  # where the last line of a witness stands among those lines
        self._tree = Tree()  # over the records as they stand here
        self._stated: Tree | None = None  # over their hashes as they stand here, once the two differ
        self._doubtful: list[int] = []  # hash and record disagree; the next checkpoint says which of them is right
        self._broken = False  # the tree is known to be another one
        self._marks: dict[int, list[tuple[bytes, str]]] = {}
        self._proven = 0
        self._names: dict[str, int] = {}
        self._times = Times()
        self._floor = 0  # so many records at the beginning were purged
        self._early: dict[int, bytes] = {}  # roots within them that are proven to be those of this log
        self._start = self._last = -1  # the places of the first and the last record of an excerpt

    def run(self, lines: Iterator[bytes]) -> None:
        """Read everything once.

        Raises:
            Unusable: it is no export.
        """
        header = header_of(next(lines, b""))
        stated, whole = bytes.fromhex(header["public_key"]), header["whole"]
        key = stated if self._key is None else self._key
        if key != stated:
            self._find("The export was signed with another key than the one you gave.")
        try:
            final = alone(open_note(header["checkpoint"], key))
        except ValueError as error:
            self._find(f"The checkpoint of the export does not count: {error}.")
            return
        node = sha256(b"outpost node\n" + key).hexdigest()[:16]
        if not final.origin == header["origin"] == f"outpost/{node}/{header['log']}" or final.size != header["size"]:
            self._find("The checkpoint is not that of this log and size.")
        self._expect(final, "The checkpoint of the export", final, whole=whole, proof=[])
        lines = self._purged(lines, final) if whole else lines
        for note in self._kept:
            if LISTED.match(note):
                self._listed(note, key, final, whole=whole)
            else:
                self._open(note, "A checkpoint you gave", key, final, whole=whole, proof=None, kept=True)
        records = self._body(lines, key, final, whole=whole)
        self._meet_early()
        for missing in () if self._broken else self._witnesses.missing():
            self._find(missing)
        if whole and not self._broken and self._tree.size != final.size:
            self._find(f"The export holds {_records(self._tree.size)}, its checkpoint {final.size}.", self._tree.size)
        self._name_doubtful()
        if self._table is not None and (told := self._table.rest()):
            self._find(told)
        self.facts = [
            f"log          {final.origin}",
            f"public key   {key.hex()}" + ("" if self._key else "   (compare it with the one the node printed)"),
            f"checkpoint   {_records(final.size)}, root {final.root.hex()}",
            f"checked      {_records(records)}, {'all of them' if whole else self._excerpt(records)}",
            *(
                (
                    f"purged       records 0 to {self._floor - 1}, when their time was over; it begins with {self._floor}",
                )
                if self._floor
                else ()
            ),
            *self._witnesses.told(),
            *self._times.told(),
            *(f"personal     {field}: {count} opened" for field, count in sorted(self._names.items())),
            *(("table        each of its rows says what was recorded",) if self._table and not self.problems else ()),
        ]

    def _listed(self, note: str, key: bytes, final: Note, *, whole: bool) -> None:
        head = listed_head(note, key, final, self._find)
        if head is not None:
            self._expect(head, "The list of heads you gave", final, whole=whole, proof=None)

    def _purged(self, lines: Iterator[bytes], final: Note) -> Iterator[bytes]:
        """Begin the tree behind what was purged; the checkpoint proves the hashes it begins with. Returns the other lines."""
        first = next(lines, b"")
        if not first.startswith(b'{"purged":'):
            return itertools.chain([first] if first else [], lines)
        try:
            line = parsed(first)
            shaped(line, PURGED)
            if not 0 < line["purged"] < final.size or line["purged"] % 256:
                raise ValueError("no closed segments end there")
            self._tree = Tree.of(line["purged"], hashes(line["frontier"]))
        except ValueError as error:
            self._find(f"What was purged cannot be read: {error}.", 0)
            self._broken = True
            return iter(())
        self._floor = self._proven = line["purged"]
        return lines

    def _meet_early(self) -> None:
        """Checkpoints that were given and are of a size within what was purged."""
        for root, what in self._marks.pop(-1, ()):
            size = int.from_bytes(root[32:], "big")
            if size not in self._early:
                raise Unusable(
                    f"no proof in it goes back to a checkpoint of {_records(size)}; export an excerpt for that"
                )
            if self._early[size] != root[:32]:
                self._find(f"{what} at {_records(size)} is not part of this log.")

    def _body(self, lines: Iterator[bytes], key: bytes, final: Note, *, whole: bool) -> int:
        """Everything after the first line, up to the first that cannot be read. Returns the number of records."""
        records, saved = 0, -1
        quickly = whole and self._table is None
        grow, take = self._grow, self._times.take
        for number, raw in enumerate(lines, 2):
            try:
                if quickly and (known := plain(raw)) is not None:
                    seq, stated, record = known
                    grow(seq, sha256(b"\x00" + record.encode()).digest(), stated)
                    if not take(record, seq):
                        self._find(f"Record {seq} does not say when it was made.", seq)
                    records, self._last = records + 1, seq
                    self._start = seq if records == 1 else self._start
                    continue
                line = parsed(raw)
                if ("witnesses" in line or "witnessed" in line) and not records:
                    self._witness(line, key, final, whole=whole)
                    continue
                if "saved" in line and not records and not self._witnesses.listed:
                    shaped(line, SAVED[whole and "consistency" not in line])
                    head = self._open(
                        line["saved"], "A saved checkpoint", key, final, whole=whole, proof=line.get("consistency")
                    )
                    if head is not None and not saved < head.size:
                        raise ValueError("a checkpoint stands out of order")
                    saved = saved if head is None else head.size
                    continue
                shaped(line, RECORD[whole], PERSONAL)
                if not whole and not self._last < line["seq"]:
                    raise ValueError("a record stands out of order")
                self._record(line, final, whole=whole)
            except ValueError as error:
                self._find(
                    f"Reading stopped at line {number}: {error}.", self._tree.size if whole and records else None
                )
                self._broken = True
                break
            records, self._last = records + 1, line["seq"]
            self._start = self._last if records == 1 else self._start
        return records

    def _witness(self, line: dict[str, Any], key: bytes, final: Note, *, whole: bool) -> None:
        if "witnesses" in line:
            shaped(line, WITNESSES)
            self._witnesses.lists(line["witnesses"])
            return
        shaped(line, WITNESSED[whole and "consistency" not in line])
        head = self._open(
            line["witnessed"], "A cosigned head", key, final, whole=whole, proof=line.get("consistency"), cosigned=True
        )
        if head is None:
            return
        place = (head.size, *head.cosigned[0])
        if not self._cosigned < place:
            raise ValueError("a cosigned head stands out of order")
        self._cosigned = place

    def _excerpt(self, records: int) -> str:
        if records < 2:
            return "an excerpt, each with its proof"
        gaps = "none between them left out" if self._last - self._start + 1 == records else "not all between them"
        return f"an excerpt, each with its proof; {self._start} to {self._last}, {gaps}"

    def _open(
        self,
        note: str,
        what: str,
        key: bytes,
        final: Note,
        *,
        whole: bool,
        proof: list[str] | None,
        kept: bool = False,
        cosigned: bool = False,
    ) -> Note | None:
        try:
            head = open_note(note, key, self._witnesses.keys if kept or cosigned else None)
            if not kept:
                alone(head)
            if cosigned and len(head.cosigned) != 1:
                raise ValueError("it does not carry one cosignature of one witness that is listed")
        except ValueError as error:
            self._find(f"{what} does not count: {error}.")
            return None
        if head.origin != final.origin:
            self._find(f"{what} is of another log, {head.origin}.")
        else:
            self._expect(head, what, final, whole=whole, proof=proof)
            self._witnesses.saw(head)
        return head

    def _expect(self, head: Note, what: str, final: Note, *, whole: bool, proof: list[str] | None) -> None:
        """Remember the root to be met at a size; in an excerpt it must be proven now."""
        if head.size > final.size:
            self._find(f"{what} knows {_records(head.size)}, the export only {final.size}: its end was lost.")
        elif whole and 0 < head.size < self._floor:
            if proof is None:
                self._marks.setdefault(-1, []).append((head.root + head.size.to_bytes(8, "big"), what))
            elif not consistent(head.root, head.size, final.root, final.size, hashes(proof)):
                self._find(f"{what} at {_records(head.size)} is not part of this log.")
            else:
                self._early[head.size] = head.root
        elif whole and proof:
            raise ValueError("a checkpoint is proven that needs no proof")
        elif whole and head.size == 0:
            if head.root != Tree().root():
                self._find(f"{what} at 0 records does not match.")
        elif whole:
            self._marks.setdefault(head.size, []).append((head.root, what))
        elif proof is None and head.size != final.size:
            raise Unusable(f"a checkpoint of {_records(head.size)} can be checked with a whole export only")
        elif not consistent(head.root, head.size, final.root, final.size, hashes(proof or [])):
            self._find(f"{what} at {_records(head.size)} is not part of this log.")

    def _record(self, line: dict[str, Any], final: Note, *, whole: bool) -> None:
        seq, stated = line["seq"], hashed(line["hash"])
        leaf = leaf_hash(line["record"].encode())
        if whole:
            self._grow(seq, leaf, stated)
        else:
            self._prove(seq, leaf, stated, final, hashes(line["proof"]))
        if not self._times.take(line["record"], seq):
            self._find(f"Record {seq} does not say when it was made.", seq)
        self._personal(line, seq)
        if self._table is not None and (told := self._table.compare(line)):
            self._find(told, seq)

    def _prove(self, seq: int, leaf: bytes, stated: bytes, final: Note, proof: list[bytes]) -> None:
        if includes(final.root, final.size, seq, leaf, proof):
            if leaf != stated:
                self._find(f"The hash beside record {seq} was changed.", seq)
        elif leaf != stated and includes(final.root, final.size, seq, stated, proof):
            self._find(f"Record {seq} was changed.", seq)
        else:
            self._find(f"Record {seq} is not part of the log.", seq)

    def _grow(self, seq: int, leaf: bytes, stated: bytes) -> None:
        place = self._tree.size
        if seq == place and leaf == stated and self._stated is None:
            # Most of a log, and most of the time that it takes.
            self._tree.append(leaf)
            if place + 1 in self._marks:
                self._pass()
            return
        if seq != place and not self._broken:
            self._find(f"Record {place} is missing or out of place.", place)
            self._broken = True
        if leaf != stated:
            self._doubtful.append(seq)
            self._stated = self._stated or self._tree.copy()
        self._tree.append(leaf)
        if self._stated is not None:
            self._stated.append(stated)
        self._pass()

    def _pass(self) -> None:
        """Meet the heads that stand at this size."""
        for root, what in self._marks.pop(self._tree.size, ()):
            if not self._broken:
                self._meet(root, what)

    def _meet(self, root: bytes, what: str) -> None:
        size = self._tree.size
        if root == self._tree.root():
            for seq in self._doubtful:
                self._find(f"The hash beside record {seq} was changed.", seq)
            self._doubtful.clear()
        elif self._stated is not None and root == self._stated.root():
            self._name_doubtful()
            self._tree = self._stated
        else:
            which = _span(self._proven, size - 1)
            self._find(
                f"{what} at {_records(size)} does not match: something in {which} was changed.", f"one of {which}"
            )
            self._broken = True  # everything after it is another tree too
        self._stated, self._proven = None, size

    def _name_doubtful(self) -> None:
        for seq in self._doubtful:
            self._find(f"Record {seq} was changed.", seq)
        self._doubtful.clear()

    def _personal(self, line: dict[str, Any], seq: int) -> None:
        opened = line.get("personal")
        if opened is None:
            return
        if not opened:
            raise ValueError("nothing is opened in it")
        try:
            told = dict(json.loads(line["record"])["personal"])
        except (ValueError, KeyError, TypeError):
            told = {}  # the record was changed, and has been named
        for field, kept in opened.items():
            shaped(kept, {"salt": str, "value": str})
            salt = hashed(kept["salt"])
            made = sha256(salt + field.encode() + b"\x00" + kept["value"].encode()).hexdigest()
            self._names[field] = self._names.get(field, 0) + 1
            if made != told.get(field):
                self._find(f"The {field} of record {seq} is not the one that was recorded.", seq)

    def _find(self, text: str, first: int | str | None = None) -> None:
        self.problems.append(text)
        if self.first is None and first is not None:
            self.first = f"record {first}" if isinstance(first, int) else first


RECEIPT_SHAPE: Shape = {
    "format": str,
    "log": str,
    "origin": str,
    "public_key": str,
    "size": int,
    "checkpoint": str,
    "parts": list,
}
PART: Shape = {"seq": int, "hash": str, "record": str, "proof": list, "salt": str, "said": str}


class Receipt:
    """The receipt of one answer: its parts, the quotes and the words, each against its record.

    Args:
        kept, key: as for `Check`.
    """

    def __init__(self, kept: list[str], key: bytes | None, witnesses: Witnesses | None = None) -> None:
        self.problems: list[str] = []
        self.facts: list[str] = []
        self.first: str | None = None
        self._kept = kept
        self._key = key
        self._witnesses = witnesses or Witnesses([])

    def run(self, raw: bytes) -> None:
        """Read it once.

        Raises:
            Unusable: it is no receipt.
        """
        try:
            header = parsed(raw)
            shaped(header, RECEIPT_SHAPE)
            stated = hashed(header["public_key"])
        except ValueError as error:
            raise Unusable(f"it is no receipt: {error}") from None
        key = stated if self._key is None else self._key
        if key != stated:
            self.problems.append("The receipt was signed with another key than the one you gave.")
        try:
            final = alone(open_note(header["checkpoint"], key))
        except ValueError as error:
            self.problems.append(f"The checkpoint of the receipt does not count: {error}.")
            return
        node = sha256(b"outpost node\n" + key).hexdigest()[:16]
        if not final.origin == header["origin"] == f"outpost/{node}/{header['log']}" or final.size != header["size"]:
            self.problems.append("The checkpoint is not that of this log and size.")
        for note in self._kept:
            self._meet(note, key, final)
        self.problems += self._witnesses.missing()
        if not header["parts"]:
            self.problems.append("It holds no answer.")
        self.facts = [
            f"receipt      sha256 {sha256(raw).hexdigest()}",
            f"log          {final.origin}",
            f"public key   {key.hex()}" + ("" if self._key else "   (compare it with the one the node printed)"),
            f"checkpoint   {_records(final.size)}, root {final.root.hex()}",
            *self._witnesses.told(),
        ]
        before = -1
        for number, part in enumerate(header["parts"], 1):
            try:
                shaped(part, PART)
                if not before < part["seq"]:
                    raise ValueError("it stands out of order")
                before = part["seq"]
                self._part(part, final)
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                told = error if isinstance(error, ValueError) else "it does not hold what it should"
                self.problems.append(f"Part {number} cannot be read: {told}.")

    def _meet(self, note: str, key: bytes, final: Note) -> None:
        try:
            if LISTED.match(note):
                head = listed_head(note, key, final, self.problems.append)
            else:
                head = open_note(note, key, self._witnesses.keys)
        except ValueError as error:
            self.problems.append(f"A checkpoint you gave does not count: {error}.")
            return
        if head is None:
            return
        if head.origin != final.origin:
            self.problems.append(f"A checkpoint you gave is of another log, {head.origin}.")
        elif head.size == final.size and head.root != final.root:
            self.problems.append("A checkpoint you gave is that of another history.")
        elif head.size != final.size:
            raise Unusable(f"a checkpoint of {_records(head.size)} can be checked with a whole export only")
        else:
            self._witnesses.saw(head)

    def _part(self, part: dict[str, Any], final: Note) -> None:
        raw, seq = part["record"].encode(), part["seq"]
        leaf = leaf_hash(raw)
        if leaf != hashed(part["hash"]):
            self.problems.append(f"Record {seq} or the hash beside it was changed.")
        if not includes(final.root, final.size, seq, leaf, hashes(part["proof"])):
            self.problems.append(f"Record {seq} is not part of the log.")
            self.first = self.first or f"record {seq}"
        record, said = json.loads(part["record"]), json.loads(part["said"])
        made = sha256(hashed(part["salt"]) + part["said"].encode()).hexdigest()
        if made != record["metadata"]["said"]:
            self.problems.append(f"What it says is not what was recorded as the answer (record {seq}).")
        if sha256(said["question"].encode()).hexdigest() != record["request_hash"]:
            self.problems.append(f"The question is not the one that was recorded (record {seq}).")
        if said["served_by"] != record["model"]:
            self.problems.append(f"What served it is not what was recorded (record {seq}).")
        sources = [[one["document_id"], one["revision"], one["sha256"]] for one in said["quotes"]]
        if sources != record["metadata"]["sources"]:
            self.problems.append(f"The documents are not those that were recorded (record {seq}).")
        self.facts += self._told(record, said, seq)

    def _told(self, record: dict[str, Any], said: dict[str, Any], seq: int) -> list[str]:
        lines = [
            "",
            f"record       {seq}, {record['created_at']}, by {record['user_id']} ({record['actor']['role']})",
            f"question     {_inline(said['question'])}",
            f"answer       {_inline(said['answer'])}",
            *([f"verdict      {_inline(said['verdict'])}"] if said["verdict"] else []),
        ]
        for quote in said["quotes"]:
            place = f", page {quote['page']}" if quote["page"] else ""
            revision = f", revision {quote['revision']}" if quote["revision"] else ""
            lines.append(f"quote        {_inline(quote['quote'])}")
            lines.append(
                f"             {_inline(quote['filename'])}{revision}{place}, sha256 {quote['sha256'] or 'not known'}"
            )
        lines.append(f"served by    {_inline(said['served_by'])}")
        lines += [f"             {name}, sha256 {sha}" for name, sha in sorted(record["metadata"]["packages"].items())]
        lines.append(f"policy       {record['pack_version']}: {', '.join(record['policies'])}")
        return lines


def _inline(text: str) -> str:
    """A text of anybody's on the lines of a terminal, with nothing in it that a terminal would obey."""
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
    return shown.replace("\n", "\n             ")


class Times:
    """When the records say they were made. A clock that was set back is told; the order is that of the log."""

    def __init__(self) -> None:
        # As texts, which sort as the moments do: only a new minute has to be read as a date.
        self._least = self._most = self._last = ""
        self._minute = ""
        self._back = ""
        self._count = 0

    def take(self, record: str, seq: int) -> bool:
        """Whether the record says when it was made."""
        found = CREATED.search(record)
        if found is None:
            return False
        at = found[1]
        if at[:16] != self._minute:
            try:
                datetime.fromisoformat(at)
            except ValueError:
                return False
            self._minute = at[:16]
        if at < self._last:
            # Records of one moment are written by several hands: what counts is a minute and more.
            back = datetime.fromisoformat(self._last) - datetime.fromisoformat(at)
            if back > timedelta(minutes=1):
                self._count += 1
                self._back = self._back or f"by {back} at record {seq}"
        self._most = max(self._most, at)
        if at < self._least or not self._least:
            self._least = at
        self._last = at
        return True

    def told(self) -> list[str]:
        if not self._least:
            return []
        first, last = (datetime.fromisoformat(at).isoformat() for at in (self._least, self._most))
        lines = [f"times        {first}Z to {last}Z"]
        if self._count:
            first = self._back if self._count == 1 else f"{self._count} times, first {self._back}"
            lines.append(f"time back    {first}: a clock was set back, or a record was delivered late")
        return lines


class Table:
    """The same records as a table for a spreadsheet (`.csv`), compared byte by byte with what they say."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if not self._same(list(COLUMNS)):
            raise Unusable("the table does not begin with the columns of an export")
        self._lost = False  # something is wrong and has been said, and what follows it cannot be compared

    def compare(self, line: dict[str, Any]) -> str | None:
        """What is wrong with the row of a record, the first time that anything is."""
        if self._lost:
            return None
        try:
            members = dict(json.loads(line["record"]))
        except (ValueError, TypeError):
            members = {}  # the record was changed, and has been named
        cells = [self._cell(line, members, column) for column in COLUMNS]
        place = self._file.tell()
        if self._same(cells):
            return None
        self._lost = True
        self._file.seek(place)
        wanted, found = [str(cell) for cell in cells], list[str]()
        with contextlib.suppress(csv.Error):
            wanted = next(csv.reader([row_of(cells).decode()]))
            found = next(csv.reader([self._file.readline(1 << 20).decode(errors="replace")]), [])
        which = [column for column, a, b in zip(COLUMNS, wanted, found) if a != b]  # noqa: B905  # Python 3.9
        told = f"its {which[0]} is another" if which else "it is missing or written in another way"
        return f"The row of record {line['seq']} in the table does not say what was recorded: {told}."

    def rest(self) -> str | None:
        """What is wrong with the table after its last row."""
        if self._lost:
            return None
        return "The table has more rows than there are records." if self._file.read(1) else None

    def _same(self, cells: list[object]) -> bool:
        wanted = row_of(cells)
        return self._file.read(len(wanted)) == wanted

    def _cell(self, line: dict[str, Any], members: dict[str, Any], column: str) -> object:
        if column in ("seq", "hash"):
            return line[column]
        value = members.get(column)
        if column == "username":
            value = line.get("personal", {}).get("username", {}).get("value", "")
        if isinstance(value, (list, dict)):
            value = json.dumps(value, ensure_ascii=False)
        return FORMULA.sub(lambda found: f"{found.group()}'", value) if isinstance(value, str) else value


def row_of(cells: list[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def header_of(raw: bytes) -> dict[str, Any]:
    """Raises Unusable unless it is the first line of an export."""
    try:
        header = parsed(raw)
        if header.get("format") != FORMAT:
            raise ValueError(f"it does not say {FORMAT}")
        shaped(header, HEADER)
        hashed(header["public_key"])
    except ValueError as error:
        raise Unusable(f"its first line is none of an export: {error}") from None
    return header


def parsed(raw: bytes) -> dict[str, Any]:
    """Read one line, which has one spelling: no spaces, no member twice, nothing escaped that need not be.

    Raises:
        ValueError: it is not as an appliance writes it.
    """
    try:
        text = raw.decode()
        line = json.loads(text)
        again = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
    except (ValueError, RecursionError):
        raise ValueError("it is not a line of JSON") from None
    if not isinstance(line, dict) or again != text:
        raise ValueError("it is not written as an appliance writes it")
    return line


def plain(raw: bytes) -> tuple[int, bytes, str] | None:
    """Number, hash and record of a line that opens nothing, read in half the time; None for any other, and for one that is
    not as it should be.
    """
    try:
        text = raw.decode()
        if (found := PLAIN.match(text)) is None:
            return None
        record, end = json.decoder.scanstring(text, found.end())  # type: ignore[attr-defined]
    except ValueError:
        return None
    # One spelling: what is escaped in it is what has to be, and nothing follows.
    if json.encoder.encode_basestring(record) != text[found.end() - 1 : end] or text[end:] != "}\n":
        return None
    return int(found[1]), bytes.fromhex(found[2]), record


def shaped(line: object, shape: Shape, optional: Shape | None = None) -> None:
    """Raises ValueError unless an object has these members, in this order and of these types, and no others."""
    if not isinstance(line, dict):
        raise ValueError("it has other members than it should")  # noqa: TRY004
    wanted = {**shape, **{name: kind for name, kind in (optional or {}).items() if name in line}}
    if list(line) != list(wanted) or any(type(line[name]) is not kind for name, kind in wanted.items()):
        raise ValueError("it has other members than it should")


def hashed(text: object) -> bytes:
    """Raises ValueError unless it is 32 bytes in small hex letters."""
    if not isinstance(text, str) or not HASH.fullmatch(text):
        raise ValueError("it holds something that is no hash")
    return bytes.fromhex(text)


def hashes(texts: list[Any]) -> list[bytes]:
    return [hashed(text) for text in texts]


def listed_head(note: str, key: bytes, final: Note, find: Callable[[str], None]) -> Note | None:
    """What a list of heads says of the log of `final`; None where it does not count, and that has been found.

    Raises:
        Unusable: it says nothing of that log.
    """
    try:
        _, logs = open_heads(note, key)
    except ValueError as error:
        find(f"The list of heads you gave does not count: {error}.")
        return None
    log = final.origin.split("/", 2)[2]
    if log not in logs:
        raise Unusable("the list of heads you gave says nothing of this log")
    return Note(final.origin, *logs[log], 0, [])


def alone(note: Note) -> Note:
    """Raises ValueError if it carries signatures that nothing here can check."""
    if note.others:
        raise ValueError("it carries a signature that cannot be checked")
    return note


def _records(count: int) -> str:
    return f"{count} record" if count == 1 else f"{count} records"


def _span(first: int, last: int) -> str:
    return f"record {first}" if first == last else f"records {first} to {last}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an exported audit log, offline.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", type=bytes.fromhex, help="the node's public key, in hex, from elsewhere")
    parser.add_argument("--kept", type=Path, action="append", default=[], help="a checkpoint that was kept elsewhere")
    parser.add_argument("--table", type=Path, help="the same records exported as .csv, to be compared with them")
    parser.add_argument(
        "--witness", action="append", default=[], help="the key of a witness, NAME+ID+KEY, from elsewhere"
    )
    options = parser.parse_args(arguments)
    try:
        witnesses = Witnesses(options.witness)
    except ValueError:
        parser.error("--witness takes NAME+ID+KEY, as the witness prints it")
    try:
        with contextlib.ExitStack() as files:
            lines = files.enter_context(options.export.open("rb"))
            table = None if options.table is None else Table(files.enter_context(options.table.open("rb")))
            kept = [kept_note(path) for path in options.kept]
            check = read(lines, kept, options.key, table, witnesses)
    except (OSError, UnicodeDecodeError, Unusable) as error:
        print(f"cannot check {options.export}: {error or type(error).__name__}")
        return 2
    print("\n".join(check.facts))
    for problem in check.problems[:50]:
        print(f"NOT AS WRITTEN  {problem}")
    if check.problems:
        count = len(check.problems)
        which = "" if check.first is None else f"; the first bad one is {check.first}"
        what = "record is NOT as it was written"
        if isinstance(check, Receipt):
            what = "answer is NOT as it was recorded"
        elif isinstance(check, Heads):
            what = "list is NOT as the node signed it"
        print(f"The {what}: {count} {'finding' if count == 1 else 'findings'}{which}.")
        return 1
    if isinstance(check, Heads):
        print("The list is as the node signed it. Keep it, and give it with --kept to check an export.")
        return 0
    what = "answer is as it was given and recorded" if isinstance(check, Receipt) else "record is as it was written"
    print(f"The {what}, up to its checkpoint.")
    return 0


def read(
    file: BinaryIO, kept: list[str], key: bytes | None, table: Table | None = None, witnesses: Witnesses | None = None
) -> Check | Receipt | Heads:
    """Check an export, a receipt or a list of heads, whichever it is. Raises Unusable if it is none of them."""
    first = file.readline(MOST)
    if LISTED.match(first[:64].decode(errors="replace")):
        heads = Heads(key)
        heads.run(first + file.read(MOST))
        return heads
    if RECEIPT.encode() not in first[:60]:
        check = Check(kept, key, table, witnesses)
        check.run(itertools.chain([first], file) if first else iter(()))
        return check
    if len(first) >= MOST or file.read(1):
        raise Unusable("it is no receipt: something stands after its line")
    receipt = Receipt(kept, key, witnesses)
    receipt.run(first)
    return receipt


def kept_note(path: Path) -> str:
    """A checkpoint as somebody kept it, whose last line may have lost its end."""
    return path.read_text(encoding="utf-8").rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.exit(main())
