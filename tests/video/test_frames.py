"""A frame of a video: the one a player shows at that second, upright, or one clear line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ive_segmentation.video.decoding import VideoError
from ive_segmentation.video.frames import duration, frame_at
from ive_segmentation.video.reading import probe, read
from tests.video.clips import ENCODERS, STEP, clip, number_of, sound, tone, turned, with_matrix


@pytest.fixture(scope="module", params=["mp4", "mov", "mkv", "webm", "avi", "ts"])
def video(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / f"ten frames.{request.param}"
    return clip(path, codec=ENCODERS.get(request.param, "libx264"))


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("clips") / "ten frames.mp4", options={"movflags": "faststart"})


@pytest.mark.parametrize(
    ("second", "number"),
    [(0, 0), (0.05, 0), (0.1, 1), (0.199, 1), (0.2, 2), (0.45, 4), (0.5, 5), (0.75, 7), (0.9, 9), (0.99, 9),
     (1, 9), (60, 9), (1e300, 9), (-1, 0)],
)  # fmt: skip
def test_the_frame_that_a_player_shows(video: Path, second: float, number: int) -> None:
    image = frame_at(video, second)
    assert image.dtype == np.uint8
    assert image.shape == (48, 64, 3)
    assert image.flags.c_contiguous
    assert number_of(image) == number


def test_a_path_may_begin_at_home(mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(mp4.parent))
    assert probe(f"~/{mp4.name}").size == probe(mp4).size


def test_duration(video: Path) -> None:
    assert duration(video) == pytest.approx(1.0, abs=0.05)


def test_duration_where_the_header_does_not_say(tmp_path: Path) -> None:
    """As a browser's MediaRecorder writes it: a stream that nobody went back to complete."""
    live = clip(tmp_path / "live.webm", codec="libvpx-vp9", options={"live": "1"})
    with av.open(str(live)) as container:
        assert container.duration is None
    assert duration(live) == pytest.approx(1.0, abs=0.11)
    assert [number_of(frame_at(live, second)) for second in (0.0, 0.45, 0.9, 5.0)] == [0, 4, 9, 9]


def test_red_is_red(mp4: Path) -> None:
    red, green, blue = frame_at(mp4, 0.9)[-3, -3].astype(int)
    np.testing.assert_allclose((red, green, blue), (9 * STEP, 40, 40), atol=4)


def test_the_colour_space_of_the_file_is_heeded(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "bt709.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = Colorspace.ITU709
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 40, 40), np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(frame_at(tmp_path / "bt709.mp4", 0)[20, 20], (200, 40, 40), atol=4)


def test_hd_that_says_nothing_has_hds_colours(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "hd.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.full((720, 1280, 3), (200, 60, 90), np.uint8), format="rgb24")
        yuv = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709).to_ndarray()
        untagged = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
        container.mux(stream.encode(untagged))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(frame_at(tmp_path / "hd.mp4", 0)[20, 20], (200, 60, 90), atol=4)


