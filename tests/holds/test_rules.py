"""What holds name."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.holds.rules import Fact, Hold, keeps, keeps_document

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
NORA, WORK, MANUAL = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
FACT = Fact(NOW, str(NORA), str(WORK), b'{"resource_id":"%s"}' % str(MANUAL).encode())


@pytest.mark.parametrize(
    "hold",
    [
        Hold(), Hold(since=NOW), Hold(until=NOW + HOUR), Hold(user_id=NORA), Hold(document_id=MANUAL),
        Hold(correlation_id=WORK), Hold(NOW, NOW + HOUR, NORA, MANUAL, WORK),
    ],
)  # fmt: skip
def test_what_fits_all_that_is_set_is_kept(hold: Hold) -> None:
    assert keeps([hold], FACT)


@pytest.mark.parametrize(
    "hold",
    [
        Hold(since=NOW + HOUR), Hold(until=NOW), Hold(user_id=uuid.uuid4()), Hold(document_id=uuid.uuid4()),
        Hold(correlation_id=uuid.uuid4()), Hold(user_id=NORA, document_id=uuid.uuid4()), Hold(NOW, NOW, NORA),
    ],
)  # fmt: skip
def test_what_does_not_fit_all_of_it_is_not(hold: Hold) -> None:
    assert not keeps([hold], FACT)
    assert keeps([hold, Hold(user_id=NORA)], FACT)


def test_a_document_is_kept_by_its_name_and_by_a_period_and_not_by_a_persons_hold() -> None:
    assert keeps_document([Hold(document_id=MANUAL)], MANUAL, NOW)
    assert keeps_document([Hold()], MANUAL, NOW)
    assert keeps_document([Hold(since=NOW)], MANUAL, NOW)
    assert not keeps_document([Hold(since=NOW + HOUR)], MANUAL, NOW)
    assert not keeps_document([Hold(user_id=NORA)], MANUAL, NOW)
    assert not keeps_document([], MANUAL, NOW)


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(-9, 9))
def test_a_period_has_its_first_moment_and_not_its_last(since: int, until: int, at: int) -> None:
    hold = Hold(NOW + since * HOUR, NOW + until * HOUR)

    assert keeps([hold], Fact(NOW + at * HOUR, None, None, b"{}")) == (since <= at < until)
