"""A result written as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ive_segmentation.language import Prompt
from ive_segmentation.output.files import write_files
from ive_segmentation.result import Result, Segment


def test_writing_says_how_far_it_is(tmp_path: Path) -> None:
    hat = Segment("hat", np.ones((4, 4), bool), np.zeros(4, np.float32), 0.9, None, None)
    result = Result((4, 4), Prompt("hat", ()), (), (hat, hat), (), {})
    told = []
    write_files(tmp_path, np.zeros((4, 4, 3), np.uint8), result, (), lambda share, _: told.append(share))
    assert told == [0, 0.5, 1]
