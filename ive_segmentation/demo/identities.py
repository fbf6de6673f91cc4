"""Who the drawn people are: the features of a face that stay the same in every picture."""

from dataclasses import dataclass

import numpy as np

from ive_segmentation.demo.canvas import Colour

IRISES: tuple[Colour, ...] = (
    (92, 56, 40),
    (52, 44, 48),
    (54, 110, 190),
    (60, 140, 96),
    (122, 84, 176),
    (196, 120, 40),
    (110, 122, 134),
    (176, 60, 84),
)
SKINS: tuple[Colour, ...] = (
    (255, 228, 208),
    (250, 214, 188),
    (240, 196, 166),
    (222, 172, 138),
    (190, 136, 104),
)
BROWS: tuple[Colour, ...] = ((48, 38, 40), (96, 62, 44), (140, 92, 56), (120, 60, 52), (92, 92, 104))
LIPS: tuple[Colour, ...] = ((214, 86, 96), (232, 128, 120), (176, 56, 84), (224, 104, 150), (186, 98, 78))
NOSES = ("dot", "line", "hook", "wide")


@dataclass(frozen=True)
class Identity:
    """The stable features of one face; lengths in units of the head's half width, colours RGB.

    Attributes:
        member: The member's folder name, or None for a stranger.
        skin: Colour of the skin.
        width: Half the face's width.
        aspect: Height of the face by its width.
        jaw: How much narrower the face is at the chin, as a share.
        iris: Colour of the eyes.
        eye_dx: How far the eyes are from the middle.
        eye_y: How far below the face's middle, in units of its half height.
        eye_w: Half an eye's width.
        eye_h: Half its height.
        eye_tilt: Positive: outer corners up (a cat's eye), in degrees.
        brow: Colour of the eyebrows.
        brow_gap: How far above the eyes.
        brow_tilt: Positive: inner ends down (stern); negative: inner ends up (soft).
        brow_thick: Width of their line.
        brow_arch: How far their middle is above the ends.
        nose: One of `NOSES`.
        nose_y: How far its tip is below the face's middle, in units of its half height.
        lip: Colour of the lips.
        mouth_y: How far the mouth is below the face's middle, likewise.
        mouth_w: Half its width.
        mouth_full: How thick the lips are.
        blush: How red the cheeks are, 0 to 1.
        freckles: Whether there are any.
        moles: Places of beauty marks, (x, y) each, in units of the face's half width and half height.
    """

    member: str | None
    skin: Colour
    width: float
    aspect: float
    jaw: float
    iris: Colour
    eye_dx: float
    eye_y: float
    eye_w: float
    eye_h: float
    eye_tilt: float
    brow: Colour
    brow_gap: float
    brow_tilt: float
    brow_thick: float
    brow_arch: float
    nose: str
    nose_y: float
    lip: Colour
    mouth_y: float
    mouth_w: float
    mouth_full: float
    blush: float
    freckles: bool
    moles: tuple[tuple[float, float], ...]


def stranger(rng: np.random.Generator) -> Identity:
    """A person nobody knows: every feature drawn at random."""
    u = rng.uniform
    moles = tuple((float(u(-0.6, 0.6)), float(u(0.1, 0.8))) for _ in range(int(rng.choice([0, 1, 1, 2]))))
    return Identity(
        member=None,
        skin=SKINS[int(rng.integers(len(SKINS)))],
        width=u(0.88, 1.0),
        aspect=u(0.98, 1.24),
        jaw=u(0.05, 0.38),
        iris=IRISES[int(rng.integers(len(IRISES)))],
        eye_dx=u(0.34, 0.52),
        eye_y=u(0.02, 0.22),
        eye_w=u(0.16, 0.27),
        eye_h=u(0.12, 0.29),
        eye_tilt=u(-16, 18),
        brow=BROWS[int(rng.integers(len(BROWS)))],
        brow_gap=u(0.3, 0.48),
        brow_tilt=u(-0.11, 0.11),
        brow_thick=u(0.05, 0.15),
        brow_arch=u(0.0, 0.12),
        nose=str(rng.choice(NOSES)),
        nose_y=u(0.34, 0.5),
        lip=LIPS[int(rng.integers(len(LIPS)))],
        mouth_y=u(0.58, 0.74),
        mouth_w=u(0.16, 0.36),
        mouth_full=u(0.04, 0.13),
        blush=float(rng.choice([0.0, 0.35, 0.7])),
        freckles=bool(rng.random() < 0.2),
        moles=moles,
    )


