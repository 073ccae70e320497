"""What is drawn, for any logits: the likeliest that have their share, each as often as it should be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from models.chat.sampler import draw, likeliest

LOGITS = arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(-30, 30, width=32))
CHANCES = arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(2**-20, 1, width=32))
SHARES = st.floats(0.01, 1)
POINTS = st.floats(0, 1, exclude_max=True)


@given(CHANCES, SHARES)
def test_the_fewest_that_have_the_share_are_kept_and_none_left_out_is_likelier(
    chances: NDArray[np.float32], share: float
) -> None:
    kept = likeliest(chances, share)

    total = chances.sum(dtype=np.float64)
    assert chances[kept].sum(dtype=np.float64) >= share * total * (1 - 1e-9)
    assert chances[kept[:-1]].sum(dtype=np.float64) <= share * total * (1 + 1e-9)
    left = np.delete(chances, kept)
    assert not len(left) or left.max() <= chances[kept].min()


def test_where_thousands_are_alike_all_that_are_needed_are_kept() -> None:
    assert len(likeliest(np.ones(32_000, np.float32), 0.5)) == 16_000


@given(LOGITS, st.floats(0, 2), SHARES, POINTS)
def test_what_is_drawn_has_a_chance(
    logits: NDArray[np.float32], temperature: float, top_p: float, point: float
) -> None:
    drawn = draw(logits, temperature, top_p, point)

    exponents = (logits - logits.max()) / np.float32(max(temperature, 1e-4))
    assert 0 <= drawn < len(logits)
    assert np.exp(exponents)[drawn] > 0


@given(LOGITS, POINTS)
def test_the_coldest_draw_and_the_smallest_share_take_the_likeliest(logits: NDArray[np.float32], point: float) -> None:
    assert logits[draw(logits, 1e-60, 1.0, point)] >= logits.max() - 0.02
    # Two that differ by less than a chance can show are as likely as each other.
    assert np.exp(logits - logits.max())[draw(logits, 1.0, 1e-9, point)] == 1


def test_each_token_is_drawn_as_often_as_its_chance_says() -> None:
    logits = np.log(np.array([0.1, 0.0001, 0.6, 0.3], np.float32))
    points = (np.arange(1000) + 0.5) / 1000

    free = np.bincount([draw(logits, 1.0, 1.0, point) for point in points], minlength=4)
    held = np.bincount([draw(logits, 1.0, 0.85, point) for point in points], minlength=4)
    flat = np.bincount([draw(logits, 2.0, 1.0, point) for point in points], minlength=4)

    assert np.abs(free - [100, 0, 600, 300]).max() <= 1
    assert np.abs(held - [0, 0, 667, 333]).max() <= 1
    assert flat[0] > 150
    assert flat[2] < 480
