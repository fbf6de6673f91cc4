"""Small videos whose frames say which one they are."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

ENCODERS = {"webm": "libvpx-vp9", "avi": "mpeg4"}
"""By suffix, where H.264 does not go in."""

UNEVEN = [0, 40, 80, 1000, 1500, 1510, 9000, 9040]
"""Milliseconds at which the frames of a variable frame rate begin."""

STEP = 20
"""Frame number i is filled with the red value i * STEP, so that a frame says which one it is (up to 12)."""


def clip(
    path: Path,
    starts: Sequence[int] = range(0, 1000, 100),
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pixel_aspect: Fraction = Fraction(1),
    lasts: int = 0,
    declared: int = 10,
) -> Path:
    """Write a small video.

    Args:
        path: Where to; its suffix decides the container.
        starts: When each frame begins, in milliseconds.
        size: Width and height in pixels.
        codec: FFmpeg's name of the encoder.
        options: Of the container.
        pixel_aspect: Width of a pixel by its height.
        declared: Frames per second that the file says it has.
        lasts: How long the last frame is shown, in milliseconds; 0 leaves that to the container.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=declared))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
        stream.sample_aspect_ratio = stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.codec_context.gop_size = 5
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, start in enumerate(starts):
            image = np.full((size[1], size[0], 3), 40, np.uint8)
            image[..., 0] = number % 13 * STEP
            image[: size[1] // 3, : size[0] // 3] = 255  # the upper left corner
            noise = image[size[1] // 2 :, : size[0] // 2]  # so that every frame weighs something
            noise[:] = np.random.default_rng(number).integers(0, 256, noise.shape)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = start, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        packets = stream.encode(None)
        if lasts:
            packets[-1].duration = lasts
        container.mux(packets)
    return path


def write_clip(path: Path, pictures: Sequence[np.ndarray], fps: int) -> Path:
    """Write a video of pictures, nearly as they are."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def number_of(image: np.ndarray) -> int:
    return round(float(image[-3, -3, 0]) / STEP)


def turned(path: Path, degrees: int) -> Path:
    """Copy an MP4 so that players turn it clockwise by the angle."""
    matrices = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    return with_matrix(path, matrices[degrees])


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Copy an MP4 with the matrix in its track header set: players show it turned or mirrored."""
    a, b, c, d = (each << 16 for each in matrix)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # after the version, times, track number, duration, layer and volume
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    copy = path.with_name(f"shown by {matrix}.mp4")
    copy.write_bytes(data)
    return copy


def sound(path: Path) -> Path:
    """Write a file that holds sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        container.mux(stream.encode(tone(1, "mono", 16000)))
        container.mux(stream.encode(None))
    return path


def tone(seconds: float, layout: str, rate: int = 48000) -> av.AudioFrame:
    """Make sound of which every channel has a pitch of its own."""
    channels = av.AudioLayout(layout).nb_channels
    time = np.arange(int(seconds * rate)) / rate
    waves = np.stack([np.sin(2 * np.pi * 200 * (number + 1) * time) for number in range(channels)], axis=1)
    samples = (waves * 8000).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    return frame


def with_sound(
    path: Path,
    silent: Path,
    codec: str = "aac",
    layout: str = "stereo",
    seconds: float = 1,
    rate: int = 48000,
) -> Path:
    """Copy a video and give it sound."""
    with av.open(str(silent)) as source, av.open(str(path), "w") as target:
        pictures = target.add_stream_from_template(source.streams.video[0])
        stream = cast(AudioStream, target.add_stream(codec, rate=rate, layout=layout))
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                target.mux(packet)
        target.mux(stream.encode(tone(seconds, layout, rate)))
        target.mux(stream.encode(None))
    return path
