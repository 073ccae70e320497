"""How an answer is written: whole, or as server-sent events in OpenAI's shape, with what vLLM and we add to it."""

import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from models.asgi import Answer, error
from models.chat import schemas as s
from models.chat.engine import Engine
from models.chat.loop import Failed, Finished, Waiting
from models.chat.sampler import Picked
from models.chat.tools import Called

_STATUS = {"timeout": 504, "stopping": 503}
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Ended:
    """An answer that is complete: its text, or the call that it is."""

    finished: Finished
    text: str
    called: Called | None

    @property
    def reason(self) -> str:
        return "tool_calls" if self.called else self.finished.reason

    def tool_calls(self) -> list[s.ToolCall] | None:
        if not self.called:
            return None
        function = s.CalledFunction(name=self.called.name, arguments=self.called.arguments)
        return [s.ToolCall(index=0, id=f"call_{secrets.token_hex(12)}", function=function)]


class Writer:
    """Of one answer."""

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine, self._model = engine, model
        self._id, self._created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())
        # All chunks of an answer begin alike; what is between is the same for all but the text.
        start = {"id": self._id, "object": "chat.completion.chunk", "created": self._created, "model": model}
        self._start = f"data: {json.dumps(start)[:-1]}, " + '"choices": [{"index": 0, "delta": '

    def whole(self, ended: Ended, picked: Sequence[Picked] | None) -> bytes:
        choice = s.Choice(
            message=s.Answered(content=None if ended.called else ended.text, tool_calls=ended.tool_calls()),
            logprobs=self._logprobs(picked) if picked is not None else None,
            finish_reason=ended.reason,
            mean_logprob=ended.finished.confidence,
            min_margin=ended.finished.margin,
        )
        made = s.ChatResponse(
            id=self._id, created=self._created, model=self._model, choices=[choice], usage=usage(ended.finished)
        )
        return made.model_dump_json(exclude_none=True).encode()

    def opening(self) -> bytes:
        return self._frame('{"role": "assistant", "content": ""}')

    def piece(self, text: str, picked: Picked | None) -> bytes:
        """Some text; with `picked`, also its log probability. Nothing for nothing."""
        if not text and picked is None:
            return b""
        beside = f', "logprobs": {self._logprobs([picked]).model_dump_json()}' if picked else ""
        return self._frame(f'{{"content": {json.dumps(text)}}}', beside)

    def ending(self, ended: Ended, *, counted: bool) -> bytes:
        """The call, if it is one; why the answer ended, and how sure the model was; the usage, if it was asked for."""
        frames = b""
        if calls := ended.tool_calls():
            frames = self._frame(json.dumps({"tool_calls": [each.model_dump() for each in calls]}))
        sure = {"mean_logprob": ended.finished.confidence, "min_margin": ended.finished.margin}
        beside = "".join(f', "{name}": {json.dumps(value)}' for name, value in sure.items() if value is not None)
        frames += self._frame("{}", beside, reason=ended.reason)
        if counted:
            made = s.ChatChunk(
                id=self._id, created=self._created, model=self._model, choices=[], usage=usage(ended.finished)
            )
            frames += f"data: {made.model_dump_json(exclude_none=True)}\n\n".encode()
        return frames + DONE

    def _frame(self, delta: str, beside: str = "", *, reason: str | None = None) -> bytes:
        return f'{self._start}{delta}, "finish_reason": {json.dumps(reason)}{beside}}}]}}\n\n'.encode()

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


class Held:
    """Holds the text of a stream back for as long as it may be a call of a tool, which is written when it is whole."""

    def __init__(self, may_call: Callable[[str], bool]) -> None:
        self._may_call, self._text, self._open = may_call, "", False

    def feed(self, text: str) -> str:
        if self._open:
            return text
        self._text += text
        self._open = bool(self._text) and not self._may_call(self._text)
        return self._text if self._open else ""


def comment(waiting: Waiting) -> bytes:
    """A line that every client of server-sent events passes over, and ours reads."""
    return f": queue ahead={waiting.ahead} seconds={waiting.seconds}\n\n".encode()


def failure(event: Failed) -> Answer:
    return error(_STATUS.get(event.code, 500), event.code, event.message, "server_error")


def usage(done: Finished) -> s.ChatUsage:
    return s.ChatUsage(
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        total_tokens=done.prompt_tokens + done.completion_tokens,
        prompt_tokens_details=s.PromptDetails(cached_tokens=done.reused),
    )
