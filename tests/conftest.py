"""What every test may ask for: the real photos and models that lie beside the checkout, where they do."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Before the program is imported, which reads it then (on Linux). What earlier runs, other checkouts or the
# page itself left in the user's cache would be taken for what is tested, and what tests write is not to keep.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="ive-tests-")

from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.dataset import draw_dataset
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.truth import Scene
from ive_segmentation.loading import load_pipeline
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.settings import load_settings
from tests.small_sam3 import write_small_sam3

atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

# Examples share two cores with whatever else runs: how long one takes says nothing about the program.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"

# What whoever runs the tests has set for his own photos and models is nothing to them.
for name in [name for name in os.environ if name.startswith("IVE_") or name == "SAM3_CHECKPOINT"]:
    del os.environ[name]


def pytest_configure() -> None:
    """Let a suite that is killed, or loses its terminal, end as by Ctrl-C: with what its tests started."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup asks for that
            signal.signal(number, signal.default_int_handler)


@contextmanager
def running(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program that a test talks to while it runs; it does not outlive the test."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def _shared(part: str) -> Path:
    path = SHARED / part
    if not path.exists():
        pytest.skip(f"../shared/{part} is not beside this checkout")
    return path


@pytest.fixture(scope="session")
def real_photos() -> Path:
    """The 113 solo photos of the six members, one folder each (read only)."""
    return _shared("Dataset")


@pytest.fixture(scope="session")
def real_faces() -> Path:
    """An InsightFace model pack with a 128-d recogniser (read only)."""
    return _shared("models/faces")


@pytest.fixture(scope="session")
def small_sam3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a SAM 3 of the real architecture, made small, with random weights."""
    return write_small_sam3(tmp_path_factory.mktemp("sam3"))


@pytest.fixture(scope="session")
def trio() -> Scene:
    """Wonyoung, Yujin and Rei, drawn side by side in shirts, with the truth."""
    members = ("Jang_Wonyoung", "An_Yujin", "Naoi_Rei")
    return draw_scene(1965, members=members, shot="medium", size=(640, 480), away=0, hidden=0)


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Drawn members and the built-in checkpoints."""
    folder = tmp_path_factory.mktemp("pipeline")
    pipeline = load_pipeline(
        load_settings(
            dataset=draw_dataset(folder / "Dataset", pictures=6),
            bank=str(folder / "bank"),
            faces=str(CHECKPOINTS / "faces"),
            sam3=str(CHECKPOINTS / "sam3"),
            word_cache=folder / "words",
        )
    )
    assert pipeline.notices == {}
    return pipeline
