"""SAM 3's detections of every frame, joined over time: for checkpoints that have no tracker of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv
from scipy.optimize import linear_sum_assignment
from trackers import OCSORTTracker
from trackers.utils.iou import BaseIoU

from ive_segmentation.result import PERSON, Image
from ive_segmentation.segmentation.instances import Instance, instances, once_each
from ive_segmentation.segmentation.sam3 import Sam3
from ive_segmentation.settings import Measured
from ive_segmentation.video.tracks import Tracked

Cells = npt.NDArray[np.bool_]
"""A mask made small: (h, w), True where at least 1/510 of a cell is the mask's."""


class Seen(NamedTuple):
    """An instance in one frame, and its mask made small: what is compared with other frames."""

    instance: Instance
    cells: Cells

    @classmethod
    def of(cls, instance: Instance) -> Seen:
        """Make the mask of an instance small."""
        return cls(instance, _cells(instance.mask))


class DetectedTracker:
    """Looks at every frame as at any picture, and joins what it finds, concept by concept.

    Where a person is not as in the frame before, it looks at the frame in a mirror too.
    """

    how = "SAM 3's detections of every frame, joined by OC-SORT"

    def __init__(self, sam3: Sam3, concepts: Sequence[str]) -> None:
        self._sam3 = sam3
        self._concepts = list(concepts)
        self._numbers = count()
        self.cut()

    def follow(self, image: Image) -> list[Tracked]:
        """Find the instances of the next frame, and say which were there before.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            One for each detection that counts, of all concepts.

        Raises:
            SegmentationError: If a phrase is too long for the text encoder, or memory runs out.
            CheckpointError: If the text encoder is needed and cannot be loaded.
        """
        seen = self._see(image, self._concepts)
        persons = self._joins.get(PERSON)
        if persons and (persons.agreement(seen[PERSON]) < Measured.as_before).any():
            looks = seen[PERSON], self._see(image, [PERSON], mirrored=True)[PERSON]
            seen[PERSON] = max(looks, key=lambda look: persons.agreement(look).sum())
        return [
            Tracked(number, concept, *one.instance)
            for concept, found in seen.items()
            for number, one in zip(self._joins[concept].join(found), found, strict=True)
            if number is not None
        ]

    def cut(self) -> None:
        """Begin a new shot: nothing that was followed until here goes on."""
        self._joins = {concept: Join(self._numbers, self._sam3.threshold) for concept in self._concepts}

    def _see(self, image: Image, concepts: Sequence[str], *, mirrored: bool = False) -> dict[str, list[Seen]]:
        """Find the instances of a frame; in a mirror for a second opinion of the same network."""
        features = self._sam3.encode_uncached(image[:, ::-1] if mirrored else image)
        answers = self._sam3.find(features, concepts, Measured.doubtful * self._sam3.threshold)
        seen = {}
        for concept, answer in zip(concepts, answers, strict=True):
            # One instance in two detections would be two tracks, of which only one could bear the name.
            once = once_each(answer.mirrored() if mirrored else answer, Measured.same_instance)
            seen[concept] = [Seen.of(instance) for instance in instances(once, features.size)]
        return seen


