"""The chat server as one small ASGI application.

POST /v1/chat/completions   POST /tokenize   GET /v1/models   GET /health   GET /metrics
X-Fairness-Key: …           whose request it is: callers take turns
"""

import asyncio
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import generate_latest

from models.asgi import (
    METRICS_KIND,
    Answer,
    Call,
    Gone,
    Receive,
    Refused,
    Routes,
    Scope,
    Send,
    as_json,
    error,
    hung_up,
    parse,
)
from models.chat import schemas as s
from models.chat.engine import Engine
from models.chat.figures import Figures
from models.chat.grammar import Form, FormMissed, FormRefused, json_object, json_schema
from models.chat.loop import Failed, Finished, Loop, Piece, Request, Waiting
from models.chat.mailbox import Events, Mailbox
from models.chat.replies import Ended, Held, Writer, comment, failure
from models.chat.sampler import Picked, Sampling
from models.chat.scheduler import QueueFull
from models.chat.template import Template, TemplateRefused
from models.chat.tools import ToolForm, told, written

MOST_KEY = 256
_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that may be decoded: its prompt fits, its form is valid."""

    prompt: list[int]
    most_tokens: int
    form: Form | None


class ChatApp:
    """To be made on the event loop that serves it."""

    def __init__(self, engine: Engine, loop: Loop, template: Template) -> None:
        self._engine, self._loop, self._template = engine, loop, template
        self._mailbox, self._figures = Mailbox(), Figures(loop, engine.name)
        self._routes = Routes(
            {
                "/health": self._health,
                "/metrics": lambda: Answer(generate_latest(self._figures.registry), kind=METRICS_KIND),
                "/v1/models": self._models,
            },
            {"/v1/chat/completions": self._chat, "/tokenize": self._tokenize},
            lambda path, status: self._figures.requests.labels(path, str(status)).inc(),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes(scope, receive, send)

    async def _tokenize(self, call: Call) -> Answer:
        asked = parse(s.TokenizeRequest, await call.body(), self._engine.name, *self._engine.adapters)
        if (asked.prompt is None) == (asked.messages is None):
            raise Refused(400, "invalid_value", "Either prompt or messages must be given.", "prompt")
        tokens = await asyncio.to_thread(
            lambda: (
                self._tokens(asked.messages, [])
                if asked.messages
                else self._engine.tokenize(asked.prompt or "", special=False)
            )
        )
        done = s.TokenizeResponse(count=len(tokens), max_model_len=self._engine.context, tokens=tokens)
        return Answer(done.model_dump_json().encode())

    async def _chat(self, call: Call) -> Answer | None:
        asked = parse(s.ChatRequest, await call.body(), self._engine.name, *self._engine.adapters)
        prepared = await asyncio.to_thread(self._prepare, asked)
        events = self._mailbox.open()
        seed = secrets.randbits(32) if asked.seed is None else asked.seed
        grammar = prepared.form.grammar if prepared.form else None
        request = Request(
            key=_key(call),
            prompt=prepared.prompt,
            most_tokens=prepared.most_tokens,
            deliver=events.deliver,
            sampling=Sampling(asked.temperature, asked.top_p, seed, grammar),
            stops=asked.stops,
            likely=asked.top_logprobs if asked.logprobs else 0,
            adapter=asked.model if asked.model in self._engine.adapters else "",
        )
        try:
            self._loop.submit(request)
        except QueueFull as full:
            message = f"Too many requests are waiting; try again in {full.retry_after} s."
            raise Refused(429, "busy", message, retry=full.retry_after) from None
        left = asyncio.ensure_future(hung_up(call.receive))
        left.add_done_callback(lambda _: events.leave())
        try:
            answering = _Answering(
                asked, prepared.form, events, Writer(self._engine, request.adapter or self._engine.name), self._figures
            )
            return await (answering.stream(call.send) if asked.stream else answering.whole())
        finally:
            # Also when the client hung up: its sequence is free at the next step.
            self._loop.cancel(request)
            left.cancel()

    def _prepare(self, asked: s.ChatRequest) -> Prepared:
        """Template, tokens and form, on a thread of their own. Raises Refused."""
        tools = [] if asked.tool_choice == "none" else [each.model_dump() for each in asked.tools]
        try:
            form = self._form(asked)
        except FormRefused as refused:
            param = "tools" if tools else "response_format"
            raise Refused(400, "invalid_form", f"{refused}.", param) from None
        tokens = self._tokens(asked.messages, tools)
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
        formed = asked.structured_outputs or (wanted and wanted.type != "text")
        if asked.may_call:
            if formed:
                raise FormRefused("an answer cannot have a form and be a tool call; give one of the two")
            return self._tool_form(asked)
        if asked.structured_outputs:
            return Form(self._engine, asked.structured_outputs.grammar)
        if wanted is None or wanted.type == "text":
            return None
        if wanted.type == "json_object":
            return json_object(self._engine)
        if wanted.json_schema is None:
            raise FormRefused("response_format of type json_schema needs a json_schema")
        return json_schema(self._engine, wanted.json_schema.json_schema)

    def _tool_form(self, asked: s.ChatRequest) -> ToolForm:
        tools = {each.function.name: each.function.parameters for each in asked.tools}
        if len(tools) < len(asked.tools):
            raise FormRefused("two tools bear the same name")
        if isinstance(asked.tool_choice, s.ToolChoice):
            name = asked.tool_choice.function.name
            tools = {name: tools[name]} if name in tools else {}
        return ToolForm(self._engine, tools, text=asked.tool_choice == "auto")

    def _tokens(self, messages: Sequence[s.Message], tools: Sequence[dict[str, Any]]) -> list[int]:
        knows = self._template.knows_tools
        told_too = [{"role": "system", "content": told(tools)}] if tools and not knows else []
        try:
            return self._template.tokens([*told_too, *(_plain(each, knows) for each in messages)], tools)
        except TemplateRefused as refused:
            raise Refused(400, "invalid_messages", f"{refused}.", "messages") from None

    def _health(self) -> Answer:
        state = {"status": "ok", "kinds": ["chat"], "waiting": self._loop.waiting, "running": self._loop.running}
        if not self._loop.alive:
            return error(503, "stopped", "The thread that decodes has ended; start the server again.", "server_error")
        return as_json(state)

    def _models(self) -> Answer:
        held = {"object": "model", "created": 0, "owned_by": "outpost", "max_model_len": self._engine.context}
        rows = [{"id": self._engine.name, **held}]
        rows += [{"id": name, **held, "parent": self._engine.name} for name in self._engine.adapters]
        return as_json({"object": "list", "data": rows})


class _Answering:
    """One request from its place in the queue to the end of its answer."""

    def __init__(
        self, asked: s.ChatRequest, form: Form | None, events: Events, writer: Writer, figures: Figures
    ) -> None:
        self._asked, self._form, self._events, self._writer, self._figures = asked, form, events, writer, figures
        self._began = time.perf_counter()

    async def whole(self) -> Answer:
        text: list[str] = []
        picked: list[Picked] = []
        waited: Waiting | None = None
        while (come := await self._events.next()) is not None:
            for event in come:
                match event:
                    case Waiting():
                        waited = waited or event
                    case Failed():
                        return failure(event)
                    case Piece():
                        text.append(event.text)
                        picked.append(event.picked)
                    case Finished():
                        ended = await self._ended(event, "".join([*text, event.text]))
                        if isinstance(ended, Answer):
                            return ended
                        shown = picked if self._asked.logprobs else None
                        return Answer(self._writer.whole(ended, shown), headers=_queued(waited))
        raise Gone

    async def stream(self, send: Send) -> Answer | None:
        """Server-sent events. A failure before the first of them is an ordinary refusal, a later one the last event."""
        started, spoke = False, False
        text: list[str] = []
        held = Held(lambda text: isinstance(self._form, ToolForm) and text.startswith("<"))
        counted = bool(self._asked.stream_options and self._asked.stream_options.include_usage)

        async def start(headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [*_STREAM, *headers]})

        while (come := await self._events.next()) is not None:
            # What came together leaves together.
            frames, end = b"", None
            for event in come:
                if isinstance(event, Waiting):
                    if not started:
                        started = True
                        await start(_queued(event))
                    frames += comment(event)
                    continue
                if isinstance(event, Failed):
                    if not started:
                        return failure(event)
                    end = failure(event)
                    break
                if not spoke:
                    spoke = True
                    self._figures.first(time.perf_counter() - self._began)
                    frames += self._writer.opening()
                text.append(event.text)
                picked = event.picked if isinstance(event, Piece) and self._asked.logprobs else None
                frames += self._writer.piece(held.feed(event.text), picked)
                if isinstance(event, Finished):
                    ended = await self._ended(event, "".join(text))
                    if isinstance(ended, Answer):
                        end = ended
                    else:
                        frames += self._writer.ending(ended, counted=counted)
                        end = Answer(b"")
                    break
            if not started:
                started = True
                await start()
            if end and end.body:
                frames += b"data: " + end.body + b"\n\n"
            if frames:
                await send({"type": "http.response.body", "body": frames, "more_body": end is None})
            if end:
                return None
        raise Gone

    async def _ended(self, finished: Finished, text: str) -> Ended | Answer:
        """The answer, or why it is none: it is not of the form that was asked for. One that was cut says so by its reason."""
        called = None
        if self._form and finished.reason != "length":
            try:
                if isinstance(self._form, ToolForm):
                    called = await asyncio.to_thread(self._form.called, text)
                else:
                    await asyncio.to_thread(self._form.check, text)
            except FormMissed as missed:
                param = "tools" if isinstance(self._form, ToolForm) else "response_format"
                return error(422, "form_missed", f"{missed}.", "invalid_response_error", param)
        ended = Ended(finished, text, called)
        self._figures.ended(ended.reason, time.perf_counter() - self._began)
        return ended


def _plain(message: s.Message, knows_tools: bool) -> dict[str, Any]:
    """A message as templates know it; calls are told in words where the template knows nothing of tools."""
    if not message.tool_calls:
        return {"role": message.role, "content": message.text}
    if not knows_tools:
        told_calls = "\n".join(written(each.function.name, each.function.arguments) for each in message.tool_calls)
        return {"role": message.role, "content": message.text + told_calls}
    try:
        calls = [
            {"type": "function", "function": {"name": f.name, "arguments": json.loads(f.arguments or "{}")}}
            for f in (each.function for each in message.tool_calls)
        ]
    except ValueError:
        raise Refused(400, "invalid_messages", "The arguments of a tool call are not JSON.", "messages") from None
    return {"role": message.role, "content": message.text, "tool_calls": calls}


def _queued(waiting: Waiting | None) -> tuple[tuple[bytes, bytes], ...]:
    if waiting is None:
        return ()
    return ((b"x-queue-ahead", b"%d" % waiting.ahead), (b"x-queue-seconds", b"%d" % waiting.seconds))


def _key(call: Call) -> str:
    value = call.header(b"x-fairness-key")
    if len(value) > MOST_KEY:
        raise Refused(400, "invalid_value", f"X-Fairness-Key may have {MOST_KEY} bytes.")
    return value.decode("latin-1")
