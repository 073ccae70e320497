"""A collector of traces as a plant may run one: takes OTLP over HTTP in protobuf, and keeps what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Taken:
    """One span as it arrived."""

    name: str
    trace: UUID
    id: bytes
    within: bytes
    facts: Mapping[str, Any]
    failed: bool
    events: int
    resource: Mapping[str, Any]


@dataclass
class Collector:
    """What has arrived. `refuses` is the status that it answers with instead of taking anything."""

    port: int = 0
    spans: list[Taken] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    refuses: int | None = None
    location: str = ""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def named(self, name: str) -> list[Taken]:
        return [one for one in list(self.spans) if one.name == name]


@contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """A collector on loopback."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.asked.append((self.path, self.headers["content-type"]))
            if collector.refuses is None:
                collector.bodies.append(body)
                collector.spans += taken(body)
            self.send_response(collector.refuses or 200)
            self.send_header("content-length", "0")
            if collector.location:
                self.send_header("location", collector.location)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        collector.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield collector
        finally:
            server.shutdown()
            serving.join()


def taken(body: bytes) -> list[Taken]:
    """The spans of one request."""
    found = ExportTraceServiceRequest.FromString(body)
    return [
        Taken(
            one.name, UUID(bytes=one.trace_id), one.span_id, one.parent_span_id, _facts(one.attributes),
            one.status.code == 2, len(one.events) + len(one.links), _facts(each.resource.attributes),
        )
        for each in found.resource_spans
        for scope in each.scope_spans
        for one in scope.spans
    ]  # fmt: skip


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