@pytest.mark.parametrize(
    ("transfer", "primaries", "levels", "shown"),
    [
        # Paper, as BT.2408 has it: 75% of HLG, 58% of PQ.
        (ColorTrc.ARIB_STD_B67, ColorPrimaries.BT2020, (721, 512, 512), (255, 255, 255)),
        (ColorTrc.SMPTE2084, ColorPrimaries.BT2020, (572, 512, 512), (255, 255, 255)),
        # HDTV's (200, 60, 50), which is (167, 83, 59) there.
        (ColorTrc.BT709, ColorPrimaries.BT2020, (420, 429, 663), (200, 60, 50)),
        # What FFmpeg cannot convert is shown as it is.
        (ColorTrc.LOG_SQRT, ColorPrimaries.BT2020, (940, 512, 512), (255, 255, 255)),
    ],
)
def test_what_a_phone_films_has_the_colours_of_a_screen(
    transfer: ColorTrc, primaries: ColorPrimaries, levels: tuple[int, int, int], shown: tuple[int, int, int],
    tmp_path: Path,
) -> None:  # fmt: skip
    """Grey and pale it came out of here, and was looked at by the models."""
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    for plane, level in zip(frame.planes, levels, strict=True):
        plane.update(np.full(plane.buffer_size // 2, level, np.uint16).tobytes())
    with av.open(str(tmp_path / "hdr.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        context = stream.codec_context
        context.colorspace = Colorspace.BT2020
        context.color_trc, context.color_primaries = transfer, primaries
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(frame_at(tmp_path / "hdr.mp4", 0)[20, 20].astype(int), shown, atol=6)


def test_two_moments_in_one_frame_are_told_apart(tmp_path: Path) -> None:
    """As television is: every second row was filmed half a frame later, and what moves looks like a comb."""
    starts = range(0, 400, 40)
    with av.open(str(tmp_path / "tv.ts"), "w") as container:
        options = {"flags": "+ildct+ilme", "b": "8000000", "g": "5"}
        stream = container.add_stream("mpeg2video", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(len(starts)):
            image = np.full((96, 160, 3), 40, np.uint8)
            for half in range(2):
                x = 8 * (2 * number + half)
                image[half::2, x : x + 16] = 220
            image[-16:, :, 0] = number * STEP
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    frames = list(read(probe(tmp_path / "tv.ts")))
    assert [number_of(frame.image) for frame in frames] == list(range(len(starts)))
    assert [round(1000 * frame.second) for frame in frames] == list(starts)
    for frame in frames:
        rows = frame.image[10:70, :, 1].astype(int)
        assert np.abs(np.diff(rows, axis=0)).mean() < 2
    assert number_of(frame_at(tmp_path / "tv.ts", 0.13)) == 3


@pytest.mark.parametrize(("across", "down"), [(-1, 1), (1, -1), (-1, -1)])
def test_mirrors_are_applied(across: int, down: int, mp4: Path) -> None:
    image = frame_at(with_matrix(mp4, (across, 0, 0, down)), 0.3)
    np.testing.assert_array_equal(image, frame_at(mp4, 0.3)[::down, ::across])


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_applied(degrees: int, mp4: Path) -> None:
    image = frame_at(turned(mp4, degrees), 0.3)
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, np.rot90(frame_at(mp4, 0.3), -degrees // 90))


@pytest.mark.parametrize("size", [(63, 47), (1, 1), (17, 64)])
def test_odd_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    image = frame_at(clip(tmp_path / "odd.mp4", size=size), 0)
    assert image.shape == (size[1], size[0], 3)


def test_variable_frame_rate(tmp_path: Path) -> None:
    path = clip(tmp_path / "vfr.mp4", starts=[0, 40, 80, 1000, 1500, 1510, 9000, 9040])
    seconds = (0.0, 0.05, 0.08, 0.99, 1.2, 1.505, 5.0, 8.99, 9.0, 9.5)
    assert [number_of(frame_at(path, second)) for second in seconds] == [0, 1, 2, 2, 3, 4, 5, 5, 6, 7]


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    path = clip(tmp_path / "one.mp4", starts=[0])
    assert [number_of(frame_at(path, second)) for second in (0, 3)] == [0, 0]


@pytest.mark.parametrize(
    "name", ["직캠.mp4", "วิดีโอ.mp4", "a:b.mp4", "http:..example.mp4", "-i.mp4", "50%d.mp4"]
)
def test_names_that_are_not_latin_or_look_like_something_else(name: str, mp4: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(mp4.read_bytes())
    assert number_of(frame_at(tmp_path / name, 0.2)) == 2


def test_the_suffix_does_not_matter(mp4: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.avi").write_bytes(mp4.read_bytes())
    assert number_of(frame_at(tmp_path / "clip.avi", 0.2)) == 2


# Refusals


def assert_refused(path: Path, words: str) -> None:
    for ask in (duration, lambda video: frame_at(video, 0.5)):
        with pytest.raises(VideoError, match=words) as raised:
            ask(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(cover.encode(None))
        container.mux(stream.encode(tone(1, "mono", 16000)))
        container.mux(stream.encode(None))
    assert_refused(path, "holds no video")


def test_no_video_stream(tmp_path: Path) -> None:
    assert_refused(sound(tmp_path / "sound.mp4"), "holds no video")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert_refused(tmp_path / "missing.mp4", "not a file")
    assert_refused(tmp_path, "not a file")


def test_a_playlist_may_not_name_other_files(mp4: Path, tmp_path: Path) -> None:
    """FFmpeg alone would open what an uploaded playlist names: a file of this machine, or an address."""
    for name, lines in {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{mp4}\n#EXT-X-ENDLIST\n",
        "concat.mp4": f"ffconcat version 1.0\nfile '{mp4}'\n",
        "smil.mp4": f'<?xml version="1.0"?><MPD><BaseURL>{mp4}</BaseURL></MPD>',
    }.items():
        (tmp_path / name).write_text(lines)
        assert_refused(tmp_path / name, "not a video")


@pytest.mark.parametrize(
    "data", [b"", b"This is not a video.\n" * 100, b"\0" * 5000, b"\x89PNG\r\n\x1a\n" + b"\0" * 50]
)
def test_what_is_no_video(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(data)
    assert_refused(tmp_path / "clip.mp4", "not a video")


def test_a_recording_that_was_never_finished(tmp_path: Path) -> None:
    """An MP4 has its index at its end: without it nothing can be read."""
    path = clip(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert_refused(path, "damaged")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi", "ts"])
def test_a_download_that_was_cut_off_gives_what_is_there(suffix: str, tmp_path: Path) -> None:
    """Where the index lies at the front, or there is none, the first frames can still be shown."""
    options = {"movflags": "faststart"} if suffix == "mp4" else None
    codec = ENCODERS.get(suffix, "libx264")
    path = clip(tmp_path / f"cut.{suffix}", codec=codec, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert number_of(frame_at(path, 0)) == 0
    assert 0 < number_of(frame_at(path, 0.99)) < 9


def test_no_frames_at_all(mp4: Path, tmp_path: Path) -> None:
    data = mp4.read_bytes()
    path = tmp_path / "empty.mp4"
    path.write_bytes(data[: data.index(b"mdat") + 4])
    with pytest.raises(VideoError, match="damaged"):
        frame_at(path, 0)


@pytest.mark.parametrize("second", [float("nan"), float("inf"), float("-inf")])
def test_moments_that_are_none(second: float, mp4: Path) -> None:
    with pytest.raises(VideoError, match="not a moment"):
        frame_at(mp4, second)


def test_large_frames_are_refused_undecoded(mp4: Path) -> None:
    with pytest.raises(VideoError, match="64 x 48 pixels"):
        frame_at(mp4, 0, max_pixels=64 * 48 - 1)


def test_frames_larger_than_the_file_says_are_not_decoded(tmp_path: Path) -> None:
    """Stamps to begin with, as the header says, and then walls."""
    path = tmp_path / "walls.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=5, width=64, height=48, pix_fmt="yuvj420p")
        for number, (width, height) in enumerate([(64, 48)] * 5 + [(3200, 2400)] * 5):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height = width, height
            encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 5)
            frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            for packet in [*encoder.encode(frame.reformat(format="yuvj420p")), *encoder.encode(None)]:
                packet.stream = stream
                container.mux(packet)
    assert frame_at(path, 1.8).shape == (2400, 3200, 3)
    assert frame_at(path, 1.8, max_pixels=1_000_000).shape == (48, 64, 3)
    assert len(list(read(probe(path)))) == 10
    assert len(list(read(probe(path, max_pixels=1_000_000)))) == 5


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kept=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    second=st.floats(0, 2),
)
def test_damaged_videos_give_a_frame_or_are_refused(
    kept: float, changes: list[tuple[float, int]], second: float, video: Path, tmp_path: Path
) -> None:
    data = bytearray(video.read_bytes())
    del data[int(len(data) * kept) :]
    for place, value in changes:
        if data:
            data[int(place * len(data))] = value
    path = tmp_path / "damaged"
    path.write_bytes(data)
    try:
        image = frame_at(path, second, max_pixels=1_000_000)
    except VideoError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
