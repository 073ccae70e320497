"""This node's logs before witnesses: what they are asked, and the cosignatures they gave.

question (old size, proof, checkpoint) ──> a witness, over HTTP or on a stick ──> its line ──> checked, kept beside the log
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Select, bindparam, delete, insert, select

from appliance.audit.channel import Transaction
from appliance.audit.cosigning import Cosignature, Submission, WitnessKey, cosignatures
from appliance.audit.errors import AnotherHistory, HeadConflict, MalformedSubmission, NotCosigned
from appliance.audit.notes import Checkpoint, Signer, verified
from appliance.audit.proofs import StoredTree
from appliance.audit.recorder import Recorder
from appliance.audit.records import moment
from appliance.audit.store import present, root_at, sizes
from appliance.audit.tables import CosignatureRow, WitnessRow
from appliance.audit.values import LogName

_KEYS: Final = select(WitnessRow.witness).order_by(WitnessRow.witness)
_ADD_KEY: Final = insert(WitnessRow)
_DROP_KEY: Final = delete(WitnessRow).where(WitnessRow.witness == bindparam("witness"))
_SAME: Final = select(CosignatureRow.at).where(
    CosignatureRow.log == bindparam("log"),
    CosignatureRow.size == bindparam("size"),
    CosignatureRow.witness == bindparam("witness"),
    CosignatureRow.at == bindparam("at"),
)
_NEWEST: Final = (
    select(CosignatureRow.size, CosignatureRow.at, CosignatureRow.witness, CosignatureRow.note)
    .join(WitnessRow, WitnessRow.witness == CosignatureRow.witness)
    .where(CosignatureRow.log == bindparam("log"))
    .order_by(CosignatureRow.size.desc(), CosignatureRow.at.desc())
    .limit(1)
)
_LAST_OF: Final = (
    select(CosignatureRow.size)
    .where(CosignatureRow.log == bindparam("log"), CosignatureRow.witness == bindparam("witness"))
    .order_by(CosignatureRow.size.desc())
    .limit(1)
)
_ADD: Final = insert(CosignatureRow)


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The largest head of a log that a trusted witness cosigned: its size, when, by whom, and the note with the cosignature."""

    size: int
    at: dt.datetime
    by: str
    note: str


async def trust(recorder: Recorder, key: WitnessKey) -> None:
    """Take the cosignatures of a witness from now on."""
    now = moment(dt.datetime.now(dt.UTC))

    def add(transaction: Transaction) -> None:
        if str(key) not in {str(row[0]) for row in transaction.rows(_KEYS)}:
            transaction.many(_ADD_KEY, [{"witness": str(key), "created_at": now}])

    await recorder.write(add)


async def distrust(recorder: Recorder, key: WitnessKey) -> None:
    """Take them no longer, and count none that was taken."""
    await recorder.write(lambda transaction: transaction.rows(_DROP_KEY, witness=str(key)))


async def trusted(recorder: Recorder) -> Sequence[WitnessKey]:
    """Whose cosignatures are taken."""
    return await recorder.write(keys)


async def ask(
    recorder: Recorder, key: WitnessKey, known: Mapping[LogName, int] | None = None
) -> Mapping[LogName, Submission]:
    """What a witness is asked now: one question for each log of the present epoch.

    Args:
        known: at which size it last cosigned a log, where it has said so; else as its cosignatures here tell.

    Raises:
        HeadConflict: it has cosigned more records than the log has.
        RecordDamaged: the log cannot be proven.
    """
    return await recorder.write(
        partial(_questions, signer=recorder.signer, key=key, known=known or {}, epoch=recorder.epoch)
    )


