"""Whether a picture is one of the drawn world: about anything else the built-in checkpoints know nothing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ive_segmentation import images
from ive_segmentation.dataset import member_folders, photos_of
from ive_segmentation.errors import UserError

SIDE = 320
FLAT, HARD = 4, 16
MOST_SOFT = 0.546
"""Of all steps between neighbouring pixels that are not flat, the share that is soft. Between flat colours
steps are hard: this bound tells 60 scenes (plain, and as JPEG at quality 70 and 90) from 113 real photos of
the six with one mistake."""
SAMPLED = 9
"""Photos of a dataset that are looked at. Of 600 drawn ones 13 look real, so most of nine never do."""
REMEDY = "let neither IVE_SAM3 nor IVE_FACES name a built-in checkpoint, and start again."


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
            f"Try a drawn example, or put in photos of your own, {REMEDY}"
        )


def refuse_photos_in(dataset: Path, *, max_bytes: int, max_pixels: int) -> None:
    """Refuse to compare real faces by models that tell drawn ones apart.

    Args:
        dataset: One folder of photos per member.
        max_bytes: Larger files are not looked at.
        max_pixels: Nor are larger photos.

    Raises:
        NotDrawnError: If most of its photos, as far as some of them show, are none of the demo's kind.
        DatasetError: If it may not be looked into.
    """
    photos = [photo for folder in member_folders(dataset) for photo in photos_of(folder)]
    drawn: list[bool] = []
    for photo in photos[:: len(photos) // SAMPLED + 1]:
        with suppress(images.ImageError):  # whoever reads them all says why
            drawn.append(looks_drawn(images.load(photo, max_upload_bytes=max_bytes, max_pixels=max_pixels)))
    if 2 * sum(drawn) < len(drawn):
        raise NotDrawnError(
            f"The photos in {dataset} look real, and the demo's built-in checkpoints know drawn people only: "
            f"{REMEDY}"
        )
