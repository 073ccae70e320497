"""`outpost eval`: golden questions against a running node."""

from __future__ import annotations

import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from appliance.answers.evaluation import EvalReport, Given, Golden, evaluate
from appliance.client import answered, open_door
from appliance.errors import NotFound

GOLDEN = Path(__file__).parents[2] / "demo" / "golden.json"

AIMS = {
    "document hit@3": (0.95, True),
    "answer found": (0.85, True),
    "wrong value given": (0, False),
    "abstention right": (0.80, True),
    "false abstention": (0.10, False),
    "ms to quotes p95": (300, False),
}
"""What this release aims for, and whether more is better."""


class NoQuestions(NotFound):
    """There is no file of golden questions."""

    code, title = "no-questions", "There are no questions to ask"
    hint = "Name a file of golden questions, or run from a clone, which carries the demo plant's."


async def evaluate_node(socket: Path, golden: Path | None, *, as_json: bool, failures: bool) -> int:
    """Ask and score; 1 if an aim was missed. Each question is recorded like any other."""
    path = golden or GOLDEN
    if not path.exists():
        raise NoQuestions(f"{path.name} does not exist.")
    try:
        questions = [Golden.of_json(one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError):
        raise NoQuestions(f"{path.name} does not hold golden questions.") from None
    progress_console = Console(stderr=True)
    async with AsyncExitStack() as stack:
        doors: dict[str, httpx.AsyncClient] = {}
        for tenant in sorted({one.tenant for one in questions}):
            doors[tenant] = await stack.enter_async_context(open_door(socket, tenant=tenant))

        async def ask(tenant: str, question: str) -> Given:
            return Given.of_json(answered(await doors[tenant].post("/v1/chat", json={"message": question})))

        with Progress(console=progress_console, transient=True) as progress:
            task = progress.add_task("asking", total=len(questions))
            report = await evaluate(ask, questions, done=lambda done, _: progress.update(task, completed=done))
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    else:
        _show(Console(width=110, highlight=False), report, title=f"{path.stem} questions", failures=failures)
    return 0 if all(_met(name, value) is not False for name, value in report.figures().items()) else 1


def _met(name: str, value: float | None) -> bool | None:
    if name not in AIMS or value is None:
        return None
    aim, more = AIMS[name]
    return value >= aim if more else value <= aim


def _show(console: Console, report: EvalReport, *, title: str, failures: bool) -> None:
    table = Table(title=title, title_justify="left")
    for column in ("figure", "value", "aim", "met"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for name, value in report.figures().items():
        aim = f"{'>=' if AIMS[name][1] else '<='} {AIMS[name][0]}" if name in AIMS else ""
        met = {True: "yes", False: "no", None: ""}[_met(name, value)]
        table.add_row(name, "" if value is None else f"{value:g}", aim, met)
    for name, (right, total) in report.by_category().items():
        table.add_row(f"right: {name}", f"{right} of {total}", "", "")
    console.print(table)
    if failures:
        for one in report.scored:
            if not one.right or one.wrong_value:
                worse = " [red](a wrong value)[/]" if one.wrong_value else ""
                console.print(f"[yellow]{one.golden.id}[/] {one.golden.category}{worse}: {one.golden.question}")
                console.print(f"    wanted {' | '.join(one.golden.answer_any) or 'no answer'}")
                console.print(
                    f"    got    {one.given.kind}: {one.given.text[:200]!r} from {list(one.given.filenames[:3])}"
                )
