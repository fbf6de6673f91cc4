"""A 9:16 crop that follows one member through a group video, moved as a person moves a camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, diags_array, eye_array, hstack, vstack

from ive_segmentation.result import Image
from ive_segmentation.settings import Measured

Doubles = NDArray[np.float64]

ASPECT = 9 / 16
LARGEST = (1920, 1080)
"""Height and width of the largest fancam: what phones show."""
KNOT = 0.25
"""Seconds between the spline's knots: a hand on a camera makes about four corrections a second."""
MOST_HEAD = 0.75
"""Share of the crop that a head fills at most where there is a larger crop."""
USUALLY = 0.9
"""Share of the frames in which that holds: a raised arm for a moment is no reason to show her smaller."""

USUAL_HEAD = 0.25
"""Share of the crop that a head fills where the bounds on the movements hold: 0.3 m of 1.2 m, with its hair.
In a close-up a crop width is fewer metres, and the same movement is more crop widths."""

INSIDE = 0.85
"""Share of the crop up to which a head is kept wholly in it; a wider one is only centred. The rest is
for what was not seen of her hair (48 drawn clips from 2,100,100: 0.987 of the heads whole, at 0.9 0.984)."""
AT_EDGE = 2.0
"""A head that comes this near to the frame's edge, in pixels, is taken to be cut off by it."""
BEYOND = 0.1
"""How far such a head is taken to reach beyond the edge, as a share of its side."""
PAST_EDGE = 0.01
"""Crop widths that the path may lie beyond the frame, where the crop then rests at the edge."""

# What the path costs, in crop widths and seconds. A head out of the picture is far worse than any movement;
# the rest was tuned by eye on noisy walks: less jerk weight lets the camera twitch, more makes it late.
OUTSIDE, OFF, SPEED, ACCELERATION, JERK = 100.0, 1.0, 0.1, 0.1, 0.05


def output_size(size: tuple[int, int]) -> tuple[int, int]:
    """Choose how large the fancam is.

    Args:
        size: (H, W) of the video, pixels.

    Returns:
        (H, W) of the fancam: the largest 9:16 that fits, at most 1920 by 1080, both even as H.264 wants it.
    """
    height = min(_largest(size), LARGEST[0])
    return max(round(height / 2) * 2, 2), max(round(height * ASPECT / 2) * 2, 2)


def camera_path(
    heads: NDArray[Any],
    bodies: NDArray[Any],
    shots: NDArray[Any],
    size: tuple[int, int],
    seconds: NDArray[Any],
) -> Doubles:
    """Find where the camera looks in every frame, shot by shot, knowing the whole shot.

    The path is a cubic spline, found by linear programming after Grundmann, Kwatra and Essa, "Auto-directed
    video stabilization with robust L1 optimal camera paths" (CVPR 2011): as little distance from the wanted
    place, speed, acceleration and jerk as possible, in L1, so that it rests, pans evenly and eases in
    between, as people do. Speed, acceleration and jerk are bounded, less tightly in a close-up, and not where
    the crop comes to rest at the frame's edge or leaves it; the head is kept in the crop wherever that allows
    it. Within a shot the crop keeps its size, which follows her height and how wide her head is. While she is
    away for long it holds still, but for a moment in which it comes to rest and one in which it sets off to
    be there when she comes back.

    Args:
        heads: (N, 4) xyxy, pixels: face and hair, or the top of her box; NaN while she is away or hidden.
        bodies: (N, 4) xyxy, pixels: her box; NaN likewise.
        shots: (N,) the number of each frame's shot; frames of a shot are neighbours.
        size: (H, W) of the video, pixels.
        seconds: (N,) when each frame is shown, rising; steps may differ.

    Returns:
        (N, 4) float64 xyxy, pixels: 9:16, within the frame.
    """
    heads, bodies = np.asarray(heads, float).reshape(-1, 4), np.asarray(bodies, float).reshape(-1, 4)
    seconds = np.asarray(seconds, float)
    windows = np.zeros((len(heads), 4))
    cuts = np.flatnonzero(np.diff(np.asarray(shots))) + 1
    for part in np.split(np.arange(len(heads)), cuts):
        if len(part):
            windows[part] = _follow(heads[part], bodies[part], size, seconds[part])
    return windows


