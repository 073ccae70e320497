"""The chat server as one small ASGI application.

POST /v1/chat/completions   POST /tokenize   GET /v1/models   GET /health   GET /metrics
X-Fairness-Key: …           whose request it is: callers take turns
"""

import asyncio
import secrets

from prometheus_client import generate_latest

from models.asgi import (
    METRICS_KIND,
    Answer,
    Call,
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
from models.chat.answering import Answering
from models.chat.engine import Engine
from models.chat.figures import Figures
from models.chat.loop import Loop, Request
from models.chat.mailbox import Mailbox
from models.chat.prepare import Preparing
from models.chat.replies import Writer
from models.chat.sampler import Sampling
from models.chat.template import Template

MOST_KEY = 256


class ChatApp:
    """To be made on the event loop that serves it."""

    def __init__(self, engine: Engine, loop: Loop, template: Template) -> None:
        self._engine, self._loop, self._preparing = engine, loop, Preparing(engine, template)
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
                self._preparing.tokens(asked.messages)
                if asked.messages
                else self._engine.tokenize(asked.prompt or "", special=False)
            )
        )
        done = s.TokenizeResponse(count=len(tokens), max_model_len=self._engine.context, tokens=tokens)
        return Answer(done.model_dump_json().encode())

    async def _chat(self, call: Call) -> Answer | None:
        asked = parse(s.ChatRequest, await call.body(), self._engine.name, *self._engine.adapters)
        prepared = await asyncio.to_thread(self._preparing.first, asked)
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
        writer = Writer(self._engine, request.adapter or self._engine.name)
        answering = Answering(asked, prepared.form, request, events, self._loop, writer, self._figures)
        answering.submit()
        left = asyncio.ensure_future(hung_up(call.receive))
        left.add_done_callback(lambda _: events.leave())
        try:
            return await (answering.stream(call.send) if asked.stream else answering.whole(self._preparing))
        finally:
            # Also when the client hung up: its sequence is free at the next step.
            answering.cancel()
            left.cancel()

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


def _key(call: Call) -> str:
    value = call.header(b"x-fairness-key")
    if len(value) > MOST_KEY:
        raise Refused(400, "invalid_value", f"X-Fairness-Key may have {MOST_KEY} bytes.")
    return value.decode("latin-1")
