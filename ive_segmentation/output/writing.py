"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import uuid
from pathlib import Path

import numpy as np
from PIL import Image

from ive_segmentation.errors import UserError


class WriteError(UserError):
    """A file that cannot be written."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it, then rename it: nobody ever reads half of it.

    Args:
        path: Where to; missing folders are made, an older file is replaced.
        data: All of it.

    Raises:
        WriteError: If the folder cannot be written to or the disk is full; nothing is left behind.
    """
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)  # noqa: PTH105 -- Path.replace reads like str.replace
    except OSError as error:
        with contextlib.suppress(OSError):  # what could not be made cannot be removed either
            part.unlink()
        raise WriteError(f"{path} cannot be written ({error.strerror}). Choose another folder.") from error


def write_png(path: Path, image: np.ndarray) -> None:
    """Write a mask or a picture as PNG, whole or not at all.

    Args:
        path: Where to.
        image: bool (H, W), written as one channel of 0 and 255, or uint8 (H, W), (H, W, 3) RGB or
            (H, W, 4) RGBA.

    Raises:
        WriteError: As `write_whole`.
    """
    pixels = image.astype(np.uint8) * 255 if image.dtype == bool else image
    file = io.BytesIO()
    # Level 1 of 9: a photo gets hardly larger and is written several times sooner.
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=1)
    write_whole(path, file.getvalue())
