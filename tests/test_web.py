"""Page tokens and event frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from appliance.compose import described_application
from appliance.web import Cursors, Flag, InvalidCursor, sse

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


@pytest.mark.parametrize("sent", ["-0.0e-999", "0", "1", "1.0", '"true"', '"off"', "[]", "{}"])
def test_what_could_only_be_read_as_a_flag_is_none(sent: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Flag).validate_json(sent)


@pytest.mark.parametrize("said", [True, False])
def test_a_flag_is_true_or_false(*, said: bool) -> None:
    assert TypeAdapter(Flag).validate_json(json.dumps(said)) is said


def test_every_flag_that_a_request_carries_is_a_strict_one() -> None:
    sent = [
        handler.parsed_data_field.annotation
        for route in described_application().routes
        for handler in getattr(route, "route_handlers", ())
        if handler.parsed_data_field is not None
    ]
    bodies = set(_models(sent))
    lax = [
        f"{body.__name__}.{name}"
        for body in bodies
        for name, about in body.model_fields.items()
        if bool in (about.annotation, *get_args(about.annotation)) and "BeforeValidator" not in repr(about)
    ]
    assert len(bodies) > 20
    assert lax == []


def _models(annotations: Iterable[Any]) -> Iterator[type[BaseModel]]:
    """The models of request bodies, and those within them."""
    for annotation in annotations:
        yield from _models(get_args(annotation))
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
            yield from _models(field.annotation for field in annotation.model_fields.values())
