"""Group pictures: people and things put together, with the exact truth of what is visible."""

from dataclasses import replace

import cv2
import numpy as np

from ive_segmentation.demo.canvas import Canvas, Pen, pick_colour
from ive_segmentation.demo.heads import random_look
from ive_segmentation.demo.identities import MEMBERS, Identity, stranger
from ive_segmentation.demo.outfits import random_necklace, random_outfit
from ive_segmentation.demo.people import CROWN, SOLE, Drawn, draw_person
from ive_segmentation.demo.places import draw_place
from ive_segmentation.demo.poses import random_pose
from ive_segmentation.demo.things import DRAW_LOOSE, THING_COLOURS
from ive_segmentation.demo.truth import DrawnPerson, DrawnThing, Scene, box_of

SHOTS = ("wide", "medium", "close")
#: A face counts as shown from this share of its own area on; the fringe alone hides up to a third.
FACE_SHOWN = 0.42
#: Slivers are no instance: the least visible pixels, as a share of the picture.
SLIVER = 2.5e-4


def _choose(rng: np.random.Generator, count: int, strangers: float) -> list[Identity]:
    """Members without repetition, and strangers."""
    members = list(rng.permutation(list(MEMBERS)))
    return [stranger(rng) if rng.random() < strangers else MEMBERS[str(members[i])] for i in range(count)]


def _visible(canvas: Canvas, values: list[int]) -> np.ndarray:
    chosen = np.zeros(256, bool)
    chosen[values] = True
    return chosen[canvas.labels]


def _grip_seen(canvas: Canvas, value: int, drawn: list[Drawn]) -> bool:
    grip = next((parts.grips[value] for parts in drawn if value in parts.grips), None)
    if grip is None:
        return True
    (x, y), (height, width) = np.floor(grip).astype(int), canvas.labels.shape
    inside = 0 <= x < width and 0 <= y < height
    return bool(inside and canvas.table[canvas.labels[y, x]].owner == canvas.table[value].owner)


def _person(canvas: Canvas, who: Identity, drawn: Drawn, sliver: float) -> DrawnPerson | None:
    mask = _visible(canvas, [drawn.body, drawn.face, drawn.hair, *drawn.worn])
    if mask.sum() < 8 * sliver:
        return None
    glasses = [v for v in drawn.worn if canvas.table[v].concept == "glasses"]
    face, hair = _visible(canvas, [drawn.face, *glasses]), _visible(canvas, [drawn.hair])
    share = float(face.sum() / drawn.face_area) if drawn.face_area else 0.0
    points = drawn.keypoints
    height, width = face.shape
    if points is not None and share >= FACE_SHOWN and (points > 0).all() and (points < (width, height)).all():
        box, points = box_of(face), points.astype(np.float32)
    else:
        box, points = None, None
    return DrawnPerson(
        identity=who.member,
        mask=mask,
        face=face if face.sum() > sliver else None,
        hair=hair if hair.sum() > sliver else None,
        face_box=box,
        keypoints=points,
        face_visible=min(1.0, share),
    )


