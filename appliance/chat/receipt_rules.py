"""Answer receipts: an answer in one small file that proves itself. Pure.

What was said is fixed when it is said, as canonical JSON (RFC 8785), and never made again; the record of the answer holds
its commitment, so that neither can be changed without the other:

    said        {"answer", "classification", "kind", "question", "quotes": [...], "served_by", "verdict"}
    commitment  SHA-256(salt || said), hex: `metadata.said` of the answer's `chat.response` record
    receipt     {"format", "log", "origin", "public_key", "size", "checkpoint", "parts": [part, ...]}, one line of JSON
    part        {"seq", "hash", "record", "proof", "salt", "said"}: the quotes, and the words where there are some

A salt of 32 random bytes keeps whoever reads the record from trying out what may have been answered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from appliance.audit.records import canonical
from appliance.audit.service import LogHead
from appliance.audit.values import Proven

FORMAT: Final = "outpost-answer-receipt/1"
SALT: Final = 32
Part = Literal["quotes", "words"]
_QUOTED: Final = ("document_id", "filename", "title", "revision", "page", "heading", "quote")


@dataclass(frozen=True, slots=True)
class Kept:
    """What was said in one piece of work, and the salt of its commitment."""

    part: Part
    correlation_id: UUID
    salt: bytes
    said: str


def said_of(question: str, shown: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """What an answer that is `shown` says; `hashes` are those of the files of its documents, by document id."""
    told = shown.get("text", shown.get("answer"))
    members = {
        "answer": told,
        "classification": shown["classification"],
        "kind": shown.get("kind", "worded"),
        "question": question,
        "quotes": [
            {name: one[name] for name in _QUOTED} | {"sha256": hashes.get(one["document_id"])}
            for one in shown["citations"]
        ],
        "served_by": shown["served_by"],
        "verdict": shown["verdict"]["text"] if "verdict" in shown else None,
    }
    return canonical(members).decode()


def commitment(salt: bytes, said: str) -> str:
    return hashlib.sha256(salt + said.encode()).hexdigest()


def file_of(head: LogHead, public_key: bytes, parts: Sequence[tuple[Kept, Proven]]) -> str:
    """The text of a receipt; its parts stand in the order of the log."""
    members = {
        "format": FORMAT,
        "log": head.log,
        "origin": head.note.partition("\n")[0],
        "public_key": public_key.hex(),
        "size": head.size,
        "checkpoint": head.note,
        "parts": [
            {
                "seq": proven.seq,
                "hash": proven.hash.hex(),
                "record": proven.record.decode(),
                "proof": [node.hex() for node in proven.proof],
                "salt": kept.salt.hex(),
                "said": kept.said,
            }
            for kept, proven in sorted(parts, key=lambda part: part[1].seq)
        ],
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


def stub_of(receipt: str, head: LogHead) -> str:
    """What a person keeps on paper beside it: the receipt's hash and the signed head of the log."""
    return f"{FORMAT} {digest(receipt)}\n{head.note}"


def digest(receipt: str) -> str:
    return hashlib.sha256(receipt.encode()).hexdigest()
