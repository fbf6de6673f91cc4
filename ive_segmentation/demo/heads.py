"""One head: the face that keeps its identity, and the hair that changes from picture to picture."""

from dataclasses import dataclass

import numpy as np

from ive_segmentation.demo.canvas import Colour, Pen, darker, ellipse, lighter, mix, pick_colour, smooth
from ive_segmentation.demo.headwear import HATS, draw_glasses, draw_hat
from ive_segmentation.demo.identities import Identity

HAIR_COLOURS: tuple[Colour, ...] = (
    (46, 36, 40), (46, 36, 40), (78, 52, 42), (78, 52, 42), (122, 80, 54), (168, 116, 70),
    (226, 188, 122), (150, 58, 54), (226, 138, 160), (120, 130, 168), (92, 76, 130),
)  # fmt: skip
STYLES = ("long", "wavy", "bob", "short", "ponytail", "twintails", "bun")
FRINGES = ("straight", "part", "curtain", "swept", "none")
EXPRESSIONS = ("neutral", "smile", "laugh", "happy", "surprise")


@dataclass(frozen=True)
class Look:
    """What one picture adds to an identity's head.

    Attributes:
        hair: One of `STYLES`.
        fringe: One of `FRINGES`.
        side: Where what is not symmetric goes, -1 (the picture's left) or 1.
        hair_colour: RGB.
        expression: One of `EXPRESSIONS`.
        yaw: How far the face looks aside, -1 to 1.
        hat: One of `HATS`, or None.
        hat_colour: Its word and RGB, or None.
        glasses: The frame's colour, word and RGB; None where there are none.
        glasses_round: Whether their lenses are round.
        earrings: Whether there are any.
    """

    hair: str
    fringe: str
    side: int
    hair_colour: Colour
    expression: str
    yaw: float
    hat: str | None
    hat_colour: tuple[str, Colour] | None
    glasses: tuple[str, Colour] | None
    glasses_round: bool
    earrings: bool


def random_look(rng: np.random.Generator) -> Look:
    """Hair, expression and headwear drawn at random."""
    hat = str(rng.choice(HATS)) if rng.random() < 0.3 else None
    return Look(
        hair=str(rng.choice(STYLES)),
        fringe=str(rng.choice(FRINGES)),
        side=int(rng.choice([-1, 1])),
        hair_colour=HAIR_COLOURS[int(rng.integers(len(HAIR_COLOURS)))],
        expression=str(rng.choice(EXPRESSIONS, p=[0.3, 0.3, 0.18, 0.12, 0.1])),
        yaw=float(np.clip(rng.normal(0, 0.45), -1, 1)),
        hat=hat,
        hat_colour=pick_colour(rng) if hat else None,
        glasses=pick_colour(rng, ("black", "brown", "red", "blue", "pink")) if rng.random() < 0.22 else None,
        glasses_round=bool(rng.random() < 0.5),
        earrings=bool(rng.random() < 0.3),
    )


@dataclass(frozen=True)
class HeadLabels:
    """Values of the label map for a head's parts."""

    skin: int
    face: int
    hair: int
    hat: int | None = None
    glasses: int | None = None


def back_hair(pen: Pen, look: Look, label: int | None) -> None:
    """Hair that falls behind the neck and shoulders."""
    colour = darker(look.hair_colour, 0.18)
    s = look.side
    if look.hair in ("long", "wavy"):
        w = 0.12 if look.hair == "wavy" else 0.0
        right = [(1.1, -0.5), (1.25 + w, 0.4), (1.3 - w, 1.1), (1.45 + w, 1.8), (1.3 - w, 2.45), (0.8, 2.7)]
        pen.fill(smooth([(0, -1.25), *right, (0, 2.55), *[(-x, y) for x, y in right[::-1]]]), colour, label)
    elif look.hair == "bob":
        right = [(1.1, -0.5), (1.3, 0.3), (1.28, 0.95), (0.8, 1.2)]
        pen.fill(smooth([(0, -1.25), *right, *[(-x, y) for x, y in right[::-1]]]), colour, label)
    elif look.hair == "ponytail":
        tail = [
            (0.5 * s, -1.1),
            (1.35 * s, -1.2),
            (1.9 * s, -0.4),
            (1.85 * s, 0.8),
            (1.5 * s, 1.7),
            (1.4 * s, 0.6),
        ]
        pen.fill(smooth([*tail, (1.2 * s, -0.2)]), colour, label)
    elif look.hair == "twintails":
        for q in (-1, 1):
            tail = [(0.8, -0.7), (1.5, -0.9), (2.0, 0.0), (1.95, 1.2), (1.55, 2.0), (1.4, 1.0), (1.2, 0.1)]
            pen.fill(smooth([(q * x, y) for x, y in tail]), colour, label)
    elif look.hair == "bun":
        pen.fill(ellipse(0.1 * s, -1.45, 0.62, 0.55), colour, label)
    if look.hair in ("short", "ponytail", "twintails", "bun"):
        pen.fill(ellipse(0, -0.15, 1.14, 1.14), colour, label)


