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
MODEL_TOKENS = Counter("outpost_model_tokens_total", "Tokens read and written by chat models.", ["model", "kind"])
MODEL_SECONDS = Histogram(
    "outpost_model_seconds",
    "Time that a chat model took for an answer.",
    ["model"],
    buckets=(0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
BREAKER = Gauge("outpost_chat_breaker_open", "1 while nobody is sent to a chat model because it fails.", ["provider"])
PROVIDER_UP = Gauge("outpost_provider_up", "1 if a provider of chat models answered when last looked at.", ["provider"])
PROVIDER_LATENCY = Gauge(
    "outpost_provider_latency_seconds", "How soon a provider answered when last looked at.", ["provider"]
)
ROUTED = Counter(
    "outpost_routed_total", "Answers that were to be written, by tier, who was asked, and what came of it.",
    ["tier", "served_by", "outcome"],
)  # fmt: skip
ESCALATED = Counter("outpost_escalated_total", "Answers that another model was asked for, by why.", ["why"])
SENTENCES = Counter("outpost_worded_sentences_total", "Sentences of chat models, by what the gate said.", ["judged"])
GUARDED = Counter("outpost_guard_texts_total", "Texts screened for orders to a model, by verdict.", ["verdict"])
VIOLATIONS = Counter(
    "outpost_guard_violations_total",
    "What the guard found, by kind, where, and what was done.",
    ["kind", "where", "action"],
)
RATE_CHECKED = Counter(
    "outpost_rate_limit_checked_total", "Requests held against limits, by what came of it.", ["verdict"]
)
RATE_VIOLATIONS = Counter(
    "outpost_rate_limit_violations_total", "Requests refused, by the window that was full.", ["window"]
)
RATE_USED = Histogram(
    "outpost_rate_limit_used_ratio",
    "How much of a window was used when a request was counted in it.",
    ["window"],
    buckets=(0.1, 0.25, 0.5, 0.75, 0.9, 1),
)
RATE_DEGRADED = Gauge(
    "outpost_rate_limit_degraded", "1 while the shared counters do not answer and each process counts for itself."
)
BUDGET_USED = Gauge(
    "outpost_budget_used_ratio",
    "How much of a budget of a plant, or of a provider in it, is used in its day or month.",
    ["tenant", "counts", "period", "provider"],
)
JOBS = Gauge("outpost_jobs", "Jobs of all tenants, by state.", ["state"])
JOBS_BY_TYPE = Gauge("outpost_jobs_by_type", "Jobs of all tenants, by type and state.", ["type", "state"])
JOB_OLDEST = Gauge("outpost_job_oldest_seconds", "How long the oldest job that could run has waited.", ["type"])
JOB_SECONDS = Gauge(
    "outpost_job_seconds", "How long jobs that ended in the last hour ran, as mean and max.", ["type", "figure"]
)
JOB_ENDED = Gauge("outpost_job_ended", "Jobs that ended in the last hour, by how.", ["type", "state"])
JOB_RETRIES = Gauge("outpost_job_retries", "Further tries of jobs that are open or ended in the last hour.", ["type"])
JOB_DEAD = Gauge("outpost_job_dead", "Jobs that failed and are still listed, by why.", ["type", "reason"])
WORKER_BEAT = Gauge("outpost_worker_heartbeat_age_seconds", "How long ago the worker of this node last beat.")
SPANS = Counter("outpost_trace_spans_total", "Spans for the collector of traces, by what became of them.", ["outcome"])
COMPONENT_UP = Gauge("outpost_component_up", "1 if the component works, 0 if not.", ["component"])
