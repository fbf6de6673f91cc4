"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from ive_segmentation.errors import UserError

_PNG_HEADER = 33  # bytes
_SRGB = b"\0\0\0\1sRGB\0\xae\xce\x1c\xe9"
"""The chunk of a PNG that says that its colours are sRGB's."""


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
    with written_whole(path) as part, write_errors(path):
        part.write_bytes(data)


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a file, for writing it bit by bit.

    Args:
        path: Where to; missing folders are made, an older file is replaced.

    Yields:
        The name to write under. It is renamed where the block ends, and removed if it ends with an error.

    Raises:
        WriteError: If the folder cannot be written to.
    """
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield part
        with write_errors(path):
            part.replace(path)
    finally:
        with contextlib.suppress(OSError):  # renamed, or what could not be made cannot be removed either
            part.unlink()


def spare(source: Path, folder: Path, written: Callable[[str], object]) -> None:
    """Refuse a folder in which an output would overwrite the file that it is made from.

    Args:
        source: The file that is read.
        folder: Where to write.
        written: Says of a file's name whether one of that name is written there.

    Raises:
        WriteError: If it would.
    """
    read = source.resolve()
    with write_errors(folder):
        same = folder.exists() and read.parent.samefile(folder)
    # To Windows and to a Mac Overlay.MP4 is overlay.mp4.
    if same and (written(read.name) or written(read.name.lower())):
        raise WriteError(f"{source} would be replaced by what is made of it. Choose another folder.")


def refuse_folder(folder: Path, files: Iterable[Path]) -> None:
    """Refuse, before any work, a folder that cannot be made or written to, or holds folders of such names.

    Args:
        folder: Where files will be written; it need not be there yet.
        files: Which.

    Raises:
        WriteError: If one of them could not be.
    """
    files = list(files)
    with write_errors(folder):  # also a name that is too long, or a way that may not be gone
        nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        is_folder, in_the_way = nearest.is_dir(), next((file for file in files if file.is_dir()), None)
    if not is_folder:
        below = "" if nearest == folder else f", so {folder} cannot be a folder"
        raise WriteError(f"{nearest} is a file{below}. Choose another folder.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise WriteError(f"{nearest} may not be written to by this user. Choose another folder.")
    if in_the_way:
        raise WriteError(
            f"{in_the_way} is a folder, and a file is to be written there. Choose another folder."
        )
    for file in files:
        with write_errors(file):
            if file.exists():
                file.replace(file)  # Windows lets nobody replace a file that a player has open


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn what the system says while a file is written, as that the disk is full, into an error in words.

    Args:
        path: The file, or the folder it is written to.

    Raises:
        WriteError: If the block raises an OSError.
    """
    try:
        yield
    except OSError as error:
        remedy = "Free space and try again" if error.errno == errno.ENOSPC else "Choose another folder"
        raise WriteError(f"{path} cannot be written ({error.strerror}). {remedy}.") from error


def write_png(path: Path, image: np.ndarray) -> None:
    """Write a mask or a picture as PNG, whole or not at all.

    Args:
        path: Where to.
        image: bool (H, W), written as one channel of 0 and 255, or uint8 (H, W), (H, W, 3) RGB or
            (H, W, 4) RGBA.

    Raises:
        WriteError: As `write_whole`; and if a side is too long for the format's library.
    """
    import cv2  # noqa: PLC0415 -- every command imports this module, and `--help` should not wait for that

    pixels = image.astype(np.uint8) * 255 if image.dtype == bool else image
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    # Each line is told by its difference from the one above. A photo gets as large as by Pillow, which tries
    # five ways for each, in half the time (32 and 61 ms a megapixel); higher levels take longer still.
    done, file = cv2.imencode(
        ".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    )
    if not done:
        raise WriteError(f"{path} cannot be written: a PNG holds at most a million pixels side by side.")
    data = file.tobytes()
    # Colours without a name an editor may take for its own.
    write_whole(path, data[:_PNG_HEADER] + _SRGB + data[_PNG_HEADER:] if pixels.ndim == 3 else data)