def _face_outline(who: Identity) -> np.ndarray:
    t = np.radians(np.linspace(0, 360, 40, endpoint=False))
    x, y = np.cos(t), np.sin(t)
    return np.stack([who.width * x * (1 - who.jaw * np.clip(y, 0, 1) ** 2), who.width * who.aspect * y], 1)


def _eye(pen: Pen, who: Identity, x: float, y: float, outer: int, look: Look) -> None:
    """One eye at (x, y); `outer` is the sign of the temple's side."""
    lash = (50, 38, 44)
    eye = pen.moved(x, y, -outer * who.eye_tilt)
    w, h = who.eye_w, who.eye_h
    if look.expression == "happy":
        eye.stroke(ellipse(0, 0.35 * h, w, 0.9 * h, 190, 350), 0.085, lash)
        return
    if look.expression == "surprise":
        h *= 1.12
    shape = ellipse(0, 0, w, h)
    eye.fill(shape, (255, 255, 255), outline=0)
    r = min(w * 0.86, h * 0.95)
    ix = 0.06 * look.yaw
    iris = ellipse(ix, 0.02, r * 0.88, min(h * 0.98, r * 1.12))
    eye.fill(iris, who.iris, outline=0)
    eye.fill(ellipse(ix, 0.03, r * 0.42, r * 0.5), darker(who.iris, 0.75), outline=0)
    eye.fill(ellipse(ix - r * 0.3, -r * 0.38, r * 0.26, r * 0.26), (255, 255, 255), outline=0)
    eye.stroke(ellipse(0, 0, w * 1.05, h * 1.05, 185, 355), 0.085, lash)
    eye.stroke([(outer * w * 0.95, -h * 0.3), (outer * (w + 0.1), -h * 0.55)], 0.06, lash)


def _mouth(pen: Pen, who: Identity, x: float, look: Look) -> None:
    y, w, full = who.aspect * who.width * who.mouth_y, who.mouth_w, who.mouth_full
    if look.expression in ("laugh", "surprise"):
        depth = 0.2 if look.expression == "laugh" else 0.17
        width = w if look.expression == "laugh" else w * 0.62
        pen.fill(ellipse(x, y - 0.04, width, depth, 0, 180), darker(who.lip, 0.45), outline=0)
        if look.expression == "surprise":
            pen.fill(ellipse(x, y - 0.02, width, depth), darker(who.lip, 0.45), outline=0)
        pen.fill(
            ellipse(x, y + depth * 0.6, width * 0.55, depth * 0.35),
            mix(who.lip, (255, 150, 150), 0.4),
            outline=0,
        )
        curve = (
            ellipse(x, y - 0.04, width, depth, 0, 180)
            if look.expression == "laugh"
            else ellipse(x, y - 0.02, width, depth)
        )
        pen.stroke(curve, max(0.05, full * 0.8), who.lip)
        return
    lift = 0.1 if look.expression in ("smile", "happy") else 0.03
    top = [
        (x - w, y - lift),
        (x - w * 0.4, y - full * 0.5),
        (x, y - full * 0.2),
        (x + w * 0.4, y - full * 0.5),
        (x + w, y - lift),
    ]
    low = [(x + w * 0.5, y + full), (x, y + full * 1.3), (x - w * 0.5, y + full)]
    pen.fill(smooth([*top, *low]), who.lip, outline=0)
    pen.stroke(
        smooth([(x - w, y - lift), (x, y + full * 0.25), (x + w, y - lift)], closed=False),
        0.035,
        darker(who.lip, 0.5),
    )