async def take(recorder: Recorder, question: str, answer: str) -> tuple[LogName, Checkpoint, Sequence[Cosignature]]:
    """Keep the cosignatures that a witness gave to a question, durably; one that is kept already changes nothing.

    Args:
        answer: the lines of the witness.

    Raises:
        MalformedSubmission, MalformedNote: the question is not one that this node asked.
        ForgedCosignature, NotCosigned: the answer does not count.
        AnotherHistory: the log no longer is what was cosigned.
    """
    note = Submission.parse(question).note
    signer = recorder.signer
    origin = note.partition("\n")[0]
    mine = signer.origin("")
    if not origin.startswith(mine):
        raise MalformedSubmission(f"That question is about {origin}, a log of another node.")
    checkpoint = verified(note, signer.public_key, origin=origin)
    log = LogName(origin.removeprefix(mine))
    taken = await recorder.write(
        partial(_take, log=log, checkpoint=checkpoint, note=signer.sign(checkpoint), answer=answer)
    )
    return log, checkpoint, taken


async def newest(recorder: Recorder) -> Mapping[LogName, Witnessed]:
    """The last witnessed head of each log that has one."""

    def of_all(transaction: Transaction) -> Mapping[LogName, Witnessed]:
        found = {log: last_witnessed(transaction, log=log) for log in sizes(transaction)}
        return {log: head for log, head in found.items() if head is not None}

    return await recorder.write(of_all)


def keys(transaction: Transaction) -> Sequence[WitnessKey]:
    """The witnesses that are trusted."""
    return [WitnessKey.parse(str(row[0])) for row in transaction.rows(_KEYS)]


def last_witnessed(transaction: Transaction, *, log: LogName) -> Witnessed | None:
    """What the newest cosignature of a trusted witness says; None where there is none."""
    rows = transaction.rows(_NEWEST, log=log)
    if not rows:
        return None
    size, at, witness, note = rows[0]
    return Witnessed(
        int(size), dt.datetime.fromtimestamp(int(at), dt.UTC), WitnessKey.parse(str(witness)).name, str(note)
    )


def of_log(log: LogName) -> Select[int, str, str]:
    """What trusted witnesses cosigned of a log, by size: size, verifier key, note."""
    return (
        select(CosignatureRow.size, CosignatureRow.witness, CosignatureRow.note)
        .join(WitnessRow, WitnessRow.witness == CosignatureRow.witness)
        .where(CosignatureRow.log == log)
        .order_by(CosignatureRow.size, CosignatureRow.witness, CosignatureRow.at)
    )


def _questions(
    transaction: Transaction, signer: Signer, key: WitnessKey, known: Mapping[LogName, int], epoch: int
) -> Mapping[LogName, Submission]:
    asked = {}
    for log in sizes(transaction):
        if log.rpartition("/")[2] != str(epoch):
            continue
        size = present(transaction, log=log).size
        before = transaction.rows(_LAST_OF, log=log, witness=str(key))
        old = known.get(log, int(before[0][0]) if before else 0)
        if old > size:
            raise HeadConflict(
                f"The witness cosigned {old} records of {log}, it has {size}: its end was lost.", size=old
            )
        tree = StoredTree(transaction, log, size)
        note = signer.sign(Checkpoint(signer.origin(log), size, tree.root()))
        asked[log] = Submission(old, tuple(tree.consistency_proof(old)), note)
    return asked


def _take(
    transaction: Transaction, log: LogName, checkpoint: Checkpoint, note: str, answer: str
) -> Sequence[Cosignature]:
    given = cosignatures(f"\n\n{answer}", checkpoint, keys(transaction))
    if not given:
        raise NotCosigned("No line of the answer is of a witness that is trusted here.")
    if root_at(transaction, log, checkpoint.size) != checkpoint.root:
        raise AnotherHistory(f"The log does not hold the checkpoint of {checkpoint.size} records.", log=log)
    for one in given:
        same: dict[str, object] = {"log": log, "size": checkpoint.size, "witness": str(one.key), "at": one.at}
        if not transaction.rows(_SAME, **same):
            transaction.many(_ADD, [{**same, "note": note + one.line}])
    return given
