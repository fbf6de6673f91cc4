"""How drawn people move: what one person does in a shot, and where that puts the body in every frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from ive_segmentation.demo.heads import Look
from ive_segmentation.demo.outfits import Named
from ive_segmentation.demo.people import SOLE
from ive_segmentation.demo.poses import DEPTH, GRIPS, HANDS, Pose, Turned

STEP, LIFT = 0.85, 0.42
"""Half a step, and how high a foot is lifted, in head half widths."""
HEADING, BRISK = 0.7, 2.2
"""Who walks turns this far into the way, radians; from this speed on, head half widths per second."""
IDLE = ("down", "down", "down", "hip", "chest", "side", "wave", "up", "cheek")
"""Places of an empty hand, the frequent ones more than once."""

Keys = dict[float, ArrayLike]
Prop = tuple[str, Named]
"""What is held: its noun and its colour."""


@dataclass
class Part:
    """What one person does in a shot: keys (second -> value) between which everything moves smoothly.

    Attributes:
        unit: Half the head's width, pixels.
        x: The head's centre, pixels.
        angle: Radians turned away from the viewer; pi shows the back.
        gaze: Where the face looks, -1 to 1.
        hands: For the arm on the picture's left and right while the person faces the viewer: (x, y, angle of
            what is held), in units from the head's centre and degrees.
        holds: For each of the two arms, what it holds from a second on: an index of the props or -1.
        busy: For each of the two arms, from when to when its keys are set already.
    """

    unit: float
    x: Keys
    angle: Keys = field(default_factory=lambda: {0.0: 0.0})
    gaze: Keys = field(default_factory=lambda: {0.0: 0.0})
    hands: tuple[Keys, Keys] = field(default_factory=lambda: ({}, {}))
    holds: tuple[dict[float, int], dict[float, int]] = field(default_factory=lambda: ({0.0: -1}, {0.0: -1}))
    busy: tuple[list[tuple[float, float]], list[tuple[float, float]]] = field(
        default_factory=lambda: ([], [])
    )

    @property
    def place(self) -> float:
        """Where the last key of `x` is, pixels."""
        return float(np.asarray(self.x[max(self.x)]))

    def go(self, start: float, end: float, x: float) -> None:
        """Stay until `start`, then walk to `x`, pixels, and be there at `end`."""
        self.x[start] = self.place
        self.x[end] = x

    def turn(self, start: float, end: float, to: float) -> None:
        """Turn away towards `to`, -1 or 1, and back, between the two seconds."""
        quick = min(0.6, (end - start) / 3)
        self.angle.update({start: 0.0, start + quick: to * np.pi, end - quick: to * np.pi, end: 0.0})

    def leave(self, start: float, end: float, width: int) -> None:
        """Walk out of a picture `width` pixels wide, where it is nearest, and come back to the same place."""
        home, margin = self.place, 3.4 * self.unit
        out = -margin if home < width / 2 else width + margin
        self.go(start, start + 0.36 * (end - start), out)
        self.go(end - 0.36 * (end - start), end, home)

    def held(self, arm: int, second: float) -> int:
        """What the arm holds at that second, an index of the props or -1."""
        return self.holds[arm][max(moment for moment in self.holds[arm] if moment <= second)]

    def gesture(self, rng: np.random.Generator, seconds: float, props: Sequence[Prop]) -> None:
        """Let the hands go from place to place wherever no keys are set yet."""
        for arm, side in enumerate((-1, 1)):
            second = 0.0
            while second < seconds:
                rest = second + float(rng.uniform(0.5, 1.6))
                taken = [(a, b) for a, b in self.busy[arm] if a < rest and second < b]
                if not taken:
                    prop = self.held(arm, second)
                    angle = 0.0
                    if prop < 0:
                        place = str(rng.choice(IDLE))
                    else:
                        # A thing turned upside down would spin with the person who turns.
                        grips = [g for g in GRIPS[props[prop][0]] if g[0] != "face" and abs(g[1]) < 90]
                        place, angle = grips[int(rng.integers(len(grips)))]
                    x, y = HANDS[place] + rng.uniform(-0.14, 0.14, 2)
                    self.hands[arm][second] = self.hands[arm][rest] = (side * x, y, side * angle)
                second = max(rest, *(b for _, b in taken)) if taken else rest
                second += float(rng.uniform(0.35, 0.6))


def hand_over(giver: Part, taker: Part, arm: int, start: float, end: float, width: int) -> None:
    """Two people walk up to each other, hands meet, and what the giver's `arm` holds is the taker's.

    Args:
        giver: Who holds something; stands on the taker's left where `arm` is 1, else on the right.
        taker: Whose other arm is empty.
        arm: 0 or 1, the giver's.
        start: Second in which they set out.
        end: Second in which both are back.
        width: Of the picture, pixels.
    """
    side, unit, span = (-1, 1)[arm], giver.unit, end - start
    meet = start + 0.5 * span
    edge = min(4.4 * unit, width / 2)
    middle = float(np.clip((giver.place + taker.place) / 2, edge, width - edge))
    prop = giver.held(arm, start)
    for part, to, hand in ((giver, side, arm), (taker, -side, 1 - arm)):
        home, near = part.place, middle - to * 2.8 * unit
        part.go(start, start + 0.36 * span, near)
        part.go(end - 0.32 * span, end, home)
        part.gaze.update({start: 0.0, meet - 0.1 * span: to, meet + 0.1 * span: to, end: 0.0})
        reach = ((middle - near) / unit, 2.8, 0.0)
        before = (to * 1.2, 2.9, 0.0) if part is giver else (to * 1.35, 4.0, 0.0)
        after = (to * 1.35, 4.0, 0.0) if part is giver else (to * 1.1, 2.8, 0.0)
        part.hands[hand].update({
            start + 0.2 * span: before, meet - 0.05 * span: reach,
            meet + 0.05 * span: reach, end - 0.2 * span: after,
        })  # fmt: skip
        part.busy[hand].append((start, end - 0.1 * span))
    giver.holds[arm][meet] = -1
    taker.holds[1 - arm][meet] = prop


def along(keys: Keys, seconds: np.ndarray) -> np.ndarray:
    """The values (F, ...) at the seconds (F,), through the keys without overshooting them (PCHIP)."""
    moments = sorted(keys)
    values = np.array([keys[moment] for moment in moments], float)
    if len(moments) == 1:
        return np.broadcast_to(values, (len(seconds), *values.shape[1:]))
    return PchipInterpolator(moments, values, axis=0)(np.clip(seconds, moments[0], moments[-1]))


@dataclass(frozen=True)
class Course:
    """Where one person's body is in every frame of a shot; F frames, lengths in units unless said otherwise.

    Attributes:
        unit: Pixels.
        x, y: (F,) the head's centre, pixels.
        angle: (F,) radians.
        gaze: (F,) -1 to 1.
        blink: (F,) bool.
        lean, tilt: (F,) degrees.
        hands: (F, 2, 3), as `Part.hands`.
        feet: (F, 2, 2): how far a foot is sideways on the picture, and how high it is lifted.
        toes: (F, 2).
        holds: (F, 2) int, as `Part.holds`.
    """

    unit: float
    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    gaze: np.ndarray
    blink: np.ndarray
    lean: np.ndarray
    tilt: np.ndarray
    hands: np.ndarray
    feet: np.ndarray
    toes: np.ndarray
    holds: np.ndarray

    def arms(self, frame: int) -> tuple[int, int]:
        """Which arm, and which leg, is on the picture's left and which on its right."""
        return (1, 0) if np.cos(self.angle[frame]) < 0 else (0, 1)

    def pose(self, frame: int, props: Sequence[Prop]) -> Pose:
        """The pose to draw."""
        angle = float(self.angle[frame])
        cos, sin = np.cos(angle), np.sin(angle)
        width = np.hypot(cos, DEPTH * sin)
        hands, held, ankles, toes = [], [], [], []
        for arm in self.arms(frame):
            x, y, tilt = (float(v) for v in self.hands[frame, arm])
            # What is near the middle of the body is held before it, and comes out sideways in profile.
            depth = 0.9 * np.clip(1.6 - abs(x), 0, 1)
            hands.append((float((x * cos + depth * sin) / width), y))
            prop = int(self.holds[frame, arm])
            held.append(None if prop < 0 else (*props[prop], tilt * float(cos)))
            foot, lift = self.feet[frame, arm]
            ankles.append((float(foot / width), SOLE - 0.45 - float(lift)))
            toes.append(float(self.toes[frame, arm]))
        return Pose(
            away=bool(cos < 0),
            lean=float(self.lean[frame]),
            tilt=float(self.tilt[frame]),
            stance=0.0,
            hands=(hands[0], hands[1]),
            held=(held[0], held[1]),
            turned=Turned(angle, (ankles[0], ankles[1]), (toes[0], toes[1])),
        )

    def look(self, frame: int, look: Look) -> Look:
        """The head to draw: the same hair and headwear, the eyes where they look now, or closed."""
        closed = look.expression == "smile" and self.blink[frame]
        gaze = float(np.clip(self.gaze[frame], -1, 1))
        return replace(look, yaw=gaze, expression="happy" if closed else look.expression)


