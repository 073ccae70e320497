"""Taking rights away from a process, for good: network, files, system calls, resources. Linux only, no privileges.

```
zygote   network namespace of its own (unshare), Landlock: no file but the interpreter's may be read, none written
 └ child  seccomp: no sockets, programs, processes, tracing; rlimits: memory, time, open files, file size
```

Each step reports what it achieved. Where the kernel lacks one, the others still stand, and health says which.

Sources: landlock(7), seccomp(2), unshare(2), linux/landlock.h, linux/seccomp.h, asm/unistd.h of x86-64 and aarch64.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_SYS_LANDLOCK_CREATE_RULESET, _SYS_LANDLOCK_ADD_RULE, _SYS_LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1

_READ = (1 << 2) | (1 << 3)  # read a file, list a directory
_ACCESS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many file rights each version of Landlock knows; from 5 on it is 16."""

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_FORBIDDEN = {
    # socket connect accept bind listen socketpair accept4 clone fork vfork execve ptrace mount umount2 add_key
    # request_key keyctl unshare perf_event_open setns process_vm_readv process_vm_writev bpf execveat userfaultfd
    # io_uring_setup clone3
    "x86_64": (41, 42, 43, 49, 50, 53, 288, 56, 57, 58, 59, 101, 165, 166, 248, 249, 250, 272, 298, 308, 310, 311, 321,
               322, 323, 425, 435),
    "aarch64": (198, 203, 202, 200, 201, 199, 242, 220, 221, 117, 40, 39, 217, 218, 219, 97, 241, 268, 270, 271, 280,
                281, 282, 425, 435),
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


def leave_network() -> str:
    """Move into a network namespace that holds nothing. Returns "namespace", or "none" where that is not allowed."""
    if _libc.unshare(_CLONE_NEWNET) == 0 or _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        return "namespace"
    return "none"


def forbid_new_privileges() -> None:
    """No set-uid program raises rights again, and nobody of the same user may look into this process."""
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def leave_files(readable: Iterable[Path]) -> str:
    """Give up all files but reading below `readable`. Returns "landlock <version>", or "none" on an older kernel."""
    abi = _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        return "none"
    rights = (1 << _ACCESS_BY_ABI.get(abi, 16)) - 1
    network = 3 if abi >= 4 else 0  # bind and connect TCP
    scoped = 3 if abi >= 6 else 0  # abstract unix sockets, signals
    attributes = struct.pack("QQQ", rights, network, scoped)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _libc.syscall(_SYS_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return "none"
    try:
        for path in readable:
            _allow_reading(ruleset, path)
        if _libc.syscall(_SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
            return "none"
    finally:
        os.close(ruleset)
    return f"landlock {abi}"


def _allow_reading(ruleset: int, path: Path) -> None:
    with contextlib.suppress(OSError):  # a folder that is not there needs no permission
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = struct.pack("=Qi", _READ, handle)
            _libc.syscall(_SYS_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
        finally:
            os.close(handle)


def interpreter_folders() -> list[Path]:
    """Where Python's own modules and the system's fonts stand: a late import or a substitute font is no harm."""
    folders = {Path(entry) for entry in sys.path if entry}
    folders |= {Path(sys.base_prefix) / "lib", Path("/usr/share/fonts"), Path("/etc/fonts")}
    return sorted(folder for folder in folders if folder.is_dir())


def forbid_calls() -> str:
    """Refuse (EPERM) the calls that open sockets or make processes. Returns "seccomp", or "none" on other machines."""
    machine = platform.machine()
    forbidden = _FORBIDDEN.get(machine)
    if forbidden is None or sys.byteorder != "little":
        return "none"
    program = [
        (0x20, 0, 0, 4),  # load the architecture
        (0x15, 1, 0, _AUDIT_ARCH[machine]),
        (0x06, 0, 0, 0x80000000),  # another one: kill
        (0x20, 0, 0, 0),  # load the number of the call
    ]
    if machine == "x86_64":
        program += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, 0x00050001)]  # the x32 numbers: refuse
    for index, number in enumerate(forbidden):
        program.append((0x15, len(forbidden) - index, 0, number))
    program += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]  # allow; refuse with EPERM
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    fprog = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    done = _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, fprog, 0, 0)
    return "seccomp" if done == 0 else "none"


def limit_resources(*, memory: int, cpu_seconds: int) -> None:
    """Bounds on this process: `memory` bytes of address space, processor time, no file may grow, few may be open."""
    for kind, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    # The soft limit ends the process with SIGXCPU, the hard one with SIGKILL should it be ignored.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
