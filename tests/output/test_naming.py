"""What people are called, and what files are."""

from __future__ import annotations

import numpy as np
import pytest

from ive_segmentation.output.files import WRITTEN
from ive_segmentation.output.naming import called, segment_name
from ive_segmentation.result import Segment

NAMES = {"Naoi_Rei": "레이, Rei"}


@pytest.mark.parametrize(
    ("member", "stranger", "expected"),
    [
        ("Naoi_Rei", None, "레이, Rei"),
        ("Kim_Gaeul", None, "Kim_Gaeul"),
        (None, None, "Unknown"),
        (None, 2, "Unknown 2"),
    ],
)
def test_called(member: str | None, stranger: int | None, expected: str) -> None:
    assert called(member, stranger, NAMES) == expected


def test_a_file_s_name_fits_any_file_system() -> None:
    long = Segment("빨간 모자 " * 60, np.ones((4, 4), bool), np.zeros(4, np.float32), 0.9, None, None)
    assert segment_name(long, ()).startswith("빨간_모자_빨간")
    assert len(f"cutout_01_{segment_name(long, ())}.png".encode()) <= 255


@pytest.mark.parametrize("words", ["กาอึล เสื้อ", "हिना", "Łucja’s hat", "원영 2"])
def test_a_file_s_name_keeps_every_letter(words: str) -> None:
    segment = Segment(words, np.ones((4, 4), bool), np.zeros(4, np.float32), 0.9, None, None)
    name = segment_name(segment, ())
    assert name == words.casefold().replace(" ", "_").replace("’", "_")
    assert WRITTEN.fullmatch(f"cutout_01_{name}.png")
