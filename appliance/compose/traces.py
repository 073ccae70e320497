"""Sends spans to the collector of the plant: OTLP over HTTP in protobuf (opentelemetry-proto 1, `/v1/traces`).

Imported only where a collector is set. Spans wait in a queue of 2048 and go in batches; while nobody takes them the oldest are
dropped, and nothing waits for them.
"""

from __future__ import annotations

import ipaddress
import logging
import random
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import requests
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import StatusCode, Tracer, set_span_in_context

from appliance import __version__, plant, tracing
from appliance.metrics import SPANS
from appliance.settings import Settings

MOST_WAITING: Final = 2048
BATCH: Final = 256
EVERY_MS: Final = 2000
SEND_SECONDS: Final = 5.0
FLUSH_SECONDS: Final = 2.0
"""What a stopping process gives to the spans that still wait."""
PREFIX: Final = "outpost."
STANDARD: Final = frozenset(
    {"http.request.method", "http.route", "http.response.status_code", "gen_ai.request.model", "error.type"}
)
"""Names of OpenTelemetry's own; a fact whose name is none of these is ours."""

log = structlog.get_logger(__name__)


@contextmanager
def traced(settings: Settings, process: str) -> Iterator[None]:
    """Send the spans of this process to the collector while the block runs."""
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource(
            {
                "service.name": "outpost",
                "service.version": __version__,
                "service.namespace": settings.role,
                "deployment.environment": settings.profile,
                "outpost.process": process,
            }
        ),
        id_generator=_Ids(),
        shutdown_on_exit=False,
    )
    # Told once, in our words, by `_Watched`.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    host, _, port = settings.trace_collector.rpartition(":")
    line = _Line(host, int(port), beyond=settings.role == "hub")
    provider.add_span_processor(
        BatchSpanProcessor(
            _Watched(OTLPSpanExporter(endpoint=line.url, headers={}, timeout=SEND_SECONDS, session=line), process),
            max_queue_size=MOST_WAITING,
            schedule_delay_millis=EVERY_MS,
            max_export_batch_size=BATCH,
        )
    )
    tracing.taken_by(_Otel(provider.get_tracer("outpost", __version__)))
    try:
        yield
    finally:
        tracing.taken_by(None)
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)


class _Otel:
    """Our spans as OpenTelemetry's."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, name: str, within: tracing.Begun | None, trace: UUID | None) -> _Begun:
        if isinstance(within, _Begun):
            return _Begun(self._tracer.start_span(name, context=set_span_in_context(within.span)))
        _Ids.next.trace = trace
        try:
            return _Begun(self._tracer.start_span(name))
        finally:
            _Ids.next.trace = None


class _Begun:
    def __init__(self, span: OtelSpan) -> None:
        self.span = span

    def name(self, name: str) -> None:
        self.span.update_name(name)

    def fact(self, name: str, value: tracing.Fact) -> None:
        dotted = name.replace("__", ".")
        self.span.set_attribute(dotted if dotted in STANDARD else PREFIX + dotted, value)

    def end(self, failure: str | None) -> None:
        if failure is not None:
            # Never the message: libraries quote in it what they were given.
            self.span.set_attribute("error.type", failure)
            self.span.set_status(StatusCode.ERROR)
        self.span.end()


class _Ids(RandomIdGenerator):
    """The id of a trace is that of the request or job, where there is one."""

    class _Next(threading.local):
        trace: UUID | None = None

    next = _Next()

    def generate_trace_id(self) -> int:
        return self.next.trace.int if self.next.trace is not None else random.getrandbits(128) or 1


class _Line(requests.Session):
    """The way to one collector, and to nobody else: its name is looked up for each batch, the address found is judged, and that
    very address is connected to. No proxy of the environment is asked; redirects are not followed.
    """

    def __init__(self, host: str, port: int, *, beyond: bool) -> None:
        super().__init__()
        self.trust_env = False
        self._host, self._port, self._beyond = host, port, beyond
        self.url = f"http://{host}:{port}/v1/traces"

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        at = self._found()
        more["headers"] = {**(more.get("headers") or {}), "Host": f"{self._host}:{self._port}"}
        place = f"[{at}]" if at.version == 6 else str(at)
        return super().request(method, f"http://{place}:{self._port}/v1/traces", **more)

    def _found(self) -> plant.Address:
        try:
            answers = socket.getaddrinfo(self._host.strip("[]"), self._port, type=socket.SOCK_STREAM)
        except OSError:
            raise requests.ConnectionError("the collector is not known here") from None
        found = [ipaddress.ip_address(one[4][0]) for one in answers]
        if not self._beyond and not all(plant.inside(one) for one in found):
            raise requests.ConnectionError("the collector is not inside the plant")
        return found[0]


class _Watched(SpanExporter):
    """Counts what was taken and what was lost, and says once when that changes."""

    def __init__(self, exporter: SpanExporter, process: str) -> None:
        self._exporter, self._well = exporter, True
        self._log = log.bind(process=process)  # a thread of the SDK's own does not know it

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        well = result is SpanExportResult.SUCCESS
        SPANS.labels("sent" if well else "lost").inc(len(spans))
        if well is not self._well:
            self._well = well
            if well:
                self._log.info("the collector of traces takes them again")
            else:
                self._log.warning("the collector of traces does not take them; the node works on without")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)
