"""What answers are written with where the asker says nothing: the person's choice, their role's, the plant's, the node's.

Read at most once a second for each person; a change made in this process counts at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from appliance.errors import Forbidden
from appliance.routing import rules
from appliance.routing import store as queries
from appliance.routing.errors import BadProvider, NoSuchRoute
from appliance.routing.values import AUTO, Default, Route, Scope
from appliance.store import CONTROL, Admitted, Principal, Purpose, Store

KNOWN_SECONDS: Final = 1.0
MOST_KNOWN: Final = 1000
ROLES: Final = ("viewer", "operator", "admin")
NODE_LAST: Final[tuple[Scope, ...]] = ("tenant", "global")


class NotYourDefault(Forbidden):
    """A person's own choice is theirs."""

    code, title = "not-your-default", "That choice is somebody else's"
    hint = "You can set your own; an admin sets those of roles, of the plant and of the node."


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    models: list[Default]
    main: str


class Defaults:
    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._known: dict[tuple[UUID, UUID, str], _Known] = {}

    async def chain(self, principal: Principal) -> list[Default]:
        """Those that count for a person, the nearest first."""
        found = (await self._of(principal)).models
        return sorted(found, key=lambda one: rules.PRECEDENCE.index(one.scope))

    async def resolved(self, principal: Principal, routes: Sequence[Route]) -> Default:
        """The one that counts."""
        return rules.resolved((await self._of(principal)).models, routes)

    async def main(self, principal: Principal) -> str:
        """The provider that goes first, the plant's choice or the node's; empty where neither has chosen."""
        return (await self._of(principal)).main

    async def set_model(
        self, admitted: Admitted, scope: Scope, subject: str, choice: str | None, routes: Sequence[Route]
    ) -> None:
        """Set a default, or with None forget it.

        Raises:
            NotYourDefault: it is another person's.
            BadProvider: there is no such role.
            NoSuchRoute: it is neither a tier nor a model that is served here.
        """
        subject = _subject(admitted.principal, scope, subject)
        if choice is not None:
            choice = rules.tier_of(choice) or choice
            if choice != AUTO and rules.tier_of(choice) is None and not rules.named(routes, choice):
                raise NoSuchRoute(f"There is no tier and no model {choice[:80]!r} here.")
        await self._set(admitted, "model", scope, subject, choice)

    async def set_main(self, admitted: Admitted, scope: Scope, provider: str | None) -> None:
        """Put a provider first, for the plant or for the node. Raises BadProvider for other scopes."""
        if scope not in NODE_LAST:
            raise BadProvider("A provider goes first for the plant (tenant) or for the node (global).")
        await self._set(admitted, "provider", scope, "", provider)

    async def _set(
        self, admitted: Admitted, what: queries.What, scope: Scope, subject: str, choice: str | None
    ) -> None:
        admitted.outcome.resource_id = subject or scope
        admitted.outcome.metadata |= {"scope": scope, "what": what, "choice": choice}
        if scope == "global":
            async with self._store.open_control(admitted, write=True) as session:
                await queries.set_node_default(session, what, choice)
        else:
            async with self._store.open_session(admitted, write=True) as session:
                await queries.set_default(session, what, scope, subject, choice)
        self._known.clear()

    async def _of(self, principal: Principal) -> _Known:
        key = (principal.tenant_id, principal.id, principal.role)
        known = self._known.get(key)
        if known is not None and self._clock() - known.at < KNOWN_SECONDS:
            return known
        async with self._store.open_internal(Purpose.SHELF, principal.tenant_id) as session:
            models = await queries.defaults(session, "model", principal)
            main = await queries.defaults(session, "provider", principal)
        async with self._store.open_internal(Purpose.SHELF, CONTROL) as session:
            models += await queries.node_default(session, "model")
            main += await queries.node_default(session, "provider")
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        known = self._known[key] = _Known(self._clock(), models, queries.nearest(main, NODE_LAST))
        return known


def _subject(principal: Principal, scope: Scope, subject: str) -> str:
    if scope == "user":
        if subject not in ("", str(principal.id)):
            raise NotYourDefault("People choose for themselves.")
        return str(principal.id)
    if scope == "role":
        if subject not in ROLES:
            raise BadProvider(f"There is no role {subject[:40]!r}; there are {', '.join(ROLES)}.")
        return subject
    return ""
