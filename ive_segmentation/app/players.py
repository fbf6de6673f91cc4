"""Videos on the page: what is known of one in words, and one that the browser plays."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from ive_segmentation.output.thumbnails import thumbnail
from ive_segmentation.video.frames import frame_at
from ive_segmentation.video.reading import Video

SIDE = 800
"""Pixels of the pictures that stand for a video: the column is hardly wider."""


def measures(video: Video) -> str:
    """Say how long and how large a video is.

    Args:
        video: From `probe`.

    Returns:
        Plain text.
    """
    height, width = video.size
    sound = "with sound" if video.has_sound else "without sound"
    return (
        f"{video.seconds:.1f} s, {width} × {height} pixels, {float(video.rate):.3g} frames a second, {sound}"
    )


def titled(path: Path, words: str) -> str:
    """Show a video under its title.

    Args:
        path: The video, in the page's own folder.
        words: The title.

    Returns:
        HTML.

    Raises:
        VideoError: If it cannot be read.
    """
    return f'<p class="ive-title">{words}</p>{player(path, words)}'


def player(path: Path, label: str, consolation: str = "") -> str:
    """Show a video as the browser plays it; where it cannot, its first frame and words stand in for it.

    Gradio's own player would convert what it takes for unplayable, and complains in words of its own.

    Args:
        path: The video, in the page's own folder.
        label: What it is called to those who do not see it.
        consolation: What is said besides, where it cannot be played.

    Returns:
        HTML.

    Raises:
        VideoError: If it cannot be read.
    """
    poster = thumbnail(frame_at(path, 0.0), side=SIDE)
    source = f"gradio_api/file={quote(str(path))}"
    unplayable = f"<p>This browser cannot play it. {consolation}</p>"
    return (
        f'<video aria-label="{label}" controls playsinline preload="metadata" '
        f'poster="{poster}" src="{source}" '
        """onerror="this.outerHTML = '<img alt=&quot;&quot; src=&quot;' + this.poster + '&quot;>"""
        f"""{unplayable}'"></video>"""
    )
