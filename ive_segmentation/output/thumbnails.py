"""Faces cut out of photos, and small pictures inside HTML, so that no folder of photos has to be served."""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ive_segmentation import images
from ive_segmentation.errors import UserError

Box = tuple[float, float, float, float]

SIDE = 144
"""Pixels; shown at half of that, so that they are sharp on the screens of phones."""
_ROOM = 0.6
"""Room left round a face, as a share of its longer side: enough to see the hair and whose photo it is."""


def thumbnail(image: np.ndarray, box: Box | None = None, side: int = SIDE) -> str:
    """Make a small picture of a face, or of the whole.

    Args:
        image: RGB uint8 (H, W, 3).
        box: The face, xyxy in pixels; None for the whole picture.
        side: Pixels of the longer side at most.

    Returns:
        A `data:` address, for an `<img>`.
    """
    picture = Image.fromarray(image if box is None else face_in(image, box))
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def photo_thumbnail(path: Path, box: Box | None = None) -> str | None:
    """Make a small picture of a photo of the dataset; the same one is read only once.

    Args:
        path: The photo.
        box: The face in it, xyxy in pixels; None for the whole photo.

    Returns:
        A `data:` address, or None where the photo is gone or cannot be read.
    """
    try:
        return _photo_thumbnail(path, path.stat().st_mtime_ns, box)
    except (OSError, UserError):
        return None


@lru_cache(maxsize=1024)  # about 6 kB each
def _photo_thumbnail(path: Path, _changed: int, box: Box | None) -> str:
    return thumbnail(images.load(path), box)


def face_in(image: np.ndarray, box: Box) -> np.ndarray:
    """Cut out the square round a face with some room, as far as the picture goes.

    Args:
        image: RGB uint8 (H, W, 3).
        box: The face, xyxy in pixels; it may lie outside of a photo that was replaced by a smaller one.

    Returns:
        RGB uint8 (h, w, 3), contiguous, at least one pixel wide and high.
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1) * (0.5 + _ROOM)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, top = int(np.clip(x - half, 0, width - 1)), int(np.clip(y - half, 0, height - 1))
    right, bottom = int(np.clip(x + half, left + 1, width)), int(np.clip(y + half, top + 1, height))
    return np.ascontiguousarray(image[top:bottom, left:right])
