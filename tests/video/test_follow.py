"""A prompt over a video, from the file to the files: every promise of the `video` command."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from ive_segmentation.coco import decode
from ive_segmentation.demo.drawn import NotDrawnError
from ive_segmentation.demo.truth import Scene
from ive_segmentation.errors import UserError
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.video.decoding import VideoError
from ive_segmentation.video.follow import follow, plan
from ive_segmentation.video.formats import Format
from ive_segmentation.video.reading import probe, read
from ive_segmentation.writing import WriteError
from tests.video.clips import write_clip

FRAMES, FPS = 8, 8
MEMBERS = ("Jang_Wonyoung", "An_Yujin", "Naoi_Rei")


def shifted(pixels: np.ndarray, number: int) -> np.ndarray:
    """The picture of frame `number`: the camera pans a pixel a frame."""
    return np.pad(pixels[:, number:], [(0, 0), (0, number), *[(0, 0)] * (pixels.ndim - 2)], mode="edge")


@pytest.fixture(scope="module")
def clip(trio: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = [shifted(trio.image, number) for number in range(FRAMES)]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures, FPS)


def truth(trio: Scene, member: str, thing: str | None, number: int) -> np.ndarray:
    place = next(place for place, person in enumerate(trio.persons) if person.identity == member)
    drawn = [each.mask for each in trio.things if each.owner == place and each.concept == thing]
    return shifted(drawn[0] if thing else trio.persons[place].mask, number)


@pytest.mark.parametrize(
    ("prompt", "thing", "wanted"),
    [
        ("Wonyoung", None, ("Jang_Wonyoung",)),
        ("เสื้อของวอนยอง", "shirt", ("Jang_Wonyoung",)),
        ("everyone's shirt", "shirt", MEMBERS),
        ("person", None, MEMBERS),
    ],
)
def test_every_frame_has_the_right_pixels_and_nothing_else(
    pipeline: Pipeline, trio: Scene, clip: Path, tmp_path: Path, prompt: str, thing: str, wanted: tuple[str]
) -> None:
    followed = follow(pipeline, clip, prompt, tmp_path, formats=["json"])
    lines = [json.loads(line) for line in followed.files["json"].read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    tracks = set()
    for line in lines:
        found = {segment["member"]: segment for segment in line["segments"]}
        assert sorted(found) == sorted(wanted)
        assert len(line["segments"]) == len(wanted)
        for member, segment in found.items():
            mask, true = decode(segment["mask"]), truth(trio, member, thing, line["frame"])
            assert np.sum(mask & true) > 0.75 * np.sum(mask | true)
            tracks.add((member, segment["track"]))
    assert len(tracks) == len(wanted)
    assert followed.found == tuple((member, thing or "person") for member in sorted(wanted))
    assert followed.messages == ()


@pytest.mark.parametrize(
    ("stricter", "numbers"), [(0.0, [1, 2]), (1.0, [1, 2, 3, 4])], ids=["known again", "never alike enough"]
)
def test_strangers_are_known_again_after_a_cut(
    pipeline: Pipeline, trio: Scene, tmp_path: Path, stricter: float, numbers: list[int]
) -> None:
    assert pipeline.gallery is not None
    others = {photo for photo in pipeline.gallery.photos if not photo.startswith("An_Yujin")}
    yujin = pipeline.gallery.without(others)
    calibration = replace(yujin.calibration, threshold=yujin.calibration.threshold + stricter)
    yujin = replace(yujin, report=replace(yujin.report, calibration=calibration))
    knows_yujin = replace(pipeline, gallery=yujin)
    between = np.random.default_rng(0).integers(0, 256, trio.image.shape, np.uint8)
    path = write_clip(tmp_path / "cut.mp4", [trio.image] * 3 + [between] + [trio.image] * 3, FPS)
    followed = follow(knows_yujin, path, "person", tmp_path / "out", formats=["json"])
    lines = [json.loads(line) for line in followed.files["json"].read_text().splitlines()]
    before, after = lines[0]["persons"], lines[6]["persons"]
    assert not {person["track"] for person in before} & {person["track"] for person in after}
    told = [person["stranger"] for person in before + after if person["member"] is None]
    assert told == [1, 2, *numbers[-2:]]
    assert [segment["stranger"] for segment in lines[6]["segments"]] == [
        person["stranger"] for person in after
    ]
    assert sorted({one.stranger for one in followed.intervals if one.stranger}) == numbers


def test_all_files_have_the_videos_frames_and_moments(
    pipeline: Pipeline, trio: Scene, clip: Path, tmp_path: Path
) -> None:
    glimpses: list[np.ndarray] = []
    steps: list[tuple[float, str]] = []
    followed = follow(
        pipeline, clip, "Wonyoung", tmp_path, formats=list(Format), fancam=True,
        progress=lambda share, words: steps.append((share, words)), preview=glimpses.append,
    )  # fmt: skip
    assert sorted(followed.files) == sorted([*Format, "fancam", "timeline"])
    assert sorted(followed.files.values()) == sorted(tmp_path.iterdir())
    source = [frame.second for frame in read(probe(clip))]
    for name in ("overlay", "mask", "cutout", "fancam"):
        assert [frame.second for frame in read(probe(followed.files[name]))] == source, name
    height, width = probe(followed.files["fancam"]).size
    assert height / width == pytest.approx(16 / 9, rel=0.02)
    for number, frame in enumerate(read(probe(followed.files["mask"]))):
        mask, true = frame.image[..., 0] > 127, truth(trio, "Jang_Wonyoung", None, number)
        assert np.sum(mask & true) > 0.75 * np.sum(mask | true)
    with followed.files["timeline"].open(encoding="utf-8-sig") as file:
        rows = {row["member"]: (float(row["start"]), float(row["end"])) for row in csv.DictReader(file)}
    assert rows == dict.fromkeys(["Wonyoung", "Yujin", "Rei"], (0.0, FRAMES / FPS))
    assert glimpses
    assert glimpses[0].shape == trio.image.shape
    assert all(before[0] <= after[0] for before, after in pairwise(steps))
    assert "left" in steps[-1][1]
    assert any("fancam" in words for _, words in steps)


def test_a_part_of_the_video_begins_at_zero(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    followed = follow(pipeline, clip, "Rei", tmp_path, start=0.25, end=0.75)
    assert followed.frames == 4
    assert [frame.second for frame in read(probe(followed.files["overlay"]))] == [0, 0.125, 0.25, 0.375]
    assert followed.intervals[0].start == 0.25


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("Liz", "Nobody was found in this video who is Liz."),
        ("Rei's hat", "No hat of Rei was found in this video."),
        ("guitar", "No guitar was found in this video."),
        ("strangers", "Nobody unknown was found in this video."),
        ("everyone except Wonyoung, Yujin and Rei", "Nobody else was found in this video."),
        ("everyone except Liz", "Not found, so not left out: Liz."),
    ],
)
def test_what_is_never_there_is_said(
    pipeline: Pipeline, clip: Path, tmp_path: Path, prompt: str, message: str
) -> None:
    assert follow(pipeline, clip, prompt, tmp_path, end=0.3).messages == (message,)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_cancelled_half_way_it_leaves_no_file(
    pipeline: Pipeline, clip: Path, tmp_path: Path, share: float
) -> None:
    def cancel(done: float, _: str) -> None:
        if done >= share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(pipeline, clip, "Rei", tmp_path, formats=list(Format), fancam=True, progress=cancel)
    assert list(tmp_path.iterdir()) == []


def test_of_who_is_not_there_no_fancam_is_made_and_an_older_answer_goes(
    pipeline: Pipeline, clip: Path, tmp_path: Path
) -> None:
    """Somebody else was filmed under her name, and files of the answer before seemed to be of this one."""
    for name in ("mask.mp4", "fancam_liz.mp4", "fancam_rei.mp4", "mine.mp4", "timeline.csv"):
        (tmp_path / name).write_bytes(b"of before")
    followed = follow(pipeline, clip, "Liz", tmp_path, end=0.3, fancam=True)
    assert sorted(followed.files) == ["overlay", "timeline"]
    kept = {tmp_path / name for name in ("fancam_rei.mp4", "mine.mp4")}
    assert set(tmp_path.iterdir()) == {*followed.files.values(), *kept}


def test_videos_of_ones_own_stay_where_no_answer_was(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "mask.mp4").write_bytes(b"a project's")
    follow(pipeline, clip, "Rei", tmp_path, end=0.3)
    assert (tmp_path / "mask.mp4").read_bytes() == b"a project's"


@pytest.mark.parametrize(
    ("share", "end", "said"),
    [(1.0, None, False), (0.55, None, True), (0.55, 0.3, False), (1.0, 99.0, False)],
    ids=["whole", "cut off", "cut off behind what is wanted", "whole, and asked to a later end"],
)
def test_where_a_video_breaks_off_is_said(
    pipeline: Pipeline, trio: Scene, tmp_path: Path, share: float, end: float | None, said: bool
) -> None:
    path = tmp_path / "film.mp4"
    noise = np.random.default_rng(0)
    pictures = [shifted(trio.image, number % 4) for number in range(3 * FPS)]
    pictures = [np.where(noise.random(one.shape) < 0.01, 255, one).astype(np.uint8) for one in pictures]
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "10", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = *trio.image.shape[:2], "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    followed = follow(pipeline, path, "Wonyoung", tmp_path / "out", end=end)
    assert any("breaks off" in message for message in followed.messages) is said


def test_black_before_a_real_video_does_not_let_it_pass_for_drawn(
    pipeline: Pipeline, trio: Scene, tmp_path: Path
) -> None:
    """Stage videos often begin so."""
    black, noise = np.zeros_like(trio.image), np.random.default_rng(0)
    real = cv2.GaussianBlur(noise.integers(0, 256, trio.image.shape, np.uint8), (0, 0), 8)
    real = np.clip((real.astype(int) - 128) * 6 + 128, 0, 255).astype(np.uint8)
    with pytest.raises(NotDrawnError):
        follow(pipeline, write_clip(tmp_path / "real.mp4", [black] * 2 + [real] * 2, FPS), "person", tmp_path)
    drawn = write_clip(tmp_path / "drawn.mp4", [black] * 2 + [trio.image] * 2, FPS)
    assert follow(pipeline, drawn, "person", tmp_path / "out").frames == 4


def test_the_video_that_is_read_is_not_written_over(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    for name in ("overlay.mp4", "mask.mp4"):  # what is written now, and what would be cleared away
        mine = Path(shutil.copy(clip, tmp_path / name))
        with pytest.raises(WriteError, match="would be replaced"):
            follow(pipeline, mine, "Rei", tmp_path)
        assert mine.read_bytes() == clip.read_bytes()
        assert list(tmp_path.iterdir()) == [mine]
        mine.unlink()


def test_without_a_bank_nobody_is_followed(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no bank of photos"):
        follow(replace(pipeline, gallery=None), clip, "Rei's hat", tmp_path)
    notices = {"names": "No photo in Dataset can be used.", "masks": "facebook/sam3 is gated."}
    lacking = replace(pipeline, gallery=None, notices=notices)
    with pytest.raises(VideoError, match=r"no bank of photos\. No photo in Dataset can be used"):
        follow(lacking, clip, "Rei's hat", tmp_path)
    with pytest.raises(VideoError, match=r"not loaded\. facebook/sam3 is gated"):
        follow(replace(lacking, sam3=None), clip, "Rei's hat", tmp_path)
    assert follow(replace(pipeline, gallery=None), clip, "everyone's shirt", tmp_path, end=0.2).frames


def test_who_types_that_she_wants_a_fancam_gets_it(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    followed = follow(pipeline, clip, "Wonyoung's shirt and Rei's fancam", tmp_path, end=0.3)
    assert followed.files["fancam"].name == "fancam_rei.mp4"


def test_a_fancam_of_nobody_is_refused(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="names none"):
        follow(pipeline, clip, "everyone's shirt", tmp_path, fancam=True)


@pytest.mark.parametrize(
    ("out", "part", "words"),
    [
        ("file", {}, "is a file"),
        ("file/below", {}, "is a file"),
        ("taken", {}, "is a folder"),
        ("out", {"start": 5.0, "end": 2.0}, "end after the start"),
        ("out", {"start": 99.0}, "Give other moments"),
        ("out", {"fancam": True}, "names none"),
        ("out", {"formats": ["overlay", "gif"]}, "no format gif. Choose of: overlay, mask, cutout, json"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_loaded(
    out: str, part: dict[str, Any], words: str, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "overlay.mp4").mkdir(parents=True)
    with pytest.raises(UserError, match=words):
        plan(clip, "woman", (), tmp_path / out, **part)
    assert not (tmp_path / "out").exists()


def test_the_timeline_is_not_written_over_the_video_either(clip: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copy(clip, tmp_path / "timeline.csv"))
    with pytest.raises(WriteError, match="would be replaced"):
        plan(mine, "woman", (), tmp_path)


def test_a_fancam_is_9_to_16_as_it_is_shown(pipeline: Pipeline, clip: Path, tmp_path: Path) -> None:
    wide = tmp_path / "anamorphic.mp4"
    with av.open(str(clip)) as source, av.open(str(wide), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.sample_aspect_ratio = Fraction(4, 3)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert probe(wide).pixel_aspect == Fraction(4, 3)
    made = probe(follow(pipeline, wide, "Rei", tmp_path, fancam=True, end=0.3).files["fancam"])
    height, width = made.size
    assert float(width * made.pixel_aspect / height) == pytest.approx(9 / 16, abs=0.02)
