"""A glance at a video: how long it is, and one frame of it as a picture like any other."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import av
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from ive_segmentation.result import Image
from ive_segmentation.settings import Settings
from ive_segmentation.video.decoding import (
    LAST_SECOND,
    VideoError,
    damaged,
    decodable,
    length,
    opened,
    upright,
)


def duration(path: str | Path, *, max_pixels: int = Settings.max_pixels) -> float:
    """Tell how long a video is.

    Args:
        path: The video file.
        max_pixels: Videos with larger frames are refused.

    Returns:
        Seconds, as `length` tells them.

    Raises:
        VideoError: If it is no video or is damaged.
    """
    with opened(path, max_pixels) as (container, stream):
        return length(container, stream)


def frame_at(path: str | Path, second: float, *, max_pixels: int = Settings.max_pixels) -> Image:
    """Take the frame that a player shows at one moment.

    Args:
        path: The video file.
        second: From the beginning of the video; before it means the first frame, past its end (or past
            where the file is cut off) the last.
        max_pixels: Videos with larger frames are refused before anything is decoded.

    Returns:
        RGB uint8 (H, W, 3), turned upright as the file says.

    Raises:
        VideoError: If it is no video, is damaged, has no frame, or the second is no number.
    """
    if not math.isfinite(second):
        raise VideoError(f"{second} is not a moment of a video. Give seconds from its beginning.")
    # Some files have no index, or one that leads past their end or past the moment: those are read through.
    for seek in (True, False):
        with opened(path, max_pixels) as (container, stream):
            frame = _shown_at(container, stream, min(max(second, 0.0), LAST_SECOND), seek)
            if frame is not None:
                return upright(frame, VideoReformatter())
    raise damaged(path)


def _shown_at(
    container: InputContainer, stream: VideoStream, second: float, seek: bool
) -> av.VideoFrame | None:
    """Decode to the last frame that has begun by then; None where the seek led to none or past it."""
    shown = None
    moment = (stream.start_time or 0) + round(second / (stream.time_base or 1))
    if seek:
        with suppress(av.FFmpegError):
            container.seek(moment, stream=stream)
    for frame in decodable(container, stream):
        if frame.pts is not None and frame.pts > moment and (shown is not None or seek):
            break
        shown = frame
    return shown
