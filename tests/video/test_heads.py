"""Where a head is: where the face was seen on the body, with the hair above and beside it."""

from __future__ import annotations

import numpy as np
import pytest

from ive_segmentation.video.heads import HAIR_BESIDE_FACE, Heads

BODY = np.array([40, 20, 80, 180], np.float32)
FACE = np.array([50, 30, 70, 50], np.float32)


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask (200, 200) of boxes xyxy."""
    out = np.zeros((200, 200), bool)
    for x1, y1, x2, y2 in boxes:
        out[y1:y2, x1:x2] = True
    return out


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
    heads.seen(1, BODY, mask(HEAD, *beside), FACE)
    head = heads.head(1, BODY, mask(HEAD, *beside))
    assert head[[0, 2]].tolist() == [left, right]
    assert head[1] < FACE[1]
    assert head[3] == FACE[3]


def test_the_head_moves_along_with_the_body() -> None:
    heads = Heads()
    heads.seen(1, BODY, mask(HEAD), FACE)
    step = np.array([9, 4, 9, 4], np.float32)
    before = heads.head(1, BODY, mask(HEAD))
    after = heads.head(1, BODY + step, mask((59, 24, 79, 54)))
    assert (after - before).tolist() == step.tolist()


def test_an_arm_stretched_to_one_side_does_not_move_the_head() -> None:
    heads = Heads()
    heads.seen(1, BODY, mask(HEAD, (40, 60, 80, 180)), FACE)
    wider = np.array([40, 20, 180, 180], np.float32)
    before = heads.face(1, BODY, mask(HEAD, (40, 60, 80, 180)))
    after = heads.face(1, wider, mask(HEAD, (40, 60, 80, 180), (80, 70, 180, 80)))
    assert before is not None
    assert after is not None
    assert after.tolist() == before.tolist() == FACE.tolist()


def test_hair_reaches_as_far_as_when_it_was_seen() -> None:
    heads, ponytail = Heads(), (70, 22, 95, 60)
    heads.seen(1, BODY, mask(HEAD, ponytail), FACE, [mask((0, 0, 30, 30)), mask((50, 20, 95, 60))])
    assert heads.head(1, BODY, mask(HEAD, ponytail))[[0, 2]].tolist() == [50, 95]
    heads.seen(1, BODY, mask(HEAD, ponytail), FACE)  # it was not looked for, or not found
    assert heads.head(1, BODY, mask(HEAD, ponytail))[[0, 2]].tolist() == [50, 95]


def test_the_hair_of_another_is_not_hers() -> None:
    heads = Heads()
    heads.seen(1, BODY, mask(HEAD), FACE, [mask((65, 20, 120, 60))])
    assert heads.head(1, BODY, mask(HEAD))[[0, 2]].tolist() == [50, 70]


def test_before_any_face_was_seen_the_head_is_the_top_of_the_body() -> None:
    left, top, right, bottom = Heads().head(1, BODY, mask(HEAD))
    assert top == BODY[1]
    assert bottom < BODY[3] / 2
    assert (left + right) / 2 == (BODY[0] + BODY[2]) / 2
