"""The folder of photos: which of its folders are members', and which files in them are photos."""

from __future__ import annotations

from pathlib import Path

from ive_segmentation.errors import UserError


class DatasetError(UserError):
    """A folder of photos that cannot be read."""


def member_folders(dataset: Path) -> list[Path]:
    """List the members' folders; what begins with a dot or an underscore is set aside.

    Args:
        dataset: One folder of photos per member.

    Returns:
        Folders directly in it whose names hold a letter or a digit, sorted. None where there is no dataset.

    Raises:
        DatasetError: If it may not be looked into.
    """
    try:
        if not dataset.is_dir():
            return []
        return sorted(path for path in dataset.iterdir() if path.is_dir() and _is_named(path.name))
    except OSError as error:
        raise _unreadable(dataset, error) from error


def photos_of(folder: Path) -> list[Path]:
    """List the files in a member's folder and the folders in it, but for hidden ones.

    Args:
        folder: From `member_folders`.

    Returns:
        Paths, sorted; whether each is a photo shows when it is opened.

    Raises:
        DatasetError: If the folder, or a file in it, may not be looked at.
    """
    try:
        next(folder.iterdir(), None)  # `rglob` passes over a folder that may not be looked into
        return sorted(
            path
            for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        )
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> DatasetError:
    return DatasetError(f"{folder} cannot be read ({error.strerror}). Change its permissions.")


def _is_named(name: str) -> bool:
    is_text = not any("\ud800" <= letter <= "\udfff" for letter in name)  # else nobody could type it
    return is_text and not name.startswith((".", "_")) and any(map(str.isalnum, name))
