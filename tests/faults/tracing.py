"""A process that stands still before each of its changes to the disk, so that what a crash there leaves can be looked at.

The calls of the kernel are watched with ptrace(2), as strace does it. The process says `ready` on its standard output, is
watched from then on, and begins with its work when a line comes in.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CALLS: Final = {
    "x86_64": {
        1: "write", 18: "pwrite64", 20: "writev", 74: "fsync", 75: "fdatasync", 76: "truncate", 77: "ftruncate",
        82: "rename", 83: "mkdir", 87: "unlink", 257: "openat", 263: "unlinkat", 264: "renameat", 296: "pwritev",
    },
    "aarch64": {
        34: "mkdirat", 35: "unlinkat", 38: "renameat", 45: "truncate", 46: "ftruncate", 56: "openat", 64: "write",
        66: "writev", 68: "pwrite64", 70: "pwritev", 82: "fsync", 83: "fdatasync",
    },
}  # fmt: skip
_OF_A_FILE: Final = {"write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync", "ftruncate"}
SYNCS: Final = {"fsync", "fdatasync"}
CALLS: Final = _CALLS.get(platform.machine(), {})
"""The calls that change a disk, by their number here; none where this is another kind of processor."""

_SEIZE, _INTERRUPT, _GO, _INFO = 0x4206, 0x4207, 24, 0x420E
_OPTIONS: Final = 0x1 | 0x8 | 0x100000  # tell calls from signals, follow threads, end with the one who watches
_STOPPED_AT_CALL: Final = signal.SIGTRAP | 0x80
_WALL: Final = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


@dataclass(frozen=True, slots=True)
class Call:
    """A change that is about to be made: the name of the call, and the file, where it is given as an open one."""

    name: str
    path: Path | None


def watch(
    command: Sequence[str], folder: Path, *, before: Callable[[Call], None], synced: Callable[[Path], None], cwd: Path
) -> int:
    """Run `command` to its end and return its exit status.

    Args:
        folder: changes of files elsewhere are not told.
        before: called while the process stands before a change.
        synced: called when the kernel has said that a file is on the disk.
    """
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin, process.stdout:
            line = process.stdout.readline()
            if line != b"ready\n":
                raise AssertionError(f"it did not begin: {line!r}")
            for thread in (Path("/proc") / str(process.pid) / "task").iterdir():
                _ptrace(_SEIZE, int(thread.name), data=_OPTIONS)
                _ptrace(_INTERRUPT, int(thread.name))
            process.stdin.write(b"go\n")
            process.stdin.flush()
            process.returncode = _follow(process.pid, folder, before, synced)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    return process.returncode


def _follow(pid: int, folder: Path, before: Callable[[Call], None], synced: Callable[[Path], None]) -> int:
    syncing: dict[int, Path] = {}
    while True:
        thread, status = os.waitpid(-pid, _WALL)
        if not os.WIFSTOPPED(status):
            if thread == pid:
                return os.waitstatus_to_exitcode(status)
            continue
        stopped_by, passed_on = os.WSTOPSIG(status), 0
        if stopped_by == _STOPPED_AT_CALL:
            entering, value, first, flags = _call(thread)
            if entering:
                call = _changing(thread, value, first, flags, folder)
                if call is not None:
                    before(call)
                    if call.name in SYNCS and call.path is not None:
                        syncing[thread] = call.path
            elif (path := syncing.pop(thread, None)) is not None and value == 0:
                synced(path)
        elif status >> 16 == 0:
            passed_on = stopped_by
        _ptrace(_GO, thread, data=passed_on)


def _call(thread: int) -> tuple[bool, int, int, int]:
    """Whether the thread enters a call; its number, or what it returned; its first argument and the third."""
    found = ctypes.create_string_buffer(88)
    _ptrace(_INFO, thread, address=88, data=ctypes.addressof(found))
    operation = found.raw[0]
    if operation == 1:
        number, first, second, third = struct.unpack_from("=4Q", found.raw, 24)
        return True, number, first, third if CALLS.get(number) == "openat" else second
    return False, struct.unpack_from("=q", found.raw, 24)[0], 0, 0


def _changing(thread: int, number: int, first: int, flags: int, folder: Path) -> Call | None:
    name = CALLS.get(number)
    if name is None or (name == "openat" and not flags & (os.O_CREAT | os.O_TRUNC)):
        return None
    if name not in _OF_A_FILE:
        return Call(name, None)
    try:
        path = Path(f"/proc/{thread}/fd/{first}").readlink()
    except OSError:
        return None
    return Call(name, path) if path.is_relative_to(folder) else None


def _ptrace(request: int, thread: int, *, address: int = 0, data: int = 0) -> None:
    if _libc.ptrace(request, thread, address, data) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace {request:#x}: {os.strerror(error)}")
