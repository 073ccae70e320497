"""Text of an answer: whole characters, and nothing of a stop string, however the tokens cut it."""

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from models.chat.text import Text

STOPS = st.lists(st.text("ab€", min_size=1, max_size=4), max_size=3)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(mark % (len(data) + 1) for mark in at)})
    return [data[a:b] for a, b in itertools.pairwise(marks)]


def told(pieces: list[bytes], stops: list[str]) -> tuple[str, bool]:
    text, shown = Text(stops), ""
    for piece in pieces:
        shown += text.feed(piece)
        if text.stopped:
            break
    return shown + text.end(), text.stopped


@given(st.text(), st.lists(st.integers(0)))
def test_characters_come_whole_wherever_tokens_end(written: str, at: list[int]) -> None:
    text = Text()

    pieces = [text.feed(piece) for piece in cut(written.encode(), at)]

    assert "".join(pieces) == written
    assert all("\ufffd" not in piece for piece in pieces) or "\ufffd" in written


@given(st.text("ab€ ", max_size=20), STOPS, st.lists(st.integers(0)))
@example("xab", ["ab"], [2])
@example("aab", ["ab"], [1, 2])
def test_where_an_answer_stops_does_not_depend_on_its_tokens(written: str, stops: list[str], at: list[int]) -> None:
    ends = [written.find(stop) + len(stop) for stop in stops if stop in written]

    shown, stopped = told(cut(written.encode(), at), stops)

    assert (shown, stopped) == told([written.encode()], stops)
    assert stopped == bool(ends)
    assert not any(stop in shown for stop in stops)
    if not stopped:
        assert shown == written
    else:
        stop = max((stop for stop in stops if written[: min(ends)].endswith(stop)), key=len)
        assert shown == written[: min(ends) - len(stop)]


def test_what_may_become_a_stop_string_is_held_back_until_it_does_not() -> None:
    text = Text(["END"])

    assert text.feed(b"the E") == "the "
    assert text.feed(b"N") == ""
    assert text.feed(b"T") == "ENT"
    assert text.feed(b"EN") == ""
    assert text.end() == "EN"


def test_a_character_that_never_comes_whole_is_left_out() -> None:
    text = Text()

    assert text.feed("5 €".encode()[:-1]) == "5 "
    assert text.end() == ""


def test_nothing_is_shown_after_a_stop() -> None:
    text = Text(["."])

    assert text.feed(b"a.b") == "a"
    assert text.feed(b"c") == ""
    assert text.end() == ""
