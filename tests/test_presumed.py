"""What is done for those whom a prompt names, because it says that they have the thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ive_segmentation.identity.matching import Match
from ive_segmentation.language import EVERYONE, UNKNOWN, Request
from ive_segmentation.persons import measured
from ive_segmentation.presumed import contested, of_the_named
from ive_segmentation.result import Person, Segment
from tests.possession.figures import rectangle

BOX = np.array([0, 0, 8, 10], np.float32)


def side_by_side() -> list[Person]:
    """Wonyoung, Yujin and a stranger, each a hand's breadth from the next."""
    boxes = [(100, 100, 300, 390), (300, 100, 500, 390), (500, 100, 700, 390)]
    members = ("Jang_Wonyoung", "An_Yujin", None)
    return [
        Person(
            np.array(box, np.float32),
            rectangle(*box),
            0.8,
            None,
            Match(member, 0.7, None, None, (), 0.9, member),
        )
        for member, box in zip(members, boxes, strict=True)
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
        ([UNKNOWN], "phone", 490, None, (None, None)),
    ],
)
def test_a_named_person_has_what_may_be_in_her_hand(
    people: list[str], thing: str, left: int, before: int | None, after: tuple[int | None, int | None]
) -> None:
    persons = side_by_side()
    found = Segment(thing, rectangle(left, 200, left + 20, 220), BOX, 0.9, before, None)
    request = Request(tuple(people), thing)
    (given,) = contested(request, [request], persons, measured(persons), [found])
    assert (given.owner, given.rival) == after
    assert given.member == ("An_Yujin" if given.rival is not None else None)


def test_of_two_who_are_named_each_has_one_if_each_can() -> None:
    persons = side_by_side()
    both = Request(("Jang_Wonyoung", "An_Yujin"), "phone")
    # Yujin has the better claim on both, Wonyoung none on the second.
    phones = [
        Segment("phone", rectangle(left, 200, left + 20, 220), BOX, 0.9, None, None) for left in (294, 490)
    ]
    given = contested(both, [both], persons, measured(persons), phones)
    assert [(phone.owner, phone.rival) for phone in given] == [(0, 1), (1, 2)]


def test_what_is_anothers_who_is_asked_for_too_stays_hers() -> None:
    persons = side_by_side()
    hers, others = Request(("An_Yujin",), "phone"), Request(("Jang_Wonyoung",), "phone")
    phone = Segment("phone", rectangle(285, 200, 305, 220), BOX, 0.9, 0, "Jang_Wonyoung")
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
        Segment("phone", rectangle(150, 200, 170, 220), BOX, 0.9, 0, "Jang_Wonyoung"),
        Segment("phone", rectangle(490, 200, 510, 220), BOX, 0.9, 2, None),
    ]
    assert contested(hers, [hers], collage, measured(collage), things) == things


def test_of_two_phones_that_may_be_hers_she_has_the_likelier() -> None:
    persons = side_by_side()
    unlikely, likely = (
        Segment("phone", rectangle(left, 200, left + 20, 220), BOX, 0.9, None, None) for left in (285, 490)
    )
    hers = Request(("An_Yujin",), "phone")
    given = contested(hers, [hers], persons, measured(persons), [unlikely, likely])
    assert [(phone.owner, phone.rival) for phone in given] == [(None, None), (1, 2)]


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
