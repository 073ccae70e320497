"""What this process counts, in Prometheus' terms. Gauges of stored things are read when `/metrics` is scraped."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("outpost_http_requests_total", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "outpost_http_request_seconds",
    "Time to answer a request.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANSWERS = Counter("outpost_answers_total", "Questions answered, by kind of answer.", ["kind"])
QUOTE_SECONDS = Histogram(
    "outpost_time_to_quotes_seconds",
    "Time from a question to the first passages.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2),
)
JOBS = Gauge("outpost_jobs", "Jobs of all tenants, by state.", ["state"])
COMPONENT_UP = Gauge("outpost_component_up", "1 if the component works, 0 if not.", ["component"])
