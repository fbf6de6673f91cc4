"""Who is meant by a click: tables of points in small scenes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ive_segmentation.app.pointing import NOBODY, person_map
from ive_segmentation.identity.matching import Match
from ive_segmentation.result import FaceBox, Person

SIZE = (300, 400)


def person(
    member: str | None,
    body: tuple[int, int, int, int] | None = None,
    face: tuple[int, int, int, int] | None = None,
) -> Person:
    mask = None
    if body:
        mask = np.zeros(SIZE, bool)
        mask[body[1] : body[3], body[0] : body[2]] = True
    seen = FaceBox(np.array(face, np.float32), np.zeros((5, 2), np.float32), 0.9) if face else None
    match = Match(member, 0.6, None, None, (), 0.9, member) if face else None
    return Person(np.array(body or face, np.float32), mask, 0.9, seen, match)


LEFT = person("Naoi_Rei", (20, 20, 180, 300), (70, 30, 120, 90))
RIGHT = person("An_Yujin", (150, 100, 260, 300), (180, 110, 220, 160))
FACE_ONLY = person("Kim_Gaeul", None, (330, 40, 360, 80))
TURNED_AWAY = person(None, (300, 200, 320, 290))
EVERYONE = [LEFT, RIGHT, FACE_ONLY, TURNED_AWAY]


@pytest.mark.parametrize(
    ("x", "y", "index"),
    [
        (95, 60, 0),  # a face
        (30, 290, 0),  # a body
        (165, 200, 1),  # where two bodies overlap, the smaller one stands in front
        (200, 130, 1),
        (345, 60, 2),  # a face whose body was not found
        (345, 250, 2),  # the box its body would fill
        (310, 250, 3),  # a person who shows no face, in front of that box
        (5, 5, NOBODY),
        (280, 20, NOBODY),
    ],
)
def test_a_point_means_the_person_there(x: float, y: float, index: int) -> None:
    assert person_map(EVERYONE, SIZE).at(x, y) == index


def test_the_map_knows_who_they_are() -> None:
    assert person_map(EVERYONE, SIZE).members == ("Naoi_Rei", "An_Yujin", "Kim_Gaeul", None)


@given(x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
def test_every_point_has_an_answer(x: float, y: float) -> None:
    assert NOBODY <= person_map(EVERYONE, SIZE).at(x, y) < len(EVERYONE)


def test_a_large_picture_is_kept_small() -> None:
    size = (3000, 4000)
    mask = np.zeros(size, bool)
    mask[1000:2000, 1000:2000] = True
    big = Person(np.array([1000, 1000, 2000, 2000], np.float32), mask, 0.9, None, None)
    places = person_map([big], size)
    assert places.people.nbytes < 2**20
    assert places.at(1500, 1500) == 0
    assert places.at(500, 500) == NOBODY


def test_a_picture_without_anybody() -> None:
    assert person_map([], (1, 1)).at(0, 0) == NOBODY
