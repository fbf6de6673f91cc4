"""A result as people pass it on: the overlay, a mask and a cutout per segment, and the JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ive_segmentation.language import Member, names_to_show
from ive_segmentation.output.cutout import cutout
from ive_segmentation.output.naming import called, segment_name
from ive_segmentation.output.overlay import Drawing, draw
from ive_segmentation.patience import Progress, silent
from ive_segmentation.result import PERSON, Image, Person, Result, Segment
from ive_segmentation.writing import write_errors, write_png

RESULT = "result.json"
"""What every answer has."""
WRITTEN = re.compile(r"(overlay|(mask|cutout)_(\d\d|[1-9]\d{2,})_[^\s.]+)\.png|result\.json")
"""Names of the files that `write_files` writes."""


def overlay(image: Image, result: Result, members: Sequence[Member], *, similarities: bool = True) -> Image:
    """Draw a result on its picture: the masks asked for, and the name at every face.

    Args:
        image: (H, W, 3) uint8, RGB.
        result: What was found in it.
        members: For names and colours.
        similarities: Whether to write each beside its name.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    names = names_to_show(members)
    masks = [
        Drawing(
            segment.mask,
            segment.box,
            _segment_label(segment, result.persons, names),
            segment.member,
            framed=segment.concept == PERSON,
        )
        for segment in result.segments
    ]
    faces = [
        Drawing(None, person.face.box, _person_label(person, names, similarities), person.member)
        for person in result.persons
        if person.face
    ]
    return draw(image, masks + faces, [member.folder for member in members])


def write_files(
    folder: Path, image: Image, result: Result, members: Sequence[Member], progress: Progress = silent
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


def _segment_label(segment: Segment, persons: Sequence[Person], names: dict[str, str]) -> str:
    if segment.owner is None:
        return segment.concept
    owner = persons[segment.owner]
    name = called(owner.member, owner.stranger, names)
    if segment.concept == PERSON:
        return "" if owner.face else name  # else the name stands at the face
    return f"{name}’s {segment.concept}"


def _person_label(person: Person, names: dict[str, str], similarities: bool) -> str:
    if person.match is None:
        return "face"
    name = called(person.member, person.stranger, names)
    return f"{name} {person.match.similarity:.2f}" if similarities else name
