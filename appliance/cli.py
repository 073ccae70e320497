"""The command line.

A command reads its settings, does one thing, and exits with a code that means something: 0 done, 1 something went
wrong, 2 wrong use, from 10 on the `exit_code` of the error (docs/reference/errors.md). With `--json` the result, or
the problem, is one JSON document on standard output.
"""

from __future__ import annotations

import asyncio
import errno
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cyclopts
from cyclopts import Parameter

from appliance import __version__
from appliance.errors import InvalidInput, OutpostError, problem

if TYPE_CHECKING:
    from appliance.settings import Settings


class WrongUse(InvalidInput):
    """A command was given words or flags that it does not know."""

    code, title = "wrong-use", "The command was not understood"
    hint = "Put words that belong together in quotes; `outpost --help` and `outpost COMMAND --help` say what is taken."


class PathUnusable(InvalidInput):
    """A file or directory that a command needs cannot be read or written."""

    code, title = "path-unusable", "That path cannot be used"
    hint = "Check that it exists, that it is of the right kind, and that you may use it."


app = cyclopts.App(
    name="outpost",
    help="Ask the plant's own documents, offline. Every answer is a quote; everything done is recorded.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    result_action="return_value",
)
audit = cyclopts.App(name="audit", help="Prove, read and export the record.")
app.command(audit)
ground = cyclopts.App(name="ground", help="Judge worded sentences by the rules that release them.")
app.command(ground)
model = cyclopts.App(name="model", help="Take chat models in, try them, put them in force, go back.")
app.command(model)
cards = cyclopts.App(name="cards", help="Answers put into words ahead of time, from documents in force.")
app.command(cards)
budget = cyclopts.App(name="budget", help="Say how many tokens chat models may take.")
app.command(budget)

Data = Annotated[Path | None, Parameter(help="The node's data directory. [default: var/demo]")]
Tenant = Annotated[str | None, Parameter(help="Act in this tenant. [default: the first]")]
Wait = Annotated[bool, Parameter(help="Stay until it is done.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print one JSON document.")]


@app.command
def run(
    *,
    data: Data = None,
    listen: Annotated[str | None, Parameter(help="HOST:PORT, loopback only. [default: 127.0.0.1:8000]")] = None,
    demo: Annotated[bool, Parameter(help="Fill an empty node with the demo plant.")] = False,
) -> int:
    """Start the appliance here and stop it with Ctrl-C."""
    from appliance.commands.running import run_node

    return _finish(run_node(_settings(data, listen=listen), demo=demo))


