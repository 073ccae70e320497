from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from appliance.store import Admitted, Decision, Principal, RecordRef, Tenant, new_id
from appliance.store.admission import minter


def test_an_admission_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="only the gate admits"):
        Admitted()


def test_an_admission_cannot_be_copied_or_pickled(admitted: Callable[..., Admitted]) -> None:
    action = admitted()

    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            attempt(action)


def test_an_admission_cannot_be_subclassed() -> None:
    with pytest.raises(TypeError, match="no other kinds"):
        type("Forged", (Admitted,), {})


@pytest.mark.parametrize("name", ["principal", "action", "decision", "tenant_id", "outcome", "write_turn", "extra"])
def test_what_was_admitted_stays_as_it_was(admitted: Callable[..., Admitted], name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(admitted(), name, None)


def test_a_refusal_mints_no_admission(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="refusal"):
        minter()(
            principal=Principal(new_id(), "person", tenant.id, "Nora", "viewer", 1),
            action="documents.delete",
            decision=Decision(allowed=False, policies=("viewers-read",), pack_version="1"),
            pre=RecordRef("node", 0, new_id()),
            correlation_id=new_id(),
        )


def test_an_admission_holds_for_the_principals_own_tenant(
    admitted: Callable[..., Admitted], other_tenant: Tenant
) -> None:
    assert admitted(tenant=other_tenant).tenant_id == other_tenant.id
