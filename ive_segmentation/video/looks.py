"""What looks at a face say: how good each is, whom it speaks for, and what several say together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.settings import Measured

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Look:
    """One face seen on a track, as small as it can be kept; members that are not listed have the least odds.

    Attributes:
        frame: Where.
        quality: From `quality_of`, 0 to 1.
        members: (M,) indices of the members it speaks for most, rising.
        odds: (M,) their log-odds, at most `look_cap` either way.
        point: (D,) the face in the gallery's space, by which strangers are known again; or None.
    """

    frame: int
    quality: float
    members: NDArray[np.intp]
    odds: NDArray[np.float32]
    point: NDArray[np.float16] | None

    @classmethod
    def at(
        cls, frame: int, odds: NDArray[np.float32], quality: float, point: NDArray[np.float32] | None
    ) -> Look:
        """Keep a look; `odds` (K,) is of all members (`member_log_odds`), the rest as in the attributes."""
        # One look's odds are capped, but their differences between members are kept.
        capped = np.maximum(odds - max(float(odds.max()) - Measured.look_cap, 0.0), -Measured.look_cap)
        members = np.sort(np.argsort(-capped, kind="stable")[: Measured.shortlist])
        kept_point = None if point is None else point.astype(np.float16)
        return cls(frame, quality, members, capped[members].astype(np.float32), kept_point)


def weigh(looks: Sequence[Look], members: int, rate: float) -> Doubles:
    """Weigh looks: what each adds to the evidence for every member.

    Args:
        looks: The L looks of a track, in order of time.
        members: How many members there are, K.
        rate: Frames per second, roughly.

    Returns:
        (L, K + 1) weighted log-odds; the last column is Unknown's, 0.
    """
    table = np.full((len(looks), members + 1), -Measured.look_cap)
    for row, look in zip(table, looks, strict=True):
        row[look.members] = look.odds
    table[:, -1] = 0.0
    seconds = np.array([look.frame for look in looks]) / rate
    return table * _weights(seconds, np.array([look.quality for look in looks]))[:, None]


def costs_of_change(looks: Sequence[Look], overlaps: Sequence[tuple[int, int, float]]) -> Doubles:
    """Say what it costs to let a track be somebody else from a look on.

    It is log L, which the Bayesian information criterion asks for the place of a change, and twice what one
    look can give (`look_cap`), so that one wrong look is not enough; only once that where the track has met
    another since the look before, because swaps happen there.

    Args:
        looks: The L looks of a track, in order of time.
        overlaps: (frame, track, IoU) wherever its box overlapped another's by much, in order of time.

    Returns:
        (L,) for a change before each look, in log-odds.
    """
    frames = [look.frame for look in looks]
    met = [bisect_right(overlaps, frame, key=itemgetter(0)) for frame in frames]
    before = [bisect_left(overlaps, frame, key=itemgetter(0)) for frame in [*frames[:1], *frames[:-1]]]
    share = np.where(np.array(met) > np.array(before), 1.0, 2.0)
    return Measured.look_cap * share + np.log(max(len(looks), 1))


def _weights(seconds: Doubles, quality: Doubles) -> Doubles:
    """What each look counts for, (L,): its quality, less where other looks are close in time.

    A weight is q / (1 + the sum of its neighbours' q, each times exp(-gap / `look_apart`)), so that any
    number of looks at one moment count as one, and looks far apart count in full; a poor look takes little
    from a good one.
    """
    near = np.exp(-np.diff(seconds) / Measured.look_apart)
    before, after = _from_before(quality, near), _from_before(quality[::-1], near[::-1])[::-1]
    return quality / (1 + before + after)


def _from_before(quality: Doubles, near: Doubles) -> Doubles:
    """What the looks before each one weigh there, (L,); `near` (L - 1,) is how near each is to the next."""
    sums = [0.0]
    for weight, nearness in zip(quality[:-1], near, strict=True):
        sums.append((sums[-1] + weight) * nearness)
    return np.array(sums[: len(quality)])
