"""Where people stand: a room, a park, a stage, a street, or nowhere in particular."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ive_segmentation.demo.canvas import (
    Canvas,
    Colour,
    Pen,
    Points,
    ellipse,
    lighter,
    mix,
    pick_colour,
    smooth,
)


@dataclass(frozen=True)
class Ground:
    """What a place is drawn on; lengths are in heights of the picture.

    Attributes:
        ratio: Width of the picture.
        floor: Level where the floor begins.
        base, soft: The place's colour, and its pale shade.
    """

    pen: Pen
    ratio: float
    floor: float
    base: Colour
    soft: Colour

    def fill(self, points: object, colour: Colour, outline: float = 0) -> None:
        """Fill a shape, (N, 2)."""
        self.pen.fill(points, colour, outline=outline)

    def lay_floor(self, colour: Colour) -> None:
        """Fill everything below the floor's level."""
        self.fill(_box(0, self.floor, self.ratio, 1.3 - self.floor), colour)


def _box(x: float, y: float, width: float, height: float) -> Points:
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])


def _gradient(top: Colour, bottom: Colour, width: int, height: int) -> np.ndarray:
    t = np.linspace(0, 1, height)[:, None, None]
    column = np.array(top) * (1 - t) + np.array(bottom) * t
    return np.ascontiguousarray(np.broadcast_to(column, (height, width, 3))).astype(np.uint8)


def _room(rng: np.random.Generator, on: Ground) -> None:
    on.lay_floor(mix((196, 160, 128), on.soft, 0.35))
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0, on.ratio), rng.uniform(0.05, 0.3)
        frame = _box(x, y, rng.uniform(0.12, 0.3), rng.uniform(0.12, 0.25))
        on.fill(frame, mix(pick_colour(rng)[1], on.soft, 0.5), outline=0.008)


def _park(rng: np.random.Generator, on: Ground) -> None:
    for _ in range(3):
        x, r = rng.uniform(0, on.ratio), rng.uniform(0.06, 0.12)
        for dx in (-0.9, 0, 0.9):
            on.fill(ellipse(x + dx * r, rng.uniform(0.08, 0.2), r, r * 0.7), (255, 255, 255))
    right, floor = on.ratio, on.floor
    crest = [
        (-0.3, floor),
        (right * 0.3, floor - 0.16),
        (right * 0.7, floor - 0.06),
        (right + 0.3, floor - 0.2),
    ]
    on.fill(smooth([*crest, (right + 0.3, 1.6), (-0.3, 1.6)]), (156, 204, 150))
    on.lay_floor((178, 218, 160))


def _stage(rng: np.random.Generator, on: Ground) -> None:
    image = on.pen.canvas.image
    height, width = image.shape[:2]
    image[:] = _gradient((46, 38, 78), mix(on.base, (70, 50, 110), 0.6), width, height)
    for _ in range(int(rng.integers(2, 5))):
        x, w = rng.uniform(0, on.ratio), rng.uniform(0.1, 0.25)
        beam = mix((90, 76, 140), pick_colour(rng)[1], 0.4)
        on.fill([(x - 0.02, 0), (x + 0.02, 0), (x + w, on.floor), (x - w, on.floor)], beam)
    on.lay_floor((66, 54, 96))


def _plain(rng: np.random.Generator, on: Ground) -> None:
    on.lay_floor(mix(on.soft, (255, 255, 255), 0.3))
    for _ in range(int(rng.integers(4, 16))):
        x, y, r = rng.uniform(0, on.ratio), rng.uniform(0, 1), rng.uniform(0.008, 0.05)
        on.fill(ellipse(x, y, r, r), mix(pick_colour(rng)[1], on.soft, 0.55))


def _street(rng: np.random.Generator, on: Ground) -> None:
    x = -0.1
    while x < on.ratio:
        w, top = rng.uniform(0.16, 0.34), on.floor - rng.uniform(0.3, 0.75)
        wall = mix(pick_colour(rng)[1], (240, 236, 230), 0.65)
        on.fill(_box(x, top, w, on.floor - top), wall)
        for wy in np.arange(top + 0.05, on.floor - 0.08, 0.11):
            for wx in np.arange(x + 0.03, x + w - 0.05, 0.08):
                on.fill(_box(wx, wy, 0.04, 0.06), mix(wall, (120, 150, 190), 0.45))
        x += w
    on.lay_floor((206, 202, 204))


PLACES: tuple[Callable[[np.random.Generator, Ground], None], ...] = (_room, _park, _stage, _plain, _street)


def draw_place(rng: np.random.Generator, width: int, height: int, floor: float) -> Canvas:
    """A place to stand in, with no labels on it.

    Args:
        rng: Which place, and everything in it.
        width: Pixels.
        height: Pixels.
        floor: The line where the ground begins, in pixels from the top.

    Returns:
        A canvas to draw people on.
    """
    base = pick_colour(rng)[1]
    soft = lighter(base, float(rng.uniform(0.35, 0.75)))
    canvas = Canvas(_gradient(lighter(soft, 0.35), soft, width, height))
    place = PLACES[int(rng.choice(len(PLACES)))]
    place(rng, Ground(Pen.at(canvas, 0, 0, float(height)), width / height, floor / height, base, soft))
    return canvas