def draw_scene(
    seed: int,
    people: int | None = None,
    size: tuple[int, int] = (640, 480),
    shot: str | None = None,
    strangers: float = 0.3,
    members: tuple[str, ...] | None = None,
    twins: float = 0.2,
    away: float = 0.1,
    hidden: float = 0.07,
    holding: float = 0.35,
) -> Scene:
    """Draw one picture; the same arguments always give the same picture.

    Args:
        seed: everything random comes from it.
        people: how many, 1 to 6; by default drawn at random.
        size: width and height in pixels.
        shot: one of `SHOTS`; by default drawn at random.
        strangers: chance of each person to be nobody's.
        members: whom to draw (folder names), instead of drawing by lot.
        twins: chance that everybody wears the same.
        away: chance of each person to face away.
        hidden: chance of each person who does not to hide the face.
        holding: chance of each hand to hold something.

    Returns:
        The picture and its truth; persons from the back to the front.
    """
    rng = np.random.default_rng(seed)
    width, height = size
    count = people or int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.16, 0.24, 0.24, 0.18, 0.1, 0.08]))
    cast = [MEMBERS[name] for name in members] if members else _choose(rng, count, strangers)
    count = len(cast)
    shot = shot or str(rng.choice(SHOTS, p=[0.5, 0.33, 0.17]))
    spacing = width / count
    tall = {
        "wide": CROWN + SOLE + 0.9,
        "medium": float(rng.uniform(5.2, 7.0)),
        "close": float(rng.uniform(2.8, 4.2)),
    }[shot]
    unit = min(height / tall, spacing / float(rng.uniform(2.3, 3.3) if count > 1 else rng.uniform(2.6, 3.6)))
    if shot == "wide":
        unit *= float(rng.uniform(0.78, 1.0))
    spare = max(0.0, height - unit * (CROWN + 0.7 + (SOLE if shot == "wide" else tall - CROWN - 1.0)))
    head_y = unit * (CROWN + 0.7) + spare * float(
        rng.uniform(0.4, 1.0) if shot == "wide" else rng.uniform(0.1, 0.6)
    )
    floor = min(height * float(rng.uniform(0.75, 0.95)), head_y + unit * (SOLE - 0.7))
    canvas = draw_place(rng, width, height, floor)

    loose: list[int] = []

    def lay(low: float) -> None:
        kind = str(rng.choice(list(DRAW_LOOSE)))
        name, colour = pick_colour(rng, THING_COLOURS.get(kind))
        draw, foot = DRAW_LOOSE[kind]
        loose.append(canvas.label(kind, None, name))
        size_of = unit * float(rng.uniform(0.9, 1.15))
        y = low - foot * size_of
        draw(
            Pen.at(canvas, float(rng.uniform(0.06, 0.94)) * width, y, size_of, float(rng.uniform(-12, 12))),
            colour,
            loose[-1],
        )

    if shot == "wide" and rng.random() < 0.4:
        lay(head_y + unit * (SOLE - 0.3))
    same = random_outfit(rng) if count > 1 and rng.random() < twins else None
    slots = (rng.permutation(count) + 0.5 + rng.uniform(-0.2, 0.2, count)) * spacing
    depths = np.sort(rng.uniform(-0.45, 0.35, count)) if count > 1 else np.zeros(1)
    drawn: list[Drawn] = []
    for i, who in enumerate(cast):
        outfit = same or random_outfit(rng)
        if same is not None:
            outfit = replace(same, necklace=random_necklace(rng, same.top[0]))
        near = unit * (1 + 0.16 * float(depths[i]))
        pose = random_pose(rng, away, hidden, holding)
        y = head_y + unit * (float(depths[i]) + float(rng.normal(0, 0.16)))
        drawn.append(draw_person(canvas, i, who, random_look(rng), outfit, pose, float(slots[i]), y, near))
    if shot == "wide" and rng.random() < 0.35:
        lay(min(height * 0.99, head_y + unit * (SOLE + float(rng.uniform(0.2, 0.7)))))

    sliver = SLIVER * width * height
    found = [_person(canvas, who, parts, sliver) for who, parts in zip(cast, drawn, strict=True)]
    index = {old: new for new, old in enumerate(i for i, person in enumerate(found) if person is not None)}
    things: list[DrawnThing] = []
    for value in [*loose, *(v for parts in drawn for v in (*parts.worn, *parts.held))]:
        entry, mask = canvas.table[value], canvas.labels == value
        if mask.sum() > sliver:
            owner = None if entry.owner is None else index.get(entry.owner)
            things.append(
                DrawnThing(entry.concept, mask, owner, entry.colour, _grip_seen(canvas, value, drawn))
            )
    return Scene(_lit(rng, canvas.image), [person for person in found if person is not None], things)


def _lit(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """A little colour of light and grain, so that no two pictures share exact colours."""
    gain = 1 + rng.normal(0, 0.03, 3) + rng.normal(0, 0.04)
    lit = cv2.multiply(image, np.array([*np.clip(gain, 0.85, 1.08), 0.0]))
    grain = rng.integers(-3, 4, (*image.shape[:2], 1), np.int16)
    return np.clip(lit.astype(np.int16) + grain, 0, 255).astype(np.uint8)
