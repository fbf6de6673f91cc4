"""One frame of a video, as a picture like any other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from ive_segmentation.errors import UserError
from ive_segmentation.settings import Settings

# FFmpeg also reads playlists, which name other files and addresses to open. A video that somebody hands in
# must not choose those, so only formats that hold the video themselves are tried.
_FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf"

_LAST_SECOND = 1e9  # thirty years; in the finest time base still a number that FFmpeg can hold


class VideoError(UserError):
    """A video that cannot be read; the message names the file and what to do."""


def duration(path: str | Path) -> float:
    """Tell how long a video is.

    Args:
        path: The video file.

    Returns:
        Seconds, from the file's header; where that does not say, as in recordings made by a browser, from
        the last packet of the stream.

    Raises:
        VideoError: If it is no video or is damaged.
    """
    with _opened(path) as (container, stream):
        if container.duration:
            return container.duration / av.time_base
        ends = [
            packet.pts + (packet.duration or 0)
            for packet in container.demux(stream)
            if packet.pts is not None
        ]
        return float((max(ends, default=0) - (stream.start_time or 0)) * (stream.time_base or 0))


def frame_at(path: str | Path, second: float, *, max_pixels: int = Settings.max_pixels) -> np.ndarray:
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
        with _opened(path) as (container, stream):
            if stream.width * stream.height > max_pixels:
                raise VideoError(
                    f"{path} has frames of {stream.width} x {stream.height} pixels; "
                    f"at most {max_pixels / 1e6:g} megapixels are read. Make it smaller."
                )
            frame = _shown_at(container, stream, min(max(second, 0.0), _LAST_SECOND), seek)
            if frame is not None:
                upright = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
                return np.ascontiguousarray(upright)
    raise _damaged(path)


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the first video stream; every fault of the file in here becomes a VideoError."""
    if not Path(path).is_file():
        raise VideoError(f"{path} is not a file. Check the path for typing mistakes.")
    try:
        # An open file rather than its name, which FFmpeg would read as an address where it looks like one.
        with (
            Path(path).open("rb") as file,
            av.open(file, "r", options={"format_whitelist": _FORMATS}, metadata_errors="ignore") as container,
        ):
            if not container.streams.video:
                raise VideoError(f"{path} holds no video, only sound or text. Give another file.")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise VideoError(
                    f"{path} is packed in a way that is not known here. Save it anew as MP4 (H.264)."
                )
            yield container, stream
    except PermissionError as error:
        raise VideoError(
            f"{path} may not be read by this user. Change its permissions or copy it elsewhere."
        ) from error
    except (av.FFmpegError, OSError) as error:
        raise _damaged(path) from error


def _shown_at(
    container: InputContainer, stream: VideoStream, second: float, seek: bool
) -> av.VideoFrame | None:
    """Decode to the last frame that has begun by then; None where the seek led to none or past it."""
    shown = None
    moment = (stream.start_time or 0) + round(second / (stream.time_base or 1))
    if seek:
        with suppress(av.FFmpegError):
            container.seek(moment, stream=stream)
    for frame in _decodable(container, stream):
        if frame.is_corrupt:  # green where the rest of it is missing
            continue
        if frame.pts is not None and frame.pts > moment and (shown is not None or seek):
            break
        shown = frame
    return shown


def _decodable(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Decode what can be decoded: damaged packets are left out, and a cut is an end like any other."""
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            with suppress(av.FFmpegError):
                yield from stream.decode(packet)
        return
    with suppress(av.FFmpegError):
        yield from stream.decode(None)


def _damaged(path: str | Path) -> VideoError:
    return VideoError(f"{path} is not a video of a known format, or is damaged. Save it anew as MP4.")
