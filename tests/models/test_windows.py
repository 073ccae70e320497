"""Long passages are cut into windows that miss nothing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.engines.windows import CLS, QUESTION_TOKENS, SEP, Tokens, window, windows

LONGEST, OVERLAP = 96, 16


def passage(count: int) -> Tokens:
    return Tokens(list(range(1000, 1000 + count)), [(i, i + 1) for i in range(count)])


@given(asked=st.integers(1, 90), count=st.integers(1, 700))
def test_windows_cover_every_token_and_none_is_too_long(asked: int, count: int) -> None:
    cuts = list(windows([7] * asked, passage(count), longest=LONGEST, overlap=OVERLAP))

    covered = {token for cut in cuts for token in range(cut.token, cut.token + cut.count)}
    assert covered == set(range(count))
    assert all(len(cut.ids) <= LONGEST for cut in cuts)


@given(asked=st.integers(1, 90), count=st.integers(1, 700))
def test_neighbouring_windows_share_the_overlap(asked: int, count: int) -> None:
    cuts = list(windows([7] * asked, passage(count), longest=LONGEST, overlap=OVERLAP))

    for left, right in pairwise(cuts):
        assert left.token + left.count - right.token >= OVERLAP - 1


def test_a_window_is_question_and_passage_between_their_marks() -> None:
    cut = window([5, 6], passage(4), 1, 2)

    assert cut.ids == [CLS, 5, 6, SEP, 1001, 1002, SEP]
    assert cut.types == [0, 0, 0, 0, 1, 1, 1]
    assert cut.ids[cut.first] == 1001


def test_a_long_question_keeps_its_first_tokens() -> None:
    cut = window(list(range(200, 300)), passage(3), 0, 10)

    assert cut.ids[1 : QUESTION_TOKENS + 1] == list(range(200, 200 + QUESTION_TOKENS))
    assert cut.ids[QUESTION_TOKENS + 1] == SEP
