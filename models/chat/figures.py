"""What `/metrics` shows: vLLM's names where vLLM has one, our own for the rest."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.chat.loop import Loop

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Figures(Collector):
    """The loop's own totals, read when asked for, and what the routes count."""

    def __init__(self, loop: Loop, model: str) -> None:
        self._loop, self._model = loop, model
        self.registry = CollectorRegistry()
        self.requests = Counter("models_requests", "Requests answered", ["path", "status"], registry=self.registry)
        self._ended = Counter(
            "vllm:request_success", "Answers by their end", ["model_name", "finished_reason"], registry=self.registry
        )
        self._missed = Counter(
            "models_chat_forms_missed",
            "Answers that missed their form, by what became of them",
            ["model_name", "end"],
            registry=self.registry,
        )
        self._seconds = self._histogram("vllm:e2e_request_latency_seconds", "Seconds until the end of an answer")
        self._first = self._histogram("vllm:time_to_first_token_seconds", "Seconds until the first token of a stream")
        self.registry.register(self)

    def first(self, seconds: float) -> None:
        self._first.labels(self._model).observe(seconds)

    def ended(self, reason: str, seconds: float) -> None:
        self._ended.labels(self._model, reason).inc()
        self._seconds.labels(self._model).observe(seconds)

    def missed(self, *, repaired: bool) -> None:
        self._missed.labels(self._model, "repaired" if repaired else "refused").inc()

    def collect(self) -> Iterable[Metric]:
        totals = self._loop.totals
        for name, help_, value in (
            ("vllm:num_requests_waiting", "Requests that wait for a sequence", self._loop.waiting),
            ("vllm:num_requests_running", "Requests being served", self._loop.running),
            ("vllm:kv_cache_usage_perc", "Share of the cache that holds tokens, 1 being all", self._loop.held),
        ):
            gauge = GaugeMetricFamily(name, help_, labels=["model_name"])
            gauge.add_metric([self._model], value)
            yield gauge
        for name, help_, count in (
            ("vllm:prompt_tokens", "Prompt tokens decoded", totals.prompt_tokens),
            ("vllm:generation_tokens", "Tokens answered", totals.completion_tokens),
            ("vllm:prefix_cache_queries", "Prompt tokens asked for", totals.asked_tokens),
            ("vllm:prefix_cache_hits", "Prompt tokens found in the cache", totals.reused_tokens),
            ("vllm:spec_decode_num_draft_tokens", "Tokens guessed from the prompt", totals.guessed),
            ("vllm:spec_decode_num_accepted_tokens", "Guessed tokens that came true", totals.guessed_right),
            ("models_chat_steps", "Steps: a token of each answer, some of the prompts", totals.steps),
            ("models_chat_prompt_steps", "Steps with some tokens of a prompt", totals.prompt_steps),
            ("models_chat_step_seconds", "Time spent decoding", totals.seconds),
        ):
            counter = CounterMetricFamily(name, help_, labels=["model_name"])
            counter.add_metric([self._model], count)
            yield counter

    def _histogram(self, name: str, help_: str) -> Histogram:
        return Histogram(name, help_, ["model_name"], buckets=SECONDS, registry=self.registry)
