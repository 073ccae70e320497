"""What an upload says of its export control, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.audit.tables import LeafRow
from appliance.documents.errors import InvalidExportControl, NotForThisCountry, UnsuitableOwner
from appliance.documents.exporting import ExportControl, export_control
from appliance.documents.uploads import describe
from appliance.store import AUDIT, Purpose
from tests.documents.plant import Plant

MANUAL = b"# Seal plan\n\nThe seal is rated for 40 bar.\n"
SAID: dict[str, Any] = {"regime": "EAR", "category": "5D002", "countries": ["US", "DE", "US"]}


def metadata(**said: Any) -> str:
    return json.dumps({"export_control": SAID | said})


def test_what_is_said_is_kept_and_nothing_said_is_none() -> None:
    assert export_control(SAID) == ExportControl("EAR", "5D002", ("DE", "US"))
    assert export_control({"regime": "ITAR", "category": "XI(b)"}) == ExportControl("ITAR", "XI(b)")
    assert export_control(None) == export_control({"regime": "NONE"}) == ExportControl()


@pytest.mark.parametrize(
    "said",
    [
        "EAR", [], {}, {"regime": "ear"}, {"regime": None}, {"regime": ["EAR"]}, SAID | {"licence": 1},
        SAID | {"category": 5}, SAID | {"category": "x" * 33}, SAID | {"category": "<b>"}, SAID | {"countries": "DE"},
        SAID | {"countries": ["de"]}, SAID | {"countries": ["DEU"]}, SAID | {"countries": [1]},
        SAID | {"countries": ["DE"] * 251}, SAID | {"regime": "NONE"},
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_an_error(said: Any) -> None:
    with pytest.raises(InvalidExportControl):
        describe("a.md", metadata=json.dumps({"export_control": said}))


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda one: st.lists(one, max_size=3))
)
def test_whatever_is_given_for_it_is_understood_or_refused(value: object) -> None:
    for said in (value, {"regime": "EAR", "category": value}, {"regime": "EAR", "countries": value}, {"regime": value}):
        try:
            assert export_control(said).regime in {"NONE", "EAR", "ITAR"}
        except InvalidExportControl:
            continue


def test_an_upload_that_says_nothing_of_it_is_the_same_as_before_and_any_other_is_not() -> None:
    # The fingerprint of an upload before there was export control.
    assert describe("a.md").fingerprint("00") == "05ab21392aa562cebcae35c0756022dfc8b4092689d9b87455947c58360dda24"
    prints = {
        describe("a.md", metadata=text).fingerprint("00")
        for text in (None, metadata(), metadata(regime="ITAR"), metadata(category=""), metadata(countries=["DE"]))
    }
    assert len(prints) == 5


@pytest.mark.parametrize(("country", "stays"), [("", True), ("DE", True), ("FR", False)])
def test_a_country_that_is_not_named_keeps_a_document_out(country: str, stays: bool) -> None:
    assert export_control(SAID).may_be_in(country) == stays
    assert ExportControl("EAR").may_be_in(country)


async def test_it_is_kept_with_the_document_and_shown(plant: Plant) -> None:
    operator = plant.person(eligible="EAR")
    uploaded = await plant.upload("seal.md", MANUAL, by=operator, metadata=metadata())

    detail = await plant.library.detail(operator, uploaded.document_id)

    assert detail.export_control.model_dump() == {"regime": "EAR", "category": "5D002", "countries": ["DE", "US"]}
    assert "export_control" not in detail.metadata


async def test_a_document_that_may_not_be_in_this_country_is_refused_and_the_refusal_is_recorded(plant: Plant) -> None:
    plant.library._country = "FR"
    operator = plant.person(eligible="EAR")

    with pytest.raises(NotForThisCountry):
        await plant.upload("seal.md", MANUAL, by=operator, metadata=metadata())

    assert (await plant.library.listed(operator, page_size=5)).items == []
    async with plant.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        kept = [json.loads(one) for one in await session.scalars(select(LeafRow.record))]
    assert [one["phase"] for one in kept if one["metadata"].get("error") == "not-for-this-country"] == ["post"]
    assert await plant.upload("other.md", MANUAL, by=operator, metadata=metadata(countries=[]))


async def test_a_data_owner_must_be_eligible(plant: Plant) -> None:
    able, other = plant.person(eligible="EAR"), plant.person(eligible="ITAR")
    owned = {"export_control": SAID, "owner": str(other.id)}

    with pytest.raises(UnsuitableOwner):
        await plant.upload("seal.md", MANUAL, by=able, metadata=json.dumps(owned))

    assert await plant.upload("seal.md", MANUAL, by=other, metadata=json.dumps(owned | {"owner": str(able.id)}))
