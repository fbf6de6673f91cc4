"""Everyone in the picture: SAM 3's person instances, the faces they show, and whose faces those are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import supervision as sv

from ive_segmentation.identity.faces import Face
from ive_segmentation.identity.matching import Match
from ive_segmentation.possession.faces import body_box, faces_to_persons
from ive_segmentation.result import FaceBox, Mask, Person
from ive_segmentation.segmentation.sam3 import Features, Sam3

PERSON = "person"
"""The noun SAM 3 is asked for to find people."""


def people(
    sam3: Sam3,
    features: Features,
    instances: sv.Detections,
    faces: Sequence[Face],
    matches: Sequence[Match | None],
) -> list[Person]:
    """Join faces to person instances; where no instance holds a face, ask again for the body below it.

    Args:
        sam3: The model, for the second question.
        features: The picture as SAM 3 sees it.
        instances: What SAM 3 found for "person".
        faces: The faces of the picture.
        matches: Whose each face is, or None where there is no bank.

    Returns:
        Everyone, left to right: persons with and without a face, and faces whose body was not found.
    """
    masks = list(instances.mask)
    held_by = _holders(faces, masks)
    bodies: dict[int, Mask] = {}
    scores: dict[int, float] = {}
    for face, detections in zip(
        homeless := [place for place, holder in enumerate(held_by) if holder is None],
        sam3.find_like(features, PERSON, [body_box(faces[place].box, features.size) for place in homeless]),
        strict=True,
    ):
        instance = _holders([faces[face]], list(detections.mask))[0]
        # An instance that is already someone else's would make two people of one body.
        if instance is not None and not _is_taken(detections.mask[instance], masks):
            bodies[face], scores[face] = detections.mask[instance], float(detections.confidence[instance])

    persons = []
    for place, (face, match) in enumerate(zip(faces, matches, strict=True)):
        holder = held_by[place]
        if holder is not None:
            persons.append(_person(masks[holder], float(instances.confidence[holder]), face, match))
        else:
            persons.append(_person(bodies.get(place), scores.get(place, 0.0), face, match))
    for row in set(range(len(masks))) - set(held_by):
        persons.append(_person(masks[row], float(instances.confidence[row]), None, None))
    return _left_to_right(persons)


def faces_alone(faces: Sequence[Face], matches: Sequence[Match | None]) -> list[Person]:
    """Make persons of faces where there is no SAM 3 to find their bodies.

    Args:
        faces: The faces of the picture.
        matches: Whose each face is, or None where there is no bank.

    Returns:
        One person per face, without a mask, left to right.
    """
    return _left_to_right([_person(None, 0.0, *pair) for pair in zip(faces, matches, strict=True)])


def _holders(faces: Sequence[Face], masks: Sequence[Mask]) -> list[int | None]:
    return faces_to_persons(
        np.array([face.box for face in faces]), np.array([face.keypoints for face in faces]), masks
    )


def _is_taken(mask: Mask, masks: Sequence[Mask]) -> bool:
    """Whether another instance is mostly the same pixels (IoU of a half, COCO's measure of "the same")."""
    return any(
        np.count_nonzero(mask & other) > 0.5 * np.count_nonzero(mask | other) for other in masks
    )


def _person(mask: Mask | None, score: float, face: Face | None, match: Match | None) -> Person:
    if mask is not None:
        box = sv.mask_to_xyxy(mask[None])[0].astype(np.float32)
        box[2:] += 1  # supervision counts the last pixel, a box here ends behind it
    else:
        assert face is not None
        box = face.box
    seen = face and FaceBox(face.box, face.keypoints, float(face.score))
    return Person(box, mask, score, seen, match)


def _left_to_right(persons: list[Person]) -> list[Person]:
    return sorted(persons, key=lambda person: float(person.box[0] + person.box[2]))
