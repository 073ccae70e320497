"""Someone changes the receipt of an answer before it is shown to anybody. What `verify_audit.py` says then."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.notes import Checkpoint
from appliance.audit.service import AuditLog
from appliance.chat.receipt_rules import Kept, commitment, file_of, said_of
from appliance.store import Store, Tenant, new_id
from tests.attacks.tally import attempt, tried
from tests.audit.conftest import record
from tests.audit.test_export import checked, script

QUESTION = "How tight are the casing bolts?"
QUOTE = {
    "document_id": str(uuid.UUID(int=7)),
    "filename": "pump.pdf",
    "title": "Pump",
    "revision": "C",
    "page": 4,
    "heading": "Casing",
    "quote": "Casing bolts M12: 47 Nm — Größe",
}
SHA = "ab" * 32
QUOTED = str(QUOTE["document_id"])


@pytest.fixture(autouse=True)
def signatures_verified_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(script, "ed25519_verifies", lru_cache(4096)(script.ed25519_verifies))
    yield


@pytest.fixture
async def recorder(node_store: Store) -> Any:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    yield recorder
    await recorder.close()


@pytest.fixture
async def receipt(node_store: Store, tenant: Tenant, recorder: Recorder) -> str:
    """Of an answer in quotes and words, in the middle of a small log."""
    parts = []
    await recorder.append(record(tenant), record(tenant))
    answers: list[tuple[str, dict[str, Any]]] = [
        ("quotes", {"answer": "47 Nm", "kind": "quoted", "verdict": {"text": "Found."}, "served_by": "small"}),
        ("words", {"text": "The casing bolts take 47 Nm [1].", "served_by": "better"}),
    ]
    for part, shown in answers:
        shown |= {"classification": 2, "citations": [QUOTE]}
        said, salt, work = said_of(QUESTION, shown, {QUOTED: SHA}), bytes(range(32)), new_id()
        parts.append(Kept(part, work, salt, said))  # type: ignore[arg-type]
        await recorder.append(
            record(
                tenant,
                phase="post",
                event_type="chat.response",
                correlation_id=work,
                request_hash=script.hashlib.sha256(QUESTION.encode()).hexdigest(),
                model=shown["served_by"],
                metadata={
                    "said": commitment(salt, said),
                    "sources": [[QUOTED, "C", SHA]],
                    "packages": {"small": SHA},
                },
                actor_kind="person",
                role="viewer",
                pack_version="1",
                policies=("viewers-ask-and-read",),
            ),
            record(tenant),
        )
    log = AuditLog(node_store, recorder)
    proven, head = await log.of_work(tenant.id, [str(one.correlation_id) for one in parts], phase="post")
    return file_of(head, log.public_key, [(one, proven[str(one.correlation_id)]) for one in parts])


def problems(raw: bytes) -> list[str]:
    """What the script finds wrong with a file; that it is no receipt at all is one thing."""
    try:
        check = script.read(io.BytesIO(raw), [], None)
    except script.Unusable as error:
        return [str(error)]
    return list(check.problems)


def written(members: dict[str, Any]) -> bytes:
    return (json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def test_every_bit_of_a_receipt_flipped_is_found(receipt: str) -> None:
    raw = receipt.encode()
    assert problems(raw) == []
    for at, byte in enumerate(raw):
        for bit in range(8):
            with attempt():
                assert problems(raw[:at] + bytes((byte ^ 1 << bit,)) + raw[at + 1 :]), (at, bit)


def test_a_receipt_cut_off_or_lengthened_is_found(receipt: str) -> None:
    raw = receipt.encode()
    for changed in (*(raw[:end] for end in range(len(raw))), raw + b"\n", raw + raw, b"\xef\xbb\xbf" + raw, b" " + raw):
        with attempt():
            assert problems(changed)


def test_its_bytes_in_another_order_or_twice_are_refused(receipt: str) -> None:
    members = json.loads(receipt)
    for changed in (
        written(dict(reversed(members.items()))),
        written({**members, "note": "approved"}),
        json.dumps(members, ensure_ascii=False).encode() + b"\n",
        written({**members, "parts": members["parts"][::-1]}),
        written({**members, "parts": members["parts"] * 2}),
        written({**members, "parts": []}),
    ):
        with attempt():
            assert problems(changed)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another answer": (lambda said: said.update(answer="74 Nm"), "What it says is not what was recorded as the answer"),
    "another quote": (lambda said: said["quotes"][0].update(quote="74 Nm"), "What it says is not what was recorded"),
    "another question": (lambda said: said.update(question="How loose?"), "The question is not the one"),
    "another document": (lambda said: said["quotes"][0].update(revision="D"), "The documents are not those"),
    "another file": (lambda said: said["quotes"][0].update(sha256="cd" * 32), "The documents are not those"),
    "no document": (lambda said: said["quotes"].clear(), "The documents are not those"),
    "another model": (lambda said: said.update(served_by="best"), "What served it is not what was recorded"),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_was_changed_is_named(receipt: str, tmp_path: Path, what: str) -> None:
    change, says = CHANGES[what]
    members = json.loads(receipt)
    said = json.loads(members["parts"][0]["said"])
    change(said)
    members["parts"][0]["said"] = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (tmp_path / "changed.json").write_bytes(written(members))
    tried()

    status, told = await checked(tmp_path / "changed.json")

    assert status == 1
    assert says in told
    assert "The answer is NOT as it was recorded" in told


def test_a_record_made_up_for_a_changed_answer_is_in_no_log(receipt: str) -> None:
    members = json.loads(receipt)
    part = members["parts"][1]
    said = json.loads(part["said"]) | {"answer": "74 Nm"}
    part["said"] = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    forged = json.loads(part["record"])
    forged["metadata"]["said"] = commitment(bytes.fromhex(part["salt"]), part["said"])
    part["record"] = json.dumps(forged, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    part["hash"] = script.leaf_hash(part["record"].encode()).hex()
    tried()

    assert problems(written(members)) == [f"Record {part['seq']} is not part of the log."]


async def test_the_words_of_another_answer_do_not_fit(receipt: str) -> None:
    members = json.loads(receipt)
    one, other = members["parts"]
    one["said"], other["said"] = other["said"], one["said"]
    tried()

    assert any("What it says is not what was recorded" in one for one in problems(written(members)))


async def test_a_receipt_of_a_forked_log_does_not_fit_a_checkpoint_that_was_kept(
    receipt: str, recorder: Recorder, tmp_path: Path
) -> None:
    members = json.loads(receipt)
    kept = tmp_path / "kept.txt"
    kept.write_text(members["checkpoint"])
    (tmp_path / "receipt.json").write_text(receipt)
    assert (await checked(tmp_path / "receipt.json", "--kept", str(kept)))[0] == 0
    other = recorder.signer.sign(Checkpoint(members["origin"], members["size"], bytes(32)))
    kept.write_text(other)
    tried()

    status, told = await checked(tmp_path / "receipt.json", "--kept", str(kept))

    assert status == 1
    assert "that of another history" in told


async def test_a_terminal_obeys_nothing_that_a_receipt_says(receipt: str, recorder: Recorder, tmp_path: Path) -> None:
    members = json.loads(receipt)
    said = json.loads(members["parts"][0]["said"]) | {"answer": "\x1b]0;owned\x07\x1b[2J\r47 Nm\u202e"}
    members["parts"][0]["said"] = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (tmp_path / "receipt.json").write_bytes(written(members))
    tried()

    _, told = await checked(tmp_path / "receipt.json")

    assert not set(told) & {"\x1b", "\x07", "\r", "\u202e"}
