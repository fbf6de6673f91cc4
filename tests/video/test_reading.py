"""Every frame at its moment, upright, one at a time; or one clear line."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ive_segmentation.video.decoding import VideoError
from ive_segmentation.video.frames import frame_at
from ive_segmentation.video.reading import Video, probe, read
from tests.video.clips import ENCODERS, UNEVEN, clip, number_of, sound, turned


@pytest.fixture(scope="module", params=["mp4", "mov", "mkv", "webm", "avi", "ts"])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Video:
    path = tmp_path_factory.mktemp("clips") / f"ten frames.{request.param}"
    return probe(clip(path, codec=ENCODERS.get(request.param, "libx264")))


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Video:
    return probe(clip(tmp_path_factory.mktemp("clips") / "uneven.mp4", starts=UNEVEN))


def numbers(video: Video, start: float | None = None, end: float | None = None) -> list[int]:
    return [number_of(frame.image) for frame in read(video, start, end)]


@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_a_rate_that_is_only_the_time_base_is_measured(suffix: str, tmp_path: Path) -> None:
    jitter = np.random.default_rng(0).integers(-12, 13, 60)
    starts = [max(0, number * 33 + int(jitter[number])) for number in range(60)]
    path = clip(tmp_path / f"browser.{suffix}", starts, codec=ENCODERS.get(suffix, "libx264"), declared=1000)
    assert float(probe(path).rate) == pytest.approx(30, abs=1.5)


def test_what_is_known_before_reading(video: Video) -> None:
    assert video.size == (48, 64)
    assert video.pixel_aspect == 1
    assert video.seconds == pytest.approx(1.0, abs=0.05)
    assert not video.has_sound
    if video.path.suffix != ".avi":  # which counts a frame for every unit of its time base
        assert video.rate == 10
        assert video.frames == 10


def test_every_frame_once_at_its_moment(video: Video) -> None:
    frames = list(read(video))
    assert [frame.index for frame in frames] == list(range(10))
    assert [number_of(frame.image) for frame in frames] == list(range(10))
    assert [frame.second for frame in frames] == pytest.approx(np.arange(10) / 10)
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (48, 64, 3)
        assert frame.image.flags.c_contiguous
        assert (frame.pts - frames[0].pts) * video.time_base == Fraction(frame.index, 10)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, 0.3, [0, 1, 2]),
        (0.3, None, [3, 4, 5, 6, 7, 8, 9]),
        (0.3, 0.6, [3, 4, 5]),  # an end belongs to what follows
        (0.301, 0.601, [4, 5, 6]),
        (0.45, 0.55, [5]),
        (0.9, 60, [9]),
        (-5, 0.1, [0]),
        (0, 1e300, list(range(10))),
    ],
)
def test_a_part(start: float | None, end: float | None, expected: list[int], video: Video) -> None:
    assert numbers(video, start, end) == expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 9039))
def test_two_parts_make_the_whole(cut: int, uneven: Video) -> None:
    """Whatever frame rate: no frame is missed where a video is cut, and none is read twice."""
    second = cut / 1000
    parts = [*read(uneven, end=second), *read(uneven, start=second)]
    assert [number_of(frame.image) for frame in parts] == list(range(8))
    assert [round(frame.second * 1000) for frame in parts] == UNEVEN


def test_variable_frame_rate(uneven: Video) -> None:
    assert [frame.pts * uneven.time_base for frame in read(uneven)] == [Fraction(t, 1000) for t in UNEVEN]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_applied(degrees: int, tmp_path: Path) -> None:
    video = probe(turned(clip(tmp_path / "phone.mp4"), degrees))
    assert video.size == ((48, 64) if degrees in {0, 180} else (64, 48))
    for frame in read(video):
        assert frame.image.shape[:2] == video.size
        np.testing.assert_array_equal(frame.image, frame_at(video.path, frame.second))


@pytest.mark.parametrize("degrees", [0, 90])
def test_pixels_that_are_not_square(degrees: int, tmp_path: Path) -> None:
    """Broadcasts of 1440 x 1080 are shown as wide as 1920 x 1080."""
    path = clip(tmp_path / "broadcast.mp4", pixel_aspect=Fraction(4, 3))
    assert probe(turned(path, degrees)).pixel_aspect == (Fraction(4, 3) if degrees == 0 else Fraction(3, 4))


@pytest.mark.parametrize("size", [(161, 119), (1, 1), (3840, 2160)])
def test_odd_sizes_and_4k(size: tuple[int, int], tmp_path: Path) -> None:
    video = probe(clip(tmp_path / "clip.mp4", starts=[0, 100], size=size))
    assert video.size == (size[1], size[0])
    assert [frame.image.shape[:2] for frame in read(video)] == [video.size] * 2


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    video = probe(clip(tmp_path / "one.mp4", starts=[0]))
    (frame,) = read(video)
    assert (video.frames, frame.index, frame.pts, frame.second) == (1, 0, 0, 0.0)
    assert frame.duration > 0


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi", "ts"])
def test_where_a_file_is_cut_off_is_its_end(suffix: str, tmp_path: Path) -> None:
    path = clip(
        tmp_path / f"cut.{suffix}",
        codec=ENCODERS.get(suffix, "libx264"),
        options={"movflags": "faststart"} if suffix == "mp4" else None,
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    there = numbers(probe(path))
    assert there == list(range(len(there)))
    assert 0 < len(there) < 10


def test_frames_without_a_moment_get_one(tmp_path: Path) -> None:
    """AVI says when a frame is decoded and not when it is shown; the decoder says the last moment twice."""
    path = clip(tmp_path / "b-frames.avi")
    with av.open(str(path)) as container:
        said = [frame.pts or 0 for frame in container.decode(video=0)]
    assert len(set(said)) < 10
    frames = list(read(probe(path)))
    assert [number_of(frame.image) for frame in frames] == list(range(10))
    assert [frame.pts for frame in frames[:9]] == said[:9]
    assert frames[9].pts > said[8]


def test_a_size_that_changes_on_the_way(tmp_path: Path) -> None:
    """As in a broadcast that goes over to advertisements: one size comes out."""
    path = tmp_path / "both.ts"
    parts = [clip(tmp_path / f"{width}.ts", size=(width, 48)) for width in (64, 96)]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = list(read(probe(path)))
    assert len(frames) > 10
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    assert (np.diff([frame.pts for frame in frames]) > 0).all()
    half = probe(path).seconds / 2
    assert {frame.image.shape for frame in read(probe(path), half + 0.1)} == {(48, 64, 3)}


def test_frames_are_let_go(tmp_path: Path) -> None:
    """Of 300 frames at most three are alive at any time: this one, the one before, the one being made."""
    seen: list[weakref.ref[np.ndarray]] = []
    most = 0
    for frame in read(probe(clip(tmp_path / "long.mp4", starts=range(0, 30_000, 100)))):
        seen.append(weakref.ref(frame.image))
        most = max(most, sum(image() is not None for image in seen))
    assert len(seen) == 300
    assert most <= 3


# Refusals


def assert_refused(words: str, path: Path, read_it: Callable[[Path], object]) -> None:
    with pytest.raises(VideoError, match=words) as raised:
        read_it(path)
    assert "\n" not in str(raised.value)


def empty(path: Path) -> Path:
    """Write an MP4 whose index lies at the front and whose frames are missing."""
    data = clip(path, options={"movflags": "faststart"}).read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 4])
    return path


def picture(path: Path) -> Path:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuvj420p")))
    return path


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("no video stream.mp4", sound, "holds no video"),
        ("zero frames.mp4", empty, "damaged"),
        ("picture.mp4", picture, "not a video"),
        ("missing.mp4", lambda path: path, "not a file"),
    ],
)
def test_bad_files(name: str, make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    assert_refused(words, make(tmp_path / name), probe)


def test_a_video_named_as_a_picture_is_read(tmp_path: Path) -> None:
    clip(tmp_path / "clip.mp4").rename(tmp_path / "clip.jpg")
    assert numbers(probe(tmp_path / "clip.jpg")) == list(range(10))


def test_large_frames_are_refused_undecoded(tmp_path: Path) -> None:
    assert_refused("64 x 48 pixels", clip(tmp_path / "a.mp4"), lambda path: probe(path, max_pixels=3000))


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (9.5, None, "lasts .* s and has no frame between 9.5 s and its end"),
        (1e300, None, "has no frame"),
        (2.0, 3.0, "no frame between 2 s and 3 s"),  # one picture is held there
        (0.5, 0.5, "an end after the start"),
        (None, 0.0, "an end after the start"),
        (3.0, 1.0, "From 3 s to 1 s is no part"),
        (float("nan"), None, "not a moment"),
        (None, float("inf"), "not a moment"),
    ],
)
def test_parts_that_are_none(start: float | None, end: float | None, words: str, uneven: Video) -> None:
    assert_refused(words, uneven.path, lambda _: list(read(uneven, start, end)))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kept=st.floats(0.3, 1),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    start=st.sampled_from([None, 0.45]),
)
def test_damaged_videos_give_frames_in_order_or_are_refused(
    kept: float, changes: list[tuple[float, int]], start: float | None, video: Video, tmp_path: Path
) -> None:
    data = bytearray(video.path.read_bytes())
    del data[int(len(data) * kept) :]
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path / "damaged"
    path.write_bytes(data)
    try:
        frames = list(read(probe(path, max_pixels=1_000_000), start))
    except VideoError:
        return
    assert (np.diff([frame.pts for frame in frames]) > 0).all()
    assert len({frame.image.shape for frame in frames}) == 1


@pytest.mark.parametrize(("container", "first"), [("mkv", 0), ("mkv", 50), ("mp4", 0)])
def test_how_long_there_are_pictures(container: str, first: int, tmp_path: Path) -> None:
    """Matroska's length counts from zero, where its first frame need not be."""
    path = tmp_path / f"film.{container}"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = first + number, Fraction(1, 10)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    assert probe(path).pictured == pytest.approx(2.0, abs=0.15)
