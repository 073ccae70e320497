"""What a plant has set for the guard: its rule for personal data, its words of disclosure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text

from appliance.errors import Unprocessable
from appliance.guard.pii import Pattern, patterns_of
from appliance.guard.sanitising import PiiRule, kinds
from appliance.guard.tables import GuardSettingRow
from appliance.store import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.policy import Policies
    from appliance.policy.patterns import PlantPattern
    from appliance.store import Admitted, Store

PII, DISCLOSURE = "pii_sanitization", "disclosure"
LONGEST: Final = 500
"""Characters of a disclosure."""
PACKS: Final = 32
"""Packs whose patterns are kept ready."""


class UnknownKind(Unprocessable):
    """A rule names a kind of personal data that is not looked for here."""

    code, title = "unknown-kind", "There is no such kind of personal data"
    hint = "Take one of those that `GET /v1/guard/settings` lists under `kinds`."


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """`disclosure` holds the plant's own texts by language, `own` its patterns by the pack in force."""

    pii: PiiRule = field(default_factory=PiiRule)
    disclosure: Mapping[str, str] = field(default_factory=dict)
    own: tuple[Pattern, ...] = ()


def rule_of(value: Mapping[str, Any] | None, own: Sequence[Pattern] = ()) -> PiiRule:
    """`{enabled, patterns, action}`; names may be written small. Kinds that no pattern has any more are left out, and if none is
    left all count: a switch of packs makes no rule weaker unseen.
    """
    kinds_of_plant = frozenset(one.kind for one in own)
    if value is None:
        return PiiRule(own=kinds_of_plant, is_default=True)
    named = _named(value) & (frozenset(kinds()) | kinds_of_plant)
    return PiiRule(bool(value.get("enabled", True)), named, value.get("action", "redact"), kinds_of_plant)


def _named(value: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(name).upper() for name in value.get("patterns", ()))


class Settings:
    """Read with every answer, so that a change counts for the next one.

    Args:
        policy: has the plant's own patterns; without it there are none.
    """

    def __init__(self, store: Store, policy: Policies | None = None) -> None:
        self._store, self._policy = store, policy
        self._compiled: dict[tuple[PlantPattern, ...], tuple[Pattern, ...]] = {}

    async def of(self, admitted: Admitted) -> GuardSettings:
        """Those of the tenant."""
        async with self._store.open_session(admitted) as session:
            rows = {row.name: row.value for row in await session.scalars(select(GuardSettingRow))}
        own = self._own(admitted)
        return GuardSettings(rule_of(rows.get(PII), own), dict(rows.get(DISCLOSURE, {})), own)

    async def change(self, admitted: Admitted, name: str, value: Mapping[str, Any]) -> None:
        """Set one anew; what it was before goes into the record. Raises UnknownKind."""
        if name == PII:
            known = {*kinds(), *(one.kind for one in self._own(admitted))}
            if unknown := sorted(_named(value) - known):
                raise UnknownKind(f"{unknown[0].lower()[:40]} is not looked for here.")
        async with self._store.open_session(admitted, write=True) as session:
            await _take_turn(session)
            query = select(GuardSettingRow).where(GuardSettingRow.name == name)
            row = (await session.scalars(query)).one_or_none()
            before = None if row is None else row.value
            moment = dt.datetime.now(dt.UTC)
            if row is None:
                session.add(GuardSettingRow(id=new_id(), name=name, value=dict(value), changed_at=moment))
            else:
                row.value, row.changed_at = dict(value), moment
            admitted.outcome.resource_id = name
            admitted.outcome.metadata |= {"before": before, "after": dict(value)}

    def _own(self, admitted: Admitted) -> tuple[Pattern, ...]:
        told = () if self._policy is None else self._policy.pack_of(admitted.tenant_id).data.patterns
        if told not in self._compiled:
            if len(self._compiled) >= PACKS:
                self._compiled.clear()
            self._compiled[told] = patterns_of(told)
        return self._compiled[told]


async def _take_turn(session: AsyncSession) -> None:
    """Two who set the same for the first time stand in line; SQLite's writers do anyway."""
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('guard'), hashtext(current_setting('app.tenant_id')))")
        )
