"""One drawn person: what they wear, how they stand, what they hold; or their face alone."""

from dataclasses import dataclass, field, replace

import numpy as np

from ive_segmentation.demo.canvas import (
    Canvas,
    Colour,
    Pen,
    darker,
    ellipse,
    lighter,
    mix,
    pick_colour,
    smooth,
)
from ive_segmentation.demo.heads import HeadLabels, Look, back_hair, draw_behind, draw_front, random_look
from ive_segmentation.demo.identities import Identity
from ive_segmentation.demo.outfits import Named, Outfit, random_outfit
from ive_segmentation.demo.poses import Pose, Turned, random_pose
from ive_segmentation.demo.things import DRAW_HELD, draw_shoe

SOLE, CROWN = 7.75, 1.35
"""From the head's centre to the soles, and to the top of the hair, in head half widths."""


@dataclass
class Drawn:
    """What drawing a person left on the canvas: label values by part, and the face's keypoints."""

    body: int
    face: int
    hair: int
    worn: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    grips: dict[int, np.ndarray] = field(default_factory=dict)
    """Where each held thing's label is gripped, (2,) xy in pixels."""
    keypoints: np.ndarray | None = None
    face_area: float = 0.0


def _elbow(shoulder: np.ndarray, hand: np.ndarray, side: int, moving: bool) -> np.ndarray:
    """The elbow of an arm of two equal parts, 1.5 each, bent outward.

    Outward is up for a lowered arm and down for a raised one. The elbow of a moving arm swings from one to
    the other, past the viewer, where that of a picture would jump.
    """
    middle, reach = (shoulder + hand) / 2, hand - shoulder
    distance = float(np.linalg.norm(reach)) + 1e-6
    out = np.array([-reach[1], reach[0]]) / distance
    if moving:
        out = out * float(np.clip(3 * out[0] * side, -1, 1))
    elif out[0] * side < 0:
        out = -out
    return middle + out * np.sqrt(max(1.5**2 - distance**2 / 4, 0.02))


def _arm(
    pen: Pen,
    side: int,
    hand: tuple[float, float],
    skin: Colour,
    sleeve: int,
    cloth: tuple[int, Colour] | None,
    body: int,
    turned: Turned | None,
) -> None:
    spread = 1.0 if turned is None else turned.spread
    shoulder, end = np.array([side * 0.98 * spread, 1.95]), np.array(hand)
    elbow = _elbow(shoulder, end, side, turned is not None)
    line = smooth([shoulder, elbow, end], closed=False, steps=6)
    pen.limb(line, 0.46, skin, body)
    pen.fill(ellipse(end[0], end[1], 0.27, 0.27), skin, body)
    if cloth is not None:
        label, colour = cloth
        pen.limb(line[: {0: 2, 1: 5, 2: len(line) - 2}[sleeve]], 0.64, colour, label)


def _legs(pen: Pen, who: Identity, outfit: Outfit, pose: Pose, drawn: Drawn, labels: dict[str, int]) -> None:
    spread, turned = pose.stance, pose.turned
    for leg, side in enumerate((-1, 1)):
        hip, knee, ankle, toe = (
            (side * 0.42, 4.2),
            (side * (0.42 + spread * 0.45), 5.7),
            (side * spread * 1.1, SOLE - 0.45),
            float(side),
        )
        if turned is not None:
            ankle, toe = turned.ankles[leg], turned.toes[leg]
            hip = (side * 0.42 * turned.spread, 4.2)
            bend = 0.12 * side * turned.spread + 0.5 * toe * (SOLE - 0.45 - ankle[1])
            knee = ((hip[0] + ankle[0]) / 2 + bend, (hip[1] + ankle[1]) / 2)
        line = smooth([hip, knee, ankle], closed=False, steps=4)
        pen.limb(line, 0.62, who.skin, drawn.body)
        shoe = pen.canvas.label("shoe", labels["owner"], outfit.shoe_colour[0])
        drawn.worn.append(shoe)
        draw_shoe(pen.moved(ankle[0], ankle[1]), outfit.shoe_colour[1], shoe, outfit.shoes, toe)
        if outfit.bottom == "pants":
            pen.limb(line[:-1], 0.92, outfit.bottom_colour[1], labels["bottom"])
    colour = outfit.bottom_colour[1]
    if outfit.bottom == "pants":
        pen.fill(
            smooth(
                [(-0.86, 3.75), (0.86, 3.75), (0.98, 4.45), (0.1, 4.75), (-0.1, 4.75), (-0.98, 4.45)], steps=4
            ),
            colour,
            labels["bottom"],
        )
    elif outfit.bottom == "skirt":
        pen.fill(
            [(-0.8, 3.6), (0.8, 3.6), (1.4, 5.35), (0.5, 5.45), (-0.5, 5.45), (-1.4, 5.35)],
            colour,
            labels["bottom"],
        )
        for x in (-0.5, 0.0, 0.5):
            pen.stroke([(x * 0.7, 4.0), (x * 1.7, 5.3)], 0.05, darker(colour, 0.3))


