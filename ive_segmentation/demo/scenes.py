"""Group pictures: people and things put together, with the exact truth of what is visible."""

from dataclasses import replace

import cv2
import numpy as np

from ive_segmentation.demo.canvas import Canvas, Colour, Pen, ellipse, lighter, mix, pick_colour, smooth
from ive_segmentation.demo.people import (
    CROWN, MEMBERS, SOLE, Drawn, Identity, draw_person, random_look, random_necklace, random_outfit, random_pose, stranger,
)  # fmt: skip
from ive_segmentation.demo.things import DRAW_LOOSE, THING_COLOURS
from ive_segmentation.demo.truth import DrawnPerson, DrawnThing, Scene, box_of

SHOTS = ("wide", "medium", "close")
#: A face counts as shown from this share of its own area on; the fringe alone hides up to a third.
FACE_SHOWN = 0.42
#: Slivers are no instance: the least visible pixels, as a share of the picture.
SLIVER = 2.5e-4


def _gradient(top: Colour, bottom: Colour, width: int, height: int) -> np.ndarray:
    t = np.linspace(0, 1, height)[:, None, None]
    column = np.array(top) * (1 - t) + np.array(bottom) * t
    return np.ascontiguousarray(np.broadcast_to(column, (height, width, 3))).astype(np.uint8)


def _background(rng: np.random.Generator, width: int, height: int, floor: float) -> Canvas:
    """A place to stand in; `floor` is the line where the ground begins, pixels."""
    base = pick_colour(rng)[1]
    soft = lighter(base, float(rng.uniform(0.35, 0.75)))
    canvas = Canvas(_gradient(lighter(soft, 0.35), soft, width, height))
    pen = Pen.at(canvas, 0, 0, float(height))
    ratio, ground = width / height, floor / height
    kind = str(rng.choice(["room", "park", "stage", "plain", "street"]))
    if kind == "park":
        for _ in range(3):
            x, r = rng.uniform(0, ratio), rng.uniform(0.06, 0.12)
            for dx in (-0.9, 0, 0.9):
                pen.fill(ellipse(x + dx * r, rng.uniform(0.08, 0.2), r, r * 0.7), (255, 255, 255), outline=0)
        hill = smooth([(-0.3, ground), (ratio * 0.3, ground - 0.16), (ratio * 0.7, ground - 0.06), (ratio + 0.3, ground - 0.2), (ratio + 0.3, 1.6), (-0.3, 1.6)])
        pen.fill(hill, (156, 204, 150), outline=0)
        pen.fill([(0, ground), (ratio, ground), (ratio, 1.3), (0, 1.3)], (178, 218, 160), outline=0)
    elif kind == "stage":
        canvas.image[:] = _gradient((46, 38, 78), mix(base, (70, 50, 110), 0.6), width, height)
        for _ in range(int(rng.integers(2, 5))):
            x, w = rng.uniform(0, ratio), rng.uniform(0.1, 0.25)
            beam = mix((90, 76, 140), pick_colour(rng)[1], 0.4)
            pen.fill([(x - 0.02, 0), (x + 0.02, 0), (x + w, ground), (x - w, ground)], beam, outline=0)
        pen.fill([(0, ground), (ratio, ground), (ratio, 1.3), (0, 1.3)], (66, 54, 96), outline=0)
    elif kind == "street":
        x = -0.1
        while x < ratio:
            w, top = rng.uniform(0.16, 0.34), ground - rng.uniform(0.3, 0.75)
            wall = mix(pick_colour(rng)[1], (240, 236, 230), 0.65)
            pen.fill([(x, top), (x + w, top), (x + w, ground), (x, ground)], wall, outline=0)
            for wy in np.arange(top + 0.05, ground - 0.08, 0.11):
                for wx in np.arange(x + 0.03, x + w - 0.05, 0.08):
                    pen.fill([(wx, wy), (wx + 0.04, wy), (wx + 0.04, wy + 0.06), (wx, wy + 0.06)], mix(wall, (120, 150, 190), 0.45), outline=0)
            x += w
        pen.fill([(0, ground), (ratio, ground), (ratio, 1.3), (0, 1.3)], (206, 202, 204), outline=0)
    elif kind == "room":
        pen.fill([(0, ground), (ratio, ground), (ratio, 1.3), (0, 1.3)], mix((196, 160, 128), soft, 0.35), outline=0)
        for _ in range(int(rng.integers(1, 4))):
            x, y, w, h = rng.uniform(0, ratio), rng.uniform(0.05, 0.3), rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.25)
            pen.fill([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], mix(pick_colour(rng)[1], soft, 0.5), outline=0.008)
    else:
        pen.fill([(0, ground), (ratio, ground), (ratio, 1.3), (0, 1.3)], mix(soft, (255, 255, 255), 0.3), outline=0)
        for _ in range(int(rng.integers(4, 16))):
            x, y, r = rng.uniform(0, ratio), rng.uniform(0, 1), rng.uniform(0.008, 0.05)
            pen.fill(ellipse(x, y, r, r), mix(pick_colour(rng)[1], soft, 0.55), outline=0)
    return canvas


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
        away, hidden: chances of each person to face away, or to hide the face.
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
    tall = {"wide": CROWN + SOLE + 0.9, "medium": float(rng.uniform(5.2, 7.0)), "close": float(rng.uniform(2.8, 4.2))}[shot]
    unit = min(height / tall, spacing / float(rng.uniform(2.3, 3.3) if count > 1 else rng.uniform(2.6, 3.6)))
    if shot == "wide":
        unit *= float(rng.uniform(0.78, 1.0))
    spare = max(0.0, height - unit * (CROWN + 0.7 + (SOLE if shot == "wide" else tall - CROWN - 1.0)))
    head_y = unit * (CROWN + 0.7) + spare * float(rng.uniform(0.4, 1.0) if shot == "wide" else rng.uniform(0.1, 0.6))
    floor = min(height * float(rng.uniform(0.75, 0.95)), head_y + unit * (SOLE - 0.7))
    canvas = _background(rng, width, height, floor)

    loose: list[int] = []

    def lay(low: float) -> None:
        kind = str(rng.choice(list(DRAW_LOOSE)))
        name, colour = pick_colour(rng, THING_COLOURS.get(kind))
        draw, foot = DRAW_LOOSE[kind]
        loose.append(canvas.label(kind, None, name))
        size_of = unit * float(rng.uniform(0.9, 1.15))
        y = low - foot * size_of
        draw(Pen.at(canvas, float(rng.uniform(0.06, 0.94)) * width, y, size_of, float(rng.uniform(-12, 12))), colour, loose[-1])

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
            things.append(DrawnThing(entry.concept, mask, owner, entry.colour, _grip_seen(canvas, value, drawn)))
    return Scene(_lit(rng, canvas.image), [person for person in found if person is not None], things)


def _lit(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """A little colour of light and grain, so that no two pictures share exact colours."""
    gain = 1 + rng.normal(0, 0.03, 3) + rng.normal(0, 0.04)
    lit = cv2.multiply(image, (*np.clip(gain, 0.85, 1.08), 0.0))
    grain = rng.integers(-3, 4, (*image.shape[:2], 1), np.int16)
    return np.clip(lit.astype(np.int16) + grain, 0, 255).astype(np.uint8)
