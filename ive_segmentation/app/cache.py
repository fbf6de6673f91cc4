"""The folder of everything the page writes: uploads, results, thumbnails. It goes when the program ends."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX, _LOCK = "ive-page-", ".lock"
_LONG = 24 * 3600
"""Seconds after which a folder without a lock is abandoned: an earlier version left it, or a killed page."""


@cache
def page_folder() -> Path:
    """Make the folder, once per process, readable by this user alone, and tell Gradio to use it too.

    Returns:
        The folder. Whoever knows the full name of a file in it can fetch that; nothing else can be fetched.
    """
    _forget_the_killed()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    lock = FileLock(folder / _LOCK)  # the system lets go of it when the process ends, however it ends
    lock.acquire()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(lock.release)  # before that: Windows removes no file that is open
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # the only way in which Gradio takes it
    return folder


def _forget_the_killed() -> None:
    """Take away the folders of pages that could not do it themselves: killed, or without power."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(Timeout, OSError):  # a page that is open, or another user's
            if (folder / _LOCK).exists():
                with FileLock(folder / _LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
            elif time.time() - folder.stat().st_mtime > _LONG:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def answer_folder() -> Iterator[Path]:
    """Make a folder for the files of an answer.

    Yields:
        The folder, as of `new_folder`. It goes if the block ends with an error.
    """
    folder = new_folder()
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def new_folder() -> Path:
    """Make an empty folder.

    Returns:
        A folder of the page's own, whose name cannot be guessed.
    """
    return Path(tempfile.mkdtemp(dir=page_folder()))
