"""Videos frame by frame, each with the moment at which it is shown; never the whole clip in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from ive_segmentation.result import Image
from ive_segmentation.settings import Measured, Settings
from ive_segmentation.video.decoding import (
    LAST_SECOND,
    VideoError,
    damaged,
    decodable,
    length,
    opened,
    sound_stream,
    upright,
)

_USUAL_RATE = 240
"""Frames per second; more is mostly what FFmpeg infers from a time base of milliseconds."""
_PACKETS = 100  # enough to tell their rate
_ROUNDING = 1e-3  # of a time base: 0.1 s is meant to be the frame at 1/10 s, though 0.1 is slightly more


@dataclass(frozen=True)
class Video:
    """What is known of a video before it is read.

    Attributes:
        path: The file.
        size: (H, W) in pixels of the frames turned upright.
        pixel_aspect: Width of a pixel by its height as a player shows it, upright; nearly always 1.
        time_base: Seconds per unit of `Frame.pts`.
        rate: Frames per second on average.
        seconds: How long it lasts.
        pictured: How many seconds of it have pictures, as the file says; None where it does not, or where its
            sound may last longer.
        frames: How many there are, as the file says or as rate and length make likely: for progress only.
        sound_codec: FFmpeg's name of the codec of the sound that a player takes, "" where there is none.
        channels: Of that sound; 0 where there is none.
        max_pixels: Frames that are larger, whatever the file says of itself, are not decoded.
    """

    path: Path
    size: tuple[int, int]
    pixel_aspect: Fraction
    time_base: Fraction
    rate: Fraction
    seconds: float
    pictured: float | None
    frames: int
    sound_codec: str
    channels: int
    max_pixels: int

    @property
    def has_sound(self) -> bool:
        """Whether there is sound that can be read."""
        return self.channels > 0


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    Attributes:
        index: Counted from 0 at the first frame that is read.
        pts: When it is shown, in units of `Video.time_base`, as in the file.
        duration: How long it is shown, in the same unit, as in the file.
        second: When it is shown, in seconds from the beginning of the video.
        image: RGB uint8 (H, W, 3), upright.
    """

    index: int
    pts: int
    duration: int
    second: float
    image: Image


def probe(path: str | Path, *, max_pixels: int = Settings.max_pixels) -> Video:
    """Look at a video without reading it through: its header, and its first frame.

    Args:
        path: The video file.
        max_pixels: Videos with larger frames are refused before anything is decoded.

    Returns:
        What is known of it.

    Raises:
        VideoError: If it is no video, is damaged, its frames are too large, or there is none.
    """
    with opened(path, max_pixels) as (container, stream):
        first = next(decodable(container, stream), None)
        if first is None or not stream.time_base:
            raise damaged(path)
        rate = stream.average_rate
        if rate is None or rate > _USUAL_RATE:
            rate = _measured_rate(path, max_pixels) or rate or Fraction(Measured.unknown_frame_rate)
        heard = sound_stream(container)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        height, width = first.height, first.width
        if round(first.rotation / 90) % 2:
            height, width, aspect = width, height, 1 / aspect
        frames = stream.frames
        seconds = length(container, stream)
        return Video(
            path=Path(path),
            size=(height, width),
            pixel_aspect=aspect,
            time_base=stream.time_base,
            rate=rate,
            seconds=seconds,
            pictured=_pictured(stream, seconds, heard is not None),
            frames=frames or max(1, round(seconds * rate)),
            sound_codec=heard.codec_context.name if heard else "",
            channels=heard.channels if heard else 0,
            max_pixels=max_pixels,
        )


def _pictured(stream: VideoStream, seconds: float, has_sound: bool) -> float | None:
    """`Video.pictured` of a stream whose file lasts `seconds`."""
    if not stream.duration or not stream.time_base:
        # Matroska's length counts from zero, where its first frame need not be.
        begins = float((stream.start_time or 0) * (stream.time_base or 0))
        return None if has_sound else seconds - begins
    return min(float(stream.duration * stream.time_base), seconds)


def _measured_rate(path: str | Path, max_pixels: int) -> Fraction | None:
    """Frames per second at the beginning of a file; None where it has no two frames with moments."""
    with opened(path, max_pixels) as (container, stream):
        packets = islice(container.demux(stream), _PACKETS)
        moments = [packet.pts for packet in packets if packet.pts is not None]
        ticks = max(moments, default=0) - min(moments, default=0)
        return (len(moments) - 1) / (ticks * stream.time_base) if ticks and stream.time_base else None


def read(video: Video, start: float | None = None, end: float | None = None) -> Iterator[Frame]:
    """Read a video frame by frame, in the order and at the moments in which they are shown.

    What is damaged is left out, and a file that was cut off ends there. A frame without a moment, or one that
    is said to come before the frame that it follows, is shown when the one before it is over. If the size
    changes on the way, the frames are scaled to `Video.size`.

    Args:
        video: From `probe`.
        start: Seconds from the beginning; frames that begin earlier are left out. None for the beginning.
        end: Seconds from the beginning; frames that begin then or later are left out. None for the end.

    Yields:
        One frame at a time; none is kept here.

    Raises:
        VideoError: If start and end are no moments in this order, the start is past the end of the video,
            or no frame can be decoded.
    """
    first = _ticks(0.0 if start is None else start, video)
    last = math.inf if end is None else _ticks(end, video)
    if last <= first:
        raise VideoError(
            f"From {start or 0:g} s to {end:g} s is no part of a video. Give an end after the start."
        )
    # Some files have no index, or one that leads past the moment: those are read through.
    for seek in (True, False) if first else (False,):
        frame = None
        for frame in _between(video, first, last, seek):
            yield frame
        if frame is not None:
            return
    if first or end is not None:
        raise VideoError(
            f"{video.path} lasts {video.seconds:.4g} s and has no frame between {start or 0:g} s and "
            f"{'its end' if end is None else f'{end:g} s'}. Give other moments."
        )
    raise damaged(video.path)


def _between(video: Video, first: int, last: float, seek: bool) -> Iterator[Frame]:
    """Read what begins between two moments, in ticks since the beginning; nothing if the seek led too far."""
    index, step = 0, max(1, round(1 / (video.rate * video.time_base)))
    shown, reformatter = None, VideoReformatter()
    with opened(video.path, video.max_pixels) as (container, stream):
        zero = expected = stream.start_time or 0
        if seek:
            # A second early: a key frame may be stored in time for the moment and yet be shown after it.
            with suppress(av.FFmpegError):
                container.seek(zero + max(0, first - round(1 / video.time_base)), stream=stream)
        for decoded in decodable(container, stream):
            pts = decoded.pts
            if shown is None and seek and (pts is None or pts > zero + first):
                return
            if pts is None or (shown is not None and pts <= shown):
                pts = expected
            shown, duration = pts, decoded.duration or step
            expected = shown + duration
            if shown >= zero + last:
                return
            if shown >= zero + first:
                second = float((shown - zero) * video.time_base)
                yield Frame(index, shown, duration, second, upright(decoded, reformatter, video.size))
                index += 1


def _ticks(second: float, video: Video) -> int:
    """Turn seconds into units of the time base, up to the first that is not before them."""
    if not math.isfinite(second):
        raise VideoError(f"{second} is not a moment of a video. Give seconds from its beginning.")
    return max(0, math.ceil(Fraction(min(second, LAST_SECOND)) / video.time_base - _ROUNDING))