def _features(pen: Pen, who: Identity, look: Look) -> np.ndarray:
    """Everything on the face; returns the five keypoints in the pen's coordinates."""
    shift = 0.16 * look.yaw
    fh = who.width * who.aspect
    eye_y, dx = who.eye_y * fh, who.eye_dx
    eyes = [(-dx + shift + 0.03 * look.yaw, eye_y), (dx + shift + 0.03 * look.yaw, eye_y)]
    cheek = mix(who.skin, (246, 110, 120), 0.42)
    for q in (-1, 1):
        if who.blush:
            size = 0.12 + 0.16 * who.blush
            place = ellipse(q * (dx + 0.1) + shift, eye_y + 0.42, size, size * 0.62)
            pen.fill(place, mix(who.skin, cheek, 0.5 + 0.6 * who.blush), outline=0)
        if who.freckles:
            for fx, fy in ((-0.1, 0.3), (0.08, 0.36), (0.0, 0.46)):
                dot = ellipse(q * dx + fx + shift, eye_y + fy, 0.035, 0.035)
                pen.fill(dot, darker(who.skin, 0.45), outline=0)
    for mx, my in who.moles:
        pen.fill(ellipse(mx * who.width + shift * 0.8, my * fh, 0.06, 0.06), (88, 50, 46), outline=0)
    for (x, y), q in zip(eyes, (-1, 1), strict=True):
        _eye(pen, who, x, y, q, look)
        raised = who.brow_gap + (0.06 if look.expression == "surprise" else 0)
        inner, outer = (x - q * 0.24, y - raised + who.brow_tilt), (x + q * 0.26, y - raised - who.brow_tilt)
        middle = (x, y - raised - who.brow_arch)
        pen.stroke(smooth([inner, middle, outer], closed=False), who.brow_thick, who.brow)
    nose = (shift * 1.5, who.nose_y * fh)
    nx, ny = nose
    shade = darker(who.skin, 0.42)
    if who.nose == "dot":
        pen.fill(ellipse(nx, ny, 0.055, 0.045), shade, outline=0)
    elif who.nose == "line":
        pen.stroke([(nx, ny - 0.26), (nx + 0.02, ny)], 0.05, shade)
    elif who.nose == "hook":
        pen.stroke(
            smooth([(nx - 0.03, ny - 0.2), (nx + 0.1, ny), (nx - 0.06, ny + 0.02)], closed=False), 0.05, shade
        )
    else:
        pen.stroke(ellipse(nx, ny - 0.04, 0.13, 0.08, 20, 160), 0.055, shade)
    _mouth(pen, who, shift * 1.1, look)
    mouth_y = who.mouth_y * fh
    corners = [(shift * 1.1 - who.mouth_w, mouth_y), (shift * 1.1 + who.mouth_w, mouth_y)]
    return np.array([*eyes, nose, *corners])


def _fringe(pen: Pen, look: Look, label: int | None) -> None:
    """Hair over the forehead, and the locks before the ears."""
    colour, s = look.hair_colour, look.side
    crown = ellipse(0, -0.12, 1.16, 1.18, 172, 368)
    edges = {
        "straight": [
            (0.98, 0.15), (0.84, -0.34), (0.6, -0.42), (0.4, -0.36), (0.15, -0.43),
            (-0.1, -0.36), (-0.35, -0.43), (-0.6, -0.37), (-0.84, -0.34), (-0.98, 0.15),
        ],
        "part": [
            (1.0, 0.25), (0.82, -0.25), (0.5 + 0.1 * s, -0.6), (0.35 * s, -0.98), (-0.5 + 0.1 * s, -0.6),
            (-0.82, -0.25), (-1.0, 0.25),
        ],
        "curtain": [
            (1.0, 0.5), (0.86, 0.0), (0.55, -0.42), (0.1, -0.92), (-0.1, -0.92), (-0.55, -0.42), (-0.86, 0.0),
            (-1.0, 0.5),
        ],
        "swept": [
            (0.98, 0.2), (0.84, -0.3), (0.55, -0.62 + 0.22 * s), (0.0, -0.6), (-0.55, -0.62 - 0.22 * s),
            (-0.84, -0.3), (-0.98, 0.2),
        ],
        "none": [
            (0.98, -0.05), (0.84, -0.5), (0.45, -0.76), (0.0, -0.82), (-0.45, -0.76), (-0.84, -0.5),
            (-0.98, -0.05),
        ],
    }  # fmt: skip
    pen.fill(np.concatenate([crown, smooth(edges[look.fringe], closed=False)]), colour, label)
    shine = ellipse(0.12 * s, -0.2, 0.82, 0.86, 235, 295)
    pen.stroke(shine, 0.09, lighter(colour, 0.3))
    if look.hair in ("long", "wavy", "bob", "twintails"):
        end = 0.95 if look.hair in ("bob", "twintails") else 1.75
        for q in (-1, 1):
            lock = [(0.94, -0.3), (1.16, -0.1), (1.2, end * 0.6), (1.08, end), (0.97, end * 0.6), (0.92, 0.2)]
            pen.fill(smooth([(q * x, y) for x, y in lock]), colour, label)


