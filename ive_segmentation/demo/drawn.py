"""Whether a picture is one of the drawn world: about anything else the built-in checkpoints know nothing."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ive_segmentation.errors import UserError

SIDE = 320
FLAT, HARD = 4, 16
MOST_SOFT = 0.546
"""Of all steps between neighbouring pixels that are not flat, the share that is soft. Between flat colours
steps are hard: this bound tells 60 scenes (plain, and as JPEG at quality 70 and 90) from 113 real photos of
the six with one mistake."""


class NotDrawnError(UserError):
    """A real photo was given to models that know drawn people only."""


def looks_drawn(image: npt.NDArray[np.uint8]) -> bool:
    """Tell a picture of the drawn world from a photo by how few soft changes of colour it has.

    Args:
        image: (H, W, 3) uint8, RGB.

    Returns:
        True for drawings of flat colours.
    """
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    smooth = cv2.medianBlur(np.ascontiguousarray(small), 7).astype(np.int16)  # noise and JPEG's blocks go
    across = np.abs(np.diff(smooth, axis=1)).max(axis=2)[1:]
    down = np.abs(np.diff(smooth, axis=0)).max(axis=2)[:, 1:]
    steps = np.maximum(across, down)
    steps = steps[steps > FLAT]
    return bool(np.count_nonzero(steps <= HARD) <= MOST_SOFT * steps.size)


def refuse_photos(image: npt.NDArray[np.uint8]) -> None:
    """Refuse to draw nonsense on a real photo.

    Args:
        image: (H, W, 3) uint8, RGB.

    Raises:
        NotDrawnError: If the picture is not a drawing of the demo's kind.
    """
    if not looks_drawn(image):
        raise NotDrawnError(
            "This looks real, and the demo's built-in checkpoints know drawn people only. "
            "Try a drawn example, or put in photos of your own, let neither IVE_SAM3 nor IVE_FACES name a "
            "built-in checkpoint, and start again."
        )
