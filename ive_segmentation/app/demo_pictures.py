"""Drawn pictures to try, where there are no photos of the user's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ive_segmentation.app.cache import new_folder
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.output.writing import write_png
from ive_segmentation.settings import CACHE

_TRIO = ("Jang_Wonyoung", "Kim_Jiwon", "Lee_Hyunseo")
# Seeds chosen by eye: every face is seen, and Wonyoung wears a shirt.
_SCENES: dict[str, dict[str, Any]] = {
    "close": {"seed": 101, "members": ("Jang_Wonyoung", "An_Yujin", "Naoi_Rei"), "shot": "medium"},
    "park": {"seed": 2, "members": _TRIO, "shot": "wide"},
    "strangers": {"seed": 2, "people": 4, "strangers": 0.5, "holding": 0.7, "shot": "wide"},
}


def draw_pictures(folder: Path = CACHE / "demo-pictures") -> list[str]:
    """Draw the pictures, once.

    Args:
        folder: Where to keep them.

    Returns:
        Paths of copies in the page's own folder, from which alone the page serves files.
    """
    paths = []
    for name, scene in _SCENES.items():
        path = folder / f"{name}.png"
        if not path.is_file():
            write_png(path, draw_scene(size=(800, 600), away=0.0, hidden=0.0, **scene).image)
        paths.append(shutil.copy(path, new_folder()))
    return [str(path) for path in paths]
