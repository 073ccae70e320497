"""Who a decision is explained for, and the words it is explained with."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from appliance.errors import InvalidInput
from appliance.identity.duties import duties_on
from appliance.identity.kiosks import Kiosks
from appliance.identity.people import People
from appliance.identity.ports import Memberships
from appliance.identity.rules import CLEARANCES
from appliance.identity.values import utc_now
from appliance.packs.errors import UnknownSubject
from appliance.packs.values import Explained
from appliance.policy import PolicyEngine, Resource
from appliance.policy.engine import EVALUATION_ERROR, UNDECIDED
from appliance.store import Admitted, Principal

_NOBODY = UUID(int=0)


async def found(
    admitted: Admitted, subject: str, people: People, kiosks: Kiosks, memberships: Memberships
) -> Principal:
    """Somebody as the policies see them: a person by name, `kiosk:NAME`, or anybody of a role: `role:viewer`.

    Raises:
        UnknownSubject: there is nobody of that name.
    """
    kind, _, name = subject.rpartition(":")
    if kind == "role" and name in CLEARANCES:
        role = cast("Any", name)
        return Principal(_NOBODY, "person", admitted.tenant_id, subject, role, CLEARANCES[role])
    if kind == "kiosk":
        kiosk = await kiosks.named(admitted, name)
        if kiosk is not None:
            return Principal(
                kiosk.id, "kiosk", kiosk.tenant_id, kiosk.name, "viewer", kiosk.clearance, kiosk_id=kiosk.id
            )
    elif not kind:
        person = await people.known(admitted, name)
        if person is not None:
            return Principal(
                person.id, "person", person.tenant_id, person.username, person.role, person.clearance,
                eligibility=person.export_eligibility, duties=duties_on(person.duties, utc_now().date()),
                teams=await memberships.of(person.id),
            )  # fmt: skip
    raise UnknownSubject(f"There is nobody called {subject[:80]!r} in this plant.")


def explained(engine: PolicyEngine, principal: Principal, action: str, resource: Resource) -> Explained:
    """The decision, each policy's own words, and what the policies were told.

    Raises:
        InvalidInput: the pack knows no such action.
    """
    if action not in engine.pack.actions:
        raise InvalidInput(f"The policy knows no action {action[:64]!r}; they stand in the record.", field="action")
    decision = engine.decide(principal, action, resource)
    words = {name: _words(engine, name) for name in decision.policies}
    facts = {
        "role": None if principal.kind == "kiosk" else principal.role,
        "includes": [] if principal.kind == "kiosk" else list(engine.pack.roles.get(principal.role, ())),
        "clearance": principal.clearance,
        "eligible": sorted(principal.eligibility),
        "duties": sorted(principal.duties),
        "teams": dict(sorted(principal.teams)),
        "resource": {name: value for name, value in resource.attrs.items() if name not in {"acl", "owner"}},
        "on_its_list": str(principal.id) in resource.attrs.get("acl", ()) if resource.attrs else None,
    }
    return Explained(decision, words, principal.name, facts)


def _words(engine: PolicyEngine, name: str) -> str:
    pack = engine.pack
    if name in pack.forbids:
        return pack.forbids[name].reason
    return UNDECIDED if name == EVALUATION_ERROR else pack.says.get(name, pack.refusal)
