"""Where one shot ends and the next begins."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scenedetect import FrameTimecode
from scenedetect.detectors import HashDetector

from ive_segmentation.result import Image
from ive_segmentation.settings import Measured

_KEPT = 128  # pixels of the square that frames are squashed to
_SIDE = 64  # and of that in which what is within the bars is compared
_COARSE = 6.0  # sigma in those pixels: what is larger is light and not pattern
_MOVED = 6  # pixels by which the camera may move from frame to frame, to each side: 9%
_ZOOMED = (1.0, 1.04, 1 / 1.04)  # what it may zoom by
_FLAT = 4  # grey levels by which a bar beside or above the picture varies

Grey = npt.NDArray[np.uint8]
Pattern = npt.NDArray[np.float32]


class Cuts:
    """Finds cuts frame by frame: PySceneDetect's perceptual hash proposes, the picture's pattern decides.

    Of PySceneDetect's detectors the hash is the one that stage light does not deceive: it looks at the
    pattern and not at the brightness, and it needs no later frame. But a camera that sweeps and people who
    act may change it as much as a cut does. So the last frame is looked for in the next one, moved and
    zoomed, and where it is found there is no cut (`python -m benchmarks.shot_cuts`).

    A dissolve is no cut here: from frame to frame it changes no more than a moving camera does. Several
    people who dash about before a wall without any pattern may be taken for cuts, and so may the noise of
    black frames; a large caption that stays may hide one.
    """

    def __init__(self) -> None:
        self._hash = HashDetector(threshold=Measured.cut_hash, min_scene_len=0)
        self._count = 0
        self._before: Grey | None = None

    def is_cut(self, image: Image) -> bool:
        """Look at the next frame.

        Args:
            image: RGB uint8 (H, W, 3).

        Returns:
            Whether a new shot begins with this frame. The first frame of all is no cut.
        """
        small = cv2.resize(image, (_KEPT, _KEPT), interpolation=cv2.INTER_AREA)
        # Only the order of the frames counts; the detector asks for a rate because others count seconds.
        timecode = FrameTimecode(self._count, fps=1.0)
        self._count += 1
        proposed = self._hash.process_frame(timecode, cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        before, self._before = self._before, np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        return (
            bool(proposed) and before is not None and _likeness(before, self._before) < Measured.cut_likeness
        )


def _likeness(before: Grey, now: Grey) -> float:
    """How well the middle of one frame is found in the next: the correlation at the best place and zoom."""
    picture = _within_bars(before, now)
    middle, pattern = _pattern(before[picture]), _pattern(now[picture])
    if not np.ptp(middle):  # to OpenCV what is flat is like everything
        return float(not np.ptp(pattern))
    return max(
        float(cv2.matchTemplate(pattern, _zoomed(middle, zoom), cv2.TM_CCOEFF_NORMED).max())
        for zoom in _ZOOMED
    )


def _within_bars(before: Grey, now: Grey) -> tuple[slice, slice]:
    """Rows and columns without the bars at the edges, which do not change at a cut; all if all is flat."""
    both = np.stack([before, now])
    spans = []
    for axis in (2, 1):
        varied = np.flatnonzero((np.ptp(both, axis=axis) > _FLAT).any(axis=0))
        spans.append(slice(varied[0], varied[-1] + 1) if varied.size > _MOVED else slice(None))
    return spans[0], spans[1]


def _pattern(grey: Grey) -> Pattern:
    """Grey levels less the mean of their surroundings, (64, 64)."""
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(small - cv2.GaussianBlur(small, (0, 0), _COARSE), np.float32)


def _zoomed(pattern: Pattern, zoom: float) -> Pattern:
    """The middle of a pattern, which may have moved by `_MOVED` to any side."""
    edge = _SIDE / 2 * (1 - zoom)
    zoomed = cv2.warpAffine(pattern, np.array([[zoom, 0, edge], [0, zoom, edge]]), (_SIDE, _SIDE))
    return np.asarray(zoomed[_MOVED:-_MOVED, _MOVED:-_MOVED], np.float32)
