"""What may be asked for, and what a payload must be."""

from __future__ import annotations

import pytest

from appliance.errors import InvalidInput
from appliance.jobs.errors import UnknownJobType
from appliance.jobs.types import TRYING, catalogue, named

TYPES = catalogue(*TRYING)


def test_what_is_left_out_of_a_payload_is_filled_in() -> None:
    assert named(TYPES, "demo").checked({"steps": 3}) == {"steps": 3, "seconds": 0.2, "fails": False}


@pytest.mark.parametrize("payload", [{"steps": 0}, {"steps": "many"}, {"seconds": 1e9}, {"secret-word": 1}])
def test_a_payload_that_does_not_fit_is_refused_without_repeating_it(payload: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        named(TYPES, "demo").checked(payload)

    (field,) = refused.value.context["fields"]
    assert str(next(iter(payload.values()))) not in str(refused.value.detail)
    assert field["field"] == next(iter(payload))


def test_an_unknown_type_is_told_what_there_is() -> None:
    with pytest.raises(UnknownJobType, match="demo, long-running, test"):
        named(TYPES, "anything")


def test_what_only_counts_is_for_everybody() -> None:
    assert {one.action for one in TRYING} == {"jobs.submit"}
