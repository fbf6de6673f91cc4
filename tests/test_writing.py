"""Files are there whole or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.writing import WriteError, spare, write_errors, write_png, write_whole


@pytest.mark.parametrize(
    ("image", "mode"),
    [
        (np.eye(5, 7, dtype=bool), "L"),
        (np.arange(35, dtype=np.uint8).reshape(5, 7), "L"),
        (np.arange(105, dtype=np.uint8).reshape(5, 7, 3), "RGB"),
        (np.arange(140, dtype=np.uint8).reshape(5, 7, 4), "RGBA"),
    ],
)
def test_png_gives_back_what_was_written(image: np.ndarray, mode: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "마스크.png"
    write_png(path, image)
    with Image.open(path) as read:
        assert read.format == "PNG"
        assert read.mode == mode
        assert ("srgb" in read.info) == (image.ndim == 3)  # colours say which they are
        np.testing.assert_array_equal(
            np.asarray(read), image.astype(int) * (255 if image.dtype == bool else 1)
        )


def test_a_picture_takes_no_more_room_than_pillow_s_fastest(tmp_path: Path) -> None:
    picture = draw_scene(3, people=6).image
    Image.fromarray(picture).save(tmp_path / "theirs.png", compress_level=1)
    write_png(tmp_path / "ours.png", picture)
    assert (tmp_path / "ours.png").stat().st_size < 1.05 * (tmp_path / "theirs.png").stat().st_size


def test_a_picture_too_long_for_a_png_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="a million pixels"):
        write_png(tmp_path / "line.png", np.zeros((1, 1_000_001), np.uint8))
    assert not list(tmp_path.iterdir())


def test_an_older_file_is_replaced_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", b"old")
    write_whole(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.json"]  # noqa: PTH208 -- hidden files too


def test_a_name_of_the_greatest_length_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("x" * 255), b"data")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"data"


@pytest.mark.parametrize(
    ("source", "folder", "refused"),
    [
        ("out/overlay.png", "out", True),
        ("out/overlay.png", "out/../out", True),
        ("linked.png", "out", True),  # leads to out/overlay.png
        ("out/Overlay.PNG", "out", True),  # one file on Windows and on a Mac
        ("out/overlay.png", "other", False),
        ("out/holiday.png", "out", False),
        ("overlay.png", "out", False),
    ],
)
def test_what_is_read_is_not_written_over(source: str, folder: str, refused: bool, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "overlay.png").write_bytes(b"mine")
    (tmp_path / "linked.png").symlink_to(tmp_path / "out" / "overlay.png")
    with pytest.raises(WriteError, match="replaced") if refused else nullcontext():
        spare(tmp_path / source, tmp_path / folder, {"overlay.png"}.__contains__)


def test_a_folder_that_cannot_be_looked_for_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        spare(tmp_path / "a.png", tmp_path / ("x" * 300), {"overlay.png"}.__contains__)


def test_a_failed_write_leaves_the_older_file(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_bytes(b"old")
    with pytest.raises(WriteError, match="cannot be written") as raised:
        write_whole(tmp_path / "taken", b"new")  # a folder cannot be replaced by a file
    assert str(tmp_path / "taken") in str(raised.value)
    assert os.listdir(tmp_path) == ["taken"]  # noqa: PTH208
    assert (tmp_path / "taken" / "file").read_bytes() == b"old"


def test_of_a_full_disk_another_folder_is_no_help() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(WriteError, match="Free space"), write_errors(Path("mask.png")):
        raise full


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match="Choose another folder"):
        write_whole(tmp_path / "file" / "mask.png", b"data")
