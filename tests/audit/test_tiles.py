"""Tiles of a stored log: every proof comes out of them, and the verifier compares them with the records."""

from __future__ import annotations

from functools import partial

from sqlalchemy import insert, select, text

from appliance.audit import Recorder
from appliance.audit.channel import Transaction, in_session
from appliance.audit.proofs import StoredTree, fill
from appliance.audit.rules import TILE, Tree, consistent, includes, leaf_hash
from appliance.audit.tables import LeafRow, TileRow
from appliance.audit.values import LogName, log_name
from appliance.audit.verify import verify
from appliance.store import AUDIT, Purpose, Store, Tenant
from appliance.store.sqlcipher import SqlcipherStore
from tests.audit.conftest import record

LONG = LogName("long/1")
SIZE = TILE * TILE + 2 * TILE + 7


def row(seq: int, hashed: bytes) -> dict[str, object]:
    return {
        "log": LONG, "seq": seq, "id": f"{seq:036}", "hash": hashed, "record": b"{}", "event_type": "test", "user_id": None,
        "created_at": "", "correlation_id": None,
    }  # fmt: skip


async def test_proofs_out_of_tiles_are_those_of_the_whole_tree(store: Store) -> None:
    leaves = [leaf_hash(b"%d" % seq) for seq in range(SIZE)]
    tree = Tree(leaves)

    def grow(transaction: Transaction) -> None:
        transaction.many(insert(LeafRow), [row(seq, hashed) for seq, hashed in enumerate(leaves)])
        for old, new in ((0, 3), (3, 3 * TILE + 1), (3 * TILE + 1, SIZE)):
            fill(transaction, LONG, old, new)

    async with store.open_internal(Purpose.RECORD, AUDIT, write=True) as session:
        await in_session(session, grow)
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        places = (
            await session.execute(select(TileRow.level, TileRow.place).order_by(TileRow.level, TileRow.place))
        ).all()
        assert [tuple(place) for place in places] == [*((0, place) for place in range(TILE + 2)), (1, 0)]

        def compare(transaction: Transaction) -> None:
            stored = StoredTree(transaction, LONG, SIZE)
            assert stored.root() == tree.root()
            for at in (0, 1, TILE - 1, TILE, 40_000, TILE * TILE - 1, TILE * TILE, TILE * TILE + TILE, SIZE - 1):
                assert includes(stored.root(), SIZE, at, leaves[at], stored.inclusion_proof(at))
                assert stored.inclusion_proof(at) == tree.inclusion_proof(at)
                assert stored.consistency_proof(at) == tree.consistency_proof(at)
                assert stored.frontier(at) == tree.frontier(at)
                assert at == 0 or consistent(tree.root(at), at, tree.root(), SIZE, stored.consistency_proof(at))

        await in_session(session, compare)


async def test_a_log_keeps_a_tile_for_every_256_records_however_they_arrive(
    store: Store, recorder: Recorder, tenant: Tenant
) -> None:
    for count in (1, 254, 3, 700):
        await recorder.append(*(record(tenant) for _ in range(count)))

    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        hashes = (await session.scalars(select(LeafRow.hash).order_by(LeafRow.seq))).all()
        tiles = (await session.scalars(select(TileRow.hashes).order_by(TileRow.place))).all()
    assert b"".join(tiles) == b"".join(hashes[: 3 * TILE])
    assert (await verify(store)).ok


async def test_a_tile_that_was_changed_is_found(node_store: SqlcipherStore, tenant: Tenant) -> None:
    from appliance.audit.instances import Instance

    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await recorder.append(*(record(tenant) for _ in range(TILE)))
    await recorder.close()
    async with node_store.open_internal(Purpose.VERIFY, AUDIT, write=True) as session:
        await session.execute(text("DROP TRIGGER tiles_no_update"))
        await session.execute(text("UPDATE tiles SET root = zeroblob(32)"))

    report = await verify(node_store)

    assert [(one.kind, one.log) for one in report.every_finding()] == [("tile-changed", log_name(tenant.id, 1))]


async def test_a_log_of_before_gets_its_tiles_with_the_update(store: Store, recorder: Recorder, tenant: Tenant) -> None:
    """The filling of the migration and that of an append make the same rows."""
    from importlib import import_module

    filled = import_module("appliance.store.migrations.audit.versions.0003_tiles")
    await recorder.append(*(record(tenant) for _ in range(2 * TILE + 5)))
    log = log_name(tenant.id, 1)
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        kept = [tuple(one) for one in (await session.execute(select(TileRow.root, TileRow.hashes))).all()]
        connection = await session.connection()
        made: list[tuple[bytes, bytes]] = []

        def collect(bare: object) -> None:
            class Listening:
                def execute(self, statement: object, values: dict[str, object]) -> object:
                    if "INSERT" in str(statement):
                        made.append((values["root"], values["hashes"]))  # type: ignore[arg-type]
                        return None
                    return bare.execute(statement, values)  # type: ignore[attr-defined]

            partial(filled._fill, Listening())(log)

        await connection.run_sync(collect)
    assert made == kept