def _torso(pen: Pen, outfit: Outfit, pose: Pose, labels: dict[str, int], who: Identity, body: int) -> None:
    colour = outfit.top[1]
    upper = [(-0.3, 1.42), (0.3, 1.42), (1.1, 1.62), (1.2, 2.0), (0.88, 2.5), (0.84, 3.0)]
    left = [(-0.84, 3.0), (-0.88, 2.5), (-1.2, 2.0), (-1.1, 1.62)]
    if outfit.bottom == "dress":
        shape = [*upper, (0.76, 3.4), (1.55, 5.5), (-1.55, 5.5), (-0.76, 3.4), *left]
    else:
        shape = [*upper, (0.9, 3.85), (-0.9, 3.85), *left]
    pen.fill(shape, colour, labels["top"])
    if outfit.pattern == "stripes":
        for y in (2.15, 2.6, 3.05, 3.5):
            pen.stroke([(-0.84, y), (0.84, y)], 0.14, outfit.accent)
    if outfit.bottom == "dress":
        pen.stroke([(-0.76, 3.42), (0.76, 3.42)], 0.2, darker(colour, 0.3))
    if pose.away:
        return
    pen.fill(
        smooth([(-0.42, 1.36), (0.42, 1.36), (0.2, 1.72), (-0.2, 1.72)], steps=4), who.skin, body, outline=0
    )
    if outfit.pattern == "heart":
        heart = [(0, 3.0), (-0.42, 2.55), (-0.24, 2.28), (0, 2.46), (0.24, 2.28), (0.42, 2.55)]
        pen.fill(smooth(heart, steps=3), outfit.accent, outline=0)
    elif outfit.pattern == "collar":
        for q in (-1, 1):
            pen.fill(
                [(0, 1.75), (q * 0.46, 1.38), (q * 0.62, 1.85)],
                lighter(colour, 0.55),
                labels["top"],
                outline=0.03,
            )
    elif outfit.pattern == "buttons":
        for y in (2.1, 2.55, 3.0):
            pen.fill(ellipse(0, y, 0.1, 0.1), lighter(outfit.accent, 0.3), outline=0.03)


def _jacket(pen: Pen, colour: Colour, label: int, away: bool) -> None:
    if away:
        pen.fill(
            [
                (-0.4, 1.4),
                (0.4, 1.4),
                (1.2, 1.62),
                (1.28, 2.0),
                (1.02, 3.9),
                (-1.02, 3.9),
                (-1.28, 2.0),
                (-1.2, 1.62),
            ],
            colour,
            label,
        )
        return
    for q in (-1, 1):
        front = [
            (q * 0.34, 1.38),
            (q * 1.2, 1.62),
            (q * 1.28, 2.0),
            (q * 1.02, 3.95),
            (q * 0.5, 3.95),
            (q * 0.42, 2.5),
        ]
        pen.fill(front, colour, label)
        pen.fill(
            [(q * 0.34, 1.38), (q * 0.8, 1.75), (q * 0.44, 2.6)], darker(colour, 0.18), label, outline=0.03
        )


def _necklace(pen: Pen, colour: Colour, label: int) -> None:
    chain = ellipse(0, 1.5, 0.58, 0.72, 8, 172)
    pen.stroke(chain, 0.2, darker(colour, 0.3), label)
    pen.stroke(chain, 0.12, colour)
    pen.fill(ellipse(0, 2.34, 0.24, 0.24), colour, label)


