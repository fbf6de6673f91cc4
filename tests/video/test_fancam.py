"""The camera: within the frame, with her, and no quicker than a person."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ive_segmentation.settings import Measured
from ive_segmentation.video.fancam import ASPECT, PAST_EDGE, USUAL_HEAD, camera_path, crop, output_size

SIZE = (1080, 1920)
AWAY = np.full(4, np.nan)


def boxes(x: np.ndarray, y: np.ndarray | float = 300.0, half: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """Head and body boxes round the middles of heads."""
    y = np.broadcast_to(y, x.shape)
    heads = np.stack([x - half, y - half, x + half, y + half], axis=1)
    bodies = np.stack([x - 3 * half, y - 2 * half, x + 3 * half, y + 11 * half], axis=1)
    return heads, bodies


def path_of(
    x: np.ndarray, rate: float = 30.0, shots: np.ndarray | None = None, y: np.ndarray | float = 300.0
) -> tuple[np.ndarray, np.ndarray]:
    """Windows for heads at x, NaN where she is away; and the heads."""
    heads, bodies = boxes(x, y)
    heads[np.isnan(x)] = bodies[np.isnan(x)] = AWAY
    shots = np.zeros(len(x)) if shots is None else shots
    return camera_path(heads, bodies, shots, SIZE, np.arange(len(x)) / rate), heads


def inside(heads: np.ndarray, windows: np.ndarray) -> np.ndarray:
    left, right = heads[:, :2] >= windows[:, :2] - 1e-6, heads[:, 2:] <= windows[:, 2:] + 1e-6
    return np.asarray(np.hstack([left, right]).all(axis=1))


def slopes(windows: np.ndarray, order: int, rate: float = 30.0) -> float:
    """The greatest speed (1), acceleration (2) or jerk (3), in crop widths and seconds."""
    middles = (windows[:, :2] + windows[:, 2:]) / 2 / (windows[:, 2:3] - windows[:, :1])
    return float(np.abs(np.diff(middles, order, axis=0)).max(initial=0) * rate**order)


@given(
    st.integers(1, 90),
    st.integers(0, 10_000),
    st.floats(0, 400),
    st.floats(0, 0.5),
    st.sampled_from([(1080, 1920), (120, 161), (640, 360), (33, 20), (90, 1000)]),
    st.sampled_from([7.0, 25.0, 60.0]),
)
@settings(max_examples=25, deadline=None)
def test_whatever_the_heads_do_the_crop_is_in_the_frame_and_moves_within_bounds(
    count: int, seed: int, noise: float, away: float, size: tuple[int, int], rate: float
) -> None:
    random = np.random.default_rng(seed)
    x = random.uniform(0, size[1]) + np.cumsum(random.normal(scale=noise, size=count))
    heads, bodies = boxes(x, random.uniform(0, size[0]), size[0] / 20)
    gone = random.random(count) < away
    heads[gone] = bodies[gone] = AWAY
    shots = np.sort(random.integers(0, 3, count))
    seconds = np.cumsum(random.uniform(0.5, 1.5, count)) / rate
    windows = camera_path(heads, bodies, shots, size, seconds)
    again = camera_path(heads, bodies, shots, size, seconds)
    assert np.array_equal(windows, again)
    assert windows.min() >= -1e-6
    assert (windows[:, 2:] <= np.array([size[1], size[0]]) + 1e-6).all()
    assert (windows[:, 2] - windows[:, 0]) / (windows[:, 3] - windows[:, 1]) == pytest.approx(ASPECT)
    for shot in np.unique(shots):
        part = windows[shots == shot]
        moments = seconds[shots == shot]
        width = part[0, 2] - part[0, 0]
        middles = (part[:, :2] + part[:, 2:]) / 2 / width
        speed = np.diff(middles, axis=0) / np.diff(moments)[:, None]
        closer = max(size[0] / 10 / width / USUAL_HEAD, 1.0)
        fastest, quickest = closer * Measured.camera_speed, closer * Measured.camera_acceleration
        assert np.ptp(part[:, 2] - part[:, 0]) < 1e-6
        assert np.abs(speed).max(initial=0) <= fastest + 1e-4
        # Between the middles of two steps, which the frames' uneven times put so far apart.
        between = (moments[2:] - moments[:-2])[:, None] / 2
        at_edge = np.isclose(part[:, :2], 0) | np.isclose(part[:, 2:], size[::-1])
        # There it may stop from as fast as it can still brake within `PAST_EDGE`.
        near_edge = at_edge[:-2] | at_edge[1:-1] | at_edge[2:]
        stop = np.sqrt(2 * quickest * PAST_EDGE) * near_edge
        allowed = (quickest + 1e-3) * between + stop
        assert (np.abs(np.diff(speed, axis=0)) <= allowed).all()


@given(st.integers(0, 10_000), st.floats(0.2, 1.2), st.floats(0, 8))
@settings(max_examples=15, deadline=None)
def test_a_walking_head_stays_in_the_crop_and_the_camera_is_calmer_than_the_box(
    seed: int, pace: float, noise: float
) -> None:
    random = np.random.default_rng(seed)
    seconds = np.arange(180) / 30
    true = 960 + 500 * np.sin(pace * seconds + random.uniform(0, 6))
    windows, heads = path_of(true + random.normal(scale=noise, size=len(true)))
    assert inside(heads, windows).all()
    assert slopes(windows, 3) <= Measured.camera_jerk + 1e-3
    if noise > 1:
        follows = np.hstack([heads[:, :2], heads[:, :2] + np.ptp(windows[0, ::2])])
        assert slopes(windows, 2) < slopes(follows, 2) / 5
        assert slopes(windows, 3) < slopes(follows, 3) / 20


@pytest.mark.parametrize("size", [(360, 480), (720, 1280), SIZE])
def test_a_head_at_the_frame_s_edge_is_wholly_in_the_crop(size: tuple[int, int]) -> None:
    """Not cut by so much as the solver's tolerance."""
    inwards = 40 + 15 * np.sin(np.arange(90) / 7).clip(0)
    seconds = np.arange(90) / 30
    for x, edge, frame in ((inwards, 0, 0), (size[1] - inwards, 2, size[1])):
        windows = camera_path(*boxes(x, 90.0, 40.0), np.zeros(90), size, seconds)
        assert (windows[:, edge] == frame).all()


