"""The sound of a video, packet by packet, on its way into another file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from ive_segmentation.video.decoding import opened, sound_stream
from ive_segmentation.video.reading import Video

Piece = TypeVar("Piece", Packet, av.AudioFrame)

_SLOW_MP3 = 16_000
"""Samples per second below which MP4 does not take MP3."""
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


def sound_remark(video: Video, sounds: Iterable[SoundFormat]) -> str | None:
    """Say what happens to a video's sound beyond being kept.

    Args:
        video: From `probe`.
        sounds: What each of the targets takes.

    Returns:
        A sentence for the user, or None if the channels stay as they are in all of them.
    """
    if video.channels <= 2 or all(_is_copied(video.sound_codec, video.channels, sound) for sound in sounds):
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
    with opened(video.path, video.max_pixels) as (source, pictures):
        heard = sound_stream(source)
        if heard is None:
            return
        if begin > (pictures.start_time or 0):
            with suppress(av.FFmpegError):
                source.seek(begin, stream=pictures)
        codec = heard.codec_context.name
        is_slow = codec.startswith("mp3") and heard.rate < _SLOW_MP3
        convert = _copied if _is_copied(codec, heard.channels, sound) and not is_slow else _encoded
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
        whole = (packet for packet in source.demux(heard) if packet.size)
        for moment, packet in _in_order(whole, lambda packet: packet.duration or 0):
            shift = round(zero / packet.time_base)
            if moment >= shift:
                packet.pts = packet.dts = moment - shift  # sound is stored in its order
                packet.stream = stream
                yield packet


def _encoded(
    source: InputContainer, heard: AudioStream, zero: Fraction, output: OutputContainer, sound: SoundFormat
) -> Iterator[Packet]:
    rate = heard.rate if heard.rate in sound.rates else sound.rates[0]
    stream = output.add_stream(sound.encoder, rate=rate, layout="stereo")
    assert isinstance(stream, AudioStream)
    # One resampler takes one kind of sound, and a broadcast may go from two channels to six.
    resamplers: dict[tuple[str, str, int], av.AudioResampler] = {}
    for moment, frame in _in_order(_decoded(source, heard), _ticks):
        shift = round(zero / (frame.time_base or 1))
        if moment < shift:
            continue
        frame.pts, frame.time_base = (
            round((moment - shift) * (frame.time_base or 1) * rate),
            Fraction(1, rate),
        )
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind not in resamplers:
            resamplers[kind] = av.AudioResampler(stream.format, "stereo", rate)
        for even in resamplers[kind].resample(frame):
            yield from stream.encode(even)
    yield from stream.encode(None)


def _in_order(pieces: Iterable[Piece], ticks: Callable[[Piece], int]) -> Iterator[tuple[int, Piece]]:
    """Pieces and their moments; one said to come before what it follows comes when that is over (`read`)."""
    heard, expected = None, 0
    for piece in pieces:
        if piece.pts is None or not piece.time_base:
            continue
        heard = expected if heard is not None and piece.pts <= heard else piece.pts
        expected = heard + max(ticks(piece), 1)
        yield heard, piece


def _ticks(frame: av.AudioFrame) -> int:
    """How long a frame lasts, in its own time base."""
    return round(frame.samples / (frame.sample_rate * (frame.time_base or 1)))


def _decoded(source: InputContainer, heard: AudioStream) -> Iterator[av.AudioFrame]:
    with suppress(av.FFmpegError):
        for packet in source.demux(heard):
            with suppress(av.FFmpegError):
                yield from heard.decode(packet)
