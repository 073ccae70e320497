"""`python -m models.bench_chat`: what the chat server costs beside a plain loop over llama.cpp, same file, same threads.

The model is of random weights: it says nothing, but costs what a model of its size does. Rounds of both sides take turns,
and medians are compared. Prints a table and writes `var/bench/chat.json`: a list of
`{figure, value, unit, peer, ratio, aim, met}`.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import llama_cpp as llama
import numpy as np

from models import bench_stranger
from models.bench import Figure, resident, tell
from models.chat.engine import Engine, Part
from models.chat.random_gguf import Shape, write
from models.chat_client import Ask, ChatClient
from models.hardware import probe
from models.measuring import decode_speed, prompt_speed

SIZES = {
    "tiny": Shape(context=4096),
    "small": Shape(layers=8, width=512, heads=8, inner=1536, vocabulary=8192, context=4096, kind="q4_0"),
    "0.4B": Shape(layers=24, width=1024, heads=16, inner=4096, vocabulary=32000, context=4096, kind="q4_0"),
}
CROWDS = (1, 4, 8)
CONTEXT = 4096
"""Tokens of a sequence on both sides: how far apart the cache's rows lie decides some of what a token costs."""

ANSWER = 96
ROUNDS = 3
PROMPT = "Which valve is closed before the drain of the pump is opened, and who locks it? "


class Raw:
    """The plain loop: prompts in one batch, then a token of each sequence a step, greedy. Nothing else."""

    def __init__(self, path: Path, threads: int) -> None:
        self._engine = Engine(path, threads=threads, sequences=max(CROWDS), context=CONTEXT)
        self._greedy = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(self._greedy, llama.llama_sampler_init_greedy())

    def run(self, crowd: int, prompt: list[int]) -> tuple[float, float]:
        """Seconds of all, and seconds of the steps after the prompts."""
        for sequence in range(crowd):
            self._engine.cut(sequence, 0)
        began = time.perf_counter()
        last = []
        for sequence in range(crowd):
            self._engine.decode([Part(sequence, 0, prompt, wanted=1)])
            last.append(self._draw(-1))
        answering = time.perf_counter()
        for step in range(ANSWER - 1):
            parts = [Part(n, len(prompt) + step, [token], wanted=1) for n, token in enumerate(last)]
            self._engine.decode(parts)
            last = [self._draw(row) for row in range(crowd)]
        ended = time.perf_counter()
        return ended - began, ended - answering

    def _draw(self, token: int) -> int:
        """What follows the token of the batch; -1 is its last."""
        return int(llama.llama_sampler_sample(self._greedy, self._engine.raw, token))

    def tokens(self, text: str) -> list[int]:
        return self._engine.tokenize(text, special=False)


