"""What SAM 3 found, row by row, at the picture's own size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv
from torch import Tensor
from torch.nn import functional

COMPARED_SIDE = 640
"""Pieces of masks are compared thinned to at most so many pixels a side, twice what SAM 3 draws."""
PIXELS_AT_ONCE = 2**24
"""Of masks enlarged at once on a GPU: 64 MB there."""
SAME_SIDE = 320
"""Whole masks are compared thinned to so many, about what SAM 3 draws: a quarter of the time."""


class Instance(NamedTuple):
    """One row of `Detections`.

    Attributes:
        mask: (H, W) bool at the picture's size.
        box: (4,) float32, xyxy, pixels.
        score: Class times presence, 0 to 1.
    """

    mask: npt.NDArray[np.bool_]
    box: npt.NDArray[np.float32]
    score: float


class Answer(NamedTuple):
    """What SAM 3 answered to one question, on its device and at its own size: small enough to be kept.

    Attributes:
        scores: (N,) float32, class times presence, best first.
        boxes: (N, 4) float32, xyxy, as shares of the picture's sides.
        logits: (N, h, w), the masks before the sigmoid, in the model's dtype.
    """

    scores: Tensor
    boxes: Tensor
    logits: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes the answer takes on its device."""
        return self.scores.nbytes + self.boxes.nbytes + self.logits.nbytes

    def from_score(self, least: float) -> Answer:
        """Return the instances whose score is higher than `least`."""
        sure = int((self.scores > least).sum())
        return Answer(self.scores[:sure], self.boxes[:sure], self.logits[:sure])


def detections(answer: Answer, size: tuple[int, int]) -> sv.Detections:
    """Bring an answer to the picture's size; instances without a pixel there are left out.

    Args:
        answer: The instances kept.
        size: (H, W) of the picture, pixels.

    Returns:
        Detections with xyxy (N, 4) float32 pixels, mask (N, H, W) bool, confidence (N,) float32.
    """
    height, width = size
    masks = np.empty((len(answer.scores), height, width), dtype=bool)
    for row, mask in enumerate(_at_size(answer.logits, size)):
        masks[row] = mask
    limits = np.array([width, height, width, height], dtype=np.float32)
    seen = masks.any(axis=(1, 2))
    return sv.Detections(
        xyxy=(answer.boxes.cpu().numpy() * limits).clip(0, limits)[seen],
        mask=masks if seen.all() else masks[seen],
        confidence=answer.scores.cpu().numpy()[seen],
    )


def instances(found: sv.Detections) -> list[Instance]:
    """Take detections apart row by row.

    Args:
        found: What `Sam3.find` returned: with masks and confidence.

    Returns:
        One instance per row, in the same order.
    """
    assert isinstance(found.mask, np.ndarray)
    assert found.confidence is not None
    return [
        Instance(mask, box.astype(np.float32), float(score))
        for mask, box, score in zip(found.mask, found.xyxy, found.confidence, strict=True)
    ]


def once_each(found: sv.Detections, overlap: float) -> list[Instance]:
    """Take detections apart, and leave out those that are another, surer one once more.

    Args:
        found: With masks and confidence.
        overlap: IoU of two masks from which they are one instance.

    Returns:
        The instances kept, in the same order (non-maximum suppression of masks).
    """
    if not len(found):
        return []
    assert isinstance(found.mask, np.ndarray)
    assert found.confidence is not None
    if not np.triu(sv.box_iou_batch(found.xyxy, found.xyxy), 1).any():
        return instances(found)
    step = _thinning(found.mask.shape[1:], SAME_SIDE)
    scored = np.column_stack([found.xyxy, found.confidence])
    thinned = np.ascontiguousarray(found.mask[:, ::step, ::step])
    kept = sv.mask_non_max_suppression(scored, thinned, overlap)
    return [instance for instance, keep in zip(instances(found), kept, strict=True) if keep]


def without_strays(found: Sequence[Instance]) -> list[Instance]:
    """Take from each mask the pieces that are another instance's: SAM 3 leaves specks of one on the next.

    A piece that does not hang together with the mask's largest one is a stray if more than half of it lies in
    a larger piece of another instance. Masks that share no pixel stay as they are.

    Args:
        found: Instances of one concept, which exclude each other.

    Returns:
        The instances, in the same order, boxes and scores as they were.
    """
    if len(found) < 2:
        return list(found)
    step = _thinning(found[0].mask.shape, COMPARED_SIDE)
    masks = [np.ascontiguousarray(instance.mask[::step, ::step]).view(np.uint8) for instance in found]
    if np.add.reduce(masks).max(initial=0) < 2:
        return list(found)
    pieces = [cv2.connectedComponents(mask, connectivity=8)[1] for mask in masks]
    sizes = [np.bincount(labels[mask > 0], minlength=1) for labels, mask in zip(pieces, masks, strict=True)]
    kept = []
    for at, (instance, labels, areas) in enumerate(zip(found, pieces, sizes, strict=True)):
        largest = areas.argmax()
        loose = (labels > 0) & (labels != largest)
        strays = np.zeros(len(areas), bool)
        for other in {*range(len(found))} - {at}:
            pairs = np.zeros((len(areas), len(sizes[other])), int)
            np.add.at(pairs, (labels[loose], pieces[other][loose]), 1)
            inside = (pairs > areas[:, None] / 2) & (sizes[other] > areas[:, None])
            strays |= inside.any(axis=1)
        if not strays.any():
            kept.append(instance)
            continue
        # A cell may end before the piece does, by less than a cell.
        grown = cv2.dilate(strays[labels].view(np.uint8), np.ones((3, 3), np.uint8))
        gone = np.kron(grown & (labels != largest), np.ones((step, step), np.uint8))
        height, width = instance.mask.shape
        kept.append(instance._replace(mask=instance.mask & (gone[:height, :width] == 0)))
    return kept


def _thinning(size: tuple[int, ...], side: int) -> int:
    """Every which row and column of a mask is compared."""
    return math.ceil(max(size) / side)


def _at_size(logits: Tensor, size: tuple[int, int]) -> Iterator[npt.NDArray[np.bool_]]:
    """Bring masks (N, h, w) to the picture's size, few at a time: N large float arrays never exist."""
    # Interpolating probabilities and then cutting at 0.5 is what Sam3Processor's own post-processing does.
    if logits.device.type == "cpu":  # the same interpolation; torch's takes nine times as long there
        for mask in logits:
            small = mask.float().sigmoid().numpy()
            yield cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) > 0.5
        return
    for first in range(0, len(logits), at_once := max(1, PIXELS_AT_ONCE // (size[0] * size[1]))):
        some = logits[first : first + at_once, None].float().sigmoid()
        large = functional.interpolate(some, size=size, mode="bilinear", align_corners=False)
        yield from (large[:, 0] > 0.5).cpu().numpy()
