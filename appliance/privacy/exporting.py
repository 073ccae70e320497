"""All that is kept of a person, as one JSON document (GDPR, articles 15 and 20).

    {"format": "outpost-personal-data/1", "person": id, "tenant": id, "made_at": …, "account": […], "conversations": […], …, "records": […]}

It is written while it is sent: however much there is, a few hundred rows are in memory, and no file lies on the box after.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from appliance.audit import personal
from appliance.gate import Gate
from appliance.identity.errors import NotAPerson
from appliance.identity.people import People
from appliance.policy import Resource
from appliance.privacy.tables import RequestRow
from appliance.privacy.values import Part
from appliance.store import Admitted, Principal, Store, new_id

FORMAT: Final = "outpost-personal-data/1"
OWN, MANAGE = "privacy.own", "privacy.manage"


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def action_for(principal: Principal, person_id: UUID) -> str:
    """What is asked of the gate. Raises NotAPerson: whoever stands at a kiosk has not shown enough of who they are."""
    if principal.kiosk_id is not None:
        raise NotAPerson("This is for where you sign in with your password, not for a kiosk.")
    return OWN if principal.id == person_id else MANAGE


class Exporting:
    """Args:
    parts: what each domain keeps of people.
    epoch: of the record; earlier ones are looked through too.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        people: People,
        parts: Sequence[Part],
        *,
        epoch: int,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._gate, self._people, self._parts = store, gate, people, parts
        self._epoch, self._clock = epoch, clock

    async def export(self, principal: Principal, person_id: UUID) -> AsyncGenerator[bytes]:
        """The pieces of the document. The first comes once it is decided and written down that it was asked for.

        Raises:
            Refused, NotAPerson, UnknownPerson: before the first piece.
        """
        action = action_for(principal, person_id)
        async with self._gate.admit(principal, action, Resource("person", str(person_id))) as admitted:
            await self._people.read(admitted, person_id)
            now = self._clock()
            async with self._store.open_session(admitted, write=True) as session:
                row = RequestRow(
                    id=new_id(), kind="access", person_id=person_id, asked_by=principal.id, asked_at=now, state="done",
                    decided_by=principal.id, decided_at=now, done_at=now,
                )  # fmt: skip
                session.add(row)
                admitted.outcome.metadata["request_kind"] = "access"
            head = {"format": FORMAT, "person": str(person_id), "tenant": str(principal.tenant_id), "made_at": now}
            yield _json(head).removesuffix(b"}")
            for part in self._parts:
                if part.kept is not None:
                    yield b', "%s": [' % part.name.encode()
                    async for piece in _joined(self._rows(admitted, part, person_id)):
                        yield piece
                    yield b"]"
            yield b', "records": ['
            async for piece in _joined(self._records(principal, person_id)):
                yield piece
            yield b"]}\n"

    async def _rows(self, admitted: Admitted, part: Part, person_id: UUID) -> AsyncGenerator[list[dict[str, Any]]]:
        assert part.kept is not None
        opened = self._store.open_session if part.where == "tenant" else self._store.open_control
        after: str | None = None
        while True:
            async with opened(admitted) as session:
                rows, after = await part.kept(session, person_id, after)
            yield rows
            if after is None:
                return

    async def _records(self, principal: Principal, person_id: UUID) -> AsyncGenerator[list[dict[str, Any]]]:
        for epoch in range(1, self._epoch + 1):
            after = -1
            while found := await personal.own(self._store, principal.tenant_id, person_id, epoch=epoch, after=after):
                after = found[-1].seq
                yield [personal.shown(one) for one in found]


async def _joined(pages: AsyncGenerator[list[dict[str, Any]]]) -> AsyncGenerator[bytes]:
    first = True
    async for rows in pages:
        if rows:
            yield (b"\n" if first else b",\n") + b",\n".join(map(_json, rows))
            first = False


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
