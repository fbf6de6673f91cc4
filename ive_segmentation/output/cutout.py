"""What a mask covers, on a transparent ground."""

from __future__ import annotations

import cv2
import numpy as np
import supervision as sv


def cutout(image: np.ndarray, mask: np.ndarray, *, crop: bool = True) -> np.ndarray:
    """Cut out what the mask covers, its edge softened by one pixel to each side.

    Args:
        image: RGB uint8 (H, W, 3).
        mask: bool (H, W).
        crop: Keep only the mask's bounds and the soft pixel round them. Of an empty mask one transparent
            pixel is kept, because a picture cannot be smaller.

    Returns:
        RGBA uint8: (h, w, 4) of the bounds, or (H, W, 4). Outside the mask the colours are those of the edge
        beside them, and 0 where alpha is 0: on a new ground no rim of the old one is seen, and a cutout that
        is passed on hides nobody.
    """
    height, width = mask.shape
    x1, y1, x2, y2 = (int(value) for value in sv.mask_to_xyxy(mask[None], "exclusive")[0])
    around = np.s_[max(y1 - 1, 0) : min(y2 + 1, height), max(x1 - 1, 0) : min(x2 + 1, width)]
    # The smallest Gaussian; the picture's own border is no edge of the thing.
    alpha = cv2.GaussianBlur(mask[around].astype(np.uint8) * 255, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    cut = np.dstack([image[around], alpha])
    _spread(cut, mask[around], (alpha > 0) & ~mask[around])
    cut[alpha == 0] = 0
    if crop:
        return cut
    whole = np.zeros((height, width, 4), np.uint8)
    whole[around] = cut
    return whole


def _spread(cut: np.ndarray, mask: np.ndarray, rim: np.ndarray) -> None:
    """Give the pixels of the rim the mean colour of the mask's that touch them, weighted as alpha is."""
    rows, columns = np.nonzero(rim)
    inside, colors = np.pad(mask, 1), np.pad(cut[..., :3], ((1, 1), (1, 1), (0, 0)))
    weights = np.zeros((len(rows), 1), np.float32)
    sums = np.zeros((len(rows), 3), np.float32)
    for down, across in np.ndindex(3, 3):
        at = rows + down, columns + across
        weight = inside[at][:, None] * np.float32((2 - abs(down - 1)) * (2 - abs(across - 1)))
        weights += weight
        sums += weight * colors[at]
    cut[rows, columns, :3] = np.rint(sums / weights)
