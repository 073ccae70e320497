"""Page tokens and event frames."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.compose import described_application
from appliance.web import Cursors, InvalidCursor, sse

positions = st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=20), st.integers(), st.none()), max_size=4)


@given(positions)
def test_a_page_token_comes_back_as_it_went(position: dict[str, object]) -> None:
    cursors = Cursors(b"k" * 32)

    assert cursors.decode(cursors.encode(position)) == position


@given(positions, st.integers(min_value=0), st.integers(min_value=1, max_value=61))
def test_an_altered_page_token_is_refused(position: dict[str, object], at: int, by: int) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    cursors = Cursors(b"k" * 32)
    token = cursors.encode(position)
    # The last character may carry unused bits, so it is left alone.
    index = at % (len(token) - 1)
    other = alphabet[(alphabet.index(token[index]) + by) % 64]

    with pytest.raises(InvalidCursor):
        cursors.decode(token[:index] + other + token[index + 1 :])


def test_another_nodes_page_token_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        Cursors(b"a" * 32).decode(Cursors(b"b" * 32).encode({"at": 1}))


@pytest.mark.parametrize("value", [None, 7, "x", [], {"a": 1}])
def test_a_position_of_another_list_is_refused_whatever_it_holds(value: object) -> None:
    cursors = Cursors(b"k" * 32)
    position = cursors.decode(cursors.encode({"at": value}))

    for read in (position.moment, position.id):
        for key in ("at", "id"):
            with pytest.raises(InvalidCursor):
                read(key)
    with pytest.raises(InvalidCursor):
        position.number("before")
    with pytest.raises(InvalidCursor):
        position.text("user")


def test_the_application_is_built_without_a_warning() -> None:
    # Warnings are errors here; the nodes of other tests are processes of their own, where nobody would see one.
    assert described_application().routes


@given(st.text())
def test_an_event_is_always_one_frame(text: str) -> None:
    frame = sse("answer", {"text": text}, id="7").decode()

    assert frame.endswith("\n\n")
    assert frame.count("\n") == 4
    assert json.loads(frame.splitlines()[2].removeprefix("data: "))["text"] == text if "\x85" not in frame else True
