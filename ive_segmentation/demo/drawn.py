"""Whether a picture is one of the drawn world: about anything else the built-in checkpoints know nothing."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ive_segmentation.errors import UserError

SIDE = 320
SOFT_STEP = (2, 12)
MOST_SOFT = 0.112
"""Share of soft steps that divides drawings from photos. Flat colours and hard outlines have few: on 200 scenes
(half of them saved as JPEG at quality 70) at most 0.105, on the 113 real photos of the six at least 0.118."""


class NotDrawnError(UserError):
    """A real photo was given to the demo."""


def looks_drawn(image: npt.NDArray[np.uint8]) -> bool:
    """Tell a picture of the drawn world from a photo by how few soft changes of colour it has.

    Args:
        image: (H, W, 3) uint8, RGB.

    Returns:
        True for drawings of flat colours.
    """
    scale = min(1.0, SIDE / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    smooth = cv2.medianBlur(np.ascontiguousarray(small), 5).astype(np.int16)  # takes noise and JPEG's blocks away
    across = np.abs(np.diff(smooth, axis=1)).max(axis=2)[1:]
    down = np.abs(np.diff(smooth, axis=0)).max(axis=2)[:, 1:]
    step = np.maximum(across, down)
    if not step.size:
        return False
    return bool(((step > SOFT_STEP[0]) & (step <= SOFT_STEP[1])).mean() < MOST_SOFT)


def refuse_photos(image: npt.NDArray[np.uint8]) -> None:
    """Refuse to draw nonsense on a real photo.

    Args:
        image: (H, W, 3) uint8, RGB.

    Raises:
        NotDrawnError: If the picture is not a drawing of the demo's kind.
    """
    if not looks_drawn(image):
        raise NotDrawnError(
            "This looks like a real photo, and the demo's built-in checkpoints know drawn people only. "
            "Try one of the drawn examples, or put photos into Dataset/ and start again for the real thing."
        )
