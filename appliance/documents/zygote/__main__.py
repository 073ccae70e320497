"""The program behind the sandbox: loads the parsers once, gives up its rights, and forks a child for each file.

Run as `python -m appliance.documents.zygote FD`, where FD is one end of a SOCK_SEQPACKET pair.

```
parent -> zygote   {"id", "do": "parse"|"render", ...}  + [input file, output pipe]
parent -> zygote   {"id", "do": "stop"}
zygote -> parent   {"hello": {"network", "files", "calls"}}                     once
zygote -> parent   {"id", "exit": code | -signal, "late": bool}                 when the child has ended
child  -> pipe     one byte ("P" parsed, "U" unreadable, "I" image), then JSON or PNG
```

It ends when the parent closes its end. Nothing a child says is trusted by the parent.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import Any

from appliance.documents.blocks import to_wire
from appliance.documents.parsing.dispatch import Bounds, parse
from appliance.documents.parsing.failure import Unreadable
from appliance.documents.parsing.pdf_image import render_page
from appliance.documents.zygote import MESSAGE, confinement


@dataclass(slots=True)
class _Child:
    id: int
    pid: int
    handle: int
    deadline: float
    late: bool = False


def main(control: socket.socket) -> None:
    _preload()
    gc.freeze()
    confinement.forbid_new_privileges()
    network = confinement.leave_network()
    files = confinement.leave_files(confinement.interpreter_folders())
    hello = {"network": network, "files": files, "calls": _probe_calls()}
    control.send(json.dumps({"hello": hello}).encode())
    _serve(control)


def _preload() -> None:
    """Codecs and lazily imported parts that a child may need when files are out of reach."""
    for encoding in ("cp1252", "utf-16", "utf-8-sig", "latin-1", "cp437"):
        b"".decode(encoding)
    import docx
    from lxml import etree

    docx.Document()
    etree.fromstring("<a/>")


def _probe_calls() -> str:
    """Whether a child can be held by seccomp: tried in one, for it cannot be undone."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, confinement.forbid_calls().encode())
        os._exit(0)
    os.close(write)
    answer = os.read(read, 64).decode()
    os.close(read)
    os.waitpid(pid, 0)
    return answer


def _serve(control: socket.socket) -> None:
    children: dict[int, _Child] = {}
    while True:
        poll = select.poll()
        poll.register(control, select.POLLIN)
        for child in children.values():
            poll.register(child.handle, select.POLLIN)
        now = time.monotonic()
        nearest = min((child.deadline - now for child in children.values() if not child.late), default=None)
        ready = poll.poll(None if nearest is None else max(0, int(nearest * 1000) + 1))
        for handle, _ in ready:
            if handle != control.fileno():
                _reap(control, children.pop(handle))
        if any(handle == control.fileno() for handle, _ in ready) and not _receive(control, children):
            break
        for child in children.values():
            if not child.late and time.monotonic() >= child.deadline:
                child.late = True
                signal.pidfd_send_signal(child.handle, signal.SIGKILL)
    for child in children.values():
        signal.pidfd_send_signal(child.handle, signal.SIGKILL)


def _reap(control: socket.socket, child: _Child) -> None:
    _, status = os.waitpid(child.pid, 0)
    os.close(child.handle)
    code = os.waitstatus_to_exitcode(status)
    control.send(json.dumps({"id": child.id, "exit": code, "late": child.late}).encode())


def _receive(control: socket.socket, children: dict[int, _Child]) -> bool:
    message, handles, _, _ = socket.recv_fds(control, MESSAGE, 2)
    if not message:
        return False
    request = json.loads(message)
    if request["do"] == "stop":
        for child in children.values():
            if child.id == request["id"]:
                signal.pidfd_send_signal(child.handle, signal.SIGKILL)
        return True
    source, sink = handles
    pid = os.fork()
    if pid == 0:
        control.close()
        for other in children.values():
            os.close(other.handle)
        _work(request, source, sink)
    os.close(source)
    os.close(sink)
    handle = os.pidfd_open(pid)
    children[handle] = _Child(request["id"], pid, handle, time.monotonic() + request["seconds"])
    return True


def _work(request: dict[str, Any], source: int, sink: int) -> None:
    """The child: never returns."""
    code = 1
    try:
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        confinement.forbid_calls()
        confinement.limit_resources(memory=request["memory"], cpu_seconds=request["cpu_seconds"])
        kind, body = _answer(request, source)
        if len(body) > request["output"]:
            kind, body = b"U", b'"The file holds more text than is read."'
        view = memoryview(kind + body)
        while view:
            view = view[os.write(sink, view) :]
        code = 0
    finally:
        os._exit(code)


def _answer(request: dict[str, Any], source: int) -> tuple[bytes, bytes]:
    try:
        with os.fdopen(source, "rb") as file:
            if request["do"] == "render":
                return b"I", render_page(file, request["page"], request["width"])
            bounds = Bounds(pages=request["pages"], characters=request["characters"])
            parsed = parse(file, request["filename"], bounds)
            return b"P", json.dumps(to_wire(parsed), ensure_ascii=False, separators=(",", ":")).encode(
                "utf-8", "replace"
            )
    except Unreadable as refusal:
        reason = str(refusal)
    except MemoryError:
        reason = "Reading the file needs more memory than is allowed."
    except RecursionError:
        reason = "The file is nested deeper than is read."
    except Exception as error:
        # A parser met something nobody foresaw; the type helps whoever looks into it and gives nothing away.
        reason = f"The file could not be read: it is damaged ({type(error).__name__})."
    return b"U", json.dumps(reason).encode()


if __name__ == "__main__":
    # A terminal's Ctrl-C is meant for the parent, which closes the socket when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(socket.socket(fileno=int(sys.argv[1])))
