r"""The thread that decodes: requests come in, pieces of text go out, every step serves all who are being served.

    submit -> [fair queue] -> sequence: prompt in chunks -> answer token by token -> Finished
                                 |  each step: one token of every answer, then some of the prompts
    cancel -> noticed between two steps: the sequence is free at the next

What goes wrong with one request ends that request. The decisions are those of `scheduler`.
"""

import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from models.chat import scheduler
from models.chat.engine import MOST_GUESSED, DecodeFailed, Engine, Part
from models.chat.likelihood import Row, Rows
from models.chat.lookup import Costs, Lookup
from models.chat.sampler import Picked, Sampler, Sampling
from models.chat.text import Text

_FOREIGN = [-1]
"""Stands for what another adapter has read: no prompt begins so."""


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

    margin: float | None = None
    """The least by which a token was likelier than the next one, as a difference of log probabilities."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """All sequences are taken; `ahead` requests are served before this one, which takes `seconds` or so."""

    ahead: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Failed:
    """`code` is `timeout`, `stopping` or `inference_failed`."""

    code: str
    message: str


Event = Waiting | Piece | Finished | Failed


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
    adapter: str = ""
    """The name of a LoRA adapter that the engine holds; empty for none."""

    spent: float = 0.0
    """Seconds of its time that are gone already: it asks once more for what somebody has waited for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`waiting` requests beyond those being served; `seconds` for one request, its wait included; `guessed` tokens a step."""

    waiting: int = 64
    seconds: float = 600.0
    guessed: int = MOST_GUESSED


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

    asked_tokens: int = 0
    """Prompt tokens of all requests, those found in the cache included."""

    guessed: int = 0
    guessed_right: int = 0


class Answering:
    """One request in its sequence."""

    def __init__(self, request: Request, place: scheduler.Place, engine: Engine) -> None:
        self.request, self.sequence, self.reused = request, place.sequence, place.reused
        self.done = place.reused
        self.turn = 0
        """The step that last read some of its prompt."""

        self.tokens: list[int] = []
        self.logprobs, self.margin = 0.0, math.inf
        self.text = Text(request.stops)
        self.sampler = Sampler(engine, request.sampling)
        greedy = engine.forgets and not request.sampling.temperature
        self.lookup = Lookup(request.prompt) if greedy else None

    @property
    def left(self) -> int:
        """Prompt tokens still to be decoded."""
        return max(0, len(self.request.prompt) - self.done)

    def next_part(self, guess: Sequence[int]) -> Part:
        """The last token of the answer, and what may follow."""
        return Part(self.sequence, self.done, [self.tokens[-1], *guess], wanted=1 + len(guess))

    def prompt_part(self, count: int) -> Part:
        taken = self.request.prompt[self.done : self.done + count]
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
        self._kept_by = [""] * engine.sequences
        """With which adapter: what one has read is of no use to another."""
        self._used = [0] * engine.sequences
        self._uses = itertools.count(1)
        self._rows = Rows(engine.vocabulary)
        self._costs = Costs()
        self._told: dict[Request, int] = {}
        self._out: list[tuple[Request, Event]] = []
        self._pace = scheduler.Pace()
        self._request_seconds = 1.0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="chat", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def held(self) -> float:
        """Share of the cache that holds tokens."""
        return float(sum(map(len, self._kept)) / (self._engine.sequences * self._engine.context))

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
            self._deadlines[request] = time.monotonic() + self._limits.seconds - request.spent
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
                self._step(self._turn())

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
        self._hand_on()

    def _admit(self) -> None:
        while self._queue and len(self._answering) < self._engine.sequences:
            request = self._queue.pop(Counter(each.key for each in self._answering))
            busy = {each.sequence for each in self._answering.values()}
            held = [
                scheduler.Held(
                    n,
                    tokens if self._kept_by[n] == request.adapter else _FOREIGN[: len(tokens)],
                    n not in busy,
                    self._used[n],
                )
                for n, tokens in enumerate(self._kept)
            ]
            place = self._prepare(request, scheduler.place(request.prompt, held))
            self._used[place.sequence] = next(self._uses)
            self._answering[request] = Answering(request, place, self._engine)
            self.totals.reused_tokens += place.reused
            self.totals.asked_tokens += len(request.prompt)
        if self._queue or self._told:
            self._tell()

    def _tell(self) -> None:
        """Those who wait where they stand, whenever that has changed."""
        told, self._told = self._told, {}
        for ahead, request in enumerate(self._queue.order(Counter(each.key for each in self._answering))):
            self._told[request] = ahead
            if told.get(request) != ahead:
                wait = scheduler.retry_after(ahead + 1, self._engine.sequences, self._request_seconds)
                request.deliver(Waiting(ahead, wait))

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
        self._kept_by[place.sequence] = request.adapter
        return place

    # --- a step ---------------------------------------------------------------------------------------------------------

    def _turn(self) -> list[Answering]:
        """Those of one adapter, the adapters taking turns: a batch has one."""
        adapters = list(dict.fromkeys(each.request.adapter for each in self._answering.values()))
        adapter = adapters[self.totals.steps % len(adapters)]
        self._engine.use(adapter)
        return [each for each in self._answering.values() if each.request.adapter == adapter]

    def _step(self, answering: list[Answering]) -> None:
        """Answers and prompts in batches of their own: llama.cpp would cut a batch of both in two, and hold every token of
        the first part against as much of the cache as the longest of all has filled.
        """
        began = time.perf_counter()
        prompts = [each for each in answering if each.left]
        answers = [each for each in answering if not each.left]
        if answers:
            planned = self._answer_parts(answers, guessing=not prompts)
            for each, part, rows in self._decode(planned):
                self._check(each, part, rows)
            self._costs.learn(sum(len(part.tokens) for _, part in planned), time.perf_counter() - began)
            self._hand_on()
        if prompts:
            self._read(prompts, time.perf_counter() - began)
            self._hand_on()
        self.totals.steps += 1
        self.totals.seconds += time.perf_counter() - began

    def _read(self, prompts: list[Answering], answers: float) -> None:
        """Some of the prompts, in a step whose answers took so many seconds."""
        began = time.perf_counter()
        beside = any(not each.left for each in self._answering.values())
        budget = scheduler.prompt_budget(answers, self._pace.seconds, beside=beside)
        if beside:
            prompts = [min(prompts, key=lambda each: each.turn)]
            budget = scheduler.ending(budget, prompts[0].left)
        given = scheduler.share(budget, [each.left for each in prompts])
        planned = [(each, each.prompt_part(count)) for each, count in zip(prompts, given, strict=True) if count]
        for each, part, rows in self._decode(planned):
            each.turn = self.totals.steps + 1
            self._keep(each, part.tokens)
            if rows:
                self._continue(each, rows[0])
        read = sum(given)
        self.totals.prompt_tokens += read
        self.totals.prompt_steps += 1
        self._pace.learn(read, time.perf_counter() - began)

    def _answer_parts(self, answers: list[Answering], *, guessing: bool) -> list[tuple[Answering, Part]]:
        """The next token of each answer, and the guesses that pay."""
        planned, spare = [], self._limits.guessed if guessing else 0
        for each in answers:
            guess: list[int] = []
            if each.lookup and spare:
                most = min(spare, each.request.most_tokens - len(each.tokens) - 1)
                base = len(answers) + self._limits.guessed - spare
                guess = each.lookup.guess(most, lambda more, base=base: self._costs.of(base + more))  # type: ignore[misc]
            spare -= len(guess)
            planned.append((each, each.next_part(guess)))
        return planned

    def _keep(self, each: Answering, tokens: Sequence[int]) -> None:
        each.done += len(tokens)
        self._kept[each.sequence].extend(tokens)

    def _check(self, each: Answering, part: Part, rows: list[Row]) -> None:
        """Take what the model says, token by token, for as long as it is what was guessed; the rest is cut off."""
        guess, true = part.tokens[1:], 0
        self._keep(each, part.tokens[:1])
        for index, row in enumerate(rows):
            token = self._continue(each, row)
            if token is None or index == len(guess) or token != guess[index]:
                break
            true += 1
            self._keep(each, [token])
        if guess:
            self.totals.guessed += len(guess)
            self.totals.guessed_right += true
            if each.lookup:
                each.lookup.learn(len(guess), true)
            if true < len(guess):
                self._engine.cut(each.sequence, each.done)

    def _decode(self, planned: list[tuple[Answering, Part]]) -> Iterator[tuple[Answering, Part, list[Row]]]:
        """What was decoded, with what the model thinks follows, to be used before the next is taken.

        All in one batch, by sequence: llama.cpp takes together those whose numbers follow each other, and the others one
        after the other. If that fails, each alone, so that only the guilty one fails.
        """
        planned = sorted(planned, key=lambda each: each[1].sequence)
        try:
            rows = iter(self._rows.of(self._engine.decode([part for _, part in planned])))
        except DecodeFailed:
            left = [(each, part) for each, part in planned if self._engine.cut(each.sequence, part.start)]
        else:
            yield from ((each, part, list(itertools.islice(rows, part.wanted))) for each, part in planned)
            return
        for each, part in planned:
            try:
                if (each, part) not in left:
                    raise DecodeFailed(0)
                alone = self._rows.of(self._engine.decode([part]))
            except DecodeFailed as problem:
                self._engine.cut(each.sequence, 0)
                self._kept[each.sequence] = []
                self._fail(each, "inference_failed", str(problem))
            else:
                yield each, part, alone

    def _continue(self, each: Answering, row: Row) -> int | None:
        """The model has said what follows; hand it on. Returns None where the answer ends."""
        try:
            picked = each.sampler.pick(row, likely=each.request.likely)
            if self._engine.ends(picked.token):
                self._finish(each, "stop")
                return None
            each.tokens.append(picked.token)
            if each.lookup:
                each.lookup.grow(picked.token)
            each.logprobs += picked.logprob
            each.margin = min(each.margin, picked.margin)
            self.totals.completion_tokens += 1
            self._out.append((each.request, Piece(each.text.feed(self._engine.piece(picked.token)), picked)))
            over = each.text.stopped or len(each.tokens) >= each.request.most_tokens
            if over:
                self._finish(each, "stop" if each.text.stopped else "length")
        except Exception as problem:  # whatever it is, the others must get their next token
            self._fail(each, "inference_failed", f"The model failed: {type(problem).__name__}.")
            return None
        return None if over else picked.token

    def _hand_on(self) -> None:
        """All at once, right before the next step gives the interpreter up: those who wait for it write meanwhile."""
        out, self._out = self._out, []
        for request, event in out:
            request.deliver(event)

    def _finish(self, each: Answering, reason: str) -> None:
        count, prompt = len(each.tokens), len(each.request.prompt)
        began = self._deadlines[each.request] - self._limits.seconds + each.request.spent
        self._request_seconds += 0.2 * (time.monotonic() - began - self._request_seconds)
        self._release(each)
        mean, margin = (each.logprobs / count, each.margin) if count else (None, None)
        self._out.append((each.request, Finished(reason, each.text.end(), prompt, count, each.reused, mean, margin)))

    def _fail(self, each: Answering, code: str, message: str) -> None:
        self._release(each)
        self._out.append((each.request, Failed(code, message)))

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
        self._hand_on()
        for request in self._queue.drain():
            request.deliver(Failed("stopping", "The server is stopping."))
        self._engine.close()
