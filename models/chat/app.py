"""The chat server as one small ASGI application.

POST /v1/chat/completions   POST /tokenize   GET /v1/models   GET /health   GET /metrics
X-Fairness-Key: …           whose request it is: callers take turns
"""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.asgi import (
    METRICS_KIND,
    Answer,
    Gone,
    Receive,
    Refused,
    Scope,
    Send,
    as_json,
    body,
    error,
    failed,
    hung_up,
    parse,
)
from models.chat import schemas as s
from models.chat.engine import Engine
from models.chat.grammar import Form, FormMissed, FormRefused, json_object, json_schema
from models.chat.loop import Event, Failed, Finished, Loop, Piece, Request
from models.chat.sampler import Picked, Sampling
from models.chat.scheduler import QueueFull
from models.chat.template import Template, TemplateRefused

MOST_KEY = 256
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_STATUS = {"timeout": 504, "stopping": 503}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that may be decoded: its prompt fits, its form is valid."""

    prompt: list[int]
    most_tokens: int
    form: Form | None


class ChatApp:
    def __init__(self, engine: Engine, loop: Loop, template: Template) -> None:
        self._engine, self._loop, self._template = engine, loop, template
        self._figures = Figures(loop)
        self._gets: Mapping[str, Callable[[], Answer]] = {
            "/health": self._health,
            "/metrics": lambda: Answer(generate_latest(self._figures.registry), kind=METRICS_KIND),
            "/v1/models": self._models,
        }
        self._posts = {"/v1/chat/completions": self._chat, "/tokenize": self._tokenize}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        try:
            answer = await self._answer(scope, receive, send)
        except Gone:
            return
        known = path if path in self._gets or path in self._posts else "other"
        self._figures.requests.labels(known, str(answer.status if answer else 200)).inc()
        if answer:
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """What is still to be sent; None when everything has been."""
        method, path = scope["method"], scope["path"]
        try:
            if path in self._gets and method == "GET":
                return self._gets[path]()
            if path in self._posts and method == "POST":
                return await self._posts[path](scope, receive, send)
            if path in self._gets or path in self._posts:
                raise Refused(405, "method_not_allowed", f"{path} does not take {method}.")
            raise Refused(404, "not_found", f"There is no {path} on this server.")
        except Refused as refused:
            return refused.answer()
        except Gone:
            raise
        except Exception as problem:  # the server outlives any request
            return failed(problem)

    async def _tokenize(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        asked = parse(s.TokenizeRequest, await body(scope, receive), self._engine.name)
        if (asked.prompt is None) == (asked.messages is None):
            raise Refused(400, "invalid_value", "Either prompt or messages must be given.", "prompt")
        tokens = await asyncio.to_thread(
            lambda: (
                self._tokens(asked.messages)
                if asked.messages
                else self._engine.tokenize(asked.prompt or "", special=False)
            )
        )
        done = s.TokenizeResponse(count=len(tokens), max_model_len=self._engine.context, tokens=tokens)
        return Answer(done.model_dump_json().encode())

    async def _chat(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        began = time.perf_counter()
        asked = parse(s.ChatRequest, await body(scope, receive), self._engine.name)
        prepared = await asyncio.to_thread(self._prepare, asked)
        here, events = asyncio.get_running_loop(), asyncio.Queue[Event | None]()

        def deliver(event: Event) -> None:
            # The event loop may be closed already when the server stops.
            with contextlib.suppress(RuntimeError):
                here.call_soon_threadsafe(events.put_nowait, event)

        request = Request(
            key=_key(scope),
            prompt=prepared.prompt,
            most_tokens=prepared.most_tokens,
            deliver=deliver,
            sampling=Sampling(
                asked.temperature,
                asked.top_p,
                secrets.randbits(32) if asked.seed is None else asked.seed,
                prepared.form.grammar if prepared.form else None,
            ),
            stops=asked.stops,
            likely=asked.top_logprobs if asked.logprobs else 0,
        )
        try:
            self._loop.submit(request)
        except QueueFull as full:
            message = f"Too many requests are waiting; try again in {full.retry_after} s."
            raise Refused(429, "busy", message, retry=full.retry_after) from None
        left = asyncio.ensure_future(hung_up(receive))
        left.add_done_callback(lambda _: events.put_nowait(None))
        try:
            write = self._stream if asked.stream else self._whole
            answer = await write(asked, prepared, _until(events), send)
        finally:
            # Also when the client hung up: its sequence is free at the next step.
            self._loop.cancel(request)
            left.cancel()
        self._figures.seconds.observe(time.perf_counter() - began)
        return answer

    def _prepare(self, asked: s.ChatRequest) -> Prepared:
        """Template, tokens and form, on a thread of their own. Raises Refused."""
        try:
            form = self._form(asked)
        except FormRefused as refused:
            raise Refused(400, "invalid_form", f"{refused}.", "response_format") from None
        tokens = self._tokens(asked.messages)
        room = self._engine.context - len(tokens)
        if room < (asked.most_tokens or 1):
            raise Refused(
                400,
                "context_length_exceeded",
                f"{len(tokens)} tokens of prompt and {asked.most_tokens or 1} of answer do not fit: this server holds "
                f"{self._engine.context} tokens; {max(room, 0)} are left for the answer.",
                "max_tokens" if room > 0 else "messages",
            )
        return Prepared(tokens, asked.most_tokens or room, form)

    def _form(self, asked: s.ChatRequest) -> Form | None:
        wanted = asked.response_format
        if asked.structured_outputs:
            return Form(self._engine, asked.structured_outputs.grammar)
        if wanted is None or wanted.type == "text":
            return None
        if wanted.type == "json_object":
            return json_object(self._engine)
        if wanted.json_schema is None:
            raise FormRefused("response_format of type json_schema needs a json_schema")
        return json_schema(self._engine, wanted.json_schema.json_schema)

    def _tokens(self, messages: Sequence[s.Message]) -> list[int]:
        try:
            return self._template.tokens([{"role": each.role, "content": each.text} for each in messages])
        except TemplateRefused as refused:
            raise Refused(400, "invalid_messages", f"{refused}.", "messages") from None

    async def _whole(
        self, asked: s.ChatRequest, prepared: Prepared, events: AsyncIterator[Event], send: Send
    ) -> Answer:
        text: list[str] = []
        picked: list[Picked] = []
        async for event in events:
            if isinstance(event, Failed):
                return _failure(event)
            text.append(event.text)
            if isinstance(event, Piece):
                picked.append(event.picked)
                continue
            answer = "".join(text)
            if missed := await _missed(prepared.form, event, answer):
                return error(422, "form_missed", missed, "invalid_response_error", "response_format")
            choice = s.Choice(
                message=s.Answered(content=answer),
                logprobs=self._logprobs(picked) if asked.logprobs else None,
                finish_reason=event.reason,
                mean_logprob=event.confidence,
            )
            done = s.ChatResponse(
                id=_id(), created=int(time.time()), model=self._engine.name, choices=[choice], usage=_usage(event)
            )
            return Answer(done.model_dump_json(exclude_none=True).encode())
        raise Gone

    async def _stream(
        self, asked: s.ChatRequest, prepared: Prepared, events: AsyncIterator[Event], send: Send
    ) -> Answer | None:
        """Server-sent events. A failure before the first of them is an ordinary refusal, a later one the last event."""
        began, started = time.perf_counter(), False
        identity, created = _id(), int(time.time())
        text: list[str] = []

        async def say(value: object, *, more: bool = True) -> None:
            data = value if isinstance(value, str) else json.dumps(value)
            await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": more})

        def chunk(choices: list[s.ChunkChoice], usage: s.ChatUsage | None = None) -> object:
            made = s.ChatChunk(id=identity, created=created, model=self._engine.name, choices=choices, usage=usage)
            value = made.model_dump(exclude_none=True)
            for choice in value["choices"]:
                choice.setdefault("finish_reason", None)
            return value

        async for event in events:
            if isinstance(event, Failed):
                if not started:
                    return _failure(event)
                await say(json.loads(_failure(event).body), more=False)
                return None
            if not started:
                started = True
                self._figures.first.observe(time.perf_counter() - began)
                headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await say(chunk([s.ChunkChoice(delta=s.Delta(role="assistant", content=""))]))
            text.append(event.text)
            logprobs = self._logprobs([event.picked]) if isinstance(event, Piece) and asked.logprobs else None
            if event.text or logprobs:
                await say(chunk([s.ChunkChoice(delta=s.Delta(content=event.text), logprobs=logprobs)]))
            if isinstance(event, Piece):
                continue
            if missed := await _missed(prepared.form, event, "".join(text)):
                refusal = error(422, "form_missed", missed, "invalid_response_error", "response_format")
                await say(json.loads(refusal.body), more=False)
                return None
            last = s.ChunkChoice(delta=s.Delta(), finish_reason=event.reason, mean_logprob=event.confidence)
            await say(chunk([last]))
            if asked.stream_options and asked.stream_options.include_usage:
                await say(chunk([], _usage(event)))
            await say("[DONE]", more=False)
            return None
        raise Gone

    def _logprobs(self, picked: Iterable[Picked]) -> s.Logprobs:
        def shown(token: int, logprob: float) -> s.TokenLogprob:
            piece = self._engine.piece(token)
            return s.TokenLogprob(token=piece.decode(errors="replace"), logprob=logprob, bytes=list(piece))

        return s.Logprobs(
            content=[
                s.ChosenLogprob(
                    **shown(each.token, each.logprob).model_dump(), top_logprobs=[shown(*pair) for pair in each.likely]
                )
                for each in picked
            ]
        )

    def _health(self) -> Answer:
        state = {"status": "ok", "kinds": ["chat"], "waiting": self._loop.waiting, "running": self._loop.running}
        if not self._loop.alive:
            return error(503, "stopped", "The thread that decodes has ended; start the server again.", "server_error")
        return as_json(state)

    def _models(self) -> Answer:
        row = {"id": self._engine.name, "object": "model", "created": 0, "owned_by": "outpost"}
        return as_json({"object": "list", "data": [{**row, "max_model_len": self._engine.context}]})


class Figures(Collector):
    """What `/metrics` shows: the loop's own totals, and how long callers waited."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.registry = CollectorRegistry()
        self.requests = Counter("models_requests", "Requests answered", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "models_chat_request_seconds", "Seconds until the end of an answer", buckets=SECONDS, registry=self.registry
        )
        self.first = Histogram(
            "models_chat_first_token_seconds",
            "Seconds until the first token of a stream",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.registry.register(self)

    def collect(self) -> Iterable[Metric]:
        totals = self._loop.totals
        yield GaugeMetricFamily("models_chat_queue_depth", "Requests that wait for a sequence", self._loop.waiting)
        yield GaugeMetricFamily("models_chat_running", "Requests being served", self._loop.running)
        for name, help_, value in (
            ("prompt_tokens", "Prompt tokens decoded", totals.prompt_tokens),
            ("prompt_tokens_reused", "Prompt tokens found in the cache", totals.reused_tokens),
            ("completion_tokens", "Tokens answered", totals.completion_tokens),
            ("steps", "Batches decoded", totals.steps),
            ("prompt_steps", "Batches with some tokens of a prompt", totals.prompt_steps),
            ("step_seconds", "Time spent decoding", totals.seconds),
        ):
            yield CounterMetricFamily(f"models_chat_{name}", help_, value)


async def _until(events: "asyncio.Queue[Event | None]") -> AsyncIterator[Event]:
    """Events until the last one. Raises Gone at None: the client has hung up."""
    while True:
        event = await events.get()
        if event is None:
            raise Gone
        yield event
        if not isinstance(event, Piece):
            return


async def _missed(form: Form | None, finished: Finished, answer: str) -> str | None:
    """Why the answer is not of the form that was asked for. One cut at max_tokens says so by its reason already."""
    if form is None or finished.reason == "length":
        return None
    try:
        await asyncio.to_thread(form.check, answer)
    except FormMissed as missed:
        return f"{missed}."
    return None


def _key(scope: Scope) -> str:
    value: bytes = next((value for name, value in scope["headers"] if name == b"x-fairness-key"), b"")
    if len(value) > MOST_KEY:
        raise Refused(400, "invalid_value", f"X-Fairness-Key may have {MOST_KEY} bytes.")
    return value.decode("latin-1")


def _failure(event: Failed) -> Answer:
    return error(_STATUS.get(event.code, 500), event.code, event.message, "server_error")


def _usage(done: Finished) -> s.ChatUsage:
    return s.ChatUsage(
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        total_tokens=done.prompt_tokens + done.completion_tokens,
        prompt_tokens_details=s.PromptDetails(cached_tokens=done.reused),
    )


def _id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"
