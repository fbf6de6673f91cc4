"""The package's public names are there, and cost nothing until they are used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import ive_segmentation


def test_every_public_name_is_there() -> None:
    assert all(getattr(ive_segmentation, name) for name in ive_segmentation.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="guess"):
        _ = ive_segmentation.guess


def test_the_command_line_explains_itself_without_loading_torch() -> None:
    asked = "import sys, ive_segmentation.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere torch's threads are another library's")
def test_torch_s_threads_do_not_spin_in_each_other_s_way() -> None:
    plain = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    done = subprocess.run(
        [sys.executable, "-c", "import ive_segmentation.segmentation.sam3"],
        env=plain | {"OMP_DISPLAY_ENV": "verbose"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "GOMP_SPINCOUNT = '10000'" in done.stderr
