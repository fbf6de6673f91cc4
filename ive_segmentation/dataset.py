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
    """
    return sorted(
        path
        for path in folder.rglob("*")
        if _is_file(path) and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def has_photos(dataset: Path) -> bool:
    """Whether anything lies in a member's folder.

    Args:
        dataset: One folder of photos per member.

    Returns:
        False where there is no dataset too.

    Raises:
        DatasetError: If it may not be looked into.
    """
    return any(photos_of(folder) for folder in member_folders(dataset))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may be listed and not entered: whoever reads it says why it cannot
        return True


def _unreadable(folder: Path, error: OSError) -> DatasetError:
    return DatasetError(f"{folder} cannot be read ({error.strerror}). Look at its permissions and its disk.")


def _is_named(name: str) -> bool:
    is_text = not any("\ud800" <= letter <= "\udfff" for letter in name)  # else nobody could type it
    return is_text and not name.startswith((".", "_")) and any(map(str.isalnum, name))