def draw_front(pen: Pen, who: Identity, look: Look, labels: HeadLabels, turned: float) -> np.ndarray:
    """The head seen from the front, `back_hair` apart; the five keypoints (5, 2) in canvas pixels.

    A head `turned` aside (radians, to the picture's right) shows a narrower face nearer its edge, and the
    hair on its side.
    """
    head, outline = pen, _face_outline(who)
    if turned:
        aside = abs(np.sin(turned))
        side = mix(darker(look.hair_colour, 0.18), look.hair_colour, float(aside))
        head.fill(ellipse(0, -0.12, 1.13, 1.15), side, labels.hair)
        pen = head.moved(0.6 * np.sin(turned), 0).narrowed(max(0.36, float(np.cos(turned))))
    for q in (-1, 1):
        if q * np.sin(turned) > 0.35:
            continue  # the far ear
        pen.fill(ellipse(q * who.width * 0.99, 0.16, 0.17, 0.24), who.skin, labels.skin)
        if look.earrings:
            pen.fill(ellipse(q * 1.02, 0.5, 0.09, 0.13), (250, 214, 110), labels.skin, outline=0.03)
    pen.fill(outline, who.skin, labels.face)
    points = _features(pen, who, look)
    _fringe(pen, look, labels.hair)
    if look.glasses is not None:
        draw_glasses(pen, points[:2], look.glasses[1], look.glasses_round, labels.glasses)
    if look.hat is not None and look.hat_colour is not None:
        draw_hat(head, look.hat, look.hat_colour[1], look.side, labels.hat)
    return pen.pixels(points)


def draw_behind(pen: Pen, look: Look, labels: HeadLabels) -> None:
    """The head of somebody who faces away: hair, and the hat."""
    colour, s = look.hair_colour, look.side
    back_hair(pen, look, labels.hair)
    pen.fill(ellipse(0, -0.08, 1.15, 1.2), colour, labels.hair)
    if look.hair in ("long", "wavy"):
        pen.fill(
            smooth(
                [(-1.05, -0.1), (1.05, -0.1), (1.25, 1.2), (1.1, 2.6), (0, 2.75), (-1.1, 2.6), (-1.25, 1.2)]
            ),
            colour,
            labels.hair,
        )
    elif look.hair == "bob":
        pen.fill(
            smooth([(-1.05, -0.1), (1.05, -0.1), (1.25, 0.7), (0.9, 1.2), (-0.9, 1.2), (-1.25, 0.7)]),
            colour,
            labels.hair,
        )
    for x in (-0.6, -0.2, 0.25, 0.65):
        pen.stroke(
            smooth([(x * 0.5, -0.9), (x, -0.2), (x * 1.1, 0.7)], closed=False), 0.05, darker(colour, 0.25)
        )
    pen.stroke(ellipse(0.1 * s, -0.2, 0.82, 0.86, 235, 295), 0.09, lighter(colour, 0.3))
    if look.hat is not None and look.hat_colour is not None:
        draw_hat(pen, look.hat, look.hat_colour[1], look.side, labels.hat)
