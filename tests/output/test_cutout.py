"""Cutouts: the mask on a transparent ground, soft by one pixel at its edge and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ive_segmentation.output.cutout import cutout

MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def picture_of(mask: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 256, (*mask.shape, 3), np.uint8)


@given(MASKS)
def test_alpha_is_the_mask_away_from_its_edge(mask: np.ndarray) -> None:
    image = picture_of(mask)
    cut = cutout(image, mask, crop=False)
    kernel, solid = np.ones((3, 3), np.uint8), mask.astype(np.uint8)
    inside = cv2.erode(solid, kernel).astype(bool)
    outside = ~cv2.dilate(solid, kernel).astype(bool)
    assert (cut[inside, 3] == 255).all()
    np.testing.assert_array_equal(cut[inside, :3], image[inside])
    assert (cut[outside] == 0).all()


@given(MASKS)
def test_alpha_is_more_than_half_exactly_where_most_of_the_neighbourhood_is(mask: np.ndarray) -> None:
    alpha = cutout(picture_of(mask), mask, crop=False)[..., 3].astype(int)
    weights = np.outer([1, 2, 1], [1, 2, 1])
    padded = np.pad(mask.astype(int), 1, mode="edge")
    around = sum(
        weights[row, column] * padded[row : row + mask.shape[0], column : column + mask.shape[1]]
        for row in range(3)
        for column in range(3)
    )
    np.testing.assert_allclose(alpha, np.asarray(around) * 255 / 16, atol=1)


@given(MASKS)
def test_cropping_loses_nothing(mask: np.ndarray) -> None:
    whole = cutout(picture_of(mask), mask, crop=False)
    cropped = cutout(picture_of(mask), mask)
    assert cropped[..., 3].sum() == whole[..., 3].sum()
    assert cropped.shape[0] <= whole.shape[0]
    assert cropped.shape[1] <= whole.shape[1]


@given(MASKS)
def test_no_colour_of_the_old_ground_is_left(mask: np.ndarray) -> None:
    image = np.where(mask[..., None], np.uint8(200), np.uint8(10)) * np.ones(3, np.uint8)
    cut = cutout(image, mask, crop=False)
    assert (cut[cut[..., 3] > 0, :3] == 200).all()


def test_at_the_edge_colours_go_on_as_they_are_beside_it() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[0, :2], image[1, :2] = 30, 90
    mask = np.zeros((4, 4), bool)
    mask[:2, :2] = True
    cut = cutout(image, mask, crop=False)
    assert cut[0, 2].tolist() == [50, 50, 50, 64]  # beside 30, and half as much as that beside 90
    assert cut[2, 2].tolist() == [90, 90, 90, 16]


def test_the_colour_of_what_is_cut_away_is_gone() -> None:
    """The person beside must not be found again by whoever drops the alpha channel."""
    mask = np.zeros((20, 20), bool)
    mask[5:10, 5:10] = True
    cut = cutout(np.full((20, 20, 3), 200, np.uint8), mask, crop=False)
    assert (cut[12:, 12:] == 0).all()


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        ((5, 6, 10, 12), (8, 7)),
        ((0, 0, 20, 20), (20, 20)),
        ((0, 0, 1, 1), (2, 2)),
        ((19, 19, 20, 20), (2, 2)),
    ],
)
def test_the_crop_is_the_bounds_and_the_soft_pixel(
    box: tuple[int, int, int, int], shape: tuple[int, int]
) -> None:
    mask = np.zeros((20, 20), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    assert cutout(picture_of(mask), mask).shape == (*shape, 4)


def test_the_border_of_the_picture_is_no_edge() -> None:
    mask = np.ones((6, 8), bool)
    assert (cutout(picture_of(mask), mask)[..., 3] == 255).all()


def test_an_empty_mask_gives_one_transparent_pixel() -> None:
    mask = np.zeros((6, 8), bool)
    np.testing.assert_array_equal(cutout(picture_of(mask), mask), np.zeros((1, 1, 4), np.uint8))
