"""A record of before is brought to the tables of now, and not a byte of what was recorded is touched."""

from __future__ import annotations

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.verify import verify
from appliance.store import Store, Tenant, open_store
from tests.attacks.test_record_tampering import attacker
from tests.audit.conftest import record


async def test_what_records_share_is_repeated_beside_those_of_before(node_store: Store, tenant: Tenant) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    made = [record(tenant) for _ in range(5)]
    await recorder.append(*made, record(None))
    await recorder.close()
    with attacker(node_store.data, node_store) as sql:
        before = sql.execute("SELECT log, seq, hash, record FROM leaves ORDER BY log, seq").fetchall()
        for table in ("tiles", "purged", "cosignatures", "witnesses", "watched_nodes", "witnessed_heads"):
            sql.execute(f"DROP TABLE {table}")
        sql.execute("DROP INDEX ix_leaves_log_correlation")
        sql.execute("ALTER TABLE leaves DROP COLUMN correlation_id")
        sql.execute("UPDATE leaves SET record = x'ff' WHERE seq = 4 AND log = ?", [f"{tenant.id}/1"])
        sql.execute("CREATE TRIGGER leaves_no_update BEFORE UPDATE ON leaves BEGIN SELECT RAISE(ABORT, 'no'); END")
        sql.execute("CREATE TRIGGER leaves_no_delete BEFORE DELETE ON leaves BEGIN SELECT RAISE(ABORT, 'no'); END")
        sql.execute("UPDATE alembic_version SET version_num = '0001_record'")
        sql.commit()
    await node_store.close()

    store = await open_store(node_store.data)
    await store.migrate()

    with attacker(store.data, store, guarded=True) as sql:
        after = sql.execute("SELECT log, seq, hash, record FROM leaves ORDER BY log, seq").fetchall()
        told = dict(sql.execute("SELECT id, correlation_id FROM leaves").fetchall())
        triggers = {row[0] for row in sql.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    assert [row for row in after if row[3] != b"\xff"] == [row for row in before if row[1] != 4]
    assert [told[str(new.id)] for new in made] == [*(str(new.correlation_id) for new in made[:4]), None]
    assert {"leaves_no_update", "leaves_no_delete"} <= triggers
    assert [finding.kind for finding in (await verify(store)).every_finding()] == ["record-changed"]
    await store.close()
