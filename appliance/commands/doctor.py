"""`outpost doctor`: what is wrong with this node, and what to do about it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape

from appliance.client import answered, open_door
from appliance.errors import Damaged, OutpostError
from appliance.identity.identities import SECRET
from appliance.identity.passwords import Passwords
from appliance.identity.seed import with_first_password
from appliance.identity.values import Credential
from appliance.packs import InForce as PoliciesInForce
from appliance.processes import CREDENTIALS, INITIALISED
from appliance.settings import DEMO_MARK, Settings
from appliance.shelf.spending import has_budget
from appliance.store import AUDIT, CONTROL, Purpose, Store, Tenant, Where, open_store
from appliance.store.errors import PassphraseNeeded
from appliance.store.keeping import KEPT, MASTER, PROMISES, mode_of
from appliance.store.pages import bad_pages
from appliance.tls.place import PURPOSE, Place
from appliance.tls.required import require
from appliance.tls.standing import standing
from appliance.unlocking import unlock
from appliance.vault.service import stale

LEAST_FREE = 0.10
REPLACED_WITHIN = dt.timedelta(days=365)
_MARKS = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]bad [/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` says what to do unless it is fine."""

    subject: str
    state: Literal["ok", "note", "bad"]
    fact: str
    advice: str = ""


