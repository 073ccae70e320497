"""`outpost audit witness …`, on the data directory itself, whether the node runs or not.

    node     NAME.request ──>  carried to the witness
    witness  NAME.answer  <──  the line it would answer over HTTP; or NAME.size, where its proof must begin
    node     takes the answer; or asks again from that size

NAME is the node's id and the log's. Each command is in the node's own log.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from appliance.audit import Recorder
from appliance.audit.cosigning import MOST, Submission, WitnessKey
from appliance.audit.errors import HeadConflict, HeadForked, NotCosigned
from appliance.audit.values import LogName
from appliance.audit.witness import Witness, cosigner_of
from appliance.audit.witnessed import ask, distrust, newest, trusted
from appliance.audit.witnessed import take as keep
from appliance.audit.witnessed import trust as take_from
from appliance.commands.noting import noted
from appliance.errors import InvalidInput, OutpostError
from appliance.seeding import recording
from appliance.settings import Settings
from appliance.store import Store, open_store
from appliance.store.files import write_durably
from appliance.unlocking import unlock

_SIZE: Final = re.compile("0|[1-9][0-9]{0,17}")


class NothingToRead(InvalidInput):
    """A folder holds nothing that the command could work on."""

    code, title = "nothing-to-read", "There is nothing in that folder"
    hint = "Name the folder that the other machine wrote to."


@asynccontextmanager
async def _acting(settings: Settings, action: str, facts: dict[str, Any]) -> AsyncIterator[tuple[Store, Recorder]]:
    """Recorded before, and after with what `facts` says by then."""
    store = await open_store(settings.data, settings.database_url, create=False, unlock=unlock)
    try:
        async with noted(settings, store, action, facts) as note:
            try:
                async with recording(settings, store) as recorder:
                    yield store, recorder
            finally:
                note.adds(facts)
    finally:
        await store.close()


async def show(settings: Settings, *, as_json: bool) -> int:
    """What the other machine has to know of this one, and what this one knows."""
    store = await open_store(settings.data, settings.database_url, create=False, unlock=unlock)
    try:
        async with recording(settings, store) as recorder:
            keys, nodes = await trusted(recorder), await Witness(store, recorder).watched()
            heads = await newest(recorder)
            own, public = str(cosigner_of(store, recorder).key), recorder.signer.public_key.hex()
    finally:
        await store.close()
    told = {log: {"size": one.size, "at": one.at.isoformat(), "by": one.by} for log, one in heads.items()}
    if as_json:
        facts: dict[str, Any] = {"public_key": public, "witness_key": own, "trusted": [str(key) for key in keys]}
        facts |= {"watched": [one.public_key for one in nodes], "witnessed": told}
        sys.stdout.write(json.dumps(facts) + "\n")
        return 0
    print(f"public key    {public}\nwitness key   {own}")
    for key in keys:
        print(f"trusted       {key}")
    for one in nodes:
        print(f"watched       {one.public_key}   (node {one.node_id})")
    for log, head in told.items():
        print(f"witnessed     {log}: {head['size']} records, {head['at']}, by {head['by']}")
    if keys and not told:
        print("witnessed     nothing yet")
    return 0


async def trust(settings: Settings, text: str, *, remove: bool, as_json: bool) -> int:
    """Raises MalformedWitnessKey."""
    key = WitnessKey.parse(text)
    async with _acting(settings, "audit.trust", {"witness": str(key), "remove": remove}) as (_, recorder):
        await (distrust if remove else take_from)(recorder, key)
    return _say(
        {"witness": str(key), "trusted": not remove}, f"{key.name}: {'no longer ' if remove else ''}trusted", as_json
    )


async def watch(settings: Settings, public_key: str, *, remove: bool, as_json: bool) -> int:
    """Raises MalformedWitnessKey."""
    async with _acting(settings, "audit.watch", {"public_key": public_key, "remove": remove}) as (store, recorder):
        witness = Witness(store, recorder)
        node = await (witness.leave if remove else witness.watch)(public_key)
    said = f"node {node.node_id}: {'no longer ' if remove else ''}watched"
    return _say({"node": node.node_id, "watched": not remove}, said, as_json)


async def request(settings: Settings, folder: Path, *, name: str | None, as_json: bool) -> int:
    """Raises NotCosigned where it is not clear who is asked, HeadConflict where a witness knows more than the log has."""
    facts: dict[str, Any] = {}
    async with _acting(settings, "audit.ask_witness", facts) as (_, recorder):
        key = _one_of(await trusted(recorder), name)
        node = recorder.signer.node_id
        known = dict(_sizes(folder, node))
        asked = await ask(recorder, key, known)
        for log, question in asked.items():
            _write(folder / f"{_named(node, log)}.request", str(question))
        facts |= {"witness": key.name, "logs": len(asked)}
    said = f"{len(asked)} questions for {key.name} in {folder}"
    return _say({"witness": key.name, "logs": sorted(asked)}, said, as_json)


async def cosign(settings: Settings, folder: Path, *, as_json: bool) -> int:
    """1 if a question was not answered with a cosignature."""
    facts: dict[str, Any] = {"logs": {}}
    async with _acting(settings, "audit.cosign", facts) as (store, recorder):
        witness = Witness(store, recorder)
        for path in _found(folder, "*.request"):
            facts["logs"][path.stem] = await _answered(witness, path)
    failed = [name for name, said in facts["logs"].items() if said != "cosigned"]
    _say(facts, "\n".join(f"{name}: {said}" for name, said in facts["logs"].items()), as_json)
    return 1 if failed else 0


async def _answered(witness: Witness, path: Path) -> str:
    """What came of one question."""
    answer, size = path.with_suffix(".answer"), path.with_suffix(".size")
    question = _text(path)
    try:
        line = await _line(witness, question)
    except HeadConflict as conflict:
        _write(size, f"{conflict.size}\n")
        answer.unlink(missing_ok=True)
        return f"{conflict.code}: {conflict.detail}"
    except OutpostError as error:
        answer.unlink(missing_ok=True)
        return f"{error.code}: {error.detail}"
    _write(answer, line)
    size.unlink(missing_ok=True)
    return "cosigned"


async def _line(witness: Witness, question: str) -> str:
    try:
        return (await witness.cosign(question))[0]
    except HeadConflict as conflict:
        note = Submission.parse(question).note
        if isinstance(conflict, HeadForked) or note.split("\n")[1] != str(conflict.size):
            raise
        # The head that was cosigned last needs no proof: its answer was lost on the way.
        return (await witness.cosign(str(Submission(conflict.size, (), note))))[0]


async def take(settings: Settings, folder: Path, *, as_json: bool) -> int:
    """Raises the first of what is wrong with an answer; those before it are kept."""
    facts: dict[str, Any] = {"logs": {}}
    async with _acting(settings, "audit.take_cosignatures", facts) as (_, recorder):
        for path in _found(folder, "*.answer"):
            log, checkpoint, given = await keep(recorder, _text(path.with_suffix(".request")), _text(path))
            facts["logs"][log] = {"size": checkpoint.size, "by": [one.key.name for one in given]}
    lines = (f"{log}: {one['size']} records, cosigned by {', '.join(one['by'])}" for log, one in facts["logs"].items())
    return _say(facts, "\n".join(lines), as_json)


def _one_of(keys: Sequence[WitnessKey], name: str | None) -> WitnessKey:
    found = [key for key in keys if name is None or key.name == name]
    if len(found) != 1:
        names = ", ".join(key.name for key in keys) or "none"
        raise NotCosigned(f"Say which witness is asked with --witness; trusted: {names}.")
    return found[0]


def _named(node: str, log: LogName) -> str:
    return f"{node}-{log.replace('/', '-')}"


def _sizes(folder: Path, node: str) -> Iterator[tuple[LogName, int]]:
    """What the witness said it knows, log by log."""
    for path in folder.glob(f"{node}-*.size"):
        log, _, epoch = path.stem.removeprefix(f"{node}-").rpartition("-")
        if _SIZE.fullmatch(text := _text(path).strip()):
            yield LogName(f"{log}/{epoch}"), int(text)


def _found(folder: Path, pattern: str) -> list[Path]:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise NothingToRead(f"{folder} holds no {pattern}.")
    return paths


def _text(path: Path) -> str:
    """A file of somebody else's: no more of it than a question has."""
    with path.open("rb") as file:
        return file.read(MOST + 1).decode(errors="replace")


def _write(path: Path, text: str) -> None:
    write_durably(path, text.encode())


def _say(facts: dict[str, Any], words: str, as_json: bool) -> int:
    sys.stdout.write(json.dumps(facts) + "\n" if as_json else f"{words}\n")
    return 0
