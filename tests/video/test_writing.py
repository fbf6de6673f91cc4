"""Videos come out with the moments, the pictures and the sound that went in; whole or not at all."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Colorspace

from ive_segmentation.result import Image
from ive_segmentation.video.reading import Video, probe, read
from ive_segmentation.video.sound import sound_remark
from ive_segmentation.video.writing import MP4, PRORES, VideoFormat, lines_writer, video_writer
from ive_segmentation.writing import WriteError
from tests.video.clips import ENCODERS, UNEVEN, clip, turned, with_sound


def copy(
    video: Video, path: Path, form: VideoFormat = MP4, start: float | None = None, end: float | None = None
) -> Video:
    """Write what is read, as it is; with an alpha of two halves where the form has one."""
    with video_writer(path, form, video) as write:
        for frame in read(video, start, end):
            write(frame.image if form is MP4 else veiled(frame.image), frame)
    assert os.listdir(path.parent).count(path.name) == 1  # noqa: PTH208
    return probe(path)


def veiled(image: Image) -> Image:
    alpha = np.zeros(image.shape[:2], np.uint8)
    alpha[:, image.shape[1] // 2 :] = 255
    alpha[-8:] = 128
    return np.dstack([np.where(alpha[..., None] > 0, image, 0), alpha])


def moments(video: Video, start: float | None = None, end: float | None = None) -> list[Fraction]:
    return [frame.pts * video.time_base for frame in read(video, start, end)]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((one.astype(float) - other) ** 2))))


def heard(path: Path) -> tuple[str, int, list[Fraction], np.ndarray]:
    """Tell codec, channels, when the packets begin, and how loud each channel is."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        begins = [
            Fraction(packet.pts or 0) * (packet.time_base or 1)
            for packet in container.demux(stream)
            if packet.size
        ]
    with av.open(str(path)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
        planar = next(av.open(str(path)).decode(audio=0)).format.is_planar
    channels = stream.channels
    samples = np.concatenate([b if planar else b.reshape(-1, channels).T for b in blocks], axis=1)
    return stream.codec_context.name, channels, begins, samples.astype(float).std(axis=1)


def heard_moments(path: Path) -> list[int]:
    """When each packet of sound begins, whether it can be decoded or not."""
    with av.open(str(path)) as container:
        return [packet.pts for packet in container.demux(audio=0) if packet.pts is not None]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("clips") / "plain.mp4")


@pytest.fixture(scope="module")
def sung(plain: Path) -> Path:
    return with_sound(plain.with_name("sung.mp4"), plain)


# Moments


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "avi", "ts"])
def test_moments_are_kept(suffix: str, tmp_path: Path) -> None:
    source = probe(clip(tmp_path / f"clip.{suffix}", codec=ENCODERS.get(suffix, "libx264")))
    written = copy(source, tmp_path / "out.mp4")
    first, *_ = expected = moments(source)
    assert moments(written) == [moment - first for moment in expected]
    assert written.time_base.denominator == source.time_base.denominator
    assert written.seconds == pytest.approx(1.0, abs=0.11)


@pytest.mark.parametrize("form", [MP4, PRORES])
def test_variable_frame_rate(form: VideoFormat, tmp_path: Path) -> None:
    source = probe(clip(tmp_path / "uneven.mp4", starts=UNEVEN))
    written = copy(source, tmp_path / f"out.{form.container}", form)
    assert moments(written) == [Fraction(start, 1000) for start in UNEVEN]
    assert written.seconds == pytest.approx(9.14, abs=0.15)  # the source's header says 1.7


@pytest.mark.parametrize(("start", "end"), [(0.3, None), (0.3, 0.75), (None, 0.5), (0.9, None)])
def test_a_part_begins_at_zero(start: float | None, end: float | None, sung: Path, tmp_path: Path) -> None:
    source = probe(sung)
    written = copy(source, tmp_path / "out.mp4", start=start, end=end)
    first, *_ = expected = moments(source, start, end)
    assert moments(written) == [moment - first for moment in expected]
    length = float(expected[-1] - first) + 0.1
    _, _, begins, _ = heard(tmp_path / "out.mp4")
    assert all(0 <= begin < length for begin in begins)
    assert len(begins) == pytest.approx(length * 48000 / 1024, abs=1.5)


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    written = copy(probe(clip(tmp_path / "one.mp4", starts=[0])), tmp_path / "out.mp4")
    assert moments(written) == [0]
    assert written.seconds > 0


# Pictures


