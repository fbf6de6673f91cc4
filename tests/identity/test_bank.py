"""The bank: what goes in, what stays, and what cannot harm it."""

from __future__ import annotations

import copy
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ive_segmentation import images
from ive_segmentation.identity import bank, calibration
from ive_segmentation.identity.bank import build_bank, forget_abandoned
from ive_segmentation.identity.faces import FaceModel
from ive_segmentation.identity.gallery import BankReport, Gallery, load_gallery
from ive_segmentation.identity.matching import match_faces
from ive_segmentation.identity.photos import choose_faces
from ive_segmentation.identity.store import BankError, Row
from ive_segmentation.settings import Measured

Copy = Callable[..., Path]

BUILD = """
import sys
from pathlib import Path
from ive_segmentation.identity.bank import build_bank
from ive_segmentation.identity.faces import load_faces
dataset, pack, uri = sys.argv[1:]
models = load_faces(pack)
build_bank(Path(dataset), models, uri, lambda share, step: print(step, flush=True))
"""


def builder(dataset: Path, pack: Path, uri: str) -> subprocess.Popen[str]:
    """Another process that builds the bank and prints how far it is."""
    command = [sys.executable, "-W", "ignore", "-c", BUILD, str(dataset), str(pack), uri]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# The 113 real photos.


def test_the_real_photos_are_all_in_or_left_out_with_a_reason(real_bank: tuple[str, BankReport]) -> None:
    report = real_bank[1]
    reasons = {item.photo: item.reason for item in report.left_out}
    assert report.embedded == 113 == report.photos + len(reasons)
    assert sum(reason == "no face found" for reason in reasons.values()) <= 2
    assert reasons["An_Yujin/An_Yujin_028.jpeg"] == "duplicate of An_Yujin/An_Yujin_010.jpeg"
    assert sum(reason.startswith("near-duplicate of ") for reason in reasons.values()) == 2
    assert "calibrated on 108 photos of 6 members" in report.calibration.origin
    assert any("Kim_Jiwon_019.jpg looks more like Lee_Hyunseo" in warning for warning in report.warnings)
    assert json.loads(json.dumps(report.to_dict()))["photos"] == report.photos


def test_building_again_looks_at_nothing_and_changes_nothing(
    real_bank: tuple[str, BankReport], real_photos: Path, models: FaceModel
) -> None:
    uri, first = real_bank
    again = build_bank(real_photos, models, uri)
    assert (again.embedded, again.removed, again.rebuilt) == (0, 0, None)
    assert (again.members, again.left_out, again.calibration) == (
        first.members,
        first.left_out,
        first.calibration,
    )


