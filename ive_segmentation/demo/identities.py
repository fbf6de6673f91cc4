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
    """The stable features of one face; lengths in units of the head's half width.

    Attributes:
        member: The member's folder name, or None for a stranger.
        brow_tilt: Positive: inner ends down (stern); negative: inner ends up (soft).
        eye_tilt: Positive: outer corners up (a cat's eye), in degrees.
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
            "An_Yujin",
            SKINS[1],
            0.97,
            1.02,
            0.12,
            IRISES[0],
            0.43,
            0.12,
            0.23,
            0.25,
            4,
            BROWS[1],
            0.44,
            -0.05,
            0.10,
            0.08,
            "dot",
            0.42,
            LIPS[1],
            0.66,
            0.33,
            0.06,
            0.7,
            False,
            ((0.5, 0.5),),
        ),
        Identity(
            "Jang_Wonyoung",
            SKINS[0],
            0.91,
            1.14,
            0.34,
            IRISES[4],
            0.40,
            0.08,
            0.26,
            0.28,
            10,
            BROWS[0],
            0.46,
            -0.09,
            0.055,
            0.11,
            "line",
            0.44,
            LIPS[3],
            0.70,
            0.19,
            0.11,
            0.35,
            False,
            (),
        ),
        Identity(
            "Kim_Gaeul",
            SKINS[2],
            0.90,
            1.22,
            0.22,
            IRISES[3],
            0.36,
            0.05,
            0.20,
            0.15,
            16,
            BROWS[3],
            0.32,
            0.09,
            0.09,
            0.02,
            "hook",
            0.40,
            LIPS[2],
            0.66,
            0.25,
            0.12,
            0.0,
            False,
            ((-0.42, 0.62), (0.2, 0.3)),
        ),
        Identity(
            "Kim_Jiwon",
            SKINS[1],
            0.99,
            1.0,
            0.06,
            IRISES[2],
            0.50,
            0.17,
            0.25,
            0.22,
            -14,
            BROWS[2],
            0.40,
            -0.02,
            0.14,
            0.03,
            "wide",
            0.46,
            LIPS[0],
            0.68,
            0.22,
            0.05,
            0.7,
            True,
            (),
        ),
        Identity(
            "Lee_Hyunseo",
            SKINS[0],
            0.95,
            1.04,
            0.26,
            IRISES[5],
            0.45,
            0.20,
            0.22,
            0.29,
            0,
            BROWS[4],
            0.48,
            0.03,
            0.12,
            0.10,
            "hook",
            0.50,
            LIPS[4],
            0.73,
            0.35,
            0.09,
            0.35,
            False,
            ((-0.05, 0.84),),
        ),
        Identity(
            "Naoi_Rei",
            SKINS[3],
            0.93,
            1.10,
            0.16,
            IRISES[7],
            0.35,
            0.14,
            0.18,
            0.20,
            -6,
            BROWS[0],
            0.36,
            -0.11,
            0.075,
            0.0,
            "dot",
            0.38,
            LIPS[2],
            0.60,
            0.30,
            0.05,
            0.7,
            False,
            ((0.55, 0.2), (-0.55, 0.35)),
        ),
    )
}
"""The six drawn members. They bear the folders' names and no likeness to anybody."""
