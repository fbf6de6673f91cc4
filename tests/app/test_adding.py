"""Photos that come in through the page: what is written, under which name, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ive_segmentation.app.adding import AddingError, add_photos, member_folder
from ive_segmentation.app.asking import Live
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.identity.faces import load_faces
from ive_segmentation.language import MembersError
from ive_segmentation.loading import load_pipeline
from ive_segmentation.patience import silent
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.settings import Settings
from tests.conftest import REPOSITORY


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    (tmp_path / "Dataset" / "Jang_Wonyoung").mkdir(parents=True)
    return tmp_path / "Dataset"


def photo(path: Path, grey: int = 128, form: str = "JPEG") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), grey, np.uint8)).save(path, form)
    return path


def test_while_the_folder_is_away_its_bank_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ive_segmentation.loading.BANKS", tmp_path / "banks")
    (tmp_path / "Dataset" / "Rei").mkdir(parents=True)
    Image.fromarray(draw_scene(7, people=1).image).save(tmp_path / "Dataset" / "Rei" / "drawn.png")
    settings = Settings(dataset=tmp_path / "Dataset", bank=str(tmp_path / "banks" / "its"))
    live = Live(Pipeline(settings, (), faces=load_faces(str(CHECKPOINTS / "faces"))))
    live.rebuild(silent)
    away = settings.dataset.rename(tmp_path / "away")
    with pytest.raises(MembersError, match="Dataset"):
        live.rebuild(silent)
    away.rename(settings.dataset)
    report = live.rebuild(silent).report
    assert report is not None
    assert report.embedded == 0


def test_once_there_is_a_bank_nothing_says_that_there_is_none(tmp_path: Path) -> None:
    rei = tmp_path / "Dataset" / "Rei"
    photo(rei / "grey.jpg")
    own = {"faces": str(CHECKPOINTS / "faces"), "sam3": str(tmp_path), "bank": str(tmp_path / "bank")}
    before = load_pipeline(Settings(dataset=tmp_path / "Dataset", **own))  # type: ignore[arg-type]
    assert "No photo in" in before.notices["names"]
    Image.fromarray(draw_scene(7, people=1).image).save(rei / "drawn.png")
    assert Live(before).rebuild(silent).notices == {"masks": before.notices["masks"]}


def test_photos_are_written_under_safe_names_with_the_suffix_of_their_content(
    dataset: Path, tmp_path: Path
) -> None:
    lies = photo(tmp_path / "in" / "원영 in Seoul; rm -rf.jpg", form="PNG")
    added = add_photos(Settings(dataset=dataset), "Jang_Wonyoung", [lies])
    (name,) = added.written
    assert added.folder == dataset / "Jang_Wonyoung"
    assert name.startswith("원영_in_Seoul_rm_-rf-")
    assert name.endswith(".png")
    assert (added.folder / name).read_bytes() == lies.read_bytes()


def test_nothing_is_ever_overwritten(dataset: Path, tmp_path: Path) -> None:
    first, second = photo(tmp_path / "a" / "x.jpg", 10), photo(tmp_path / "b" / "x.jpg", 200)
    added = add_photos(Settings(dataset=dataset), "Jang_Wonyoung", [first, second, first])
    assert len(set(added.written)) == 2
    assert [refusal.split(":")[0] for refusal in added.refused] == ["x.jpg"]
    assert "already there" in added.refused[0]
    again = add_photos(Settings(dataset=dataset), "Jang_Wonyoung", [first])
    assert again.written == ()
    assert len(list((dataset / "Jang_Wonyoung").iterdir())) == 2


def test_what_is_no_picture_is_refused_and_the_rest_is_written(dataset: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    added = add_photos(Settings(dataset=dataset), "New One", [text, photo(tmp_path / "ok.jpg")])
    assert added.folder == dataset / "New_One"
    assert len(added.written) == 1
    assert len(added.refused) == 1
    assert added.refused[0].startswith("text.jpg: ")


def test_photos_that_are_gone_are_asked_for_again(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(AddingError, match="Choose them again"):
        add_photos(Settings(dataset=dataset), "Wonyoung", [tmp_path / "a day old.jpg"])


def test_without_photos_no_folder_is_made(dataset: Path) -> None:
    with pytest.raises(AddingError, match="no photos"):
        add_photos(Settings(dataset=dataset), "New One", [])
    assert [folder.name for folder in dataset.iterdir()] == ["Jang_Wonyoung"]


@pytest.mark.parametrize(
    ("typed", "folder"),
    [
        ("Jang_Wonyoung", "Jang_Wonyoung"),
        ("jang wonyoung", "Jang_Wonyoung"),
        ("JANG-WONYOUNG", "Jang_Wonyoung"),
        ("  Kim   Min  ", "Kim_Min"),
        ("Wonyoung", "Jang_Wonyoung"),
        ("원영", "Jang_Wonyoung"),
        ("Jang", "Jang"),  # somebody else may be called so
        ("민지", "민지"),
        ("O'Hara", "O'Hara"),
    ],
)
def test_a_name_means_the_folder_there_or_a_new_one(dataset: Path, typed: str, folder: str) -> None:
    assert member_folder(dataset, typed) == dataset / folder


@pytest.mark.parametrize("typed", ["Jang", "Naoi"])
def test_a_family_name_is_somebody_else_s_too(typed: str, tmp_path: Path) -> None:
    for folder in ("Wonyoung", "Rei"):
        (tmp_path / folder).mkdir()
    shutil.copy(REPOSITORY / "Dataset" / "members.toml", tmp_path)
    assert member_folder(tmp_path, typed) == tmp_path / typed
    assert member_folder(tmp_path, "Jang Wonyoung") == tmp_path / "Wonyoung"


@pytest.mark.parametrize(
    "typed",
    ["", "   ", ".", "..", "../etc", "a/b", "a\\b", "C:", ".hidden", "_private", "-rf", "con", "LPT1", "a\0b",
     "x" * 61, "***", "a\u202eb"],
)  # fmt: skip
def test_a_name_that_is_no_folders_is_refused(dataset: Path, typed: str) -> None:
    with pytest.raises(AddingError):
        member_folder(dataset, typed)


@given(typed=st.text(max_size=80))
def test_whatever_is_typed_stays_directly_in_the_dataset(
    tmp_path_factory: pytest.TempPathFactory, typed: str
) -> None:
    dataset = tmp_path_factory.getbasetemp()
    try:
        folder = member_folder(dataset, typed)
    except AddingError:
        return
    assert folder.parent == dataset
    assert folder.resolve().parent == dataset.resolve()
