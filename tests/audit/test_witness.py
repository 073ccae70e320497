"""Two machines: one keeps a record, the other vouches for it. Over both stores, and with files on a stick."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit import Recorder
from appliance.audit.cosigning import Cosigner, Submission, WitnessKey, cosignatures
from appliance.audit.errors import MalformedSubmission, MalformedWitnessKey, UnknownOrigin
from appliance.audit.export import export
from appliance.audit.instances import Instance
from appliance.audit.notes import Checkpoint
from appliance.audit.purging import purge
from appliance.audit.rows import Selection
from appliance.audit.service import AuditLog
from appliance.audit.values import LogName
from appliance.audit.verify import verify
from appliance.audit.witness import Watched, Witness
from appliance.audit.witnessed import ask, distrust, newest, take, trust, trusted
from appliance.commands import witnessing
from appliance.commands.auditing import verify_record
from appliance.settings import load as load_settings
from appliance.store import Store, Tenant, open_store
from tests.audit.conftest import record
from tests.audit.test_export import checked, edited

COSIGNER = Cosigner("witness.example/w1", b"w" * 32)
CHECKPOINT = Checkpoint("outpost/3f2a9c0d11e47b58/node/1", 12, b"r" * 32)
AT = 1_800_000_000


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Witness]:
    """A witness on another machine, which watches nobody yet."""
    store = await open_store(tmp_path / "hub")
    await store.migrate()
    recorder = Recorder(store, Instance(store.data / "run"))
    yield Witness(store, recorder, clock=lambda: AT)
    await recorder.close()
    await store.close()


@pytest.fixture
async def witnessed(recorder: Recorder, hub: Witness) -> Witness:
    """The same, watching this node and trusted by it."""
    await hub.watch(recorder.signer.public_key.hex())
    await trust(recorder, hub.cosigner.key)
    return hub


async def vouched(recorder: Recorder, hub: Witness) -> None:
    """One round: all logs of the node are asked about, cosigned, and the answers kept."""
    for question in (await ask(recorder, hub.cosigner.key)).values():
        line, _ = await hub.cosign(str(question))
        await take(recorder, str(question), line)


def test_a_cosignature_is_what_the_standard_says() -> None:
    line = COSIGNER.sign(CHECKPOINT, AT)

    dash, name, encoded = line.removesuffix("\n").split(" ")
    blob, public = base64.b64decode(encoded), COSIGNER.key.public_key
    assert (dash, name) == ("\N{EM DASH}", "witness.example/w1")
    assert blob[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + public).digest()[:4]
    assert struct.unpack(">Q", blob[4:12]) == (AT,)
    message = f"cosignature/v1\ntime {AT}\n{CHECKPOINT.origin}\n12\n{base64.b64encode(b'r' * 32).decode()}\n"
    Ed25519PublicKey.from_public_bytes(public).verify(blob[12:], message.encode())


def test_a_witness_key_is_written_and_read_as_the_standard_says() -> None:
    name, key_id, encoded = str(COSIGNER.key).split("+", 2)

    assert (name, key_id) == ("witness.example/w1", COSIGNER.key.id.hex())
    assert base64.b64decode(encoded) == b"\x04" + COSIGNER.key.public_key
    assert WitnessKey.parse(f" {COSIGNER.key}\n") == COSIGNER.key


@given(st.data())
def test_a_witness_key_that_lost_a_letter_is_refused(data: st.DataObject) -> None:
    text = str(COSIGNER.key)
    at = data.draw(st.integers(0, len(text) - 1))

    with pytest.raises(MalformedWitnessKey):
        WitnessKey.parse(text[:at] + text[at + 1 :])


@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_question_is_read_as_it_was_written(old: int, proof: list[bytes]) -> None:
    asked = Submission(old, tuple(proof), "outpost/a/node/1\n3\nroot\n\n\N{EM DASH} name sig\n")

    assert Submission.parse(str(asked)) == asked


@pytest.mark.parametrize(
    "text",
    ["", "old 1", "old 01\n\nnote", "old -1\n\nnote", "new 1\n\nnote", "old 1\nshort\n\nnote", "old 1 \n\nnote",
     "old 0\n" + "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + "\nnote", "old 0\n\n" + "n" * 20_000],
)  # fmt: skip
def test_another_question_is_refused(text: str) -> None:
    with pytest.raises(MalformedSubmission):
        Submission.parse(text)


def test_signatures_of_witnesses_that_are_not_known_are_left_out() -> None:
    note = f"text\n\n{COSIGNER.sign(CHECKPOINT, AT)}{Cosigner('other', b'o' * 32).sign(CHECKPOINT, AT)}"

    (found,) = cosignatures(note, CHECKPOINT, [COSIGNER.key])
    assert (found.key, found.at) == (COSIGNER.key, AT)


async def test_all_logs_of_a_node_are_witnessed_again_and_again(
    recorder: Recorder, witnessed: Witness, tenant: Tenant
) -> None:
    for turn in range(3):
        await recorder.append(*(record(tenant) for _ in range(70)), record(None))
        await vouched(recorder, witnessed)

        heads = await newest(recorder)
        assert {log: head.size for log, head in heads.items()} == {
            f"{tenant.id}/1": 70 * (turn + 1),
            "node/1": turn + 1,
        }
        assert {head.at for head in heads.values()} == {dt.datetime.fromtimestamp(AT, dt.UTC)}


async def test_the_api_says_when_a_log_was_last_witnessed(
    store: Store, recorder: Recorder, witnessed: Witness, tenant: Tenant
) -> None:
    log = AuditLog(store, recorder)
    await recorder.append(record(tenant))
    assert (await log.head(tenant.id)).witnessed is None

    await vouched(recorder, witnessed)
    await recorder.append(record(tenant))

    head = await log.head(tenant.id)
    assert head.witnessed is not None
    assert (head.size, head.witnessed.size, head.witnessed.by) == (2, 1, witnessed.cosigner.key.name)
    assert cosignatures(head.witnessed.note, Checkpoint(recorder.signer.origin(head.log), 1, _root(head.witnessed.note)), [
        witnessed.cosigner.key
    ])  # fmt: skip


def _root(note: str) -> bytes:
    return base64.b64decode(note.split("\n")[2])


async def test_a_witness_that_is_no_longer_trusted_vouched_for_nothing(
    store: Store, recorder: Recorder, witnessed: Witness, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(record(tenant))
    await vouched(recorder, witnessed)

    await distrust(recorder, witnessed.cosigner.key)

    assert await trusted(recorder) == []
    assert await newest(recorder) == {}
    await export(store, tenant.id, tmp_path / "record.jsonl")
    assert "witness" not in (tmp_path / "record.jsonl").read_text()


async def test_a_node_that_is_left_is_witnessed_no_longer(
    recorder: Recorder, witnessed: Witness, tenant: Tenant
) -> None:
    await recorder.append(record(tenant))
    (question,) = (await ask(recorder, witnessed.cosigner.key)).values()
    key = recorder.signer.public_key.hex()

    assert await witnessed.leave(key) == Watched(recorder.signer.node_id, key)

    assert await witnessed.watched() == []
    with pytest.raises(UnknownOrigin):
        await witnessed.cosign(str(question))


async def test_a_witness_in_another_epoch_has_another_key(hub: Witness) -> None:
    recorder = hub._recorder
    again = Recorder(recorder._store, recorder.instance, epoch=2)

    assert Witness(recorder._store, again).cosigner.key != hub.cosigner.key
    assert again.signer.public_key == recorder.signer.public_key


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "excerpt"])
async def test_an_export_carries_the_cosignatures_and_the_script_verifies_them(
    store: Store, recorder: Recorder, witnessed: Witness, tenant: Tenant, tmp_path: Path, whole: bool
) -> None:
    for _ in range(2):
        await recorder.append(*(record(tenant) for _ in range(40)))
        await vouched(recorder, witnessed)
    (first,) = await recorder.append(record(tenant, event_type="test.last"))
    out = tmp_path / "record.jsonl"
    await export(store, tenant.id, out, selection=Selection() if whole else Selection(event_type="test.last"))
    key, other = str(witnessed.cosigner.key), str(COSIGNER.key)

    status, told = await checked(out)
    assert status == 0, told
    assert f"witnessed    80 records, 2027-01-15T08:00:00Z, by {witnessed.cosigner.key.name}" in told
    assert "compare it with the key that the witness printed" in told
    status, told = await checked(out, "--witness", key)
    assert (status, "compare it with the key that the witness printed" in told) == (0, False), told
    status, told = await checked(out, "--witness", other)
    assert status == 1
    assert "No head in it is cosigned by witness.example/w1" in told
    assert first.seq == 80


async def test_cosignatures_of_what_was_purged_are_still_proven(
    node_store: Store, tenant: Tenant, tmp_path: Path, hub: Witness
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await hub.watch(recorder.signer.public_key.hex())
    await trust(recorder, hub.cosigner.key)
    old = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    await recorder.append(*(record(tenant, created_at=old) for _ in range(100)))
    await vouched(recorder, hub)
    await recorder.append(*(record(tenant, created_at=old) for _ in range(160)))
    await recorder.save_heads()
    now = dt.datetime.now(dt.UTC)
    assert await purge(recorder, tenant.id, 256, before=now - dt.timedelta(days=40), now=now) == 256
    await vouched(recorder, hub)

    await export(node_store, tenant.id, tmp_path / "record.jsonl")
    await recorder.close()

    status, told = await checked(tmp_path / "record.jsonl", "--witness", str(hub.cosigner.key))
    assert status == 0, told
    assert (await verify(node_store)).ok


async def test_a_kept_note_with_a_cosignature_on_it_counts(
    store: Store, recorder: Recorder, witnessed: Witness, tenant: Tenant, tmp_path: Path
) -> None:
    await recorder.append(record(tenant))
    await vouched(recorder, witnessed)
    kept = tmp_path / "kept.txt"
    kept.write_text((await newest(recorder))[LogName(f"{tenant.id}/1")].note)
    await distrust(recorder, witnessed.cosigner.key)
    await export(store, tenant.id, tmp_path / "record.jsonl")

    asked = ("--witness", str(witnessed.cosigner.key), "--kept", str(kept))
    status, told = await checked(tmp_path / "record.jsonl", *asked)
    assert status == 0, told
    assert "witnessed    1 record," in told
    kept.write_text(kept.read_text().replace("A", "B", 1))
    assert (await checked(tmp_path / "record.jsonl", *asked))[0] == 1


async def test_the_verifier_of_the_node_says_how_far_it_is_witnessed(
    node_store: Store, tenant: Tenant, hub: Witness, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await hub.watch(recorder.signer.public_key.hex())
    await trust(recorder, hub.cosigner.key)
    await recorder.append(record(tenant))
    await vouched(recorder, hub)
    await recorder.close()

    report = await verify(node_store)
    assert report.ok
    assert {log.log: log.witnessed for log in report.logs} == {f"{tenant.id}/1": 1}

    await verify_record(load_settings(data=str(node_store.data)), as_json=False)
    assert "witnessed up to 1" in capsys.readouterr().out


async def test_questions_and_answers_travel_on_a_stick(
    node_store: Store, tenant: Tenant, hub: Witness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await recorder.append(record(tenant))
    public = recorder.signer.public_key.hex()
    await recorder.close()
    node, other = (load_settings(data=str(store.data)) for store in (node_store, hub._recorder._store))

    await witnessing.trust(node, str(hub.cosigner.key), remove=False, as_json=False)
    await witnessing.watch(other, public, remove=False, as_json=False)
    await witnessing.request(node, stick, name=None, as_json=False)
    assert len(list(stick.glob("*.request"))) == 2
    assert await witnessing.cosign(other, stick, as_json=False) == 0
    assert await witnessing.cosign(other, stick, as_json=False) == 0, "an answer that was lost is given again"
    await witnessing.take(node, stick, as_json=False)
    capsys.readouterr()
    await witnessing.show(node, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["witnessed"][f"{tenant.id}/1"]["size"] == 1
    assert told["trusted"] == [str(hub.cosigner.key)]

    # The node forgets what was cosigned; the witness says from where to prove, and the second trip is enough.
    again = tmp_path / "again"
    again.mkdir()
    await witnessing.trust(node, str(hub.cosigner.key), remove=True, as_json=False)
    other_key = Cosigner(hub.cosigner.key.name, b"n" * 32).key
    await witnessing.trust(node, str(other_key), remove=False, as_json=False)
    await witnessing.request(node, again, name=None, as_json=False)
    assert await witnessing.cosign(other, again, as_json=False) == 1
    assert [path.name[-11:] for path in again.glob("*.size")] == ["node-1.size"]
    await witnessing.request(node, again, name=None, as_json=False)
    assert await witnessing.cosign(other, again, as_json=False) == 0
    assert not list(again.glob("*.size"))


async def test_what_is_changed_in_the_lines_of_witnesses_is_found(
    store: Store, recorder: Recorder, witnessed: Witness, tenant: Tenant, tmp_path: Path
) -> None:
    for _ in range(2):
        await recorder.append(record(tenant))
        await vouched(recorder, witnessed)
    out = tmp_path / "record.jsonl"
    await export(store, tenant.id, out)
    raw = [json.loads(line) for line in out.read_text().splitlines()]
    at = next(number for number, line in enumerate(raw) if "witnessed" in line)

    for change in (
        lambda lines: lines.insert(at, lines.pop(at + 1)),  # out of order
        lambda lines: lines.pop(at - 1),  # nobody is listed
        lambda lines: lines[at - 1]["witnesses"].append(str(COSIGNER.key)),  # one that cosigned nothing
        lambda lines: lines[at].update(witnessed=lines[at]["witnessed"].partition("\n\n")[0] + "\n\n"),
    ):
        status, told = await checked(edited(out, change))
        assert status == 1, told
