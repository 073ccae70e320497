"""The commands about chat models: the shelf, the providers, cards, budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, Wait, finish, settings_of

model = cyclopts.App(name="model", help="Take chat models in, try them, put them in force, go back.")
provider = cyclopts.App(name="provider", help="Say who of the plant may write answers too.")
cards = cyclopts.App(name="cards", help="Answers put into words ahead of time, from documents in force.")
budget = cyclopts.App(name="budget", help="Say how many tokens chat models may take.")


@cards.command(name="build")
def build_cards(*, data: Data = None, tenant: Tenant = None, wait: Wait = False, as_json: AsJson = False) -> int:
    """Make cards from the documents in force; with a chat model in force it is also done each night."""
    from appliance.commands.carding import build

    return finish(build(settings_of(data).socket, tenant=tenant, wait=wait, as_json=as_json), as_json=as_json)


@cards.command(name="list")
def list_cards(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """List the cards of documents in force."""
    from appliance.commands.carding import listed

    return finish(listed(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


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
    return finish(take_in(settings_of(data).socket, wanted, as_json=as_json), as_json=as_json)


@model.command(name="list")
def model_list(*, data: Data = None, as_json: AsJson = False) -> int:
    """Show the models of the running node, their state and what they cost here."""
    from appliance.commands.shelving import show

    return finish(show(settings_of(data).socket, as_json=as_json), as_json=as_json)


@model.command(name="verify")
def model_verify(
    name: Annotated[str, Parameter(help="Name or id.")], /, *, data: Data = None, as_json: AsJson = False
) -> int:
    """Hash a model's file again; a damaged one is refused, and the one before it serves instead."""
    from appliance.commands.shelving import change

    return finish(change(settings_of(data).socket, "verify", name, as_json=as_json), as_json=as_json)


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

    return finish(change(settings_of(data).socket, "activate", name, as_json=as_json), as_json=as_json)


@model.command(name="rollback")
def model_rollback(*, data: Data = None, as_json: AsJson = False) -> int:
    """Put the model in force that was before this one."""
    from appliance.commands.shelving import change

    return finish(change(settings_of(data).socket, "rollback", None, as_json=as_json), as_json=as_json)


