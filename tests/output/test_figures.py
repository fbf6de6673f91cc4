"""Figures of the notebook: what is written on them can be read."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ive_segmentation.output.figures import side_by_side
from ive_segmentation.output.overlay import font_for


@pytest.mark.parametrize("title", ["Wonyoung", "원영의 셔츠", "เสื้อของวอนยอง", "ウォニョンのシャツ", "René"])
def test_a_title_is_letters_and_not_empty_boxes(title: str) -> None:
    if not title.isascii() and font_for(title) is None:
        pytest.skip("this system has no font for it")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of glyphs that are missing
        side_by_side({title: np.zeros((20, 30, 3), np.uint8)})


def test_a_title_is_no_formula() -> None:
    side_by_side({r"$\frac$": np.zeros((20, 30, 3), np.uint8)})


def test_a_long_title_stays_above_its_picture() -> None:
    title = "Wonyoung's shirt, Rei's shoes and the microphone that Yujin is holding in her hand"
    picture = np.zeros((200, 300, 3), np.uint8)
    figure = side_by_side({title: picture, f"{title} again": picture})
    left, right = (axes.title.get_window_extent() for axes in figure.axes)
    assert left.x1 < right.x0
