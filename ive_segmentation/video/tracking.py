"""Which tracker follows the instances of a video: SAM 3's own where the checkpoint has it."""

from __future__ import annotations

from collections.abc import Sequence

from ive_segmentation.segmentation.sam3 import Sam3
from ive_segmentation.segmentation.weights import has_tracker
from ive_segmentation.video.detected import DetectedTracker
from ive_segmentation.video.session import SessionTracker
from ive_segmentation.video.tracks import Tracker


def make_tracker(sam3: Sam3, concepts: Sequence[str]) -> Tracker:
    """Make what follows all instances of some concepts through one video.

    Args:
        sam3: The loaded model; both trackers use its weights, a tracker's own come on top (facebook/sam3).
        concepts: English noun phrases.

    Returns:
        A tracker for one video; its `how` says in words which one.

    Raises:
        CheckpointError: If the checkpoint holds a tracker that is damaged, or the text encoder is needed and
            cannot be loaded.
        SegmentationError: If a phrase is too long, or the device does not hold the tracker.
    """
    different = list(dict.fromkeys(concepts))
    return SessionTracker(sam3, different) if has_tracker(sam3.folder) else DetectedTracker(sam3, different)
