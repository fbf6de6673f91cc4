"""How SAM 3's tracker cleans what the detector gives it, without code fetched from a hub."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from transformers.models.sam3_video import modeling_sam3_video

from ive_segmentation.segmentation.instances import apart


def clean_here() -> None:
    """Let `Sam3VideoModel` leave out what is found twice, fill holes and take specks away, as Meta's does.

    `transformers` does it with compiled code that the package `kernels` fetches from the hub, and leaves all
    of it out without a word where that is not installed.
    """
    library: Any = modeling_sam3_video
    library.cv_utils_kernel = SimpleNamespace(generic_nms=_once_each, cc_2d=_pieces)


def _once_each(ious: Tensor, scores: Tensor, most: float, use_iou_matrix: bool) -> Tensor:
    """Indices of the detections that are kept, surest first, given the IoU (N, N) of every two."""
    assert use_iou_matrix
    order = scores.float().argsort(descending=True, stable=True).cpu().numpy()
    kept = apart(ious.float().cpu().numpy()[np.ix_(order, order)], most)
    return torch.from_numpy(order[kept]).to(ious.device)


def _pieces(masks: Tensor, get_counts: bool) -> tuple[Tensor, Tensor]:
    """For each pixel of masks (N, 1, h, w) the number of its piece and that piece's pixels; 0 outside."""
    assert get_counts
    labels, counts = np.zeros((2, *masks.shape), np.int32)
    for row, mask in enumerate(masks[:, 0].cpu().numpy()):
        _, labels[row, 0], statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        sizes = statistics[:, cv2.CC_STAT_AREA]
        sizes[0] = 0
        counts[row, 0] = sizes[labels[row, 0]]
    return torch.from_numpy(labels).to(masks.device), torch.from_numpy(counts).to(masks.device)