MEMBERS: dict[str, Identity] = {
    person.member or "": person
    for person in (
        Identity(
            member="An_Yujin",
            skin=SKINS[1],
            width=0.97,
            aspect=1.02,
            jaw=0.12,
            iris=IRISES[0],
            eye_dx=0.43,
            eye_y=0.12,
            eye_w=0.23,
            eye_h=0.25,
            eye_tilt=4,
            brow=BROWS[1],
            brow_gap=0.44,
            brow_tilt=-0.05,
            brow_thick=0.10,
            brow_arch=0.08,
            nose="dot",
            nose_y=0.42,
            lip=LIPS[1],
            mouth_y=0.66,
            mouth_w=0.33,
            mouth_full=0.06,
            blush=0.7,
            freckles=False,
            moles=((0.5, 0.5),),
        ),
        Identity(
            member="Jang_Wonyoung",
            skin=SKINS[0],
            width=0.91,
            aspect=1.14,
            jaw=0.34,
            iris=IRISES[4],
            eye_dx=0.40,
            eye_y=0.08,
            eye_w=0.26,
            eye_h=0.28,
            eye_tilt=10,
            brow=BROWS[0],
            brow_gap=0.46,
            brow_tilt=-0.09,
            brow_thick=0.055,
            brow_arch=0.11,
            nose="line",
            nose_y=0.44,
            lip=LIPS[3],
            mouth_y=0.70,
            mouth_w=0.19,
            mouth_full=0.11,
            blush=0.35,
            freckles=False,
            moles=(),
        ),
        Identity(
            member="Kim_Gaeul",
            skin=SKINS[2],
            width=0.90,
            aspect=1.22,
            jaw=0.22,
            iris=IRISES[3],
            eye_dx=0.36,
            eye_y=0.05,
            eye_w=0.20,
            eye_h=0.15,
            eye_tilt=16,
            brow=BROWS[3],
            brow_gap=0.32,
            brow_tilt=0.09,
            brow_thick=0.09,
            brow_arch=0.02,
            nose="hook",
            nose_y=0.40,
            lip=LIPS[2],
            mouth_y=0.66,
            mouth_w=0.25,
            mouth_full=0.12,
            blush=0.0,
            freckles=False,
            moles=((-0.42, 0.62), (0.2, 0.3)),
        ),
        Identity(
            member="Kim_Jiwon",
            skin=SKINS[1],
            width=0.99,
            aspect=1.0,
            jaw=0.06,
            iris=IRISES[2],
            eye_dx=0.50,
            eye_y=0.17,
            eye_w=0.25,
            eye_h=0.22,
            eye_tilt=-14,
            brow=BROWS[2],
            brow_gap=0.40,
            brow_tilt=-0.02,
            brow_thick=0.14,
            brow_arch=0.03,
            nose="wide",
            nose_y=0.46,
            lip=LIPS[0],
            mouth_y=0.68,
            mouth_w=0.22,
            mouth_full=0.05,
            blush=0.7,
            freckles=True,
            moles=(),
        ),
        Identity(
            member="Lee_Hyunseo",
            skin=SKINS[0],
            width=0.95,
            aspect=1.04,
            jaw=0.26,
            iris=IRISES[5],
            eye_dx=0.45,
            eye_y=0.20,
            eye_w=0.22,
            eye_h=0.29,
            eye_tilt=0,
            brow=BROWS[4],
            brow_gap=0.48,
            brow_tilt=0.03,
            brow_thick=0.12,
            brow_arch=0.10,
            nose="hook",
            nose_y=0.50,
            lip=LIPS[4],
            mouth_y=0.73,
            mouth_w=0.35,
            mouth_full=0.09,
            blush=0.35,
            freckles=False,
            moles=((-0.05, 0.84),),
        ),
        Identity(
            member="Naoi_Rei",
            skin=SKINS[3],
            width=0.93,
            aspect=1.10,
            jaw=0.16,
            iris=IRISES[7],
            eye_dx=0.35,
            eye_y=0.14,
            eye_w=0.18,
            eye_h=0.20,
            eye_tilt=-6,
            brow=BROWS[0],
            brow_gap=0.36,
            brow_tilt=-0.11,
            brow_thick=0.075,
            brow_arch=0.0,
            nose="dot",
            nose_y=0.38,
            lip=LIPS[2],
            mouth_y=0.60,
            mouth_w=0.30,
            mouth_full=0.05,
            blush=0.7,
            freckles=False,
            moles=((0.55, 0.2), (-0.55, 0.35)),
        ),
    )
}
"""The six drawn members. They bear the folders' names and no likeness to anybody."""
