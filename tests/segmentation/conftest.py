"""One small SAM 3 for all tests of this room."""

from pathlib import Path

import pytest

from tests.segmentation.small_sam3 import write_small_sam3


@pytest.fixture(scope="session")
def small_sam3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a checkpoint of the real architecture with random weights."""
    return write_small_sam3(tmp_path_factory.mktemp("sam3"))
