"""A person's size and landmarks, from the mask and, where one is seen, the face."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Binary = NDArray[np.uint8]
"""A mask as OpenCV takes it: 0 or 1."""
Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]
"""xyxy in whole pixels."""

FACES_IN_ROOT_AREA = 3.0
"""A standing body covers about ten squared face heights, a bust four: the root of the area divided by three
is a face height within a third for both, and does not change when the mask lacks a hand or a foot."""
LEAST_FACES_IN_HEIGHT = 3.0
"""A bust, the least that a person shows of herself standing behind another, is three face heights tall."""
SLENDER = 0.32
"""Area of a mask to the square of its height: 0.31 at most for 271 drawn people who stand, and 0.27 for
figures of real proportions that stand, sit on a chair or kneel; 0.33 and more for those who sit on the floor,
bend, lie or stand behind a table."""
CHIN_BELOW_TOP = 1.35
"""Chin below the top of the hair, in face heights, where no face is seen."""


@dataclass(frozen=True)
class Body:
    """One person, measured.

    Attributes:
        mask: (H, W) uint8, 0 or 1.
        box: The mask's box, xyxy in whole pixels.
        unit: One face height in pixels: the length that everything on this body is measured in.
        chin: (x, y) in pixels.
        feet: Level of the mask's lower end, y in pixels.
        upright: Whether the mask is as slender as a whole body that stands or sits on a chair; if not, its
            lower end need not be where the feet are.
    """

    mask: Binary
    box: Box
    unit: float
    chin: tuple[float, float]
    feet: float
    upright: bool


def measure(masks: Sequence[Mask | None], face_boxes: Sequence[Floats | None]) -> list[Body | None]:
    """Measure the persons of one picture.

    Where no face is seen, the size comes from the mask's area, but a person half hidden by another shows
    little of it: then the middle face of the picture is taken, as far as the mask is tall enough for it.

    Args:
        masks: Per person the mask, (H, W) bool, or None where there is none.
        face_boxes: Per person the face box, (4,) xyxy in pixels, or None where no face is seen.

    Returns:
        Per person the body, or None where there is no mask or it is empty.
    """
    faces = [
        float(box[3] - box[1])
        for mask, box in zip(masks, face_boxes, strict=True)
        if mask is not None and box is not None and box[3] > box[1]
    ]
    usual = statistics.median(faces) if faces else 0.0
    return [
        None if mask is None else _measure(mask, box, usual)
        for mask, box in zip(masks, face_boxes, strict=True)
    ]


def extent(mask: Mask) -> Box | None:
    """Find where a mask has pixels.

    Args:
        mask: (H, W) bool.

    Returns:
        The smallest box round all of them, xyxy in whole pixels, or None where there are none.
    """
    # `argmax` stops at the first pixel: faster than asking every row above it.
    top = int(mask.argmax()) // mask.shape[1]
    rows = np.flatnonzero(mask[top:].any(1))
    if not len(rows):
        return None
    bottom = top + int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(0))
    return int(columns[0]), top, int(columns[-1]) + 1, bottom


def _measure(mask: Mask, face_box: Floats | None, usual: float) -> Body | None:
    box = extent(mask)
    if box is None:
        return None
    x, y, right, bottom = box
    area = np.count_nonzero(mask)
    if face_box is not None and face_box[3] > face_box[1]:
        unit = float(face_box[3] - face_box[1])
        chin = (float(face_box[0] + face_box[2]) / 2, float(face_box[3]))
    else:
        own = math.sqrt(area) / FACES_IN_ROOT_AREA
        unit = max(own, min(usual, (bottom - y) / LEAST_FACES_IN_HEIGHT), 1.0)
        rows = mask[y : y + max(round(unit), 1), x:right]
        middle = float(np.average(np.arange(right - x) + 0.5, weights=rows.sum(0)))
        chin = (x + middle, y + CHIN_BELOW_TOP * unit)
    upright = bool(area <= SLENDER * (bottom - y) ** 2)
    return Body(mask.view(np.uint8), box, unit, chin, float(bottom), upright)
