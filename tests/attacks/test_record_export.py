"""Someone changes an export on its way to the auditor. What `verify_audit.py` says then."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from appliance.audit import Recorder
from appliance.audit.export import export
from appliance.audit.instances import Instance
from appliance.audit.notes import Checkpoint, Signer
from appliance.audit.rows import Selection
from appliance.store import Store, Tenant, new_id
from tests.attacks.tally import attempt, tried
from tests.audit.conftest import record
from tests.audit.test_export import checked, edited, place, script


@pytest.fixture(autouse=True)
def signatures_verified_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Thousands of tries leave the notes as they were: each signature is worked out once."""
    monkeypatch.setattr(script, "ed25519_verifies", lru_cache(4096)(script.ed25519_verifies))
    yield


@pytest.fixture
async def small(node_store: Store, tenant: Tenant, tmp_path: Path) -> dict[str, bytes]:
    """Five records, two heads, a name that is opened: whole, as an excerpt, and as a table."""
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    nora = new_id()
    await recorder.append(record(tenant, user_id=nora, personal={"username": "Nora Č."}))
    await recorder.append(*(record(tenant, user_id=nora if n % 2 else None, metadata={"n": n}) for n in range(4)))
    await recorder.close()
    files = {}
    for name, selection in {"whole": Selection(), "excerpt": Selection(user_id=str(nora))}.items():
        await export(node_store, tenant.id, tmp_path / name, selection=selection, disclose=True)
        files[name] = (tmp_path / name).read_bytes()
    await export(node_store, tenant.id, tmp_path / "table", form="csv", disclose=True)
    return files | {"table": (tmp_path / "table").read_bytes()}


def found(raw: bytes, table: bytes | None = None) -> bool:
    """Whether the script finds anything wrong with a file."""
    try:
        check = script.Check([], None, None if table is None else script.Table(io.BytesIO(table)))
        check.run(iter(io.BytesIO(raw)))
    except script.Unusable:
        return True
    return bool(check.problems)


def flips(raw: bytes) -> Iterator[bytes]:
    """Every bit of every byte flipped, one at a time."""
    for at, byte in enumerate(raw):
        for bit in range(8):
            yield raw[:at] + bytes((byte ^ 1 << bit,)) + raw[at + 1 :]


@pytest.mark.parametrize("name", ["whole", "excerpt"])
def test_every_bit_of_every_byte_flipped_is_found(small: dict[str, bytes], name: str) -> None:
    assert not found(small[name])
    for number, changed in enumerate(flips(small[name])):
        with attempt():
            assert found(changed), number


def test_every_bit_of_a_table_flipped_is_found(small: dict[str, bytes]) -> None:
    assert not found(small["whole"], small["table"])
    for number, changed in enumerate(flips(small["table"])):
        with attempt():
            assert found(small["whole"], changed), number


@pytest.mark.parametrize("name", ["whole", "excerpt"])
def test_bytes_taken_out_put_in_and_doubled_are_found(small: dict[str, bytes], name: str) -> None:
    raw, rng = small[name], random.Random(5)
    for _ in range(400):
        at = rng.randrange(len(raw))
        for changed in (
            raw[:at] + raw[at + 1 :],
            raw[:at] + bytes((rng.randrange(256),)) + raw[at:],
            raw[:at] + raw[at - 1 :],
        ):
            if changed != raw:
                with attempt():
                    assert found(changed), at


def test_an_end_cut_off_is_found_wherever_it_is_cut(small: dict[str, bytes]) -> None:
    for end in range(len(small["whole"])):
        with attempt():
            assert found(small["whole"][:end])


SPELLINGS: dict[str, Callable[[str], str]] = {
    "a space": lambda line: line.replace(":", ": ", 1),
    "a space at the end": lambda line: line + " ",
    "a return": lambda line: line + "\r",
    "an escape": lambda line: line.replace("Č", "\\u010c").replace("hash", "h\\u0061sh"),
    "a slash escaped": lambda line: line.replace("/", "\\/") if "/" in line else line + " ",
    "a member twice": lambda line: line[:-1] + ',"seq":0}',
    "the first of two": lambda line: line.replace("{", '{"seq":7,', 1),
    "an unknown member": lambda line: line[:-1] + ',"note":"all is well"}',
    "another order": lambda line: json.dumps(dict(sorted(json.loads(line).items())), ensure_ascii=False, separators=(",", ":")),
    "a fraction": lambda line: line.replace('"seq":0', '"seq":0.0'),
    "an exponent": lambda line: line.replace('"seq":0', '"seq":0e0'),
    "minus nothing": lambda line: line.replace('"seq":0', '"seq":-0'),
    "a truth": lambda line: line.replace('"seq":0', '"seq":false'),
    "great letters": lambda line: line.replace(h := json.loads(line)["hash"], h.upper()),
    "spaces in hex": lambda line: line.replace(h := json.loads(line)["hash"], f"{h[:2]} {h[2:]}"),
    "an empty line": lambda line: line + "\n",
    "a mark of order": lambda line: "\ufeff" + line,
}  # fmt: skip


