"""Someone with the data directory, its key and SQL changes the record. What the verifier says then."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from appliance.audit import Recorder
from appliance.audit.errors import RecordDamaged
from appliance.audit.export import export
from appliance.audit.heads import HEAD_FILE, LINE
from appliance.audit.instances import Instance
from appliance.audit.recovery import HEAD_MISMATCH, recover
from appliance.audit.rows import Selection
from appliance.audit.rules import Frontier, leaf_hash
from appliance.audit.service import READ_ALL, AuditLog
from appliance.audit.verify import VerifyReport, verify
from appliance.store import Admitted, Store, Tenant, open_store
from appliance.store.engines import connect
from tests.attacks.tally import tried
from tests.audit.conftest import record
from tests.audit.test_export import checked

RECORDS = 150


@contextmanager
def attacker(data: Path, store: Store, *, guarded: bool = False) -> Iterator[sqlite3.Connection]:
    """The audit file with its key, outside the appliance; the triggers dropped unless `guarded`. One try."""
    tried()
    connection = connect(data / "audit.db", store._keyring.key("audit"))
    if not guarded:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
    yield connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@pytest.fixture
async def log(node_store: Store, tenant: Tenant) -> AsyncIterator[str]:
    """The log of a tenant with 150 records: checkpoints stand at 1, 64, 128 and 150."""
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    for count in (1, 63, 64, RECORDS - 128):
        await recorder.append(*(record(tenant, personal={"username": "nora"}) for _ in range(count)))
    await recorder.append(record(None))
    await recorder.close()
    assert (await verify(node_store)).ok
    yield f"{tenant.id}/1"


def kinds(report: VerifyReport) -> list[str]:
    return [finding.kind for finding in report.every_finding()]


async def test_record_bytes_changed_by_sql_with_the_key_name_the_record(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute(
            "UPDATE leaves SET record = replace(record, 'test.fact', 'test.lies') WHERE log = ? AND seq = 70", [log]
        )
        (record_id,) = sql.execute("SELECT id FROM leaves WHERE log = ? AND seq = 70", [log]).fetchone()

    report = await verify(node_store)

    (finding,) = report.every_finding()
    assert (finding.kind, finding.log, finding.seq, finding.id) == ("record-changed", log, 70, record_id)
    assert record_id in finding.text
    assert not report.ok


OTHER_KINDS = ("'text'", "17", "1.5", "zeroblob(3)", "x'ff'")


@pytest.mark.parametrize("column", ["record", "hash", "id", "event_type", "user_id", "created_at", "correlation_id"])
async def test_values_of_any_kind_in_any_column_are_findings_and_no_crash(
    node_store: Store, log: str, column: str
) -> None:
    with attacker(node_store.data, node_store) as sql:
        for seq, value in enumerate(OTHER_KINDS):
            sql.execute(f"UPDATE leaves SET {column} = {value} WHERE log = ? AND seq = ?", [log, seq])

    report = await verify(node_store)

    assert sorted(finding.seq for finding in report.every_finding() if finding.seq is not None) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("value", ["'text'", "1017", "1.5", "zeroblob(3)", "x'ff'"])
async def test_a_place_that_is_no_number_is_a_finding_and_no_crash(node_store: Store, log: str, value: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute(f"UPDATE leaves SET seq = {value} WHERE log = ? AND seq = 149", [log])

    assert "record-missing" in kinds(await verify(node_store))


@pytest.mark.parametrize("column", ["size", "frontier", "note"])
@pytest.mark.parametrize("value", OTHER_KINDS)
async def test_a_checkpoint_of_any_other_kind_is_a_finding_and_no_crash(
    node_store: Store, log: str, column: str, value: str
) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute(f"UPDATE checkpoints SET {column} = {value} WHERE log = ? AND size = 64", [log])

    assert kinds(await verify(node_store)) == ["checkpoint-changed"]


async def test_hashes_rewritten_too_are_bounded_by_the_first_head_that_no_longer_matches(
    node_store: Store, log: str
) -> None:
    with attacker(node_store.data, node_store) as sql:
        (raw,) = sql.execute("SELECT record FROM leaves WHERE log = ? AND seq = 70", [log]).fetchone()
        forged = raw.replace(b"test.fact", b"test.lies")
        sql.execute(
            "UPDATE leaves SET record = ?, hash = ?, event_type = 'test.lies' WHERE log = ? AND seq = 70",
            [forged, leaf_hash(forged), log],
        )

    (finding,) = (await verify(node_store)).every_finding()

    assert finding.kind == "history-changed"
    assert "records 64 to 127" in finding.text
    assert finding.log == log


async def test_hashes_rewritten_and_checkpoints_forged_do_not_fit_the_signatures(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        hashes = [row[0] for row in sql.execute("SELECT hash FROM leaves WHERE log = ? ORDER BY seq", [log])]
        hashes[10] = leaf_hash(b"a record that never was")
        sql.execute("UPDATE leaves SET record = ?, hash = ? WHERE log = ? AND seq = 10", [b"{}", hashes[10], log])
        for size in (64, 128, 150):
            frontier = Frontier().extend(hashes[:size])
            sql.execute(
                "UPDATE checkpoints SET frontier = ? WHERE log = ? AND size = ?", [frontier.to_bytes(), log, size]
            )

    report = await verify(node_store)

    assert kinds(report).count("checkpoint-changed") == 3
    assert "history-changed" in kinds(report)  # the head file still knows


async def test_two_records_swapped_are_found(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        for old, new in ((20, -1), (40, 20), (-1, 40)):
            sql.execute("UPDATE leaves SET seq = ? WHERE log = ? AND seq = ?", [new, log, old])

    (finding,) = (await verify(node_store)).every_finding()

    assert finding.kind == "history-changed"
    assert "records 1 to 63" in finding.text


async def test_a_record_taken_out_leaves_a_gap(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("DELETE FROM leaves WHERE log = ? AND seq = 33", [log])

    report = await verify(node_store)

    assert [(finding.kind, finding.seq) for finding in report.every_finding()] == [("record-missing", 33)]


async def test_a_record_taken_out_and_the_rest_moved_up_is_found(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("DELETE FROM leaves WHERE log = ? AND seq = 33", [log])
        for seq in range(34, RECORDS):
            sql.execute("UPDATE leaves SET seq = ? WHERE log = ? AND seq = ?", [seq - 1, log, seq])

    report = await verify(node_store)

    assert "history-changed" in kinds(report)
    assert "tail-lost" in kinds(report)


async def test_only_the_stored_hash_changed_leaves_the_record_proven(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("UPDATE leaves SET hash = zeroblob(32) WHERE log = ? AND seq = 5", [log])

    (finding,) = (await verify(node_store)).every_finding()

    assert (finding.kind, finding.seq) == ("hash-changed", 5)


async def test_a_changed_index_column_is_found(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("UPDATE leaves SET user_id = ? WHERE log = ? AND seq = 5", ["0" * 36, log])

    (finding,) = (await verify(node_store)).every_finding()

    assert (finding.kind, finding.seq) == ("columns-changed", 5)


async def test_another_name_put_beside_a_record_is_found_and_an_erased_one_is_not(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        ids = [row[0] for row in sql.execute("SELECT id FROM leaves WHERE log = ? ORDER BY seq LIMIT 3", [log])]
        sql.execute("DELETE FROM personal WHERE record_id = ?", [ids[0]])
        sql.execute(
            "UPDATE personal SET sealed = (SELECT sealed FROM personal WHERE record_id = ?) WHERE record_id = ?",
            [ids[1], ids[2]],
        )

    (finding,) = (await verify(node_store)).every_finding()

    assert (finding.kind, finding.id) == ("personal-changed", ids[2])


async def test_the_whole_log_of_a_tenant_removed_is_found(node_store: Store, log: str) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("DELETE FROM leaves WHERE log = ?", [log])
        sql.execute("DELETE FROM checkpoints WHERE log = ?", [log])

    (finding,) = (await verify(node_store)).every_finding()

    assert (finding.kind, finding.log) == ("tail-lost", log)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaves SET event_type = 'x'",
        "DELETE FROM leaves",
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints",
        "INSERT OR REPLACE INTO leaves SELECT log, 0, 'x', hash, x'00', event_type, user_id, created_at, NULL FROM leaves",
        "INSERT OR REPLACE INTO leaves SELECT log, 150, id, hash, x'00', event_type, user_id, created_at, NULL FROM leaves",
        "INSERT INTO leaves SELECT log, 999, 'x', hash, record, event_type, user_id, created_at, NULL FROM leaves LIMIT 1",
        "INSERT OR REPLACE INTO checkpoints SELECT log, size, frontier, 'x' FROM checkpoints",
    ],
)
async def test_the_database_itself_refuses_to_change_the_record(node_store: Store, log: str, statement: str) -> None:
    with (
        attacker(node_store.data, node_store, guarded=True) as sql,
        pytest.raises(sqlcipher.IntegrityError, match=r"append-only|appended|once"),
    ):
        sql.execute(statement)

    assert (await verify(node_store)).ok
    assert log


async def test_flipped_bytes_in_the_encrypted_file_are_damage(node_store: Store, log: str, tmp_path: Path) -> None:
    await node_store.close()
    path = node_store.data / "audit.db"
    pages = path.stat().st_size // 4096
    for page in (0, 1, pages // 2, pages - 1):
        damaged = tmp_path / f"damaged-{page}"
        shutil.copytree(node_store.data, damaged)
        with (damaged / "audit.db").open("r+b") as raw:
            raw.seek(page * 4096 + 100)
            byte = raw.read(1)
            raw.seek(-1, 1)
            raw.write(bytes([byte[0] ^ 0xFF]))
        tried()
        store = await open_store(damaged)

        report = await verify(store)
        await store.close()

        assert "file-damaged" in kinds(report), page
        assert any("damaged" in finding.text for finding in report.findings)
    assert log


async def test_a_lost_tail_of_the_write_ahead_log_does_not_match_the_saved_head(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    for _ in range(12):
        await recorder.append(record(tenant))
    stolen = tmp_path / "copy"
    shutil.copytree(node_store.data, stolen)
    await recorder.close()
    wal = stolen / "audit.db-wal"
    wal.write_bytes(wal.read_bytes()[: wal.stat().st_size - 3 * 4096])
    tried()
    store = await open_store(stolen)

    report = await verify(store)

    (finding,) = report.every_finding()
    assert finding.kind == "tail-lost"
    assert "knows 12 records" in finding.text

    # A node that starts on it says so in its own log, goes on, and never forgets.
    again = Recorder(store, Instance(stolen / "run"))
    recovered = await recover(store, again)
    assert [head.checkpoint.size for head in recovered.disputed] == [12]
    await again.append(*(record(tenant) for _ in range(20)))
    await again.close()
    report = await verify(store)
    assert kinds(report) == ["tail-lost"]
    assert any(log.log == "node/1" and log.size == 1 for log in report.logs)
    assert HEAD_MISMATCH == "audit.head_mismatch"
    await store.close()


async def test_a_rewritten_head_file_does_not_verify(node_store: Store, log: str) -> None:
    path = node_store.data / HEAD_FILE
    lines = path.read_bytes()
    forged = []
    for at in range(0, len(lines), LINE):
        line = lines[at : at + LINE]
        if line.strip():
            head = json.loads(line)
            head["note"] = head["note"].replace("\n150\n", "\n100\n")
            line = json.dumps(head, ensure_ascii=False).encode().ljust(LINE - 1) + b"\n"
        forged.append(line)
    path.write_bytes(b"".join(forged))
    tried()

    report = await verify(node_store)

    assert "head-damaged" in kinds(report)
    assert log


async def test_a_head_file_that_is_gone_is_missed(node_store: Store, log: str) -> None:
    (node_store.data / HEAD_FILE).unlink()
    tried()

    assert "head-missing" in kinds(await verify(node_store))
    assert log


async def test_a_shortened_log_with_its_checkpoints_removed_still_lacks_what_the_head_knows(
    node_store: Store, log: str
) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("DELETE FROM leaves WHERE log = ? AND seq >= 140", [log])
        sql.execute("DELETE FROM checkpoints WHERE log = ? AND size > 140", [log])

    (finding,) = (await verify(node_store)).every_finding()

    assert finding.kind == "tail-lost"
    assert "records 140 to 149" in finding.text


@pytest.mark.parametrize("seq", [0, 33, 140])
async def test_nothing_is_proven_of_a_log_that_lacks_a_record(
    node_store: Store, tenant: Tenant, log: str, tmp_path: Path, seq: int
) -> None:
    with attacker(node_store.data, node_store) as sql:
        sql.execute("DELETE FROM leaves WHERE log = ? AND seq = ?", [log, seq])

    with pytest.raises(RecordDamaged, match=f"Record {seq} of"):
        await export(node_store, tenant.id, tmp_path / "excerpt", selection=Selection(event_type="test.fact"))

    assert not (tmp_path / "excerpt").exists()
    await export(
        node_store, tenant.id, tmp_path / "whole", disclose=True
    )  # what is left is shown, for the script to name
    status, said = await checked(tmp_path / "whole")
    assert (status, f"Record {seq} is missing" in said) == (1, True)


async def test_what_is_no_record_any_more_is_exported_for_the_script_to_name(
    node_store: Store, tenant: Tenant, log: str, tmp_path: Path
) -> None:
    with attacker(node_store.data, node_store) as sql:
        for seq, value in enumerate(("x'ff'", "'[]'", "'{}'", "17", "'\"x\"'")):
            sql.execute(f"UPDATE leaves SET record = {value} WHERE log = ? AND seq = ?", [log, seq])

    await export(node_store, tenant.id, tmp_path / "whole", disclose=True)

    status, said = await checked(tmp_path / "whole")
    assert status == 1
    assert all(f"Record {seq} was changed" in said for seq in range(5))
    assert "the first bad one is record 0" in said


@pytest.mark.parametrize("what", ["record", "hash", *OTHER_KINDS])
async def test_a_record_that_was_changed_is_not_given_out_as_proven(
    node_store: Store, tenant: Tenant, log: str, admitted: Callable[..., Admitted], what: str
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    audit_log, admin = AuditLog(node_store, recorder), admitted(action=READ_ALL, role="admin")
    with attacker(node_store.data, node_store) as sql:
        (record_id,) = sql.execute("SELECT id FROM leaves WHERE log = ? AND seq = 70", [log]).fetchone()
    await audit_log.proof(admin, UUID(record_id))
    with attacker(node_store.data, node_store) as sql:
        if what == "record":
            kept = sql.execute("SELECT record FROM leaves WHERE log = ? AND seq = 70", [log]).fetchone()[0]
            changed = kept.replace(b"test.fact", b"test.lies")
            sql.execute("UPDATE leaves SET record = ? WHERE log = ? AND seq = 70", [changed, log])
        elif what == "hash":
            sql.execute("UPDATE leaves SET hash = zeroblob(32) WHERE log = ? AND seq = 70", [log])
        else:
            sql.execute(f"UPDATE leaves SET record = {what} WHERE log = ? AND seq = 70", [log])

    for reader in (audit_log, AuditLog(node_store, recorder)):  # one that has read the log before, one that has not
        with pytest.raises(RecordDamaged):
            await reader.proof(admin, UUID(record_id))
    await recorder.close()
