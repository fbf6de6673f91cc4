"""A second, closer look: the region round one owner, and the way back into the picture."""

from __future__ import annotations

import math

import numpy as np

from ive_segmentation.possession.body import Box, Mask, extent
from ive_segmentation.settings import Measured


def region_of_interest(owner: Mask, image_size: tuple[int, int]) -> Box:
    """The crop round one owner in which a thing is looked for again at full resolution.

    The margin is a share of the owner's longer side, so that a bag at the end of a stretched arm, or a
    lightstick above the head, which the person's mask leaves out, is still in the crop.

    Args:
        owner: The owner's mask, (H, W) bool.
        image_size: Height and width of the picture in pixels.

    Returns:
        The crop, xyxy in whole pixels, clipped to the picture and at least one pixel wide and high.

    Raises:
        ValueError: If the owner's mask is empty.
    """
    height, width = image_size
    box = extent(owner)
    if box is None:
        raise ValueError("an empty mask has no region")
    left, top, right, bottom = box
    grow = Measured.region_margin * max(right - left, bottom - top)
    x0 = min(max(math.floor(left - grow), 0), width - 1)
    y0 = min(max(math.floor(top - grow), 0), height - 1)
    x1 = max(min(math.ceil(right + grow), width), x0 + 1)
    y1 = max(min(math.ceil(bottom + grow), height), y0 + 1)
    return x0, y0, x1, y1


def place_back(mask_in_crop: Mask, crop: Box, image_size: tuple[int, int]) -> Mask:
    """Put a mask found in a crop back where it belongs in the picture.

    Args:
        mask_in_crop: (h, w) bool, of the crop's size.
        crop: The crop, xyxy in pixels.
        image_size: Height and width of the picture in pixels.

    Returns:
        The mask at the picture's size, (H, W) bool, empty outside the crop.

    Raises:
        ValueError: If the mask is not of the crop's size.
    """
    x0, y0, x1, y1 = crop
    if mask_in_crop.shape != (y1 - y0, x1 - x0):
        raise ValueError(f"the mask is {mask_in_crop.shape}, its crop {(y1 - y0, x1 - x0)}")
    mask = np.zeros(image_size, bool)
    mask[y0:y1, x0:x1] = mask_in_crop
    return mask


def worth_another_look(
    thing_mask: Mask | None,
    crop: Box,
    image_size: tuple[int, int],
    *,
    input_side: int,
) -> bool:
    """Whether the crop would show the model a thing that the whole picture hid from it or showed too small.

    SAM 3 squashes whatever it is given to `input_side` squared, cuts it into patches of 14 pixels and draws
    its masks on a grid of 288 cells, 3.5 input pixels each. A thing of 28 input pixels is two patches and
    eight cells across: one cell of doubt on each side is then half of its area. Below that
    (`Measured.small_thing_side`) a closer look pays, provided that the crop really is closer
    (`Measured.second_look_gain`).

    Args:
        thing_mask: What was found on the whole picture, (H, W) bool, or None where nothing was.
        crop: The crop round the owner, xyxy in pixels.
        image_size: Height and width of the picture in pixels.
        input_side: Side of the square picture that the model sees, in pixels.

    Returns:
        True if the model should look again in the crop.
    """
    height, width = image_size
    x0, y0, x1, y1 = crop
    if math.sqrt(height * width / ((y1 - y0) * (x1 - x0))) < Measured.second_look_gain:
        return False
    if thing_mask is None:
        return True
    side = math.sqrt(np.count_nonzero(thing_mask) / (height * width)) * input_side
    return side < Measured.small_thing_side
