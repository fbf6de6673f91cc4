"""What everything is drawn with: named colours, curves, and a pen that paints a picture and its labels."""

from dataclasses import dataclass, field

import cv2
import numpy as np

Colour = tuple[int, int, int]
Points = np.ndarray

PALETTE: dict[str, tuple[Colour, ...]] = {
    "white": ((250, 249, 245), (243, 240, 232)),
    "black": ((44, 44, 54), (58, 54, 62)),
    "grey": ((150, 154, 162), (126, 130, 140)),
    "red": ((214, 62, 66), (190, 44, 58)),
    "pink": ((246, 160, 186), (240, 126, 164)),
    "orange": ((242, 146, 72), (232, 122, 56)),
    "yellow": ((248, 212, 92), (240, 194, 60)),
    "green": ((92, 168, 118), (66, 138, 100)),
    "blue": ((84, 138, 214), (58, 104, 184)),
    "purple": ((156, 120, 204), (126, 90, 178)),
    "brown": ((140, 98, 72), (116, 80, 58)),
}
"""Garment and thing colours by the word a user would type; several shades each, RGB."""
SHIFT = 4
"""OpenCV's fixed-point coordinates: four fractional bits keep edges smooth at small sizes."""
OUTLINE = 0.038
"""Width of the darker line round most things, in units of the pen."""


def pick_colour(rng: np.random.Generator, names: tuple[str, ...] | None = None) -> tuple[str, Colour]:
    """A colour word from `PALETTE` and one of its shades (RGB)."""
    name = str(rng.choice(names or tuple(PALETTE)))
    shades = PALETTE[name]
    return name, shades[int(rng.integers(len(shades)))]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of colour `b` stirred into colour `a`."""
    return (
        int(a[0] + (b[0] - a[0]) * share),
        int(a[1] + (b[1] - a[1]) * share),
        int(a[2] + (b[2] - a[2]) * share),
    )


def darker(colour: Colour, share: float = 0.28) -> Colour:
    """The colour's own shadow, a little towards violet so that outlines look warm."""
    return mix(colour, (52, 34, 58), share)


def lighter(colour: Colour, share: float) -> Colour:
    """The colour's own light."""
    return mix(colour, (255, 255, 255), share)


def ellipse(
    x: float, y: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0, tilt: float = 0.0
) -> Points:
    """Points (28, 2) along an ellipse; angles in degrees, clockwise on the picture from its right end."""
    t = np.radians(np.linspace(start, end, 28))
    curve = np.stack([rx * np.cos(t), ry * np.sin(t)], 1)
    a = np.radians(tilt)
    return curve @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + (x, y)


def smooth(points: object, closed: bool = True, steps: int = 5) -> Points:
    """A Catmull-Rom curve through the points (N, 2), `steps` points per piece."""
    p = np.asarray(points, np.float64)
    if closed:
        p = np.concatenate([p[-1:], p, p[:2]])
    else:
        p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    curve = curve.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, p[-2:-1]])


@dataclass(frozen=True)
class Label:
    """What one value of the label map stands for."""

    concept: str
    owner: int | None
    colour: str | None = None


@dataclass
class Canvas:
    """A picture and, beside it, which label every pixel belongs to (the topmost one).

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8; 0 is the background, i stands for `table[i]`.
        table: What each value of `labels` stands for.
    """

    image: np.ndarray
    labels: np.ndarray = field(init=False)
    table: list[Label] = field(default_factory=lambda: [Label("background", None)])

    def __post_init__(self) -> None:
        self.labels = np.zeros(self.image.shape[:2], np.uint8)

    def label(self, concept: str, owner: int | None, colour: str | None = None) -> int:
        """A new value of the label map."""
        self.table.append(Label(concept, owner, colour))
        return len(self.table) - 1

    def copy(self) -> "Canvas":
        """A canvas with the same on it, to draw on without changing this one."""
        fresh = Canvas(self.image.copy(), list(self.table))
        fresh.labels[:] = self.labels
        return fresh


@dataclass(frozen=True)
class Pen:
    """Draws in its own coordinates, which `matrix` (2, 3) takes to the canvas's pixels."""

    canvas: Canvas
    matrix: np.ndarray

    @classmethod
    def at(cls, canvas: Canvas, x: float, y: float, unit: float, angle: float = 0.0) -> "Pen":
        """A pen whose origin lies at pixel (x, y), whose unit is `unit` pixels, turned by degrees."""
        a = np.radians(angle)
        turn = unit * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        return cls(canvas, np.concatenate([turn, [[x], [y]]], 1))

    def moved(self, x: float, y: float, angle: float = 0.0) -> "Pen":
        """A pen with its origin at (x, y) of this one, turned by degrees."""
        a = np.radians(angle)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        linear = self.matrix[:, :2]
        return Pen(self.canvas, np.concatenate([linear @ turn, self.pixels([[x, y]]).T], 1))

    def narrowed(self, share: float) -> "Pen":
        """A pen that draws everything `share` as wide: what has turned aside."""
        return Pen(self.canvas, self.matrix * (share, 1.0, 1.0))

    @property
    def unit(self) -> float:
        """Pixels per unit."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def pixels(self, points: object) -> np.ndarray:
        """The points (N, 2) in the canvas's pixels."""
        return np.asarray(points, np.float64) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def fill(
        self, points: object, colour: Colour | None, label: int | None = None, outline: float = OUTLINE
    ) -> None:
        """Fill a closed shape; `colour` None marks the label alone, `label` None paints the picture alone.

        Args:
            points: (N, 2) corners in the pen's coordinates.
            colour: RGB.
            label: Value for the label map.
            outline: Width of the darker outline, in units; 0 for none.
        """
        corners = [np.round(self.pixels(points) * (1 << SHIFT)).astype(np.int32)]
        width = max(1, round(outline * self.unit)) if outline else 0
        if colour is not None:
            cv2.fillPoly(self.canvas.image, corners, colour, cv2.LINE_AA, SHIFT)
            if width:
                cv2.polylines(self.canvas.image, corners, True, darker(colour), width, cv2.LINE_AA, SHIFT)
        if label is not None:
            cv2.fillPoly(self.canvas.labels, corners, label, cv2.LINE_8, SHIFT)
            if width > 1:
                cv2.polylines(self.canvas.labels, corners, True, label, width, cv2.LINE_8, SHIFT)

    def stroke(self, points: object, width: float, colour: Colour, label: int | None = None) -> None:
        """Draw an open line through the points (N, 2), `width` units wide."""
        line = [np.round(self.pixels(points) * (1 << SHIFT)).astype(np.int32)]
        thickness = max(1, round(width * self.unit))
        cv2.polylines(self.canvas.image, line, False, colour, thickness, cv2.LINE_AA, SHIFT)
        if label is not None:
            cv2.polylines(self.canvas.labels, line, False, label, thickness, cv2.LINE_8, SHIFT)

    def limb(self, points: object, width: float, colour: Colour, label: int) -> None:
        """A rounded band along the points (N, 2) with an outline: arms, legs, sleeves."""
        self.stroke(points, width + OUTLINE, darker(colour), label)
        self.stroke(points, width - OUTLINE, colour)