@model.command(name="deactivate")
def model_deactivate(
    name: Annotated[str | None, Parameter(help="Name or id. [default: every chat model]")] = None,
    /,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Serve a chat model no longer, or none; quotes need none."""
    from appliance.commands.shelving import change

    return finish(change(settings_of(data).socket, "deactivate", name, as_json=as_json), as_json=as_json)


@model.command(name="hold")
def model_hold(
    tier: Annotated[str, Parameter(help="light, standard or heavy.")],
    /,
    *,
    release: Annotated[bool, Parameter(help="Let it run again.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Keep the model in force for a tier from running, now and when the node starts."""
    from appliance.commands.shelving import hold

    return finish(hold(settings_of(data).socket, tier, run=release, as_json=as_json), as_json=as_json)


@model.command(name="default")
def model_default(
    choice: Annotated[str | None, Parameter(help="auto, a tier, or a model; nothing shows what counts.")] = None,
    /,
    *,
    scope: Annotated[str, Parameter(help="user, role, tenant or global.")] = "tenant",
    subject: Annotated[str, Parameter(help="The role, where the scope is one.")] = "",
    forget: Annotated[bool, Parameter(help="Forget the default of this scope.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Show or say what answers are written with where nobody names a model."""
    from appliance.commands.providing import defaults

    wanted = {"scope": scope, "subject": subject, "choice": choice} if choice or forget else None
    return finish(defaults(settings_of(data).socket, wanted, tenant=tenant, as_json=as_json), as_json=as_json)


@model.command(name="remove")
def model_remove(
    name: Annotated[str, Parameter(help="Name or id.")], /, *, data: Data = None, as_json: AsJson = False
) -> int:
    """Take a model that is not in force off the shelf."""
    from appliance.commands.shelving import change

    return finish(change(settings_of(data).socket, "remove", name, as_json=as_json), as_json=as_json)


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

    return finish(change(settings_of(data).socket, "test", name, as_json=as_json), as_json=as_json)


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

    return finish(bench(file, threads=threads, as_json=as_json), as_json=as_json)


@model.command(name="history")
def model_history(*, data: Data = None, as_json: AsJson = False) -> int:
    """Show what became of models here, newest first."""
    from appliance.commands.shelving import past

    return finish(past(settings_of(data).socket, as_json=as_json), as_json=as_json)


@provider.command(name="list")
def provider_list(*, data: Data = None, as_json: AsJson = False) -> int:
    """Show who may be asked to write, and how each is now."""
    from appliance.commands.providing import show

    return finish(show(settings_of(data).socket, as_json=as_json), as_json=as_json)


@provider.command(name="add")
def provider_add(
    name: Annotated[str, Parameter(help="Small letters, digits and dashes.")],
    url: Annotated[str, Parameter(help="Such as http://10.1.2.3:8000; the owner lists it in OUTPOST_MODEL_HOSTS.")],
    /,
    *models: Annotated[str, Parameter(help="MODEL=TIER[,TIER], as the server names it.")],
    kind: Annotated[str, Parameter(help="openai_compatible (vLLM and its like) or ollama.")] = "openai_compatible",
    priority: Annotated[int, Parameter(help="0 to 100; the lowest is asked first, the node's own has 50.")] = 60,
    timeout: Annotated[int, Parameter(help="Seconds that one answer may take.")] = 120,
    clearance: Annotated[int, Parameter(help="1 to 4: the highest class of passages that it may be given.")] = 2,
    ask_key: Annotated[bool, Parameter(help="Ask for the key that it wants.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Let a server of the plant write answers too. It is asked and measured first."""
    from appliance.commands.providing import add

    wanted = {
        "name": name, "base_url": url, "kind": kind, "priority": priority, "timeout_seconds": timeout, "clearance": clearance,
    }  # fmt: skip
    work = add(settings_of(data).socket, wanted, models, ask_key=ask_key, as_json=as_json)
    return finish(work, as_json=as_json)


@provider.command(name="set")
def provider_set(
    name: Annotated[str, Parameter(help="Name or id; `local` is the node's own.")],
    /,
    *,
    priority: Annotated[int | None, Parameter(help="0 to 100; the lowest is asked first.")] = None,
    timeout: Annotated[int | None, Parameter(help="Seconds that one answer may take.")] = None,
    clearance: Annotated[int | None, Parameter(help="1 to 4.")] = None,
    off: Annotated[bool, Parameter(help="Ask it no longer.")] = False,
    on: Annotated[bool, Parameter(help="Ask it again.")] = False,
    main: Annotated[bool, Parameter(help="Ask it first within a tier, in this plant.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Change how a provider is asked."""
    from appliance.commands.providing import change

    wanted = {
        "priority": priority, "timeout_seconds": timeout, "clearance": clearance,
        "enabled": True if on else False if off else None,
    }  # fmt: skip
    work = change(settings_of(data).socket, name, wanted, main=main, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@provider.command(name="test")
def provider_test(
    name: Annotated[str, Parameter(help="Name or id.")], /, *, data: Data = None, as_json: AsJson = False
) -> int:
    """Ask a provider's models, and keep how fast they are."""
    from appliance.commands.providing import measure

    return finish(measure(settings_of(data).socket, name, as_json=as_json), as_json=as_json)


@provider.command(name="remove")
def provider_remove(
    name: Annotated[str, Parameter(help="Name or id.")], /, *, data: Data = None, as_json: AsJson = False
) -> int:
    """Ask a provider no longer, and forget its key."""
    from appliance.commands.providing import remove

    return finish(remove(settings_of(data).socket, name, as_json=as_json), as_json=as_json)


def usage(
    *,
    days: Annotated[int, Parameter(help="How far back.")] = 30,
    by: Annotated[str, Parameter(help="model, person, provider or purpose.")] = "model",
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Show what chat models were used for, by day and model, and further as `--by` says."""
    from appliance.commands.spending import show_usage

    work = show_usage(settings_of(data).socket, days=days, by=by, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@budget.command(name="list")
def budget_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show the budgets of the plant and what of each is used."""
    from appliance.commands.spending import show_budgets

    return finish(show_budgets(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@budget.command(name="set")
def budget_set(
    tokens: Annotated[int, Parameter(help="Prompt and answer together; or as many uses as `--count` says.")],
    /,
    *,
    period: Annotated[str, Parameter(help="day or month (UTC).")] = "day",
    person: Annotated[str | None, Parameter(help="The id of a person; without one the whole plant.")] = None,
    of: Annotated[str, Parameter(help="A provider; without one all together.")] = "",
    count: Annotated[str, Parameter(help="tokens, calls (of chat models) or searches.")] = "tokens",
    soft: Annotated[bool, Parameter(help="Warn only.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Make a budget, or change it. When it is used up, answers are quotes alone until the period ends."""
    from appliance.commands.spending import set_budget

    wanted = {
        "limit_tokens": tokens,
        "period": period,
        "person_id": person,
        "provider": of,
        "counts": count,
        "hard": not soft,
    }
    return finish(set_budget(settings_of(data).socket, wanted, tenant=tenant, as_json=as_json), as_json=as_json)


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

    return finish(drop_budget(settings_of(data).socket, budget_id, tenant=tenant, as_json=as_json), as_json=as_json)
