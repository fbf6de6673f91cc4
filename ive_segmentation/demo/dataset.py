"""The six drawn members' solo pictures, in the layout of `Dataset/`."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ive_segmentation.demo import MOST_PICTURES, PICTURES
from ive_segmentation.demo.identities import MEMBERS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.writing import write_errors

GALLERY = 700_000
"""First seed of the gallery; training begins at 0, the benchmark at 1,000,000."""
TRIES = 50
"""Seeds tried for one picture: in one of six the face is covered."""
SIZES = ((420, 560), (480, 480), (560, 420))
SHOTS = ("close", "close", "medium", "medium", "wide")
NOTE = "Every picture in this folder is drawn by ive_segmentation.demo. It shows nobody real.\n"


def solo_picture(member: str, number: int) -> np.ndarray:
    """One picture of a member alone, the face in full view.

    Args:
        member: The folder name of a member of `MEMBERS`.
        number: Which picture; the same number is always the same picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    first = GALLERY + TRIES * (MOST_PICTURES * list(MEMBERS).index(member) + number)
    for seed in range(first, first + TRIES):
        scene = draw_scene(
            seed,
            size=SIZES[number % len(SIZES)],
            shot=SHOTS[number % len(SHOTS)],
            members=(member,),
            away=0,
            hidden=0,
            holding=0.2,
        )
        if scene.persons and scene.persons[0].face_box is not None and scene.persons[0].face_visible > 0.6:
            return scene.image
    raise AssertionError(f"{TRIES} solo pictures without a face in full view")


def draw_dataset(folder: Path, pictures: int = PICTURES) -> Path:
    """Draw every member's pictures into `folder`/<member>/drawn-NN.jpg, and say that they are drawn.

    Args:
        folder: Where to; made where it is missing. Files of the same names are replaced.
        pictures: How many of each member, up to `MOST_PICTURES`.

    Returns:
        The folder.
    """
    for member in tqdm(MEMBERS, desc="drawing members", unit="member", leave=False, disable=None):
        (folder / member).mkdir(parents=True, exist_ok=True)
        for number in range(pictures):
            picture = Image.fromarray(solo_picture(member, number))
            picture.save(folder / member / f"drawn-{number + 1:02d}.jpg", quality=93)
    (folder / "README.txt").write_text(NOTE, encoding="utf-8")
    return folder


def draw_dataset_once(folder: Path) -> Path:
    """The drawn dataset in `folder`, drawn there unless it already is; whole or not at all.

    Args:
        folder: Where the program keeps it.

    Returns:
        The folder.

    Raises:
        WriteError: If it cannot be written there.
    """
    if (folder / "README.txt").exists():
        return folder
    with write_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name) as scratch:
            drawn = draw_dataset(Path(scratch) / folder.name)
            try:
                drawn.rename(folder)
            except OSError:
                # Another process was faster, and its pictures are the same; or what lies there is not whole.
                if not (folder / "README.txt").exists():
                    shutil.rmtree(folder, ignore_errors=True)
                    drawn.rename(folder)
    return folder
