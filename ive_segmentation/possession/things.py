"""Things to owners: every person's claim on each thing, and who wins it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from ive_segmentation.possession.body import Body, measure
from ive_segmentation.possession.worn import Place, fit, worn_place
from ive_segmentation.settings import Settings

# All lengths are in face heights of the person in question.
CONTACT_RADIUS = 0.2  # a gap that a missing fingertip or a loose mask leaves
GRID_CELL = 1.5 / 288  # SAM 3 draws masks on 288 cells a side: one and a half of them may be wrong
GRIP = 0.3  # contact this long is a full grip: the width of a hand that holds something
HAND_WINDOW = 0.6  # how far round the contact the person's shape is judged
MISPLACED = 0.2  # what is left of the claim on a worn thing that is not where it is worn
WORKING_SIDE = 320  # crops are thinned to this many pixels a side; contact is measured, not drawn


@dataclass(frozen=True)
class Ownership:
    """Whose a thing is, and how clearly.

    Attributes:
        owner: Index of the person, or None where it is nobody's.
        claim: The owner's claim, or the best one where nobody's was good and clear enough, 0 to 1.
        rival: The person with the next best claim, or None where nobody else has one.
        rival_claim: That claim, 0 to 1.
    """

    owner: int | None
    claim: float
    rival: int | None
    rival_claim: float


def things_to_owners(
    concept: str,
    thing_masks: Sequence[np.ndarray],
    person_masks: Sequence[np.ndarray],
    face_boxes: Sequence[np.ndarray | None],
    *,
    least: float = Settings.claim_least,
    clear: float = Settings.claim_clear,
) -> list[Ownership]:
    """Give every instance of a thing to the person who wears or holds it, or to nobody.

    Args:
        concept: What the thing is, an English noun phrase ("white shirt").
        thing_masks: Instances of the thing, each (H, W) bool.
        person_masks: Person instances, each (H, W) bool.
        face_boxes: Per person the face box, (4,) xyxy in pixels, or None where no face is seen.
        least: The claim that an owner must reach, 0 to 1.
        clear: The lead over the next claim that an owner must have, 0 to 1.

    Returns:
        One ownership per thing, in the order of `thing_masks`.
    """
    bodies = [measure(mask, box) for mask, box in zip(person_masks, face_boxes, strict=True)]
    place = worn_place(concept)
    claims = np.zeros((len(thing_masks), len(bodies)))
    for row, mask in enumerate(thing_masks):
        claims[row] = _claims(mask, bodies, place)
    free = _free_hands(claims, place, least)
    return [_decide(row, open_to, least, clear) for row, open_to in zip(claims, free, strict=True)]


def _claims(thing: np.ndarray, bodies: Sequence[Body | None], place: Place | None) -> np.ndarray:
    """Every person's claim on one thing, (P,) float64, 0 to 1."""
    claims = np.zeros(len(bodies))
    thing = thing.view(np.uint8)
    x, y, width, height = cv2.boundingRect(thing)
    near = [i for i, body in enumerate(bodies) if body and _reaches(body, (x, y, x + width, y + height))]
    if not width or not near:
        return claims
    pad = round(HAND_WINDOW * max(bodies[i].unit for i in near)) + 2  # type: ignore[union-attr]
    rows = slice(max(y - pad, 0), y + height + pad)
    columns = slice(max(x - pad, 0), x + width + pad)
    step = max(1, (max(width, height) + 2 * pad) // WORKING_SIDE)
    crop = np.ascontiguousarray(thing[rows, columns][::step, ::step])
    if not crop.any():
        return claims
    border = crop.astype(bool) & (cv2.erode(crop, np.ones((3, 3), np.uint8), borderValue=0) == 0)
    middle = np.array([columns.start, rows.start]) + (np.argwhere(crop).mean(0)[::-1] + 0.5) * step

    slack = GRID_CELL * max(thing.shape)
    inner, depth = {}, np.full((len(near), np.count_nonzero(border)), np.inf)
    for n, i in enumerate(near):
        body = bodies[i]
        assert body is not None
        person = np.ascontiguousarray(body.mask[rows, columns][::step, ::step])
        inner[i] = cv2.distanceTransform(person, cv2.DIST_L2, 3)
        outer = cv2.distanceTransform(1 - person, cv2.DIST_L2, 3)
        gap = (outer - inner[i])[border]
        reach = max(CONTACT_RADIUS * body.unit, slack) / step
        depth[n] = np.where(gap <= reach, gap, np.inf)
    nearest = np.isfinite(depth) & (depth <= depth.min(0) + 1e-6)
    touch = nearest / np.maximum(nearest.sum(0), 1)

    for n, i in enumerate(near):
        body = bodies[i]
        assert body is not None
        if not touch[n].any():
            continue
        enclosure = float(touch[n].mean())
        if place is not None:
            person = inner[i] > 0
            inside = float(person[crop > 0].mean())
            cover = inside + (1 - inside) * enclosure
            claims[i] = cover * (MISPLACED + (1 - MISPLACED) * fit(place, middle, body))
        else:
            length = float(touch[n].sum()) * step / body.unit
            window = HAND_WINDOW * body.unit / step
            contact = np.ones(crop.shape, np.uint8)
            contact[border] = touch[n] == 0
            around = cv2.distanceTransform(contact, cv2.DIST_L2, 3) <= window
            thickness = float(inner[i][around].max(initial=0.0)) / window
            hand = min(1.0, max(0.0, 2 * (1 - thickness)))
            claims[i] = min(1.0, length / GRIP) * (0.4 * enclosure + 0.6 * hand)
    return claims


def _reaches(body: Body, box: tuple[int, int, int, int]) -> bool:
    """Whether a thing's box comes within a face height of the person's box."""
    x0, y0, x1, y1 = body.box
    return (
        box[0] <= x1 + body.unit
        and box[2] >= x0 - body.unit
        and box[1] <= y1 + body.unit
        and box[3] >= y0 - body.unit
    )


def _free_hands(claims: np.ndarray, place: Place | None, least: float) -> np.ndarray:
    """Which persons are still open to which thing, (T, P) bool.

    One person wears one hat and two shoes. Things and places are assigned together, and a person whose places
    are all taken by things that are hers is nobody's rival for another one, nor its owner.
    """
    open_to = np.ones(claims.shape, bool)
    if place is None or place.most is None or not claims.size:
        return open_to
    good = np.where(claims >= least, claims, 0)
    slots = np.repeat(good, place.most, axis=1)
    taken = np.zeros(claims.shape, bool)
    for thing, slot in zip(*linear_sum_assignment(slots, maximize=True), strict=True):
        taken[thing, slot // place.most] = slots[thing, slot] > 0
    full = taken.sum(0) >= place.most
    return ~full[None, :] | taken


def _decide(claims: np.ndarray, open_to: np.ndarray, least: float, clear: float) -> Ownership:
    """The best open claim wins if it is good enough and clear of the next."""
    order = np.argsort(-np.where(open_to, claims, 0.0), kind="stable")
    ranked = [(int(i), float(claims[i])) for i in order if open_to[i] and claims[i] > 0]
    (best, claim), (rival, rival_claim) = ([*ranked, (None, 0.0), (None, 0.0)])[:2]
    won = best is not None and claim >= least and claim - rival_claim >= clear
    return Ownership(best if won else None, claim, rival, rival_claim)
