"""What SAM 3 found: compared at the size it draws, then brought row by row to the picture's own."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

PIXELS_AT_ONCE = 2**24
"""Of masks enlarged at once on a GPU: 64 MB there."""


class Instance(NamedTuple):
    """One row of an answer, at the picture's size.

    Attributes:
        mask: (H, W) bool.
        box: (4,) float32, xyxy, pixels.
        score: Class times presence, 0 to 1.
    """

    mask: npt.NDArray[np.bool_]
    box: npt.NDArray[np.float32]
    score: float


class Answer(NamedTuple):
    """What SAM 3 answered to one question, at its own size: small enough to be kept.

    Attributes:
        scores: (N,) float32, class times presence, best first; on the CPU, as are the boxes: a GPU would take
            longer to begin with numbers so few than to be done with them.
        boxes: (N, 4) float32, xyxy, as shares of the picture's sides.
        logits: (N, h, w), the masks before the sigmoid, on the model's device and in its dtype.
    """

    scores: Tensor
    boxes: Tensor
    logits: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes the answer takes on the model's device."""
        return self.logits.nbytes

    def rows(self, which: slice | list[int]) -> Answer:
        """Return some of the instances."""
        return Answer(*(part[which] for part in self))

    def from_score(self, least: float) -> Answer:
        """Return the instances whose score is higher than `least`."""
        return self.rows(slice(int((self.scores > least).sum())))

    def mirrored(self) -> Answer:
        """Return what the answer would be if the picture's left were its right."""
        left, top, right, bottom = self.boxes.unbind(-1)
        boxes = torch.stack([1 - right, top, 1 - left, bottom], dim=-1)
        return Answer(self.scores, boxes, self.logits.flip(-1))


def once_each(answer: Answer, overlap: float) -> Answer:
    """Leave out instances that duplicate a surer one (non-maximum suppression of masks).

    Args:
        answer: Instances of one concept.
        overlap: IoU of two masks above which they are one instance.

    Returns:
        The instances kept, in the same order.
    """
    return _once_each(answer, overlap)[0]


def clean(answer: Answer, overlap: float) -> Answer:
    """Leave out duplicates, and specks of one instance on another: `once_each`, then `without_strays`.

    The second step reads every mask on the CPU. Where no two masks share a cell there can be no strays, and
    it is left out.

    Args:
        answer: Instances of one concept, which exclude each other.
        overlap: IoU of two masks above which they are one instance.

    Returns:
        The instances kept, in the same order, boxes and scores as they were.
    """
    once, shared = _once_each(answer, overlap)
    return without_strays(once) if np.triu(shared, 1).any() else once


def _once_each(answer: Answer, overlap: float) -> tuple[Answer, npt.NDArray[np.float32]]:
    """The instances kept, and how many cells each two of them share, (N, N)."""
    cells = (answer.logits > 0).flatten(1).float()
    # What is left to do has few numbers: on a GPU each step would take longer to start than to do.
    shared = (cells @ cells.T).cpu().numpy()
    areas = shared.diagonal()
    overlaps = shared / np.maximum(areas[:, None] + areas - shared, 1)
    kept = apart(overlaps, overlap)
    if len(kept) == len(overlaps):
        return answer, shared
    return answer.rows(kept), shared[np.ix_(kept, kept)]


def apart(overlaps: npt.NDArray[np.float32], most: float) -> list[int]:
    """Choose instances one after another, without those that duplicate one chosen before.

    Args:
        overlaps: The IoU of each two, (N, N), the surest first.
        most: IoU above which two are one.

    Returns:
        Rows of those kept.
    """
    kept: list[int] = []
    for row, others in enumerate(overlaps):
        if (others[kept] <= most).all():
            kept.append(row)
    return kept