@pytest.mark.parametrize("how", SPELLINGS)
@pytest.mark.parametrize("name", ["whole", "excerpt"])
def test_the_same_said_otherwise_is_refused(small: dict[str, bytes], name: str, how: str) -> None:
    lines = small[name].decode().split("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith('{"seq":0,'))
    lines[at] = SPELLINGS[how](lines[at])
    changed = "\n".join(lines).encode()
    assert changed != small[name]

    with attempt():
        assert found(changed)


def test_base64_with_other_spare_bits_and_signatures_of_others_are_refused(small: dict[str, bytes]) -> None:
    header = json.loads(small["whole"].split(b"\n")[0])
    note = header["checkpoint"]
    signature = note.rsplit(" ", 1)[1]
    root = note.split("\n")[2]
    spare = root[:-2] + chr(ord(root[-2]) + 1) + "="
    for changed in (
        note.replace(root, spare),
        note.replace(signature, signature.replace("=", "")),
        note.replace(signature, "A" + signature),
        note + "\N{EM DASH} somebody.example/log AAAAAAAA\n",
        note + note.rsplit("\n", 2)[1] + "\n",
        note + "\n",
        note[:-1],
        note.replace("\n5\n", "\n05\n"),
        note.replace("\n5\n", "\n٥\n"),
    ):
        assert changed != note
        with attempt():
            line = json.dumps(header | {"checkpoint": changed}, ensure_ascii=False, separators=(",", ":"))
            assert found(line.encode() + b"\n" + small["whole"].split(b"\n", 1)[1])


async def told(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> str:
    """One try: what the script says of a changed export, which it must not call good."""
    tried()
    status, said = await checked(edited(path, change))
    assert status == 1, said
    return said


@pytest.fixture
async def seventy(node_store: Store, tenant: Tenant, tmp_path: Path) -> Path:
    """Seventy records: checkpoints stand at 1, 64 and 70."""
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    for count in (1, 63, 6):
        await recorder.append(*(record(tenant) for _ in range(count)))
    await recorder.close()
    await export(node_store, tenant.id, tmp_path / "record.jsonl")
    return tmp_path / "record.jsonl"


def lie(line: dict[str, Any]) -> None:
    line["record"] = line["record"].replace("test.fact", "test.lies")


async def test_the_first_bad_record_is_named(seventy: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        for seq in (66, 68):
            lie(lines[place(lines, seq)])

    said = await told(seventy, change)

    assert "Record 66 was changed" in said
    assert "Record 68 was changed" in said
    assert "2 findings; the first bad one is record 66." in said  # and nothing that follows from them


async def test_a_hash_changed_beside_a_record_leaves_the_record_good(seventy: Path) -> None:
    said = await told(seventy, lambda lines: lines[place(lines, 20)].update(hash="00" * 32))

    assert "The hash beside record 20 was changed." in said
    assert "1 finding;" in said


async def test_a_tail_cut_with_its_heads_lacks_what_the_checkpoint_knows(seventy: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        del lines[place(lines, 60) :]
        del lines[2]

    said = await told(seventy, change)

    assert "The export holds 60 records, its checkpoint 70" in said
    assert "the first bad one is record 60" in said


async def test_records_swapped_with_their_places_are_bounded(seventy: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        one, other = lines[place(lines, 30)], lines[place(lines, 40)]
        for member in ("hash", "record"):
            one[member], other[member] = other[member], one[member]

    said = await told(seventy, change)

    assert "the first bad one is one of records 1 to 63" in said


async def test_a_record_taken_out_is_said_once(seventy: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        del lines[place(lines, 30)]

    said = await told(seventy, change)

    assert "Record 30 is missing or out of place." in said
    assert said.count("out of place") == 1
    assert "the first bad one is record 30" in said


async def test_a_line_that_is_none_is_named_and_ends_the_reading(seventy: Path) -> None:
    raw = seventy.read_bytes().split(b"\n")
    raw[30] = raw[30][:-1]
    seventy.write_bytes(b"\n".join(raw))
    tried()

    status, said = await checked(seventy)

    assert status == 1
    assert "Reading stopped at line 31: it is not a line of JSON." in said
    assert "the first bad one is record 27" in said


async def test_a_log_forked_with_the_key_does_not_fit_a_checkpoint_that_was_kept(
    node_store: Store, tenant: Tenant, seventy: Path, tmp_path: Path
) -> None:
    """The node's own key signs another history, whole and without a flaw of its own."""
    lines = [json.loads(line) for line in seventy.read_text().splitlines()]
    kept = tmp_path / "kept.txt"
    kept.write_text(lines[2]["saved"])
    signer = Recorder(node_store, Instance(node_store.data / "run")).signer
    tree, forged = script.Tree(), []
    for line in lines[3:]:
        if line["seq"] == 10:
            lie(line)
        leaf = script.leaf_hash(line["record"].encode())
        tree.append(leaf)
        forged.append(line | {"hash": leaf.hex()})
    note = signer.sign(Checkpoint(lines[0]["origin"], 70, tree.root()))
    path = edited(seventy, lambda old: old.__setitem__(slice(None), [lines[0] | {"checkpoint": note}, *forged]))

    assert (await checked(path))[0] == 0  # by itself it is a history like any other
    with attempt():
        status, said = await checked(path, "--kept", str(kept))
        assert status == 1
        assert "A checkpoint you gave at 64 records does not match: something in records 0 to 63 was changed" in said


async def test_a_log_signed_with_another_key_is_not_this_nodes(seventy: Path) -> None:
    stranger = Signer(b"s" * 32)

    def change(lines: list[dict[str, Any]]) -> None:
        header = lines[0]
        tree = script.Tree()
        for line in lines[3:]:
            tree.append(bytes.fromhex(line["hash"]))
        header["public_key"] = stranger.public_key.hex()
        header["checkpoint"] = stranger.sign(Checkpoint(header["origin"], 70, tree.root()))
        del lines[1:3]

    assert "not that of this log" in await told(seventy, change)


@pytest.mark.parametrize("how", ["another record's", "one hash more", "one hash less", "none"])
async def test_a_forged_proof_proves_nothing(
    node_store: Store, tenant: Tenant, seventy: Path, tmp_path: Path, how: str
) -> None:
    await export(node_store, tenant.id, tmp_path / "excerpt", selection=Selection(event_type="test.fact"))

    def change(lines: list[dict[str, Any]]) -> None:
        line, other = lines[place(lines, 20)], lines[place(lines, 21)]
        proof = line["proof"]
        line["proof"] = {
            "another record's": other["proof"],
            "one hash more": [*proof, proof[0]],
            "one hash less": proof[:-1],
            "none": [],
        }[how]

    said = await told(tmp_path / "excerpt", change)

    assert "Record 20 is not part of the log." in said
    assert "the first bad one is record 20" in said


async def test_a_cell_changed_in_a_table_is_named(
    node_store: Store, tenant: Tenant, seventy: Path, tmp_path: Path
) -> None:
    table = tmp_path / "record.csv"
    await export(node_store, tenant.id, table, form="csv")
    raw = table.read_bytes()
    rows = raw.split(b"\n")
    lied = rows[21].replace(b"test.fact", b"test.lies")
    assert (await checked(seventy, "--table", str(table)))[0] == 0
    for changed, says in {
        raw.replace(rows[21], lied): "The row of record 20 in the table does not say what was recorded: its event_type",
        raw + rows[5] + b"\n": "more rows than there are records",
        b"\n".join(rows[:20]): "The row of record 18",
    }.items():
        (tmp_path / "changed.csv").write_bytes(changed)
        with attempt():
            status, said = await checked(seventy, "--table", str(tmp_path / "changed.csv"))
            assert status == 1
            assert says in said


async def test_a_clock_set_back_is_told_and_proves_nothing_against_the_record(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    made = [record(tenant) for _ in range(4)]
    for new, year in zip(made, (0, 12, 0, 1), strict=True):
        await recorder.append(record(tenant, created_at=new.created_at.replace(year=new.created_at.year + year)))
    await recorder.close()
    await export(node_store, tenant.id, tmp_path / "record.jsonl")

    status, said = await checked(tmp_path / "record.jsonl")

    assert status == 0
    assert "at record 2: a clock was set back, or a record was delivered late" in said


@pytest.mark.parametrize("lie", ["x", "2026-13-40T", "9"])
async def test_a_record_that_does_not_say_when_is_a_finding(node_store: Store, seventy: Path, lie: str) -> None:
    signer = Recorder(node_store, Instance(node_store.data / "run")).signer

    def change(lines: list[dict[str, Any]]) -> None:
        line = lines[3]
        line["record"] = re.sub('(?<="created_at":")[0-9-]{10}T', lie, line["record"])
        leaf = script.leaf_hash(line["record"].encode())
        line["hash"] = leaf.hex()
        del lines[4:], lines[1:3]
        lines[0] |= {"size": 1, "checkpoint": signer.sign(Checkpoint(lines[0]["origin"], 1, leaf))}

    assert "Record 0 does not say when it was made." in await told(seventy, change)
