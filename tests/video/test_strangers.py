"""Strangers are known again: by their faces, and never twice in one frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ive_segmentation.identity.space import unit
from ive_segmentation.video.strangers import Part, number_strangers

LEAST = 0.5
CLEAR = 0.9


def turned(*degrees: float) -> list[np.ndarray]:
    """Faces so many degrees from one another; from 60 on they are two people's."""
    return [np.array([np.cos(angle), np.sin(angle)]) for angle in np.radians(degrees)]


FIRST, SECOND = turned(0, 90)

CASES = {
    "nobody": ([], [], []),
    "one": ([FIRST], [(0, 9)], [1]),
    "after a cut the same face again": ([FIRST, FIRST], [(0, 9), (10, 19)], [1, 1]),
    "after a cut somebody else": ([FIRST, SECOND], [(0, 9), (10, 19)], [1, 2]),
    "one face in two places at once": ([FIRST, FIRST], [(0, 9), (9, 19)], [1, 2]),
    "two who take turns": (
        [SECOND, FIRST, FIRST, SECOND],
        [(0, 9), (0, 9), (10, 19), (10, 19)],
        [1, 2, 2, 1],
    ),
    "the mean counts: a face between two groups makes them one ...": (
        turned(0, 30, 60, 80),
        [(0, 9), (10, 19), (20, 29), (30, 39)],
        [1, 1, 1, 1],
    ),
    "... but no chain of faces": (
        turned(0, 30, 60, 90),
        [(0, 9), (10, 19), (20, 29), (30, 39)],
        [1, 1, 2, 2],
    ),
    "who is seen with one of a group is nobody of it": (
        turned(0, 0, 0, 5),
        [(0, 9), (10, 19), (20, 29), (5, 7)],
        [1, 1, 1, 2],
    ),
}


@pytest.mark.parametrize(("faces", "seen", "expected"), CASES.values(), ids=CASES.keys())
def test_strangers(faces: list[np.ndarray], seen: list[tuple[int, int]], expected: list[int]) -> None:
    parts = [Part([run], 0.0, CLEAR, face) for face, run in zip(faces, seen, strict=True)]
    assert number_strangers(parts, LEAST) == expected


directions = st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3).filter(any)
parts = st.lists(st.tuples(directions, st.integers(0, 30), st.integers(0, 10)), min_size=1, max_size=12)


@given(parts)
@settings(max_examples=200, deadline=None)
def test_who_is_seen_together_is_never_one_and_one_face_is_never_two_without_reason(
    drawn: list[tuple[list[float], int, int]],
) -> None:
    drawn = sorted(drawn, key=lambda part: part[1:])
    faces = unit(np.array([face for face, _, _ in drawn]))
    runs = [(first, first + length) for _, first, length in drawn]
    shown = [Part([run], 0.0, CLEAR, face) for face, run in zip(faces, runs, strict=True)]
    numbers = [number or 0 for number in number_strangers(shown, LEAST)]
    assert list(dict.fromkeys(numbers)) == list(range(1, max(numbers) + 1))
    together = {
        (one, other)
        for one, (first, last) in enumerate(runs)
        for other, (begun, ended) in enumerate(runs)
        if one != other and first <= ended and begun <= last
    }
    assert all(numbers[one] != numbers[other] for one, other in together)
    alike = all(faces[one] @ faces[other] > LEAST for one in range(len(faces)) for other in range(one))
    if alike and not together:
        assert set(numbers) == {1}
