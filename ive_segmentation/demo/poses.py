"""How people stand, where their hands are, and what is in them."""

from dataclasses import dataclass

import numpy as np

from ive_segmentation.demo.canvas import pick_colour
from ive_segmentation.demo.outfits import Named
from ive_segmentation.demo.things import DRAW_HELD, THING_COLOURS

HANDS: dict[str, tuple[float, float]] = {
    "down": (1.45, 4.2),
    "hip": (1.0, 3.75),
    "chest": (0.6, 2.75),
    "side": (2.35, 3.0),
    "wave": (2.05, 0.1),
    "up": (1.95, -0.95),
    "mouth": (0.62, 1.72),
    "cheek": (1.12, 0.95),
    "face": (0.45, 0.35),
}
"""Where a hand can be, for the arm on the picture's right; y down, in units from the head's centre."""
GRIPS: dict[str, tuple[tuple[str, float], ...]] = {
    "bag": (("down", 0), ("down", 0), ("side", 0), ("chest", 0)),
    "microphone": (("mouth", -18), ("chest", -14), ("side", 25), ("down", 160)),
    "phone": (("chest", -10), ("side", 8), ("wave", 5), ("up", 0)),
    "bouquet": (("chest", 14), ("side", 18), ("down", 25), ("face", 0)),
    "lightstick": (("wave", 12), ("up", 8), ("side", 20), ("chest", 10)),
}
"""Where the hand goes with each held thing, and how the thing is turned there (degrees, outward positive)."""


DEPTH = 0.58
"""How deep a body is, as a share of its width: what is left of the width in profile."""


@dataclass(frozen=True)
class Turned:
    """What a person who turns or walks adds to a pose.

    Attributes:
        angle: Radians away from the viewer, positive to the picture's right; beyond a quarter turn the pose
            is `away`.
        ankles: (x, y) of the picture's left and right leg, in units from the head's centre.
        toes: Where the two toes point, -1 (left) to 1 (right).
    """

    angle: float
    ankles: tuple[tuple[float, float], tuple[float, float]]
    toes: tuple[float, float]

    @property
    def width(self) -> float:
        """How wide the body looks: the outline of an ellipse seen from `angle`."""
        return float(np.hypot(np.cos(self.angle), DEPTH * np.sin(self.angle)))

    @property
    def spread(self) -> float:
        """How far shoulders and hips lie apart in the narrowed body; in profile one hides the other."""
        return float(abs(np.cos(self.angle))) / self.width


@dataclass(frozen=True)
class Pose:
    """How one person stands.

    Attributes:
        away: Whether the person faces away.
        lean: Of the whole body, degrees.
        tilt: Of the head, degrees.
        stance: How wide the legs stand, in units: each ankle is 1.1 times that from the middle.
        hands: (x, y) of the picture's left and right hand, in units from the head's centre.
        held: For each of them the noun, its colour (word, RGB) and how it is turned in degrees, or None.
        turned: What turning or walking adds, or None.
    """

    away: bool
    lean: float
    tilt: float
    stance: float
    hands: tuple[tuple[float, float], tuple[float, float]]
    held: tuple[tuple[str, Named, float] | None, tuple[str, Named, float] | None]
    turned: Turned | None = None


def random_pose(rng: np.random.Generator, away: float, hidden: float, holding: float) -> Pose:
    """A stance, two arms and what they hold; `away`, `hidden` and `holding` (each hand) are chances."""
    turned = bool(rng.random() < away)
    hides = not turned and bool(rng.random() < hidden)
    hands, held = [], []
    both = str(rng.choice(["cheek", "hip", "wave", "up", "down"])) if rng.random() < 0.25 else None
    for side in (-1, 1):
        thing = None
        place = both or str(rng.choice(["down", "down", "hip", "chest", "side", "wave", "up", "cheek"]))
        if hides:
            place = "face"
            kind = str(rng.choice(["bouquet", "phone", "none"])) if side == 1 else "none"
            if kind != "none":
                thing = (kind, pick_colour(rng, THING_COLOURS[kind]), float(rng.uniform(-8, 8)))
        elif rng.random() < holding:
            kind = str(rng.choice(list(DRAW_HELD)))
            grips = [g for g in GRIPS[kind] if g[0] != "face"]
            place, angle = grips[int(rng.integers(len(grips)))]
            thing = (
                kind,
                pick_colour(rng, THING_COLOURS.get(kind)),
                side * angle + float(rng.uniform(-10, 10)),
            )
        if turned and place in ("chest", "mouth"):
            place = "side"
        x, y = HANDS[place]
        wobble = rng.uniform(-0.16, 0.16, 2) if place != "face" else rng.uniform(-0.06, 0.06, 2)
        hands.append((side * (x + float(wobble[0])), y + float(wobble[1])))
        held.append(thing)
    return Pose(
        away=turned,
        lean=float(rng.normal(0, 2.5)),
        tilt=float(np.clip(rng.normal(0, 6), -16, 16)),
        stance=float(rng.uniform(0.34, 0.62)),
        hands=(hands[0], hands[1]),
        held=(held[0], held[1]),
    )
