"""Which documents are in force."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from appliance.documents.rules import Standing, in_force, newness, next_change, revision_key

NOW = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
NAMES = ("a.md", "b.md", "sub/a.md")

moments = st.none() | st.integers(-3, 3).map(lambda days: NOW + dt.timedelta(days=days))


@st.composite
def libraries(draw: st.DrawFn) -> list[Standing]:
    count = draw(st.integers(0, 7))
    ids = [UUID(int=number + 1) for number in range(count)]
    return [
        Standing(
            id=ids[number],
            seq=number,
            filename=draw(st.sampled_from(NAMES)),
            revision=draw(st.none() | st.sampled_from(["1", "2", "10", "B", "Rev. C"])),
            level=draw(st.integers(1, 3)),
            reach=draw(st.integers(1, 3)),
            ready=draw(st.booleans()),
            effective_from=draw(moments),
            effective_until=draw(moments),
            supersedes=tuple(draw(st.lists(st.sampled_from([*NAMES, *map(str, ids)]), max_size=2))),
        )
        for number in range(count)
    ]


@given(libraries())
def test_only_ready_and_effective_documents_are_in_force_and_never_none_of_them(documents: list[Standing]) -> None:
    alive = {one.id for one in documents if one.ready and one.is_effective(NOW)}
    forced = in_force(documents, NOW)

    assert forced <= alive
    assert bool(forced) == bool(alive)


@given(libraries(), st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(documents: list[Standing], random: object) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert in_force(documents, NOW) == in_force(shuffled, NOW)


@given(libraries())
def test_nobody_displaces_what_they_were_not_cleared_to_read(documents: list[Standing]) -> None:
    weak = [replace(one, reach=0) for one in documents]

    assert in_force(weak, NOW) == {one.id for one in weak if one.ready and one.is_effective(NOW)}


@given(libraries())
def test_what_is_not_ready_displaces_nothing(documents: list[Standing]) -> None:
    ready = [one for one in documents if one.ready]

    assert in_force(documents, NOW) == in_force(ready, NOW)


@given(libraries())
def test_nothing_changes_before_the_next_moment_of_change(documents: list[Standing]) -> None:
    change = next_change(documents, NOW)
    last = (change or NOW + dt.timedelta(days=9)) - dt.timedelta(seconds=1)

    assert in_force(documents, last) == in_force(documents, NOW)


def doc(number: int, name: str = "a.md", **said: object) -> Standing:
    plain = Standing(UUID(int=number), number, name, None, level=2, reach=2, ready=True)
    return replace(plain, **said)  # type: ignore[arg-type]


def forced(*documents: Standing) -> list[int]:
    return sorted(one.int for one in in_force(documents, NOW))


def test_the_newest_revision_of_a_name_is_in_force() -> None:
    assert forced(doc(1, revision="9"), doc(2, revision="10")) == [2]
    assert forced(doc(1, revision="10"), doc(2, revision="9")) == [1]
    assert forced(doc(1, revision="B"), doc(2, revision="A")) == [1]
    assert forced(doc(1, revision="3"), doc(2)) == [1]
    assert forced(doc(1), doc(2)) == [2]
    assert forced(doc(1, "x/A.md"), doc(2, "X/a.md")) == [2]
    assert forced(doc(1, "x/a.md"), doc(2, "y/a.md")) == [1, 2]


def test_for_equal_revisions_the_later_effective_date_wins() -> None:
    early, late = NOW - dt.timedelta(days=9), NOW - dt.timedelta(days=2)

    assert forced(doc(1, effective_from=late), doc(2, effective_from=early)) == [1]


def test_a_revision_that_is_not_effective_yet_leaves_the_old_one_in_force() -> None:
    assert forced(doc(1, revision="1"), doc(2, revision="2", effective_from=NOW + dt.timedelta(days=1))) == [1]
    assert forced(doc(1, revision="1"), doc(2, revision="2", effective_until=NOW)) == [1]


def test_a_named_document_is_superseded_also_by_its_bare_name_and_through_a_chain() -> None:
    assert forced(doc(1, "old.md"), doc(2, "new.md", supersedes=("OLD.md",))) == [2]
    assert forced(doc(1, "archive/old.md"), doc(2, "new.md", supersedes=("old.md",))) == [2]
    assert forced(doc(1, "old.md"), doc(2, "new.md", supersedes=(str(UUID(int=1)),))) == [2]
    assert forced(doc(1, "a"), doc(2, "b", supersedes=("a",)), doc(3, "c", supersedes=("b",))) == [3]


def test_documents_that_name_each_other_leave_the_later_upload_in_force() -> None:
    assert forced(doc(1, "a", supersedes=("b",)), doc(2, "b", supersedes=("a",))) == [2]
    assert forced(doc(1, "a", supersedes=("a",))) == [1]


def test_revisions_are_read_as_people_read_them() -> None:
    ordered = [None, "0", "1", "Rev. 2", "v2.1", "2.10", "issue 3", "A", "Rev B", "revision c", "C2"]
    keys = [revision_key(revision) for revision in ordered]

    assert keys == sorted(keys)
    assert revision_key("Rev 2") == revision_key("2")
    assert revision_key("…") != revision_key(None)


@given(libraries())
def test_no_two_documents_are_equally_new(documents: list[Standing]) -> None:
    assert len({newness(one) for one in documents}) == len(documents)
