"""What the record costs and how fast it is verified: `python -m tests.bench.audit --records 200000`.

    with      32 people ask who they are: token, policy, a durable record before and after
    without   the same application in the same process, whose recorder forgets what it is given

Both in turn over the application's own interface, without a network between; the disk's fdatasync stands beside. The script of
the auditor runs as an auditor runs it, over exports of two lengths, so that what its memory grows by is seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import httpx
import uvloop

from appliance.audit import NewRecord, Recorder
from appliance.audit.instances import Instance
from appliance.audit.notes import Checkpoint, Signer
from appliance.audit.records import Leaf, Sealer, prepare
from appliance.audit.rules import Tree
from appliance.audit.verify import verify
from appliance.compose import web
from appliance.settings import load
from appliance.store import RecordRef, TenantId, new_id, open_store
from tests.bench.figures import Figure, quantile, report
from tests.bench.gate import fdatasync
from tests.node import ROOT, RunningNode

AT_ONCE: Final = 32
SECONDS: Final = 4.0
TURNS: Final = 3
APPENDS: Final = 8_000
LIVE: Final = 20_000
SCRIPT: Final = ROOT / "packaging" / "verify_audit.py"
WATCHED: Final = """
import runpy, sys
del sys.argv[0]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
AIM_SHARE: Final = 0.7
AIM_VERIFY: Final = 150_000


async def _unrecorded(_: Recorder, *records: NewRecord) -> list[RecordRef]:
    return [RecordRef("nowhere", 0, record.id) for record in records]


def requests(folder: Path, disk: float) -> list[Figure]:
    """Requests a second with the record and without, in turn."""
    with RunningNode(folder / "node", demo=False) as node:
        body = node.own("admin", "plant")
    settings = replace(load({}), data=node.data)

    async def both() -> tuple[list[float], list[float]]:
        async with web(settings) as (app, _, _):
            transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its own messages
            async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
                token = (await client.post("/v1/auth/login", json=body)).raise_for_status().json()["access_token"]
                client.headers["authorization"] = f"Bearer {token}"
                kept, bare = [], []
                for _ in range(TURNS):
                    kept.append(await _rate(client))
                    with patch.object(Recorder, "append", _unrecorded):
                        bare.append(await _rate(client))
        return kept, bare

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        kept, bare = runner.run(both())
    share = quantile(kept, 0.5) / quantile(bare, 0.5)
    aim = f">= {AIM_SHARE}"
    return [
        Figure("fdatasync of 4 KiB p50", disk, "ms"),
        Figure(f"requests/s without the record, {AT_ONCE} clients", quantile(bare, 0.5), "1/s", "token, policy"),
        Figure("requests/s with it", quantile(kept, 0.5), "1/s", "two durable records", share, aim, share >= AIM_SHARE),
    ]


async def _rate(client: httpx.AsyncClient) -> float:
    done, began = 0, time.perf_counter()

    async def person() -> None:
        nonlocal done
        while time.perf_counter() - began < SECONDS:
            (await client.get("/v1/auth/me")).raise_for_status()
            done += 1

    await asyncio.gather(*(person() for _ in range(AT_ONCE)))
    return done / (time.perf_counter() - began)


