"""Someone with a node, or with its keys, wants a witness to vouch for another history, or its node to believe it has."""

from __future__ import annotations

import asyncio
import base64
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.audit import Recorder
from appliance.audit.cosigning import Cosigner, Submission
from appliance.audit.errors import (
    AnotherHistory,
    ForeignHead,
    ForgedCosignature,
    HeadConflict,
    HeadForked,
    HeadNotConsistent,
    MalformedSubmission,
    NotCosigned,
    RecordUnavailable,
    UnknownOrigin,
)
from appliance.audit.export import export
from appliance.audit.instances import Instance
from appliance.audit.notes import Checkpoint, Signer
from appliance.audit.rows import Selection
from appliance.audit.rules import Tree, leaf_hash
from appliance.audit.tables import WitnessedRow
from appliance.audit.values import LogName
from appliance.audit.verify import verify
from appliance.audit.witness import Witness
from appliance.audit.witnessed import ask, newest, take, trust
from appliance.store import AUDIT, Purpose, Store, Tenant, open_store
from appliance.store.sqlcipher import SqlcipherStore
from tests.attacks.tally import attempt, refusal, tried
from tests.attacks.test_record_export import flips, found
from tests.attacks.test_record_tampering import attacker, kinds
from tests.audit.conftest import record
from tests.audit.test_export import checked, edited, script

ROOT = Path(__file__).resolve().parents[2]
SIGNER = Signer(b"n" * 32)
ORIGIN = SIGNER.origin("node/1")


def tree(*words: str) -> Tree:
    return Tree(leaf_hash(word.encode()) for word in words)


def question(grown: Tree, old: int, *, origin: str = ORIGIN, signer: Signer = SIGNER) -> str:
    """What an honest node would ask, that grew from `old` records."""
    note = signer.sign(Checkpoint(origin, grown.size, grown.root()))
    return str(Submission(old, tuple(grown.consistency_proof(old)), note))


@pytest.fixture
async def witness(store: Store) -> AsyncIterator[Witness]:
    """It has cosigned two records of a node."""
    recorder = Recorder(store, Instance(store.data / "run"))
    witness = Witness(store, recorder)
    await witness.watch(SIGNER.public_key.hex())
    await witness.cosign(question(tree("a", "b"), 0))
    yield witness
    await recorder.close()


async def test_a_smaller_tree_is_not_cosigned_whatever_it_claims(witness: Witness) -> None:
    for old in (0, 1):
        with refusal(HeadConflict) as caught:
            await witness.cosign(question(tree("a"), old))
        assert caught.value.size == 2
    with refusal(MalformedSubmission):
        await witness.cosign(question(tree("a"), 0).replace("old 0", "old 2", 1))


async def test_the_same_size_with_another_root_is_a_fork(witness: Witness) -> None:
    with refusal(HeadForked):
        await witness.cosign(question(tree("a", "x"), 2))
    with refusal(HeadForked):
        await witness.cosign(question(tree("a", "x"), 0))

    assert await witness.cosign(question(tree("a", "b"), 2)), "the one that it knows is cosigned again"


async def test_a_larger_tree_that_does_not_hold_the_old_one_is_not_cosigned(witness: Witness) -> None:
    forked = tree("a", "x", "c")
    with refusal(HeadNotConsistent):
        await witness.cosign(question(forked, 2))
    honest = Submission.parse(question(tree("a", "b", "c"), 2))
    note = SIGNER.sign(Checkpoint(ORIGIN, 3, forked.root()))
    for proof in ((), honest.proof, (b"\0" * 32,), honest.proof * 2):
        with refusal(HeadNotConsistent):
            await witness.cosign(str(Submission(2, proof, note)))
    with refusal(HeadNotConsistent):
        await witness.cosign(str(Submission(2, (*honest.proof, b"\0" * 32), honest.note)))


async def test_a_first_head_with_a_proof_or_of_an_empty_log_with_a_root_is_not_cosigned(witness: Witness) -> None:
    origin = SIGNER.origin("node/2")
    with refusal(HeadNotConsistent):
        await witness.cosign(str(Submission(0, (b"\0" * 32,), SIGNER.sign(Checkpoint(origin, 1, b"r" * 32)))))
    with refusal(HeadForked):
        await witness.cosign(str(Submission(0, (), SIGNER.sign(Checkpoint(origin, 0, b"r" * 32)))))