def gradient(height: int, width: int) -> Image:
    y, x = np.mgrid[:9, :16]
    waves = np.stack([np.sin(x / 3), np.cos(y / 2), np.sin((x + y) / 4)], axis=2)
    small = (127 + 100 * waves).astype(np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize(
    ("size", "even"), [((64, 48), (64, 48)), ((161, 119), (162, 120)), ((3840, 2160),) * 2]
)
def test_pictures_are_close_and_odd_sides_get_one_more_row(
    size: tuple[int, int], even: tuple[int, int], tmp_path: Path
) -> None:
    width, height = size
    image = gradient(height, width)
    source = probe(clip(tmp_path / "clip.mp4", starts=[0]))
    with video_writer(tmp_path / "out.mp4", MP4, source, size=(height, width)) as write:
        for frame in read(source):
            write(image, frame)
    written = probe(tmp_path / "out.mp4")
    assert written.size == even[::-1]
    (after,) = read(written)
    assert psnr(image[::3, ::3], after.image[:height:3, :width:3]) > 35


@pytest.mark.parametrize("size", [(64, 48), (161, 119)])
def test_alpha_is_kept(size: tuple[int, int], tmp_path: Path) -> None:
    source = probe(clip(tmp_path / "clip.mp4", starts=[0, 100], size=size))
    path = tmp_path / "out.mov"
    assert copy(source, path, PRORES).size == source.size
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert {(frame.colorspace, frame.color_primaries, frame.color_trc) for frame in frames} == {(1, 1, 1)}
    for frame, before in zip(frames, read(source), strict=True):
        after = frame.to_ndarray(format="rgba")
        expected = veiled(before.image)
        assert np.abs(after[..., 3].astype(int) - expected[..., 3]).mean() < 3
        solid = expected[..., 3] == 255
        assert psnr(expected[solid][:, :3], after[solid][:, :3]) > 25


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_in_the_pixels_and_no_longer_in_the_header(degrees: int, tmp_path: Path) -> None:
    source = probe(turned(clip(tmp_path / "phone.mp4"), degrees))
    copy(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    assert frame.rotation == 0
    assert (frame.height, frame.width) == source.size
    assert psnr(frame.to_ndarray(format="rgb24"), next(read(source)).image) > 25


def test_masks_are_white_on_black_and_another_size_may_be_told(plain: Path, tmp_path: Path) -> None:
    source = probe(plain)
    mask = np.zeros((96, 54), bool)
    mask[20:60, 10:30] = True
    with video_writer(tmp_path / "mask.mp4", MP4, source, size=(96, 54)) as write:
        for frame in read(source):
            write(mask, frame)
    for frame in read(probe(tmp_path / "mask.mp4")):
        np.testing.assert_array_equal((frame.image > 127).all(axis=2), mask)


def test_a_picture_of_another_size_is_a_fault_of_the_program(plain: Path, tmp_path: Path) -> None:
    source = probe(plain)
    with (
        pytest.raises(ValueError, match="a picture of"),
        video_writer(tmp_path / "out.mp4", MP4, source) as write,
    ):
        write(np.zeros((10, 10, 3), np.uint8), next(read(source)))
    assert list(tmp_path.iterdir()) == []


def test_what_browsers_ask_for(sung: Path, tmp_path: Path) -> None:
    copy(probe(sung), tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.codec_context.colorspace == Colorspace.ITU709
        assert stream.start_time == container.streams.audio[0].start_time == 0


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    source = probe(clip(tmp_path / "broadcast.mp4", pixel_aspect=Fraction(4, 3)))
    assert copy(source, tmp_path / "out.mp4").pixel_aspect == Fraction(4, 3)


# Sound


@pytest.mark.parametrize(
    ("suffix", "codec", "layout", "form", "expected"),
    [
        ("mp4", "aac", "stereo", MP4, ("aac", 2)),
        ("mp4", "aac", "mono", MP4, ("aac", 1)),
        ("mp4", "aac", "5.1", MP4, ("aac", 6)),
        ("ts", "aac", "stereo", MP4, ("aac", 2)),  # packed in another way than in MP4
        ("mkv", "libmp3lame", "stereo", MP4, ("mp3float", 2)),
        ("mkv", "libopus", "stereo", MP4, ("opus", 2)),
        ("mkv", "ac3", "5.1", MP4, ("aac", 2)),
        ("mov", "pcm_s16le", "stereo", MP4, ("aac", 2)),
        ("mov", "pcm_s16le", "stereo", PRORES, ("pcm_s16le", 2)),
        ("mov", "pcm_s24be", "stereo", PRORES, ("pcm_s24be", 2)),
        ("mov", "pcm_f32le", "stereo", PRORES, ("pcm_f32le", 2)),
        ("mov", "pcm_s16le", "10 channels", MP4, ("aac", 2)),
        ("mov", "pcm_s16le", "5.1.4", PRORES, ("aac", 2)),
    ],
)
def test_sound(
    suffix: str,
    codec: str,
    layout: str,
    form: VideoFormat,
    expected: tuple[str, int],
    plain: Path,
    tmp_path: Path,
) -> None:
    source = probe(with_sound(tmp_path / f"sung.{suffix}", plain, codec, layout))
    path = tmp_path / f"out.{form.container}"
    written = copy(source, path, form)
    name, channels, begins, loud = heard(path)
    assert (name, channels) == expected
    assert (written.channels, written.has_sound) == (channels, True)
    assert begins == sorted(begins)
    assert -0.03 < float(begins[0]) < 0.03  # the encoder's own delay lies before zero
    assert float(begins[-1]) == pytest.approx(1.0, abs=0.1)
    # An LFE channel keeps little of its pitch.
    assert (loud > 0.005 * loud.max()).all()
    assert moments(written) == pytest.approx([i / 10 for i in range(10)], abs=0.001)
    assert (sound_remark(source, [form.sound]) is None) == (channels == source.channels)


def test_ten_channels_are_said_to_be_mixed_down(plain: Path, tmp_path: Path) -> None:
    source = probe(with_sound(tmp_path / "ten.mov", plain, "pcm_s16le", "10 channels"))
    assert sound_remark(source, [MP4.sound]) == "The sound's 10 channels are mixed down to two."


def test_a_remark_is_made_for_the_files_that_are_written(plain: Path, tmp_path: Path) -> None:
    source = probe(with_sound(tmp_path / "six.mov", plain, "pcm_s16le", "5.1"))
    assert [
        sound_remark(source, [form.sound for form in forms]) is None for forms in ([], [PRORES], [MP4])
    ] == [
        True,
        True,
        False,
    ]


def test_mp3_too_slow_for_mp4_is_encoded_anew(plain: Path, tmp_path: Path) -> None:
    source = probe(with_sound(tmp_path / "radio.mkv", plain, "libmp3lame", "mono", rate=11025))
    copy(source, tmp_path / "out.mp4")
    assert heard(tmp_path / "out.mp4")[:2] == ("aac", 2)


def test_sound_goes_on_where_moments_go_back(tmp_path: Path, plain: Path) -> None:
    one = with_sound(tmp_path / "one.ts", plain)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() * 2)
    copy(probe(joined), tmp_path / "out.mp4")
    _, _, begins, loud = heard(tmp_path / "out.mp4")
    assert begins == sorted(begins)
    assert float(begins[-1]) == pytest.approx(2.0, abs=0.15)
    assert (loud > 0.005 * loud.max()).all()


def test_sound_whose_channels_change_goes_on(plain: Path, tmp_path: Path) -> None:
    parts = [
        with_sound(tmp_path / f"{layout}.ts", plain, "ac3", layout).read_bytes()
        for layout in ("stereo", "5.1")
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(parts))
    copy(probe(joined), tmp_path / "out.mp4")
    _, channels, begins, _ = heard(tmp_path / "out.mp4")
    assert channels == 2
    assert float(begins[-1]) == pytest.approx(2.0, abs=0.15)


def test_a_lost_packet_of_sound_is_left_out(plain: Path, tmp_path: Path) -> None:
    data = with_sound(tmp_path / "whole.ts", plain).read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    of_sound = [at for at, packet in enumerate(packets) if (packet[1] & 0x1F) << 8 | packet[2] == 0x101]
    for lost in of_sound[:: len(of_sound) // 6]:
        damaged = tmp_path / f"lost {lost}.ts"
        damaged.write_bytes(b"".join(packets[:lost] + packets[lost + 1 :]))
        copy(probe(damaged), tmp_path / "out.mp4")
        assert len(heard_moments(tmp_path / "out.mp4")) > 30


def test_the_last_picture_is_shown_as_long_as_in_the_source(tmp_path: Path) -> None:
    source = probe(clip(tmp_path / "held.mp4", starts=[0, 100, 200], lasts=3000))
    assert copy(source, tmp_path / "out.mp4").seconds == pytest.approx(3.2, abs=0.05)


def test_no_sound(plain: Path, tmp_path: Path) -> None:
    source = probe(plain)
    assert not copy(source, tmp_path / "out.mp4").has_sound
    assert sound_remark(source, [MP4.sound]) is None


# Whole or not at all


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond a size in bytes, as a disk does that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def noise(video: Video, path: Path, form: VideoFormat = MP4) -> None:
    rng = np.random.default_rng(0)
    with video_writer(path, form, video) as write:
        for frame in read(video):
            shape = (*video.size, 3 if form is MP4 else 4)
            write(rng.integers(0, 256, shape, np.uint8), frame)


@pytest.mark.parametrize("form", [MP4, PRORES])
@pytest.mark.parametrize("size", [0, 2_000, 20_000])
def test_disk_full(form: VideoFormat, size: int, sung: Path, tmp_path: Path) -> None:
    """At the header, on the way, or while the index is put in front."""
    source = probe(sung)
    path = tmp_path / f"out.{form.container}"
    path.write_bytes(b"older")
    with full_disk(size), pytest.raises(WriteError, match="cannot be written") as raised:
        noise(source, path, form)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 -- hidden files too
    assert path.read_bytes() == b"older"


def test_disk_full_at_any_size(sung: Path, tmp_path: Path) -> None:
    """Up to the last byte: the file is there whole, or the user is told and nothing is left."""
    source = probe(sung)
    noise(source, tmp_path / "whole.mp4")
    need = (tmp_path / "whole.mp4").stat().st_size
    for size in (need // 2, need - 2000, need - 1):
        with full_disk(size), pytest.raises(WriteError, match="cannot be written"):
            noise(source, tmp_path / "out.mp4")
        assert os.listdir(tmp_path) == ["whole.mp4"]  # noqa: PTH208


class Cancelled(BaseException):
    """As KeyboardInterrupt."""


@pytest.mark.parametrize("form", [MP4, PRORES])
@pytest.mark.parametrize("frames", [0, 1, 6])
def test_cancelled_half_way(form: VideoFormat, frames: int, sung: Path, tmp_path: Path) -> None:
    source = probe(sung)

    def cancelled() -> None:
        with video_writer(tmp_path / "out", form, source) as write:
            for frame in read(source):
                if frame.index == frames:
                    raise Cancelled
                write(frame.image if form is MP4 else veiled(frame.image), frame)

    with pytest.raises(Cancelled):
        cancelled()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match="Choose another folder"):
        copy(probe(plain), tmp_path / "file" / "out.mp4")


@pytest.mark.parametrize("name", ["직캠.mp4", "a:b.mp4", "-i.mp4", "50%d.mp4"])
def test_names_that_are_not_latin_or_look_like_something_else(name: str, plain: Path, tmp_path: Path) -> None:
    assert len(moments(copy(probe(plain), tmp_path / "http:new" / name))) == 10


# Records

Write = Callable[[Mapping[str, Any]], None]

RECORDS: list[dict[str, Any]] = [
    {"frame": 0, "name": "원영", "box": [1.5, 2, 3, 4]},
    {"frame": 1, "name": None},
]


def test_records_are_one_to_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "frames.jsonl"
    with lines_writer(path) as write:
        for record in RECORDS:
            write(record)
    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == RECORDS
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def _cancel(write: Write) -> None:
    write({"frame": 0})
    raise Cancelled


def _fill(write: Write) -> None:
    for number in range(100_000):
        write({"frame": number})


def _no_number(write: Write) -> None:
    write({"frame": float("nan")})


@pytest.mark.parametrize(
    ("act", "error"),
    [(_cancel, Cancelled), (_fill, WriteError), (_no_number, ValueError)],
)
def test_records_whole_or_not_at_all(
    act: Callable[[Write], None], error: type[BaseException], tmp_path: Path
) -> None:
    with full_disk(20_000), pytest.raises(error), lines_writer(tmp_path / "frames.jsonl") as write:
        act(write)
    assert list(tmp_path.iterdir()) == []


def test_records_that_fill_the_disk_with_the_last_line(tmp_path: Path) -> None:
    """What is still in the buffer counts too."""
    with (
        full_disk(10),
        pytest.raises(WriteError, match=r"frames\.jsonl cannot be written"),
        lines_writer(tmp_path / "frames.jsonl") as write,
    ):
        write({"frame": "a long line"})
    assert list(tmp_path.iterdir()) == []