def without_strays(answer: Answer) -> Answer:
    """Take from each mask the pieces that belong to another instance: SAM 3 leaves such specks.

    A piece that does not hang together with the mask's largest one is a stray if more than half of it lies in
    a larger piece of another instance. Masks that share no cell stay as they are.

    Args:
        answer: Instances of one concept, which exclude each other.

    Returns:
        The instances, in the same order, boxes and scores as they were.
    """
    masks = (answer.logits > 0).cpu().numpy().view(np.uint8)
    pieces = [cv2.connectedComponents(mask, connectivity=8)[1] for mask in masks]
    sizes = [np.bincount(labels[mask > 0], minlength=1) for labels, mask in zip(pieces, masks, strict=True)]
    gone = np.zeros(masks.shape, bool)
    for at, (labels, areas) in enumerate(zip(pieces, sizes, strict=True)):
        loose = (labels > 0) & (labels != areas.argmax())
        if not loose.any():
            continue
        strays = np.zeros(len(areas), bool)
        for other in {*range(len(masks))} - {at}:
            pairs = np.zeros((len(areas), len(sizes[other])), int)
            np.add.at(pairs, (labels[loose], pieces[other][loose]), 1)
            inside = (pairs > areas[:, None] / 2) & (sizes[other] > areas[:, None])
            strays |= inside.any(axis=1)
        gone[at] = strays[labels]
    if not gone.any():
        return answer
    return answer._replace(
        logits=answer.logits.masked_fill(torch.from_numpy(gone).to(answer.logits.device), -torch.inf)
    )


def instances(answer: Answer, size: tuple[int, int]) -> list[Instance]:
    """Bring an answer to the picture's size, and take it apart row by row.

    Args:
        answer: The instances kept.
        size: (H, W) of the picture, pixels.

    Returns:
        Those that have a pixel at that size, in the same order.
    """
    limits = np.array([*size[::-1], *size[::-1]], np.float32)
    boxes = (answer.boxes.numpy() * limits).clip(0, limits)
    rows = zip(_at_size(answer.logits, size), boxes, answer.scores.tolist(), strict=True)
    return [Instance(mask, box, score) for mask, box, score in rows if mask.any()]


def mostly_same(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> bool:
    """Tell whether two masks are mostly the same pixels: an IoU of a half, COCO's measure of "the same".

    Args:
        one: (H, W) bool.
        other: (H, W) bool.

    Returns:
        False where both are empty.
    """
    return bool(np.count_nonzero(one & other) > 0.5 * np.count_nonzero(one | other))


def _at_size(logits: Tensor, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Bring masks (N, h, w) to the picture's size, few at a time: N large float arrays never exist."""
    # Interpolating probabilities and then cutting at 0.5 is what Sam3Processor's own post-processing does.
    if logits.device.type != "cpu":
        return _cut_out(logits, size)
    # Memory of zeros is not there before it is written: a mask costs its window, and not the picture.
    masks = np.zeros((len(logits), *size), dtype=bool)
    small_ones = logits.float().sigmoid().numpy()
    for mask, small, window in zip(masks, small_ones, _windows(logits, size), strict=True):
        # The same interpolation; torch's takes nine times as long here.
        large = cv2.resize(small, size[::-1], interpolation=cv2.INTER_LINEAR)
        np.greater(large[window], 0.5, out=mask[window])
    return masks


def _cut_out(logits: Tensor, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """`_at_size` on a GPU: what lies round a mask stays there, because it is most of the picture."""
    masks = np.zeros((len(logits), *size), dtype=bool)
    windows = _windows(logits, size)
    for first in range(0, len(logits), at_once := max(1, PIXELS_AT_ONCE // (size[0] * size[1]))):
        some = slice(first, first + at_once)
        small = logits[some, None].float().sigmoid()
        large = functional.interpolate(small, size=size, mode="bilinear", align_corners=False)[:, 0] > 0.5
        parts = [mask[window].flatten() for mask, window in zip(large, windows[some], strict=True)]
        ends = np.cumsum([len(part) for part in parts])[:-1]
        for mask, window, part in zip(
            masks[some], windows[some], np.split(torch.cat(parts).cpu().numpy(), ends), strict=True
        ):
            mask[window] = part.reshape(mask[window].shape)
    return masks


def _windows(logits: Tensor, size: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Rows and columns of the picture outside which a mask has no pixel, for each of masks (N, h, w).

    A pixel is interpolated between the cells beside it, so it is no further than one from a cell above zero;
    or, when numbers are rounded, from one that is hardly below.
    """
    cells = logits > -0.01
    there = torch.cat([cells.any(2), cells.any(1)], dim=1).cpu().numpy()
    return [
        (_window(rows, size[0]), _window(columns, size[1]))
        for rows, columns in (np.split(one, [cells.shape[1]]) for one in there)
    ]


def _window(there: npt.NDArray[np.bool_], pixels: int) -> slice:
    """The pixels that cells of one axis reach, given which of them (h,) count."""
    cells = np.flatnonzero(there)
    if not len(cells):
        return slice(0, 0)
    each = pixels / len(there)
    return slice(max(int((cells[0] - 0.5) * each - 0.5), 0), int((cells[-1] + 1.5) * each) + 1)
