"""What a person keeps of a node that no witness ever sees: the head as a QR code, and the heads of all logs in one list."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from appliance.audit import Recorder
from appliance.audit.drawing import drawn
from appliance.audit.errors import TooMuchForPaper
from appliance.audit.export import export
from appliance.audit.instances import Instance
from appliance.audit.lists import heads_note
from appliance.audit.recorder import signer_of
from appliance.audit.service import AuditLog
from appliance.audit.values import LogName
from appliance.cli import app
from appliance.store import Store, Tenant
from tests.audit.conftest import record
from tests.audit.test_export import checked, script
from tests.qr import read_blocks, read_svg


async def commanded(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command of `outpost audit` prints."""
    code = await asyncio.to_thread(app, ["audit", *words], exit_on_error=False)
    assert code == 0
    return capsys.readouterr().out


async def test_the_head_is_read_from_its_code_and_proves_the_export(
    node_store: Store, tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await recorder.append(*(record(tenant) for _ in range(5)))
    await recorder.close()
    data = ("--data", str(node_store.data))

    told = await commanded(capsys, "head", "--qr", "--svg", str(tmp_path / "head.svg"), *data)

    note = told[: told.index("\n", told.index("\N{EM DASH}")) + 1]
    assert read_svg((tmp_path / "head.svg").read_text()) == note
    assert read_blocks(told[len(note) : told.index("public key")].rpartition("\n\n")[0]) == note
    assert script.open_note(note, signer_of(node_store).public_key).origin.endswith(f"/{tenant.id}/1")
    await export(node_store, tenant.id, tmp_path / "record.jsonl")
    kept = tmp_path / "kept.txt"
    kept.write_text(read_svg((tmp_path / "head.svg").read_text()))
    status, told = await checked(tmp_path / "record.jsonl", "--kept", str(kept))
    assert status == 0, told


async def test_a_file_that_is_there_is_not_written_over(
    node_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "head.svg").write_text("precious")

    words = ["audit", "head", "--svg", str(tmp_path / "head.svg"), "--data", str(node_store.data)]
    assert await asyncio.to_thread(app, words, exit_on_error=False) == 13
    assert (tmp_path / "head.svg").read_text() == "precious"
    assert "already there" in capsys.readouterr().err


async def test_the_list_holds_the_head_of_every_log_and_the_script_checks_it(
    store: Store, recorder: Recorder, tenant: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(record(tenant), record(tenant), record(other_tenant), record(None))
    log = AuditLog(store, recorder)
    kept, public = tmp_path / "heads.txt", recorder.signer.public_key
    kept.write_text(await log.heads(clock=lambda: 1_800_000_000))

    at, logs = script.open_heads(kept.read_text(), public)
    assert (at, list(logs)) == (1_800_000_000, sorted(logs))
    assert {name: size for name, (size, _) in logs.items()} == {
        f"{tenant.id}/1": 2,
        f"{other_tenant.id}/1": 1,
        "node/1": 1,
    }
    status, told = await checked(kept, "--key", public.hex())
    assert status == 0, told
    assert "time         2027-01-15T08:00:00Z, by the node's clock" in told
    assert f"log          {tenant.id}/1: 2 records, root {(await log.head(tenant.id)).root.hex()}" in told
    assert (await checked(kept))[0] == 2
    status, told = await checked(kept, "--key", "11" * 32)
    assert (status, "list is NOT as the node signed it" in told) == (1, True)


async def test_a_list_that_was_kept_catches_another_history(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(record(tenant), record(tenant))
    kept, ahead, strange = tmp_path / "heads.txt", tmp_path / "ahead.txt", tmp_path / "strange.txt"
    kept.write_text(await AuditLog(store, recorder).heads())
    log = LogName(f"{tenant.id}/1")
    ahead.write_text(heads_note(recorder.signer, 1, {log: (9, b"r" * 32)}))
    strange.write_text(heads_note(recorder.signer, 1, {log: (2, b"r" * 32)}))
    other = tmp_path / "other.txt"
    other.write_text(heads_note(recorder.signer, 1, {LogName("node/1"): (2, b"r" * 32)}))
    await recorder.append(record(tenant))
    await export(store, tenant.id, tmp_path / "record.jsonl")

    assert (await checked(tmp_path / "record.jsonl", "--kept", str(kept)))[0] == 0
    status, told = await checked(tmp_path / "record.jsonl", "--kept", str(ahead))
    assert (status, "its end was lost" in told) == (1, True), told
    status, told = await checked(tmp_path / "record.jsonl", "--kept", str(strange))
    assert (status, "The list of heads you gave at 2 records does not match" in told) == (1, True), told
    status, told = await checked(tmp_path / "record.jsonl", "--kept", str(other))
    assert (status, "says nothing of this log" in told) == (2, True), told


async def test_the_owner_prints_the_list_by_command(
    node_store: Store, tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await recorder.append(record(tenant), record(None))
    await recorder.close()
    out, svg = tmp_path / "heads.txt", tmp_path / "heads.svg"

    told = await commanded(
        capsys, "head", "--all", "--out", str(out), "--svg", str(svg), "--json", "--data", str(node_store.data)
    )

    note = json.loads(told)["signed_note"]
    assert out.read_text() == note == read_svg(svg.read_text())
    assert (await checked(out, "--key", json.loads(told)["public_key"]))[0] == 0


def test_what_does_not_fit_a_code_is_said() -> None:
    with pytest.raises(TooMuchForPaper):
        drawn("x" * 3000)