def test_a_head_that_the_frame_cuts_off_for_a_moment_is_wholly_in_the_crop() -> None:
    """She steps up to the edge and back, and what is seen of her head ends there."""
    x = 300 + 230 * np.cos(np.arange(72) / 72 * 2 * np.pi)
    heads, bodies = boxes(x, 90.0, 80.0)
    heads, bodies = heads.clip(0), bodies.clip(0)
    assert (heads[:, 0] == 0).sum() > 5
    windows = camera_path(heads, bodies, np.zeros(72), (720, 1280), np.arange(72) / 24)
    assert inside(heads, windows).all()


def test_a_wide_head_on_a_short_body_gets_a_crop_that_holds_it() -> None:
    heads, bodies = boxes(np.full(30, 900.0), half=180.0)
    bodies[:, 3] = bodies[:, 1] + 480
    windows = camera_path(heads, bodies, np.zeros(30), SIZE, np.arange(30) / 30)
    assert inside(heads, windows).all()
    assert (windows[:, 2] - windows[:, 0]).max() < SIZE[0] * ASPECT  # no larger than it must be


@pytest.mark.parametrize(("half", "beyond"), [(190.0, True), (40.0, False)], ids=["close-up", "whole figure"])
def test_in_a_close_up_the_camera_may_turn_as_quickly_as_she_does(half: float, beyond: bool) -> None:
    seconds = np.arange(60) / 30
    heads, bodies = boxes(960 + 1.7 * half * np.sin(4 * seconds), half=half)
    bodies[:, 1], bodies[:, 3] = 0, SIZE[0]  # in both the crop is as large as it gets
    windows = camera_path(heads, bodies, np.zeros(60), SIZE, seconds)
    assert inside(heads, windows).all()
    assert (slopes(windows, 2) > Measured.camera_acceleration) == beyond


def test_she_sways_and_the_camera_rests() -> None:
    windows, _ = path_of(960 + 25 * np.sin(np.arange(120) / 5))
    assert np.ptp(windows, axis=0).max() < 1e-3


def test_the_camera_holds_while_she_is_away_and_is_there_when_she_comes_back() -> None:
    x = np.concatenate([np.linspace(400, 800, 60), np.full(120, np.nan), np.full(60, 1000.0)])
    windows, heads = path_of(x)
    settle = round((Measured.camera_settle + 0.25) * 30)  # and at most one knot of the spline
    held = windows[60 + settle : 180 - settle]
    assert np.ptp(held, axis=0).max() < 1e-6
    seen = np.isfinite(x)
    assert inside(heads[seen], windows[seen]).all()


def test_before_she_first_comes_and_after_she_has_gone_it_stands_where_she_is() -> None:
    x = np.concatenate([np.full(90, np.nan), np.full(30, 700.0), np.full(90, np.nan)])
    windows, heads = path_of(x)
    assert np.ptp(windows, axis=0).max() < 1e-3
    assert inside(heads[90:120], windows[90:120]).all()


def test_nobody_to_follow_gives_the_middle_of_the_frame() -> None:
    windows, _ = path_of(np.full(10, np.nan))
    assert windows == pytest.approx(np.tile([960 - 303.75, 0, 960 + 303.75, 1080], (10, 1)))
    assert camera_path(np.zeros((0, 4)), np.zeros((0, 4)), np.zeros(0), SIZE, np.zeros(0)).shape == (0, 4)


def test_it_snaps_at_a_cut_and_only_there() -> None:
    x = np.concatenate([np.full(40, 400.0), np.full(40, 1500.0)])
    cut, heads = path_of(x, shots=np.repeat([0, 1], 40))
    assert inside(heads, cut).all()
    assert np.ptp(cut[:40], axis=0).max() < 1e-3
    assert cut[40, 0] - cut[39, 0] > 900
    panned, _ = path_of(x)
    assert slopes(panned, 1) <= Measured.camera_speed + 1e-4


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2160, 3840), (1920, 1080)),
        ((1080, 1920), (1080, 608)),
        ((720, 1280), (720, 404)),
        ((1920, 1080), (1920, 1080)),
        ((240, 320), (240, 136)),
        ((121, 161), (120, 68)),
        ((100, 9), (16, 8)),
        ((1, 1), (2, 2)),
    ],
)
def test_output_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert output_size(size) == expected


def test_the_crop_of_whole_pixels_is_those_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    assert np.array_equal(crop(image, np.array([10, 0, 46, 64]), (64, 36)), image[:, 10:46])


@pytest.mark.parametrize("scale", [1, 2, 3])
@given(shift=st.floats(0, 20))
@settings(max_examples=20, deadline=None)
def test_a_crop_moves_by_fractions_of_a_pixel(scale: int, shift: float) -> None:
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, :, None] * 2, (64, 100, 3))
    window = np.array([shift, 0, shift + 36, 64])
    cut = crop(np.ascontiguousarray(ramp), window, (64 // scale, 36 // scale))
    middle = 2 * (shift + 36 / 2 - 0.5)
    assert cut[:, 1:-1].mean() == pytest.approx(middle, abs=0.6)
