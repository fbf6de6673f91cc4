"""The folder of everything the page writes: uploads, results, thumbnails. It goes when the program ends."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def page_folder() -> Path:
    """Make the folder, once per process, readable by this user alone, and tell Gradio to use it too.

    Returns:
        The folder. Whatever lies in it can be fetched by who knows its full name; nothing else can.
    """
    folder = Path(tempfile.mkdtemp(prefix="ive-page-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)  # the only way in which Gradio takes it
    return folder


def new_folder() -> Path:
    """Make an empty folder for the files of one answer.

    Returns:
        A folder of the page's own, whose name cannot be guessed.
    """
    return Path(tempfile.mkdtemp(dir=page_folder()))
