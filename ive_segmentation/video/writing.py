"""Videos and records written as they come, and there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ive_segmentation.result import Image
from ive_segmentation.settings import Measured
from ive_segmentation.video.reading import Frame, Video
from ive_segmentation.video.sound import SoundFormat, sound_packets
from ive_segmentation.writing import write_errors, written_whole

_AAC_RATES = (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_BT709 = 1  # the number of H.273 for the primaries and the transfer of HDTV


@dataclass(frozen=True)
class VideoFormat:
    """How a video is packed.

    Attributes:
        container: FFmpeg's name of the format.
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of the pixel format.
        even: Whether odd sides get one more row or column, a copy of the last.
        sound: What sound it takes.
        options: Of the encoder.
        flags: Of the container.
    """

    container: str
    codec: str
    pixels: str
    even: bool
    sound: SoundFormat
    options: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)


MP4 = VideoFormat(
    "mp4",
    "libx264",
    "yuv420p",
    even=True,
    sound=SoundFormat(frozenset({"aac", "mp3", "mp3float", "opus", "libopus", "flac"}), "aac", _AAC_RATES),
    # Without B-frames every frame is stored in the order and at the moment in which it is shown: with them
    # the index of a video of variable frame rate gives it too short a length, and players stop there.
    options={"crf": str(Measured.video_crf), "preset": Measured.video_preset, "bf": "0"},
    flags={"movflags": "faststart"},
)
"""H.264 as every browser plays it: overlays, masks, fancams."""

PRORES = VideoFormat(
    "mov",
    "prores_ks",
    "yuva444p10le",
    even=False,
    sound=SoundFormat(
        frozenset({"aac", "mp3", "mp3float", "alac"})
        | {f"pcm_{kind}{end}" for kind in ("s16", "s24", "s32", "f32") for end in ("le", "be")},
        "aac",
        _AAC_RATES,
    ),
)
"""ProRes 4444: cutouts with alpha, as editors take them."""


@contextmanager
def video_writer(
    path: Path, form: VideoFormat, video: Video, *, size: tuple[int, int] | None = None
) -> Iterator[Callable[[NDArray, Frame], None]]:
    """Write a video frame by frame, with the moments and the sound of the one it is made from.

    The first frame that is written becomes moment zero; from there to the end of the last, the sound goes
    along (see `sound_packets`). Where the block ends the file is there whole; where it ends with an error
    nothing is.

    Args:
        path: Where to; an older file is replaced.
        form: How it is packed.
        video: The one it is made from.
        size: (H, W) in pixels of the pictures; None for the video's own.

    Yields:
        A function that takes the next picture and the frame that it was made from: RGB uint8 (H, W, 3), for
        cutouts RGBA uint8 (H, W, 4), for masks bool (H, W), which becomes white on black.

    Raises:
        WriteError: If the folder cannot be written to or the disk is full.
        VideoError: If the source cannot be opened any more, for its sound.
    """
    with written_whole(path) as part:
        with _errors(path):
            # Its scheme says that it is a file, whatever address or pattern the folder's name looks like.
            container = av.open(f"file:{part}", "w", format=form.container, options=_flags(form, video))
        writer = _Writer(path, container, form, video, size or video.size)
        try:
            yield writer.write
            writer.finish()
        except BaseException:
            # Before it is closed, lest it be put in order first, which takes its time.
            with suppress(OSError):
                part.unlink()
            raise
        finally:
            with suppress(av.FFmpegError):
                container.close()


@contextmanager
def lines_writer(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Write records as JSON Lines, one to a line, there whole or not at all.

    Args:
        path: Where to; an older file is replaced.

    Yields:
        A function that takes the next record, of what JSON knows.

    Raises:
        WriteError: If the folder cannot be written to or the disk is full.
    """
    with written_whole(path) as part:
        with write_errors(path):
            file = part.open("w", encoding="utf-8")

        def write(record: Mapping[str, Any]) -> None:
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            with write_errors(path):
                file.write(line + "\n")

        try:
            yield write
        finally:
            with write_errors(path):  # what is still in the buffer is written now
                file.close()


class _Writer:
    """Encodes pictures, and puts the sound of their time between them."""

    def __init__(
        self, path: Path, container: OutputContainer, form: VideoFormat, video: Video, size: tuple[int, int]
    ) -> None:
        self._path, self._container, self._form, self._video, self._size = path, container, form, video, size
        self._zero: int | None = None
        self._sound: Iterator[tuple[Fraction, Packet]] = iter(())
        self._waiting: tuple[Fraction, Packet] | None = None
        self._durations: dict[int, int] = {}
        with _errors(path):
            self._stream = _stream(container, form, video, size)

    def write(self, image: NDArray, frame: Frame) -> None:
        if image.shape[:2] != self._size:
            raise ValueError(f"a picture of {image.shape[:2]} for a video of {self._size}")
        with _errors(self._path):
            if self._zero is None:
                self._zero = frame.pts
                self._sound = sound_packets(self._video, frame.pts, self._container, self._form.sound)
                self._waiting = next(self._sound, None)
            picture = _picture(image, self._form)
            picture.pts, picture.duration = frame.pts - self._zero, frame.duration
            picture.time_base = self._video.time_base
            self._durations[picture.pts] = frame.duration
            self._mux(picture)
            end = (picture.pts + frame.duration) * self._video.time_base
            while self._waiting is not None and self._waiting[0] < end:
                with suppress(av.InvalidDataError):  # a packet that lost a part on its way to the source
                    self._container.mux(self._waiting[1])
                self._waiting = next(self._sound, None)

    def finish(self) -> None:
        with _errors(self._path):
            self._mux(None)
            self._container.close()

    def _mux(self, picture: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            # The encoder does not hand it on, and it is how long the last picture is shown.
            if packet.pts is not None and (duration := self._durations.pop(packet.pts, None)):
                packet.duration = duration
            self._container.mux(packet)


def _flags(form: VideoFormat, video: Video) -> dict[str, str]:
    # Unasked, the muxer takes a multiple of the time base.
    return {**form.flags, "video_track_timescale": str(video.time_base.denominator)}


def _stream(
    container: OutputContainer, form: VideoFormat, video: Video, size: tuple[int, int]
) -> VideoStream:
    stream = container.add_stream(form.codec, rate=video.rate, options=dict(form.options))
    assert isinstance(stream, VideoStream)
    height, width = (side + side % 2 for side in size) if form.even else size
    stream.height, stream.width, stream.pix_fmt = height, width, form.pixels
    context = stream.codec_context
    context.time_base = video.time_base
    stream.sample_aspect_ratio = context.sample_aspect_ratio = video.pixel_aspect
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = ColorRange.MPEG
    return stream


def _picture(image: NDArray, form: VideoFormat) -> av.VideoFrame:
    pixels: Image = image
    if image.dtype == bool:
        pixels = np.repeat(image[..., None].astype(np.uint8) * 255, 3, axis=2)
    if form.even:
        height, width = image.shape[:2]
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rgb = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(pixels), format="rgba" if pixels.shape[2] == 4 else "rgb24"
    )
    yuv = rgb.reformat(format=form.pixels, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
    yuv.color_primaries = yuv.color_trc = _BT709  # ProRes says of each frame what the frame says
    return yuv


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    with write_errors(path):
        try:
            yield
        except av.FFmpegError as error:
            raise OSError(error.errno, error.strerror) from error
