"""Policy packs of a plant: stage, look at what would change, put in force, take back, explain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from sqlalchemy.exc import IntegrityError

from appliance.identity.kiosks import Kiosks
from appliance.identity.people import People
from appliance.identity.ports import Memberships, NoTeams
from appliance.news import tell
from appliance.packs import diff, records, subjects
from appliance.packs import store as queries
from appliance.packs.errors import NeedsConfirmation, NothingBefore, PackNotSound, SwitchedMeanwhile, UnknownPack
from appliance.packs.force import InForce
from appliance.packs.tables import PackRow, SwitchRow
from appliance.packs.values import Explained, Preview, Staged, Switch, What
from appliance.policy import PackRefused, PolicyEngine, Resource
from appliance.policy.pack import parse
from appliance.store import Admitted, Store

REQUESTS: Final = 1000
DOCUMENTS: Final = 2000
SWITCHES: Final = 100
PAIRS: Final = 16
"""Pairs of packs whose differences are remembered."""
EVERY: Final = 100_000
RELEASE: Final = "release"
"""What the pack of the release is called where a version is asked for."""

Decisions = Callable[[Admitted, int], Awaitable[Sequence[Mapping[str, Any]]]]
"""The last decisions of the tenant's record, the newest first."""
Trial = Callable[[Mapping[str, str]], Awaitable[None]]
"""Looks at a pack as a whole; raises PackRefused."""


Writers = Callable[[], Awaitable[Sequence[Resource]]]


class Documents(Protocol):
    async def attributes(self, admitted: Admitted, limit: int) -> Mapping[str, Mapping[str, Any]]:
        """What the policies know of the tenant's documents, by id."""


