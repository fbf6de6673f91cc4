from __future__ import annotations

import numpy as np
import pytest

from ive_segmentation.possession.region import place_back, region_of_interest, worth_another_look

SIZE = (600, 800)


def rectangle(left: int, top: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def square(left: int, top: int, side: int) -> np.ndarray:
    return rectangle(left, top, side, side)


@pytest.mark.parametrize(
    ("owner", "crop"),
    [
        (square(300, 200, 100), (275, 175, 425, 325)),
        # The longer side sets the margin on all sides.
        (rectangle(300, 200, 20, 200), (250, 150, 370, 450)),
        (square(0, 0, 100), (0, 0, 125, 125)),
        (np.ones(SIZE, bool), (0, 0, 800, 600)),
        # A single pixel in a corner still gives a crop that can be cut.
        (square(799, 599, 1), (798, 598, 800, 600)),
    ],
)
def test_the_region_round_an_owner(owner: np.ndarray, crop: tuple[int, int, int, int]) -> None:
    assert region_of_interest(owner, SIZE) == crop


def test_an_empty_owner_has_no_region() -> None:
    with pytest.raises(ValueError, match="empty mask"):
        region_of_interest(np.zeros(SIZE, bool), SIZE)


def test_a_mask_cut_out_and_put_back_is_unchanged() -> None:
    mask = square(310, 220, 37)
    crop = region_of_interest(mask, SIZE)
    x0, y0, x1, y1 = crop
    assert np.array_equal(place_back(mask[y0:y1, x0:x1], crop, SIZE), mask)


def test_a_mask_of_another_size_is_not_put_back() -> None:
    with pytest.raises(ValueError, match="its crop"):
        place_back(np.ones((10, 11), bool), (0, 0, 10, 10), SIZE)


CLOSE, WHOLE = (300, 200, 500, 350), (0, 0, 800, 600)


@pytest.mark.parametrize(
    ("thing", "crop", "input_side", "again"),
    [
        (None, CLOSE, 1008, True),
        (None, WHOLE, 1008, False),
        (square(350, 250, 20), CLOSE, 1008, False),  # 29 input pixels a side
        (square(350, 250, 10), CLOSE, 1008, True),  # 15
        (square(350, 250, 10), WHOLE, 1008, False),  # small, but the crop is no closer
        (square(350, 250, 20), CLOSE, 224, True),  # the same thing is 6 pixels to a smaller model
    ],
)
def test_when_a_closer_look_pays(
    thing: np.ndarray | None, crop: tuple[int, int, int, int], input_side: int, again: bool
) -> None:
    assert worth_another_look(thing, crop, SIZE, input_side=input_side) is again
