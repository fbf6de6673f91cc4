"""Where people's heads are between two looks at their faces, and where they probably are before the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.possession.faces import HAIR_ABOVE_FACE

# Of a person's box: a standing adult is 7.5 heads tall (Loomis 1943), and a picture that cuts the body off
# at the waist shows about three.
HEADS_WIDE = 2.0
HEADS_TALL = 7.5
HAIR_BESIDE_FACE = 0.4
"""Widths of the face that hair may reach to either side: most hair, and little of a raised arm."""
HAIR_DOWN_TO = 0.7
"""Share of the head's height, from above, in which it is looked for: below that shoulders and hands begin."""

Box = NDArray[np.float32]


class Heads:
    """Remembers of each track where on its box the face was, and moves it along with the box."""

    def __init__(self) -> None:
        self._offsets: dict[int, Box] = {}

    def seen(self, track: int, body: Box, face: Box) -> None:
        """Remember where a face was seen.

        Args:
            track: Whose.
            body: (4,) xyxy in pixels, the person's box in that frame.
            face: (4,) xyxy in pixels.
        """
        self._offsets[track] = face - _top(body)

    def face(self, track: int, body: Box) -> Box | None:
        """Where the face is now, (4,) xyxy in pixels; None where none was ever seen on this track."""
        offset = self._offsets.get(track)
        return None if offset is None else (offset + _top(body)).astype(np.float32)

    def head(self, track: int, body: Box, mask: NDArray[np.bool_]) -> Box:
        """Where the head is now, hair included, (4,) xyxy in pixels: at the top of the body if need be.

        Args:
            track: Whose.
            body: (4,) xyxy in pixels, the person's box.
            mask: (H, W), the person's.

        Returns:
            The face, the hair above it, and what of the mask lies close beside both.
        """
        face = self.face(track, body)
        if face is not None:
            left, top, right, bottom = face
            top -= HAIR_ABOVE_FACE * (bottom - top)
            wide = HAIR_BESIDE_FACE * (right - left)
            rows = _pixels(top, top + HAIR_DOWN_TO * (bottom - top), mask.shape[0])
            columns = _pixels(left - wide, right + wide, mask.shape[1])
            beside = columns.start + np.flatnonzero(mask[rows, columns].any(axis=0))
            if beside.size:
                left, right = min(left, beside[0]), max(right, beside[-1] + 1)
            return np.array([left, top, right, bottom], np.float32)
        left, top, right, bottom = body
        height = max((bottom - top) / HEADS_TALL, (right - left) / HEADS_WIDE / 2)
        middle = (left + right) / 2
        return np.array([middle - height / 2, top, middle + height / 2, top + height], np.float32)


def _pixels(low: float, high: float, most: int) -> slice:
    return slice(int(np.clip(np.floor(low), 0, most)), int(np.clip(np.ceil(high), 0, most)))


def _top(body: Box) -> Box:
    x, y = (body[0] + body[2]) / 2, body[1]
    return np.array([x, y, x, y], np.float32)
