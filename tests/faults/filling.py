"""A node on a small disk that somebody else fills up.

    unshare --user --map-root-user --mount python -m tests.faults.filling FOLDER

mounts the disk on FOLDER, where nobody else sees it, and prints one JSON document. Nothing asked in the end may be refused
but to take a document in; nothing acknowledged may be lost.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.faults.disks import Outcome, ask, missing
from tests.faults.kills import verify
from tests.node import ROOT, RunningNode

DISK_MIB = 192
ROUNDS = 12
APART = ("unshare", "--user", "--map-root-user", "--mount")


def possible() -> bool:
    """Whether this machine lets us have a disk of our own."""
    with contextlib.suppress(OSError):
        tried = subprocess.run([*APART, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True)
        return tried.returncode == 0
    return False


def filled(folder: Path) -> Outcome:
    """Run it in a process of its own."""
    command = [*APART, sys.executable, "-m", "tests.faults.filling", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
    return Outcome(**json.loads(done.stdout))


def _run(folder: Path) -> Outcome:
    found = Outcome()
    with RunningNode(folder / "node", demo=False) as node, node.owner(timeout=60) as door:
        ask(door, found)
        filler = folder / "somebody-elses"
        _fill(filler)
        began = time.monotonic()
        for _ in range(ROUNDS):
            found.tries += 1
            ask(door, found)
            time.sleep(0.5)
            _fill(filler, most=2**18)
        late = [one for one in found.refused if one["code"] not in {"record-unavailable", "store-full"}]
        found.wrong += [f"refused for another reason: {one}" for one in late]
        # The first may come before room has been given up.
        if len(found.acknowledged) < ROUNDS - 3:
            found.wrong.append(f"answered {len(found.acknowledged)} only, refused {found.refused[:3]}")
        upload = _upload(door, "full")
        if upload.is_success:
            found.wrong.append("a document was taken in by a full disk")
        found.wrong += [] if time.monotonic() - began < 120 else ["it took minutes"]
        _told(node, door, found)
        filler.unlink()
        found.lost = missing(door, found)
        if not _upload(door, "empty").is_success:
            found.wrong.append("no document is taken in after there was room")
        node.wait_for(lambda: (node.data / "reserve").stat().st_size == DISK_MIB * 2**20 // 16, "its room", seconds=20)
        verdict = verify(node)
        found.wrong += [verdict.stdout + verdict.stderr] if verdict.returncode else []
    return found


def _told(node: RunningNode, door: httpx.Client, found: Outcome) -> None:
    """The node's own look at its parts is done, and an admin hears of the disk."""
    answer = door.post("/v1/jobs", json={"type": "health.check"})
    if not answer.is_success:
        found.wrong.append(f"nobody can look how it is: {answer.text}")
        return
    where = f"/v1/jobs/{answer.json()['job_id']}"
    node.wait_for(lambda: door.get(where).json()["state"] in {"finished", "failed"}, "a look at its parts", seconds=60)
    with node.sign_in("admin", "plant") as admin:
        kinds = {one["kind"] for one in admin.get("/v1/notifications").raise_for_status().json()["items"]}
    if "disk.low" not in kinds:
        found.wrong.append(f"nobody hears of the full disk: {kinds}")


def _fill(path: Path, most: int | None = None) -> None:
    """Write until nothing goes in any more, or so much."""
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while most is None or most > 0:
            wrote = file.write(bytes(2**16))
            most = None if most is None else most - wrote


def _upload(door: httpx.Client, name: str) -> httpx.Response:
    files = {"file": (f"{name}.md", f"# {name}\n\nThe bolts get 47 Nm.\n".encode(), "text/markdown")}
    return door.post("/v1/documents/upload", files=files)


def main() -> None:
    folder = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700", "none", str(folder)], check=True)
    print(json.dumps(dataclasses.asdict(_run(folder))))


if __name__ == "__main__":
    main()
