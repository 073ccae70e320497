"""Step-up: before what is hard to take back, a person shows again that it is them.

    handler ── StepUpRequired(action, resource) ──> the person gives a code or the password
            <── `X-Step-Up`: a slip for this person, session, action and resource, good once and for two minutes

`rules.STEP_UP` says which actions ask for it. The owner of the data directory came through the file system and is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from appliance.identity import factor_store as queries
from appliance.identity import records, rules
from appliance.identity import store as people
from appliance.identity.errors import NoStepUp, NotAPerson, StepUpRefused, StepUpRequired, TokenRefused
from appliance.identity.ports import Records
from appliance.identity.proofs import Proofs
from appliance.identity.records import happened
from appliance.identity.slips import Slips
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, Lifetimes, Proof, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store


class StepUps:
    """Gives out step-ups, and takes each once."""

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        proofs: Proofs,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._proofs = proofs
        self._clock = clock
        self._slips = Slips(store, "step-up", lifetimes.step_up, clock=clock)

    async def give(
        self, principal: Principal, action: str, resource: str, proof: Proof, *, address: str = "local"
    ) -> str:
        """A step-up for one `action` on one `resource` (its id; empty where none has been chosen).

        Raises:
            NoStepUp: the action asks for none.
            ProofRefused, NotAPerson, TooManyAttempts: it was not shown that it is them.
        """
        if action not in rules.STEP_UP:
            raise NoStepUp(f"{action[:64]!r} asks for no step-up.")
        await self._proofs.check(principal, proof, address=address)
        about = records.principal(principal)
        await self._recorder.append(happened("auth.step_up", principal.tenant_id, about, action=action))
        return self._slips.issue(principal.id, _about(principal, action, resource))

    async def vouched(self, principal: Principal, action: str, resource: str) -> str:
        """The same for whom an identity provider has just vouched for again; the caller has seen to that."""
        about = records.principal(principal)
        await self._recorder.append(happened("auth.step_up", principal.tenant_id, about, action=action, way="outside"))
        return self._slips.issue(principal.id, _about(principal, action, resource))

    async def require(self, principal: Principal, action: str, resource: str, given: str | None) -> None:
        """Take the step-up of a request, if the action asks for one. Called by a handler once the action is admitted.

        Raises:
            StepUpRequired: none was given; the person can get one and try again.
            StepUpRefused: it is for something or somebody else, was used, or is too old.
            NotAPerson: neither a person nor the owner.
        """
        if principal.kind == "owner" or action not in rules.STEP_UP:
            return
        if principal.kind != "person" or principal.session_id is None:
            raise NotAPerson("Only a person can do this.")
        if given is None:
            raise StepUpRequired(action, resource)
        try:
            slip = self._slips.read(given)
        except TokenRefused:
            raise StepUpRefused from None
        if slip.subject != principal.id or slip.about != _about(principal, action, resource):
            raise StepUpRefused
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            await people.person_to_change(session, principal.tenant_id, principal.id)
            if not await queries.spend(session, slip, self._clock()):
                raise StepUpRefused


def _about(principal: Principal, action: str, resource: str) -> Mapping[str, str]:
    return {
        "tenant": str(principal.tenant_id),
        "session": str(principal.session_id),
        "action": action,
        "resource": resource,
    }
