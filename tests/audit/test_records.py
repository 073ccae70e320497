"""The bytes of a record, and what stands beside them."""

from __future__ import annotations

import datetime as dt
import json
import uuid

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.records import (
    Leaf,
    Sealer,
    canonical,
    commitment,
    pack_personal,
    prepare,
    unpack_personal,
)
from appliance.audit.rules import leaf_hash
from appliance.audit.values import NewRecord
from appliance.store import TenantId

TENANT = TenantId(uuid.UUID(int=7))
sealer = Sealer(lambda tenant: b"n" * 32 if tenant is None else tenant.bytes * 2)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)

anything = st.recursive(
    json_values | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8) | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=8,
)


def new(**members: object) -> NewRecord:
    given_members = {
        "tenant_id": TENANT,
        "event_type": "chat.request",
        "phase": "pre",
        "correlation_id": uuid.UUID(int=1),
        "user_id": uuid.UUID(int=2),
    } | members
    return NewRecord(**given_members)  # type: ignore[arg-type]


def made(record: NewRecord) -> Leaf:
    return prepare(record, node="0123456789abcdef", epoch=1, sealer=sealer)


def test_the_bytes_are_these() -> None:
    leaf = made(
        new(
            id=uuid.UUID(int=3),
            created_at=dt.datetime(2026, 5, 3, 12, 0, 0, 5, tzinfo=dt.UTC),
            request_hash="ab" * 32,
            policies=("viewer-asks",),
            pack_version="1",
            role="viewer",
            actor_kind="person",
            metadata={"b": 1, "a": "č"},
        )
    )

    assert leaf.record.decode() == (
        '{"actor":{"kind":"person","role":"viewer"},'
        '"correlation_id":"00000000-0000-0000-0000-000000000001","created_at":"2026-05-03T12:00:00.000005Z",'
        '"effects":"database","epoch":1,"event_type":"chat.request","id":"00000000-0000-0000-0000-000000000003",'
        '"latency_ms":null,"log":"00000000-0000-0000-0000-000000000007","metadata":{"a":"č","b":1},"model":null,'
        '"node":"0123456789abcdef","pack_version":"1","personal":{},"phase":"pre","policies":["viewer-asks"],'
        '"request_hash":"' + "ab" * 32 + '","resource_id":null,"resource_type":null,"result_status":null,'
        '"session_id":null,"tenant_id":"00000000-0000-0000-0000-000000000007","tools_used":[],'
        '"user_id":"00000000-0000-0000-0000-000000000002","v":1}'
    )
    assert leaf.hash == leaf_hash(leaf.record)
    assert leaf.log == f"{TENANT}/1"


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=4))
def test_the_bytes_are_canonical_json_whatever_the_metadata(metadata: dict[str, object]) -> None:
    leaf = made(new(metadata=metadata))

    assert rfc8785.dumps(json.loads(leaf.record)) == leaf.record


@given(st.text(min_size=1, max_size=40))
def test_a_leaf_read_back_from_its_bytes_is_the_same_leaf(name: str) -> None:
    leaf = made(new(personal={"username": name}))

    again = Leaf.of(leaf.record, epoch=1, personal=unpack_personal(pack_personal(leaf.personal)))

    assert again == leaf


@given(st.text(max_size=40))
def test_the_record_commits_to_a_name_without_holding_it(name: str) -> None:
    leaf = made(new(personal={"username": name}))

    salt, opened = sealer.open(TENANT, leaf.id, leaf.personal[0])

    assert opened == name
    assert len(salt) * 8 >= 128
    assert json.loads(leaf.record)["personal"] == {"username": commitment(salt, "username", name)}


def test_the_same_name_is_never_committed_to_in_the_same_way() -> None:
    one, two = made(new(personal={"username": "nora"})), made(new(personal={"username": "nora"}))

    assert json.loads(one.record)["personal"] != json.loads(two.record)["personal"]


def test_a_sealed_name_does_not_open_elsewhere() -> None:
    leaf = made(new(personal={"username": "nora"}))

    with pytest.raises(ValueError, match="does not open"):
        sealer.open(None, leaf.id, leaf.personal[0])
    with pytest.raises(ValueError, match="does not open"):
        sealer.open(TENANT, str(uuid.UUID(int=9)), leaf.personal[0])


def test_bytes_that_are_no_record_are_refused() -> None:
    for raw in (b"", b"{}", b"[]", b"null", b'{"log":1}'):
        with pytest.raises(ValueError):
            Leaf.of(raw, epoch=1)


@given(anything)
def test_the_quick_way_to_canonical_bytes_is_no_other_way(value: object) -> None:
    try:
        expected = rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
            canonical(value)
    else:
        assert canonical(value) == expected
