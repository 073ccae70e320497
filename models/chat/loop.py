r"""The thread that decodes: requests come in, pieces of text go out, every step serves all who are being served.

    submit -> [fair queue] -> sequence: prompt in chunks -> answer token by token -> Finished
                                 |  each step: one token of every answer, and some of the prompts
    cancel -> noticed between two steps: the sequence is free at the next

What goes wrong with one request ends that request. The decisions are those of `scheduler`.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from models.chat import scheduler
from models.chat.engine import DecodeFailed, Engine, Part
from models.chat.sampler import Picked, Sampler, Sampling
from models.chat.text import Text


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more text, perhaps none yet, and the token that brought it."""

    text: str
    picked: Picked


@dataclass(frozen=True, slots=True)
class Finished:
    """`reason` is `stop` or `length`; `text` is what had been held back. `reused` prompt tokens were in the cache."""

    reason: str
    text: str
    prompt_tokens: int
    completion_tokens: int
    reused: int
    confidence: float | None
    """The mean log probability of the tokens; None when there were none."""


@dataclass(frozen=True, slots=True)
class Failed:
    """`code` is `timeout`, `stopping` or `inference_failed`."""

    code: str
    message: str


Event = Piece | Finished | Failed


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """`deliver` is called on the decoding thread for every event, the last being Finished or Failed, and must not block."""

    key: str
    prompt: Sequence[int]
    most_tokens: int
    deliver: Callable[[Event], None]
    sampling: Sampling = field(default_factory=Sampling)
    stops: tuple[str, ...] = ()
    likely: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """`waiting` requests beyond those being served; `seconds` for one request, its wait included."""

    waiting: int = 64
    seconds: float = 600.0


@dataclass(slots=True)
class Totals:
    """Counted since the start; what `/metrics` shows."""

    prompt_tokens: int = 0
    reused_tokens: int = 0
    completion_tokens: int = 0
    steps: int = 0
    prompt_steps: int = 0
    """Steps with some tokens of a prompt."""

    seconds: float = 0.0
    """Time in steps."""


class Answering:
    """One request in its sequence."""

    def __init__(self, request: Request, place: scheduler.Place, engine: Engine) -> None:
        self.request, self.sequence, self.reused = request, place.sequence, place.reused
        self.done = place.reused
        self.tokens: list[int] = []
        self.logprobs = 0.0
        self.text = Text(request.stops)
        self.sampler = Sampler(engine, request.sampling)

    @property
    def left(self) -> int:
        """Prompt tokens still to be decoded."""
        return max(0, len(self.request.prompt) - self.done)

    def part(self, prompt_tokens: int) -> Part:
        """What the next step decodes: the last token of the answer, or so many of the prompt."""
        if not self.left:
            return Part(self.sequence, self.done, self.tokens[-1:], wanted=True)
        taken = self.request.prompt[self.done : self.done + prompt_tokens]
        return Part(self.sequence, self.done, taken, wanted=len(taken) == self.left)


