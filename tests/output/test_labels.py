"""Labels: at what they name, in the picture, and off what should be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ive_segmentation.output.labels import place_labels

Box = tuple[int, int, int, int]
SIZE = (40, 10)  # of a label: width, height
PICTURE = (200, 200)
BOX = (80, 80, 120, 120)


def mask(box: Box) -> np.ndarray:
    pixels = np.zeros(PICTURE, bool)
    pixels[box[1] : box[3], box[0] : box[2]] = True
    return pixels


def place(
    *,
    faces: Sequence[Box] = (),
    things: Sequence[Box] = (),
    box: Box = BOX,
) -> tuple[int, int]:
    return place_labels([box], [SIZE], PICTURE, faces, map(mask, things), [])[0]


ABOVE, BELOW = (0, 60, 200, 80), (0, 120, 200, 140)


@pytest.mark.parametrize(
    ("faces", "things", "expected"),
    [
        ([], [], (80, 70)),  # above
        ([BOX], [BOX], (80, 70)),
        ([], [(100, 72, 104, 74)], (80, 70)),  # a speck is no reason to go
        ([ABOVE], [], (80, 120)),  # below
        ([], [ABOVE], (80, 120)),
        ([ABOVE, BELOW], [], (40, 80)),  # to the left
        ([ABOVE, BELOW], [(0, 80, 80, 120)], (120, 80)),  # to the right
        ([ABOVE], [BELOW], (40, 80)),
        (
            [(0, 0, 200, 80), (0, 120, 200, 200), (0, 0, 80, 200), (120, 0, 200, 200)],
            [BOX],
            (80, 110),
        ),  # within
    ],
)
def test_a_label_stands_where_it_covers_least(
    faces: Sequence[Box],
    things: Sequence[Box],
    expected: tuple[int, int],
) -> None:
    assert place(faces=faces, things=things) == expected


def test_labels_of_one_place_do_not_cover_each_other() -> None:
    places = place_labels([BOX] * 6, [SIZE] * 6, PICTURE, [], [], [])
    covered = np.zeros(PICTURE, int)
    for x, y in places:
        covered[y : y + SIZE[1], x : x + SIZE[0]] += 1
    assert covered.max() == 1


@given(st.tuples(*[st.integers(-300, 300)] * 4), st.integers(1, 400), st.integers(1, 400))
def test_a_label_is_in_the_picture_where_it_fits(
    box: tuple[int, int, int, int], wide: int, high: int
) -> None:
    ((x, y),) = place_labels([box], [(wide, high)], PICTURE, [box], [], [])
    assert 0 <= x <= max(200 - wide, 0)
    assert 0 <= y <= max(200 - high, 0)
