"""People and things drawn as bare masks, in the proportions of real bodies: these tests' own pictures.

Lengths are in face heights (chin to hairline) of the figure; a figure of proportion 1 is 7.5 heads tall.
Parts are painted one over the other, so a later part hides an earlier one, as in a picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

Point = tuple[float, float]

ARMS: dict[str, tuple[Point, Point]] = {
    # Elbow and hand, from the chin, outwards and down.
    "down": ((1.45, 2.3), (1.5, 4.0)),
    "at mouth": ((1.5, 2.4), (0.55, 0.55)),
    "out": ((2.4, 1.2), (3.6, 1.4)),
    "out low": ((2.0, 2.2), (3.0, 3.4)),
    "up": ((1.7, 0.2), (1.5, -1.9)),
    "before chest": ((1.6, 2.3), (0.5, 2.0)),
}
"""Poses by name."""


def rectangle(left: int, top: int, right: int, bottom: int, size: tuple[int, int] = (400, 800)) -> np.ndarray:
    """A mask of one rectangle."""
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


@dataclass
class Canvas:
    """Who and what is seen at each pixel; -1 is neither."""

    size: tuple[int, int]
    people: np.ndarray = field(init=False)
    things: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.people = np.full(self.size, -1, np.int16)
        self.things = np.full(self.size, -1, np.int16)

    def line(self, points: list[Point], width: float, person: int, thing: int = -1) -> None:
        corners = np.round(np.array(points) * 16).astype(np.int32)
        stencil = np.zeros(self.size, np.uint8)
        cv2.polylines(stencil, [corners], False, 1, max(1, round(width)), cv2.LINE_8, 4)
        self._paint(stencil, person, thing)

    def polygon(self, points: list[Point], person: int, thing: int = -1) -> None:
        stencil = np.zeros(self.size, np.uint8)
        cv2.fillPoly(stencil, [np.round(np.array(points) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        self._paint(stencil, person, thing)

    def ellipse(self, middle: Point, rx: float, ry: float, person: int, thing: int = -1) -> None:
        t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        outline = zip(middle[0] + rx * np.cos(t), middle[1] + ry * np.sin(t), strict=True)
        self.polygon(list(outline), person, thing)

    def _paint(self, stencil: np.ndarray, person: int, thing: int) -> None:
        self.people[stencil > 0] = person
        self.things[stencil > 0] = thing


@dataclass
class Figure:
    """One person: where the chin is, how large, how the arms (left and right on the picture) are held."""

    chin: Point
    unit: float
    arms: tuple[str, str] = ("down", "down")
    legs: float = 1.0
    """Length below the hips against a real body's; half makes a cartoon's."""

    def at(self, across: float, down: float) -> Point:
        return self.chin[0] + across * self.unit, self.chin[1] + down * self.unit

    def hand(self, side: int) -> Point:
        """Where the hand is; side 0 is the left on the picture, 1 the right."""
        across, down = ARMS[self.arms[side]][1]
        return self.at(across if side else -across, down)

    @property
    def face_box(self) -> np.ndarray:
        (x0, y0), (x1, y1) = self.at(-0.4, -1.0), self.at(0.4, 0.0)
        return np.array([x0, y0, x1, y1], np.float32)

    @property
    def ground(self) -> float:
        return self.at(0, 3.7 + 4.2 * self.legs)[1]

    def paint_body(self, canvas: Canvas, person: int) -> None:
        unit, knees = self.unit, 3.7 + 2.1 * self.legs
        for side in (-1, 1):
            leg = [
                self.at(side * 0.45, 3.4),
                self.at(side * 0.5, knees),
                self.at(side * 0.5, 3.7 + 4 * self.legs),
            ]
            canvas.line(leg, 0.65 * unit, person)
            canvas.ellipse(
                (leg[-1][0] + side * 0.1 * unit, self.ground - 0.2 * unit), 0.4 * unit, 0.2 * unit, person
            )
        trunk = [
            (-1.15, 0.55),
            (-0.3, 0.3),
            (0.3, 0.3),
            (1.15, 0.55),
            (0.75, 2.4),
            (0.9, 3.7),
            (-0.9, 3.7),
            (-0.75, 2.4),
        ]
        canvas.polygon([self.at(*p) for p in trunk], person)
        canvas.line([self.at(0, -0.3), self.at(0, 0.5)], 0.5 * unit, person)
        canvas.ellipse(self.at(0, -0.6), 0.55 * unit, 0.72 * unit, person)

    def paint_arm(self, canvas: Canvas, person: int, side: int) -> None:
        sign = 1 if side else -1
        elbow = ARMS[self.arms[side]][0]
        arm = [self.at(sign * 1.0, 0.75), self.at(sign * elbow[0], elbow[1]), self.hand(side)]
        canvas.line(arm, 0.38 * self.unit, person)

    def paint_hand(self, canvas: Canvas, person: int, side: int) -> None:
        canvas.ellipse(self.hand(side), 0.24 * self.unit, 0.24 * self.unit, person)


def paint_held(canvas: Canvas, kind: str, hand: Point, unit: float, towards: Point, thing: int) -> None:
    """A thing in a hand; `towards` is the direction (unit vector) in which its far end points."""
    x, y = hand
    dx, dy = towards

    def along(distance: float) -> Point:
        return x + distance * unit * dx, y + distance * unit * dy

    if kind == "microphone":
        canvas.line([along(-0.35), along(0.6)], 0.16 * unit, -1, thing)
        canvas.ellipse(along(0.65), 0.19 * unit, 0.19 * unit, -1, thing)
    elif kind == "lightstick":
        canvas.line([along(-0.3), along(0.8)], 0.14 * unit, -1, thing)
        canvas.ellipse(along(1.0), 0.4 * unit, 0.4 * unit, -1, thing)
    elif kind == "phone":
        canvas.line([along(-0.2), along(0.5)], 0.5 * unit, -1, thing)
    elif kind == "bouquet":
        canvas.line([along(-0.4), along(0.4)], 0.25 * unit, -1, thing)
        canvas.ellipse(along(0.8), 0.7 * unit, 0.6 * unit, -1, thing)
    elif kind == "bag":
        canvas.line([(x, y), (x - 0.35 * unit, y + 0.6 * unit)], 0.1 * unit, -1, thing)
        canvas.line([(x, y), (x + 0.35 * unit, y + 0.6 * unit)], 0.1 * unit, -1, thing)
        corners = [(-0.6, 0.6), (0.6, 0.6), (0.7, 1.7), (-0.7, 1.7)]
        canvas.polygon([(x + a * unit, y + b * unit) for a, b in corners], -1, thing)
    else:
        raise ValueError(kind)
