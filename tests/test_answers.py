"""What each request gets out of one known picture, and the words for what it does not get."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ive_segmentation.answers import answer, explain, together
from ive_segmentation.identity.matching import Match
from ive_segmentation.language import EVERYONE, UNKNOWN, Member, Request
from ive_segmentation.result import FaceBox, Person, Segment

SIZE = (10, 60)
MEMBERS = [
    Member("Jang_Wonyoung", "Wonyoung", ()),
    Member("An_Yujin", "Yujin", ()),
    Member("Naoi_Rei", "Rei", ()),
]


def _mask(column: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[:, column : column + 8] = True
    return mask


def _box(column: int) -> np.ndarray:
    return np.array([column, 0, column + 8, 10], np.float32)


def _person(column: int, member: str | None, *, face: bool = True, body: bool = True) -> Person:
    match = Match(member, 0.7, None, None, (), 0.9, member) if face else None
    shown = FaceBox(_box(column), np.zeros((5, 2), np.float32), 0.9) if face else None
    return Person(_box(column), _mask(column) if body else None, 0.8, shown, match)


PERSONS = [
    _person(0, "Jang_Wonyoung"),
    _person(10, "An_Yujin"),
    _person(20, None),  # a stranger
    _person(30, None, face=False),  # someone turned away
    _person(40, "Naoi_Rei", body=False),  # a face whose body was not found
]
SHIRTS = [
    Segment("shirt", _mask(0), _box(0), 0.9, 0, "Jang_Wonyoung"),
    Segment("shirt", _mask(20), _box(20), 0.9, 2, None),
    Segment("shirt", _mask(50), _box(50), 0.9, None, None),  # nobody's
]


@pytest.mark.parametrize(
    ("request_", "columns"),
    [
        (Request((), "person"), [0, 10, 20, 30]),
        (Request((EVERYONE,), None), [0, 10, 20, 30]),
        (Request(("Jang_Wonyoung",), None), [0]),
        (Request(("Jang_Wonyoung", "An_Yujin"), None), [0, 10]),
        (Request((UNKNOWN,), None), [20, 30]),
        (Request(("An_Yujin", UNKNOWN), None), [10, 20, 30]),
        (Request(("Naoi_Rei",), None), []),
        (Request(("Kim_Gaeul",), None), []),
        (Request((), "shirt"), [0, 20, 50]),
        (Request((EVERYONE,), "shirt"), [0, 20]),
        (Request(("Jang_Wonyoung",), "shirt"), [0]),
        (Request(("An_Yujin",), "shirt"), []),
        (Request((UNKNOWN,), "shirt"), [20]),
        (Request((EVERYONE,), None, but=("Jang_Wonyoung",)), [10, 20, 30]),
        (Request((EVERYONE,), None, but=("Jang_Wonyoung", UNKNOWN)), [10]),
        (Request((EVERYONE,), "shirt", but=("Jang_Wonyoung",)), [20]),
        (Request((EVERYONE,), "shirt", but=(UNKNOWN,)), [0]),
    ],
)
def test_a_request_gets_what_it_names_and_nothing_else(request_: Request, columns: list[int]) -> None:
    got = answer(request_, PERSONS, SHIRTS if request_.thing == "shirt" else [])
    assert [int(segment.box[0]) for segment in got] == columns


@pytest.mark.parametrize(
    ("request_", "persons", "says"),
    [
        (Request(("Jang_Wonyoung",), None), PERSONS, []),
        (Request(("Kim_Gaeul",), None), PERSONS, ["Kim_Gaeul was not found in this picture."]),
        (Request(("An_Yujin",), None), PERSONS[:1], ["Yujin was not found in this picture."]),
        (Request(("An_Yujin",), None), PERSONS[3:4], ["Yujin cannot be looked for: no face was found"]),
        (Request(("An_Yujin",), None), [], ["Nobody was found"]),
        (Request(("Naoi_Rei",), None), PERSONS, ["Rei: the face was found, but no body"]),
        (Request((UNKNOWN,), None), PERSONS[:2], ["every face is a member's"]),
        (Request(("Jang_Wonyoung",), "shirt"), PERSONS, []),
        (
            Request(("An_Yujin",), "shirt"),
            PERSONS,
            ["No shirt of Yujin was found.", "1 × shirt could not be given"],
        ),
        (Request((), "guitar"), PERSONS, ["No guitar was found."]),
        (Request((EVERYONE,), None, but=("Jang_Wonyoung", UNKNOWN)), PERSONS, []),
        (Request((EVERYONE,), None, but=("Kim_Gaeul",)), PERSONS[:2], ["not left out: Kim_Gaeul."]),
        (
            Request((EVERYONE,), None, but=("Kim_Gaeul", "An_Yujin")),
            PERSONS[2:4],
            ["Not found, so not left out: Kim_Gaeul, Yujin. Check those without a name."],
        ),
        (
            Request((EVERYONE,), None, but=("An_Yujin",)),
            PERSONS[1:2],
            ["Nobody else was found in this picture."],
        ),
        (Request((EVERYONE,), None, but=("An_Yujin",)), [], ["Nobody was found in this picture."]),
    ],
)
def test_what_is_missing_is_said(request_: Request, persons: list[Person], says: list[str]) -> None:
    things = SHIRTS if request_.thing == "shirt" else []
    said = explain(request_, persons, things, answer(request_, persons, things), MEMBERS, sure=0.5)
    assert len(said) == len(says)
    assert all(words in sentence for words, sentence in zip(says, said, strict=True))


@pytest.mark.parametrize(
    ("request_", "persons", "things", "says"),
    [
        pytest.param(
            Request(("Jang_Wonyoung", "An_Yujin"), "shirt"),
            PERSONS,
            SHIRTS[:2],
            ["No shirt of Yujin was found."],
            id="one of two has none",
        ),
        pytest.param(
            Request(("Naoi_Rei",), None),
            [PERSONS[4], _person(50, "Naoi_Rei")],
            [],
            [],
            id="in a collage one of her has a body",
        ),
        pytest.param(
            Request(("An_Yujin",), "shirt"),
            [PERSONS[1], _person(50, "An_Yujin")],
            [Segment("shirt", _mask(10), _box(10), 0.9, 0, "An_Yujin", 1)],
            [],
            id="she is no rival of herself",
        ),
        pytest.param(
            Request(("An_Yujin",), "earring"),
            PERSONS,
            [Segment("earring", _mask(column), _box(column), 0.34, 1, "An_Yujin") for column in (10, 12)],
            ["Yujin: SAM 3 is only 34% sure of this earring."],
            id="two are doubted at once",
        ),
        pytest.param(
            Request((EVERYONE,), "hat"), PERSONS, [], ["No hat of anyone was found."], id="nobody has one"
        ),
        pytest.param(
            Request((EVERYONE,), "hat", but=("An_Yujin",)),
            PERSONS,
            [],
            ["No hat of anyone else was found."],
            id="she who was left out may have one",
        ),
    ],
)
def test_what_is_said_of_things(
    request_: Request, persons: list[Person], things: list[Segment], says: list[str]
) -> None:
    got = answer(request_, persons, things)
    assert explain(request_, persons, things, got, MEMBERS, sure=0.5) == says


def test_without_a_bank_nobody_is_said_to_be_absent() -> None:
    named = (Request((who,), None) for who in ("An_Yujin", UNKNOWN))
    left_out = (Request((EVERYONE,), None, (who,)) for who in ("An_Yujin", UNKNOWN))
    for asked in (*named, *left_out):
        (said,) = explain(asked, [], [], [], MEMBERS, sure=0.5, comparing=False)
        assert "cannot be looked for: faces cannot be compared" in said
        assert said[0].isupper()
    (said,) = explain(Request((EVERYONE,), "shoe"), [], [], [], MEMBERS, sure=0.5, comparing=False)
    assert said == "Nobody was found in this picture."


def test_a_doubt_is_said_of_a_thing_and_not_of_a_person() -> None:
    hers = Request(("Jang_Wonyoung",), "shirt")
    doubted = [replace(SHIRTS[0], score=0.34), *SHIRTS[1:]]
    said = explain(hers, PERSONS, doubted, answer(hers, PERSONS, doubted), MEMBERS, sure=0.5)
    assert said == ["Wonyoung: SAM 3 is only 34% sure of this shirt."]
    herself = Request(("Jang_Wonyoung",), None)
    assert explain(herself, PERSONS, [], answer(herself, PERSONS, []), MEMBERS, sure=0.9) == []


@pytest.mark.parametrize(("rival", "whose"), [(0, "Wonyoung's"), (2, "somebody else's")])
def test_what_may_be_anothers_is_said_to_be(rival: int, whose: str) -> None:
    hers = Request(("An_Yujin",), "phone")
    phone = Segment("phone", _mask(10), _box(10), 0.9, 1, "An_Yujin", rival)
    said = explain(hers, PERSONS, [phone], answer(hers, PERSONS, [phone]), MEMBERS, sure=0.5)
    assert said == [f"Yujin: this phone may be {whose}."]


def test_what_two_wishes_ask_for_is_given_once() -> None:
    everyone, wonyoung = (answer(Request((who,), None), PERSONS, []) for who in (EVERYONE, "Jang_Wonyoung"))
    assert together([everyone, wonyoung]) == everyone
    assert together([wonyoung, everyone]) == [*wonyoung, *everyone[1:]]
    assert together([everyone, SHIRTS, SHIRTS[:1]]) == [*everyone, *SHIRTS]
    anyones = replace(SHIRTS[0], owner=None, member=None)
    assert together([[anyones], SHIRTS]) == SHIRTS
    assert together([SHIRTS, [anyones]]) == SHIRTS
    pair = [SHIRTS[0], replace(SHIRTS[0], mask=_mask(50))]  # she wears two
    assert together([pair, pair]) == pair