def asked(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def alone(client: ChatClient, number: int) -> float:
    """Seconds from the first to the last token of a stream."""
    times = [
        time.perf_counter()
        async for delta in client.stream(asked(f"{number} {PROMPT}"), Ask(max_tokens=ANSWER, temperature=0))
        if delta.text
    ]
    return times[-1] - times[0]


async def together(client: ChatClient, crowd: int, number: int) -> float:
    """Seconds until all are answered. Every prompt begins differently, so none is found in the cache."""
    began = time.perf_counter()
    ask = Ask(max_tokens=ANSWER, temperature=0)
    await asyncio.gather(*(client.chat(asked(f"{number} {n} {PROMPT}"), ask) for n in range(crowd)))
    return time.perf_counter() - began


async def first_token(client: ChatClient, text: str) -> float:
    began = time.perf_counter()
    stream = client.stream(asked(text), Ask(max_tokens=2, temperature=0))
    await anext(stream)
    seconds = time.perf_counter() - began
    await stream.aclose()
    return seconds


async def gaps_beside_a_long_prompt(client: ChatClient, number: int) -> tuple[float, float, float]:
    """Worst gap of a running stream before, and while, a prompt of 3,000 tokens is read; the newcomer's first token."""
    times: list[float] = []

    async def run() -> None:
        async for _ in client.stream(asked(f"gap {number} {PROMPT}"), Ask(max_tokens=900, temperature=0)):
            times.append(time.perf_counter())  # noqa: PERF401 - read while it grows

    running = asyncio.create_task(run())
    while len(times) < 40:
        await asyncio.sleep(0.01)
    began = time.perf_counter()
    newcomer = await first_token(client, f"{number} long " + "Close it, lock it, tag it, try it. " * 85)
    ended = time.perf_counter()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    gaps = [(b, b - a) for a, b in itertools.pairwise(times)]
    before = max(gap for at, gap in gaps if at < began)
    return before, max(gap for at, gap in gaps if began <= at <= ended + 0.5), newcomer


async def predicted_and_real(client: ChatClient) -> list[Figure]:
    """An answer on the diet (about 400 fresh tokens, 60 of answer), reckoned as before it is offered, and timed."""
    reads, writes = await prompt_speed(client, 4096), await decode_speed(client)
    shares, seconds = [], []
    for number in range(ROUNDS):
        began = time.perf_counter()
        answer = await client.chat(
            asked(f"{number} diet " + "Close it, lock it, tag it. " * 15), Ask(max_tokens=60, temperature=0)
        )
        seconds.append(time.perf_counter() - began)
        fresh = answer.prompt_tokens - answer.cached_tokens
        shares.append((fresh / reads + answer.completion_tokens / writes) / seconds[-1])
    return [
        Figure("an answer on the diet", _ms(seconds), "ms", "the time said before", _two(statistics.median(shares)))
    ]


def say(text: str) -> None:
    """Minutes go by: what is measured now, for whoever waits."""
    print(f"bench: {text} …", file=sys.stderr, flush=True)


async def measure(socket: Path, raw: Raw) -> list[Figure]:
    figures: list[Figure] = []
    say("one answer")
    async with ChatClient(socket, seconds=600) as client:
        await client.chat(asked("warm up"), Ask(max_tokens=8, temperature=0))
        prompt = raw.tokens(f"<|im_start|>user\n0 0 {PROMPT}")
        raw.run(1, prompt)
        ours = [(await alone(client, n), raw.run(1, prompt)[1]) for n in range(ROUNDS)]
        figures.append(_rate("decode, one answer", ANSWER - 1, ours, at_least=0.95))
        for crowd in CROWDS:
            say(f"{crowd} at once")
            pairs = [(await together(client, crowd, n), raw.run(crowd, prompt)[0]) for n in range(ROUNDS)]
            figures.append(_rate(f"all tokens, {crowd} at once", crowd * ANSWER, pairs, at_least=0.8))
        say("a shared beginning")
        shared = "The rules of the plant, read before every question. " * 29
        cold = [await first_token(client, f"{n} {shared} {n}?") for n in range(ROUNDS)]
        warm = [await first_token(client, f"{ROUNDS - 1} {shared} again {n}?") for n in range(ROUNDS)]
        ratio = statistics.median(warm) / statistics.median(cold)
        figures.append(Figure("first token, 1,500 tokens read before: cold", _ms(cold), "ms"))
        figures.append(
            Figure(
                "first token, 1,500 tokens read before: warm", _ms(warm), "ms", "cold", _two(ratio), 0.1, ratio <= 0.1
            )
        )
        say("the time said before, and the time it took")
        figures += await predicted_and_real(client)
        say("a long prompt beside an answer")
        gaps = [await gaps_beside_a_long_prompt(client, n) for n in range(ROUNDS)]
        worst = max(gap for _, gap, _ in gaps)
        figures.append(Figure("worst gap of a stream by itself", _two(1000 * max(gap for gap, _, _ in gaps)), "ms"))
        figures.append(
            Figure("worst gap while 3,000 tokens are read", _two(1000 * worst), "ms", aim=200, met=worst < 0.2)
        )
        figures.append(Figure("first token of those 3,000", _ms([newcomer for _, _, newcomer in gaps]), "ms"))
    return figures


def _rate(name: str, tokens: int, pairs: list[tuple[float, float]], *, at_least: float) -> Figure:
    ours, raw = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Figure(
        name, _two(tokens / ours), "tokens/s", "llama.cpp", _two(raw / ours), at_least, raw / ours >= at_least
    )


def _ms(seconds: list[float]) -> float:
    return _two(1000 * statistics.median(seconds))


def _two(value: float) -> float:
    return round(value, 2)


def run(model: Path, threads: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        socket = Path(folder) / "chat.sock"
        command = [sys.executable, "-m", "models.server", "--kinds", "chat", "--socket", str(socket)]
        # No guesses: a random model repeats itself, and would be guessed where no real one is.
        command += ["--model", str(model), "--threads", str(threads), "--sequences", str(max(CROWDS)), "--guess", "0"]
        command += ["--context", str(CONTEXT)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            if "serving" not in server.stdout.readline():
                raise SystemExit("the chat server did not start")
            figures = asyncio.run(measure(socket, Raw(model, threads)))
            figures.append(Figure("memory of the chat server", _two(resident(server.pid)), "MB"))
        finally:
            server.terminate()
            server.communicate()
    return [*figures, bandwidth_share(model, figures[0].value), *beside_a_stranger(model, threads)]


def bandwidth_share(model: Path, tokens_per_second: float) -> Figure:
    """Every token reads all weights once: the bytes read a second beside what a plain copy in memory reads and writes."""
    block = np.ones(2**25, np.float32)
    target = np.empty_like(block)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        np.copyto(target, block)
        best = max(best, 2 * block.nbytes / (time.perf_counter() - began))
    read = model.stat().st_size * tokens_per_second
    return Figure("weights read, one answer", _two(read / 1e9), "GB/s", "a copy on one thread", _two(read / best))


def beside_a_stranger(model: Path, threads: int) -> list[Figure]:
    """The same crowds at `llama_cpp.server`; nothing where it cannot be run."""
    if not bench_stranger.can_be_run():
        return []
    figures = []
    for name, interrupts in (("by default", True), ("without interrupting", False)):
        say(f"llama_cpp.server {name}")
        with bench_stranger.stranger(model, threads, interrupts=interrupts) as address:
            for crowd in asyncio.run(bench_stranger.crowds(address, CROWDS, PROMPT, ANSWER)):
                title = f"llama_cpp.server {name}, {crowd.people} at once, {crowd.short} cut short"
                figures.append(Figure(title, _two(crowd.tokens / crowd.seconds), "tokens/s"))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.bench_chat", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small", help="of the random model")
    parser.add_argument("--threads", type=int, default=0, help="threads of inference; 0 leaves one core free")
    parser.add_argument("--model", type=Path, help="a GGUF file instead of the random one")
    parser.add_argument("--out", type=Path, default=Path("var/bench/chat.json"))
    options = parser.parse_args()
    threads = options.threads or probe().threads
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        model = options.model or Path(folder) / "random.gguf"
        if options.model is None:
            write(model, SIZES[options.size])
        megabytes = model.stat().st_size / 1e6
        figures = run(model, threads)
    load, name = os.getloadavg()[0], options.size if options.model is None else model.stem
    title = f"chat, {name} ({megabytes:.0f} MB), {threads} thread(s) of {os.cpu_count()} cores, load {load:.1f}"
    tell(title, figures, options.out)


if __name__ == "__main__":
    main()