def crop(image: Image, window: NDArray[Any], out_size: tuple[int, int]) -> Image:
    """Cut a window out to a fraction of a pixel, so that slow movements do not judder.

    Args:
        image: RGB uint8 (H, W, 3).
        window: (4,) xyxy, pixels, within the image.
        out_size: (H, W) of the result.

    Returns:
        RGB uint8 (H, W, 3).
    """
    height, width = out_size
    x1, y1, x2, y2 = (float(edge) for edge in window)
    # Pixels are averaged where there are too many: drawn larger first, then shrunk by a whole factor.
    shrink = max(1, round((y2 - y1) / height))
    across, down = (x2 - x1) / (width * shrink), (y2 - y1) / (height * shrink)
    # Of pixel middles: the first one of the crop lies half a step into the window.
    back = np.array([[across, 0, x1 + across / 2 - 0.5], [0, down, y1 + down / 2 - 0.5]])
    found = cv2.warpAffine(
        image,
        back,
        (width * shrink, height * shrink),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if shrink > 1:
        found = cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(found, np.uint8)


def _largest(size: tuple[int, int]) -> float:
    """Height of the largest 9:16 window in a frame."""
    return min(float(size[0]), size[1] / ASPECT)


def _follow(heads: Doubles, bodies: Doubles, size: tuple[int, int], seconds: Doubles) -> Doubles:
    """Windows (N, 4) for the frames of one shot."""
    seen = np.isfinite(heads).all(axis=1)
    wide = (heads[:, 2] - heads[:, 0])[seen]
    height = _height(wide, bodies, _largest(size))
    width = height * ASPECT
    half = np.array([width, height]) / 2
    ends = np.array([size[1], size[0]])
    if not seen.any():
        middle = np.tile(ends / 2, (len(heads), 1))
        return np.hstack([middle - half, middle + half])
    closer = max(float(np.median(wide)) / width / USUAL_HEAD, 1.0)
    limits = closer * np.array([Measured.camera_speed, Measured.camera_acceleration, Measured.camera_jerk])
    heads = heads + _cut_off(heads, ends)
    head = (heads[:, :2] + heads[:, 2:]) / 2
    room = np.maximum(half - (heads[:, 2:] - heads[:, :2]) / 2 / INSIDE, 0.0)
    place = head + np.array([0.0, (0.5 - Measured.camera_headroom) * height])
    bounds = np.stack([half, ends - half], axis=1)
    axes = zip(place.T, head.T, room.T, bounds, strict=True)
    centres = np.stack([_axis(*axis, seconds, width, limits) for axis in axes], axis=1)
    # To within what floating-point numbers lose, so that who stands at the frame's edge is wholly in it.
    return np.hstack([centres - half, centres + half]).round(9)


def _height(wide: Doubles, bodies: Doubles, largest: float) -> float:
    """Height of the crop in a shot, pixels; `wide` is how wide her head is where it is seen."""
    heights = (bodies[:, 3] - bodies[:, 1])[np.isfinite(bodies).all(axis=1)]
    wanted = Measured.camera_room * np.median(heights) if heights.size else largest
    if wide.size:
        # Where the picture cuts her off at the waist, her head with its hair may be too wide for that.
        wanted = max(wanted, np.quantile(wide, USUALLY) / MOST_HEAD / ASPECT)
    return float(np.clip(wanted, largest / Measured.camera_zoom, largest))


def _cut_off(heads: Doubles, ends: Doubles) -> Doubles:
    """How far heads that the frame's edge cuts off reach beyond it, (N, 4), so that the crop goes there."""
    beyond = BEYOND * (heads[:, 2:] - heads[:, :2])
    return np.hstack([-beyond * (heads[:, :2] < AT_EDGE), beyond * (heads[:, 2:] > ends - AT_EDGE)])


def _axis(
    place: Doubles,
    head: Doubles,
    room: Doubles,
    bounds: Doubles,
    seconds: Doubles,
    width: float,
    limits: Doubles,
) -> Doubles:
    """Where the crop's middle is along one axis, (N,) pixels; all is solved in crop widths.

    Args:
        place: (N,) where it is wanted, pixels.
        head: (N,) the middle of her head, pixels; NaN while it is not seen.
        room: (N,) how far from there it may be with all of her head in the crop, pixels.
        bounds: (2,) between which it must be, pixels.
        seconds: (N,) when each frame is shown.
        width: Of the crop, pixels.
        limits: (3,) greatest speed, acceleration and jerk, in crop widths and seconds.
    """
    seen = np.isfinite(head)
    # A frame that the crop just fits may leave a little less than nothing between the two.
    low, high = bounds.min() / width, bounds.max() / width
    spline, slopes = _spline(seconds)
    at = spline[seen]
    place, head, room = (np.clip(value[seen] / width, -1e3, 1e3) for value in (place, head, room))
    place = np.clip(place, low, high)
    share = max(float(seconds[-1] - seconds[0]), KNOT) / len(place)
    speed, acceleration, jerk = map(np.full, (slope.shape[0] for slope in slopes), limits)
    speed[_held(seconds, seen, len(speed))] = 0.0
    terms = [
        _Term(at, place, Measured.camera_dead_zone, OFF * share, np.inf),
        _Term(at, head, room, OUTSIDE * share, np.inf),
        _Term(slopes[0], 0.0, 0.0, SPEED * KNOT, speed),
        _Term(slopes[1], 0.0, 0.0, ACCELERATION * KNOT, acceleration),
        _Term(slopes[2], 0.0, 0.0, JERK * KNOT, jerk),
    ]
    path = spline @ _cheapest(terms, low - PAST_EDGE, high + PAST_EDGE)
    centres = np.clip(path * width, bounds.min(), bounds.max())
    for edge in bounds:  # to which the solver comes as near as its tolerance asks
        centres[np.isclose(centres, edge, rtol=0, atol=1e-3)] = edge
    return np.asarray(centres)


class _Term(NamedTuple):
    """What the path should be like at M places, and what it costs where it is not; numbers hold for all M.

    Attributes:
        rows: (M, C): times the spline's coefficients, what is looked at.
        aim: (M,) what that should be.
        free: (M,) how far off it may be at no cost.
        weight: What it costs to be farther off, for each unit.
        most: (M,) how much farther off it may be at most.
    """

    rows: csr_array
    aim: Doubles | float
    free: Doubles | float
    weight: float
    most: Doubles | float


def _cheapest(terms: Sequence[_Term], low: float, high: float) -> Doubles:
    """The coefficients (C,), from `low` to `high`, that cost least.

    The other unknowns of the linear programme are how far off each row is beyond what is free: each at least
    what the row says, and at least its negative.
    """
    sizes = [term.rows.shape[0] for term in terms]

    def per_row(values: Iterable[Doubles | float]) -> Doubles:
        return np.concatenate([*map(np.broadcast_to, values, sizes)])

    aim, free = per_row(term.aim for term in terms), per_row(term.free for term in terms)
    rows, off = vstack([term.rows for term in terms]), eye_array(sum(sizes))
    count = rows.shape[1]
    answer = milp(
        np.concatenate([np.zeros(count), per_row(term.weight for term in terms)]),
        bounds=Bounds(
            np.concatenate([np.full(count, low), np.zeros(sum(sizes))]),
            np.concatenate([np.full(count, high), per_row(term.most for term in terms)]),
        ),
        constraints=[
            LinearConstraint(csr_array(hstack([rows, -off])), ub=aim + free),
            LinearConstraint(csr_array(hstack([rows, off])), lb=aim - free),
        ],
    )
    assert answer.x is not None, answer.message  # to stand still is always allowed
    return np.asarray(answer.x[:count])


def _spline(seconds: Doubles) -> tuple[csr_array, list[csr_array]]:
    """The spline at each frame (N, C), and its slopes of order 1 to 3 in terms of its coefficients.

    The slopes' coefficients bound the slopes (a spline lies in the hull of its coefficients), so what is
    asked of the coefficients holds everywhere, however the frames lie.
    """
    spans = max(1, int(np.ceil((seconds[-1] - seconds[0]) / KNOT)))
    knots = KNOT * np.arange(-3, spans + 4)
    since = np.clip(seconds - seconds[0], 0, np.nextafter(KNOT * spans, 0))
    slopes: list[csr_array] = []
    slope: Any = eye_array(spans + 3)
    for _ in range(3):
        rows = slope.shape[0] - 1
        slope = diags_array([-1.0, 1.0], offsets=[0, 1], shape=(rows, rows + 1)) @ slope / KNOT
        slopes.append(csr_array(slope))
    return csr_array(BSpline.design_matrix(since, knots, 3)), slopes


def _held(seconds: Doubles, seen: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Which steps between coefficients must be zero, (C - 1,), because she is away."""
    since = seconds - seconds[0]
    moments = since[seen]
    held = np.zeros(steps, bool)
    # Before she first comes and after she has gone for good, and in every long gap.
    away = np.concatenate([[-np.inf], moments, [np.inf]])
    for left, back in pairwise(away):
        first = int(np.ceil(max(left + Measured.camera_settle, 0.0) / KNOT))
        last = int(np.floor(min(back - Measured.camera_settle, steps * KNOT) / KNOT))
        # Within span i the curve depends on the coefficients i to i + 3.
        if last > first:
            held[first : last + 2] = True
    return held
