"""COCO: run lengths that any COCO tool reads."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pycocotools import mask as run_lengths

from ive_segmentation.coco import decode, encode

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))
EXTREMES = {
    "1 x 1, empty": np.zeros((1, 1), bool),
    "1 x 1, full": np.ones((1, 1), bool),
    "empty": np.zeros((30, 50), bool),
    "full": np.ones((30, 50), bool),
    "one row": np.arange(50)[None] % 3 == 0,
    "one column": np.arange(50)[:, None] % 3 == 0,
    "chequered": np.indices((30, 50)).sum(axis=0) % 2 == 0,
    "a large disc": np.hypot(*(np.indices((1500, 2000)) - 700)) < 600,
}


def assert_comes_back(mask: np.ndarray) -> None:
    rle = json.loads(json.dumps(encode(mask)))
    back = decode(rle)
    assert back.dtype == bool
    np.testing.assert_array_equal(back, mask)
    np.testing.assert_array_equal(run_lengths.decode(rle), mask)


@given(MASKS)
def test_any_mask_comes_back(mask: np.ndarray) -> None:
    assert_comes_back(mask)


@pytest.mark.parametrize("mask", EXTREMES.values(), ids=EXTREMES.keys())
def test_extreme_masks_come_back(mask: np.ndarray) -> None:
    assert_comes_back(mask)


def test_how_the_mask_lies_in_memory_does_not_matter() -> None:
    mask = EXTREMES["a large disc"]
    assert encode(np.asfortranarray(mask)) == encode(mask)
    assert encode(mask[::-1][::-1]) == encode(mask)


@pytest.mark.parametrize(
    "rle",
    [
        {},
        {"size": [3, 3]},
        {"size": [3, 3], "counts": None},
        {"size": [3, 3], "counts": [4, 5]},
        {"size": [3, 3], "counts": "1"},  # one pixel of nine
        {"size": [3, 3], "counts": "99"},  # eighteen
        {"size": [3, 3], "counts": "9P"},  # the last number is cut off
        {"size": [3, 3], "counts": "é"},
        {"size": [10**6, 10**6], "counts": "1"},
        {"size": [-3, -3], "counts": "9"},
        {"size": [0, 0], "counts": ""},
        {"size": [9], "counts": "9"},
        {"size": ["3", "3"], "counts": "9"},
        {"size": [3.0, 3.0], "counts": "9"},
    ],
)
def test_what_is_no_mask_is_refused(rle: dict[str, Any]) -> None:
    """pycocotools 2.0.11 ends the process on some of these and gives stray memory for others."""
    with pytest.raises(ValueError, match="run lengths"):
        decode(rle)


@given(st.integers(1, 9), st.integers(1, 9), st.text(max_size=12))
def test_any_text_is_a_mask_or_is_refused(height: int, width: int, counts: str) -> None:
    try:
        mask = decode({"size": [height, width], "counts": counts})
    except ValueError:
        return
    assert mask.shape == (height, width)
    assert mask.dtype == bool
