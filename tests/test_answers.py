"""What each request gets out of one known picture, and the words for what it does not get."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ive_segmentation.answers import answer, contested, explain, of_the_named, together
from ive_segmentation.identity.matching import Match
from ive_segmentation.language import EVERYONE, UNKNOWN, Member, Request
from ive_segmentation.persons import measured
from ive_segmentation.result import FaceBox, Person, Segment
from tests.possession.figures import rectangle

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
    ],
)
def test_what_is_said_of_things(
    request_: Request, persons: list[Person], things: list[Segment], says: list[str]
) -> None:
    got = answer(request_, persons, things)
    assert explain(request_, persons, things, got, MEMBERS, sure=0.5) == says


def test_without_a_bank_nobody_is_said_to_be_absent() -> None:
    for who in ("An_Yujin", UNKNOWN):
        asked = Request((who,), None)
        (said,) = explain(asked, [], [], [], MEMBERS, sure=0.5, comparing=False)
        assert "cannot be looked for: faces cannot be compared" in said


def test_a_doubt_is_said_of_a_thing_and_not_of_a_person() -> None:
    hers = Request(("Jang_Wonyoung",), "shirt")
    doubted = [replace(SHIRTS[0], score=0.34), *SHIRTS[1:]]
    said = explain(hers, PERSONS, doubted, answer(hers, PERSONS, doubted), MEMBERS, sure=0.5)
    assert said == ["Wonyoung: SAM 3 is only 34% sure of this shirt."]
    herself = Request(("Jang_Wonyoung",), None)
    assert explain(herself, PERSONS, [], answer(herself, PERSONS, []), MEMBERS, sure=0.9) == []


def side_by_side() -> list[Person]:
    """Wonyoung, Yujin and a stranger, each a hand's breadth from the next."""
    boxes = [(100, 100, 300, 390), (300, 100, 500, 390), (500, 100, 700, 390)]
    people = [_person(0, "Jang_Wonyoung"), _person(10, "An_Yujin"), _person(20, None)]
    return [
        replace(person, box=np.array(box, np.float32), mask=rectangle(*box), face=None)
        for person, box in zip(people, boxes, strict=True)
    ]


@pytest.mark.parametrize(
    ("people", "thing", "left", "before", "after"),
    [
        (["An_Yujin"], "phone", 285, 0, (1, 0)),  # 0.30 of the evidence is Yujin's, the rest Wonyoung's
        (["An_Yujin"], "phone", 290, None, (1, 0)),  # as much hers as Wonyoung's
        (["Jang_Wonyoung"], "phone", 285, 0, (0, None)),  # hers without anybody saying so
        (["An_Yujin"], "phone", 270, 0, (0, None)),  # out of Yujin's reach
        (["An_Yujin", "Jang_Wonyoung"], "phone", 285, 0, (0, None)),  # one who was asked for has it
        (["An_Yujin"], "belt", 285, 0, (0, None)),  # worn
        ([EVERYONE], "phone", 290, None, (None, None)),
        ([UNKNOWN], "phone", 490, None, (None, None)),
    ],
)
def test_a_named_person_has_what_may_be_in_her_hand(
    people: list[str], thing: str, left: int, before: int | None, after: tuple[int | None, int | None]
) -> None:
    persons = side_by_side()
    found = Segment(thing, rectangle(left, 200, left + 20, 220), _box(0), 0.9, before, None)
    request = Request(tuple(people), thing)
    (given,) = contested(request, [request], persons, measured(persons), [found])
    assert (given.owner, given.rival) == after
    assert given.member == ("An_Yujin" if given.rival is not None else None)


def test_of_two_who_are_named_each_has_one_if_each_can() -> None:
    persons = side_by_side()
    both = Request(("Jang_Wonyoung", "An_Yujin"), "phone")
    # Yujin has the better claim on both, Wonyoung none on the second.
    phones = [
        Segment("phone", rectangle(left, 200, left + 20, 220), _box(0), 0.9, None, None)
        for left in (294, 490)
    ]
    given = contested(both, [both], persons, measured(persons), phones)
    assert [(phone.owner, phone.rival) for phone in given] == [(0, 1), (1, 2)]


def test_what_is_anothers_who_is_asked_for_too_stays_hers() -> None:
    persons = side_by_side()
    hers, others = Request(("An_Yujin",), "phone"), Request(("Jang_Wonyoung",), "phone")
    phone = Segment("phone", rectangle(285, 200, 305, 220), _box(0), 0.9, 0, "Jang_Wonyoung")
    (given,) = contested(hers, [hers, others], persons, measured(persons), [phone])
    assert given is phone
    shirts = Request(("Jang_Wonyoung",), "shirt")
    (given,) = contested(hers, [hers, shirts], persons, measured(persons), [phone])
    assert given.owner == 1


def test_who_is_in_the_picture_twice_and_has_one_has_one() -> None:
    persons = side_by_side()
    collage = [persons[0], replace(persons[1], match=persons[0].match), persons[2]]
    hers = Request(("Jang_Wonyoung",), "phone")
    things = [
        Segment("phone", rectangle(150, 200, 170, 220), _box(0), 0.9, 0, "Jang_Wonyoung"),
        Segment("phone", rectangle(490, 200, 510, 220), _box(0), 0.9, 2, None),
    ]
    assert contested(hers, [hers], collage, measured(collage), things) == things


def test_of_two_phones_that_may_be_hers_she_has_the_likelier() -> None:
    persons = side_by_side()
    unlikely, likely = (
        Segment("phone", rectangle(left, 200, left + 20, 220), _box(0), 0.9, None, None)
        for left in (285, 490)
    )
    hers = Request(("An_Yujin",), "phone")
    given = contested(hers, [hers], persons, measured(persons), [unlikely, likely])
    assert [(phone.owner, phone.rival) for phone in given] == [(None, None), (1, 2)]


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


def test_who_is_asked_for_with_the_same_thing_is_asked_for_together() -> None:
    requests = [
        Request(("An_Yujin",), "phone"),
        Request(("Naoi_Rei",), "bag"),
        Request(("Jang_Wonyoung", "An_Yujin"), "phone"),
        Request((EVERYONE,), "phone"),
        Request((), "phone"),
        Request(("Naoi_Rei",), None),
    ]
    assert of_the_named(requests) == {
        "phone": Request(("An_Yujin", "Jang_Wonyoung"), "phone"),
        "bag": Request(("Naoi_Rei",), "bag"),
    }
