"""What the page says: tables of cases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from ive_segmentation.app.asking import in_words, read_picture, shown
from ive_segmentation.app.cache import page_folder
from ive_segmentation.app.demo_pictures import copied
from ive_segmentation.app.examples import example_prompts
from ive_segmentation.app.presenting import found, note, table_of_faces
from ive_segmentation.language import Member, load_members, parse
from ive_segmentation.output.naming import counted, segment_title
from ive_segmentation.output.thumbnails import SIDE, face_in, photo_thumbnail, thumbnail
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import Segment
from ive_segmentation.settings import Settings
from ive_segmentation.video.decoding import VideoError
from tests.conftest import REPOSITORY

NAMES = {"Jang_Wonyoung": "Wonyoung", "Naoi_Rei": "Rei", "Kim_Gaeul": "Gaeul"}


@pytest.mark.parametrize(
    ("concept", "owner", "member", "words"),
    [
        ("person", 0, "Naoi_Rei", "Rei"),
        ("person", 0, None, "Unknown"),
        ("white shirt", 1, "Jang_Wonyoung", "Wonyoung’s white shirt"),
        ("bag", 1, None, "Unknown’s bag"),
        ("bag", None, None, "bag"),
    ],
)
def test_a_mask_in_words(concept: str, owner: int | None, member: str | None, words: str) -> None:
    segment = Segment(concept, np.ones((2, 2), bool), np.zeros(4, np.float32), 0.9, owner, member)
    assert segment_title(segment, NAMES) == words


@pytest.mark.parametrize(
    ("titles", "words"),
    [
        (["Rei’s shoe", "Rei", "Rei’s shoe"], "Found: 2 × Rei’s shoe, Rei"),
        ([], "No mask for “Rei”"),
    ],
)
def test_what_was_found_in_words(titles: list[str], words: str) -> None:
    assert found(titles, "Rei") == words


@pytest.mark.parametrize(
    ("faces", "sam3", "words"),
    [
        (None, None, "Faces were not looked for"),
        (None, object(), "Faces were not looked for"),
        (object(), None, "No face was found in this picture."),
        (object(), object(), "Nobody was found in this picture: no face, and no person."),
    ],
)
def test_what_was_not_looked_for_is_not_said_to_be_absent(faces: Any, sam3: Any, words: str) -> None:
    pipeline = Pipeline(Settings(), (), faces=faces, sam3=sam3)
    assert words in table_of_faces(np.zeros((2, 2, 3), np.uint8), [], pipeline)


@pytest.mark.parametrize(("number", "words"), [(0, "no photos"), (1, "1 photo"), (2, "2 photos")])
def test_what_is_counted_in_words(number: int, words: str) -> None:
    assert counted(number, "photo") == words


def test_words_are_shown_as_they_are() -> None:
    assert note(["<b>Rei & Liz</b>"], headline="1 < 2") == (
        '<div class="ive-note " role="status"><p><strong>1 &lt; 2</strong></p>'
        "<p>&lt;b&gt;Rei &amp; Liz&lt;/b&gt;</p></div>"
    )
    assert note([]) == ""


def test_an_error_of_the_user_is_told_in_its_words_without_the_pages_folders() -> None:
    upload = page_folder() / "3f2a" / "clip.mp4"
    error = VideoError(f"{upload} is not a video. Save it anew as MP4.")
    assert in_words(error) == "clip.mp4 is not a video. Save it anew as MP4."


def test_an_error_of_the_program_is_owned_up_to_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ZeroDivisionError("secret")
    except ZeroDivisionError as error:
        words = in_words(error)
    assert "ZeroDivisionError" in words
    assert "secret" not in words
    assert "secret" in caplog.text


def test_the_example_prompts_are_understood_and_show_every_language() -> None:
    members = load_members(REPOSITORY / "Dataset")
    prompts = example_prompts(members)
    levels = [parse(prompt, members).level for prompt in prompts]
    assert levels == ["identity", *["possession"] * 4, "identity", "possession", "concept"]
    assert len({parse(prompt, members).requests for prompt in prompts[1:5]}) == 1


def test_the_example_prompts_name_whoever_is_in_the_dataset() -> None:
    alice = Member("Alice_Liddell", "Alice", ("Alice", "Alice Liddell"))
    assert example_prompts([alice]) == [
        "Alice",
        "Alice's shirt",
        "everyone except Alice",
        "everyone's shoes",
        "person",
    ]
    two = [Member("Kim_Jiwon", "リズ", ("リズ", "Kim")), Member("Kim_Gaeul", "Gaeul", ("Kim",))]
    assert example_prompts(two) == [
        "リズ",
        "リズのシャツ",
        "everyone except リズ",
        "everyone's shoes",
        "person",
    ]
    assert example_prompts([]) == ["everyone's shoes", "person"]


@pytest.mark.parametrize(
    "box", [None, (10, 10, 60, 80), (-20, -20, 5, 5), (630, 470, 700, 500), (900, 900, 950, 950)]
)
def test_a_thumbnail_is_a_small_picture_wherever_the_face_is(box: tuple[float, ...] | None) -> None:
    source = thumbnail(np.zeros((480, 640, 3), np.uint8), box)  # type: ignore[arg-type]
    assert source.startswith("data:image/jpeg;base64,")
    assert len(source) < SIDE * SIDE


def test_a_photo_that_is_gone_has_no_thumbnail() -> None:
    assert photo_thumbnail(REPOSITORY / "no such photo.jpg") is None
    assert photo_thumbnail(REPOSITORY / "README.md") is None


@pytest.mark.parametrize("kind", ["WEBP", "JPEG", "PNG"])
def test_a_turned_picture_is_shown_as_it_was_read(kind: str, tmp_path: Path) -> None:
    """A click on it means the same place in both; not every browser turns every format."""
    path = tmp_path / f"turned.{kind.lower()}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (30, 20), "red").save(path, kind, exif=exif)
    image = read_picture(Pipeline(Settings(), ()), str(path))
    with Image.open(shown(image, str(path))) as file:
        assert file.size == (20, 30)
        assert file.getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_everyone_who_opens_an_example_has_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "close.png"
    Image.new("RGB", (3, 2)).save(path)
    one, other = copied(path), copied(path)
    Path(one).unlink()
    assert Path(other).read_bytes() == path.read_bytes()


def test_a_photo_that_was_replaced_has_a_new_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (30, 20), "red").save(path)
    before = photo_thumbnail(path)
    Image.new("RGB", (30, 20), "blue").save(path)
    os.utime(path, (1, 1))
    assert photo_thumbnail(path) not in (before, None)


def test_a_faces_thumbnail_shows_the_face() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[100:140, 500:540] = 255
    seen = face_in(image, (500, 100, 540, 140))
    assert seen.shape == (88, 88, 3)
    assert seen[24:64, 24:64].all()
    assert np.count_nonzero(seen) == 40 * 40 * 3
