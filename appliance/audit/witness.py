"""This node as a witness of other nodes' logs (c2sp.org/tlog-witness): it cosigns what holds all that it cosigned before.

    question ─ its node watched? ── signed by it? ── old = size cosigned last? ── proof holds? ─> kept, durably ─> cosignature
                   no: 404             no: 403         no: 409, the size            no: 422

Kept comes before given: a witness that dies between the two answers the same question with 409 and the size, and the
question that follows with the cosignature. Comparing and keeping are one transaction, so of two histories that are sent
at once one is refused.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from appliance.audit.channel import Transaction
from appliance.audit.cosigning import Cosigner, Submission
from appliance.audit.errors import (
    ForeignHead,
    HeadConflict,
    HeadForked,
    HeadNotConsistent,
    MalformedNote,
    MalformedSubmission,
    MalformedWitnessKey,
    UnknownOrigin,
)
from appliance.audit.notes import Checkpoint, node_id, verified
from appliance.audit.recorder import Recorder
from appliance.audit.records import moment
from appliance.audit.rules import EMPTY_ROOT, consistent
from appliance.audit.tables import WatchedRow, WitnessedRow
from appliance.store import Store

_ORIGIN: Final = re.compile("outpost/([0-9a-f]{16})/(?:node|[0-9a-f-]{36})/[1-9][0-9]{0,6}")
_KEY: Final = re.compile("[0-9a-f]{64}")

_NODE: Final = select(WatchedRow.public_key).where(WatchedRow.node_id == bindparam("node"))
_NODES: Final = select(WatchedRow.node_id, WatchedRow.public_key).order_by(WatchedRow.node_id)
_ADD_NODE: Final = insert(WatchedRow)
_DROP_NODE: Final = delete(WatchedRow).where(WatchedRow.node_id == bindparam("node"))
_LAST: Final = (
    select(WitnessedRow.size, WitnessedRow.root)
    .where(WitnessedRow.origin == bindparam("origin"))
    .order_by(WitnessedRow.size.desc())
    .limit(1)
)
_ADD_HEAD: Final = insert(WitnessedRow)


@dataclass(frozen=True, slots=True)
class Watched:
    """A node whose logs are witnessed here."""

    node_id: str
    public_key: str


class Witness:
    """Cosigns heads of the logs of watched nodes.

    Its key belongs to the epoch: a witness that was restored has forgotten what it cosigned after the backup, so it must
    not go on under the name of the one that had not.
    """

    def __init__(self, store: Store, recorder: Recorder, *, clock: Callable[[], float] = time.time) -> None:
        self.cosigner = cosigner_of(store, recorder)
        self._recorder = recorder
        self._clock = clock

    async def watch(self, public_key: str) -> Watched:
        """Cosign the logs of the node with this key (hex) from now on. Raises MalformedWitnessKey."""
        node = _node_of(public_key)
        now = moment(dt.datetime.now(dt.UTC))

        def add(transaction: Transaction) -> None:
            if not transaction.rows(_NODE, node=node):
                transaction.many(_ADD_NODE, [{"node_id": node, "public_key": public_key, "created_at": now}])

        await self._recorder.write(add)
        return Watched(node, public_key)

    async def leave(self, public_key: str) -> Watched:
        """Cosign them no longer; what was cosigned stays known. Raises MalformedWitnessKey."""
        node = _node_of(public_key)
        await self._recorder.write(lambda transaction: transaction.rows(_DROP_NODE, node=node))
        return Watched(node, public_key)

    async def watched(self) -> Sequence[Watched]:
        """The nodes whose logs are cosigned."""
        return await self._recorder.write(
            lambda transaction: [Watched(str(row[0]), str(row[1])) for row in transaction.rows(_NODES)]
        )

    async def cosign(self, question: str) -> tuple[str, Checkpoint]:
        """Answer one question: the line of the cosignature, and what it is over.

        Raises:
            MalformedSubmission, UnknownOrigin, ForeignHead: nothing was looked at further.
            HeadConflict, HeadForked, HeadNotConsistent: it is another history, or proven from elsewhere.
            RecordUnavailable: it could not be kept, so nothing was cosigned.
        """
        asked = Submission.parse(question)
        checkpoint, at = await self._recorder.write(partial(_keep, asked=asked, clock=self._clock))
        return self.cosigner.sign(checkpoint, at), checkpoint


def cosigner_of(store: Store, recorder: Recorder) -> Cosigner:
    """The key of a node as a witness, in the present epoch."""
    name = f"outpost/{recorder.signer.node_id}/witness/{recorder.epoch}"
    return Cosigner(name, store.secret("audit-witness", recorder.epoch))


def _keep(transaction: Transaction, asked: Submission, clock: Callable[[], float]) -> tuple[Checkpoint, int]:
    """Decide, and keep what will be cosigned; the moment is one at which nothing larger was known."""
    origin = asked.note.partition("\n")[0]
    found = _ORIGIN.fullmatch(origin)
    rows = transaction.rows(_NODE, node=found[1]) if found else ()
    if not rows:
        raise UnknownOrigin("No node of that name is watched.")
    try:
        checkpoint = verified(asked.note, bytes.fromhex(str(rows[0][0])), origin=origin)
    except MalformedNote as error:
        raise ForeignHead(error.detail) from None
    if asked.old > checkpoint.size:
        raise MalformedSubmission(f"The proof begins at {asked.old} records, the checkpoint has {checkpoint.size}.")
    transaction.lock([origin])
    last = transaction.rows(_LAST, origin=origin)
    size, root = (int(last[0][0]), bytes(last[0][1])) if last else (0, EMPTY_ROOT)
    _must_follow(asked, checkpoint, size, root)
    if checkpoint.size > size:
        row = {
            "origin": origin, "size": checkpoint.size, "root": checkpoint.root, "note": asked.note,
            "created_at": moment(dt.datetime.now(dt.UTC)),
        }  # fmt: skip
        transaction.many(_ADD_HEAD, [row])
    return checkpoint, max(0, int(clock()))


def _must_follow(asked: Submission, checkpoint: Checkpoint, size: int, root: bytes) -> None:
    if checkpoint.size == size and checkpoint.root != root:
        # Whatever size it said: two roots at one size, both signed by the node, are the proof of a fork.
        raise HeadForked(f"The checkpoint cosigned at {size} records has another root.", size=size)
    if asked.old != size:
        raise HeadConflict(f"The log was last cosigned at {size} records, not at {asked.old}.", size=size)
    if not consistent(root, size, checkpoint.root, checkpoint.size, asked.proof):
        raise HeadNotConsistent(f"The proof does not lead from {size} records to {checkpoint.size}.")


def _node_of(public_key: str) -> str:
    if not _KEY.fullmatch(public_key):
        raise MalformedWitnessKey("The public key of a node is 64 hex digits, in small letters.")
    return node_id(bytes.fromhex(public_key))