async def appends(folder: Path, disk: float) -> list[Figure]:
    """How long one append takes among 32, and how fast the node verifies its own log."""
    store = await open_store(folder / "log")
    await store.migrate()
    tenant = await store.create_tenant("bench", "Bench")
    recorder = Recorder(store, Instance(store.data / "run"))
    times: list[float] = []

    async def one() -> None:
        for _ in range(APPENDS // AT_ONCE):
            began = time.perf_counter()
            await recorder.append(_made(tenant.id))
            times.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    for _ in range((LIVE - APPENDS) // 500):
        await recorder.append(*(_made(tenant.id) for _ in range(500)))
    await recorder.close()
    began = time.perf_counter()
    report = await verify(store)
    rate = LIVE / (time.perf_counter() - began)
    assert report.ok
    await store.close()
    p99 = quantile(times, 0.99)
    return [
        Figure(f"append p50, {AT_ONCE} at once", quantile(times, 0.5), "ms"),
        Figure(f"append p99, {AT_ONCE} at once", p99, "ms", "beside fdatasync", p99 / disk),
        Figure("outpost audit verify", rate, "records/s", f"{LIVE:,} records with a name each, encrypted"),
    ]


def script(folder: Path, records: int) -> list[Figure]:
    """The auditor's script over an export of a tenth, and of all."""
    rates, peaks = [], []
    tree = Tree()
    for count in (records // 10, records):
        tree = _exported(folder / f"{count}.jsonl", count)
        began = time.perf_counter()
        peaks.append(asyncio.run(_peak(folder / f"{count}.jsonl")))
        rates.append(count / (time.perf_counter() - began))
    proof = tree.inclusion_proof(records // 2)
    size = len(json.dumps([node.hex() for node in proof]))
    return [
        Figure("verify_audit.py", rates[-1], "records/s", f"{records:,} records, start included", rates[-1] / rates[0],
               f">= {AIM_VERIFY:,}", rates[-1] >= AIM_VERIFY),
        Figure("its memory", peaks[-1], "MiB", f"over a tenth of them {peaks[0]:.1f} MiB", peaks[-1] / peaks[0], "<= 1.1",
               peaks[-1] <= 1.1 * peaks[0]),
        Figure("an inclusion proof", 32.0 * len(proof), "bytes", f"{size} in a file; log2 is {math.log2(records):.1f}"),
    ]  # fmt: skip


async def _peak(export: Path) -> float:
    """The most memory that the script held, in MiB, as the system counted it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", WATCHED, str(SCRIPT), str(export), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert b"as it was written" in said, said.decode()
    return int(said.split()[-1]) / 1024


def _made(tenant_id: TenantId) -> NewRecord:
    """A record as a question leaves one."""
    return NewRecord(
        tenant_id=tenant_id, event_type="chat.request", phase="single", correlation_id=new_id(), user_id=new_id(),
        resource_type="conversation", request_hash="ab" * 32, metadata={"action": "chat.ask", "clearance": 2},
        personal={"username": "nora.north"}, actor_kind="person", role="viewer", policies=("viewers-ask-and-read",),
        pack_version="bench",
    )  # fmt: skip


def _exported(path: Path, count: int) -> Tree:
    """An export of so many records by a node that never was; what is written is what `outpost audit export` writes."""
    signer, tenant_id, tree = Signer(b"b" * 32), TenantId(uuid.UUID(int=5)), Tree()
    sealer = Sealer(lambda _: b"k" * 32)
    log = f"{tenant_id}/1"
    leaves: Iterator[Leaf] = (
        prepare(_made(tenant_id), node=signer.node_id, epoch=1, sealer=sealer) for _ in range(count)
    )
    body = path.with_suffix(".body")
    with body.open("w", encoding="utf-8") as file:
        for seq, leaf in enumerate(leaves):
            tree.append(leaf.hash)
            file.write(_line({"seq": seq, "hash": leaf.hash.hex(), "record": leaf.record.decode()}))
    note = signer.sign(Checkpoint(signer.origin(log), count, tree.root()))
    head: dict[str, Any] = {"format": "outpost-audit-export/1", "log": log, "origin": signer.origin(log)}
    head |= {"public_key": signer.public_key.hex(), "size": count, "whole": True, "checkpoint": note}
    with path.open("w", encoding="utf-8") as file, body.open(encoding="utf-8") as lines:
        file.write(_line(head))
        for line in lines:
            file.write(line)
    body.unlink()
    return tree


def _line(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000, help="of the export that the script verifies")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="outpost-bench-") as name:
        folder = Path(name)
        disk = fdatasync(folder)
        figures = requests(folder, disk)
        figures += asyncio.run(appends(folder, disk))
        figures += script(folder, options.records)
    report("audit", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
