"""Things that are held or lie about: each drawn with its grip at the pen's origin, upright."""

from collections.abc import Callable

import numpy as np

from ive_segmentation.demo.canvas import Colour, Pen, darker, ellipse, lighter, mix, smooth

WORN = ("shirt", "skirt", "pants", "dress", "jacket", "hat", "shoe", "glasses", "necklace")
HELD = ("bag", "microphone", "phone", "bouquet", "lightstick")
CONCEPTS = ("person", "face", "hair", *WORN, *HELD)
"""Every noun the world knows."""


def draw_bag(pen: Pen, colour: Colour, label: int | None) -> None:
    """A handbag that hangs from the grip."""
    pen.stroke(ellipse(0, 0.75, 0.42, 0.75, 180, 360), 0.14, darker(colour, 0.3), label)
    pen.fill(
        smooth([(-0.62, 0.7), (0.62, 0.7), (0.8, 1.6), (0.6, 1.85), (-0.6, 1.85), (-0.8, 1.6)], steps=4),
        colour,
        label,
    )
    pen.fill([(-0.66, 0.72), (0.66, 0.72), (0.5, 1.15), (0, 1.28), (-0.5, 1.15)], darker(colour, 0.14), label)
    pen.fill(ellipse(0, 1.22, 0.12, 0.12), (252, 222, 130), label, outline=0.03)


def draw_microphone(pen: Pen, colour: Colour, label: int | None) -> None:
    """A microphone, its head up."""
    pen.fill([(-0.2, -0.55), (0.2, -0.55), (0.15, 0.75), (-0.15, 0.75)], colour, label)
    pen.fill(ellipse(0, -0.85, 0.4, 0.42), (168, 172, 184), label)
    pen.stroke([(-0.36, -0.78), (0.36, -0.78)], 0.06, (110, 114, 128))
    pen.stroke(ellipse(-0.08, -0.92, 0.18, 0.2, 190, 270), 0.07, (232, 234, 240))
    pen.stroke([(-0.22, -0.46), (0.22, -0.46)], 0.11, lighter(colour, 0.6), label)


def draw_phone(pen: Pen, colour: Colour, label: int | None) -> None:
    """A phone, its back or its screen to the viewer."""
    pen.fill(smooth([(-0.4, -0.95), (0.4, -0.95), (0.4, 0.5), (-0.4, 0.5)], steps=3), colour, label)
    pen.fill(
        [(-0.32, -0.84), (0.32, -0.84), (0.32, 0.38), (-0.32, 0.38)],
        mix(colour, (120, 190, 236), 0.75),
        label,
        outline=0,
    )
    pen.stroke([(-0.2, -0.6), (0.16, -0.2)], 0.06, (240, 250, 255))


def draw_bouquet(pen: Pen, colour: Colour, label: int | None) -> None:
    """Flowers in paper, the stems at the grip."""
    paper = (250, 240, 222)
    pen.fill([(-0.16, 0.6), (0.16, 0.6), (0.85, -0.9), (-0.85, -0.9)], paper, label)
    centres = [(-0.6, -0.95), (0.6, -0.95), (0, -0.85), (-0.32, -1.4), (0.34, -1.4), (0, -1.1)]
    for i, (x, y) in enumerate(centres):
        pen.fill(ellipse(x, y, 0.36, 0.34), lighter(colour, 0.22) if i % 2 else colour, label)
        pen.fill(ellipse(x, y, 0.13, 0.12), (252, 226, 140), label, outline=0)
    pen.fill([(-0.2, 0.12), (0.2, 0.12), (0.24, 0.3), (-0.24, 0.3)], darker(colour, 0.2), label)


def draw_lightstick(pen: Pen, colour: Colour, label: int | None) -> None:
    """A fan's light stick: a white handle and a glowing globe."""
    pen.fill([(-0.15, -0.3), (0.15, -0.3), (0.15, 0.85), (-0.15, 0.85)], (246, 244, 250), label)
    pen.fill([(-0.3, -0.55), (0.3, -0.55), (0.2, -0.25), (-0.2, -0.25)], (214, 210, 226), label)
    pen.fill(ellipse(0, -1.0, 0.6, 0.58), lighter(colour, 0.25), label)
    pen.fill(ellipse(0, -1.0, 0.36, 0.34), lighter(colour, 0.65), label, outline=0)
    heart = [(0, -0.8), (-0.22, -1.04), (-0.12, -1.18), (0, -1.08), (0.12, -1.18), (0.22, -1.04)]
    pen.fill(heart, colour, label, outline=0)


def draw_shoe(pen: Pen, colour: Colour, label: int | None, kind: str = "sneaker", out: float = 1) -> None:
    """One shoe whose ankle is the origin; the toe points down and to the side `out`."""
    if kind == "boot":
        pen.fill([(-0.3, -0.75), (0.3, -0.75), (0.32, 0.2), (-0.32, 0.2)], colour, label)
    toe = [
        (-0.34, -0.12),
        (0.34, -0.12),
        (0.42 + 0.2 * out, 0.25),
        (0.34 + 0.2 * out, 0.42),
        (-0.34 + 0.2 * out, 0.42),
        (-0.42 + 0.2 * out, 0.25),
    ]
    pen.fill(smooth(toe, steps=4), colour, label)
    if kind == "sneaker":
        pen.stroke([(-0.4 + 0.2 * out, 0.36), (0.4 + 0.2 * out, 0.36)], 0.12, lighter(colour, 0.75), label)
        pen.stroke([(-0.14 + 0.08 * out, 0.06), (0.2 + 0.08 * out, 0.06)], 0.06, lighter(colour, 0.75))
    elif kind == "pump":
        pen.stroke([(-0.2, -0.1), (0.2, -0.1)], 0.08, darker(colour, 0.3), label)


def draw_loose_hat(pen: Pen, colour: Colour, label: int | None) -> None:
    """A bucket hat that lies on the floor."""
    pen.fill(np.concatenate([ellipse(0, -0.1, 0.85, 0.8, 180, 360), [(0.85, 0), (-0.85, 0)]]), colour, label)
    pen.fill(ellipse(0, 0.05, 1.35, 0.24), colour, label)
    pen.stroke([(-0.8, -0.12), (0.8, -0.12)], 0.14, darker(colour, 0.35), label)


Draw = Callable[[Pen, Colour, int | None], None]

DRAW_HELD: dict[str, Draw] = {
    "bag": draw_bag,
    "microphone": draw_microphone,
    "phone": draw_phone,
    "bouquet": draw_bouquet,
    "lightstick": draw_lightstick,
}
DRAW_LOOSE: dict[str, tuple[Draw, float]] = {
    "bag": (draw_bag, 1.85),
    "bouquet": (draw_bouquet, 0.6),
    "microphone": (draw_microphone, 0.75),
    "lightstick": (draw_lightstick, 0.85),
    "phone": (draw_phone, 0.5),
    "hat": (draw_loose_hat, 0.25),
    "shoe": (draw_shoe, 0.42),
}
"""What can lie about, with how far below the pen's origin it touches the floor."""
THING_COLOURS: dict[str, tuple[str, ...]] = {
    "microphone": ("black", "black", "grey", "pink", "blue", "red"),
    "phone": ("black", "white", "grey", "blue", "pink"),
    "bouquet": ("red", "pink", "orange", "yellow", "purple", "white"),
    "lightstick": ("pink", "blue", "purple", "red", "green", "orange"),
}
"""Colours that make sense for a thing; the rest take any."""
