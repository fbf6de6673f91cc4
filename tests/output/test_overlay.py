"""Drawing: each member in a colour of their own, legible at every size, nothing else touched."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageColor, ImageFont

from ive_segmentation.identity.matching import Match
from ive_segmentation.language import Prompt
from ive_segmentation.output.overlay import Drawing, color_of, draw, font_for, overlay
from ive_segmentation.result import FaceBox, Person, Result, Segment

MEMBERS = ["An_Yujin", "Jang_Wonyoung", "Kim_Gaeul", "Kim_Jiwon", "Lee_Hyunseo", "Naoi_Rei"]


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def rectangle(height: int, width: int, box: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def drawing(
    color_key: str | None, box: tuple[int, int, int, int] = (40, 40, 80, 80), label: str = "", side: int = 200
) -> Drawing:
    return Drawing(rectangle(side, side, box), np.array(box, float), label, color_key)


def test_nothing_to_draw_gives_a_copy() -> None:
    image = grey(20, 30)
    drawn = draw(image, [], MEMBERS)
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_the_picture_given_is_not_drawn_on() -> None:
    image = grey(200, 200)
    draw(image, [drawing("Kim_Gaeul", label="Gaeul 0.80")], MEMBERS)
    np.testing.assert_array_equal(image, grey(200, 200))


def test_only_mask_box_and_label_are_touched() -> None:
    drawn = draw(grey(200, 200), [drawing("Kim_Gaeul", label="Gaeul 0.80")], MEMBERS)
    touched = (drawn != 128).any(axis=2)
    assert touched[41:80, 41:80].all()
    touched[20:83, 37:130] = False  # the label stands on the box's upper left corner
    assert not touched.any()


def test_every_member_and_unknown_has_a_colour_of_its_own() -> None:
    colors = {tuple(draw(grey(200, 200), [drawing(key)], MEMBERS)[60, 60]) for key in [*MEMBERS, None]}
    assert len(colors) == len(MEMBERS) + 1


@pytest.mark.parametrize("key", [*MEMBERS, None])
def test_a_label_can_be_read_on_every_colour(key: str | None) -> None:
    def luminance(color: np.ndarray) -> float:  # WCAG 2.2
        parts = color / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    ground = luminance(np.array(ImageColor.getrgb(color_of(key, MEMBERS))))
    drawn = draw(grey(200, 200), [drawing(key, label="MMMMMM")], MEMBERS)
    written = [luminance(color) for color in drawn[20:40, 40:90].reshape(-1, 3)]
    contrasts = [(max(ground, one) + 0.05) / (min(ground, one) + 0.05) for one in written]
    assert max(contrasts) >= 4.5


def test_a_color_is_the_named_one_not_its_mirror_in_bgr() -> None:
    red, _, blue = draw(grey(200, 200), [drawing("An_Yujin")], MEMBERS)[60, 60].astype(int)
    assert red > 128 > blue  # the first colour is orange


def test_label_and_mask_have_the_same_hue() -> None:
    drawn = draw(grey(200, 200), [drawing("An_Yujin", label="Yujin")], MEMBERS).astype(int)
    label_ground = drawn[20:39, 42:60].reshape(-1, 3)
    assert any((color == (0xE6, 0x9F, 0x00)).all() for color in label_ground)


def test_unknown_is_white_and_so_is_a_member_nobody_knows() -> None:
    for key in (None, "Somebody_Else"):
        drawn = draw(np.full((200, 200, 3), (250, 40, 40), np.uint8), [drawing(key)], MEMBERS)
        red, green, blue = drawn[60, 60].astype(int)
        assert 40 < green == blue < 250 < red  # white over red


@given(st.permutations(MEMBERS), st.sampled_from(MEMBERS))
def test_a_members_colour_is_the_same_in_every_picture(others: list[str], member: str) -> None:
    alone = draw(grey(200, 200), [drawing(member, (10, 10, 30, 30))], MEMBERS)[20, 20]
    crowd = [
        drawing(other, (40 + 20 * index, 100, 55 + 20 * index, 190)) for index, other in enumerate(others)
    ]
    together = draw(grey(200, 200), [*crowd, drawing(member, (10, 10, 30, 30))], MEMBERS)[20, 20]
    np.testing.assert_array_equal(alone, together)


def test_more_members_than_colours_are_drawn_too() -> None:
    many = [f"Member_{index}" for index in range(30)]
    drawn = draw(grey(200, 200), [drawing(many[-1])], many)
    assert (drawn[60, 60] != 128).any()


def test_a_person_without_a_mask_gets_a_box() -> None:
    drawn = draw(grey(200, 200), [Drawing(None, np.array([40, 40, 80, 80]), "", None)], MEMBERS)
    assert (drawn[40, 60] != 128).any()
    np.testing.assert_array_equal(drawn[60, 60], (128, 128, 128))


@pytest.mark.parametrize(
    "mask", [np.zeros((200, 200), bool), np.ones((200, 200), bool), rectangle(200, 200, (199, 199, 200, 200))]
)
def test_masks_at_the_extremes(mask: np.ndarray) -> None:
    drawn = draw(grey(200, 200), [Drawing(mask, np.array([100, 100, 101, 101]), "", "Naoi_Rei")], MEMBERS)
    np.testing.assert_array_equal((drawn[:90] != 128).any(axis=2), mask[:90])


@pytest.mark.parametrize(
    "box", [(-50, -50, 20, 20), (190, 190, 400, 400), (0, 0, 200, 200), (30, 30, 30, 30)]
)
def test_boxes_that_leave_the_picture(box: tuple[int, int, int, int]) -> None:
    drawn = draw(grey(200, 200), [Drawing(None, np.array(box), "Rei 0.75", "Naoi_Rei")], MEMBERS)
    assert drawn.shape == (200, 200, 3)
    assert (drawn != 128).any()


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (1, 200), (200, 1), (720, 1280), (3000, 400)])
def test_any_size_of_picture(size: tuple[int, int]) -> None:
    height, width = size
    whole = Drawing(np.ones(size, bool), np.array([0, 0, width, height]), "Wonyoung 0.83", "Jang_Wonyoung")
    drawn = draw(grey(*size), [whole], MEMBERS)
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8


def label_height(side: int) -> int:
    box = (side // 4, side // 2, side // 2, side - 4)
    drawn = draw(grey(side, side), [Drawing(None, np.array(box), "Rei", "Naoi_Rei")], MEMBERS)
    above = (drawn[: side // 2 - side // 100, side // 4 : side // 2] != 128).any(axis=(1, 2))
    return int(above.sum())


def test_labels_grow_with_the_picture() -> None:
    assert label_height(2400) > 2 * label_height(800) > 20


def test_a_long_label_is_shrunk_to_fit() -> None:
    box = np.array([20, 300, 600, 590])
    long = draw(grey(600, 600), [Drawing(None, box, "a very long name " * 4 + "0.83", None)], MEMBERS)
    ground = (long[250:297] != 128).any(axis=(0, 2))
    assert not ground[-3:].any()


def test_labels_side_by_side_do_not_cover_each_other() -> None:
    same = [Drawing(None, np.array([100, 200, 150, 390]), "Rei 0.75", member) for member in MEMBERS[:2]]
    drawn = draw(grey(400, 400), same, MEMBERS).astype(int)
    for color in ((0xE6, 0x9F, 0x00), (0x56, 0xB4, 0xE9)):
        assert ((drawn == color).all(axis=2)).sum() > 200


def test_of_a_thing_the_outline_is_enough() -> None:
    pants = replace(drawing("Naoi_Rei", (40, 40, 80, 160)), box=np.array([20, 20, 180, 180]), framed=False)
    drawn = draw(grey(200, 200), [pants], MEMBERS)
    assert (drawn[20, 20:180] == 128).all()
    assert (drawn[100, 60] != 128).any()


@pytest.mark.parametrize("key", [*MEMBERS, None])
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_an_outline_is_seen_on_every_ground(key: str | None, ground: int) -> None:
    mask = rectangle(200, 200, (40, 40, 160, 160))
    drawn = draw(np.full((200, 200, 3), ground, np.uint8), [Drawing(mask, np.zeros(4), "", key)], MEMBERS)
    edge = drawn[100, 30:50].astype(int).sum(axis=-1)
    assert np.ptp(edge) > 200


def test_latin_labels_need_no_font_of_the_system() -> None:
    assert font_for("Wonyoung 0.83") is None


@pytest.mark.parametrize("text", ["원영", "เสื้อ", "ウォニョン", "張員瑛", "René", "Łucja", "Аня"])
def test_labels_in_other_scripts_are_letters_and_not_empty_boxes(text: str) -> None:
    name = font_for(f"{text} 0.83")
    if name is None:
        pytest.skip("this system has no font for it")
    font = ImageFont.truetype(name, 40)
    missing = bytes(font.getmask("\U0010fffd"))
    assert all(bytes(font.getmask(letter)) != missing for letter in text + "Aa0.")


def test_scripts_may_be_mixed_in_one_picture() -> None:
    labels = ["Wonyoung 0.83", "원영 0.83", "วอนยอง 0.83", "ウォニョン 0.83"]
    drawings = [
        Drawing(None, np.array([10, 50 + 80 * row, 300, 100 + 80 * row]), label, MEMBERS[row])
        for row, label in enumerate(labels)
    ]
    drawn = draw(grey(400, 400), drawings, MEMBERS)
    for row in range(4):
        assert (drawn[35 + 80 * row : 48 + 80 * row, 12:60] != 128).any()


def test_memory_stays_near_that_of_the_picture() -> None:
    """Twelve masks of a 4-megapixel picture would be 192 MB as floats, and 48 MB as a stack of bool."""
    side = 2000
    drawings = [
        drawing(MEMBERS[index % 6], (150 * index, 100, 150 * index + 300, 1900), "Rei 0.75", side)
        for index in range(12)
    ]
    image = grey(side, side)
    tracemalloc.start()
    draw(image, drawings, MEMBERS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * image.nbytes


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
    monkeypatch.setattr("ive_segmentation.output.overlay.draw", lambda _image, drawings, _members: drawings)
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
