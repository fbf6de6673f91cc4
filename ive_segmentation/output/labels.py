"""Where labels stand on a picture: beside what they name, and off faces, masks and each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Box = Sequence[float] | NDArray[np.floating]
PERSON, THING, FACE, LABEL = 1.0, 3.0, 10.0, 30.0
"""What it costs to cover the whole of each; the rest of the picture costs 0."""
NEXT_BEST = 0.1
"""What it costs to stand at the second best place instead of the best, and so on."""
CELLS = 256
"""Cells along the longer side of the map of costs: labels are several cells high."""


def place_labels(
    boxes: Sequence[Box],
    sizes: Sequence[tuple[int, int]],
    picture: tuple[int, int],
    faces: Iterable[Box],
    things: Iterable[NDArray[np.bool_]],
    persons: Iterable[NDArray[np.bool_]],
) -> list[tuple[int, int]]:
    """Find a place for each label, one after another: the one at its box that covers least.

    Args:
        boxes: N, xyxy, pixels: what each label names.
        sizes: N, (width, height) of the labels, pixels.
        picture: (H, W), pixels.
        faces: Boxes that should be seen, xyxy, pixels.
        things: Masks that should be seen too, (H, W) bool each.
        persons: Likewise, rather than what lies around them.

    Returns:
        N, (x, y) of the labels' upper left corners, pixels, within the picture where they fit into it.
    """
    height, width = picture
    step = math.ceil(max(picture) / CELLS)
    costs = np.zeros((math.ceil(height / step), math.ceil(width / step)))
    for cost, masks in ((PERSON, persons), (THING, things)):
        for mask in masks:
            costs[mask[::step, ::step]] = cost
    for face in faces:
        costs[_cells(face, step)] = FACE
    places: list[tuple[int, int]] = []
    for box, (wide, high) in zip(boxes, sizes, strict=True):
        corners = [
            (round(min(max(x, 0), max(width - wide, 0))), round(min(max(y, 0), max(height - high, 0))))
            for x, y in _beside(box, wide, high)
        ]
        windows = [_cells((x, y, x + wide, y + high), step) for x, y in corners]
        prices = [costs[window].mean() + NEXT_BEST * at for at, window in enumerate(windows)]
        best = int(np.argmin(prices))
        costs[windows[best]] += LABEL
        places.append(corners[best])
    return places


def _beside(box: Box, wide: int, high: int) -> Iterator[tuple[float, float]]:
    """Upper left corners of a label at a box, the best first: above it, below, to its sides, within."""
    left, top, right, bottom = (float(side) for side in box)
    for y in (top - high, bottom):
        yield from ((left, y), (right - wide, y))
    for y in (top, bottom - high):
        yield from ((left - wide, y), (right, y))
    for y in (bottom - high, top):
        yield from ((left, y), (right - wide, y))


def _cells(box: Box, step: int) -> tuple[slice, slice]:
    """The cells of the map that lie in a box of the picture, one at least of what is in it."""
    left, top, right, bottom = (round(max(float(side), 0.0) / step) for side in box)
    return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))