class Join:
    """Numbers the instances of one concept through one shot.

    OC-SORT (Cao et al., CVPR 2023) was made for dancers in identical clothes, whose motion no filter
    predicts. It compares boxes; here it compares masks: who stands behind another shares its box, but no
    pixel of it.

    Args:
        numbers: Where the numbers come from; never one twice.
        sure: Score that an instance must exceed to count by itself, 0 to 1. Others count where they are what
            was followed until here, as in ByteTrack (Zhang et al., ECCV 2022).
    """

    def __init__(self, numbers: Iterator[int], sure: float) -> None:
        self._numbers = numbers
        self._sure = sure
        self._overlap = _Overlap()
        # Each detection begins a track where it joins none; those of the unsure ones are taken back.
        self._tracker = OCSORTTracker(
            lost_track_buffer=Measured.lost_frames,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=Measured.join_overlap,
            high_conf_det_threshold=0.0,
            iou=self._overlap,
        )
        self._last: dict[int, Cells] = {}

    def agreement(self, found: Sequence[Seen]) -> npt.NDArray[np.float32]:
        """Say how well each track of the last frame agrees with what the next frame shows.

        Args:
            found: The instances of the next frame.

        Returns:
            (T,) the IoU of each such track's mask and the instance that it is paired with, sure or not; 0
            where none is left for it.
        """
        shown = [
            self._last[tracklet.tracker_id]
            for tracklet in self._tracker.tracks
            if tracklet.time_since_update == 0
        ]
        agreed = np.zeros(len(shown), np.float32)
        if shown and found:
            overlaps = sv.mask_iou_batch(np.stack(shown), np.stack([one.cells for one in found]))
            rows, columns = _pairs(overlaps)
            agreed[rows] = overlaps[rows, columns]
        return agreed

    def join(self, found: Sequence[Seen]) -> list[int | None]:
        """Say which instances of the next frame were there before.

        Args:
            found: The instances of a frame.

        Returns:
            The number of each, None for those that do not count.
        """
        counted = self._counted(found)
        cells = [found[row].cells for row in counted]
        boxes = np.array([found[row].instance.box for row in counted], np.float32).reshape(-1, 4)
        scores = np.array([found[row].instance.score for row in counted], np.float32)
        self._overlap.before = [self._last[tracklet.tracker_id] for tracklet in self._tracker.tracks]
        self._overlap.now = cells
        self._tracker.update(sv.Detections(xyxy=boxes, confidence=scores))

        rows = defaultdict(list)  # by box, which is all a tracklet keeps of a detection; two may be equal
        for row, box in enumerate(boxes):
            rows[box.tobytes()].append(row)
        numbers: list[int | None] = [None] * len(found)
        for tracklet in [*self._tracker.tracks]:
            if tracklet.time_since_update > 0:
                continue
            row = rows[tracklet.last_observation.tobytes()].pop(0)
            if tracklet.tracker_id == -1:  # the library gives numbers one frame late, and again after a cut
                if scores[row] <= self._sure:
                    self._tracker.tracks.remove(tracklet)
                    continue
                tracklet.tracker_id = next(self._numbers)
            numbers[counted[row]] = tracklet.tracker_id
            self._last[tracklet.tracker_id] = cells[row]
        self._last = {
            tracklet.tracker_id: self._last[tracklet.tracker_id] for tracklet in self._tracker.tracks
        }
        return numbers

    def _counted(self, found: Sequence[Seen]) -> list[int]:
        """Rows of the sure instances, and of those that continue a track which no sure one continues."""
        sure = np.array([one.instance.score > self._sure for one in found], bool)
        if sure.all() or not self._last:
            return np.flatnonzero(sure).tolist()
        overlaps = sv.mask_iou_batch(np.stack([*self._last.values()]), np.stack([one.cells for one in found]))
        overlaps[overlaps < Measured.join_overlap] = 0
        tracks, _ = _pairs(overlaps * sure)
        overlaps[tracks] = 0
        _, goes_on = _pairs(overlaps * ~sure)
        return sorted([*np.flatnonzero(sure).tolist(), *goes_on])


def _pairs(overlaps: npt.NDArray[np.float32]) -> tuple[list[int], list[int]]:
    """Rows and columns that belong together, for the largest sum of overlaps."""
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    overlapping = overlaps[rows, columns] > 0
    return rows[overlapping].tolist(), columns[overlapping].tolist()


class _Overlap(BaseIoU):
    """Intersection over union of masks, in place of that of the boxes it is called with."""

    before: list[Cells]
    now: list[Cells]

    def _compute(self, boxes_1: npt.NDArray[np.float32], boxes_2: npt.NDArray[np.float32]) -> np.ndarray:  # noqa: ARG002
        # OC-SORT calls this once a frame, with all its tracks and all detections, in order.
        return sv.mask_iou_batch(np.stack(self.before), np.stack(self.now))


def _cells(mask: npt.NDArray[np.bool_]) -> Cells:
    scale = min(Measured.join_side / max(mask.shape), 1.0)
    size = [max(round(side * scale), 1) for side in mask.shape]
    # Next to nothing makes a cell count, else a microphone in a 4K frame would have no cell at all.
    return cv2.resize(mask.view(np.uint8) * 255, (size[1], size[0]), interpolation=cv2.INTER_AREA) > 0
