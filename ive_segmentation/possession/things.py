"""Things to owners: every person's claim on each thing, and who wins it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ive_segmentation.possession.body import Binary, Body, Box, Floats, Mask, extent
from ive_segmentation.possession.held import evidence, weights
from ive_segmentation.possession.worn import Place, fit, worn_place
from ive_segmentation.settings import Measured

Doubles = NDArray[np.float64]
Places = tuple[NDArray[np.intp], ...]
"""Rows and columns of some pixels, each (N,)."""

# Lengths are in face heights.
CONTACT = 0.2  # a gap that a missing fingertip or a loose mask leaves
REACH = 0.75  # what lies further from the thing than this plays no part
FULL_GRIP = 0.1  # contact this long is a hand's: anything shorter is a graze and counts in proportion
WORKING_UNIT = 40  # crops are thinned until a face is this many pixels high: SAM 3's masks are no finer
GRID_CELL = 1 / 288  # of the picture's longer side: SAM 3 draws masks on a grid of 288, a cell may be wrong
MISPLACED = 0.1  # what is left of the claim on a worn thing that is not where it is worn
MISPLACED_WITHIN = 0.3  # the same of what lies within the person's mask: she may bend or lie
NOT_WORN = 0.5  # what a hand's hold on a worn thing that nobody wears is worth
# Shares of the height above the feet. A hanging hand is at 0.44; what is touched only below the first
# lies on the floor, and what itself reaches down to the feet must be touched where a hand could lift it.
LOWEST_HAND = 0.32
LOWEST_LIFT = 0.42
ON_FLOOR = 0.12
ON_HER = 0.5  # share of a thing within the person's mask from which it does not lie on the floor
HAND_BELOW_CHIN = 4.5  # the same for those whose feet are not seen: a hanging hand and half a face


@dataclass(frozen=True)
class Ownership:
    """Whose a thing is, and how clearly.

    Attributes:
        owner: Index of the person, or None where it is nobody's.
        claim: The owner's claim, 0 to 1. Where it is nobody's: in `things_to_owners` the best one, which was
            not good and clear enough; in `things_to_holders` 0.
        rival: The person with the best claim among the others, or None where nobody else has one.
        rival_claim: That claim, 0 to 1.
    """

    owner: int | None
    claim: float
    rival: int | None
    rival_claim: float


def things_to_owners(
    concept: str,
    thing_masks: Sequence[Mask],
    bodies: Sequence[Body | None],
) -> list[Ownership]:
    """Give every instance of a thing to the person who wears or holds it, or to nobody.

    Args:
        concept: What the thing is, an English noun phrase ("white shirt").
        thing_masks: Instances of the thing, each (H, W) bool.
        bodies: The persons as `measure` found them; None for one whom nothing can be given to.

    Returns:
        One ownership per thing, in the order of `thing_masks`; persons are indices into `bodies`.
    """
    claims = _everyones_claims(concept, thing_masks, bodies)
    free = _still_open(claims, worn_place(concept))
    return [_decide(row, open_to) for row, open_to in zip(claims, free, strict=True)]


def things_to_holders(
    concept: str,
    thing_masks: Sequence[Mask],
    bodies: Sequence[Body | None],
    holders: Sequence[int],
) -> list[Ownership]:
    """Give each of some persons who are known to hold one a thing that may be hers, whoever else claims it.

    Args:
        concept: What the thing is, an English noun phrase.
        thing_masks: Instances of the thing, each (H, W) bool.
        bodies: The persons as `measure` found them.
        holders: Indices of those who hold one.

    Returns:
        One ownership per thing, for the largest sum of the holders' claims, with one thing for each of them
        at most. The rival is the other person with the best claim, which may be better than the owner's.
    """
    claims = _everyones_claims(concept, thing_masks, bodies)
    good = np.where(claims >= Measured.claim_least, claims, 0)[:, holders]
    owners: dict[int, int] = {}
    for thing, holder in zip(*linear_sum_assignment(good, maximize=True), strict=True):
        if good[thing, holder] > 0:
            owners[int(thing)] = holders[int(holder)]
    return [_held_by(owners.get(thing), row) for thing, row in enumerate(claims)]


def _everyones_claims(concept: str, thing_masks: Sequence[Mask], bodies: Sequence[Body | None]) -> Doubles:
    """Every person's claim on every thing, (T, P) float64, 0 to 1."""
    claims = [_claims(mask, concept, bodies) for mask in thing_masks]
    return np.array(claims).reshape(len(thing_masks), len(bodies))


def _claims(thing: Mask, concept: str, bodies: Sequence[Body | None]) -> Doubles:
    """Every person's claim on one thing, (P,) float64, 0 to 1."""
    claims = np.zeros(len(bodies))
    box = extent(thing)
    if box is None:
        return claims
    near = {person: body for person, body in enumerate(bodies) if body and _reaches(body, box)}
    if not near:
        return claims
    persons, people = [*near], [*near.values()]
    crop = _crop_around(thing.view(np.uint8), box, people)
    if not crop.touch.any():
        return claims
    place = worn_place(concept)
    worn = _worn(_fits(place, crop, people), crop) if place else np.zeros(len(people))
    if worn.max() >= Measured.claim_least:
        claims[persons] = worn
    else:
        # A hat that is on nobody's head may be in somebody's hand, but hers is first the one on her head.
        claims[persons] = _held(concept, crop, people) * (NOT_WORN if place else 1)
    return claims


