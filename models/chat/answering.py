"""One request of a client, from its place in the queue to the end of its answer.

An answer that misses its form is not given out. A whole one is asked for once more:

    said -> of its form ------------------------------------> 200
         -> missed it -> told what was wrong, said again -> of its form -> 200, x-repaired: 1
                                                         -> missed it, or cut -> 422 form_missed
                      -> no room for that ----------------------------> 422 form_missed

A stream cannot be taken back: it ends with an error event instead. One that was cut says so by its reason, unchecked.
"""

import asyncio
import time
from dataclasses import dataclass, replace

from models.asgi import Answer, Gone, Refused, Send, error
from models.chat import schemas as s
from models.chat.figures import Figures
from models.chat.grammar import Form, FormMissed
from models.chat.loop import Failed, Finished, Loop, Piece, Request, Waiting
from models.chat.mailbox import Events
from models.chat.prepare import Missed, Preparing
from models.chat.replies import Ended, Held, Writer, comment, failure
from models.chat.sampler import Picked
from models.chat.scheduler import QueueFull
from models.chat.tools import ToolForm

REPAIRED = ((b"x-repaired", b"1"),)
_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


@dataclass(frozen=True, slots=True)
class _Said:
    """All that the model said in one go, before anybody looked at its form."""

    text: str
    picked: list[Picked]
    finished: Finished
    waited: Waiting | None


class Answering:
    """To be submitted first, and cancelled at last, whatever came of it."""

    def __init__(
        self,
        asked: s.ChatRequest,
        form: Form | None,
        request: Request,
        events: Events,
        loop: Loop,
        writer: Writer,
        figures: Figures,
    ) -> None:
        """`events` are those that `request` is delivered to."""
        self._asked, self._form, self._request, self._events = asked, form, request, events
        self._loop, self._writer, self._figures = loop, writer, figures
        self._began = time.perf_counter()

    def submit(self) -> None:
        """Raises Refused (429)."""
        try:
            self._loop.submit(self._request)
        except QueueFull as full:
            message = f"Too many requests are waiting; try again in {full.retry_after} s."
            raise Refused(429, "busy", message, retry=full.retry_after) from None

    def cancel(self) -> None:
        self._loop.cancel(self._request)

    async def whole(self, preparing: Preparing) -> Answer:
        """Raises Gone, and Refused (429) when there is no place to ask again."""
        said = await self._said()
        if isinstance(said, Failed):
            return failure(said)
        try:
            ended = await self._ended(said.finished, said.text)
        except FormMissed as missed:
            return await self._repaired(preparing, said, missed)
        return self._given(ended, said)

    async def _repaired(self, preparing: Preparing, first: _Said, missed: FormMissed) -> Answer:
        """The answer of a model that was told what it missed; the refusal when it is no better."""
        told = Missed(first.text, first.finished.completion_tokens, missed)
        again = await asyncio.to_thread(preparing.again, self._asked, self._form, told)
        if again is None:
            return self._refused(missed)
        self._request = replace(
            self._request,
            prompt=again.prompt,
            most_tokens=again.most_tokens,
            sampling=replace(self._request.sampling, seed=(self._request.sampling.seed + 1) % 2**32),
            spent=time.perf_counter() - self._began,
        )
        self.submit()
        second = await self._said()
        if isinstance(second, Failed):
            return failure(second)
        try:
            ended = await self._ended(second.finished, second.text, cut_too=True)
        except FormMissed as once_more:
            return self._refused(once_more)
        self._figures.missed(repaired=True)
        ended = replace(ended, finished=_both(first.finished, second.finished))
        return self._given(ended, replace(second, waited=first.waited or second.waited), REPAIRED)

    def _given(self, ended: Ended, said: _Said, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
        shown = said.picked if self._asked.logprobs else None
        return Answer(self._writer.whole(ended, shown), headers=(*_queued(said.waited), *headers))

    async def _said(self) -> _Said | Failed:
        """Raises Gone."""
        text: list[str] = []
        picked: list[Picked] = []
        waited: Waiting | None = None
        while (come := await self._events.next()) is not None:
            for event in come:
                match event:
                    case Waiting():
                        waited = waited or event
                    case Failed():
                        return event
                    case Piece():
                        text.append(event.text)
                        picked.append(event.picked)
                    case Finished():
                        return _Said("".join([*text, event.text]), picked, event, waited)
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
                    try:
                        ended = await self._ended(event, "".join(text))
                    except FormMissed as missed:
                        end = self._refused(missed)
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

    async def _ended(self, finished: Finished, text: str, *, cut_too: bool = False) -> Ended:
        """The answer; one that was cut is looked at only if told to. Raises FormMissed."""
        called = None
        if self._form and (cut_too or finished.reason != "length"):
            if isinstance(self._form, ToolForm):
                called = await asyncio.to_thread(self._form.called, text)
            else:
                await asyncio.to_thread(self._form.check, text)
        ended = Ended(finished, text, called)
        self._figures.ended(ended.reason, time.perf_counter() - self._began)
        return ended

    def _refused(self, missed: FormMissed) -> Answer:
        self._figures.missed(repaired=False)
        param = "tools" if isinstance(self._form, ToolForm) else "response_format"
        return error(422, "form_missed", f"{missed}.", "invalid_response_error", param)


def _both(first: Finished, second: Finished) -> Finished:
    """The end of the second, and the tokens of both."""
    return replace(
        second,
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        reused=first.reused + second.reused,
    )


def _queued(waiting: Waiting | None) -> tuple[tuple[bytes, bytes], ...]:
    if waiting is None:
        return ()
    return ((b"x-queue-ahead", b"%d" % waiting.ahead), (b"x-queue-seconds", b"%d" % waiting.seconds))