async def test_a_question_sent_again_is_refused_and_tells_the_size(witness: Witness) -> None:
    first, second = question(tree("a", "b", "c"), 2), question(tree("a", "b", "c", "d"), 3)
    await witness.cosign(first)
    await witness.cosign(second)

    with refusal(HeadConflict) as caught:
        await witness.cosign(first)
    assert caught.value.size == 4


async def test_logs_of_nobody_and_heads_that_their_node_did_not_sign_are_not_cosigned(witness: Witness) -> None:
    grown = tree("a", "b", "c")
    other = Signer(b"o" * 32)
    with refusal(UnknownOrigin):
        await witness.cosign(question(grown, 2, origin=other.origin("node/1"), signer=other))
    with refusal(UnknownOrigin):
        await witness.cosign(question(grown, 2, origin="example.com/log"))
    with refusal(UnknownOrigin):
        await witness.cosign(question(grown, 2, origin=f"{ORIGIN}/../2"))
    with refusal(ForeignHead):
        await witness.cosign(question(grown, 2, origin=ORIGIN, signer=other))
    honest = question(grown, 2)
    with refusal(ForeignHead):
        await witness.cosign(honest.replace("\n3\n", "\n4\n"))
    with refusal(ForeignHead):
        await witness.cosign(honest.replace(f"{ORIGIN}\n3", f"{SIGNER.origin('node/7')}\n3"))


async def test_of_two_histories_sent_at_once_one_is_cosigned(store: Store, witness: Witness) -> None:
    other = await open_store(store.data) if isinstance(store, SqlcipherStore) else store
    second = Witness(other, Recorder(other, Instance(store.data / "run")))
    histories = [question(tree("a", "b", f"{number}"), 2) for number in range(8)]

    async def sent(number: int) -> str | HeadConflict:
        try:
            line, _ = await (witness, second)[number % 2].cosign(histories[number])
        except HeadConflict as conflict:
            return conflict
        return line

    answers = await asyncio.gather(*map(sent, range(8)))
    await second._recorder.close()
    if other is not store:
        await other.close()
    tried(7)
    assert sum(isinstance(answer, str) for answer in answers) == 1
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        rows = (await session.scalars(select(WitnessedRow.size))).all()
    assert sorted(rows) == [2, 3]


@pytest.mark.parametrize("size", [1, 2])
async def test_the_database_of_a_witness_does_not_go_back(node_store: Store, size: int) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    witness = Witness(node_store, recorder)
    await witness.watch(SIGNER.public_key.hex())
    await witness.cosign(question(tree("a", "b"), 0))
    await recorder.close()

    for statement in (
        f"INSERT INTO witnessed_heads SELECT origin, {size}, root, note, created_at FROM witnessed_heads",
        f"UPDATE witnessed_heads SET size = {size + 1}",
        "DELETE FROM witnessed_heads",
        f"INSERT OR REPLACE INTO witnessed_heads SELECT origin, {size}, root, note, created_at FROM witnessed_heads",
    ):
        with (
            attacker(node_store.data, node_store, guarded=True) as sql,
            pytest.raises(Exception, match=r"only grows|stays"),
        ):
            sql.execute(statement)


async def test_a_witness_killed_between_keeping_and_answering_has_not_forgotten(
    node_store: Store, tmp_path: Path
) -> None:
    asked = tmp_path / "question"
    asked.write_text(question(tree("a", "b"), 0))
    program = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from appliance.audit import Recorder\n"
        "from appliance.audit.instances import Instance\n"
        "from appliance.audit.witness import Witness\n"
        "from appliance.store import open_store\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "async def main():\n"
        "    store = await open_store(Path(sys.argv[1]))\n"
        "    witness = Witness(store, Recorder(store, Instance(store.data / 'run')))\n"
        "    witness.cosigner.sign = die\n"
        "    await witness.watch(sys.argv[3])\n"
        "    await witness.cosign(Path(sys.argv[2]).read_text())\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(node_store.data), str(asked), SIGNER.public_key.hex(), cwd=ROOT
    )
    assert await child.wait() == -signal.SIGKILL

    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    witness = Witness(node_store, recorder)
    with refusal(HeadForked):
        await witness.cosign(question(tree("a", "x"), 0))
    with refusal(HeadConflict) as caught:
        await witness.cosign(question(tree("x"), 0))
    assert caught.value.size == 2
    line, _ = await witness.cosign(question(tree("a", "b"), 2))
    await recorder.close()
    assert line.startswith("\N{EM DASH} outpost/")


