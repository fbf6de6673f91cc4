"""What the page and its API ask of the pipeline: an upload read, a prompt answered as files, faces named."""

from __future__ import annotations

import logging
import os
import re
import threading
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
from PIL import ExifTags, Image

from ive_segmentation import images
from ive_segmentation.app.cache import answer_folder, new_folder, page_folder
from ive_segmentation.errors import UserError
from ive_segmentation.language import Prompt, load_members
from ive_segmentation.loading import load_bank
from ive_segmentation.output.files import write_files
from ive_segmentation.patience import Progress, silent
from ive_segmentation.persons import faces_alone
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import Image as Pixels
from ive_segmentation.result import Person, Result
from ive_segmentation.writing import write_errors, write_png

logger = logging.getLogger(__name__)

_BROWSERS_SHOW = ("JPEG", "PNG", "WEBP")
"""Formats shown as they are, one still picture each; of all others the page shows what the program read."""


class PageError(UserError):
    """Something asked of the page that cannot be done."""


class Live:
    """The pipeline that answers now; rebuilding the bank puts another in its place while requests go on.

    Attributes:
        pipeline: The newest. A request takes it once and keeps to it.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._rebuilding = threading.Lock()

    def rebuild(self, progress: Progress) -> Pipeline:
        """Read the dataset again and take the new bank.

        Args:
            progress: Called with the share done (0 to 1) and the step that begins.

        Returns:
            The pipeline with the new members, report and gallery, and no notice that there is none.

        Raises:
            UserError: If there are no face models, or no usable photo; the bank before stays.
        """
        before = self.pipeline
        if before.faces is None:
            raise PageError("The bank cannot be built without face models. The notice above says what to do.")
        with self._rebuilding:
            # A folder that is away is said to be so, before its bank is forgotten.
            members = load_members(before.settings.dataset)
            report, gallery = load_bank(before.settings, before.faces, progress)
            notices = {about: words for about, words in before.notices.items() if about != "names"}
            self.pipeline = replace(before, members=members, report=report, gallery=gallery, notices=notices)
        return self.pipeline


@dataclass(frozen=True, eq=False)
class Answer:
    """A result with its picture and the files that can be downloaded.

    Attributes:
        image: (H, W, 3) uint8, RGB: the picture as it was read.
        result: What was found in it.
        files: overlay.png, then mask and cutout of each segment, then result.json.
        archive: All of them in one zip.
    """

    image: Pixels
    result: Result
    files: list[Path]
    archive: Path


def unopened(picture: gr.Image) -> gr.Image:
    """Let a picture's upload through as a path: `images.load` opens it, and says in words what is wrong.

    Args:
        picture: Gradio's component, which would open the file itself and fail without words. (A subclass
            would do too, but Gradio writes a stub file beside the module of each.) Events may set its value
            to a path, but must not return a `gr.Image` for it: that would replace it by a plain one.

    Returns:
        The same component.
    """
    vars(picture)["preprocess"] = lambda payload: _own(payload.path) if payload and payload.path else None
    return picture


def _own(path: str) -> str:
    """The path, if it is an upload: Gradio checks that only of paths that say where they come from."""
    if not Path(path).resolve().is_relative_to(page_folder()):
        raise gr.Error("This is no upload. Upload the picture first.", print_exception=False)
    return path


def read_picture(pipeline: Pipeline, path: str | None) -> Pixels:
    """Read an upload.

    Args:
        pipeline: For the limits in its settings.
        path: Where the upload lies, None where there is none.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        UserError: If there is no picture, or it cannot be read; the message does not name the page's folders.
    """
    if not path:
        raise PageError("There is no picture yet. Upload one, or take a frame of a video.")
    settings = pipeline.settings
    try:
        with Path(path).open("rb") as file:
            return images.load(
                file, max_upload_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels
            )
    except FileNotFoundError as error:
        raise PageError(
            "The picture is gone: uploads are kept for a day or until the page starts anew. Upload it again."
        ) from error


def shown(image: Pixels, path: str) -> str:
    """Say which file a browser can show for a picture: its own, or a lossless copy.

    Args:
        image: The picture as it was read.
        path: The upload it was read from.

    Returns:
        The path of a file that shows the same pixels in every browser.

    Raises:
        WriteError: If the copy cannot be written.
    """
    with Image.open(path) as file:
        # Not every browser turns a WebP as it says; and what broken EXIF says, each reads in its own way.
        try:
            is_upright = file.getexif().get(ExifTags.Base.Orientation, 1) == 1
        except Exception:  # Pillow raises SyntaxError, struct.error and others
            is_upright = False
        if file.format in _BROWSERS_SHOW and is_upright and not getattr(file, "is_animated", False):
            return path
    return keep(image)


def keep(image: Pixels) -> str:
    """Write a picture that came from no file, such as a frame of a video.

    Args:
        image: (H, W, 3) uint8, RGB.

    Returns:
        Path of a PNG in the page's folder.

    Raises:
        WriteError: If it cannot be written.
    """
    file = new_folder() / "picture.png"
    write_png(file, image)
    return str(file)


def ask(pipeline: Pipeline, path: str | None, text: str, progress: Progress = silent) -> Answer:
    """Answer a prompt on an upload, as files.

    Args:
        pipeline: Who answers.
        path: Where the upload lies.
        text: The prompt.
        progress: Called with the share done (0 to 1) and the step that begins.

    Returns:
        The result and its files.

    Raises:
        UserError: If the picture or the prompt cannot be read, SAM 3 cannot answer, or the disk is full.
    """
    image = read_picture(pipeline, path)
    result = pipeline.segment(image, text, progress)
    with answer_folder() as folder, write_errors(folder):
        files = write_files(folder / "files", image, result, pipeline.members, progress)
        archive = folder / "everything.zip"
        with zipfile.ZipFile(archive, "w") as together:  # not packed once more: pictures get no smaller
            for file in files:
                together.write(file, file.name)
    return Answer(image, result, files, archive)


def who(pipeline: Pipeline, path: str | None) -> Result:
    """Say whose faces are in an upload; needs no SAM 3.

    Args:
        pipeline: Who answers.
        path: Where the upload lies.

    Returns:
        A result without masks: one person per face, left to right.

    Raises:
        UserError: If the picture cannot be read, or there are no face models.
    """
    image = read_picture(pipeline, path)
    if pipeline.faces is None:
        raise PageError("Faces cannot be found without face models. The notice above says what to do.")
    persons: list[Person] = faces_alone(*pipeline.identify(image))
    return Result(image.shape[:2], Prompt("", ()), tuple(persons), (), (), {})


def step_by_step(bar: gr.Progress) -> Progress:
    """Let a Gradio progress bar follow the pipeline.

    Args:
        bar: The bar of the running event.

    Returns:
        What the pipeline calls.
    """
    return lambda share, step: bar(share, desc=step)


def in_words(error: Exception) -> str:
    """Say what went wrong; a fault of the program itself is logged in full and admitted in one line.

    Args:
        error: What was raised.

    Returns:
        Words for the page.
    """
    if isinstance(error, UserError):
        # Uploads lie in folders with meaningless names: the file's own name is what the user knows.
        return re.sub(re.escape(f"{page_folder()}{os.sep}") + r"[^\s/\\]+[/\\]", "", str(error))
    logger.error("The page met an error of the program.", exc_info=error)
    return (
        f"The program itself failed ({type(error).__name__}), which is not your mistake. "
        "The terminal it runs in shows the details; the same question may work again."
    )
