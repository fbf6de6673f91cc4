"""Specks of one person on the next are taken away, and nothing else is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional

from ive_segmentation.segmentation.instances import (
    Answer,
    _cut_out,
    _windows,
    clean,
    instances,
    once_each,
    without_strays,
)

Mask = npt.NDArray[np.bool_]


def mask(*boxes: tuple[int, int, int, int]) -> Mask:
    """SAM 3's grid, here of 100 by 80 cells, True in the boxes (xyxy)."""
    drawn = np.zeros((80, 100), bool)
    for x1, y1, x2, y2 in boxes:
        drawn[y1:y2, x1:x2] = True
    return drawn


def answer(*masks: Mask) -> Answer:
    """Masks as SAM 3 draws them, each less sure than the one before."""
    drawn = torch.from_numpy(np.stack(masks)) if masks else torch.zeros(0, 80, 100)
    return Answer(torch.linspace(0.9, 0.5, len(masks)), torch.zeros(len(masks), 4), drawn * 12.0 - 6)


def cleaned(*masks: Mask) -> list[Mask]:
    return [logits.numpy() > 0 for logits in without_strays(answer(*masks)).logits]


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


@pytest.mark.parametrize("case", CASES)
def test_strays(case: str) -> None:
    one, other, expected = (mask(*boxes) for boxes in CASES[case])
    left, right = cleaned(one, other)
    assert np.array_equal(left, expected)
    assert np.array_equal(right, other)


@pytest.mark.parametrize("size", [(80, 100), (61, 43), (800, 1100)])
def test_in_the_picture_a_stray_leaves_nothing_and_what_stays_is_as_it_was(size: tuple[int, int]) -> None:
    both = [mask(LEFT, (60, 20, 66, 26)), mask(RIGHT)]
    seen = instances(without_strays(answer(*both)), size)
    expected = instances(answer(mask(LEFT), mask(RIGHT)), size)
    for one, other in zip(seen, expected, strict=True):
        assert np.array_equal(one.mask, other.mask)
        assert one.score == other.score


@given(arrays(np.uint8, (12, 16), elements=st.integers(0, 3)))
def test_masks_that_share_no_pixel_stay(labels: npt.NDArray[np.uint8]) -> None:
    masks = [labels == value for value in (1, 2, 3)]
    assert all(map(np.array_equal, cleaned(*masks), masks))


@given(arrays(np.bool_, (3, 6, 8)))
def test_nothing_is_added_and_everything_stays_covered(masks: npt.NDArray[np.bool_]) -> None:
    kept = np.stack(cleaned(*masks))
    assert not (kept & ~masks).any()
    assert (kept.any(axis=(1, 2)) == masks.any(axis=(1, 2))).all()


@given(arrays(np.bool_, (4, 6, 8)), st.floats(0, 1))
def test_what_is_clean_is_there_once_and_without_strays(masks: npt.NDArray[np.bool_], overlap: float) -> None:
    found = answer(*masks)
    both = without_strays(once_each(found, overlap))
    assert all(map(torch.equal, clean(found, overlap), both))


def test_one_alone_and_nobody() -> None:
    assert np.array_equal(cleaned(mask(LEFT))[0], mask(LEFT))
    assert cleaned() == []


def test_the_surer_one_of_two_that_are_the_same_stays() -> None:
    masks = [mask(box) for box in (LEFT, RIGHT, (5, 5, 40, 70), (50, 5, 95, 75))]
    kept = once_each(answer(*masks), 0.3)
    assert kept.scores.tolist() == pytest.approx([0.9, 0.5 + 0.8 / 3])
    assert all(map(np.array_equal, kept.logits > 0, masks))


def test_who_is_like_one_that_was_left_out_stays() -> None:
    steps = [mask((left, 5, left + 40, 75)) for left in (5, 20, 35)]  # each shares 0.45 with the next
    assert once_each(answer(*steps), 0.3).scores.tolist() == pytest.approx([0.9, 0.5])


def test_instances_without_a_cell_are_no_rivals_and_not_in_the_picture() -> None:
    nothing = mask()
    assert len(once_each(answer(nothing, nothing, mask(LEFT)), 0.3).scores) == 3
    assert len(instances(answer(nothing, mask(LEFT), nothing), (160, 200))) == 1
    assert len(once_each(answer(), 0.3).scores) == 0
    assert instances(answer(), (160, 200)) == []


def test_in_a_mirror_masks_and_boxes_stay_together() -> None:
    logits = torch.full((1, 8, 16), -6.0)
    logits[0, 2:5, 3:7] = 6.0
    seen = Answer(torch.tensor([0.9]), torch.tensor([[3 / 16, 2 / 8, 7 / 16, 5 / 8]]), logits)
    (instance,) = instances(seen.mirrored(), (8, 16))
    assert instance.box.tolist() == [9, 2, 13, 5]
    assert instance.mask[2:5, 9:13].all()
    assert instance.mask.sum() == 3 * 4
    for part, again in zip(seen, seen.mirrored().mirrored(), strict=True):
        assert torch.equal(part, again)


GRIDS = st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12))


@given(
    GRIDS.flatmap(lambda grid: arrays(np.float32, grid, elements=st.sampled_from([-9, -2, -0.005, 0, 1, 9])))
)
def test_what_a_gpu_cuts_out_of_enlarged_masks_is_all_there_is(drawn: npt.NDArray[np.float32]) -> None:
    logits = torch.from_numpy(drawn)
    for size in ((7, 5), (12, 12), (40, 31), (100, 3)):
        whole = functional.interpolate(logits[:, None].sigmoid(), size, mode="bilinear")[:, 0] > 0.5
        assert np.array_equal(_cut_out(logits, size), whole.numpy())


def test_masks_are_cut_out_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = answer(mask(LEFT), mask(), mask(RIGHT), mask((0, 0, 100, 80)), mask((50, 40, 52, 42))).logits
    together = _cut_out(logits, (160, 200))
    monkeypatch.setattr("ive_segmentation.segmentation.instances.PIXELS_AT_ONCE", 2 * 160 * 200)
    assert np.array_equal(_cut_out(logits, (160, 200)), together)
    assert together.sum((1, 2)).tolist() == [4 * n for n in (35 * 70, 0, 40 * 70, 8000, 4)]


def test_what_a_gpu_cuts_out_of_enlarged_masks_is_little() -> None:
    logits = answer(mask((10, 20, 30, 60)), mask(), mask((0, 0, 100, 80))).logits
    assert _windows(logits, (800, 1000)) == [
        (slice(194, 606), slice(94, 306)),
        (slice(0, 0), slice(0, 0)),
        (slice(0, 806), slice(0, 1006)),
    ]
