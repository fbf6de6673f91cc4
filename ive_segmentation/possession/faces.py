"""Faces to persons: which person instance shows which face, and what to ask for where none does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ive_segmentation.possession.body import Floats, Mask
from ive_segmentation.settings import Measured

# A standing adult is 7.5 heads tall and with the arms two heads wide (the canon of figure drawing, A. Loomis,
# "Figure Drawing for All It's Worth", 1943); a face box, chin to hairline, is 0.8 of a head.
HAIR_ABOVE_FACE = 0.25
BODY_WIDTH_IN_FACES = 2.6
BODY_BELOW_CHIN_IN_FACES = 8.0
LARGER = 1.5
"""Ratio of two face heights that nearness to the camera does not explain: what somebody holds out is nearer
by an arm, a fraction of the distance."""
ON_A_THING = 0.5
"""Weight of a mask's hold on a printed face: it holds all of a print, and not the corners of a head's box."""


def faces_to_persons(
    face_boxes: Floats,
    keypoints: Floats,
    person_masks: Sequence[Mask],
) -> list[int | None]:
    """Give each face to the person instance that holds it, one face to one person.

    Args:
        face_boxes: Face boxes, (F, 4) float32, xyxy in pixels.
        keypoints: Five points per face, (F, 5, 2) float32, xy in pixels.
        person_masks: Person instances, each (H, W) bool, all of the picture's size.

    Returns:
        Per face the index of its person, or None where no free instance holds it.
    """
    owners: list[int | None] = [None] * len(face_boxes)
    if not len(face_boxes) or not len(person_masks):
        return owners
    shares = np.array(
        [
            [_share_held(box, points, mask) for mask in person_masks]
            for box, points in zip(face_boxes, keypoints, strict=True)
        ]
    )
    # A pair that could not be accepted must not push an acceptable one aside.
    shares[shares < Measured.face_least_share] = 0
    for person, held in enumerate(shares.T > 0):
        shares[_on_a_thing(face_boxes, held), person] *= ON_A_THING
    for face, owner in zip(*linear_sum_assignment(shares, maximize=True), strict=True):
        if shares[face, owner] > 0:
            owners[face] = int(owner)
    return owners


def _on_a_thing(boxes: Floats, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the faces that one mask holds are probably printed on a shirt or a card, (F,) bool.

    A printed face lies below the face of whoever wears or holds it, or is much smaller.
    """
    heights = boxes[:, 3] - boxes[:, 1]
    below = boxes[:, None, 1] >= boxes[None, :, 3]
    alike = heights[:, None] < LARGER * heights[None, :]
    smaller = heights[:, None] * LARGER < heights[None, :]
    return held & ((below & alike | smaller) & held[None, :]).any(axis=1)


def body_box(face_box: Floats, image_size: tuple[int, int]) -> Floats:
    """Estimate the box that a standing body would fill round and below a face.

    Where no person instance holds a face, as in a tight close-up, SAM 3 is given this box as an example.

    Args:
        face_box: (4,) xyxy in pixels.
        image_size: Height and width of the picture in pixels.

    Returns:
        The body's box, (4,) float32, xyxy in pixels, clipped to the picture.
    """
    height, width = image_size
    left, top, right, bottom = (float(v) for v in face_box)
    face_height, centre = bottom - top, (left + right) / 2
    half = max(BODY_WIDTH_IN_FACES * face_height, right - left) / 2
    box = np.array(
        [
            centre - half,
            top - HAIR_ABOVE_FACE * face_height,
            centre + half,
            bottom + BODY_BELOW_CHIN_IN_FACES * face_height,
        ],
        np.float32,
    )
    return np.clip(box, 0, np.array([width, height, width, height], np.float32))


def _share_held(box: Floats, points: Floats, mask: Mask) -> float:
    """Mean of the share of the face box and the share of its keypoints that lie in the mask, 0 to 1.

    The keypoints lie on the face itself, the box has corners that show hair or background: together they
    hold for a face in profile as well as for one behind another's shoulder.
    """
    height, width = mask.shape
    left, top = np.clip(np.floor(box[:2]).astype(int), 0, (width, height))
    right, bottom = np.clip(np.ceil(box[2:]).astype(int), 0, (width, height))
    inside = mask[top:bottom, left:right]
    share = float(inside.mean()) if inside.size else 0.0
    columns, rows = np.floor(points).astype(int).T
    seen = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    if not seen.any():
        return share
    return (share + float(mask[rows[seen], columns[seen]].mean())) / 2
