"""The real models, loaded once, and the bank of the 113 real photos, built once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ive_segmentation.identity.bank import build_bank
from ive_segmentation.identity.faces import FaceModel, load_faces
from ive_segmentation.identity.gallery import BankReport, Gallery, load_gallery


@pytest.fixture(scope="session")
def models(real_faces: Path) -> FaceModel:
    return load_faces(str(real_faces))


@pytest.fixture(scope="session")
def real_bank(
    real_photos: Path, models: FaceModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, BankReport]:
    uri = str(tmp_path_factory.mktemp("bank") / "bank")
    return uri, build_bank(real_photos, models, uri)


@pytest.fixture(scope="session")
def real_gallery(real_bank: tuple[str, BankReport], models: FaceModel) -> Gallery:
    return load_gallery(real_bank[0], models.hash)


@pytest.fixture
def few_photos(real_photos: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies of the first few photos of some members, in a folder that the test may change."""

    def copy(**members: int) -> Path:
        for member, count in members.items():
            (tmp_path / "Dataset" / member).mkdir(parents=True)
            for photo in sorted((real_photos / member).iterdir())[:count]:
                shutil.copyfile(photo, tmp_path / "Dataset" / member / photo.name)
        return tmp_path / "Dataset"

    return copy