class Loop:
    """Owns the engine from its first request on; `close` ends both."""

    def __init__(self, engine: Engine, limits: Limits = Limits()) -> None:
        self.totals = Totals()
        self._engine, self._limits = engine, limits
        self._queue: scheduler.FairQueue[Request] = scheduler.FairQueue()
        self._deadlines: dict[Request, float] = {}
        self._answering: dict[Request, Answering] = {}
        self._gone: set[Request] = set()
        self._kept: list[list[int]] = [[] for _ in range(engine.sequences)]
        self._used = [0] * engine.sequences
        self._uses = itertools.count(1)
        self._prompt_pace = 0.0
        self._request_seconds = 1.0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="chat", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return len(self._answering)

    def submit(self, request: Request) -> None:
        """Queue a request; its prompt has a token at least, and fits the context together with the answer.

        Raises:
            QueueFull: nothing was queued, and nothing is delivered.
        """
        with self._changed:
            room = self._engine.sequences - len(self._answering) + self._limits.waiting
            if self._closed or len(self._queue) >= room:
                wait = scheduler.retry_after(len(self._queue), self._engine.sequences, self._request_seconds)
                raise scheduler.QueueFull(wait)
            self._deadlines[request] = time.monotonic() + self._limits.seconds
            self._queue.push(request.key, request)
            self._changed.notify()

    def cancel(self, request: Request) -> None:
        """Nobody waits for it any more: nothing is delivered from the next step on. Does nothing when it is over."""
        with self._changed:
            if self._queue.remove(request.key, request):
                del self._deadlines[request]
            elif request in self._answering:
                self._gone.add(request)

    def close(self) -> None:
        """End after the step under way; all who wait or are being served get Failed."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._serve()
        finally:
            self._stop()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._closed and not self._queue and not self._answering:
                    self._changed.wait()
                if self._closed:
                    return
                self._leave()
                self._expire()
                self._admit()
            if self._answering:
                self._step(list(self._answering.values()))

    # --- between two steps, under the lock ------------------------------------------------------------------------------

    def _leave(self) -> None:
        for request in self._gone:
            if request in self._answering:
                self._release(self._answering[request])
        self._gone.clear()

    def _expire(self) -> None:
        now = time.monotonic()
        for request in [each for each, deadline in self._deadlines.items() if deadline <= now]:
            message = f"The answer took longer than {self._limits.seconds:g} s."
            if self._queue.remove(request.key, request):
                del self._deadlines[request]
                request.deliver(Failed("timeout", message))
            else:
                self._fail(self._answering[request], "timeout", message)

    def _admit(self) -> None:
        while self._queue and len(self._answering) < self._engine.sequences:
            request = self._queue.pop(Counter(each.key for each in self._answering))
            busy = {each.sequence for each in self._answering.values()}
            held = [scheduler.Held(n, tokens, n not in busy, self._used[n]) for n, tokens in enumerate(self._kept)]
            place = self._prepare(request, scheduler.place(request.prompt, held))
            self._used[place.sequence] = next(self._uses)
            self._answering[request] = Answering(request, place, self._engine)
            self.totals.reused_tokens += place.reused

    def _prepare(self, request: Request, place: scheduler.Place) -> scheduler.Place:
        """Make the cache what the place promises; a model that cannot keep a beginning starts from none."""
        if place.source == place.sequence:
            kept = self._engine.cut(place.sequence, place.reused)
        else:
            self._engine.cut(place.sequence, 0)
            kept = not place.reused or self._engine.share(place.source, place.sequence, place.reused)
        if not kept:
            place = scheduler.Place(place.sequence, place.sequence, 0)
        self._kept[place.sequence] = list(request.prompt[: place.reused])
        return place

    # --- a step ---------------------------------------------------------------------------------------------------------

    def _step(self, answering: list[Answering]) -> None:
        began = time.perf_counter()
        prompts = [each for each in answering if each.left]
        answers = [each for each in answering if not each.left]
        budget = scheduler.prompt_budget(len(answers), self._prompt_pace)
        given = scheduler.share(budget, [each.left for each in prompts])
        planned = [(each, each.part(0)) for each in answers]
        planned += [(each, each.part(count)) for each, count in zip(prompts, given, strict=True) if count]
        for each, part, row in self._decode(planned):
            each.done += len(part.tokens)
            self._kept[each.sequence].extend(part.tokens)
            if row >= 0:
                self._continue(each, row)
        seconds, read = time.perf_counter() - began, sum(given)
        self.totals.steps += 1
        self.totals.seconds += seconds
        self.totals.prompt_tokens += read
        if read:
            self.totals.prompt_steps += 1
            pace = seconds / (read + len(answers))
            self._prompt_pace = pace if not self._prompt_pace else 0.5 * (self._prompt_pace + pace)

    def _decode(self, planned: list[tuple[Answering, Part]]) -> Iterator[tuple[Answering, Part, int]]:
        """What was decoded, with its row of logits, to be used before the next is taken.

        All in one batch. If that fails, each alone, one after another, so that only the guilty one fails.
        """
        try:
            rows = self._engine.decode([part for _, part in planned])
        except DecodeFailed:
            left = [(each, part) for each, part in planned if self._engine.cut(each.sequence, part.start)]
        else:
            yield from ((each, part, row) for (each, part), row in zip(planned, rows, strict=True))
            return
        for each, part in planned:
            try:
                if (each, part) not in left:
                    raise DecodeFailed(0)
                (row,) = self._engine.decode([part])
            except DecodeFailed as problem:
                self._engine.cut(each.sequence, 0)
                self._kept[each.sequence] = []
                self._fail(each, "inference_failed", str(problem))
            else:
                yield each, part, row

    def _continue(self, each: Answering, row: int) -> None:
        """The model has said what follows; hand it on, and end the answer where it ends."""
        try:
            picked = each.sampler.pick(row, likely=each.request.likely)
            if self._engine.ends(picked.token):
                return self._finish(each, "stop")
            each.tokens.append(picked.token)
            each.logprobs += picked.logprob
            self.totals.completion_tokens += 1
            each.request.deliver(Piece(each.text.feed(self._engine.piece(picked.token)), picked))
            if each.text.stopped:
                self._finish(each, "stop")
            elif len(each.tokens) >= each.request.most_tokens:
                self._finish(each, "length")
        except Exception as problem:  # whatever it is, the others must get their next token
            self._fail(each, "inference_failed", f"The model failed: {type(problem).__name__}.")

    def _finish(self, each: Answering, reason: str) -> None:
        count = len(each.tokens)
        began = self._deadlines[each.request] - self._limits.seconds
        self._request_seconds += 0.2 * (time.monotonic() - began - self._request_seconds)
        self._release(each)
        each.request.deliver(
            Finished(
                reason,
                each.text.end(),
                len(each.request.prompt),
                count,
                each.reused,
                each.logprobs / count if count else None,
            )
        )

    def _fail(self, each: Answering, code: str, message: str) -> None:
        self._release(each)
        each.request.deliver(Failed(code, message))

    def _release(self, each: Answering) -> None:
        """The sequence is free; what its cache holds stays until somebody else needs the place."""
        each.sampler.close()
        with self._changed:
            del self._answering[each.request]
            del self._deadlines[each.request]

    def _stop(self) -> None:
        with self._changed:
            self._closed = True
        for each in list(self._answering.values()):
            self._fail(each, "stopping", "The server is stopping.")
        for request in self._queue.drain():
            request.deliver(Failed("stopping", "The server is stopping."))
        self._engine.close()
