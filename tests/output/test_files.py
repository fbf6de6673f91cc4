"""What people are called, in files as on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ive_segmentation.identity.matching import Match
from ive_segmentation.language import Prompt
from ive_segmentation.output.files import WRITTEN, overlay, write_files
from ive_segmentation.output.naming import called, segment_name
from ive_segmentation.result import FaceBox, Person, Result, Segment

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


def test_a_stranger_s_number_is_on_the_overlay_and_comes_back_from_the_file() -> None:
    box = np.array([60, 60, 100, 100], np.float32)
    face = FaceBox(box, np.zeros((5, 2), np.float32), 0.9)
    hat = Segment("hat", np.ones((240, 320), bool), box, 0.9, 0, None)
    pictures = []
    for stranger in (None, 1, 2):
        match = Match(None, 0.1, None, None, (), 0.9, None)
        who = Person(box, None, 0.9, face, match, stranger)
        result = Result((240, 320), Prompt("hat", ()), (who,), (hat,), (), {})
        assert Result.from_dict(result.to_dict()) == result
        pictures.append(overlay(np.zeros((240, 320, 3), np.uint8), result, (), similarities=False))
    assert not any(np.array_equal(pictures[one], pictures[other]) for one in range(3) for other in range(one))


@pytest.mark.parametrize("words", ["กาอึล เสื้อ", "हिना", "Łucja’s hat", "원영 2"])
def test_a_file_s_name_keeps_every_letter(words: str) -> None:
    segment = Segment(words, np.ones((4, 4), bool), np.zeros(4, np.float32), 0.9, None, None)
    name = segment_name(segment, ())
    assert name == words.casefold().replace(" ", "_").replace("’", "_")
    assert WRITTEN.fullmatch(f"cutout_01_{name}.png")


def test_who_shows_no_face_is_named_at_the_mask() -> None:
    box = np.array([60, 60, 100, 200], np.float32)
    who = Person(box, None, 0.9, None, None)
    segment = Segment("person", np.ones((240, 320), bool), box, 0.9, 0, None)
    nobody = Segment("hat", np.ones((240, 320), bool), box, 0.9, None, None)
    black = np.zeros((240, 320, 3), np.uint8)
    for shown in (segment, nobody):
        result = Result((240, 320), Prompt("person", ()), (who,), (shown,), (), {})
        drawn = overlay(black, result, ())
        assert (drawn[40:58, 60:100] == 255).all(axis=-1).sum() > 100


def test_writing_says_how_far_it_is(tmp_path: Path) -> None:
    hat = Segment("hat", np.ones((4, 4), bool), np.zeros(4, np.float32), 0.9, None, None)
    result = Result((4, 4), Prompt("hat", ()), (), (hat, hat), (), {})
    told = []
    write_files(tmp_path, np.zeros((4, 4, 3), np.uint8), result, (), lambda share, _: told.append(share))
    assert told == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("member", "stranger", "similarities", "labels"),
    [
        ("Naoi_Rei", None, True, ["Naoi_Rei’s hat", "Naoi_Rei 0.10"]),
        ("Naoi_Rei", None, False, ["Naoi_Rei’s hat", "Naoi_Rei"]),
        (None, 2, False, ["Unknown 2’s hat", "Unknown 2"]),
    ],
)
def test_what_is_drawn_in_whose_colour(
    member: str | None,
    stranger: int | None,
    similarities: bool,
    labels: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ive_segmentation.output.files.draw", lambda _image, drawings, _members: drawings)
    box = np.array([60, 60, 100, 100], np.float32)
    face, match = (
        FaceBox(box, np.zeros((5, 2), np.float32), 0.9),
        Match(member, 0.1, None, None, (), 0.9, member),
    )
    who = Person(box, None, 0.9, face, match, stranger)
    hat = Segment("hat", np.ones((240, 320), bool), box, 0.9, 0, member)
    result = Result((240, 320), Prompt("hat", ()), (who,), (hat,), (), {})
    drawings: Any = overlay(np.zeros((240, 320, 3), np.uint8), result, (), similarities=similarities)
    assert [(drawing.label, drawing.color_key) for drawing in drawings] == [
        (label, member) for label in labels
    ]
