"""Where one shot ends and the next begins."""

from __future__ import annotations

import cv2
from scenedetect import FrameTimecode
from scenedetect.detectors import HashDetector

from ive_segmentation.result import Image
from ive_segmentation.settings import Measured

_SIDE = 64  # pixels; the hash is taken of a 16 x 16 picture, to which four times as much is reduced exactly


class Cuts:
    """Finds cuts frame by frame, with PySceneDetect's perceptual hash.

    Of PySceneDetect's detectors on 216 cuts between drawn shots (still, panned, zoomed, hand-held, and lit by
    a flash, a strobe or changing colours), at the threshold where each misses 1% of the cuts: the hash cuts
    in 0% of the shots with a flash, 2% with a strobe and 0% under changing colours. ContentDetector does in
    37, 30 and 24%, AdaptiveDetector in 91, 50 and 76%, the histogram in more than 95%: a stage is lit by what
    they take for cuts. The hash looks at the pattern and not at the brightness, and it needs no later frame.

    A dissolve is no cut here: from frame to frame its hash changes no more than a moving camera's. A camera
    that sweeps by more than 4% of the picture's width from frame to frame may be taken for cuts, and so may
    the noise of black frames.
    """

    def __init__(self) -> None:
        self._detector = HashDetector(threshold=Measured.cut_threshold, min_scene_len=0)
        self._count = 0

    def is_cut(self, image: Image) -> bool:
        """Look at the next frame.

        Args:
            image: RGB uint8 (H, W, 3).

        Returns:
            Whether a new shot begins with this frame. The first frame of all is no cut.
        """
        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        # Only the order of the frames counts; the detector asks for a rate because others count seconds.
        timecode = FrameTimecode(self._count, fps=1.0)
        self._count += 1
        return bool(self._detector.process_frame(timecode, cv2.cvtColor(small, cv2.COLOR_RGB2BGR)))
