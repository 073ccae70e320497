r"""The head file: the last signed checkpoint of every log, beside the log, so that a lost tail is seen.

It is written after a batch is durable and before the batch is acknowledged, and forced to the disk within half a second
of that: never newer than the log; never behind what was acknowledged while the machine runs, whatever processes die;
behind by at most that half second after a power cut. Pairs of lines of 1,024 bytes, each JSON padded with spaces, or blank:

    {"log": "8c0e.../1", "note": "outpost/...\n1803\n..."}        a log's two lines are written in turn:
    {"log": "8c0e.../1", "note": "outpost/...\n1804\n..."}        a torn write leaves the other one
    {"log": "8c0e.../1", "note": "...", "disputed": true}         a head that the log no longer has; kept for ever
                                                                  (blank)

Overwriting in place and one fdatasync for many batches keep it out of the way: replacing the file each time would cost
two forced writes (file and directory) beside the log's own one, twice for every request.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.audit.errors import MalformedNote
from appliance.audit.notes import Checkpoint, verified
from appliance.audit.values import LogName

HEAD_FILE: Final = "audit.heads.json"
LINE: Final = 1024
BLANK: Final = b" " * (LINE - 1) + b"\n"


@dataclass(frozen=True, slots=True)
class SavedHead:
    """A checkpoint found in the head file, its signature checked."""

    log: LogName
    checkpoint: Checkpoint
    note: str
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Heads:
    """What the head file says. `damaged` counts lines that are neither whole nor signed by this node."""

    present: bool
    latest: Mapping[LogName, SavedHead]
    disputed: tuple[SavedHead, ...] = ()
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    log: LogName
    size: int
    note: str
    disputed: bool


class HeadFile:
    """The head file of one data directory; several processes may write it.

    Args:
        path: made with its first line.
        node_id: whose logs these are.
        public_key: what signs them.
    """

    def __init__(self, path: Path, *, node_id: str, public_key: bytes) -> None:
        self.path = path
        self._node_id = node_id
        self._public_key = public_key
        self._inode = -1
        self._places: dict[LogName, int] = {}

    def read(self) -> Heads:
        """Read and verify every line; a file that is not there is `present=False`."""
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                raw = file.read()
        except FileNotFoundError:
            return Heads(present=False, latest={})
        latest: dict[LogName, SavedHead] = {}
        disputed: list[SavedHead] = []
        damaged = int(len(raw) % LINE != 0)
        for at in range(0, len(raw) - LINE + 1, LINE):
            line = raw[at : at + LINE]
            if line == BLANK:
                continue
            head = self._verified(line)
            if head is None:
                damaged += 1
            elif head.disputed:
                disputed.append(head)
            elif head.log not in latest or latest[head.log].checkpoint.size < head.checkpoint.size:
                latest[head.log] = head
        return Heads(present=True, latest=latest, disputed=tuple(disputed), damaged=damaged)

    def write(self, notes: Mapping[LogName, str]) -> None:
        """Write newer heads; one that is older than what stands there (another process was first) is left out.

        A process that dies loses nothing of it; a power cut may, until `sync`.
        """
        with self._locked() as handle:
            grown = False
            for log, note in notes.items():
                grown |= self._put(handle, log, note)
            if grown:
                os.fsync(handle)

    def sync(self) -> None:
        """Make what was written durable."""
        with self._locked() as handle:
            os.fdatasync(handle)

    def restart(self, notes: Mapping[LogName, str], *, disputed: Sequence[SavedHead]) -> None:
        """Replace the file by the heads as they are now, keeping every disputed one; all or nothing."""
        content = b"".join(_line(log, note) + BLANK for log, note in sorted(notes.items()))
        content += b"".join(_line(head.log, head.note, disputed=True) + BLANK for head in disputed)
        with self._locked():
            draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, content)
                os.fsync(handle)
            finally:
                os.close(handle)
            draft.replace(self.path)
            self._sync_name()

    def _put(self, handle: int, log: LogName, note: str) -> bool:
        """Write one head over the older line of its pair; True if the file grew."""
        if log not in self._places:
            self._find(handle)
        if log not in self._places:
            end = _even(os.fstat(handle).st_size)
            os.pwrite(handle, _line(log, note) + BLANK, end)
            self._places[log] = end
            return True
        first = self._places[log]
        pair = os.pread(handle, 2 * LINE, first)
        sizes = [_size(pair[:LINE], log), _size(pair[LINE:], log)]
        if max(sizes) < _noted_size(note):
            os.pwrite(handle, _line(log, note), first + LINE * sizes.index(min(sizes)))
        return False

    def _find(self, handle: int) -> None:
        """Learn where the pairs stand, whichever process made them."""
        raw = os.pread(handle, os.fstat(handle).st_size, 0)
        for at in range(0, len(raw), LINE):
            line = _parsed(raw[at : at + LINE])
            if line is not None and not line.disputed:
                self._places[line.log] = at // (2 * LINE) * (2 * LINE)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file and lock it against other processes; it may have been replaced while we waited."""
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                inode = os.fstat(handle).st_ino
                if inode == _inode(self.path):
                    if inode != self._inode:
                        self._sync_name()
                        self._places.clear()
                        self._inode = inode
                    yield handle
                    return
            finally:
                os.close(handle)

    def _sync_name(self) -> None:
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _verified(self, raw: bytes) -> SavedHead | None:
        line = _parsed(raw)
        if line is None:
            return None
        try:
            checkpoint = verified(line.note, self._public_key, origin=f"outpost/{self._node_id}/{line.log}")
        except MalformedNote:
            return None
        return SavedHead(line.log, checkpoint, line.note, line.disputed)


def _line(log: LogName, note: str, *, disputed: bool = False) -> bytes:
    members: dict[str, object] = {"log": log, "note": note}
    if disputed:
        members["disputed"] = True
    raw = json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
    if len(raw) >= LINE:
        raise ValueError("a head does not fit its line")
    return raw.ljust(LINE - 1) + b"\n"


def _parsed(raw: bytes) -> _Line | None:
    try:
        members = json.loads(raw)
        return _Line(
            LogName(members["log"]), _noted_size(members["note"]), members["note"], members.get("disputed", False)
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _even(length: int) -> int:
    """Where the next pair begins in a file of so many bytes; what a crash left half written is overwritten."""
    return length // (2 * LINE) * (2 * LINE)


def _size(raw: bytes, log: LogName) -> int:
    line = _parsed(raw)
    return line.size if line is not None and line.log == log else -1


def _noted_size(note: str) -> int:
    return int(note.split("\n", 2)[1])
