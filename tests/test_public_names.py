"""The package's public names are there, and cost nothing until they are used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import ive_segmentation
from tests.conftest import REPOSITORY


def test_every_public_name_is_there() -> None:
    assert all(getattr(ive_segmentation, name) for name in ive_segmentation.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="guess"):
        _ = ive_segmentation.guess


DRAWING = {"cv2", "supervision"}
FACES = {"insightface", "lancedb"}
MASKS = {"torch", "transformers"}


@pytest.mark.parametrize(
    ("command", "without"),
    [
        ("--help", DRAWING | FACES | MASKS),
        ("demo dataset --help", DRAWING | FACES | MASKS),
        ("prompt everyone", DRAWING | FACES | MASKS),
        ("bank show --bank nowhere", MASKS),
        ("bank audit --bank nowhere", MASKS),
        ("bank build --dataset nowhere", MASKS),
        ("segment nothing.jpg Rei --out nowhere", MASKS),
        ("identify nothing.jpg --faces ive_segmentation/demo/checkpoints/faces", MASKS),
    ],
)
def test_a_command_loads_what_it_needs(command: str, without: set[str]) -> None:
    """The packages for masks take seconds, those for faces two."""
    asked = (
        "import atexit, sys; from ive_segmentation.cli import main;"
        "atexit.register(lambda: print(*sys.modules)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, *command.split()],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not without & loaded


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch's threads are another library's")
def test_torch_s_threads_do_not_spin_in_each_other_s_way() -> None:
    plain = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run(
        [sys.executable, "-c", "import ive_segmentation.segmentation.sam3"],
        env=plain | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "GOMP_SPINCOUNT = '10000'" in done.stderr
