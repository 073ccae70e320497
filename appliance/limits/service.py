"""Whether a request may be made now, and what of the limits is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from appliance.errors import OutpostError
from appliance.limits import rules
from appliance.limits.errors import RateLimited
from appliance.limits.overrides import Overrides, Proven
from appliance.limits.overriding import Override, Place
from appliance.limits.ports import Counters
from appliance.limits.rules import Key, Profile, Verdict
from appliance.metrics import RATE_CHECKED, RATE_USED, RATE_VIOLATIONS
from appliance.policy import Policies
from appliance.policy.limits import Rate, RateLimits
from appliance.store import Admitted, Principal, Tenant


@dataclass(frozen=True, slots=True)
class Used:
    """What was counted in one window. `subject` is a person, a kiosk and a person, or empty for the whole tenant."""

    subject: str
    what: str
    seconds: int
    used: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The limits in force and what of them is used."""

    profile: Profile
    ceiling: int
    limits: RateLimits
    used: tuple[Used, ...] = field(default=())
    set: tuple[Override, ...] = field(default=())
    """What admins set."""


class Limiter:
    """Args:
    policy: the pack in force says the limits, and is asked at each request.
    ceiling: requests of one person in a minute, whatever the pack allows.
    tenants: for the pack's limits of single tenants.
    """

    def __init__(
        self,
        counters: Counters,
        policy: Policies,
        *,
        ceiling: int,
        profile: Profile,
        tenants: Callable[[], Awaitable[Sequence[Tenant]]],
        overrides: Overrides,
    ) -> None:
        self._counters, self._policy, self._tenants = counters, policy, tenants
        self._ceiling, self._profile, self._overrides = ceiling, profile, overrides
        self._slugs: dict[UUID, str] = {}

    async def check(self, principal: Principal, route: str) -> Verdict:
        """Count one request of `principal`.

        Raises:
            RateLimited: a window is full; the request is counted in none.
        """
        limits = self._policy.pack_of(principal.tenant_id).limits
        if not rules.is_counted(principal, route, limits):
            return Verdict(())
        slug = await self._slug(principal.tenant_id) if limits.tenants else None
        set_here = await self._overrides.rates(principal.tenant_id) if self._profile != "development" else {}
        windows = rules.windows_of(
            principal, route, limits, ceiling=self._ceiling, profile=self._profile, tenant_slug=slug, overrides=set_here
        )
        verdict = await self._counters.take(windows)
        RATE_CHECKED.labels("refused" if verdict.refused else "counted").inc()
        if verdict.refused is not None:
            full = verdict.refused
            RATE_VIOLATIONS.labels(full.name).inc()
            whose = "This plant" if full.key.what == rules.TENANT else "You"
            raise RateLimited(
                f"{whose} may make {full.most} requests in {_spelled(full.key.seconds)} here. Try again in {verdict.wait} seconds.",
                retry_after=verdict.wait,
                window=full.name,
                limit=full.most,
            )
        for one in verdict.standings:
            RATE_USED.labels(one.window.name).observe(one.used / one.window.most)
        return verdict

    async def show(self, admitted: Admitted) -> Shown:
        """The limits, and what of them is used in the admitted principal's tenant."""
        found = await self._counters.of_tenant(str(admitted.tenant_id))
        used = [_used(key, sum(counts.values())) for key, counts in found.items()]
        used.sort(key=lambda one: (one.subject, one.what, one.seconds))
        limits, set_here = self._policy.pack_of(admitted.tenant_id).limits, await self._overrides.all(admitted)
        return Shown(self._profile, self._ceiling, limits, tuple(used), tuple(set_here))

    async def set(self, admitted: Admitted, place: Place, rate: Rate, *, proven: Proven) -> Override:
        """Set a limit of the plant, a role, a person or a route, or change it; it holds with the next request.

        Raises:
            BadLimit: it cannot be set.
        """
        limits, slug = await self._said(admitted)
        return await self._overrides.set(admitted, place, rate, limits, slug, proven=proven)

    async def unset(self, admitted: Admitted, override_id: UUID, *, proven: Proven) -> None:
        """Take a limit away that was set. Raises NoSuchLimit, BadLimit."""
        limits, slug = await self._said(admitted)
        await self._overrides.unset(admitted, override_id, limits, slug, proven=proven)

    async def _said(self, admitted: Admitted) -> tuple[RateLimits, str | None]:
        return self._policy.pack_of(admitted.tenant_id).limits, await self._slug(admitted.tenant_id)

    async def reset(self, admitted: Admitted, subject: str | None) -> int:
        """Forget what was counted of one person or kiosk, or of everybody in the tenant; how many windows."""
        gone = await self._counters.reset(str(admitted.tenant_id), subject)
        admitted.outcome.metadata |= {"windows": gone}
        return gone

    async def _slug(self, tenant_id: UUID) -> str | None:
        if tenant_id not in self._slugs:
            try:
                self._slugs = {tenant.id: tenant.slug for tenant in await self._tenants()}
            except OutpostError:  # the limits of every tenant hold until its own are known
                return None
        return self._slugs.get(tenant_id)


def _used(key: Key, used: int) -> Used:
    return Used(key.subject, key.what, key.seconds, used)


def _spelled(seconds: int) -> str:
    return "a minute" if seconds == rules.SPANS["minute"] else "an hour"
