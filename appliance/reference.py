"""Writes the reference pages from the code, and tells when they have drifted from it.

python -m appliance.reference DIR            write them
python -m appliance.reference --check DIR    exit 1 if one is not what it would write
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any

import appliance
from appliance.errors import OutpostError, every_error
from appliance.settings import PREFIX, SETTINGS


def settings_page() -> str:
    rows = [f"| `{name}` | `{PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {meaning} |"
            for name, default, meaning in SETTINGS]  # fmt: skip
    head = "# Settings\n\nA flag of the same name wins over the variable. An unknown variable is an error.\n\n"
    return head + "| setting | variable | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def errors_page() -> str:
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    rows = []
    for error in sorted(
        {one for one in every_error() if one is not OutpostError}, key=lambda one: (one.status, one.code)
    ):
        why = (error.__doc__ or "").strip().partition("\n")[0]
        rows.append(f"| `{error.code}` | {error.status} | {error.exit_code} | {error.title} | {why} | {error.hint} |")
    head = "# Errors\n\nEvery problem has a stable `code`. Programs look at the code, people at title and hint.\n\n"
    table = "| code | HTTP | exit | title | when | what to do |\n|---|---|---|---|---|---|\n"
    return head + table + "\n".join(rows) + "\n"


def openapi_document() -> dict[str, Any]:
    """The OpenAPI description, without starting anything."""
    from appliance.compose import described_application

    document: dict[str, Any] = described_application().openapi_schema.to_schema()
    return document


def roles_page() -> str:
    """Raises Undeclared: a route does not say what it asks the gate for."""
    from appliance.compose import described_application
    from appliance.matrix import duties_page, page, rows
    from appliance.policy import PolicyEngine

    policy = PolicyEngine()
    return page(rows(described_application(), policy)) + duties_page(policy)


PAGES = {"settings.md": settings_page, "errors.md": errors_page, "roles.md": roles_page}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    drifted = []
    for name, page in PAGES.items():
        path = arguments.directory / name
        try:
            text = page()
        except LookupError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        if arguments.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                drifted.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if drifted:
        print(f"{', '.join(drifted)} no longer match the code: run `make format`", file=sys.stderr)
    return 1 if drifted else 0


if __name__ == "__main__":
    sys.exit(main())