async def test_a_witness_that_cannot_keep_gives_nothing(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_: object) -> None:
        raise RecordUnavailable("The disk is full.")

    monkeypatch.setattr(witness._recorder, "write", full)
    with refusal(RecordUnavailable):
        await witness.cosign(question(tree("a", "b", "c"), 2))


@pytest.fixture
async def recorder(store: Store) -> AsyncIterator[Recorder]:
    recorder = Recorder(store, Instance(store.data / "run"))
    yield recorder
    await recorder.close()


# --- the other side: what a node takes ------------------------------------------------------------------------------

HUB = Cosigner("witness.example/w1", b"w" * 32)
Forge = Callable[[Checkpoint, str], str]
FORGED: dict[str, Forge] = {
    "of another key under its name": lambda head, _: Cosigner(HUB.key.name, b"x" * 32).sign(head, 1),
    "of nobody": lambda head, _: "",
    "the node's own signature": lambda head, own: own,
}
WRONG: dict[str, Forge] = {
    "over another root": lambda head, _: HUB.sign(Checkpoint(head.origin, head.size, b"x" * 32), 1),
    "over another size": lambda head, _: HUB.sign(Checkpoint(head.origin, head.size + 1, head.root), 1),
    "of another log's head": lambda head, _: HUB.sign(Checkpoint(head.origin + "0", head.size, head.root), 1),
    "with another time": lambda head, _: later(HUB.sign(head, 1)),
    "cut short": lambda head, _: cut(HUB.sign(head, 1)),
}  # fmt: skip


def changed(line: str, change: Callable[[bytes], bytes]) -> str:
    start, _, encoded = line.rstrip("\n").rpartition(" ")
    return f"{start} {base64.b64encode(change(base64.b64decode(encoded))).decode()}\n"


def later(line: str) -> str:
    return changed(line, lambda blob: blob[:11] + b"\2" + blob[12:])


def cut(line: str) -> str:
    return changed(line, lambda blob: blob[:-1])


@pytest.mark.parametrize("how", [*FORGED, *WRONG])
async def test_a_cosignature_that_is_none_of_the_witness_over_this_head_is_not_taken(
    recorder: Recorder, tenant: Tenant, how: str
) -> None:
    await recorder.append(record(tenant))
    await trust(recorder, HUB.key)
    (asked,) = (await ask(recorder, HUB.key)).values()
    lines = asked.note.split("\n")
    head = Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2]))

    with refusal(NotCosigned if how in FORGED else ForgedCosignature):
        await take(recorder, str(asked), (FORGED | WRONG)[how](head, lines[4] + "\n"))

    assert await newest(recorder) == {}


async def test_a_head_that_the_log_never_had_is_not_taken_even_signed_by_all(
    recorder: Recorder, tenant: Tenant
) -> None:
    await recorder.append(record(tenant), record(tenant))
    await trust(recorder, HUB.key)
    origin = recorder.signer.origin(f"{tenant.id}/1")
    for head in (Checkpoint(origin, 2, b"x" * 32), Checkpoint(origin, 3, b"x" * 32)):
        asked = str(Submission(0, (), recorder.signer.sign(head)))
        with refusal(AnotherHistory):
            await take(recorder, asked, HUB.sign(head, 1))
    foreign = Checkpoint(SIGNER.origin("node/1"), 1, b"x" * 32)
    with refusal(MalformedSubmission):
        await take(recorder, str(Submission(0, (), SIGNER.sign(foreign))), HUB.sign(foreign, 1))


async def test_an_old_cosignature_taken_again_makes_nothing_newer(recorder: Recorder, tenant: Tenant) -> None:
    await trust(recorder, HUB.key)
    answers = []
    for at in (100, 200):
        await recorder.append(record(tenant))
        (asked,) = (await ask(recorder, HUB.key)).values()
        lines = asked.note.split("\n")
        answers.append((str(asked), HUB.sign(Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2])), at)))
        await take(recorder, *answers[-1])
    before = await newest(recorder)

    for answer in answers:
        with attempt():
            await take(recorder, *answer)
            assert await newest(recorder) == before
    assert before[LogName(f"{tenant.id}/1")].size == 2


async def _cosigned(store: Store, tenant: Tenant, count: int) -> Recorder:
    """A log of `count` records, all of them cosigned."""
    recorder = Recorder(store, Instance(store.data / "run"))
    await trust(recorder, HUB.key)
    await recorder.append(*(record(tenant) for _ in range(count)))
    (asked,) = (await ask(recorder, HUB.key)).values()
    lines = asked.note.split("\n")
    head = Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2]))
    await take(recorder, str(asked), HUB.sign(head, 100))
    return recorder


