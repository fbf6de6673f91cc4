"""Hats and glasses."""

import numpy as np

from ive_segmentation.demo.canvas import Colour, Pen, darker, ellipse, lighter, smooth

HATS = ("cap", "bucket", "beret", "beanie")


def draw_hat(pen: Pen, kind: str, colour: Colour, side: int, label: int | None) -> None:
    """A hat worn on the head whose centre is the pen's origin."""
    band = darker(colour, 0.35)
    if kind == "cap":
        pen.fill(
            np.concatenate([ellipse(0, -0.55, 1.2, 1.02, 180, 360), [(1.2, -0.5), (-1.2, -0.5)]]),
            colour,
            label,
        )
        brim = [
            (-1.15 * side, -0.62),
            (0.4 * side, -0.78),
            (1.75 * side, -0.58),
            (1.6 * side, -0.36),
            (0, -0.42),
        ]
        pen.fill(smooth(brim), band, label)
        pen.fill(ellipse(0, -1.1, 0.22, 0.2), lighter(colour, 0.7), label, outline=0)
    elif kind == "bucket":
        pen.fill([(-0.8, -1.55), (0.8, -1.55), (1.12, -0.68), (-1.12, -0.68)], colour, label)
        pen.fill(smooth([(-1.1, -0.82), (1.1, -0.82), (1.6, -0.3), (0, -0.42), (-1.6, -0.3)]), colour, label)
        pen.stroke([(-1.05, -0.84), (1.05, -0.84)], 0.13, band, label)
    elif kind == "beret":
        pen.fill(ellipse(0.25 * side, -0.95, 1.38, 0.6, tilt=8 * side), colour, label)
        pen.stroke(ellipse(0, -0.45, 1.08, 0.35, 200, 340), 0.13, band, label)
        pen.fill(ellipse(0.2 * side, -1.55, 0.09, 0.13), band, label, outline=0)
    else:
        pen.fill(
            np.concatenate([ellipse(0, -0.55, 1.2, 1.1, 180, 360), [(1.2, -0.5), (-1.2, -0.5)]]),
            colour,
            label,
        )
        pen.fill([(-1.24, -0.8), (1.24, -0.8), (1.22, -0.42), (-1.22, -0.42)], band, label)
        pen.fill(ellipse(0, -1.7, 0.3, 0.28), lighter(colour, 0.5), label)


def draw_glasses(pen: Pen, eyes: np.ndarray, colour: Colour, rounded: bool, label: int | None) -> None:
    """Glasses before the two eyes (2, 2); their lenses are theirs, but clear."""
    (lx, ly), (rx, ry) = eyes
    for x, y in ((lx, ly), (rx, ry)):
        box = [(x - 0.37, y - 0.25), (x + 0.37, y - 0.25), (x + 0.33, y + 0.3), (x - 0.33, y + 0.3)]
        lens = ellipse(x, y + 0.02, 0.37, 0.35) if rounded else smooth(box, steps=4)
        pen.fill(lens, None, label, outline=0)
        pen.stroke(np.concatenate([lens, lens[:1]]), 0.1, colour, label)
    for line in ([(lx + 0.3, ly - 0.03), (rx - 0.3, ry - 0.03)], [(lx - 0.36, ly - 0.05), (-0.98, ly - 0.1)],
                 [(rx + 0.36, ry - 0.05), (0.98, ry - 0.1)]):  # fmt: skip
        pen.stroke(line, 0.09, colour, label)
