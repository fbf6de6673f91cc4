"""Photos that come in through the page: checked, given a safe name, and never written over another."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ive_segmentation import images
from ive_segmentation.dataset import member_folders
from ive_segmentation.errors import UserError
from ive_segmentation.language.members import load_members, name_key
from ive_segmentation.language.names import names_of
from ive_segmentation.settings import Settings
from ive_segmentation.writing import write_whole

_LONGEST_NAME = 60
# Names that Windows keeps for devices, whatever their suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class AddingError(UserError):
    """Photos that cannot be added."""


@dataclass(frozen=True)
class Added:
    """What became of photos that were handed in.

    Attributes:
        folder: The member's folder.
        written: Names of the files written.
        refused: For each photo that was not written, why.
    """

    folder: Path
    written: tuple[str, ...]
    refused: tuple[str, ...]


def add_photos(settings: Settings, member: str, photos: Sequence[Path]) -> Added:
    """Put photos into a member's folder.

    Args:
        settings: Reads dataset and the limits on pictures.
        member: Name of the member's folder, there already or to be made.
        photos: The files; each is read as a picture first.

    Returns:
        What was written, and what was refused and why.

    Raises:
        AddingError: If the name cannot be a folder's, or there are no photos, or no longer.
        MembersError: As `member_folder`.
        DatasetError: As `member_folder`.
        WriteError: If the folder cannot be written to.
    """
    folder = member_folder(settings.dataset, member)
    if not photos:
        raise AddingError("There are no photos to add. Choose some first.")
    if not all(photo.is_file() for photo in photos):
        raise AddingError(
            "The photos are gone: uploads are kept for a day or until the page starts anew. "
            "Choose them again."
        )
    there = {}
    for other in _files(folder):
        with suppress(OSError):  # one that may not be read is no reason to add none
            there[_digest(other.read_bytes())] = other.name
    written: list[str] = []
    refused: list[str] = []
    for photo in photos:
        with photo.open("rb") as file:
            content = file.read(settings.max_upload_bytes + 1)
        digest = _digest(content)
        try:
            images.load(content, max_upload_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)
        except images.ImageError as error:
            refused.append(f"{photo.name}: {error}")
            continue
        if digest in there:
            refused.append(f"{photo.name}: already there as {there[digest]}.")
            continue
        name = there[digest] = _file_name(photo, content, digest)
        write_whole(folder / name, content)
        written.append(name)
    return Added(folder, tuple(written), tuple(refused))


def member_folder(dataset: Path, name: str) -> Path:
    """Say which folder a name means: that of the member who is called so, in any spelling, or a new one.

    Args:
        dataset: The folder of the members' folders.
        name: As it was typed.

    Returns:
        The folder, directly in the dataset.

    Raises:
        AddingError: If the name cannot be a folder's on every system.
        MembersError: If there is no dataset folder, or its `members.toml` is not what it should be.
        DatasetError: If the dataset folder may not be looked into.
    """
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name:
        raise AddingError("Nobody is chosen. Choose a member, or type the name of a new one.")
    names = names_of(load_members(dataset))
    if len(called := names.find(name_key(name))) == 1 and not names.is_family_name(name_key(name)):
        (name,) = called
    for folder in member_folders(dataset):
        if name_key(folder.name) == name_key(name):
            return folder
    name = name.replace(" ", "_")
    letters = all(letter in "_-'’" or unicodedata.category(letter)[0] in "LMN" for letter in name)
    kept = name[0] in "_-" or _DEVICES.fullmatch(name)
    if not letters or kept or not name_key(name) or len(name) > _LONGEST_NAME:
        raise AddingError(
            f"“{name[:_LONGEST_NAME]}” cannot be a member's folder. Use letters, digits, spaces and hyphens, "
            f"at most {_LONGEST_NAME}, as in Jang_Wonyoung."
        )
    return dataset / name


def _file_name(photo: Path, content: bytes, digest: str) -> str:
    """A name of plain letters, told apart by its content, with the suffix that its content calls for."""
    with Image.open(io.BytesIO(content)) as picture:
        suffix = {"JPEG": ".jpg", "MPO": ".jpg", "HEIF": ".heic", "TIFF": ".tif"}.get(
            picture.format or "", f".{(picture.format or 'img').lower()}"
        )
    stem = re.sub(r"[^\w-]+", "_", unicodedata.normalize("NFC", photo.stem)).strip("_-")[:40] or "photo"
    return f"{stem}-{digest[:10]}{suffix}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