def test_what_has_not_changed_is_not_read_again(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large folder on another machine that is minutes, at every start."""
    dataset, uri = few_photos(An_Yujin=3), str(tmp_path / "bank")
    build_bank(dataset, models, uri)
    one, other, _ = sorted((dataset / "An_Yujin").iterdir())
    content = one.read_bytes()
    other.write_bytes(content)
    os.utime(one, (1, 1))  # written anew, with the same in it
    read: list[Path] = []
    read_bytes = Path.read_bytes

    def noted(path: Path) -> bytes:
        read.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    report = build_bank(dataset, models, uri)
    assert sorted(path for path in read if path.is_relative_to(dataset)) == [one, other]
    assert [item.photo for item in report.left_out] == [f"An_Yujin/{other.name}"]
    read.clear()
    os.utime(other, (2, 2))
    for expected in ([other], []):
        assert build_bank(dataset, models, uri).embedded == 0
        assert [path for path in read if path.is_relative_to(dataset)] == expected
        read.clear()


def test_noting_when_files_changed_undoes_nobody_elses_build(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, uri = few_photos(An_Yujin=2, Naoi_Rei=1), str(tmp_path / "bank")
    (rei,) = (dataset / "Naoi_Rei").iterdir()
    rei = rei.rename(tmp_path / rei.name)
    build_bank(dataset, models, uri)
    os.utime(next((dataset / "An_Yujin").iterdir()), (1, 1))
    same = bank._same

    def and_meanwhile(before: list[Row], rows: list[Row]) -> bool:
        monkeypatch.setattr(bank, "_same", same)
        rei.rename(dataset / "Naoi_Rei" / rei.name)
        build_bank(dataset, models, uri)
        return same(before, rows)

    monkeypatch.setattr(bank, "_same", and_meanwhile)
    build_bank(dataset, models, uri)
    assert load_gallery(uri).report.photos == 3


def test_a_copy_alone_in_another_folder_does_not_push_her_photo_out(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    photos = few_photos(An_Yujin=4, Naoi_Rei=3)
    copied, *_ = sorted((photos / "An_Yujin").iterdir())
    (photos / "Aa").mkdir()
    shutil.copy(copied, photos / "Aa")
    report = build_bank(photos, models, str(tmp_path / "bank"))
    assert [item.photo for item in report.left_out] == [f"Aa/{copied.name}"]
    assert report.members["An_Yujin"] == 4


def test_another_share_of_false_accepts_is_calibrated_anew(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    photos, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(photos, models, uri)
    again = build_bank(photos, models, uri, false_accepts=0.2)
    assert (again.calibration.false_accepts, again.embedded) == (0.2, 0)


def test_a_photo_that_was_too_large_is_taken_once_the_limit_is_raised(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    photos, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    large = max(photos.rglob("*.jpg"), key=lambda path: images.load(path).size)
    pixels = images.load(large).size // 3
    assert build_bank(photos, models, uri, max_pixels=pixels - 1).members == {"An_Yujin": 1}
    assert build_bank(photos, models, uri, max_pixels=pixels).members == {"An_Yujin": 2}


def test_a_bank_that_calibrated_itself_and_is_now_too_small_has_the_defaults(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    """Also where it is read as it is: its threshold was learned in another space."""
    photos, uri = few_photos(An_Yujin=5, Kim_Gaeul=5, Naoi_Rei=5), str(tmp_path / "bank")
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(bank, "too_small", lambda photos: False)
        earlier.setattr(calibration, "RULE", calibration.RULE - 1)
        learned = build_bank(photos, models, uri).calibration
    assert "calibrated on" in learned.origin
    assert load_gallery(uri).report.calibration.threshold == Measured.match_threshold


def test_a_bank_that_another_rule_calibrated_is_calibrated_anew(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(photos, models, uri)
    for module in (bank, calibration):
        monkeypatch.setattr(module, "RULE", calibration.RULE + 1)
    again = build_bank(photos, models, uri)
    assert again.calibration.rule == calibration.RULE
    assert again.embedded == 0


def test_photos_that_were_read_otherwise_are_read_anew(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(photos, models, uri)
    monkeypatch.setattr(bank, "LOOK", bank.LOOK + 1)
    again = build_bank(photos, models, uri)
    assert (again.embedded, again.rebuilt) == (2, "an earlier version of this program read photos otherwise")
    assert build_bank(photos, models, uri).embedded == 0


def test_the_gallery_names_its_own_photos_when_they_are_away(real_gallery: Gallery) -> None:
    """Leave one photo out: 97% here (identity_accuracy), so that nine in ten is no luck."""
    right = 0
    for row in range(0, len(real_gallery.photos), 5):
        rest = real_gallery.without({real_gallery.photos[row]})
        match = match_faces(real_gallery.plain[row : row + 1], rest, threshold=-1, margin=-2)[0]
        right += match.member == real_gallery.members[row]
    assert right >= 20


def test_of_several_faces_the_folders_own_is_taken(real_gallery: Gallery, models: FaceModel) -> None:
    row = real_gallery.photos.index("Naoi_Rei/Naoi_Rei_004.jpg")
    assert real_gallery.face_counts[row] == 3
    rest = real_gallery.without({"Naoi_Rei/Naoi_Rei_004.jpg"})
    assert match_faces(real_gallery.plain[[row]], rest)[0].candidate == "Naoi_Rei"


# Changes.


def test_only_what_is_new_is_looked_at_and_what_is_gone_leaves(
    few_photos: Copy, models: FaceModel, tmp_path: Path, real_photos: Path
) -> None:
    dataset, uri = few_photos(An_Yujin=3, Naoi_Rei=3), str(tmp_path / "bank")
    first = build_bank(dataset, models, uri)
    assert (first.embedded, first.members) == (6, {"An_Yujin": 3, "Naoi_Rei": 3})
    gone, *_ = sorted((dataset / "An_Yujin").iterdir())
    gone.unlink()
    for photo in sorted((real_photos / "Kim_Gaeul").iterdir())[:2]:
        (dataset / "Kim_Gaeul").mkdir(exist_ok=True)
        shutil.copyfile(photo, dataset / "Kim_Gaeul" / photo.name)
    (dataset / "Naoi_Rei" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    second = build_bank(dataset, models, uri)
    assert (second.embedded, second.removed) == (2, 1), "what is broken has no face to embed"
    assert second.members == {"An_Yujin": 2, "Kim_Gaeul": 2, "Naoi_Rei": 3}
    assert [item.photo for item in second.left_out] == ["Naoi_Rei/broken.jpg"]
    gallery = load_gallery(uri, models.hash)
    assert f"An_Yujin/{gone.name}" not in gallery.photos
    assert build_bank(dataset, models, uri).embedded == 0

    scratch = build_bank(dataset, models, str(tmp_path / "other"))
    other = load_gallery(str(tmp_path / "other"))
    assert (scratch.members, other.photos) == (second.members, gallery.photos)
    np.testing.assert_allclose(other.embeddings, gallery.embeddings, atol=1e-3)


def test_the_same_photo_in_another_size_and_coding_is_left_out(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    dataset = few_photos(An_Yujin=2)
    original, _ = sorted((dataset / "An_Yujin").iterdir())
    picture = images.load(original)
    cv2.imwrite(
        str(dataset / "An_Yujin" / "a copy.jpg"),
        cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)[:, :, ::-1],
        [cv2.IMWRITE_JPEG_QUALITY, 70],
    )
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert [(item.photo, item.reason) for item in report.left_out] == [
        ("An_Yujin/a copy.jpg", f"near-duplicate of An_Yujin/{original.name}")
    ]


def test_the_same_photo_mirrored_is_left_out(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    """It would be asked for against itself: the bank keeps of each face the mean with its mirror image."""
    dataset = few_photos(An_Yujin=3, Naoi_Rei=3)
    original = sorted((dataset / "An_Yujin").iterdir())[0]
    cv2.imwrite(str(dataset / "An_Yujin" / "a repost.png"), images.load(original)[:, ::-1, ::-1])
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert report.members == {"An_Yujin": 3, "Naoi_Rei": 3}
    (left_out,) = report.left_out
    assert left_out.reason.startswith("near-duplicate of An_Yujin/")


@pytest.mark.parametrize("wrong", ["Aaa", "Zzz"])
def test_a_copy_in_a_wrong_folder_of_few_does_not_push_her_photo_out(wrong: str) -> None:
    """With one other photo a copy is half of the folder, and agrees with that half."""
    alike = np.eye(4)
    for one, other, similarity in ((0, 1, 0.2), (0, 2, 0.2), (1, 2, 0.2), (0, 3, 0.15)):
        alike[one, other] = alike[other, one] = similarity
    faces = np.linalg.cholesky(alike)

    def row(member: str, face: int) -> Row:
        seen = {"plain": faces[face], "embedding": faces[face], "box": [0, 0, 9, 9]}
        seen |= dict.fromkeys(("keypoints", "score", "sharpness"))
        look = f"{1 << 12 * face:016x}"
        return {
            "photo": f"{member}/{face}", "member": member, "hash": str(face), "look": look,
            "unusable": None, "faces": [seen],
        }  # fmt: skip

    rows = [*(row("Mmm", face) for face in (0, 1, 2)), *(row(wrong, face) for face in (0, 3))]
    choose_faces(rows)
    assert [row["photo"] for row in rows if row["left_out"]] == [f"{wrong}/0"]


def test_a_bank_knows_where_its_photos_went(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    dataset, bank = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(dataset, models, bank)
    moved = dataset.rename(tmp_path / "moved")
    report = build_bank(moved, models, bank)
    assert (report.embedded, report.dataset) == (0, os.path.realpath(moved))


def test_another_recogniser_means_a_rebuild_and_is_said(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    dataset, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(dataset, models, uri)
    other = copy.copy(models)
    other.hash, other.name = "0" * 64, "another"
    with pytest.raises(BankError, match="another face recogniser"):
        load_gallery(uri, other.hash)
    report = build_bank(dataset, other, uri)
    assert report.embedded == 2
    assert report.rebuilt == f"the bank before was made by another face recogniser ({models.name})"
    assert load_gallery(uri, other.hash).report.recogniser == other.hash


# What cannot harm it.


def test_a_builder_killed_half_way_leaves_the_last_good_bank(
    few_photos: Copy, models: FaceModel, tmp_path: Path, real_photos: Path, real_faces: Path
) -> None:
    dataset, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(dataset, models, uri)
    before = load_gallery(uri)
    shutil.copytree(real_photos / "Naoi_Rei", dataset / "Naoi_Rei")
    process = builder(dataset, real_faces, uri)
    assert process.stdout is not None
    for _ in range(4):
        assert process.stdout.readline().startswith("Reading ")
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    after = load_gallery(uri, models.hash)
    assert after.photos == before.photos
    np.testing.assert_array_equal(after.embeddings, before.embeddings)
    assert build_bank(dataset, models, uri).rebuilt is None


def test_two_builders_at_once_are_safe(
    few_photos: Copy, models: FaceModel, tmp_path: Path, real_faces: Path
) -> None:
    dataset, uri = few_photos(An_Yujin=4, Naoi_Rei=4), str(tmp_path / "bank")
    both = [builder(dataset, real_faces, uri) for _ in range(2)]
    assert [process.communicate(timeout=120) and process.returncode for process in both] == [0, 0]
    gallery = load_gallery(uri, models.hash)
    assert len(gallery.photos) == len(set(gallery.photos)) == 8
    assert build_bank(dataset, models, uri).embedded == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows gives a user's folders to that user alone")
def test_the_bank_is_for_its_user_alone_to_read(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, bank = few_photos(An_Yujin=2), tmp_path / "bank"
    build_bank(dataset, models, str(bank))
    assert bank.stat().st_mode & 0o077 == 0
    bank.chmod(0o755)
    monkeypatch.setattr("ive_segmentation.identity.store.BANKS", tmp_path)
    build_bank(dataset, models, str(bank))
    assert bank.stat().st_mode & 0o077 == 0


def test_the_embedding_of_a_removed_photo_leaves_the_disk(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> bytes:
        return b"".join(path.read_bytes() for path in (tmp_path / "bank").rglob("*") if path.is_file())

    dataset, uri = few_photos(An_Yujin=2), str(tmp_path / "bank")
    build_bank(dataset, models, uri)
    gone = load_gallery(uri).plain[0].tobytes()
    sorted((dataset / "An_Yujin").iterdir())[0].unlink()
    build_bank(dataset, models, uri)
    assert gone in stored()  # somebody may still be reading it
    monkeypatch.setattr("ive_segmentation.identity.store.READERS_TIME", 0.001)  # a minute later
    build_bank(dataset, models, uri)
    assert gone not in stored()


def test_the_bank_of_a_dataset_that_is_gone_leaves_the_disk(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    dataset, banks = few_photos(An_Yujin=1), tmp_path / "banks"
    moved = Path(shutil.copytree(dataset, tmp_path / "moved"))
    for place in (dataset, moved):
        build_bank(place, models, str(banks / place.name))
    shutil.rmtree(moved)
    forget_abandoned(banks)
    assert [path.name for path in banks.iterdir()] == [dataset.name]


def test_the_bank_of_a_dataset_that_does_not_answer_stays(
    few_photos: Copy, models: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another dataset, on a disk that was unplugged, ended every start."""
    dataset, is_dir = few_photos(An_Yujin=1), Path.is_dir
    build_bank(dataset, models, str(tmp_path / "banks" / "one"))

    def refused(path: Path) -> bool:
        if path == dataset:
            raise OSError(errno.EACCES, "Permission denied")
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", refused)
    forget_abandoned(tmp_path / "banks")
    assert (tmp_path / "banks" / "one").exists()


# Bad input: one clear line each, and the last good bank stays.


@pytest.fixture
def good(few_photos: Copy, models: FaceModel, tmp_path: Path) -> tuple[Path, str]:
    dataset, uri = few_photos(An_Yujin=2, Naoi_Rei=2), str(tmp_path / "bank")
    build_bank(dataset, models, uri)
    return dataset, uri


def empty_folders(dataset: Path) -> None:
    for photo in dataset.glob("*/*"):
        photo.unlink()


def only_text(dataset: Path) -> None:
    for photo in dataset.glob("*/*"):
        photo.write_text("no picture")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (shutil.rmtree, "There is no folder"),
        (empty_folders, "holds no photos"),
        (only_text, "No photo in .* can be used"),
    ],
)
def test_nothing_to_build_from(
    good: tuple[Path, str], models: FaceModel, harm: Callable[[Path], None], message: str
) -> None:
    dataset, uri = good
    harm(dataset)
    with pytest.raises(BankError, match=message) as caught:
        build_bank(dataset, models, uri)
    assert "\n" not in str(caught.value)
    assert len(load_gallery(uri, models.hash).photos) == 4


