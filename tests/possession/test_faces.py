from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from ive_segmentation.possession.faces import body_box, faces_to_persons
from tests.possession import figures

rectangle = partial(figures.rectangle, size=(100, 200))


def face(left: float, top: float, right: float, bottom: float) -> tuple[np.ndarray, np.ndarray]:
    """A face box and five points well inside it."""
    across, down = np.array([0.3, 0.7, 0.5, 0.35, 0.65]), np.array([0.4, 0.4, 0.6, 0.75, 0.75])
    points = np.stack([left + across * (right - left), top + down * (bottom - top)], 1)
    return np.array([left, top, right, bottom], np.float32), points.astype(np.float32)


LEFT, RIGHT = rectangle(10, 10, 60, 100), rectangle(100, 10, 150, 100)
FRONT = rectangle(40, 20, 80, 100)
BEHIND = rectangle(10, 5, 60, 100) & ~FRONT
GROUP = LEFT | RIGHT
FACE_LEFT, FACE_RIGHT = face(25, 15, 45, 40), face(115, 15, 135, 40)


@pytest.mark.parametrize(
    ("faces", "persons", "owners"),
    [
        ([], [LEFT], []),
        ([FACE_LEFT], [], [None]),
        ([FACE_LEFT], [LEFT], [0]),
        ([FACE_LEFT], [RIGHT], [None]),
        ([FACE_RIGHT, FACE_LEFT], [LEFT, RIGHT], [1, 0]),
        # Two faces in one mask: it is one person's, the better held face's.
        ([FACE_LEFT, face(50, 15, 70, 40)], [LEFT], [0, None]),
        # A face on a shirt or a card is held whole, the head's own box has corners beside the mask.
        ([face(25, 50, 45, 75), face(20, 5, 50, 30)], [LEFT], [None, 0]),
        ([face(25, 50, 33, 60), face(3, 12, 40, 45)], [LEFT], [None, 0]),
        # A mask over two people holds both faces; the mask of one alone settles who gets it.
        ([FACE_LEFT, FACE_RIGHT], [GROUP, LEFT], [1, 0]),
        # The one in front covers half of the face behind: the mask that holds more of it wins.
        ([face(50, 25, 70, 50), face(25, 10, 44, 35)], [BEHIND, FRONT], [1, 0]),
        # Cut by the picture's edge: the part inside the picture counts.
        ([face(95, -15, 125, 25)], [RIGHT | rectangle(95, 0, 130, 20)], [0]),
        ([face(-60, -60, -20, -20)], [LEFT], [None]),
        # What lies beyond the left edge is not at the right one.
        ([face(-20, 15, 5, 40)], [rectangle(150, 10, 200, 100), rectangle(0, 10, 50, 100)], [1]),
        # In profile, or half hidden: its points are in the mask, and little of its box.
        ([face(25, 15, 45, 40)], [rectangle(29, 22, 42, 38)], [0]),
        # A large face elsewhere does not make a small one of the head above the card.
        (
            [face(25, 50, 45, 75), face(20, 5, 50, 30), face(105, 15, 145, 95)],
            [LEFT, RIGHT],
            [None, 0, 1],
        ),
    ],
)
def test_a_face_goes_to_the_person_whose_mask_holds_it(
    faces: list[tuple[np.ndarray, np.ndarray]], persons: list[np.ndarray], owners: list[int | None]
) -> None:
    boxes = np.array([box for box, _ in faces], np.float32).reshape(-1, 4)
    points = np.array([points for _, points in faces], np.float32).reshape(-1, 5, 2)
    assert faces_to_persons(boxes, points, persons) == owners


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        # Room on all sides: 2.6 faces wide, from above the hair to 8 faces below the chin.
        ([490, 100, 510, 120], [474, 95, 526, 280]),
        # A close-up: clipped to the picture on every side.
        ([100, 50, 900, 950], [0, 0, 1000, 1000]),
    ],
)
def test_the_body_below_a_face(box: list[float], expected: list[float]) -> None:
    body = body_box(np.array(box, np.float32), (1000, 1000))
    assert body.dtype == np.float32
    np.testing.assert_allclose(body, expected)
