"""A video file opened, and its frames decoded, made whole, turned upright, in the colours of a screen."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from ive_segmentation.errors import UserError
from ive_segmentation.result import Image
from ive_segmentation.settings import expanded

# FFmpeg also reads playlists, which name other files and addresses to open. A video that somebody hands in
# must not choose those, so only formats that hold the video themselves are tried.
_FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf"

_UNSPECIFIED = 2  # the number of H.273 for a colour space that is not said
HD_HEIGHT = 720
"""Height in pixels from which on a video that names no colours has HDTV's (BT.709), as players assume."""
_HDR = {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}
_WIDE = {ColorPrimaries.BT2020, ColorPrimaries.SMPTE432}
_LEAST_SIDE = 4  # of what FFmpeg's filter makes whole
LAST_SECOND = 1e9  # thirty years; in the finest time base still a number that FFmpeg can hold


class VideoError(UserError):
    """A video that cannot be read; the message names the file and what to do."""


@contextmanager
def opened(path: str | Path, max_pixels: int) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the first video stream; every fault of the file in here becomes a VideoError.

    Args:
        path: The video file.
        max_pixels: Videos with larger frames are refused before anything is decoded; a frame that is larger
            than the file says is not decoded either.

    Yields:
        The open file and its first video stream.

    Raises:
        VideoError: If it is no video, is damaged, or its frames are too large.
    """
    if re.match("https?:/", str(path)):
        raise VideoError("Addresses are not fetched. Download the video, and give the file.")
    path = expanded(path)
    if not path.is_file():
        raise VideoError(f"{path} is not a file. Check the path for typing mistakes.")
    try:
        # An open file rather than its name, which FFmpeg would read as an address where it looks like one.
        with (
            path.open("rb") as file,
            av.open(file, "r", options={"format_whitelist": _FORMATS}, metadata_errors="ignore") as container,
        ):
            # A song's cover is a stream of one picture.
            films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            if not films:
                raise VideoError(f"{path} holds no video, only sound or text. Give another file.")
            stream = films[0]
            if stream.codec_context is None:
                raise VideoError(
                    f"{path} is packed in a way that is not known here. Save it anew as MP4 (H.264)."
                )
            if stream.width * stream.height > max_pixels:
                raise VideoError(
                    f"{path} has frames of {stream.width} x {stream.height} pixels; "
                    f"at most {max_pixels / 1e6:g} megapixels are read. Make it smaller."
                )
            stream.codec_context.options = {"max_pixels": str(max_pixels)}
            yield container, stream
    except PermissionError as error:
        raise VideoError(
            f"{path} may not be read by this user. Change its permissions or copy it elsewhere."
        ) from error
    except (av.FFmpegError, OSError) as error:
        raise damaged(path) from error


def length(container: InputContainer, stream: VideoStream) -> float:
    """Tell how long an open video lasts.

    Args:
        container: From `opened`. Where its header does not say, it is read to its end.
        stream: Its pictures.

    Returns:
        Seconds, from the header; where that does not say, as in recordings made by a browser, from the last
        packet of the stream.
    """
    if container.duration:
        return container.duration / av.time_base
    end = max(
        (packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None),
        default=0,
    )
    return float((end - (stream.start_time or 0)) * (stream.time_base or 0))


def decodable(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Decode what can be decoded: damaged packets are left out, and a cut is an end like any other.

    Args:
        container: From `opened`, at its beginning or where a seek led.
        stream: The one to decode.

    Yields:
        The frames in the order in which they are shown, without those that are damaged. Interlaced ones are
        made whole: their two halves show two moments, and are no picture together.
    """
    return _deinterlaced(_decoded(container, stream), stream)


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            with suppress(av.FFmpegError):
                yield from _whole(stream.decode(packet))
        return
    with suppress(av.FFmpegError):
        yield from _whole(stream.decode(None))


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Take the stream of sound that a player takes: of those that can be read the default, or the first."""
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    return max(
        (stream for stream in known if stream.channels),
        key=lambda stream: bool(stream.disposition & Disposition.default),
        default=None,
    )


def upright(
    frame: av.VideoFrame, reformatter: VideoReformatter, size: tuple[int, int] | None = None
) -> Image:
    """Turn a decoded frame into a picture.

    Args:
        frame: From `decodable`.
        reformatter: The same for all frames of a video: for HDR it works out a table first, for seconds.
        size: (H, W) of the picture, pixels; None for the frame's own.

    Returns:
        RGB uint8 (H, W, 3), turned upright, and mirrored, as the file says. HDR, and colours wider than
        HDTV's, which phones film in, become HDTV's.
    """
    turns = round(frame.rotation / 90)
    height, width = size or (None, None)
    if turns % 2:
        height, width = width, height
    unsaid = frame.colorspace == _UNSPECIFIED and frame.height >= HD_HEIGHT
    space = Colorspace.ITU709 if unsaid else None
    form = partial(reformatter.reformat, frame, width, height, "rgb24", space)
    if frame.color_trc in _HDR or frame.color_primaries in _WIDE:
        try:
            rgb = form(dst_color_trc=ColorTrc.BT709, dst_color_primaries=ColorPrimaries.BT709)
        except av.FFmpegError:  # what else the file says of its colours is not known to FFmpeg
            rgb = form()
    else:
        rgb = form()
    image = rgb.to_ndarray()
    if _is_mirrored(frame):
        image, turns = image[:, ::-1], turns + 2
    return np.ascontiguousarray(np.rot90(image, turns))


def _is_mirrored(frame: av.VideoFrame) -> bool:
    """Whether the picture is to be mirrored before it is turned: its matrix has a negative determinant."""
    said = frame.side_data.get("DISPLAYMATRIX")
    if said is None:
        return False
    assert isinstance(said, SideData)
    matrix = np.frombuffer(memoryview(said), np.int32).reshape(3, 3).astype(float)
    return bool(matrix[0, 0] * matrix[1, 1] < matrix[0, 1] * matrix[1, 0])


def damaged(path: str | Path) -> VideoError:
    """Say that a file cannot be read as a video."""
    return VideoError(f"{path} is not a video of a known format, or is damaged. Save it anew as MP4.")


def _whole(frames: list[av.VideoFrame]) -> list[av.VideoFrame]:
    return [frame for frame in frames if not frame.is_corrupt]  # green where the rest of it is missing


def _deinterlaced(frames: Iterable[av.VideoFrame], stream: VideoStream) -> Iterator[av.VideoFrame]:
    """The frames; from the first interlaced one on, what FFmpeg's filter makes of each."""
    for _, alike in groupby(frames, lambda frame: (frame.width, frame.height, frame.format.name)):
        graph, moments = None, deque[tuple[int | None, int]]()
        for frame in alike:
            if graph is None and frame.interlaced_frame and min(frame.width, frame.height) >= _LEAST_SIDE:
                graph = _deinterlacer(frame, stream)
            if graph is None:
                yield frame
                continue
            moments.append((frame.pts, frame.duration))
            graph.vpush(frame)
            yield from _filtered(graph, moments)
        if graph is not None:
            graph.vpush(None)
            yield from _filtered(graph, moments)


def _deinterlacer(frame: av.VideoFrame, stream: VideoStream) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base or Fraction(1)
    )
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
    graph.configure()
    return graph


def _filtered(graph: Graph, moments: deque[tuple[int | None, int]]) -> Iterator[av.VideoFrame]:
    """Frames that are ready, at the moments they came with: the filter counts in half time bases."""
    with suppress(BlockingIOError, EOFError):
        while True:
            frame = graph.vpull()
            frame.pts, frame.duration = moments.popleft()
            yield frame
