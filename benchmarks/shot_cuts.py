"""Whether a stage's light and its cameras are taken for cuts, by us and by PySceneDetect's detectors.

Run: python -m benchmarks.shot_cuts [--shots 40] [--first-seed 40]

Shots are drawn scenes, moved and lit as on a stage, one after another, and of clips in which people act.
For each detector the threshold is set where it misses one cut in a hundred; printed is the share of shots in
which it then sees a cut that is none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from operator import attrgetter
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from scenedetect import FrameTimecode, StatsManager
from scenedetect.detectors import AdaptiveDetector, ContentDetector, HashDetector, HistogramDetector

from ive_segmentation.demo.clips import draw_clip
from ive_segmentation.result import Image
from ive_segmentation.video.shots import Cuts
from tests.video.test_shots import KINDS, shot

MISSED = 0.01
SIDE = 256  # pixels; PySceneDetect shrinks frames to about this itself
DETECTORS: dict[str, tuple[Any, str, int]] = {
    "hash": (HashDetector, "hash_dist", 1),
    "content": (ContentDetector, "content_val", 1),
    "adaptive": (AdaptiveDetector, "adaptive_ratio", 1),
    "histogram": (HistogramDetector, "hist_diff", -1),  # a correlation: low where the picture changes
}


PEOPLE, FIRST_CLIP = "people", 2_200_000


def scores(name: str, frames: Iterator[Image]) -> np.ndarray:
    """How much each frame looks like the first of a new shot; NaN where the detector does not say."""
    kind, metric, sign = DETECTORS[name]
    detector = kind()
    detector.stats_manager = StatsManager()
    moments = []
    for number, image in enumerate(frames):
        moments.append(FrameTimecode(number, fps=25.0))
        detector.process_frame(moments[-1], cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    (key,) = [key for key in detector.get_metrics() if key.startswith(metric)]
    found = [detector.stats_manager.get_metrics(moment, [key])[0] for moment in moments]
    return np.array([np.nan if value is None else sign * float(value) for value in found])


def main(
    shots: Annotated[int, typer.Option(help="Shots of each kind.")] = 40,
    first_seed: Annotated[int, typer.Option(help="0 to 39 were tuned on.")] = 40,
) -> None:
    """Print a row per detector and a column per kind of shot."""
    seeds = range(first_seed, first_seed + shots)
    frames = {kind: [[_small(image) for image in shot(seed, kind)] for seed in seeds] for kind in KINDS}
    frames[PEOPLE] = [each for seed in seeds for each in _acted(FIRST_CLIP + seed)]
    print(
        f"{shots} shots of each kind; share of shots with a cut that is none, at {MISSED:.0%} of cuts missed"
    )
    print(f"{'':10}" + "".join(f"{kind:>12}" for kind in frames))
    for name in DETECTORS:
        cuts, worst = [], {}
        for kind, each in frames.items():
            found = scores(name, (image for one in each for image in one))
            starts = np.cumsum([0, *map(len, each)])
            cuts.append(found[starts[1:-1]])
            inner = [found[begin + 1 : end] for begin, end in itertools.pairwise(starts)]
            worst[kind] = np.array([np.nanmax(values) for values in inner])
        threshold = np.nanquantile(np.concatenate(cuts), MISSED)
        print(f"{name:10}" + "".join(f"{np.mean(worst[kind] >= threshold):12.0%}" for kind in frames))
    print(f"{'ours':10}" + "".join(f"{_wrongly_cut(each):12.0%}" for each in frames.values()))
    every = [one for each in frames.values() for one in each]
    print(f"ours finds {_found(every)} of {len(every) - 1} cuts between all of them")


def _cuts(shots: list[list[Image]]) -> list[list[bool]]:
    cuts = Cuts()
    return [[cuts.is_cut(image) for image in one] for one in shots]


def _wrongly_cut(shots: list[list[Image]]) -> float:
    """Share of shots with a cut after their first frame."""
    return float(np.mean([any(found[1:]) for found in _cuts(shots)]))


def _found(shots: list[list[Image]]) -> int:
    return sum(found[0] for found in _cuts(shots)[1:])


def _acted(seed: int) -> list[list[Image]]:
    """The shots of one clip."""
    frames = itertools.groupby(draw_clip(seed), key=attrgetter("shot"))
    return [[_small(frame.scene.image) for frame in each] for _, each in frames]


def _small(image: Image) -> Image:
    scale = SIDE / max(image.shape[:2])
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    typer.run(main)
