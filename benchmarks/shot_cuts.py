"""Which of PySceneDetect's detectors a stage's light does not deceive.

Run: python -m benchmarks.shot_cuts [--shots 40]

Shots are drawn scenes, moved and lit as on a stage, one after another. For each detector the threshold is set
where it misses one cut in a hundred; printed is the share of shots in which it then sees a cut that is none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from scenedetect import FrameTimecode, StatsManager
from scenedetect.detectors import AdaptiveDetector, ContentDetector, HashDetector, HistogramDetector

from ive_segmentation.result import Image
from tests.video.test_shots import KINDS, shot

MISSED = 0.01
SIDE = 256  # pixels; PySceneDetect shrinks frames to about this itself
DETECTORS: dict[str, tuple[Any, str, int]] = {
    "hash": (HashDetector, "hash_dist", 1),
    "content": (ContentDetector, "content_val", 1),
    "adaptive": (AdaptiveDetector, "adaptive_ratio", 1),
    "histogram": (HistogramDetector, "hist_diff", -1),  # a correlation: low where the picture changes
}


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


def main(shots: Annotated[int, typer.Option(help="Shots of each kind.")] = 40) -> None:
    """Print a row per detector and a column per kind of shot."""
    frames: dict[str, list[list[Image]]] = {
        kind: [[_small(image) for image in shot(seed, kind)] for seed in range(shots)] for kind in KINDS
    }
    print(
        f"{shots} shots of each kind; share of shots with a cut that is none, at {MISSED:.0%} of cuts missed"
    )
    print(f"{'':10}" + "".join(f"{kind:>12}" for kind in KINDS))
    for name in DETECTORS:
        cuts, worst = [], {}
        for kind, each in frames.items():
            found = scores(name, (image for one in each for image in one))
            starts = np.cumsum([0, *map(len, each)])
            cuts.append(found[starts[1:-1]])
            inner = [found[begin + 1 : end] for begin, end in itertools.pairwise(starts)]
            worst[kind] = np.array([np.nanmax(values) for values in inner])
        threshold = np.nanquantile(np.concatenate(cuts), MISSED)
        print(f"{name:10}" + "".join(f"{np.mean(worst[kind] >= threshold):12.0%}" for kind in KINDS))


def _small(image: Image) -> Image:
    scale = SIDE / max(image.shape[:2])
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    typer.run(main)