class Packs:
    """The packs of the admitted principal's tenant.

    Args:
        decisions: the record, read.
        documents: the library, as far as policies see it.
        trial: looks at a stranger's pack where it can do no harm.
        writers: the chat models that may write, as policies see them.
    """

    def __init__(
        self,
        store: Store,
        in_force: InForce,
        people: People,
        kiosks: Kiosks,
        decisions: Decisions,
        documents: Documents,
        trial: Trial,
        *,
        clock: Callable[[], Any],
        writers: Writers,
        memberships: Memberships | None = None,
    ) -> None:
        self._memberships = memberships or NoTeams()
        self._store = store
        self._writers = writers
        self._in_force = in_force
        self._people = people
        self._kiosks = kiosks
        self._decisions = decisions
        self._documents = documents
        self._trial = trial
        self._clock = clock
        self._compared: dict[tuple[str, str], diff.Differences] = {}

    async def all(self, admitted: Admitted) -> list[Staged]:
        """The pack of the release first, then the newest."""
        now = self._in_force.version(admitted.tenant_id)
        own = self._in_force.release.pack
        async with self._store.open_control(admitted) as session:
            rows = await queries.packs(session, admitted.tenant_id)
        found = [Staged(own.version, own.name, now is None, True, own.valid_until, None)]
        return found + [self._staged(row, in_force=row.version == now) for row in rows]

    def _staged(self, row: PackRow, *, in_force: bool) -> Staged:
        """A pack of an older release may be none to this one; it is listed all the same."""
        try:
            pack = parse(row.texts)
        except PackRefused as error:
            return Staged(row.version, row.name, in_force, False, None, row.staged_at, error.detail)
        lacking = self._in_force.lacking(pack)
        return Staged(row.version, row.name, in_force, False, pack.valid_until, row.staged_at, lacking=lacking)

    async def texts(self, admitted: Admitted, version: str) -> Mapping[str, str]:
        """The files of a pack. Raises UnknownPack."""
        own = self._in_force.release.pack
        if version in {RELEASE, own.version}:
            return own.texts
        async with self._store.open_control(admitted) as session:
            found = await queries.texts(session, admitted.tenant_id, version)
        if found is None:
            raise UnknownPack("No pack of this version is staged here.")
        return found

    async def stage(self, admitted: Admitted, texts: Mapping[str, str]) -> Staged:
        """Keep a pack, if it is sound. It decides nothing yet; staging it again changes nothing.

        Raises:
            PackNotSound: it is not, and why.
        """
        try:
            await self._trial(texts)
            pack = parse(texts)
        except PackRefused as error:
            raise PackNotSound(error.detail) from None
        admitted.outcome.resource_id = pack.version
        if pack.version == self._in_force.release.pack_version:
            return Staged(pack.version, pack.name, False, True, pack.valid_until, None)
        row = PackRow(
            tenant_id=admitted.tenant_id,
            version=pack.version,
            name=pack.name,
            texts=dict(texts),
            staged_by=admitted.principal.id,
            staged_at=self._clock(),
        )
        async with self._store.open_control(admitted, write=True) as session:
            if await queries.texts(session, admitted.tenant_id, pack.version) is None:
                session.add(row)
        in_force = self._in_force.version(admitted.tenant_id) == pack.version
        lacking = self._in_force.lacking(pack)
        return Staged(pack.version, pack.name, in_force, False, pack.valid_until, row.staged_at, lacking=lacking)

    async def preview(self, admitted: Admitted, version: str) -> Preview:
        """What putting a pack in force would change. Raises UnknownPack, PackNotSound."""
        now, then = self._deciding(admitted), await self._engine(admitted, version)
        library = await self._documents.attributes(admitted, DOCUMENTS)
        found = await self._decisions(admitted, REQUESTS)
        asked = records.again(found, admitted.tenant_id, library)
        differences = await self._differences(now, then)
        return await asyncio.to_thread(diff.preview, now, then, differences, asked, len(found), list(library.values()))

    async def activate(self, admitted: Admitted, version: str, confirm: str | None) -> Switch:
        """Put a pack in force. It decides from the next request on, in other processes within two seconds.

        Raises:
            UnknownPack: nothing was changed.
            NeedsConfirmation: it widens what people may do, and `confirm` is not the word of its preview.
            SwitchedMeanwhile: somebody else was faster.
        """
        then = await self._confirmed(admitted, version, confirm)
        kept = None if then.pack_version == self._in_force.release.pack_version else then.pack_version
        return await self._switch(admitted, kept, "activate")

    async def _confirmed(self, admitted: Admitted, version: str, confirm: str | None) -> PolicyEngine:
        """The pack, if it widens nothing or `confirm` is the word of its preview now. Raises NeedsConfirmation."""
        then = await self._engine(admitted, version)
        found = await self._differences(self._deciding(admitted), then)
        if found.widen and confirm != found.confirm:
            raise NeedsConfirmation(f"{then.pack_version} allows what is refused now.")
        admitted.outcome.metadata |= {"confirmed": found.confirm if found.widen else None}
        return then

    async def rollback(self, admitted: Admitted, confirm: str | None = None) -> Switch:
        """Put the pack in force that was before the last switch.

        Raises:
            NothingBefore: nothing was ever switched.
            NeedsConfirmation: it widens what people may do now, and `confirm` is not the word of its preview.
            SwitchedMeanwhile: somebody else was faster.
        """
        before = await self.before(admitted)
        if before is None:
            raise NothingBefore("The pack of the release is in force, and none was before it.")
        await self._confirmed(admitted, before, confirm)
        return await self._switch(admitted, None if before == RELEASE else before, "rollback")

    async def before(self, admitted: Admitted) -> str | None:
        """What a rollback would put in force: a version, or `release`; None where nothing was ever switched."""
        async with self._store.open_control(admitted) as session:
            every = await queries.switches(session, admitted.tenant_id, EVERY)
        standing = _standing(every)
        return (standing[-2] or RELEASE) if len(standing) > 1 else None

    async def history(self, admitted: Admitted) -> list[Switch]:
        """The last switches, the newest first."""
        async with self._store.open_control(admitted) as session:
            return await queries.switches(session, admitted.tenant_id, SWITCHES)

    async def explain(
        self, admitted: Admitted, subject: str, action: str, resource: Resource, version: str | None = None
    ) -> Explained:
        """What would be decided for somebody, and by which policies, in words.

        Raises:
            UnknownSubject, UnknownPack.
        """
        engine = self._deciding(admitted) if version is None else await self._engine(admitted, version)
        principal = await subjects.found(admitted, subject, self._people, self._kiosks, self._memberships)
        if resource.type == "document" and resource.id and not resource.attrs:
            library = await self._documents.attributes(admitted, DOCUMENTS)
            resource = Resource(resource.type, resource.id, library.get(resource.id, {}))
        if resource.type == "writer" and resource.id and not resource.attrs:
            known = {str(one.id): one for one in await self._writers()}
            resource = known.get(resource.id, resource)
        return subjects.explained(engine, principal, action, resource)

    async def _differences(self, now: PolicyEngine, then: PolicyEngine) -> diff.Differences:
        """Found once for two packs: who activates has looked at the preview before."""
        pair = now.pack_version, then.pack_version
        if pair not in self._compared:
            try:
                found = await asyncio.to_thread(diff.differences, now, then)
            except PackRefused as error:
                raise PackNotSound(error.detail) from None
            if len(self._compared) >= PAIRS:
                self._compared.clear()
            self._compared[pair] = found
        return self._compared[pair]

    def _deciding(self, admitted: Admitted) -> PolicyEngine:
        """What decides now; where nothing can, what the release would decide is compared with."""
        return self._in_force.engine(admitted.tenant_id) or self._in_force.release

    async def _engine(self, admitted: Admitted, version: str) -> PolicyEngine:
        texts = await self.texts(admitted, version)
        if texts is self._in_force.release.pack.texts:
            return self._in_force.release
        try:
            return await asyncio.to_thread(lambda: PolicyEngine(parse(texts)))
        except PackRefused as error:
            raise PackNotSound(error.detail) from None

    async def _switch(self, admitted: Admitted, version: str | None, what: What) -> Switch:
        tenant_id = admitted.tenant_id
        admitted.outcome.resource_id = version or RELEASE
        async with self._store.open_control(admitted, write=True) as session:
            last = await queries.switches(session, tenant_id, 1)
            made = Switch(last[0].generation + 1 if last else 1, version, what, admitted.principal.id, self._clock())
            session.add(
                SwitchRow(
                    tenant_id=tenant_id, generation=made.generation, version=version, what=what, by=made.by, at=made.at
                )
            )
            try:
                await session.flush()
            except IntegrityError:
                raise SwitchedMeanwhile("A switch was made at the same moment.") from None
            await tell(
                session, "policy.switched", tenant_id=tenant_id, author=made.by, at=made.at,
                version=version or RELEASE, what=what,
            )  # fmt: skip
            admitted.outcome.metadata |= {"generation": made.generation, "before": last[0].version if last else None}
        self._in_force.forget()
        return made


def _standing(switches: Sequence[Switch]) -> list[str | None]:
    """What was in force one after the other, up to now, without what was taken back; `switches` begin with the newest."""
    standing: list[str | None] = [None]
    for switch in reversed(switches):
        if switch.what == "activate":
            standing.append(switch.version)
        else:
            standing.pop()
    return standing
