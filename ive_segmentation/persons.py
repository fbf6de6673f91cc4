"""Everyone in the picture: SAM 3's person instances, the faces they show, and whose faces those are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ive_segmentation.identity.faces import Face
from ive_segmentation.identity.matching import Match
from ive_segmentation.possession.body import Body, measure
from ive_segmentation.possession.faces import LARGER, body_box, faces_to_persons
from ive_segmentation.result import PERSON, FaceBox, Person, left_to_right
from ive_segmentation.settings import Measured

if TYPE_CHECKING:
    from ive_segmentation.segmentation.instances import Instance
    from ive_segmentation.segmentation.sam3 import Features, Sam3

CLOSE_UP = 3.0
"""A face this many times as high as another is a close-up and no print, even if no body was found for it."""


def people(
    sam3: Sam3,
    features: Features,
    found: Sequence[Instance],
    faces: Sequence[Face],
    matches: Sequence[Match | None],
) -> list[Person]:
    """Join faces to person instances; where no instance holds a face, ask again for the body below it.

    Args:
        sam3: The model, for the second question.
        features: The picture as SAM 3 sees it.
        found: SAM 3's instances of "person".
        faces: The faces of the picture.
        matches: Whose each face is, or None where there is no bank.

    Returns:
        Everyone, left to right: persons with and without a face, and faces whose body was not found.

    Raises:
        SegmentationError: If SAM 3 cannot answer.
        CheckpointError: If its text encoder is needed and cannot be loaded.
    """
    # Names alone need none of this, and torch takes seconds to load.
    from ive_segmentation.segmentation.instances import instances, mostly_same  # noqa: PLC0415

    bodies: list[Instance | None] = [
        None if holder is None else found[holder] for holder in _holders(faces, found)
    ]
    homeless = [place for place, body in enumerate(bodies) if body is None]
    examples = [body_box(faces[place].box, features.size) for place in homeless]
    for place, answer in zip(homeless, sam3.find_like(features, PERSON, examples), strict=True):
        similar = instances(answer, features.size)
        (holder,) = _holders([faces[place]], similar)
        # An instance that is already someone else's would make two people of one body.
        if holder is not None and not any(
            mostly_same(similar[holder].mask, body.mask) for body in (*found, *bodies) if body
        ):
            bodies[place] = similar[holder]

    shown = [_person(*seen) for seen in zip(bodies, faces, matches, strict=True)]
    taken = {id(body) for body in bodies}
    faceless = [_person(body, None, None) for body in found if id(body) not in taken]
    return left_to_right(_herself_first(shown) + faceless)


def faces_alone(faces: Sequence[Face], matches: Sequence[Match | None]) -> list[Person]:
    """Make persons of faces where there is no SAM 3 to find their bodies.

    Args:
        faces: The faces of the picture.
        matches: Whose each face is, or None where there is no bank.

    Returns:
        One person per face, without a mask, left to right.
    """
    shown = [_person(None, *seen) for seen in zip(faces, matches, strict=True)]
    return left_to_right(_herself_first(shown))


def measured(persons: Sequence[Person]) -> list[Body | None]:
    """Measure everyone in the picture, to judge claims on things by.

    Args:
        persons: Everyone.

    Returns:
        For each the body, or None where none was found.
    """
    return measure(
        [person.mask for person in persons], [person.face.box if person.face else None for person in persons]
    )


def _herself_first(persons: list[Person]) -> list[Person]:
    """Where a card, a poster or a shirt with a member's face was given her name, give it to her instead.

    Both faces are like her photos, so likeness does not tell which is printed. It is the much smaller one, or
    the one without a body while the other has one, unless it is so large that it must be a close-up.
    """
    given = list(persons)
    for place, person in enumerate(persons):
        name = None if person.member else _surely(person)
        for at, one in enumerate(given):
            if name and one.member == name and _is_picture_of(one, person):
                given[at], given[place] = _called(one, None), _called(person, name)
    return given


def _called(person: Person, member: str | None) -> Person:
    return replace(person, match=person.match and replace(person.match, member=member))


def _surely(person: Person) -> str | None:
    """Whose face it is without doubt, whether or not it was given the name."""
    match = person.match
    return match.candidate if match and match.confidence >= Measured.sure_confidence else None


def _is_picture_of(one: Person, other: Person) -> bool:
    """Whether, of two persons with one member's face, the first is probably a printed one."""
    times = _face_height(other) / _face_height(one)
    if (one.mask is None) == (other.mask is None):
        return times >= LARGER
    return times >= (1 / CLOSE_UP if one.mask is None else CLOSE_UP)


def _face_height(person: Person) -> float:
    assert person.face is not None
    return float(person.face.box[3] - person.face.box[1])


def _holders(faces: Sequence[Face], found: Sequence[Instance]) -> list[int | None]:
    return faces_to_persons(
        np.array([face.box for face in faces]),
        np.array([face.keypoints for face in faces]),
        [instance.mask for instance in found],
    )


def _person(body: Instance | None, face: Face | None, match: Match | None) -> Person:
    seen = FaceBox(face.box, face.keypoints, float(face.score)) if face else None
    if body is not None:
        return Person(body.box, body.mask, body.score, seen, match)
    assert face is not None
    return Person(face.box, None, 0.0, seen, match)
