"""The demo knows its own pictures from real photos, so that it never draws nonsense on one."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ive_segmentation.demo.drawn import NotDrawnError, looks_drawn, refuse_photos
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.images import ImageError, load


@pytest.mark.parametrize("quality", [None, 90, 70])
def test_scenes_look_drawn_however_they_were_saved(quality: int | None) -> None:
    taken_for_photos = 0
    for seed in range(3_000_000, 3_000_030):
        file = io.BytesIO()
        Image.fromarray(draw_scene(seed).image).save(file, "JPEG" if quality else "PNG", quality=quality or 0)
        taken_for_photos += not looks_drawn(load(file.getvalue()))
    assert taken_for_photos <= 1


def test_real_photos_do_not(real_photos: Path) -> None:
    taken_for_drawings = 0
    for path in sorted(real_photos.glob("*/*.*")):
        with contextlib.suppress(ImageError):
            taken_for_drawings += looks_drawn(load(path))
    assert taken_for_drawings <= 1


def test_a_photo_is_refused_with_a_way_on() -> None:
    rng = np.random.default_rng(0)
    waves = np.cumsum(np.cumsum(rng.normal(size=(200, 300, 3)), 0), 1)
    photo = ((waves - waves.min()) / np.ptp(waves) * 255).astype(np.uint8)
    with pytest.raises(NotDrawnError, match="photos of your own"):
        refuse_photos(photo)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (2, 2)])
def test_any_size_is_answered(size: tuple[int, int]) -> None:
    looks_drawn(np.zeros((*size, 3), np.uint8))