@dataclass(frozen=True)
class _Crop:
    """A thing and the people round it, cut out and thinned.

    Attributes:
        thing: (h, w) uint8, 0 or 1.
        own: Rows and columns between which the thing lies: most of the crop is what is round it.
        border: Rows and columns of the thing's outermost pixels, each (B,) int.
        persons: (P, h, w) uint8, 0 or 1.
        touch: Per person the share of each border pixel that is nearest to that person, (P, B) float32.
        unit: One face height, in pixels of the crop.
        corner: (x, y) of the crop in the picture.
        step: Pixels of the picture per pixel of the crop.
    """

    thing: Binary
    own: tuple[slice, slice]
    border: Places
    persons: Binary
    touch: Floats
    unit: float
    corner: tuple[int, int]
    step: int


def _crop_around(thing: Binary, box: Box, people: Sequence[Body]) -> _Crop:
    """Cut a thing out with what is within reach, and find who is nearest to each pixel of its border."""
    left, top, right, bottom = box
    unit = statistics.median(body.unit for body in people)
    step = max(1, int(unit / WORKING_UNIT))
    # The thing itself must survive the thinning.
    step = min(step, max(1, min(right - left, bottom - top) // 4))
    pad = math.ceil(REACH * unit) + step
    x, y = max(left - pad, 0), max(top - pad, 0)
    window = (slice(y, bottom + pad, step), slice(x, right + pad, step))
    crop = np.ascontiguousarray(thing[window])
    own = _part(box, (x, y), step)
    border = _border(crop, own)
    persons = np.zeros((len(people), *crop.shape), np.uint8)
    for person, body in zip(persons, people, strict=True):
        part = _part(body.box, (x, y), step)
        person[part] = body.mask[window][part]
    within = max(CONTACT * unit, GRID_CELL * max(thing.shape)) / step
    gaps = _gaps(persons, border, within)
    nearest = (gaps < np.inf) & (gaps == gaps.min(0))
    touch = nearest / np.maximum(nearest.sum(0, dtype=np.float32), 1)
    return _Crop(crop, own, border, persons, touch, unit / step, (x, y), step)


def _part(box: Box, corner: tuple[int, int], step: int) -> tuple[slice, slice]:
    """Rows and columns of a crop that lie in a box of the picture."""
    # Rounded up: the first pixel that the thinning takes from within the box, or from behind it.
    left, top, right, bottom = (
        max(-((start - at) // step), 0) for at, start in zip(box, (*corner, *corner), strict=True)
    )
    return slice(top, bottom), slice(left, right)


def _border(crop: Binary, own: tuple[slice, slice]) -> Places:
    """Rows and columns of the thing's outermost pixels, each (B,) int."""
    thing = crop[own]
    edge = thing != cv2.erode(thing, np.ones((3, 3), np.uint8), borderValue=0)
    return tuple(at + part.start for at, part in zip(np.nonzero(edge), own, strict=True))


def _gaps(persons: Binary, border: Places, within: float) -> Floats:
    """Distance of each border pixel from each person, (P, B) float32 in pixels of the crop, or infinite.

    Negative inside: where loose masks overlap, the one that reaches deeper is the nearer. Whoever alone holds
    a pixel is the nearest to it, and there no distance is worked out.
    """
    inside = persons[:, border[0], border[1]] > 0
    holders = inside.sum(0)
    gaps = np.where(inside, np.float32(-1), np.float32(np.inf))
    if (free := holders == 0).any():
        at = tuple(part[free] for part in border)
        near = _near(at, within)
        for gap, person in zip(gaps, persons, strict=True):
            if cv2.countNonZero(person[near]):
                outside = _distance(1 - person)[at]
                gap[free] = np.where(outside <= within, outside, np.inf)
    if (several := holders > 1).any():
        for gap, person, held in zip(gaps, persons, inside & several, strict=True):
            if held.any():
                gap[held] = -_distance(person)[border][held]
    return gaps


def _near(border: Places, within: float) -> tuple[slice, ...]:
    """The window that holds everything within that distance of some border pixels."""
    # OpenCV takes 0.955 for the distance of two pixels side by side.
    around = math.ceil(within / 0.95)
    return tuple(slice(max(int(at.min()) - around, 0), int(at.max()) + around + 1) for at in border)


def _distance(mask: Binary) -> Floats:
    """Distance to the nearest zero, (h, w) float32 in pixels; infinite where there is none."""
    if cv2.countNonZero(mask) == mask.size:
        return np.full(mask.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)


def _fits(place: Place, crop: _Crop, people: Sequence[Body]) -> Doubles:
    """How well the thing's middle lies where it would be worn on each body, (P,) float64, 0 to 1."""
    moments = cv2.moments(crop.thing[crop.own], binaryImage=True)
    rows, columns = crop.own
    sums = (moments["m10"] + columns.start * moments["m00"], moments["m01"] + rows.start * moments["m00"])
    centre = np.array(sums) / moments["m00"]
    middle = np.array(crop.corner) + (centre + 0.5) * crop.step
    return np.array([fit(place, middle, body) for body in people])


def _inside(crop: _Crop) -> Doubles:
    """Share of the thing that each person's mask holds, (P,) float64, 0 to 1."""
    thing = crop.thing[crop.own]
    shared = [cv2.countNonZero(person[crop.own] & thing) for person in crop.persons]
    return np.array(shared) / cv2.countNonZero(thing)


def _worn(fits: Doubles, crop: _Crop) -> Doubles:
    """Claims on a worn thing: how much of it a person's mask holds or encloses, where it is worn."""
    inside = _inside(crop)
    enclosed = crop.touch.mean(1)
    # A little less, so that of three shoes hers are the two that lie within, in whatever order they come.
    within = inside * (MISPLACED_WITHIN + (1 - MISPLACED_WITHIN) * fits)
    return within + 0.999 * (1 - inside) * enclosed * (MISPLACED + (1 - MISPLACED) * fits)


def _held(concept: str, crop: _Crop, people: Sequence[Body]) -> Doubles:
    """Claims on a held thing: each person's share of the evidence, where the contact can be a hand's."""
    length = crop.touch.sum(1) / crop.unit
    table = evidence(crop.thing, crop.border, crop.touch, crop.persons, crop.unit)
    logits = table @ weights(concept).vector()
    odds = np.where(length > 0, np.exp(logits - logits[length > 0].max()), 0)
    reachable = np.array([_hand_could_be(crop, n, body) for n, body in enumerate(people)])
    # What half lies within her mask is on her and not on the floor: shoes of a name that nobody listed.
    reachable |= _inside(crop) >= ON_HER
    return odds / odds.sum() * np.minimum(length / FULL_GRIP, 1) * reachable


def _hand_could_be(crop: _Crop, n: int, body: Body) -> bool:
    """Whether the person touches the thing as high as a hanging hand.

    Where the feet are not seen, because the picture or a table hides them or the body is not upright, they
    are where a standing body would have them at least.
    """
    rows = crop.border[0][crop.touch[n] > 0]
    if not len(rows):
        return False
    # Not the very highest pixel: a loose mask may touch a little higher than the person does.
    highest = crop.corner[1] + np.quantile(rows, 0.05) * crop.step
    if body.feet >= body.mask.shape[0] - crop.step or not body.upright:
        return bool(highest - body.chin[1] <= HAND_BELOW_CHIN * body.unit)
    stature = body.feet - body.box[1]
    lowest = crop.corner[1] + np.flatnonzero(crop.thing.any(1))[-1] * crop.step
    stands = body.feet - lowest < ON_FLOOR * stature
    return bool(body.feet - highest >= (LOWEST_LIFT if stands else LOWEST_HAND) * stature)


def _reaches(body: Body, box: Box) -> bool:
    """Whether a thing's box comes within reach of the person's box."""
    x0, y0, x1, y1 = body.box
    reach = REACH * body.unit
    return box[0] <= x1 + reach and box[2] >= x0 - reach and box[1] <= y1 + reach and box[3] >= y0 - reach


def _still_open(claims: Doubles, place: Place | None) -> NDArray[np.bool_]:
    """Which persons can still get which thing, (T, P) bool.

    One person wears one hat and two shoes. Things and places are assigned together, and a person whose places
    are all taken by things that are hers is nobody's rival for another one, nor its owner.
    """
    open_to = np.ones(claims.shape, bool)
    if place is None or place.most is None or not claims.size:
        return open_to
    good = np.where(claims >= Measured.claim_least, claims, 0)
    slots = np.repeat(good, place.most, axis=1)
    taken = np.zeros(claims.shape, bool)
    for thing, slot in zip(*linear_sum_assignment(slots, maximize=True), strict=True):
        taken[thing, slot // place.most] = slots[thing, slot] > 0
    full = taken.sum(0) >= place.most
    return ~full[None, :] | taken


def _decide(claims: Doubles, open_to: NDArray[np.bool_]) -> Ownership:
    """The best open claim wins if it is good enough and clear of the next."""
    ranked = [int(i) for i in np.argsort(-claims, kind="stable") if open_to[i] and claims[i] > 0]
    best, rival = (*ranked, None, None)[:2]
    claim, rival_claim = (0.0 if person is None else float(claims[person]) for person in (best, rival))
    won = claim >= Measured.claim_least and claim - rival_claim >= Measured.claim_clear
    return Ownership(best if won else None, claim, rival, rival_claim)


def _held_by(owner: int | None, claims: Doubles) -> Ownership:
    """A thing that is given to one person, and whoever of the others has the best claim."""
    others = [person for person in range(len(claims)) if person != owner and claims[person] > 0]
    rival = max(others, key=lambda person: claims[person], default=None)
    claim, rival_claim = (0.0 if person is None else float(claims[person]) for person in (owner, rival))
    return Ownership(owner, claim, rival, rival_claim)
