"""Cuts are found at the frame where they are, and neither light nor the camera is taken for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import cv2
import numpy as np
import pytest

from ive_segmentation.demo.clips import draw_clip
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.result import Image
from ive_segmentation.video.shots import Cuts

FRAMES = 12
WIDE, HIGH = 320, 180

View = tuple[float, float, float]
"""Where the camera looks, from the left and upper edge (0) to the other (1), and what share it sees."""


def _lit(frame: np.ndarray, light: object) -> np.ndarray:
    return np.asarray(frame * np.asarray(light))


# From frame to frame the pans go by 2% and 3.5% of the width that is seen, the zooms by up to 4% and by 10%.
VIEWS: dict[str, Callable[[float], View]] = {
    "pan": lambda time: (0.36 * time, 0.4, 0.6),
    "fast pan": lambda time: (0.5 + 0.42 * time, 0.5, 0.5),
    "zoom": lambda time: (0.5, 0.5, 0.95 - 0.5 * time),
    "fast zoom": lambda time: (0.5, 0.5, 0.95 * 0.9 ** (FRAMES * time)),
}
LIGHTS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "flash": lambda frame, number: frame * 0.3 + 178 if number == FRAMES // 2 else frame,
    "strobe": lambda frame, number: frame * 1.5 if number % 2 else frame,
    "colours": lambda frame, number: _lit(frame, 1 + 0.6 * np.sin(number / 4 + np.array([0, 2, 4]))),
    "fade": lambda frame, number: frame * (1 - 0.9 * number / FRAMES),
}
KINDS = ["still", *VIEWS, *LIGHTS]


def shot(seed: int, kind: str) -> Iterator[Image]:
    """Film a drawn scene: the camera moves over it or the light changes, and the sensor is noisy."""
    scene = draw_scene(seed, size=(960, 540)).image
    rng = np.random.default_rng(seed)
    for number in range(FRAMES):
        x, y, share = VIEWS.get(kind, lambda _: (0.5, 0.5, 0.8))(number / FRAMES)
        wide, high = int(960 * share), int(540 * share)
        left, top = int(x * (960 - wide)), int(y * (540 - high))
        seen = cv2.resize(
            scene[top : top + high, left : left + wide], (WIDE, HIGH), interpolation=cv2.INTER_AREA
        )
        frame = LIGHTS.get(kind, lambda frame, _: frame)(seen.astype(float), number)
        yield np.clip(frame + rng.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)


def found(*shots: Iterator[Image]) -> list[int]:
    cuts = Cuts()
    frames = (frame for one in shots for frame in one)
    return [number for number, frame in enumerate(frames) if cuts.is_cut(frame)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_cut_is_where_it_is_and_nowhere_else(seed: int, kind: str) -> None:
    """Whatever moves or shines: shots of the next kind in the table follow upon one of this kind."""
    after = KINDS[(KINDS.index(kind) + 1) % len(KINDS)]
    assert found(shot(seed, kind), shot(100 + seed, after)) == [FRAMES]


def test_another_place_on_the_same_stage_is_a_cut() -> None:
    """The same scene from nearer by, as group performances are cut."""
    missed = [
        seed
        for seed in range(15)
        if found(islice(shot(seed, "still"), 2), islice(shot(seed, "fast pan"), 1)) != [2]
    ]
    assert len(missed) <= 1


@pytest.mark.parametrize(
    ("above", "beside"),
    [
        pytest.param(24, 0, id="letterbox"),
        pytest.param(0, 40, id="4:3 in 16:9"),
        pytest.param(0, 109, id="a phone's video in 16:9"),
    ],
)
def test_a_cut_between_bars_that_stay(above: int, beside: int) -> None:
    def barred(frames: Iterator[Image]) -> Iterator[Image]:
        for frame in frames:
            within = frame[above : HIGH - above, beside : WIDE - beside]
            yield np.pad(within, [(above, above), (beside, beside), (0, 0)])

    shots = [barred(islice(shot(seed, "still"), 2)) for seed in range(40)]
    cuts = found(*shots)
    wrong = [cut for cut in cuts if cut % 2]
    assert len(wrong) <= 1  # a strip that shows hardly more than the sensor's noise
    assert len(cuts) - len(wrong) >= 0.95 * (len(shots) - 1)


def test_people_who_act_are_not_taken_for_cuts_and_a_cut_among_them_is_found() -> None:
    """The only cut of these clips that a perceptual hash misses, and the liveliest frames."""
    for seed, cuts in ((2_100_043, [64]), (2_100_005, [62]), (2_100_045, [68])):
        assert found(frame.scene.image for frame in draw_clip(seed)) == cuts


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_frame_of_one_colour_is_a_shot_of_its_own(level: int) -> None:
    """Names would run from black into the next shot."""
    flat = np.full((HIGH, WIDE, 3), level, np.uint8)
    shots = (islice(shot(0, "still"), 2), iter([flat, flat]), islice(shot(100, "still"), 2))
    assert found(*shots) == [2, 4]


@pytest.mark.parametrize("size", [(1, 1), (33, 7), (64, 64), (119, 161)])
def test_any_size_and_black(size: tuple[int, int]) -> None:
    cuts = Cuts()
    assert not any(cuts.is_cut(np.zeros((*size, 3), np.uint8)) for _ in range(3))


def test_one_frame_after_another_is_all_that_is_kept() -> None:
    """Shots may be one frame long."""
    first, second = (next(shot(seed, "still")) for seed in (0, 100))
    cuts = Cuts()
    assert [cuts.is_cut(image) for image in (first, second, first, first, second)] == [
        False, True, True, False, True,
    ]  # fmt: skip
