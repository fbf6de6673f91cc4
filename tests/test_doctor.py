"""The doctor names what is missing and what to do about it, and never falls ill itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ive_segmentation import doctor
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.dataset import draw_dataset
from ive_segmentation.doctor import Check, Found, check
from ive_segmentation.segmentation.checkpoints import OPEN
from ive_segmentation.settings import ROOT, Settings

NAMES = (
    "Python", "packages", "torch", "GPU", "ONNX Runtime",
    "Hugging Face login", "SAM 3 checkpoint", "face pack", "photos",
)  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a user who has downloaded nothing and is not logged in."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "Dataset").mkdir()
    return Settings(dataset=tmp_path / "Dataset", hub_timeout=1.0)


def look(settings: Settings, name: str) -> Check:
    return next(one for one in check(settings) if one.name == name)


def put_photos(dataset: Path, member: str, count: int) -> None:
    (dataset / member).mkdir()
    for number in range(count):
        (dataset / member / f"{number}.jpg").touch()


def test_everything_is_looked_at_and_every_trouble_has_a_remedy(bare: Settings) -> None:
    checks = check(bare)
    assert tuple(one.name for one in checks) == NAMES
    for one in checks:
        assert one.status in {"ok", "warn", "fail"}
        assert one.detail
        assert one.remedy or one.status == "ok", one
        assert "\n" not in one.detail + one.remedy


def test_a_fresh_clone_can_run(bare: Settings) -> None:
    statuses = {one.name: one.status for one in check(bare)}
    assert "fail" not in statuses.values(), statuses
    assert statuses["photos"] == "warn"


@pytest.mark.parametrize(
    ("requirements", "status", "words"),
    [
        ("numpy\n# a comment\n-r other.txt\n", "ok", "all 1 as"),
        ("numpy==0.1  # too old\n", "warn", "instead of 0.1"),
        ("nothing-of-this-name==1.0\nnumpy\n", "fail", "missing: nothing-of-this-name"),
        ("numpy\nnothing-of-this-name==1.0 ; sys_platform == 'amiga'\n", "ok", "all 1 as"),
    ],
)
def test_packages_are_compared_with_their_pins(
    requirements: str,
    status: str,
    words: str,
    bare: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "requirements.txt").write_text(requirements)
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    found = look(bare, "packages")
    assert found.status == status
    assert words in found.detail


@pytest.mark.parametrize(
    ("providers", "status", "remedy"),
    [
        (["CUDAExecutionProvider", "CPUExecutionProvider"], "ok", ""),
        (["CPUExecutionProvider"], "warn", "pip install --force-reinstall --no-deps onnxruntime-gpu==9.9"),
    ],
)
def test_the_clash_of_the_onnxruntimes_is_seen(
    providers: list[str], status: str, remedy: str, tmp_path: Path
) -> None:
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime/__init__.py").write_text(
        f"__version__ = '9.9'\ndef get_available_providers():\n    return {providers!r}\n"
    )
    (tmp_path / "onnxruntime_gpu-9.9.dist-info").mkdir()
    (tmp_path / "onnxruntime_gpu-9.9.dist-info/METADATA").write_text("Name: onnxruntime-gpu\nVersion: 9.9\n")
    question = (
        "import json; from ive_segmentation import doctor;"
        "from ive_segmentation.settings import Settings;"
        "print(json.dumps(doctor._onnxruntime(Settings())))"
    )
    # On CPU, because there the fake can be told apart from a fault: with a GPU a clash is a failure.
    programs = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([programs, os.environ["PATH"]]),  # as where the environment is activated
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "CUDA_VISIBLE_DEVICES": "",
    }
    answer = subprocess.run(
        [sys.executable, "-c", question], env=environment, capture_output=True, text=True, check=True
    )
    found = Found(*json.loads(answer.stdout))
    assert (found.status, found.remedy) == (status, remedy)


@pytest.mark.parametrize(
    ("photos", "status", "words"),
    [
        ({}, "warn", "the drawn demo stands in"),
        ({"Naoi_Rei": 0}, "warn", "the drawn demo stands in"),
        ({"Naoi_Rei": 5, "Kim_Gaeul": 12}, "ok", "Kim_Gaeul 12, Naoi_Rei 5"),
        ({"Naoi_Rei": 4, "Kim_Gaeul": 12}, "warn", "Kim_Gaeul 12, Naoi_Rei 4"),
    ],
)
def test_photos_are_counted_per_member(
    photos: dict[str, int], status: str, words: str, bare: Settings
) -> None:
    for member, count in photos.items():
        put_photos(bare.dataset, member, count)
    found = look(bare, "photos")
    assert found.status == status
    assert words in found.detail
    assert ("Naoi_Rei" in found.remedy) == (photos.get("Naoi_Rei") == 4)


def test_photos_in_nobodys_folder_are_missed(bare: Settings) -> None:
    put_photos(bare.dataset, "Naoi_Rei", 5)
    (bare.dataset / "members.toml").touch()
    assert look(bare, "photos").status == "ok"
    (bare.dataset / "rei.jpg").touch()
    assert "rei.jpg" in look(bare, "photos").remedy


def test_a_missing_dataset_is_a_failure(bare: Settings) -> None:
    assert look(replace(bare, dataset=bare.dataset / "gone"), "photos").status == "fail"


@pytest.mark.parametrize(
    ("pack", "status"),
    [("buffalo_l", "warn"), ("no_such_pack", "fail"), ("empty", "fail"), ("broken", "fail"), ("full", "ok")],
)
def test_the_face_pack_is_looked_for_and_not_fetched(
    pack: str, status: str, bare: Settings, tmp_path: Path, real_faces: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/recogniser.onnx").touch()
    shutil.copytree(real_faces, tmp_path / "full")
    folder = tmp_path / pack
    assert look(replace(bare, faces=str(folder) if folder.is_dir() else pack), "face pack").status == status
    assert not (tmp_path / ".insightface").exists()


def test_with_photos_a_checkpoint_that_cannot_be_had_is_a_failure(bare: Settings, tmp_path: Path) -> None:
    put_photos(bare.dataset, "Naoi_Rei", 5)
    found = look(replace(bare, sam3=str(tmp_path)), "SAM 3 checkpoint")
    assert found.status == "fail"
    assert "cannot be used" in found.detail
    assert "config.json" in found.remedy


@pytest.mark.parametrize("name", ["SAM 3 checkpoint", "face pack"])
def test_built_in_models_are_for_drawn_members(
    name: str, bare: Settings, real_photos: Path, tmp_path: Path
) -> None:
    built_in = replace(bare, faces=str(CHECKPOINTS / "faces"), sam3=str(CHECKPOINTS / "sam3"))
    real = look(replace(built_in, dataset=real_photos), name)
    assert real.status == "fail"
    assert "know drawn people only" in real.remedy
    drawn = draw_dataset(tmp_path / "drawn", pictures=2)
    assert look(replace(built_in, dataset=drawn), name).status == "ok"


def test_for_open_weights_nobody_has_to_log_in(bare: Settings) -> None:
    assert look(bare, "Hugging Face login").status == "warn"
    assert look(replace(bare, sam3=OPEN), "Hugging Face login").status == "ok"


def test_a_token_counts_as_login(bare: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(bare, "Hugging Face login").status == "warn"
    monkeypatch.setenv("HF_TOKEN", "hf_not_a_real_one")
    assert look(bare, "Hugging Face login").status == "ok"
