"""The policy pack in force, for one process: of every tenant its own, the pack of the release where none was chosen.

    control.db: highest generation ─ version ─> texts ─ hash fits? ─ sound? ─ not ended? ──> decides
                                                  └───────── no ─────────────────────────> nothing is allowed

Asked of the database at most every two seconds, so a switch made by another process counts within that time. A pack
that cannot be used denies everything and says so. What is left then is the owner of the data directory, who by the
pack of the release may look at packs and put another in force.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from appliance.packs import store as queries
from appliance.policy import PackRefused, PolicyEngine, Resource, Scope
from appliance.policy.conditions import NEVER
from appliance.policy.pack import Pack, parse, version_of
from appliance.policy.patterns import PlantPattern
from appliance.policy.rules import sound
from appliance.store import CONTROL, Decision, Principal, Purpose, Store, TenantId

SECONDS: Final = 2.0
UNUSABLE: Final = "pack-unusable"
RECOVERY: Final = frozenset({"policy.read", "policy.stage", "policy.activate", "audit.read_all"})
"""What the owner of the node may by the pack of the release, where the plant's own cannot decide it: to renew that, and to keep the
record.
"""

log = structlog.get_logger(__name__)
Today = Callable[[], dt.date]


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


class InForce:
    """Decides for every tenant by the pack that is in force there.

    Args:
        release: the pack of this release.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        release: PolicyEngine | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        day: Today = today,
    ) -> None:
        self.release = release or PolicyEngine()
        self._store = store
        self._monotonic = monotonic
        self._day = day
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()
        self._versions: dict[TenantId, str | None] = {}
        self._engines: dict[tuple[TenantId, str], PolicyEngine] = {}
        self._broken: dict[tuple[TenantId, str], str] = {}

    async def follow(self) -> None:
        """Learn of switches. Raises what the store raises; nothing is decided then."""
        if self._asked_at is not None and self._monotonic() < self._asked_at + SECONDS:
            return
        async with self._asking:
            if self._asked_at is not None and self._monotonic() < self._asked_at + SECONDS:
                return
            began = self._monotonic()
            async with self._store.open_internal(Purpose.POLICY, CONTROL) as session:
                found = await queries.in_force(session)
                wanted = {(tenant_id, version) for tenant_id, version in found.items() if version is not None}
                for tenant_id, version in sorted(wanted - self._engines.keys() - self._broken.keys()):
                    await self._take(tenant_id, version, await queries.texts(session, tenant_id, version))
            self._engines = {key: engine for key, engine in self._engines.items() if key in wanted}
            self._versions, self._asked_at = found, began

    def forget(self) -> None:
        """Ask the database anew before the next decision."""
        self._asked_at = None
        self._broken.clear()

    @property
    def pack_version(self) -> str:
        """The version of the release's own pack."""
        return self.release.pack_version

    @property
    def chosen(self) -> int:
        """How many tenants have a pack of their own."""
        return sum(version is not None for version in self._versions.values())

    def version(self, tenant_id: TenantId) -> str | None:
        """The version in force; None for the pack of the release."""
        return self._versions.get(tenant_id)

    def engine(self, tenant_id: TenantId) -> PolicyEngine | None:
        """What decides for the tenant; None where nothing can."""
        version = self.version(tenant_id)
        found = self.release if version is None else self._engines.get((tenant_id, version))
        return None if found is None or self._ended(found.pack) else found

    def pack_of(self, tenant_id: TenantId) -> Pack:
        """What the pack in force says beside its policies; where it cannot be used, what the release says."""
        return (self.engine(tenant_id) or self.release).pack

    def patterns(self) -> tuple[PlantPattern, ...]:
        """Those of all plants, each once."""
        packs = [self.release.pack, *(engine.pack for engine in self._engines.values())]
        return tuple(dict.fromkeys(one for pack in packs for one in pack.data.patterns))

    def why_unusable(self, tenant_id: TenantId) -> str | None:
        """Why nothing is allowed in the tenant; None if its pack is in order."""
        version = self.version(tenant_id)
        if self.engine(tenant_id) is not None:
            return None
        if version is not None and (tenant_id, version) not in self._engines:
            return f"The policy pack in force cannot be used. {self._broken.get((tenant_id, version), '')}".strip()
        return "The policy pack in force has come to its last day."

    def all_unusable(self) -> dict[TenantId, str]:
        """The tenants in which nothing is allowed, with the reason."""
        found = {tenant_id: self.why_unusable(tenant_id) for tenant_id in self._versions}
        return {tenant_id: why for tenant_id, why in found.items() if why is not None}

    def lacking(self, pack: Pack) -> tuple[str, ...]:
        """The actions of this release that a pack does not know: it was made for an older one, and denies them to everybody."""
        return tuple(sorted({*self.release.pack.actions} - {*pack.actions}))

    def all_lacking(self) -> dict[TenantId, tuple[str, ...]]:
        """The tenants whose pack in force lacks actions of this release, with these."""
        engines = {tenant_id: self.engine(tenant_id) for tenant_id in self._versions}
        found = {tenant_id: self.lacking(engine.pack) for tenant_id, engine in engines.items() if engine is not None}
        return {tenant_id: lacking for tenant_id, lacking in found.items() if lacking}

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """As `PolicyEngine.decide`. Never raises."""
        engine = self.engine(principal.tenant_id)
        unknown = engine is None or action not in engine.pack.actions
        if unknown and principal.kind == "owner" and action in RECOVERY:
            return self.release.decide(principal, action, resource)
        if engine is None:
            why, version = self.why_unusable(principal.tenant_id), self.version(principal.tenant_id)
            return Decision(
                allowed=False, policies=(UNUSABLE,), pack_version=version or self.release.pack_version, reason=why
            )
        return engine.decide(principal, action, resource)

    def permits(self, principal: Principal, action: str, resources: Sequence[Resource]) -> list[bool]:
        """As `PolicyEngine.permits`."""
        engine = self.engine(principal.tenant_id)
        return [False] * len(resources) if engine is None else engine.permits(principal, action, resources)

    def scope(self, principal: Principal, action: str, resource_type: str = "document") -> Scope:
        """As `PolicyEngine.scope`; nothing is in the scope of a pack that cannot be used."""
        engine = self.engine(principal.tenant_id)
        if engine is None:
            return Scope(NEVER, tenant=str(principal.tenant_id), pack_version=self.release.pack_version)
        return engine.scope(principal, action, resource_type)

    async def _take(self, tenant_id: TenantId, version: str, texts: Mapping[str, str] | None) -> None:
        key = tenant_id, version
        try:
            if texts is None or version_of(texts) != version:
                raise PackRefused("It is not what was staged.")
            self._engines[key] = await asyncio.to_thread(_sound, texts)
        except PackRefused as error:
            log.error("the policy pack in force cannot be used; nothing is allowed", pack=version, reason=error.detail)
            self._broken[key] = error.detail

    def _ended(self, pack: Pack) -> bool:
        return pack.valid_until is not None and self._day() > pack.valid_until


def _sound(texts: Mapping[str, str]) -> PolicyEngine:
    """Looked at again as at staging: a later release may tell the policies what an older pack does not understand."""
    engine = PolicyEngine(parse(texts))
    sound(engine)
    return engine
