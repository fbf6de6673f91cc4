"""What the program begins with: the user's own photos, or the drawn demo where there is nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ive_segmentation.dataset import DatasetError, photos_of
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.stand_in import wants_demo
from ive_segmentation.identity.faces import FaceError, load_faces
from ive_segmentation.identity.store import BankError
from ive_segmentation.language import MembersError
from ive_segmentation.loading import load_bank, load_pipeline
from ive_segmentation.settings import Settings


@pytest.mark.parametrize(
    ("file", "demo"),
    [
        (None, True),
        ("README.md", True),
        ("An_Yujin/photo.jpg", False),
        ("An_Yujin/2024/stage/photo.jpg", False),
        ("An_Yujin/.DS_Store", True),
        (".thumbnails/photo.jpg", True),
        ("_rejected/photo.jpg", True),
    ],
)
def test_the_demo_stands_in_where_no_member_has_a_photo(file: str | None, demo: bool, tmp_path: Path) -> None:
    if file is not None:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert wants_demo(Settings(dataset=tmp_path)) is demo


def test_a_folder_of_photos_that_is_another_users_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)  # root may read whatever is there
    with pytest.raises(DatasetError, match=r"cannot be read \(Permission denied\)"):
        load_pipeline(Settings(dataset=tmp_path))


def test_a_folder_that_may_be_listed_and_not_entered_is_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.jpg").touch()

    def refused(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refused)
    assert photos_of(tmp_path) == [tmp_path / "one.jpg"]  # and reading it says why it cannot be read


@pytest.mark.parametrize("limit", [{"max_upload_bytes": 1}, {"max_pixels": 1}])
def test_photos_larger_than_the_settings_allow_are_left_out(limit: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "Rei").mkdir()
    Image.fromarray(draw_scene(7).image).save(tmp_path / "Rei" / "drawn.jpg")
    faces = load_faces(str(CHECKPOINTS / "faces"))
    settings = Settings(dataset=tmp_path, bank=str(tmp_path / "bank"))
    with pytest.raises(BankError, match=r"No photo .* can be used .*(larger|megapixels)"):
        load_bank(replace(settings, **limit), faces)  # type: ignore[arg-type]


def test_what_was_read_now_is_told_and_not_what_was_read_then(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "Rei"
    folder.mkdir(parents=True)
    Image.fromarray(draw_scene(7, people=1).image).save(folder / "drawn.png")
    faces = load_faces(str(CHECKPOINTS / "faces"))
    settings = Settings(dataset=folder.parent, bank=str(tmp_path / "bank"))
    assert [load_bank(settings, faces)[0].embedded for _ in range(2)] == [1, 0]
    (folder / "drawn.png").unlink()
    assert load_bank(settings, faces)[0].embedded == 0


def test_without_photos_photos_are_what_is_missing(tmp_path: Path) -> None:
    """With SAM 3 there and no photo yet, a bank was said to be missing, and building it said what is."""
    faces = load_faces(str(CHECKPOINTS / "faces"))
    with pytest.raises(BankError, match=r"holds no photos.* start again"):
        load_bank(Settings(dataset=tmp_path), faces)
    with pytest.raises(BankError, match="There is no bank"):
        load_bank(Settings(dataset=tmp_path, bank=str(tmp_path / "bank")), faces)


def _draw(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    Image.fromarray(draw_scene(seed, people=1).image).save(folder / "drawn.png")


def test_a_bank_of_other_people_is_left_alone(tmp_path: Path) -> None:
    """With IVE_DATASET changed and the bank not, everybody else was taken out of it."""
    _draw(tmp_path / "theirs" / "Rei", 7)
    _draw(tmp_path / "mine" / "Ada", 8)
    faces = load_faces(str(CHECKPOINTS / "faces"))
    bank = str(tmp_path / "bank")
    theirs, mine = (Settings(dataset=tmp_path / whose, bank=bank) for whose in ("theirs", "mine"))
    load_bank(theirs, faces)
    with pytest.raises(BankError, match=r"knows people who are not in .*mine: Rei\."):
        load_bank(mine, faces)
    assert load_bank(theirs, faces)[1].names == ("Rei",)
    (tmp_path / "theirs" / "Rei").rename(tmp_path / "theirs" / "Ada")
    assert load_bank(theirs, faces)[1].names == ("Ada",)  # one's own may change
    shutil.copytree(tmp_path / "theirs", tmp_path / "moved")
    assert load_bank(replace(theirs, dataset=tmp_path / "moved"), faces)[1].names == ("Ada",)


def test_who_was_known_is_known_where_the_bank_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _draw(tmp_path / "photos" / "Rei", 7)
    own = {"faces": str(CHECKPOINTS / "faces"), "sam3": str(tmp_path), "bank": str(tmp_path / "bank")}
    settings = Settings(dataset=tmp_path / "photos", **own)  # type: ignore[arg-type]
    load_pipeline(settings)
    _draw(tmp_path / "photos" / "Liz", 8)

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("ive_segmentation.identity.store._write", full)
    monkeypatch.setattr("ive_segmentation.identity.store.PAUSE", 0)
    pipeline = load_pipeline(settings)
    assert pipeline.gallery is not None
    assert pipeline.gallery.names == ("Rei",)
    assert "cannot be written (No space left" in pipeline.notices["names"]
    assert pipeline.report is not None
    assert (pipeline.report.photos, pipeline.report.embedded) == (1, 0)


def test_the_face_models_go_where_sam3_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(pack: str, *, device: str, timeout: float) -> None:
        asked.append((pack, device, timeout))
        raise FaceError("enough")

    monkeypatch.setattr("ive_segmentation.loading.load_faces", load)
    load_pipeline(Settings(dataset=tmp_path, sam3=str(tmp_path), faces="f", device="cpu", hub_timeout=1))
    assert asked == [("f", "cpu", 0.5)]


@pytest.mark.parametrize("chosen", [{"sam3": "my/sam3"}, {"faces": "buffalo_s"}, {"bank": "my/bank"}])
def test_who_chose_something_does_not_get_the_demo(chosen: dict[str, str], tmp_path: Path) -> None:
    assert not wants_demo(Settings(dataset=tmp_path, **chosen))  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_no_reason_for_the_demo(tmp_path: Path) -> None:
    settings = Settings(dataset=tmp_path / "mistyped")
    assert not wants_demo(settings)
    with pytest.raises(MembersError, match="There is no folder"):
        load_pipeline(settings)
