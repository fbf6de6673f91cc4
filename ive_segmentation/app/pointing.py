"""Who is meant by a click into the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.possession.faces import body_box
from ive_segmentation.result import Person

_LONGER_SIDE = 512
"""A finger is no more exact than that, and a page keeps one map for each visitor."""
NOBODY = -1


@dataclass(frozen=True, eq=False)
class PersonMap:
    """Which person is where in a picture, coarsely.

    Attributes:
        people: (h, w) int16: index of the person, `NOBODY` elsewhere.
        size: (H, W) of the picture, pixels.
        members: The persons' folder names, None for Unknown.
        of: The picture's path, and the gallery that named them; by now there may be others.
    """

    people: npt.NDArray[np.int16]
    size: tuple[int, int]
    members: tuple[str | None, ...]
    of: tuple[str | None, Gallery | None]

    def at(self, x: float, y: float) -> int:
        """Say who is at a point.

        Args:
            x: Pixels from the left of the picture.
            y: Pixels from its top.

        Returns:
            Index of the person, or `NOBODY`.
        """
        height, width = self.people.shape
        row = int(np.clip(y * height / self.size[0], 0, height - 1))
        column = int(np.clip(x * width / self.size[1], 0, width - 1))
        return int(self.people[row, column])


def person_map(
    persons: Sequence[Person], size: tuple[int, int], of: tuple[str | None, Gallery | None] = (None, None)
) -> PersonMap:
    """Draw the map: bodies first, large before small, then the faces: a click on one means nobody else.

    Args:
        persons: Everyone in the picture; without a mask, the box that a body fills below a face stands in.
        size: (H, W) of the picture, pixels.
        of: The picture's path, and the gallery that named them.

    Returns:
        The map.
    """
    scale = min(1.0, _LONGER_SIDE / max(size))
    shape = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    people = np.full(shape, NOBODY, np.int16)
    bodies = [_body(person, size, shape, scale) for person in persons]
    for index in sorted(range(len(persons)), key=lambda index: -np.count_nonzero(bodies[index])):
        people[bodies[index]] = index
    for index, person in enumerate(persons):
        if person.face is not None:
            people[_rectangle(person.face.box, shape, scale)] = index
    return PersonMap(people, size, tuple(person.member for person in persons), of)


def _body(
    person: Person, size: tuple[int, int], shape: tuple[int, int], scale: float
) -> npt.NDArray[np.bool_]:
    if person.mask is not None:
        return cv2.resize(person.mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    body = np.zeros(shape, bool)
    body[_rectangle(body_box(person.box, size), shape, scale)] = True
    return body


def _rectangle(box: npt.NDArray[np.float32], shape: tuple[int, int], scale: float) -> tuple[slice, slice]:
    x1, y1, x2, y2 = (float(side) * scale for side in box)
    return (
        slice(int(np.clip(y1, 0, shape[0])), int(np.clip(np.ceil(y2), 0, shape[0]))),
        slice(int(np.clip(x1, 0, shape[1])), int(np.clip(np.ceil(x2), 0, shape[1]))),
    )
