"""The bank on disk: one LanceDB table, every change one commit, nothing pickled."""

from __future__ import annotations

import contextlib
import os
import random
import time
from datetime import timedelta
from typing import Any

# Lance reports every table it creates as a warning.
os.environ.setdefault("LANCEDB_LOG", "error")

import lancedb
import pyarrow as pa

from ive_segmentation.errors import UserError, typed
from ive_segmentation.settings import BANKS, expanded

TABLE = "photos"
BUILD = "python -m ive_segmentation bank build"
ATTEMPTS = 8
PAUSE = 0.25
"""Seconds between two attempts to write, at most."""
READERS_TIME = 60
"""Seconds for which the files of the bank before stay for whoever is reading them."""
Row = dict[str, Any]


class BankError(UserError):
    """The bank cannot be built or read."""


class NoBankError(BankError):
    """There is no bank yet."""


class UnwritableBankError(BankError):
    """The bank stays as it was: it cannot be written."""


def read(uri: str) -> pa.Table:
    """Read the bank's table whole.

    Args:
        uri: LanceDB location, a folder or an object-store URI.

    Returns:
        The table, one row per photo of the dataset.

    Raises:
        NoBankError: If there is none.
        BankError: If it is damaged.
    """
    try:
        return _read(uri)
    except NoBankError:
        raise
    except BankError:  # another process may have replaced the files between looking and reading
        return _read(uri)


def _read(uri: str) -> pa.Table:
    try:
        # LanceDB would make the folder that it is to read.
        if "://" in uri or expanded(uri).exists():
            database = _connect(uri)
            if TABLE in database.list_tables().tables:
                return database.open_table(TABLE).to_arrow()
    except Exception as error:  # LanceDB raises RuntimeError, ValueError and OSError for the same things
        raise BankError(
            f"The bank {uri} is damaged ({shorten(error)}). Build it again: `{typed(BUILD)}`."
        ) from error
    raise NoBankError(
        f"There is no bank at {uri} yet. "
        f"Build it: `{typed(BUILD)}`, with the same --dataset and --bank if any was given."
    )


def version(uri: str) -> int | None:
    """Tell which version of the bank is the last.

    Args:
        uri: LanceDB location.

    Returns:
        A number that every commit changes, or None where no bank can be opened.
    """
    try:
        table = _connect(uri).open_table(TABLE)
        # One whose head is all zeros, as power that fails leaves it, opens as a table of nothing.
        return int(table.version) if table.schema.names else None
    except Exception:  # as above; a damaged bank has no version worth keeping
        return None


def write(
    uri: str, rows: list[Row], dimension: int, metadata: dict[bytes, bytes], attempts: int = ATTEMPTS
) -> None:
    """Replace the bank in one commit: readers see the rows before or these, whatever happens.

    Args:
        uri: LanceDB location.
        rows: One per photo of the dataset, with the columns of `schema`.
        dimension: Length of an embedding.
        metadata: Kept with the table, in the same commit.
        attempts: How often it is tried.

    Raises:
        UnwritableBankError: If it cannot be written.
    """
    data = pa.Table.from_pylist(rows, schema=schema(dimension, metadata))
    for attempt in range(attempts):
        try:
            table = _write(uri, data)
            break
        except Exception as error:  # as in _read
            if attempt + 1 == attempts:
                raise UnwritableBankError(
                    f"The bank {uri} cannot be written ({shorten(error)}). "
                    "Free space or give another place, and build again."
                ) from error
            time.sleep(random.uniform(0, PAUSE))  # another process may be writing at this moment
    _forget_versions_before(table)


def forget_versions_before(uri: str) -> None:
    """Delete from the disk what the bank held before, once nobody can be reading it any more.

    Embeddings of photos that were taken away must not stay there. The write that takes them out cannot do it
    itself: it leaves readers a minute.

    Args:
        uri: LanceDB location.
    """
    with contextlib.suppress(Exception):  # as in _read; the next build does it again
        _forget_versions_before(_connect(uri).open_table(TABLE))


def _connect(uri: str) -> Any:
    if "://" not in uri:
        # LanceDB would make the folder too, for everybody to read, and faces are this user's alone.
        folder = expanded(uri)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_relative_to(BANKS):  # of an earlier version; elsewhere the user may mean it so
            folder.chmod(0o700)
    return lancedb.connect(uri)


def _write(uri: str, data: pa.Table) -> Any:
    database = _connect(uri)
    try:
        return database.create_table(TABLE, data, mode="overwrite", on_bad_vectors="null")
    except Exception:
        if version(uri) is not None:
            raise
        # What lies there cannot even be opened, so there is no good bank that could be lost.
        database.drop_table(TABLE)
        return database.create_table(TABLE, data, mode="overwrite", on_bad_vectors="null")


def _forget_versions_before(table: Any) -> None:
    with contextlib.suppress(Exception):  # another builder is cleaning up; the next build does it again
        table.optimize(cleanup_older_than=timedelta(seconds=READERS_TIME))


def schema(dimension: int, metadata: dict[bytes, bytes]) -> pa.Schema:
    """Columns of the bank: a photo, its member's face in it, and how good that face is.

    Args:
        dimension: Length of an embedding.
        metadata: Kept with the table.

    Returns:
        The schema. `embedding` (the face and its mirror image) is what the gallery compares with, `plain`
        (the face alone) is what a new picture would show; `faces` are all faces of the photo, so that the
        choice among them can be made again when the folder has changed.
    """
    number, text = pa.float32(), pa.string()
    vector = pa.list_(number, dimension)
    face = [
        ("box", pa.list_(number, 4)),
        ("keypoints", pa.list_(pa.list_(number, 2), 5)),
        ("score", number),
        ("sharpness", number),
        ("plain", vector),
        ("embedding", vector),
    ]
    photo = [(name, text) for name in ("photo", "member", "hash", "stamp", "look", "left_out", "unusable")]
    origin = [("pack", text), ("recogniser", text)]
    return pa.schema([*photo, *face, ("faces", pa.list_(pa.struct(face))), *origin], metadata=metadata)


def shorten(error: Exception) -> str:
    """Say in a few words what a library's error said in many.

    Args:
        error: Any exception.

    Returns:
        The beginning of its first line, without paths.
    """
    first = str(error).split("\n", 1)[0]
    words = [word for word in first.split() if "/" not in word]
    return " ".join(words)[:100].rstrip(" ,:;.") or type(error).__name__
