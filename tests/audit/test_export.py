"""An export and the single file that checks it, run as an auditor would: nothing installed, nothing imported."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.audit import Recorder
from appliance.audit.errors import UnknownLog
from appliance.audit.export import COLUMNS, export
from appliance.audit.instances import Instance
from appliance.audit.rows import Selection
from appliance.audit.service import AuditLog
from appliance.commands.auditing import export_record
from appliance.identity.identities import owner_in
from appliance.settings import load as load_settings
from appliance.store import Store, Tenant, new_id
from tests.audit.conftest import record

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "verify_audit.py"
WYCHEPROOF = ROOT.parent / "shared" / "data" / "wycheproof_subset" / "testvectors_v1" / "ed25519_test.json"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _load()


async def checked(path: Path, *options: str) -> tuple[int, str]:
    """Run the script with an interpreter that sees no site packages and no environment."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(SCRIPT), str(path), *options, stdout=asyncio.subprocess.PIPE, cwd="/"
    )
    out, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode()


def edited(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    changed = path.with_name("changed.jsonl")
    written = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    changed.write_text("".join(f"{line}\n" for line in written))
    return changed


def place(lines: list[dict[str, Any]], seq: int) -> int:
    return next(number for number, line in enumerate(lines) if line.get("seq") == seq)


@pytest.fixture
async def exported(store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path) -> Path:
    """Seventy records: checkpoints stand at 1, 64 and 70."""
    for count in (1, 63, 6):
        await recorder.append(*(record(tenant, personal={"username": "Nora Č."}) for _ in range(count)))
    out = tmp_path / "record.jsonl"
    summary = await export(store, tenant.id, out)
    assert (summary.records, summary.size) == (70, 70)
    return out


async def test_a_whole_export_verifies_with_nothing_but_python(exported: Path) -> None:
    status, told = await checked(exported)

    assert status == 0, told
    assert "70 records, all of them" in told
    assert "as it was written" in told
    assert "Nora" not in exported.read_text()


async def test_a_changed_record_is_named(exported: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        line = lines[place(lines, 66)]
        line["record"] = line["record"].replace("test.fact", "test.lies")

    status, told = await checked(edited(exported, change))

    assert status == 1
    assert "Record 66 was changed" in told


async def test_a_changed_record_with_its_hash_is_bounded(exported: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        line = lines[place(lines, 66)]
        line["record"] = line["record"].replace("test.fact", "test.lies")
        line["hash"] = script.leaf_hash(line["record"].encode()).hex()

    status, told = await checked(edited(exported, change))

    assert status == 1
    assert "something in records 64 to 69 was changed" in told


@pytest.mark.parametrize("what", ["dropped", "swapped", "cut", "doubled"])
async def test_records_dropped_swapped_cut_or_doubled_are_found(exported: Path, what: str) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        at = place(lines, 30)
        if what == "dropped":
            del lines[at]
        elif what == "swapped":
            lines[at]["seq"], lines[at + 1]["seq"] = 31, 30
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
        elif what == "cut":
            del lines[place(lines, 65) :]
        else:
            lines.insert(at, lines[at])

    status, told = await checked(edited(exported, change))

    assert status == 1, told


async def test_a_key_from_elsewhere_decides(exported: Path, recorder: Recorder) -> None:
    ours, other = recorder.signer.public_key.hex(), "11" * 32

    assert (await checked(exported, "--key", ours))[0] == 0
    assert (await checked(exported, "--key", other))[0] == 1


async def test_a_checkpoint_kept_elsewhere_catches_another_history(
    store: Store, recorder: Recorder, tenant: Tenant, other_tenant: Tenant, exported: Path, tmp_path: Path
) -> None:
    log = AuditLog(store, recorder)
    kept, ahead = tmp_path / "kept.txt", tmp_path / "ahead.txt"
    kept.write_text((await log.head(tenant.id)).note)
    await recorder.append(record(tenant), record(other_tenant))
    ahead.write_text((await log.head(tenant.id)).note)
    foreign = tmp_path / "foreign.txt"
    foreign.write_text((await log.head(other_tenant.id)).note)

    assert (await checked(exported, "--kept", str(kept)))[0] == 0
    status, told = await checked(exported, "--kept", str(ahead))
    assert status == 1
    assert "its end was lost" in told
    assert "another log" in (await checked(exported, "--kept", str(foreign)))[1]


async def test_an_excerpt_carries_its_proofs(store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path) -> None:
    nora = new_id()
    for number in range(66):
        await recorder.append(record(tenant, user_id=nora if number % 5 == 0 else new_id()))
    out = tmp_path / "excerpt.jsonl"

    summary = await export(store, tenant.id, out, selection=Selection(user_id=str(nora)))

    assert (summary.records, summary.size) == (14, 66)
    status, told = await checked(out)
    assert status == 0, told
    assert "14 records, an excerpt" in told

    def change(lines: list[dict[str, Any]]) -> None:
        line = lines[place(lines, 20)]
        line["record"] = line["record"].replace("test.fact", "test.lies")
        line["hash"] = script.leaf_hash(line["record"].encode()).hex()

    status, told = await checked(edited(out, change))
    assert status == 1
    assert "Record 20 is not part of the log" in told


async def test_a_period_takes_its_first_moment_and_leaves_out_its_last(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path
) -> None:
    start = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    for minute in range(6):
        await recorder.append(record(tenant, created_at=start + dt.timedelta(minutes=minute)))
    out = tmp_path / "period.jsonl"
    period = Selection(since=start + dt.timedelta(minutes=2), until=start + dt.timedelta(minutes=5))

    summary = await export(store, tenant.id, out, selection=period)

    assert (summary.records, summary.size) == (3, 6)
    status, told = await checked(out)
    assert status == 0, told
    assert "3 records, an excerpt, each with its proof; 2 to 4, none between them left out" in told
    assert "times        2026-11-01T08:02:00Z to 2026-11-01T08:04:00Z" in told


async def test_a_period_in_which_nothing_was_recorded_is_an_excerpt_of_nothing(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(record(tenant))
    out = tmp_path / "period.jsonl"

    summary = await export(store, tenant.id, out, selection=Selection(until=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))

    assert (summary.records, summary.size) == (0, 1)
    assert (await checked(out))[0] == 0


async def test_an_excerpt_of_which_a_record_is_left_out_says_so(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(*(record(tenant) for _ in range(5)))
    out = tmp_path / "excerpt.jsonl"
    await export(store, tenant.id, out, selection=Selection(event_type="test.fact"))

    def change(lines: list[dict[str, Any]]) -> None:
        del lines[place(lines, 2)]

    status, told = await checked(edited(out, change))

    assert (status, "0 to 4, not all between them" in told) == (0, True), told


async def test_names_are_disclosed_only_when_asked_for_and_are_proven(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(record(tenant, personal={"username": "Nora Č."}), record(tenant))
    out = tmp_path / "names.jsonl"
    await export(store, tenant.id, out, disclose=True)

    status, told = await checked(out)
    assert status == 0
    assert "username: 1 opened" in told

    def change(lines: list[dict[str, Any]]) -> None:
        lines[place(lines, 0)]["personal"]["username"]["value"] = "Jan N."

    status, told = await checked(edited(out, change))
    assert status == 1
    assert "The username of record 0" in told


async def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    for name, content in {"empty": "", "text": "hello\n", "json": "{}\n", "list": "[]\n"}.items():
        path = tmp_path / name
        path.write_text(content)
        status, told = await checked(path)
        assert (status, told.startswith("cannot check")) == (2, True)
    assert (await checked(tmp_path / "absent"))[0] == 2


async def test_an_empty_log_is_not_exported(store: Store, tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(UnknownLog):
        await export(store, tenant.id, tmp_path / "none.jsonl")
    assert list(tmp_path.glob("*none*")) == []


async def test_a_spreadsheet_gets_every_column_and_no_formula(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(
        record(tenant, personal={"username": "=HYPERLINK(1)"}, tools_used=("search",), resource_id="@x", latency_ms=-1)
    )
    out = tmp_path / "record.csv"

    await export(store, tenant.id, out, form="csv", disclose=True)

    with out.open(newline="") as file:
        header, row = csv.reader(file)
    assert tuple(header) == COLUMNS
    told = dict(zip(header, row, strict=True))
    assert told["username"] == "'=HYPERLINK(1)"
    assert told["resource_id"] == "'@x"
    assert (told["tools_used"], told["latency_ms"]) == ('["search"]', "-1")


@pytest.mark.parametrize("folder", ["nowhere", "file"])
async def test_an_export_that_cannot_be_written_names_the_file_that_was_asked_for(
    node_store: Store, tenant: Tenant, tmp_path: Path, folder: str
) -> None:
    await one_record(node_store, tenant)
    (tmp_path / "file").touch()
    out = tmp_path / folder / "record.jsonl"

    with pytest.raises(OSError, match="irectory") as refused:
        await export(node_store, tenant.id, out)

    assert refused.value.filename == str(out)


async def test_a_single_record_is_not_told_in_the_plural(
    node_store: Store, tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "record.jsonl"  # the one record is that of this export

    await export_record(load_settings({}, data=str(node_store.data)), out, tenant=tenant.slug, as_json=False)
    _, told = await checked(out)

    assert capsys.readouterr().out.startswith("1 record, root ")
    assert "\ncheckpoint   1 record, root " in told
    assert "\nchecked      1 record, all of them" in told


async def test_an_export_by_the_command_is_the_owners_and_stands_in_the_record(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    settings = load_settings({}, data=str(node_store.data))
    await export_record(settings, tmp_path / "first.jsonl", tenant=tenant.slug, as_json=True)
    await export_record(settings, tmp_path / "second.csv", tenant=tenant.slug, as_json=True)

    lines = (tmp_path / "second.csv").read_text().splitlines()[1:]
    owner = str(owner_in(node_store, tenant.id).id)
    assert [("audit.read_all" in line, owner in line) for line in lines] == [(True, True)] * 3


async def one_record(store: Store, tenant: Tenant) -> None:
    recorder = Recorder(store, Instance(store.data / "run"))
    await recorder.append(record(tenant))
    await recorder.close()


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=60), data=st.data())
def test_the_written_out_ed25519_agrees_with_the_library(seed: bytes, message: bytes, data: st.DataObject) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    at = data.draw(st.integers(0, 511))
    flipped = bytearray(signature)
    flipped[at // 8] ^= 1 << at % 8

    assert script.ed25519_verifies(public, message, signature)
    assert not script.ed25519_verifies(public, message, bytes(flipped))
    assert not script.ed25519_verifies(public, message + b"x", signature)


def test_the_written_out_ed25519_judges_wycheproof_as_it_says() -> None:
    if not WYCHEPROOF.is_file():
        pytest.skip("the Ed25519 vectors (../shared/data/wycheproof_subset) are not beside this checkout")
    judged = 0
    for group in json.loads(WYCHEPROOF.read_text())["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            told = script.ed25519_verifies(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert told is (case["result"] == "valid"), case["tcId"]
            judged += 1
    assert judged > 100
