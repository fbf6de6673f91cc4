"""The sound of a video, packet by packet, on its way into another file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ive_segmentation.video.frames import opened, sound_stream
from ive_segmentation.video.reading import Video

_MOST_CHANNELS = 8
"""More than 7.1 is mixed down: the fixed arrangements of AAC end there, and no browser's player goes on."""


@dataclass(frozen=True)
class SoundFormat:
    """What sound a container takes.

    Attributes:
        copied: FFmpeg's names of the codecs whose packets are taken over as they are.
        encoder: The encoder for every other.
        rates: Samples per second that it takes; others are resampled to the first.
    """

    copied: frozenset[str]
    encoder: str
    rates: tuple[int, ...]


def sound_remark(video: Video, sound: SoundFormat) -> str | None:
    """Say what happens to a video's sound beyond being kept.

    Args:
        video: From `probe`.
        sound: What the target takes.

    Returns:
        A sentence for the user, or None if the channels stay as they are.
    """
    if video.channels <= 2 or _is_copied(video.sound_codec, video.channels, sound):
        return None
    return f"The sound's {video.channels} channels are mixed down to two."


def sound_packets(
    video: Video, begin: int, output: OutputContainer, sound: SoundFormat
) -> Iterator[tuple[Fraction, Packet]]:
    """Take the sound from a moment on: copied, or encoded anew in stereo; never the whole of it in memory.

    The stream is added to the output when the first packet is asked for, which must be before anything is
    written to it. What is damaged is left out.

    Args:
        video: From `probe`; one without sound gives nothing.
        begin: The moment that becomes zero, in units of the video's time base, as in the file.
        output: Where the packets will go.
        sound: What it takes.

    Yields:
        Second, from that moment on, at which the packet begins, and the packet.

    Raises:
        VideoError: If the file cannot be opened any more.
    """
    zero = begin * video.time_base
    with opened(video.path) as (source, pictures):
        heard = sound_stream(source)
        if heard is None:
            return
        if begin > (pictures.start_time or 0):
            with suppress(av.FFmpegError):
                source.seek(begin, stream=pictures)
        convert = _copied if _is_copied(heard.codec_context.name, heard.channels, sound) else _encoded
        last = None
        for packet in convert(source, heard, zero, output, sound):
            if packet.pts is None or packet.dts is None or not packet.time_base:
                continue
            if last is None or packet.dts > last:
                last = packet.dts
                yield packet.pts * packet.time_base, packet


def _is_copied(codec: str, channels: int, sound: SoundFormat) -> bool:
    return codec in sound.copied and channels <= _MOST_CHANNELS


def _copied(
    source: InputContainer, heard: AudioStream, zero: Fraction, output: OutputContainer, _: SoundFormat
) -> Iterator[Packet]:
    stream = output.add_stream_from_template(heard)
    with suppress(av.FFmpegError):
        for packet in source.demux(heard):
            if packet.pts is None or packet.dts is None or not packet.size:
                continue
            shift = round(zero / packet.time_base)
            if packet.pts >= shift:
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                yield packet


def _encoded(
    source: InputContainer, heard: AudioStream, zero: Fraction, output: OutputContainer, sound: SoundFormat
) -> Iterator[Packet]:
    rate = heard.rate if heard.rate in sound.rates else sound.rates[0]
    stream = output.add_stream(sound.encoder, rate=rate, layout="stereo")
    assert isinstance(stream, AudioStream)
    for frame in _decoded(source, heard):
        shift = round(zero / (frame.time_base or 1))
        if frame.pts is not None and frame.pts >= shift:
            frame.pts -= shift
            with suppress(ValueError):  # PyAV's resampler does not take sound that changes on the way
                yield from stream.encode(frame)
    yield from stream.encode(None)


def _decoded(source: InputContainer, heard: AudioStream) -> Iterator[av.AudioFrame]:
    with suppress(av.FFmpegError):
        for packet in source.demux(heard):
            with suppress(av.FFmpegError):
                yield from heard.decode(packet)