@app.command
def ask(
    question: Annotated[str, Parameter(help="What you want to know, in quotes.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    words: Annotated[bool, Parameter(help="Also put the answer into words, where a chat model is in force.")] = False,
    as_json: AsJson = False,
) -> int:
    """Ask the running node a question and print the quote that answers it."""
    from appliance.commands.asking import ask_node

    work = ask_node(_settings(data).socket, question, tenant=tenant, words=words, as_json=as_json)
    return _finish(work, as_json=as_json)


@cards.command(name="build")
def build_cards(*, data: Data = None, tenant: Tenant = None, wait: Wait = False, as_json: AsJson = False) -> int:
    """Make cards from the documents in force; with a chat model in force it is also done each night."""
    from appliance.commands.carding import build

    return _finish(build(_settings(data).socket, tenant=tenant, wait=wait, as_json=as_json), as_json=as_json)


@cards.command(name="list")
def list_cards(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """List the cards of documents in force."""
    from appliance.commands.carding import listed

    return _finish(listed(_settings(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@app.command
def ingest(
    *paths: Annotated[Path, Parameter(help="Files or directories.")],
    data: Data = None,
    tenant: Tenant = None,
    classification: Annotated[str, Parameter(help="PUBLIC, INTERNAL or CONFIDENTIAL (or I, II, III).")] = "INTERNAL",
    manifest: Annotated[Path | None, Parameter(help="A JSON file with metadata for each file.")] = None,
    wait: Annotated[bool, Parameter(help="Stay until every document is ready or failed.")] = False,
    as_json: AsJson = False,
) -> int:
    """Put documents into the running node's library."""
    from appliance.commands.ingesting import ingest_paths

    work = ingest_paths(
        _settings(data).socket,
        list(paths),
        tenant=tenant,
        classification=classification,
        manifest=manifest,
        wait=wait,
        as_json=as_json,
    )
    return _finish(work, as_json=as_json)


@audit.command
def verify(*, data: Data = None, as_json: AsJson = False) -> int:
    """Check every log of the record against its hashes, its checkpoints and the saved head."""
    from appliance.commands.auditing import verify_record

    return _finish(verify_record(_settings(data), as_json=as_json), as_json=as_json)


@audit.command
def export(
    out: Annotated[Path, Parameter(help="The file to write; it must not exist.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Write one tenant's log to a file that `packaging/verify_audit.py` proves without account or database."""
    from appliance.commands.auditing import export_record

    return _finish(export_record(_settings(data), out, tenant=tenant, as_json=as_json), as_json=as_json)


@ground.command(name="check")
def ground_check(*, as_json: AsJson = False) -> int:
    """Read cases from standard input, one JSON object a line, and say for each whether its sentence may be shown.

    A case is `{"id", "question", "passages": [{"text", "assets": […]}], "sentence"}`. No node need run. A line that is no
    case is answered too, and the command then ends with 2.
    """
    from appliance.commands.grounding import check_standard_input

    return check_standard_input(as_json=as_json)


@model.command(name="import")
def model_import(
    file: Annotated[Path, Parameter(help="A GGUF file.")],
    /,
    *,
    name: Annotated[str, Parameter(name="--as", help="What to call it.")],
    tier: Annotated[tuple[str, ...], Parameter(help="light (or fast), standard, heavy; may be given again.")] = (),
    licence: Annotated[str, Parameter(help="Its licence. [default: what the file says]")] = "",
    sha256: Annotated[str, Parameter(help="Refuse the file if this is not its SHA-256.")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Copy a chat model onto the shelf of the running node and check it. It is not in force yet."""
    from appliance.commands.shelving import take_in

    wanted = {"file": str(file.absolute()), "name": name, "tiers": list(tier), "licence": licence, "sha256": sha256}
    return _finish(take_in(_settings(data).socket, wanted, as_json=as_json), as_json=as_json)


@model.command(name="list")
def model_list(*, data: Data = None, as_json: AsJson = False) -> int:
    """Show the models of the running node, their state and what they cost here."""
    from appliance.commands.shelving import show

    return _finish(show(_settings(data).socket, as_json=as_json), as_json=as_json)


@model.command(name="verify")
def model_verify(
    name: Annotated[str, Parameter(help="Name or id.")], /, *, data: Data = None, as_json: AsJson = False
) -> int:
    """Hash a model's file again; a damaged one is refused, and the one before it serves instead."""
    from appliance.commands.shelving import change

    return _finish(change(_settings(data).socket, "verify", name, as_json=as_json), as_json=as_json)


@model.command(name="activate")
def model_activate(
    name: Annotated[str | None, Parameter(help="Name or id. [default: the latest taken in]")] = None,
    /,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Try a model, measure it on this box, and put it in force. The one before goes on until then."""
    from appliance.commands.shelving import change

    return _finish(change(_settings(data).socket, "activate", name, as_json=as_json), as_json=as_json)


@model.command(name="rollback")
def model_rollback(*, data: Data = None, as_json: AsJson = False) -> int:
    """Put the model in force that was before this one."""
    from appliance.commands.shelving import change

    return _finish(change(_settings(data).socket, "rollback", None, as_json=as_json), as_json=as_json)


@model.command(name="deactivate")
def model_deactivate(*, data: Data = None, as_json: AsJson = False) -> int:
    """Serve no chat model; quotes need none."""
    from appliance.commands.shelving import change

    return _finish(change(_settings(data).socket, "deactivate", None, as_json=as_json), as_json=as_json)


@model.command(name="remove")
def model_remove(
    name: Annotated[str, Parameter(help="Name or id.")], /, *, data: Data = None, as_json: AsJson = False
) -> int:
    """Take a model that is not in force off the shelf."""
    from appliance.commands.shelving import change

    return _finish(change(_settings(data).socket, "remove", name, as_json=as_json), as_json=as_json)


@model.command(name="test")
def model_test(
    name: Annotated[str, Parameter(help="Name or id of the model in force.")],
    /,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Ask the model in force a short question, and say how long it took."""
    from appliance.commands.shelving import change

    return _finish(change(_settings(data).socket, "test", name, as_json=as_json), as_json=as_json)


@model.command(name="bench")
def model_bench(
    file: Annotated[Path | None, Parameter(help="A GGUF file; without one a random model of 0.4 B.")] = None,
    /,
    *,
    threads: Annotated[int, Parameter(help="Threads of inference; 0 leaves one core free.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Measure what the chat server costs on this box beside llama.cpp alone. No node need run; minutes of full load."""
    from appliance.commands.shelving import bench

    return _finish(bench(file, threads=threads, as_json=as_json), as_json=as_json)


@model.command(name="history")
def model_history(*, data: Data = None, as_json: AsJson = False) -> int:
    """Show what became of models here, newest first."""
    from appliance.commands.shelving import past

    return _finish(past(_settings(data).socket, as_json=as_json), as_json=as_json)


@app.command
def usage(
    *,
    days: Annotated[int, Parameter(help="How far back.")] = 30,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Show what chat models were used for, by day and model."""
    from appliance.commands.spending import show_usage

    return _finish(show_usage(_settings(data).socket, days=days, tenant=tenant, as_json=as_json), as_json=as_json)


@budget.command(name="list")
def budget_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show the budgets of the plant and what of each is used."""
    from appliance.commands.spending import show_budgets

    return _finish(show_budgets(_settings(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@budget.command(name="set")
def budget_set(
    tokens: Annotated[int, Parameter(help="Prompt and answer together.")],
    /,
    *,
    period: Annotated[str, Parameter(help="day or month (UTC).")] = "day",
    person: Annotated[str | None, Parameter(help="The id of a person; without one the whole plant.")] = None,
    soft: Annotated[bool, Parameter(help="Warn only.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Make a budget, or change it. When it is used up, answers are quotes alone until the period ends."""
    from appliance.commands.spending import set_budget

    wanted = {"limit_tokens": tokens, "period": period, "person_id": person, "hard": not soft}
    return _finish(set_budget(_settings(data).socket, wanted, tenant=tenant, as_json=as_json), as_json=as_json)


@budget.command(name="drop")
def budget_drop(
    budget_id: Annotated[str, Parameter(help="The id that the list shows.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Take a budget away."""
    from appliance.commands.spending import drop_budget

    return _finish(drop_budget(_settings(data).socket, budget_id, tenant=tenant, as_json=as_json), as_json=as_json)


@app.command(name="eval")
def evaluate(
    golden: Annotated[Path | None, Parameter(help="A file of questions. [default: the demo plant's]")] = None,
    /,
    *,
    data: Data = None,
    as_json: AsJson = False,
    failures: Annotated[bool, Parameter(help="Also print every question that went wrong.")] = False,
) -> int:
    """Ask the running node every golden question and score the answers."""
    from appliance.commands.evaluating import evaluate_node

    work = evaluate_node(_settings(data).socket, golden, as_json=as_json, failures=failures)
    return _finish(work, as_json=as_json)


@app.command
def doctor(*, data: Data = None, as_json: AsJson = False) -> int:
    """Say what is wrong with this node, and what to do about it."""
    from appliance.commands.doctor import examine

    return _finish(examine(_settings(data), as_json=as_json), as_json=as_json)


@app.command(name="kiosk-code")
def kiosk_code(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Make a code that enrols one kiosk, once, within a day."""
    from appliance.commands.asking import make_kiosk_code

    return _finish(make_kiosk_code(_settings(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@app.command(name="recover-key")
def recover_key(*, data: Data = None, as_json: AsJson = False) -> int:
    """Write a lost master key again from the recovery code that was shown at install; asks for the code."""
    from appliance.commands.recovering import recover

    return _finish(recover(_settings(data), as_json=as_json), as_json=as_json)


@app.command
def openapi(out: Annotated[Path | None, Parameter(help="A file; standard output if absent.")] = None, /) -> int:
    """Write the description of the HTTP API."""
    from appliance.reference import openapi_document

    text = json.dumps(openapi_document(), indent=2, sort_keys=True) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
    return 0


def _settings(data: Path | None, *, listen: str | None = None) -> Settings:
    from appliance.settings import load

    return load(data=None if data is None else str(data), listen=listen)


def _finish(work: Coroutine[Any, Any, int], *, as_json: bool = False) -> int:
    try:
        return asyncio.run(work)
    except OutpostError as error:
        return complain(error, as_json=as_json)


def complain(error: OutpostError, *, as_json: bool = False) -> int:
    """Show an error as its reader needs it and return the exit code."""
    from appliance.client import exit_code_of

    if as_json:
        sys.stdout.write(json.dumps(getattr(error, "body", None) or problem(error)) + "\n")
    else:
        sys.stderr.write(f"refused: {error.detail}\nhint:    {error.hint}\n")
    return exit_code_of(error)


def said_of(error: OSError) -> OutpostError | None:
    """What the system refused, in our words; None if it names neither a path nor a full disk."""
    from appliance.store.errors import StoreFull

    if error.errno == errno.ENOSPC:
        return StoreFull(f"{error.strerror}.")
    return None if error.filename is None else PathUnusable(f"{error.filename}: {error.strerror}.")


def _said_plainly(error: cyclopts.CycloptsError) -> str:
    if isinstance(error, cyclopts.UnusedCliTokensError):
        return f"The command does not take: {' '.join(error.unused_tokens or ())}."
    return " ".join(str(error).split())


def main() -> None:
    """Entry point of `outpost`."""
    try:
        code = app(exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        code = complain(WrongUse(_said_plainly(error)), as_json="--json" in sys.argv)
    except OutpostError as error:
        code = complain(error, as_json="--json" in sys.argv)
    except OSError as error:
        if (ours := said_of(error)) is None:
            raise
        code = complain(ours, as_json="--json" in sys.argv)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
