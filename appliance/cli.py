"""The command line.

A command reads its settings, does one thing, and exits with a code that means something: 0 done, 1 something went
wrong, 2 wrong use, from 10 on the `exit_code` of the error (docs/reference/errors.md). With `--json` the result, or
the problem, is one JSON document on standard output.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from appliance import (
    __version__,
    cli_api_keys,
    cli_backup,
    cli_duties,
    cli_holds,
    cli_jobs,
    cli_keys,
    cli_limits,
    cli_mail,
    cli_models,
    cli_policy,
    cli_sign_in,
    cli_tenants,
    cli_tokens,
    cli_webhooks,
    cli_witness,
)
from appliance.cli_parts import AsJson, Data, Tenant, complain, finish, said_of, settings_of
from appliance.errors import InvalidInput, OutpostError


class WrongUse(InvalidInput):
    """A command was given words or flags that it does not know."""

    code, title = "wrong-use", "The command was not understood"
    hint = "Put words that belong together in quotes; `outpost --help` and `outpost COMMAND --help` say what is taken."


app = cyclopts.App(
    name="outpost",
    help="Ask the plant's own documents, offline. Every answer is a quote; everything done is recorded.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    result_action="return_value",
)
audit = cyclopts.App(name="audit", help="Prove, read and export the record.")
app.command(audit)
audit.command(cli_witness.witness)
ground = cyclopts.App(name="ground", help="Judge worded sentences by the rules that release them.")
app.command(ground)
guard = cyclopts.App(name="guard", help="See what the guard finds in texts.")
app.command(guard)
for group in (
    cli_models.model,
    cli_models.provider,
    cli_models.cards,
    cli_models.budget,
    cli_keys.tls,
    cli_keys.keys,
    cli_keys.vault,
):
    app.command(group)
app.command(cli_models.usage)
app.command(cli_policy.policy)
app.command(cli_policy.approval)
app.command(cli_limits.limits)
app.command(cli_api_keys.key)
app.command(cli_tokens.token)
app.command(cli_duties.duty)
app.command(cli_holds.holds)
app.command(cli_sign_in.sign_in)
app.command(cli_tenants.tenant)
app.command(cli_jobs.schedule)
app.command(cli_jobs.worker)
app.command(cli_backup.backup)
app.command(cli_backup.restore)
app.command(cli_webhooks.webhook)
app.command(cli_mail.mail)


@app.command
def run(
    *,
    data: Data = None,
    listen: Annotated[
        str | None,
        Parameter(
            help="HOST:PORT; beyond loopback only over TLS. [default: 127.0.0.1:8000, with a certificate 127.0.0.1:8443]"
        ),
    ] = None,
    demo: Annotated[bool, Parameter(help="Fill an empty node with the demo plant.")] = False,
    passphrase_fd: Annotated[int | None, Parameter(help="An open descriptor to read the passphrase from.")] = None,
) -> int:
    """Start the appliance here and stop it with Ctrl-C."""
    from appliance.commands.running import run_node

    return finish(run_node(settings_of(data, listen=listen), demo=demo, passphrase_fd=passphrase_fd))


@app.command
def ask(
    question: Annotated[str, Parameter(help="What you want to know, in quotes.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    words: Annotated[bool, Parameter(help="Also put the answer into words, where a chat model is in force.")] = False,
    served_by: Annotated[
        str, Parameter(name="--by", help="A tier (light, standard, heavy) or a model to word it.")
    ] = "",
    receipt: Annotated[
        Path | None, Parameter(help="Save the answer's receipt here, and its QR code beside it, as FILE.svg.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Ask the running node a question and print the quote that answers it."""
    from appliance.commands.asking import ask_node

    work = ask_node(
        settings_of(data).socket,
        question,
        tenant=tenant,
        words=words or bool(served_by),
        served_by=served_by,
        receipt=receipt,
        as_json=as_json,
    )
    return finish(work, as_json=as_json)


@app.command
def ingest(
    *paths: Annotated[Path, Parameter(help="Files or directories.")],
    data: Data = None,
    tenant: Tenant = None,
    classification: Annotated[
        str,
        Parameter(help="PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED (or I to IV). [default: as tagged, or INTERNAL]"),
    ] = "",
    manifest: Annotated[Path | None, Parameter(help="A JSON file with metadata for each file.")] = None,
    wait: Annotated[bool, Parameter(help="Stay until every document is ready or failed.")] = False,
    as_json: AsJson = False,
) -> int:
    """Put documents into the running node's library."""
    from appliance.commands.ingesting import ingest_paths

    work = ingest_paths(
        settings_of(data).socket,
        list(paths),
        tenant=tenant,
        classification=classification,
        manifest=manifest,
        wait=wait,
        as_json=as_json,
    )
    return finish(work, as_json=as_json)


@audit.command
def verify(*, data: Data = None, as_json: AsJson = False) -> int:
    """Check every log of the record against its hashes, its checkpoints and the saved head."""
    from appliance.commands.auditing import verify_record

    return finish(verify_record(settings_of(data), as_json=as_json), as_json=as_json)


