"""Batches are small enough to wait for."""

from hypothesis import given
from hypothesis import strategies as st

from models.engines.onnx import SLICE_ROWS, SLICE_TOKENS, slices


@given(st.lists(st.integers(1, 600), max_size=200))
def test_every_text_is_in_one_slice_and_slices_are_small(lengths: list[int]) -> None:
    groups = slices(lengths)

    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) <= SLICE_ROWS
        assert len(group) == 1 or len(group) * max(lengths[index] for index in group) <= SLICE_TOKENS