async def examine(settings: Settings, *, as_json: bool) -> int:
    """Print every finding; 1 if one of them is bad."""
    findings = await findings_of(settings)
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings]) + "\n")
    else:
        show(findings)
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def show(findings: list[Finding]) -> None:
    """Print findings for people."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    for finding in findings:
        # What stands in brackets is said, and no style.
        console.print(f"{_MARKS[finding.state]} {escape(f'{finding.subject}: {finding.fact}')}")
        if finding.advice:
            console.print(f"       {escape(finding.advice)}", style="dim")


async def findings_of(settings: Settings) -> list[Finding]:
    """Everything that can be told of a node, running or not."""
    findings = look_at_files(settings)
    if _is_node(settings.data):
        findings += await _read_everything(settings)
    return findings + await _ask_the_node(settings)


def _is_node(data: Path) -> bool:
    return (data / "control.db").exists()


def look_at_files(settings: Settings) -> list[Finding]:
    """What can be told without a running node."""
    data = settings.data
    if not _is_node(data):
        return [Finding("data", "bad", "there is no node in this directory", "Run `outpost run`, or give --data.")]
    findings = [_private(data), *_look_at_keys(data / "keys")]
    usage = shutil.disk_usage(data)
    free = usage.free / usage.total
    full = f"{usage.free / 2**30:.1f} GiB free ({free:.0%})"
    advice = "" if free >= LEAST_FREE else "Make room: documents are no longer taken in below 10 %."
    findings.append(Finding("disk", "ok" if free >= LEAST_FREE else "bad", full, advice))
    if (data / DEMO_MARK).exists():
        state: Literal["note", "bad"] = "bad" if settings.profile == "production" else "note"
        findings.append(Finding("demo", state, "this node carries the demo plant", "Never use a demo node in a plant."))
    findings += [_second_factor(settings), _network(settings)]
    if (data / CREDENTIALS).exists():
        findings.append(_private(data / CREDENTIALS))
    for part in ("models", "webui"):
        there = (settings.share / part).is_dir()
        fact = "installed" if there else "missing"
        findings.append(Finding(part, "ok" if there else "bad", fact, "" if there else "Run `make setup`."))
    return findings


def _look_at_keys(keys: Path) -> list[Finding]:
    """How the master key is kept, and whether it could be brought back."""
    try:
        mode = mode_of(keys)
    except OutpostError as error:
        return [Finding("master key", "bad", error.detail, error.hint)]
    findings = [_private(keys / (MASTER if mode in (None, "file") else KEPT))]
    if mode is not None:
        advice = "Good for a demo. In a plant: `outpost keys move --to tpm`, or usb-key, or passphrase."
        in_file = mode == "file"
        findings.append(Finding("master key", "note" if in_file else "ok", PROMISES[mode], advice if in_file else ""))
    if not (keys / "recovery.wrapped").exists():
        findings.append(
            Finding("recovery key", "bad", "there is none", "Run `outpost keys recovery` and keep what it shows.")
        )
    return findings


def _second_factor(settings: Settings) -> Finding:
    if settings.admins_need_factor(demo=(settings.data / DEMO_MARK).exists()):
        return Finding("second factor", "ok", "admins must have one")
    advice = "Set OUTPOST_ADMIN_SECOND_FACTOR=required, or enrol one under your account."
    return Finding("second factor", "note", "admins may sign in with a password alone", advice)


def _network(settings: Settings) -> Finding:
    """All that comes in and goes out, as the settings have it: what a firewall has to let through, and nothing else."""
    asked = [*settings.model_hosts, *settings.identity_hosts]
    fact = f"people reach {settings.host}:{settings.port}; the node asks {', '.join(asked) or 'nobody'}"
    if settings.trusted_proxies:
        fact += f", by way of {', '.join(settings.trusted_proxies)}"
    if not settings.exposed:
        return Finding("network", "ok", fact)
    return Finding(
        "network", "note", fact, "Let the firewall of the box refuse every other port, and check that it does."
    )


async def _read_everything(settings: Settings) -> list[Finding]:
    """Every page of every database: a damaged one opens, and fails those who come upon the page."""
    try:
        store = await open_store(settings.data, settings.database_url, create=False, unlock=unlock)
    except PassphraseNeeded as error:
        return [Finding("keys", "note", "what is stored was not read, for want of the passphrase", error.hint)]
    except OutpostError as error:
        return [Finding("keys", "bad", error.detail, error.hint)]
    try:
        findings = [await _read_pages(store, "people and tenants", CONTROL), await _read_pages(store, "record", AUDIT)]
        certificate = look_at_certificate(settings, store)
        if findings[0].state == "ok":
            policies = PoliciesInForce(store)
            await policies.follow()
            for tenant in await store.tenants():
                findings.append(await _read_pages(store, f"documents of {tenant.slug}", tenant.id))
                if findings[-1].state == "ok":
                    findings += await look_at_limits(store, tenant, policies)
                findings += look_at_policy(tenant, policies)
            findings += await look_at_people(settings, store)
            findings.append(await look_at_secrets(settings, store, dt.datetime.now(dt.UTC)))
        return [certificate, *findings]
    finally:
        await store.close()


async def look_at_people(settings: Settings, store: Store) -> list[Finding]:
    """Whether anybody still has the password of the first start."""
    path = settings.data / CREDENTIALS
    if not path.exists():
        return []
    passwords = Passwords()
    try:
        made = [Credential(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
        left = await with_first_password(store, made, passwords=passwords)
    except (ValueError, TypeError):
        return [Finding("sign-ins", "bad", f"{CREDENTIALS} cannot be read", "Remove it if nobody needs it any more.")]
    finally:
        passwords.close()
    fact = f"{len(left)} of {len(made)} people have the password that stands in {CREDENTIALS}"
    if left and (settings.profile == "production" or not (settings.data / DEMO_MARK).exists()):
        return [Finding("sign-ins", "bad", fact, "Give each a password of their own, or deactivate them.")]
    return [Finding("sign-ins", "note", fact, "" if left else "Remove the file; nobody needs it any more.")]


async def look_at_secrets(settings: Settings, store: Store, now: dt.datetime) -> Finding:
    """Whether keys and the credentials in the vault were replaced within a year."""
    made = (settings.data / INITIALISED).stat().st_mtime if (settings.data / INITIALISED).exists() else now.timestamp()
    since = store.signing(SECRET).since or dt.datetime.fromtimestamp(made, dt.UTC)
    if now - since > REPLACED_WITHIN:
        fact = f"the keys of this node were made {(now - since).days} days ago"
        return Finding("secrets", "note", fact, "Stop the node and run `outpost keys rotate`.")
    if old := await stale(store, now - REPLACED_WITHIN):
        fact = f"not replaced for a year: {', '.join(old)}"
        return Finding("secrets", "note", fact, "`outpost vault rotate NAME` puts a new value in force.")
    return Finding("secrets", "ok", "replaced within a year")


async def look_at_limits(store: Store, tenant: Tenant, policies: PoliciesInForce) -> list[Finding]:
    """Whether anything limits what chat models may take in a plant: a budget of an admin, or one of its policy pack."""
    if await has_budget(store, tenant.id, policies.pack_of(tenant.id).budgets):
        return []
    advice = f"`outpost budget set TOKENS --tenant {tenant.slug}` limits it; by default nothing does."
    return [Finding(f"limits of {tenant.slug}", "note", "chat models may take as much as they can", advice)]


def look_at_policy(tenant: Tenant, policies: PoliciesInForce) -> list[Finding]:
    """Whether the plant's policy pack can be used, and knows all that this release does; nothing where it is in order."""
    subject, plant = f"policy of {tenant.slug}", f"--tenant {tenant.slug}"
    if why := policies.why_unusable(tenant.id):
        return [Finding(subject, "bad", why, f"Put another in force: `outpost policy list {plant}`.")]
    if lacking := policies.all_lacking().get(tenant.id):
        fact = f"its pack is of an older release and refuses to everybody what it does not know: {', '.join(lacking)}"
        advice = (
            f"Write both out (`outpost policy export DIR {plant}`, and with `--version release`), take over what is "
            "new, and stage the result."
        )
        return [Finding(subject, "note", fact, advice)]
    return []