async def test_a_history_rewritten_with_all_keys_of_the_node_does_not_fit_what_was_cosigned(
    node_store: Store, tenant: Tenant
) -> None:
    recorder = await _cosigned(node_store, tenant, 3)
    await recorder.close()
    log, rewritten = f"{tenant.id}/1", []
    with attacker(node_store.data, node_store) as sql:
        for seq, raw in sql.execute("SELECT seq, record FROM leaves WHERE log = ? ORDER BY seq", [log]).fetchall():
            new = bytes(raw).replace(b"test.fact", b"test.lies")
            rewritten.append(leaf_hash(new))
            sql.execute("UPDATE leaves SET record = ?, hash = ?, event_type = 'test.lies' WHERE log = ? AND seq = ?", [new, rewritten[-1], log, seq])  # fmt: skip
        sql.execute("DELETE FROM checkpoints WHERE log = ?", [log])
    (node_store.data / "audit.heads.json").unlink()

    found = kinds(await verify(node_store))

    assert "history-changed" in found


@pytest.mark.parametrize("change", ["note = replace(note, 'A', 'B')", "size = size + 1", "note = ''", "note = 7"])
async def test_a_cosignature_changed_in_the_database_is_found(node_store: Store, tenant: Tenant, change: str) -> None:
    recorder = await _cosigned(node_store, tenant, 3)
    await recorder.close()
    with attacker(node_store.data, node_store) as sql:
        sql.execute(f"UPDATE cosignatures SET {change}")

    assert "cosignature-changed" in kinds(await verify(node_store))


async def test_an_export_of_another_history_does_not_fit_its_cosignatures(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    recorder = await _cosigned(node_store, tenant, 3)
    await export(node_store, tenant.id, tmp_path / "record.jsonl")
    await recorder.close()
    key = ("--witness", str(HUB.key))
    assert (await checked(tmp_path / "record.jsonl", *key))[0] == 0

    def rewritten(lines: list[dict[str, object]]) -> None:
        """By somebody who holds the node's keys: everything fits but what the witness signed."""
        leaves = []
        for line in lines:
            if "record" in line:
                line["record"] = str(line["record"]).replace("test.fact", "test.lies")
                leaves.append(leaf_hash(str(line["record"]).encode()))
                line["hash"] = leaves[-1].hex()
        grown, signer = Tree(leaves), recorder.signer
        origin = str(lines[0]["origin"])
        lines[0]["checkpoint"] = signer.sign(Checkpoint(origin, 3, grown.root()))
        for line in list(lines):
            if "saved" in line:
                lines.remove(line)

    with attempt():
        status, told = await checked(edited(tmp_path / "record.jsonl", rewritten), *key)
        assert status == 1
        assert "A cosigned head at 3 records does not match" in told

    def stripped(lines: list[dict[str, object]]) -> None:
        rewritten(lines)
        for line in list(lines):
            if "witnesses" in line or "witnessed" in line:
                lines.remove(line)

    with attempt():
        status, told = await checked(edited(tmp_path / "record.jsonl", stripped), *key)
        assert status == 1
        assert "No head in it is cosigned by witness.example/w1" in told


@pytest.mark.parametrize("selection", [Selection(), Selection(event_type="test.last")], ids=["whole", "excerpt"])
async def test_every_bit_of_the_lines_of_witnesses_flipped_is_found(
    node_store: Store, tenant: Tenant, tmp_path: Path, selection: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "ed25519_verifies", lru_cache(4096)(script.ed25519_verifies))
    recorder = await _cosigned(node_store, tenant, 3)
    await recorder.append(record(tenant, event_type="test.last"))
    await recorder.close()
    await export(node_store, tenant.id, tmp_path / "record.jsonl", selection=selection)
    lines = (tmp_path / "record.jsonl").read_bytes().splitlines(keepends=True)
    assert not found(b"".join(lines))
    places = [number for number, line in enumerate(lines) if line.startswith(b'{"witness')]
    assert len(places) == 2

    for place in places:
        for changed in flips(lines[place]):
            with attempt():
                assert found(b"".join([*lines[:place], changed, *lines[place + 1 :]])), changed
    with attempt():
        assert found(b"".join(line for line in lines if not line.startswith(b'{"witnesses')))
    with attempt():
        assert found(b"".join(line for line in lines if not line.startswith(b'{"witnessed')))
