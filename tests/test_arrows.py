"""Arrows point down. These tests read every import of the tree and refuse the ones that would let it rot."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEVELS = {
    "store": 0, "news": 0.5,
    "identity": 1, "policy": 1, "audit": 1,
    "gate_rules": 1.4, "gate": 1.5, "teams": 1.8, "holds": 1.8,
    "jobs": 2, "shelf": 2, "guard": 2, "packs": 2, "vault": 2, "limits": 2, "vitals": 2, "idempotency": 1,
    "routing": 2.5, "notices": 2.55, "upkeep": 2.6,
    "documents": 3, "retrieval": 3,
    "answers": 4,
    "cards": 4.5,
    "chat": 5,
    "privacy": 6,
}  # fmt: skip
ANYWHERE = {"errors", "web", "metrics", "plant", "tracing"}
"""The vocabulary that every level speaks: error tree, web edge, counters, spans, what is inside the plant."""
COMPOSITION = {
    "__main__", "app", "authentication", "cli", "cli_models", "cli_parts", "cli_policy", "client", "commands", "compose", "edge", "health", "logs", "node_api",
    "processes", "reference", "settings", "static", "supervisor", "seeding", "waiting", "cli_keys", "tls", "unlocking", "cli_limits", "conditional", "cookies", "crossing", "deprecation", "limiting", "repeating", "description", "matrix", "cli_sign_in", "cli_tenants", "proxies", "cli_jobs", "cli_backup", "cli_webhooks", "cli_mail", "cli_holds",
}  # fmt: skip
"""The shell around the domains; no domain may import it."""
PRIVATE = {"tables", "store"}
INTERNAL_SESSIONS = {
    "appliance/audit", "appliance/identity", "appliance/jobs", "appliance/shelf", "appliance/routing", "appliance/documents", "appliance/compose",
    "appliance/packs", "appliance/teams", "appliance/store", "appliance/seeding.py", "appliance/commands", "appliance/vault", "appliance/limits", "appliance/idempotency", "appliance/guard", "appliance/upkeep", "appliance/news", "appliance/notices", "appliance/privacy",
}  # fmt: skip
"""Who may open a session before or beneath admission; each does sign-in, records, recovery, claims or health."""


def imports(path: Path) -> Iterator[str]:
    """Absolute module names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(top: str) -> list[Path]:
    return sorted(path for path in (ROOT / top).rglob("*.py") if "migrations" not in path.parts)


def domain_of(path: Path) -> str:
    return path.relative_to(ROOT / "appliance").parts[0].removesuffix(".py")


def test_a_domain_imports_only_lower_levels_and_never_their_tables_or_queries() -> None:
    wrong = []
    for path in sources("appliance"):
        domain = domain_of(path)
        if domain not in LEVELS:
            continue
        for name in imports(path):
            parts = name.split(".")
            if (
                parts[0] != "appliance"
                or len(parts) < 2
                or parts[1] in {domain, *ANYWHERE}
                or parts[1] == "__version__"
            ):
                continue
            other, inside = parts[1], parts[2:3]
            if other in COMPOSITION:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}: the shell is above every domain")
            elif other not in LEVELS:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}: give {other} a level in this test")
            elif LEVELS[other] > LEVELS[domain]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}: upward")
            elif LEVELS[other] == LEVELS[domain] and inside not in (["values"], ["events"]):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}: sideways, only values are shared")
            elif other != "store" and set(inside) & PRIVATE:
                wrong.append(
                    f"{path.relative_to(ROOT)} imports {name}: another domain's tables and queries are its own"
                )
    assert not wrong, "\n".join(wrong)


def test_models_knows_nothing_of_the_appliance() -> None:
    wrong = [
        f"{p.relative_to(ROOT)}: {n}" for p in sources("models") for n in imports(p) if n.split(".")[0] == "appliance"
    ]
    assert not wrong


def test_nothing_that_runs_loads_torch_or_onnx() -> None:
    loads = "import sys, appliance.cli, appliance.compose, appliance.processes, models.server"
    tells = "print(sorted({'torch', 'onnx', 'alembic'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{loads}; {tells}"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_only_compose_mints_admissions_and_only_the_composition_knows_settings() -> None:
    wrong = []
    for path in sources("appliance"):
        domain = domain_of(path)
        for name in imports(path):
            if name.endswith(".minter") and domain not in {"compose", "store"}:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
            if name.startswith("appliance.settings") and domain not in COMPOSITION:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
            if name.startswith("appliance.compose") and domain not in COMPOSITION:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_sessions_without_an_admission_are_opened_in_few_places() -> None:
    callers = {
        path.relative_to(ROOT).as_posix()
        for path in sources("appliance")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "open_internal"
    }
    strangers = {one for one in callers if not any(one.startswith(place) for place in INTERNAL_SESSIONS)}
    assert not strangers