def look_at_certificate(settings: Settings, store: Store) -> Finding:
    """How people reach the node, and for how long its certificate holds."""
    try:
        if not require(settings):
            return Finding("tls", "ok", "not spoken; only this machine reaches the address")
        found = standing(Place(settings.data, store.secret(PURPOSE)).served(), dt.datetime.now(dt.UTC))
    except OutpostError as error:
        return Finding("tls", "bad", error.detail, error.hint)
    state, fact = found.state, f"{found.fact}; TLS {settings.tls_minimum} or newer"
    if state == "ok" and settings.tls_minimum != "1.3":
        return Finding("tls", "note", fact, "Old kiosks may need TLS 1.2; set tls_minimum to 1.3 when they are gone.")
    return Finding("tls", state, fact, "" if state == "ok" else "Run `outpost tls use` with a new one.")


async def _read_pages(store: Store, what: str, where: Where) -> Finding:
    subject = f"stored {what}"
    try:
        async with store.open_internal(Purpose.VERIFY, where) as session:
            damaged = await bad_pages(session)
    except OutpostError as error:
        return Finding(subject, "bad", error.detail, error.hint)
    if damaged:
        return Finding(subject, "bad", f"{len(damaged)} pages are not as they were written", Damaged.hint)
    return Finding(subject, "ok", "as it was written")


def _private(path: Path) -> Finding:
    if not path.exists():
        return Finding(
            path.name, "bad", "is not there", "Restore it from where you keep a copy; nothing opens without."
        )
    open_to_others = path.stat().st_mode & 0o077
    fact = "can be read by other users" if open_to_others else "private"
    advice = f"Run: chmod go-rwx {path}" if open_to_others else ""
    return Finding(path.name, "bad" if open_to_others else "ok", fact, advice)


async def _ask_the_node(settings: Settings) -> list[Finding]:
    try:
        async with open_door(settings.socket, timeout=10) as door:
            found = answered(await door.get("/v1/health/components"))
            limits = answered(await door.get("/v1/admin/limits"))
    except OutpostError as error:
        return [Finding("node", "note", error.detail, error.hint)]
    states: dict[str, Literal["ok", "note", "bad"]] = {"ok": "ok", "degraded": "note", "unavailable": "bad"}
    findings = [
        Finding(part["name"], states[part["state"]], part["detail"], part["hint"]) for part in found["components"]
    ]
    if limits["environment"] == "production" and not limits["tenants"]:
        advice = "See docs/administer/limits.md, and give each plant limits of its own under [limits.tenants]."
        findings.append(Finding("limits of plants", "note", "no plant has limits of its own", advice))
    return findings
