"""Where people's heads are between two looks at their faces, and where they probably are before the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import mask_to_xyxy

from ive_segmentation.possession.faces import HAIR_ABOVE_FACE
from ive_segmentation.video.tracks import Tracked

# Of a person's box: a standing adult is 7.5 heads tall (Loomis 1943), and with her elbows out at most about
# four wide. Where the picture cuts her off, or she sits, the width says more.
HEADS_TALL = 7.5
HEADS_WIDE = 4.0
HAIR_BESIDE_FACE = 0.4
"""Widths of the face that hair may reach to either side: most hair, and little of a raised arm."""
HAIR_DOWN_TO = 0.7
"""Share of the head's height, from above, in which hair is looked for: shoulders and hands begin below."""

HAIR = "hair"
"""The noun that SAM 3 follows for a fancam."""
FACES_IN_HEAD = 1.7
"""Height of a head and its neck, in face heights: the part of the body that moves as the face does."""

Box = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Seen:
    """How a face was seen last on a track.

    Attributes:
        tall: Height of the part of the body that its anchor is the middle of, pixels.
        from_body: (4,) the face, less the anchor of the body.
        from_hair: (4,) the face, less the anchor of the hair; None where no hair was seen with it.
        hair: (4,) how far face and hair together reached beyond the face to the left, up, right and down (the
            first two are negative) when hair was seen last, in widths and heights of the face; None where
            none was seen yet.
    """

    tall: float
    from_body: Box
    from_hair: Box | None
    hair: Box | None


class Heads:
    """Remembers of each track where its face was, and moves it along with the hair or the body."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Seen] = {}

    def seen(self, person: Tracked, face: Box, hair: Box | None = None) -> None:
        """Remember where a face was seen, and how far its hair reached.

        Args:
            person: Whose it is.
            face: (4,) xyxy in pixels.
            hair: (4,) xyxy in pixels, hers in that frame, from `hair_of`.
        """
        before = self._tracks.get(person.track)
        beyond = before.hair if before else None
        if hair is not None:
            beyond = ((_around(face, hair) - face) / _sides(face)).astype(np.float32)
        tall = FACES_IN_HEAD * float(face[3] - face[1])
        self._tracks[person.track] = _Seen(
            tall,
            face - _body_anchor(person, tall),
            None if hair is None else face - _hair_anchor(hair),
            beyond,
        )

    def face(self, person: Tracked, hair: Box | None = None) -> Box | None:
        """Where the face is now, (4,) xyxy in pixels; None where none was ever seen on this track."""
        seen = self._tracks.get(person.track)
        if seen is None:
            return None
        if hair is not None and seen.from_hair is not None:
            return (seen.from_hair + _hair_anchor(hair)).astype(np.float32)
        return (seen.from_body + _body_anchor(person, seen.tall)).astype(np.float32)

    def head(self, person: Tracked, hair: Box | None = None) -> Box:
        """Where the head is now, hair included, (4,) xyxy in pixels: at the top of the body if need be.

        Args:
            person: Whose.
            hair: (4,) xyxy in pixels, hers in this frame, from `hair_of`.

        Returns:
            Hair and face where hair is seen. Else the face, the hair above it, what of the mask lies close
            beside both, and the hair as far as it reached when it was seen last.
        """
        face = self.face(person, hair)
        if hair is not None:
            return hair if face is None else _around(face, hair)
        if face is None:
            left, top, right, bottom = person.box
            height = max((bottom - top) / HEADS_TALL, (right - left) / HEADS_WIDE)
            middle = (left + right) / 2
            return np.array([middle - height / 2, top, middle + height / 2, top + height], np.float32)
        mask = person.mask
        left, top, right, bottom = face
        top -= HAIR_ABOVE_FACE * (bottom - top)
        wide = HAIR_BESIDE_FACE * (right - left)
        rows = _pixels(top, top + HAIR_DOWN_TO * (bottom - top), mask.shape[0])
        columns = _pixels(left - wide, right + wide, mask.shape[1])
        beside = columns.start + np.flatnonzero(mask[rows, columns].any(axis=0))
        if beside.size:
            left, right = min(left, beside[0]), max(right, beside[-1] + 1)
        if (beyond := self._tracks[person.track].hair) is not None:
            far = face + beyond * _sides(face)
            left, top, right, bottom = (
                min(left, max(far[0], 0)),
                min(top, max(far[1], 0)),
                max(right, min(far[2], mask.shape[1])),
                max(bottom, min(far[3], mask.shape[0])),
            )
        return np.array([left, top, right, bottom], np.float32)


def hair_of(persons: Sequence[Tracked], hair: Sequence[Tracked]) -> dict[int, Box]:
    """Tell whose hair is whose.

    Args:
        persons: Everyone in a frame.
        hair: Everybody's hair in it.

    Returns:
        By track of those who have any, the box of the hair, (4,) float32 xyxy in pixels. Hair belongs to the
        person whose mask holds most of it, if that is more than half; who has several keeps the one of which
        she holds most pixels. Pieces of it that lie mostly outside her mask are not counted.
    """
    most: dict[int, int] = {}
    boxes: dict[int, Box] = {}
    for lock in hair:
        x, y, width, height = cv2.boundingRect(lock.mask.view(np.uint8))
        part = np.s_[y : y + height, x : x + width]
        mask = np.ascontiguousarray(lock.mask[part])
        held = [int(np.count_nonzero(mask & person.mask[part])) for person in persons]
        best = int(np.argmax(held)) if held else 0
        if not held or held[best] <= max(most.get(persons[best].track, 0), np.count_nonzero(mask) / 2):
            continue
        _, pieces = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
        hers = np.bincount(pieces[mask & persons[best].mask[part]], minlength=pieces.max() + 1)
        mostly = hers > np.bincount(pieces[mask], minlength=len(hers)) / 2
        box = mask_to_xyxy(mostly[pieces][None])[0] + [x, y, x + 1, y + 1]
        most[persons[best].track], boxes[persons[best].track] = held[best], box.astype(np.float32)
    return boxes


def _around(face: Box, hair: Box) -> Box:
    """The box that holds both."""
    return np.concatenate([np.minimum(face[:2], hair[:2]), np.maximum(face[2:], hair[2:])])


def _sides(face: Box) -> Box:
    """Width, height, width and height of a face, (4,)."""
    return np.tile(face[2:] - face[:2], 2)


def _pixels(low: float, high: float, most: int) -> slice:
    return slice(int(np.clip(np.floor(low), 0, most)), int(np.clip(np.ceil(high), 0, most)))


def _hair_anchor(hair: Box) -> Box:
    """The middle of the hair and its top, as (4,) xyxy."""
    middle = (hair[0] + hair[2]) / 2
    return np.array([middle, hair[1], middle, hair[1]], np.float32)


def _body_anchor(person: Tracked, tall: float) -> Box:
    """The middle of the body's upper part and its top, as (4,) xyxy.

    Not the middle of the box: an arm stretched to one side moves that, and not the face.
    """
    top = max(int(person.box[1]), 0)
    counts = person.mask[top : int(top + tall)].sum(axis=0)
    middle = (person.box[0] + person.box[2]) / 2
    if counts.any():
        middle = float(np.average(np.arange(len(counts)) + 0.5, weights=counts))
    return np.array([middle, person.box[1], middle, person.box[1]], np.float32)
