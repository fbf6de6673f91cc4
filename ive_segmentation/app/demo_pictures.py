"""Drawn pictures and a drawn clip to try, where there are none of the user's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ive_segmentation.app.cache import new_folder
from ive_segmentation.demo.clips import ClipFrame, draw_clip
from ive_segmentation.demo.filming import film
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.patience import Progress
from ive_segmentation.settings import CACHE
from ive_segmentation.writing import write_png, written_whole

_KEPT = CACHE / "demo-pictures"
_TRIO = ("Jang_Wonyoung", "Kim_Jiwon", "Lee_Hyunseo")
# Seeds chosen by eye: every face is seen, and Wonyoung wears a shirt.
_SCENES: dict[str, dict[str, Any]] = {
    "close": {"seed": 101, "members": ("Jang_Wonyoung", "An_Yujin", "Naoi_Rei"), "shot": "medium"},
    "park": {"seed": 2, "members": _TRIO, "shot": "wide"},
    "strangers": {"seed": 2, "people": 4, "strangers": 0.5, "holding": 0.7, "shot": "wide"},
}

# Wonyoung and two others on a street; two of them cross, a microphone changes hands, and there is a cut.
_CLIP: dict[str, Any] = {
    "seed": 22,
    "people": 3,
    "seconds": 4.0,
    "fps": 15,
    "moves": ("cross", "handover", "cuts"),
}


def draw_pictures() -> list[str]:
    """Draw the pictures, once.

    Returns:
        Paths of copies in the page's own folder, from which alone the page serves files.

    Raises:
        WriteError: If a picture cannot be written into the user's cache.
    """
    paths = []
    for name, scene in _SCENES.items():
        path = _KEPT / f"{name}.png"
        if not path.is_file():
            write_png(path, draw_scene(size=(800, 600), away=0.0, hidden=0.0, **scene).image)
        paths.append(copied(path))
    return paths


def copied(path: str | Path) -> str:
    """Copy a picture or a clip for one who wants to try it.

    Args:
        path: Where it is kept.

    Returns:
        Path of a copy in the page's own folder.
    """
    return str(shutil.copy(path, new_folder()))


def draw_clip_once(progress: Progress, folder: Path = _KEPT) -> str:
    """Draw the clip, which takes seconds, where that was not done before.

    Args:
        progress: Called with the share done (0 to 1) and what is being done.
        folder: Where to keep it.

    Returns:
        Path of a copy in the page's own folder.

    Raises:
        WriteError: If the folder cannot be written to.
    """
    path = folder / f"clip-{_CLIP['seed']}.mp4"
    if not path.is_file():
        total = round(_CLIP["seconds"] * _CLIP["fps"])

        def drawn() -> Iterator[ClipFrame]:
            for frame in draw_clip(**_CLIP):
                progress(frame.index / total, f"Drawing frame {frame.index + 1} of {total}")
                yield frame

        with written_whole(path) as part:
            film(part, drawn(), _CLIP["fps"])
    return copied(path)
