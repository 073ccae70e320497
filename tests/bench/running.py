"""Cold start, idle memory, ingest of the demo plant, and time to the first quote over it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import psutil

from tests.bench.figures import Figure, quantile
from tests.node import ROOT, RunningNode, demo_counts

STARTS = 5


def measure(folder: Path) -> list[Figure]:
    """Start a demo node, let it fill, ask it every golden question, let it rest, restart it."""
    node = RunningNode(folder / "node", demo=True)
    with node:
        began = time.monotonic()
        for tenant, count in demo_counts().items():
            node.wait_for_documents(tenant, count)
        figures = [_ingest(time.monotonic() - began), *questions(node, golden(), "the demo plant"), *_memory(node)]
    return [*figures, _cold_start(node)]


def golden() -> list[tuple[str, str]]:
    """(tenant, question) of the demo plant."""
    return [(one["tenant"], one["question"]) for one in json.loads((ROOT / "demo" / "golden.json").read_text())]


def questions(node: RunningNode, asked: list[tuple[str, str]], where: str) -> list[Figure]:
    """Time to the first passages as a client sees it, and to the verdict, each question once."""
    first: list[float] = []
    whole: list[float] = []
    clients = {tenant: node.owner(tenant) for tenant, _ in asked}
    for client in clients.values():
        client.post("/v1/chat", json={"message": "warm up"})
    for tenant, question in asked:
        to_first, to_end = stream(clients[tenant], question)
        first.append(to_first * 1000)
        whole.append(to_end * 1000)
    for client in clients.values():
        client.close()
    p95 = quantile(first, 0.95)
    note = f"{len(asked)} questions, one after another"
    return [
        Figure(f"time to first quote p50, {where}", quantile(first, 0.5), "ms", note),
        Figure(f"time to first quote p95, {where}", p95, "ms", note, aim="< 300 ms", met=p95 < 300),
        Figure(f"time to the verdict p50, {where}", quantile(whole, 0.5), "ms", note),
        Figure(f"time to the verdict p95, {where}", quantile(whole, 0.95), "ms", note),
    ]


def stream(client: httpx.Client, question: str) -> tuple[float, float]:
    """Seconds until the first event and until the last, measured at the client."""
    began = time.perf_counter()
    first = 0.0
    with client.stream("POST", "/v1/chat", json={"message": question, "stream": True}) as response:
        for line in response.iter_lines():
            if line.startswith("data:") and not first:
                first = time.perf_counter() - began
    return first, time.perf_counter() - began


def _ingest(seconds: float) -> Figure:
    pages = demo_pages()
    return Figure("ingest of the demo plant", pages / seconds, "pages/s", f"{pages} pages in {seconds:.0f} s")


def demo_pages() -> int:
    """Pages of the demo plant: as printed for PDF, one per 3,000 characters of source for the rest."""
    import pypdfium2

    pages = 0
    for path in sorted((ROOT / "demo" / "plant").rglob("*")):
        if path.suffix == ".pdf":
            pages += len(pypdfium2.PdfDocument(path))
        elif path.suffix in {".md", ".txt", ".docx"}:
            pages += max(1, path.stat().st_size // (3000 if path.suffix != ".docx" else 12000))
    return pages


def _memory(node: RunningNode) -> list[Figure]:
    time.sleep(5)
    figures = []
    total = 0.0
    for name, pid in node.pids().items():
        family = [psutil.Process(pid)]
        if name != "supervisor":
            family += family[0].children(recursive=True)
        mib = sum(one.memory_full_info().pss for one in family) / 2**20
        total += mib
        figures.append(Figure(f"idle memory: {name}", mib, "MiB", "proportional set size"))
    return [
        *figures,
        Figure("idle memory: all", total, "MiB", "proportional set size", aim="< 500 MiB", met=total < 500),
    ]


def _cold_start(node: RunningNode) -> Figure:
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        with RunningNode(node.data, demo=False):
            times.append(time.monotonic() - began)
    median = quantile(times, 0.5)
    return Figure("cold start to ready", median, "s", f"median of {STARTS} starts", aim="< 3 s", met=median < 3)