def draw_person(
    canvas: Canvas,
    owner: int,
    who: Identity,
    look: Look,
    outfit: Outfit,
    pose: Pose,
    x: float,
    y: float,
    unit: float,
) -> Drawn:
    """Draw one person, the head's centre at pixel (x, y), one head half width being `unit` pixels.

    Args:
        canvas: What is drawn on; parts get new labels of its table.
        owner: The person's index in the scene.
        who: The face.
        look: Hair, expression and headwear.
        outfit: What is worn below the head.
        pose: How the person stands, and what is held.
        x: The head's centre, pixels.
        y: The head's centre, pixels.
        unit: Half the head's width, pixels.

    Returns:
        The labels of the parts; keypoints (5, 2) in pixels, None for a person who faces away.
    """
    upright = Pen.at(canvas, x, y, unit).moved(0, 3.8, pose.lean).moved(0, -3.8)
    width = 1.0 if pose.turned is None else pose.turned.width
    trunk = upright.narrowed(width)
    head = upright.moved(0, 1.1, pose.tilt).moved(0, -1.1)
    drawn = Drawn(canvas.label("body", owner), canvas.label("face", owner), canvas.label("hair", owner))

    def worn(concept: str, colour: Named) -> int:
        drawn.worn.append(canvas.label(concept, owner, colour[0]))
        return drawn.worn[-1]

    dress = outfit.bottom == "dress"
    labels = {"owner": owner, "top": worn("dress" if dress else "shirt", outfit.top)}
    if not dress:
        labels["bottom"] = worn(outfit.bottom, outfit.bottom_colour)
    jacket = worn("jacket", outfit.jacket) if outfit.jacket else None
    on_head = HeadLabels(
        skin=drawn.body,
        face=drawn.face,
        hair=drawn.hair,
        hat=worn("hat", look.hat_colour) if look.hat_colour else None,
        glasses=worn("glasses", look.glasses) if look.glasses and not pose.away else None,
    )
    cloth = (
        (labels["top"], outfit.top[1])
        if jacket is None or outfit.jacket is None
        else (jacket, outfit.jacket[1])
    )
    sleeve = outfit.sleeve if jacket is None else 2

    def arms() -> None:
        for side, hand, thing in zip((-1, 1), pose.hands, pose.held, strict=True):
            if thing is not None:
                kind, colour, angle = thing
                drawn.held.append(canvas.label(kind, owner, colour[0]))
                drawn.grips[drawn.held[-1]] = trunk.pixels([hand])[0]
                DRAW_HELD[kind](upright.moved(width * hand[0], hand[1], angle), colour[1], drawn.held[-1])
            _arm(trunk, side, hand, who.skin, sleeve, cloth, drawn.body, pose.turned)

    if not pose.away:
        back_hair(head, look, drawn.hair)
    _legs(trunk, who, outfit, pose, drawn, labels)
    if pose.away:
        arms()
    trunk.fill(
        [(-0.36, 0.8), (0.36, 0.8), (0.42, 1.6), (-0.42, 1.6)],
        mix(who.skin, (200, 120, 100), 0.18),
        drawn.body,
    )
    _torso(trunk, outfit, pose, labels, who, drawn.body)
    if jacket is not None and outfit.jacket is not None:
        _jacket(trunk, outfit.jacket[1], jacket, pose.away)
    if outfit.necklace is not None and not pose.away:
        _necklace(trunk, outfit.necklace[1], worn("necklace", outfit.necklace))
    if pose.away:
        draw_behind(head, look, on_head)
    else:
        angle = 0.0 if pose.turned is None else pose.turned.angle
        drawn.keypoints = draw_front(head, who, look, on_head, angle)
        drawn.face_area = float(np.pi * who.width**2 * who.aspect * unit**2)
        arms()
    return drawn


def draw_face(
    rng: np.random.Generator, who: Identity, size: int, unit: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One face alone on a plain ground, everything but the identity drawn at random.

    Args:
        rng: Where hair, expression, clothes, place and turn come from.
        who: Whose face.
        size: Side of the square picture, pixels.
        unit: Half the head's width in pixels; by default 0.2 to 0.34 of `size`.

    Returns:
        The picture (size, size, 3) uint8 RGB, and the keypoints (5, 2) float32 in pixels, in InsightFace's
        order.
    """
    ground = np.empty((size, size, 3), np.uint8)
    ground[:] = mix(pick_colour(rng)[1], (236, 236, 240), float(rng.uniform(0, 0.8)))
    canvas = Canvas(ground)
    u = unit if unit is not None else size * float(rng.uniform(0.2, 0.34))
    x, y = size * (0.5 + rng.uniform(-0.04, 0.04, 2))
    pose = random_pose(rng, away=0, hidden=0, holding=0)
    pose = replace(pose, tilt=float(rng.normal(0, 8)))
    drawn = draw_person(canvas, 0, who, random_look(rng), random_outfit(rng), pose, float(x), float(y), u)
    assert drawn.keypoints is not None
    return canvas.image, drawn.keypoints.astype(np.float32)
