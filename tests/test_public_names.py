"""The package's public names are there, and cost nothing until they are used."""

from __future__ import annotations

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
