"""Where a head is: where the face was seen on the body, with the hair above and beside it."""

from __future__ import annotations

import numpy as np
import pytest

from ive_segmentation.video.heads import HAIR, HAIR_BESIDE_FACE, Heads, hair_of
from ive_segmentation.video.tracks import Tracked

BODY = np.array([40, 20, 80, 180], np.float32)
FACE = np.array([50, 30, 70, 50], np.float32)


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask (200, 200) of boxes xyxy."""
    out = np.zeros((200, 200), bool)
    for x1, y1, x2, y2 in boxes:
        out[y1:y2, x1:x2] = True
    return out


def person(*boxes: tuple[int, int, int, int], box: np.ndarray = BODY, track: int = 1) -> Tracked:
    return Tracked(track, "person", mask(*boxes), box, 1.0)


def lock(*box: int) -> Tracked:
    return Tracked(2, HAIR, mask((box[0], box[1], box[2], box[3])), np.array(box, np.float32), 1.0)


HEAD = (50, 20, 70, 50)


@pytest.mark.parametrize(
    ("beside", "left", "right"),
    [
        pytest.param([], 50, 70, id="a face and nothing beside it"),
        pytest.param([(70, 30, 76, 90)], 50, 76, id="a ponytail"),
        pytest.param([(44, 25, 76, 60)], 44, 76, id="hair on both sides"),
        pytest.param(
            [(70, 30, 120, 40)], 50, 70 + 20 * HAIR_BESIDE_FACE, id="a raised arm: no more than hair"
        ),
        pytest.param([(70, 44, 90, 50)], 50, 70, id="a shoulder beside the chin is no hair"),
        pytest.param([(30, 60, 90, 180)], 50, 70, id="what is below the face is no hair"),
    ],
)
def test_the_head_is_the_face_and_the_hair_beside_it(
    beside: list[tuple[int, int, int, int]], left: float, right: float
) -> None:
    heads = Heads()
    heads.seen(person(HEAD, *beside), FACE)
    head = heads.head(person(HEAD, *beside))
    assert head[[0, 2]].tolist() == [left, right]
    assert head[1] < FACE[1]
    assert head[3] == FACE[3]


def test_the_head_moves_along_with_the_body() -> None:
    heads = Heads()
    heads.seen(person(HEAD), FACE)
    step = np.array([9, 4, 9, 4], np.float32)
    before = heads.head(person(HEAD))
    after = heads.head(person((59, 24, 79, 54), box=BODY + step))
    assert (after - before).tolist() == step.tolist()


def test_an_arm_stretched_to_one_side_does_not_move_the_head() -> None:
    heads = Heads()
    still = person(HEAD, (40, 60, 80, 180))
    heads.seen(still, FACE)
    before = heads.face(still)
    wider = np.array([40, 20, 180, 180], np.float32)
    after = heads.face(person(HEAD, (40, 60, 80, 180), (80, 70, 180, 80), box=wider))
    assert before is not None
    assert after is not None
    assert after.tolist() == before.tolist() == FACE.tolist()


def test_the_head_is_the_hair_and_the_face_below_it() -> None:
    """The body may say what it likes: half of it may be hidden."""
    heads = Heads()
    heads.seen(person(HEAD), FACE, np.array([45, 18, 75, 40], np.float32))
    now = np.array([55, 28, 85, 50], np.float32)
    assert heads.head(person((0, 0, 10, 10)), now).tolist() == [55, 28, 85, 60]


def test_who_never_showed_a_face_is_as_wide_as_her_hair() -> None:
    hair = np.array([45, 18, 75, 40], np.float32)
    assert Heads().head(person(HEAD), hair).tolist() == hair.tolist()


def test_hair_reaches_as_far_as_when_it_was_seen() -> None:
    heads, ponytail = Heads(), (70, 22, 95, 60)
    heads.seen(person(HEAD, ponytail), FACE, np.array([50, 20, 95, 60], np.float32))
    assert heads.head(person(HEAD, ponytail))[[0, 2]].tolist() == [50, 95]
    heads.seen(person(HEAD, ponytail), FACE)  # it was not found
    assert heads.head(person(HEAD, ponytail))[[0, 2]].tolist() == [50, 95]


@pytest.mark.parametrize(
    ("locks", "expected"),
    [
        pytest.param([], {}, id="no hair"),
        pytest.param([lock(0, 0, 30, 30)], {}, id="far away"),
        pytest.param([lock(68, 20, 120, 60)], {}, id="more than half of it is on nobody"),
        pytest.param([lock(66, 30, 72, 36), lock(48, 20, 72, 60)], {1: [48, 20, 72, 60]}, id="most of it"),
        pytest.param(
            [lock(48, 20, 72, 60), lock(148, 20, 172, 60)],
            {1: [48, 20, 72, 60], 2: [148, 20, 172, 60]},
            id="to each her own",
        ),
        pytest.param([lock(60, 50, 72, 60)], {1: [60, 50, 72, 60]}, id="on two, and one has more of it"),
    ],
)
def test_hair_is_hers_if_most_of_it_is_on_her(locks: list[Tracked], expected: dict[int, list[int]]) -> None:
    one = person(HEAD, (48, 50, 72, 60))
    other = person((150, 20, 170, 50), (148, 50, 172, 60), (60, 54, 72, 60), track=2)
    assert {track: box.tolist() for track, box in hair_of([one, other], locks).items()} == expected
    assert hair_of([], locks) == {}


def test_a_speck_on_another_is_not_her_hair_wherever_the_box_of_it_is() -> None:
    """SAM 3 says box and mask apart from each other."""
    mixed = Tracked(2, HAIR, mask((50, 20, 70, 50), (150, 20, 160, 30)), np.array([48, 18, 72, 60]), 1.0)
    assert {t: box.tolist() for t, box in hair_of([person(HEAD)], [mixed]).items()} == {1: [50, 20, 70, 50]}


def test_before_any_face_was_seen_the_head_is_the_top_of_the_body() -> None:
    left, top, right, bottom = Heads().head(person(HEAD))
    assert top == BODY[1]
    assert bottom < BODY[3] / 2
    assert (left + right) / 2 == (BODY[0] + BODY[2]) / 2