@audit.command
def export(
    out: Annotated[Path | None, Parameter(help="The file to write; it must not exist.")] = None,
    *,
    tiles: Annotated[
        Path | None, Parameter(help="In place of a file, a folder of tiles and entries (c2sp.org/tlog-tiles).")
    ] = None,
    epoch: Annotated[
        int | None, Parameter(help="The log of an earlier epoch, before a restore. [default: the present]")
    ] = None,
    data: Data = None,
    tenant: Tenant = None,
    since: Annotated[
        dt.datetime | None, Parameter(name="--from", help="Only records made at this moment or later; UTC.")
    ] = None,
    until: Annotated[
        dt.datetime | None, Parameter(name="--to", help="Only records made before this moment; UTC.")
    ] = None,
    form: Annotated[
        Literal["jsonl", "csv"] | None, Parameter(name="--format", help="[default: as the file's name ends, or jsonl]")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write one tenant's log to a file that `packaging/verify_audit.py` proves without account or database.

    With --from or --to it is an excerpt, in which every record carries its proof; with --tiles a folder for tools of others.
    """
    from appliance.commands.auditing import export_record

    target = out or tiles
    if target is None or (out is not None and tiles is not None) or (tiles is not None and form is not None):
        return complain(WrongUse("Name one thing to write: a file, or a folder with --tiles."), as_json=as_json)
    work = export_record(
        settings_of(data), target, tenant=tenant, as_json=as_json, form="tiles" if tiles else form, since=since,
        until=until, epoch=epoch,
    )  # fmt: skip
    return finish(work, as_json=as_json)


@audit.command
def head(
    *,
    every: Annotated[
        bool, Parameter(name="--all", help="The heads of all logs of this node, of every plant and epoch, in one list.")
    ] = False,
    qr: Annotated[bool, Parameter(help="Draw it here as a QR code.")] = False,
    svg: Annotated[Path | None, Parameter(help="Save the QR code here, to be printed.")] = None,
    out: Annotated[Path | None, Parameter(help="Save the text here.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Print the signed head of a tenant's log. Kept elsewhere, on paper say, it proves all that was recorded before."""
    from appliance.commands.heads import print_head

    work = print_head(
        settings_of(data), tenant=tenant, every=every, qr=qr, files={"svg": svg, "text": out}, as_json=as_json
    )
    return finish(work, as_json=as_json)


@audit.command
def purge(
    *,
    before: Annotated[
        dt.datetime | None, Parameter(help="Records made before it; UTC. [default: all whose time is over]")
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Say what would go; nothing does.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Remove the records whose time of retention is over and that no hold names; what proves the others stays."""
    from appliance.commands.purging import purge_record

    work = purge_record(settings_of(data).socket, before, dry_run=dry_run, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@ground.command(name="check")
def ground_check(*, as_json: AsJson = False) -> int:
    """Read cases from standard input, one JSON object a line, and say for each whether its sentence may be shown.

    A case is `{"id", "question", "passages": [{"text", "assets": […]}], "sentence"}`. No node need run. A line that is no
    case is answered too, and the command then ends with 2.
    """
    from appliance.commands.grounding import check_standard_input

    return check_standard_input(as_json=as_json)


@guard.command(name="check")
def guard_check(
    *,
    pack: Annotated[
        Path | None, Parameter(help="A policy pack, whose patterns of personal data are tried too.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Screen texts from standard input, one JSON object {"id", "text"} a line. No node need run."""
    from appliance.commands.guarding import check_standard_input

    return finish(check_standard_input(settings_of(None).share / "models", pack=pack, as_json=as_json), as_json=as_json)


@guard.command(name="violations")
def guard_violations(
    *,
    kind: Annotated[str | None, Parameter(help="injection, pii, secret, class, link or intent.")] = None,
    where: Annotated[str | None, Parameter(help="question, document, passage or answer.")] = None,
    user: Annotated[str | None, Parameter(help="The id of who asked, or took the document in.")] = None,
    document: Annotated[str | None, Parameter(help="The id of a document.")] = None,
    since: Annotated[str | None, Parameter(name="--from", help="Seen at or after it, as 2027-03-31T06:00:00Z.")] = None,
    until: Annotated[str | None, Parameter(name="--to", help="Seen before it.")] = None,
    most: Annotated[int, Parameter(help="How many at most, the newest first.")] = 100,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Show what the guard found in questions, documents and answers, and what it did. No text of anybody."""
    from appliance.commands.violations import list_violations

    sought = {"kind": kind, "where": where, "user": user, "document": document, "from": since, "to": until}
    work = list_violations(settings_of(data).socket, sought, most=most, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


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

    work = evaluate_node(settings_of(data).socket, golden, as_json=as_json, failures=failures)
    return finish(work, as_json=as_json)


@app.command
def doctor(*, data: Data = None, as_json: AsJson = False) -> int:
    """Say what is wrong with this node, and what to do about it."""
    from appliance.commands.doctor import examine

    return finish(examine(settings_of(data), as_json=as_json), as_json=as_json)


@app.command
def support(
    *,
    out: Annotated[Path, Parameter(help="The zip to write; it must not exist.")],
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Write one file for whoever helps from afar: no secrets, no documents, no questions. The node may be down."""
    from appliance.commands.supporting import collect

    return finish(collect(settings_of(data), out, as_json=as_json), as_json=as_json)


@app.command(name="kiosk-code")
def kiosk_code(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Make a code that enrols one kiosk, once, within a day."""
    from appliance.commands.asking import make_kiosk_code

    return finish(make_kiosk_code(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@app.command(name="reset-password")
def reset_password(
    username: Annotated[str, Parameter(help="Who lost their password.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Give a person a password for one sign-in; they choose their own then."""
    from appliance.commands.people import reset_password as reset

    work = reset(settings_of(data).socket, username, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@app.command(name="reset-factors")
def reset_factors(
    username: Annotated[str, Parameter(help="Who lost phone and recovery codes.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Remove all second factors of a person."""
    from appliance.commands.people import reset_factors as reset

    work = reset(settings_of(data).socket, username, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@app.command(name="recover-key")
def recover_key(*, data: Data = None, as_json: AsJson = False) -> int:
    """Write a lost master key again from the recovery code that was shown at install; asks for the code."""
    from appliance.commands.keeping import recover

    return finish(recover(settings_of(data), as_json=as_json), as_json=as_json)


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