def play(
    rng: np.random.Generator, part: Part, y: float, frames: int, fps: float, sway: float, beat: float
) -> Course:
    """Work out where the body is in every frame.

    Args:
        rng: Little things: how straight somebody stands, when they blink.
        part: What the person does.
        y: Level of the head's centre, pixels.
        frames: F.
        fps: Frames per second.
        sway: How far everybody sways to the music, degrees.
        beat: Sways per second.

    Returns:
        The person's course.
    """
    second = np.arange(frames) / fps
    wave = np.sin(2 * np.pi * beat * second)
    x = along(part.x, second)
    speed = np.gradient(x) * fps / part.unit
    walking = np.clip(np.abs(speed) / 1.2, 0, 1)
    way = np.clip(speed / BRISK, -1, 1)
    stride = np.cumsum(np.abs(np.diff(x, prepend=x[:1]))) / part.unit / (4 * STEP)
    faced = along(part.angle, second)
    angle = faced + HEADING * way * np.cos(faced)
    hands = np.stack([along(keys, second) for keys in part.hands], 1)
    stance = float(rng.uniform(0.34, 0.56)) * 1.1
    feet, toes = np.zeros((frames, 2, 2)), np.zeros((frames, 2))
    for leg, side in enumerate((-1, 1)):
        # On the ground for half of the time, moving back as fast as the body goes; then lifted and brought
        # forward.
        phase = (stride + 0.5 * leg) % 1
        air = np.clip(2 * phase - 1, 0, 1)
        foot = np.where(phase < 0.5, 1 - 4 * phase, -np.cos(np.pi * air)) * STEP * np.sign(speed)
        standing = side * stance * np.cos(angle)
        feet[:, leg, 0] = standing + walking * (foot + 0.3 * side * np.cos(angle) - standing)
        feet[:, leg, 1] = walking * LIFT * np.sin(np.pi * air)
        toes[:, leg] = (1 - walking) * side * np.cos(angle) + walking * np.sign(speed)
        # A low hand swings against its own leg.
        low = walking * np.clip(hands[:, leg, 1] - 3.2, 0, 1)
        hands[:, leg, 0] -= low * 0.6 * np.cos(2 * np.pi * (stride + 0.5 * leg)) * np.sign(speed)
        hands[:, leg, 1] -= low * 0.15
    bob = 0.1 * walking * np.cos(4 * np.pi * stride) + 0.02 * sway * np.abs(wave)
    breath = 0.03 * np.sin(2 * np.pi * (second / 3.1 + rng.random()))
    blink = (second + rng.uniform(0, 3)) % float(rng.uniform(1.9, 3.4)) < 0.13
    wander = 0.35 * np.sin(2 * np.pi * (second / rng.uniform(2.5, 5) + rng.random()))
    gaze = along(part.gaze, second)
    return Course(
        unit=part.unit,
        x=x,
        y=y + part.unit * (bob + breath),
        angle=angle,
        gaze=gaze + (1 - np.abs(gaze)) * wander,
        blink=blink,
        lean=sway * wave + 1.6 * way,
        tilt=float(rng.normal(0, 3)) + 1.2 * sway * wave + 1.5 * np.sin(2 * np.pi * second / 2.7),
        hands=hands,
        feet=feet,
        toes=toes,
        holds=np.array([[part.held(arm, float(s) + 1e-6) for arm in (0, 1)] for s in second]),
    )
