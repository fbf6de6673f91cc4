"""Specks of one person on the next are taken away, and nothing else is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ive_segmentation.segmentation.instances import COMPARED_SIDE, Instance, once_each, without_strays

Mask = npt.NDArray[np.bool_]


def mask(*boxes: tuple[int, int, int, int], scale: int = 1) -> Mask:
    """A picture of 100 by 80 times `scale`, True in the boxes (xyxy)."""
    drawn = np.zeros((80 * scale, 100 * scale), bool)
    for x1, y1, x2, y2 in boxes:
        drawn[y1 * scale : y2 * scale, x1 * scale : x2 * scale] = True
    return drawn


def cleaned(*masks: Mask) -> list[Mask]:
    box = np.zeros(4, np.float32)
    return [instance.mask for instance in without_strays([Instance(one, box, 0.9) for one in masks])]


LEFT, RIGHT = (5, 5, 40, 75), (55, 5, 95, 75)
CASES = {
    "a speck on the next": ([LEFT, (60, 20, 66, 26)], [RIGHT], [LEFT]),
    "a speck mostly on the next": ([LEFT, (51, 20, 61, 26)], [RIGHT], [LEFT]),
    "a speck mostly beside the next": ([LEFT, (48, 20, 60, 26)], [RIGHT], [LEFT, (48, 20, 60, 26)]),
    "a hand where the next one's mask has left it out": (
        [LEFT, (60, 20, 66, 26)],
        [(55, 26, 95, 75), (66, 5, 95, 26)],
        [LEFT, (60, 20, 66, 26)],
    ),
    "an arm that reaches over to the next": ([LEFT, (38, 20, 70, 26)], [RIGHT], [LEFT, (38, 20, 70, 26)]),
    "a speck, and someone without a pixel": ([LEFT, (60, 20, 66, 26)], [], [LEFT, (60, 20, 66, 26)]),
    "a speck on a speck": (
        [LEFT, (44, 20, 50, 26)],
        [RIGHT, (44, 20, 50, 26)],
        [LEFT, (44, 20, 50, 26)],
    ),
    "a speck on a larger piece of the next": ([LEFT, (44, 20, 50, 26)], [RIGHT, (44, 20, 51, 27)], [LEFT]),
}  # fmt: skip


@pytest.mark.parametrize("scale", [1, 9], ids=["small", "larger than what is looked at"])
@pytest.mark.parametrize("case", CASES)
def test_strays(case: str, scale: int) -> None:
    one, other, expected = (mask(*boxes, scale=scale) for boxes in CASES[case])
    assert (max(one.shape) > COMPARED_SIDE) == (scale > 1)
    left, right = cleaned(one, other)
    assert np.array_equal(left, expected)
    assert np.array_equal(right, other)


@given(arrays(np.uint8, (12, 16), elements=st.integers(0, 3)))
def test_masks_that_share_no_pixel_stay(labels: npt.NDArray[np.uint8]) -> None:
    masks = [labels == value for value in (1, 2, 3)]
    assert all(map(np.array_equal, cleaned(*masks), masks))


@given(arrays(np.bool_, (3, 6, 8)))
def test_nothing_is_added_and_everything_stays_covered(masks: npt.NDArray[np.bool_]) -> None:
    kept = np.stack(cleaned(*masks))
    assert not (kept & ~masks).any()
    assert (kept.any(axis=(1, 2)) == masks.any(axis=(1, 2))).all()


def test_one_alone_and_nobody() -> None:
    assert np.array_equal(cleaned(mask(LEFT))[0], mask(LEFT))
    assert cleaned() == []


def found(*masks: Mask) -> sv.Detections:
    """Detections, each less sure than the one before, in boxes that all overlap."""
    scores = np.linspace(0.9, 0.5, len(masks), dtype=np.float32)
    return sv.Detections(
        xyxy=np.full((len(masks), 4), (0, 0, 9, 9), np.float32), mask=np.stack(masks), confidence=scores
    )


@pytest.mark.parametrize("scale", [1, 9], ids=["small", "larger than what is looked at"])
def test_the_surer_one_of_two_that_are_the_same_stays(scale: int) -> None:
    masks = [mask(box, scale=scale) for box in (LEFT, RIGHT, (5, 5, 40, 70), (50, 5, 95, 75))]
    kept = once_each(found(*masks), 0.3)
    assert [one.score for one in kept] == pytest.approx([0.9, 0.5 + 0.8 / 3])
    assert all(map(np.array_equal, [one.mask for one in kept], masks))


def test_things_of_a_pixel_in_a_large_picture_all_stay() -> None:
    speck = np.zeros((2000, 3000), bool)
    speck[1001, 1501] = True
    assert len(once_each(found(speck, speck, np.roll(speck, 40)), 0.3)) == 3
    assert once_each(sv.Detections.empty(), 0.3) == []
