"""Where people's heads are between two looks at their faces, and where they probably are before the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from supervision import mask_to_xyxy

from ive_segmentation.possession.faces import HAIR_ABOVE_FACE

# Of a person's box: a standing adult is 7.5 heads tall (Loomis 1943), and a picture that cuts the body off
# at the waist shows about three.
HEADS_WIDE = 2.0
HEADS_TALL = 7.5
HAIR_BESIDE_FACE = 0.4
"""Widths of the face that hair may reach to either side: most hair, and little of a raised arm."""
HAIR_DOWN_TO = 0.7
"""Share of the head's height, from above, in which it is looked for: below that shoulders and hands begin."""

HAIR = "hair"
"""The noun SAM 3 is asked for."""
FACES_IN_HEAD = 1.7
"""Height of what is seen of a head and its neck, in face heights: what of the body moves as the face does."""

Box = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Seen:
    """How a face was seen last on a track.

    Attributes:
        offset: (4,) the face, less the anchor of the body.
        tall: Height of the part of the body that the anchor is the middle of, pixels.
        hair: (4,) how far face and hair together reach beyond the face to the left, up, right and down (the
            first two are negative), in widths and heights of the face; None where no hair was seen yet.
    """

    offset: Box
    tall: float
    hair: Box | None


class Heads:
    """Remembers of each track where on its body the face was, and moves it along with the body."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Seen] = {}

    def seen(self, track: int, body: Box, mask: Mask, face: Box, hair: Sequence[Mask] = ()) -> None:
        """Remember where a face was seen, and how far its hair reached.

        Args:
            track: Whose.
            body: (4,) xyxy in pixels, the person's box in that frame.
            mask: (H, W), the person's.
            face: (4,) xyxy in pixels.
            hair: Everybody's hair in that frame, each (H, W), as far as it was looked for.
        """
        before = self._tracks.get(track)
        beyond = before.hair if before else None
        hers = max(hair, key=lambda lock: np.count_nonzero(lock & mask), default=None)
        if hers is not None and np.count_nonzero(hers & mask) > np.count_nonzero(hers) / 2:
            box = mask_to_xyxy(hers[None])[0] + [0, 0, 1, 1]
            both = np.concatenate([np.minimum(box[:2], face[:2]), np.maximum(box[2:], face[2:])])
            beyond = ((both - face) / _sides(face)).astype(np.float32)
        tall = FACES_IN_HEAD * float(face[3] - face[1])
        self._tracks[track] = _Seen(face - _anchor(body, mask, tall), tall, beyond)

    def face(self, track: int, body: Box, mask: Mask) -> Box | None:
        """Where the face is now, (4,) xyxy in pixels; None where none was ever seen on this track."""
        seen = self._tracks.get(track)
        return None if seen is None else (seen.offset + _anchor(body, mask, seen.tall)).astype(np.float32)

    def head(self, track: int, body: Box, mask: Mask) -> Box:
        """Where the head is now, hair included, (4,) xyxy in pixels: at the top of the body if need be.

        Args:
            track: Whose.
            body: (4,) xyxy in pixels, the person's box.
            mask: (H, W), the person's.

        Returns:
            The face, the hair above it, what of the mask lies close beside both, and the hair as far as it
            reached when it was seen last.
        """
        face = self.face(track, body, mask)
        if face is None:
            left, top, right, bottom = body
            height = max((bottom - top) / HEADS_TALL, (right - left) / HEADS_WIDE / 2)
            middle = (left + right) / 2
            return np.array([middle - height / 2, top, middle + height / 2, top + height], np.float32)
        left, top, right, bottom = face
        top -= HAIR_ABOVE_FACE * (bottom - top)
        wide = HAIR_BESIDE_FACE * (right - left)
        rows = _pixels(top, top + HAIR_DOWN_TO * (bottom - top), mask.shape[0])
        columns = _pixels(left - wide, right + wide, mask.shape[1])
        beside = columns.start + np.flatnonzero(mask[rows, columns].any(axis=0))
        if beside.size:
            left, right = min(left, beside[0]), max(right, beside[-1] + 1)
        if (hair := self._tracks[track].hair) is not None:
            far = face + hair * _sides(face)
            left, top, right, bottom = (
                min(left, max(far[0], 0)),
                min(top, max(far[1], 0)),
                max(right, min(far[2], mask.shape[1])),
                max(bottom, min(far[3], mask.shape[0])),
            )
        return np.array([left, top, right, bottom], np.float32)


def _sides(face: Box) -> Box:
    """Width and height of a face, each twice, (4,)."""
    return np.tile(face[2:] - face[:2], 2)


def _pixels(low: float, high: float, most: int) -> slice:
    return slice(int(np.clip(np.floor(low), 0, most)), int(np.clip(np.ceil(high), 0, most)))


def _anchor(body: Box, mask: Mask, tall: float) -> Box:
    """The middle of the body's upper part and its top, as (4,) xyxy.

    Not the middle of the box: an arm stretched to one side moves that, and not the face.
    """
    top = max(int(body[1]), 0)
    counts = mask[top : int(top + tall)].sum(axis=0)
    middle = (body[0] + body[2]) / 2
    if counts.any():
        middle = float(np.average(np.arange(len(counts)) + 0.5, weights=counts))
    return np.array([middle, body[1], middle, body[1]], np.float32)
