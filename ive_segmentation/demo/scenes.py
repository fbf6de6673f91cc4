"""Group pictures: people and things put together."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ive_segmentation.demo.canvas import Canvas, Pen, pick_colour
from ive_segmentation.demo.heads import random_look
from ive_segmentation.demo.identities import MEMBERS, Identity, stranger
from ive_segmentation.demo.outfits import random_necklace, random_outfit
from ive_segmentation.demo.people import CROWN, SOLE, Drawn, draw_person
from ive_segmentation.demo.places import draw_place
from ive_segmentation.demo.poses import random_pose
from ive_segmentation.demo.seen import read_canvas
from ive_segmentation.demo.things import DRAW_LOOSE, THING_COLOURS
from ive_segmentation.demo.truth import Scene

SHOTS = ("wide", "medium", "close")


def _choose(rng: np.random.Generator, count: int, strangers: float) -> list[Identity]:
    """Members without repetition, and strangers."""
    members = list(rng.permutation(list(MEMBERS)))
    return [stranger(rng) if rng.random() < strangers else MEMBERS[str(members[i])] for i in range(count)]


@dataclass(frozen=True)
class Framing:
    """How near the people are, in pixels: the size of a head's half width, and the levels in the picture."""

    unit: float
    head_y: float
    floor: float


def frame_people(rng: np.random.Generator, shot: str, count: int, size: tuple[int, int]) -> Framing:
    """Choose how large people are drawn, so that `count` of them fit side by side.

    Args:
        rng: Where the rest comes from.
        shot: One of `SHOTS`.
        count: How many people.
        size: Width and height in pixels.

    Returns:
        The half width of a head, the level of the heads' centres, and where the floor begins.
    """
    width, height = size
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
    return Framing(unit, head_y, floor)


def lay_thing(rng: np.random.Generator, canvas: Canvas, unit: float, low: float) -> int:
    """Draw something that lies about, its foot at the level `low` in pixels; returns its label."""
    kind = str(rng.choice(list(DRAW_LOOSE)))
    name, colour = pick_colour(rng, THING_COLOURS.get(kind))
    draw, foot = DRAW_LOOSE[kind]
    label = canvas.label(kind, None, name)
    size = unit * float(rng.uniform(0.9, 1.15))
    x = float(rng.uniform(0.06, 0.94)) * canvas.labels.shape[1]
    draw(Pen.at(canvas, x, low - foot * size, size, float(rng.uniform(-12, 12))), colour, label)
    return label


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
        seed: Everything random comes from it.
        people: How many, 1 to 6; by default drawn at random.
        size: Width and height in pixels.
        shot: One of `SHOTS`; by default drawn at random.
        strangers: Chance of each person to be nobody's.
        members: Whom to draw (folder names), instead of drawing by lot.
        twins: Chance that everybody wears the same.
        away: Chance of each person to face away.
        hidden: Chance of each person who does not to hide the face.
        holding: Chance of each hand to hold something.

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
    framing = frame_people(rng, shot, count, size)
    unit, head_y = framing.unit, framing.head_y
    canvas = draw_place(rng, width, height, framing.floor)
    loose: list[int] = []
    if shot == "wide" and rng.random() < 0.4:
        loose.append(lay_thing(rng, canvas, unit, head_y + unit * (SOLE - 0.3)))
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
        low = min(height * 0.99, head_y + unit * (SOLE + float(rng.uniform(0.2, 0.7))))
        loose.append(lay_thing(rng, canvas, unit, low))
    image = lit(canvas.image, random_light(rng), random_grain(rng, canvas.labels.shape))
    return read_canvas(canvas, image, cast, drawn, loose).scene


def random_light(rng: np.random.Generator) -> np.ndarray:
    """A little colour of light: gains (3,) of red, green and blue."""
    return np.clip(1 + rng.normal(0, 0.03, 3) + rng.normal(0, 0.04), 0.85, 1.08)


def random_grain(rng: np.random.Generator, shape: tuple[int, ...], most: int = 3) -> np.ndarray:
    """Grain (H, W, 1) int16 for a picture of `shape` (H, W), between -`most` and `most`."""
    return rng.integers(-most, most + 1, (*shape, 1), np.int16)


def lit(image: np.ndarray, light: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """The picture in that light and with that grain, so that no two share exact colours."""
    bright = cv2.multiply(image, np.array([*light, 0.0]))
    return np.clip(bright.astype(np.int16) + grain, 0, 255).astype(np.uint8)
