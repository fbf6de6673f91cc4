"""Figures of the notebook: pictures side by side, the faces of the bank."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray
from PIL import ImageFont

from ive_segmentation import images
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.language import Member, names_to_show
from ive_segmentation.output.overlay import font_for
from ive_segmentation.output.thumbnails import face_in
from ive_segmentation.result import Image

PAGE_WIDTH, ROW_HEIGHT, TITLE_HEIGHT = 12.0, 4.0, 0.4  # inches, most of a row where pictures are narrow
TITLE_LETTERS = 13  # in an inch: "Wonyoung's shirt and Rei's shoes" has 14
FACES = 6  # of each member, where a sample is shown


def side_by_side(pictures: Mapping[str, Image], columns: int = 3) -> Figure:
    """Show pictures in rows, each under its title.

    Args:
        pictures: Title to picture: (H, W, 3) uint8 RGB or (H, W, 4) uint8 RGBA.
        columns: Most pictures in a row.

    Returns:
        The figure, not yet shown.
    """
    across = min(columns, max(len(pictures), 1))
    rows = math.ceil(max(len(pictures), 1) / across)
    widest = max((picture.shape[1] / picture.shape[0] for picture in pictures.values()), default=1.0)
    width = min(ROW_HEIGHT * widest, PAGE_WIDTH / across)
    size = (width * across, (width / widest + TITLE_HEIGHT) * rows)
    figure, axes = plt.subplots(rows, across, figsize=size, squeeze=False)
    for place in axes.flat:
        place.axis("off")
    for place, (title, picture) in zip(axes.flat, pictures.items(), strict=False):
        place.imshow(picture)
        lines = textwrap.fill(title, math.ceil(width * TITLE_LETTERS))
        place.set_title(lines, font=_font(title), fontsize=10, parse_math=False)
    return _finished(figure)


def sample_faces(gallery: Gallery, dataset: Path, members: Sequence[Member]) -> Figure:
    """Show the first faces of each member as the bank sees them.

    Args:
        gallery: The bank.
        dataset: Where its photos lie.
        members: For the names to show; a folder without an entry shows its own name.

    Returns:
        The figure, one row per member; a photo that has gone since leaves an empty place.
    """
    rows = len(gallery.names)
    figure, axes = plt.subplots(rows, FACES, figsize=(1.5 * FACES, 1.6 * rows), squeeze=False)
    for row, name in enumerate(_names(gallery, members)):
        _ticks_off(axes[row])
        axes[row, 0].set_ylabel(name, font=_font(name), rotation=0, ha="right", va="center", parse_math=False)
        for place, photo in zip(axes[row], np.flatnonzero(gallery.labels == row)[:FACES], strict=False):
            try:
                picture = images.load(dataset / gallery.photos[photo])
            except images.ImageError:
                continue
            place.imshow(face_in(picture, tuple(gallery.boxes[photo].tolist())))
    return _finished(figure)


def _names(gallery: Gallery, members: Sequence[Member]) -> list[str]:
    shown = names_to_show(members)
    return [shown.get(folder, folder) for folder in gallery.names]


def _font(text: str) -> FontProperties:
    """The font of labels on pictures: Matplotlib's own holds no Korean, Thai or Japanese."""
    name = font_for(text)
    return FontProperties(fname=str(ImageFont.truetype(name).path) if name else None)


def _ticks_off(places: NDArray[np.object_]) -> None:
    for place in places:
        assert isinstance(place, Axes)
        place.set_xticks([])
        place.set_yticks([])
        for edge in place.spines.values():
            edge.set_visible(False)


def _finished(figure: Figure) -> Figure:
    figure.tight_layout()
    plt.close(figure)  # or Jupyter would show it a second time, at the end of the cell
    return figure
