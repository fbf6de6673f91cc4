"""A result as people pass it on: the overlay, a mask and a cutout per segment, and the JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ive_segmentation.language import Member
from ive_segmentation.output.cutout import cutout
from ive_segmentation.output.naming import segment_name
from ive_segmentation.output.overlay import overlay
from ive_segmentation.patience import Progress
from ive_segmentation.result import Image, Result
from ive_segmentation.writing import write_errors, write_png

RESULT = "result.json"
"""What every answer has."""
WRITTEN = re.compile(r"(overlay|(mask|cutout)_(\d\d|[1-9]\d{2,})_[^\s.]+)\.png|result\.json")
"""Names of the files that `write_files` writes."""


def write_files(
    folder: Path, image: Image, result: Result, members: Sequence[Member], progress: Progress
) -> list[Path]:
    """Write everything a result gives, each file whole or not at all.

    Args:
        folder: Where to; made if missing. What an answer before has left there goes.
        image: (H, W, 3) uint8, RGB.
        result: What was found in it.
        members: For names and colours.
        progress: Called with the share done (0 to 1) and the step that begins.

    Returns:
        The files: overlay.png, then mask and cutout of each segment, then result.json.

    Raises:
        WriteError: If the folder cannot be written to or the disk is full.
    """
    answered = (folder / RESULT).is_file()
    progress(0.0, "Writing the files")
    files = [folder / "overlay.png"]
    write_png(files[0], overlay(image, result, members))
    for number, segment in enumerate(result.segments, start=1):
        name = f"{number:02d}_{segment_name(segment, members)}.png"
        for kind, pixels in (("mask", segment.mask), ("cutout", cutout(image, segment.mask))):
            files.append(folder / f"{kind}_{name}")
            write_png(files[-1], pixels)
        progress(number / len(result.segments), "Writing the files")
    files.append(folder / RESULT)
    result.save(files[-1])
    for older in folder.iterdir() if answered else ():  # else such files are the user's own
        if WRITTEN.fullmatch(older.name) and older not in files and older.is_file():
            with write_errors(older):
                older.unlink()
    return files
