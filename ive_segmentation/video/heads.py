"""Where people's heads are between two looks at their faces, and where they probably are before the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.possession.faces import HAIR_ABOVE_FACE

# Of a person's box: a standing adult is 7.5 heads tall (Loomis 1943), and a picture that cuts the body off
# at the waist shows about three.
HEADS_WIDE = 2.0
HEADS_TALL = 7.5

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

    def head(self, track: int, body: Box) -> Box:
        """Where the head is now, hair included, (4,) xyxy in pixels: at the top of the body if need be."""
        face = self.face(track, body)
        if face is not None:
            return np.array([face[0], face[1] - HAIR_ABOVE_FACE * (face[3] - face[1]), *face[2:]], np.float32)
        left, top, right, bottom = body
        height = max((bottom - top) / HEADS_TALL, (right - left) / HEADS_WIDE / 2)
        middle = (left + right) / 2
        return np.array([middle - height / 2, top, middle + height / 2, top + height], np.float32)


def _top(body: Box) -> Box:
    x, y = (body[0] + body[2]) / 2, body[1]
    return np.array([x, y, x, y], np.float32)