def test_what_is_set_aside_is_nobody_and_folders_within_are_hers(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    dataset = few_photos(An_Yujin=2, Naoi_Rei=2)
    photo, _ = (dataset / "An_Yujin").iterdir()
    (dataset / "An_Yujin" / "2024").mkdir()
    photo.rename(dataset / "An_Yujin" / "2024" / photo.name)
    (dataset / "Naoi_Rei").rename(dataset / "_rejected")
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert report.members == {"An_Yujin": 2}


def test_a_member_with_one_photo_or_none_is_said(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    dataset = few_photos(An_Yujin=2, Naoi_Rei=1)
    (dataset / "Kim_Gaeul").mkdir()
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert "Naoi_Rei has one usable photo; add some." in report.warnings
    assert "Kim_Gaeul has no usable photo: nobody can be named Kim_Gaeul." in report.warnings
    assert any("too small to calibrate" in warning for warning in report.warnings)
    assert load_gallery(str(tmp_path / "bank")).names == ("An_Yujin", "Naoi_Rei")


def test_an_empty_folder_that_came_later_is_said(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    dataset, uri = few_photos(An_Yujin=3), str(tmp_path / "bank")
    build_bank(dataset, models, uri)
    (dataset / "Naoi_Rei").mkdir()
    report = build_bank(dataset, models, uri)
    assert report.embedded == 0
    assert report.members == {"An_Yujin": 3, "Naoi_Rei": 0}
    assert "Naoi_Rei has no usable photo: nobody can be named Naoi_Rei." in report.warnings


def test_two_folders_of_one_name_are_said(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    dataset = few_photos(An_Yujin=3)
    shutil.copytree(dataset / "An_Yujin", dataset / "an yujin")
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert "An_Yujin and an yujin are one name: put their photos in one folder." in report.warnings


def test_two_folders_of_one_person_are_said(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    dataset = few_photos(An_Yujin=10, Jang_Wonyoung=16, Kim_Gaeul=10)
    (dataset / "Wonyoung").mkdir()
    for photo in sorted((dataset / "Jang_Wonyoung").iterdir())[::2]:
        photo.rename(dataset / "Wonyoung" / photo.name)
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert (
        "Jang_Wonyoung and Wonyoung look like the same person: put their photos in one folder."
        in report.warnings
    )


def test_no_bank_yet(tmp_path: Path) -> None:
    with pytest.raises(BankError, match=r"There is no bank at .* yet"):
        load_gallery(str(tmp_path / "bank"))


@pytest.mark.parametrize("part", ["_versions/*.manifest", "data/*.lance"])
@pytest.mark.parametrize("harm", ["cut", "overwrite", "zero", "delete"])
def test_a_damaged_bank_is_said_and_can_be_built_again(
    good: tuple[Path, str], models: FaceModel, part: str, harm: str
) -> None:
    dataset, uri = good
    for path in Path(uri).glob(f"photos.lance/{part}"):
        if harm == "cut":
            os.truncate(path, path.stat().st_size // 2)
        elif harm == "zero":
            path.write_bytes(bytes(path.stat().st_size))
        elif harm == "overwrite":
            path.write_bytes(os.urandom(path.stat().st_size))
        else:
            path.unlink()
    with pytest.raises(BankError, match=r"is damaged|There is no bank|another version") as caught:
        load_gallery(uri)
    assert "\n" not in str(caught.value)
    assert build_bank(dataset, models, uri).photos == 4
    assert len(load_gallery(uri, models.hash).photos) == 4


def test_a_photo_deleted_while_the_bank_is_built_is_left_out(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    dataset = few_photos(An_Yujin=12)
    last = sorted((dataset / "An_Yujin").iterdir())[-1]
    report = build_bank(
        dataset, models, str(tmp_path / "bank"), lambda _share, _step: last.unlink(missing_ok=True)
    )
    assert [item.photo for item in report.left_out] == [f"An_Yujin/{last.name}"]
    assert report.left_out[0].reason == "taken away while the bank was being built"
    assert build_bank(dataset, models, str(tmp_path / "bank")).left_out == ()


def test_progress_counts_every_photo(few_photos: Copy, models: FaceModel, tmp_path: Path) -> None:
    seen: list[tuple[int, str]] = []
    build_bank(
        few_photos(An_Yujin=3),
        models,
        str(tmp_path / "bank"),
        lambda share, step: seen.append((round(3 * share), step.split()[0])),
    )
    reading = [(1, "Reading"), (2, "Reading"), (3, "Reading")]
    assert seen == [*reading, (3, "Comparing"), (3, "Learning")]  # of 20,000 photos minutes each


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_photo_that_may_not_be_read_is_left_out(
    few_photos: Copy, models: FaceModel, tmp_path: Path
) -> None:
    dataset = few_photos(An_Yujin=2)
    closed = sorted((dataset / "An_Yujin").iterdir())[0]
    closed.chmod(0)
    report = build_bank(dataset, models, str(tmp_path / "bank"))
    assert [item.photo for item in report.left_out] == [f"An_Yujin/{closed.name}"]
