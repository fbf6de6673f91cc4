"""The gallery's health: photos that harm the bank, and members whose photos say too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.identity.misplaced import find_misplaced, find_same_person
from ive_segmentation.identity.quality import turn_and_nod
from ive_segmentation.settings import Measured


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one photo."""

    photo: str
    """Relative path, `Member/file.jpg`."""
    kind: str
    """wrong folder, duplicate, several faces, small, blurred, extreme pose, or left out."""
    reason: str
    """In words, with what to do."""
    resembles: str | None = None
    """The member (wrong folder) or the photo (duplicate) it looks like."""


@dataclass(frozen=True)
class Advice:
    """What a member's photos lack."""

    member: str
    """Her folder name."""
    reason: str
    """What is lacking, and what to add."""


@dataclass(frozen=True)
class Audit:
    """What is wrong with a bank's photos."""

    findings: tuple[Finding, ...]
    """By kind, the worst first: wrong folders, photos left out, several faces, poor photos."""
    advice: tuple[Advice, ...]
    """Member by member."""


def audit(gallery: Gallery) -> Audit:
    """Look for photos that harm the bank, and for members who need other photos.

    Args:
        gallery: The bank; its report knows the photos that were left out.

    Returns:
        The findings and the advice.
    """
    findings = [
        *_misplaced(gallery),
        *_left_out(gallery),
        *_several(gallery),
        *_poor(gallery),
    ]
    return Audit(tuple(findings), tuple(_advice(gallery)))


def _misplaced(gallery: Gallery) -> Iterator[Finding]:
    if len(gallery.names) < 2:
        return
    scores = gallery.left_one_out
    same = {frozenset(pair) for pair in find_same_person(scores, gallery.labels)}
    for row, member in find_misplaced(scores, gallery.labels).items():
        own = gallery.labels[row]
        if frozenset((int(own), member)) in same:
            continue
        name = gallery.names[member]
        there = f"{gallery.members[row]} ({scores[row, own]:.2f})"
        if scores[row, own] <= -1.0:
            there = f"{gallery.members[row]}, which has no other photo"
        yield Finding(
            gallery.photos[row],
            "wrong folder",
            f"fits {name} ({scores[row, member]:.2f}) better than {there}: move it, or take it away",
            name,
        )


def _left_out(gallery: Gallery) -> Iterator[Finding]:
    for item in gallery.report.left_out:
        if "duplicate of " in item.reason:
            original = item.reason.split("duplicate of ", 1)[1]
            elsewhere = item.photo.split("/")[0] != original.split("/")[0]
            why = "whose is it?" if elsewhere else "it adds nothing"
            yield Finding(item.photo, "duplicate", f"{item.reason}: {why}", original)
        else:
            yield Finding(item.photo, "left out", item.reason)


def _several(gallery: Gallery) -> Iterator[Finding]:
    for photo, faces in zip(gallery.photos, gallery.face_counts, strict=True):
        if faces > 1:
            yield Finding(
                photo,
                "several faces",
                f"{faces} faces; the one most like the folder's others is taken: cut it out",
            )


def _poor(gallery: Gallery) -> Iterator[Finding]:
    for row, photo in enumerate(gallery.photos):
        width = float(gallery.boxes[row, 2] - gallery.boxes[row, 0])
        turn, nod = turn_and_nod(gallery.keypoints[row])
        sharpness = float(gallery.sharpness[row])
        if width < Measured.small_face:
            yield Finding(
                photo, "small", f"the face is {width:.0f} pixels wide; {Measured.small_face} are needed"
            )
        if sharpness < Measured.blurred_face:
            yield Finding(photo, "blurred", f"sharpness {sharpness:.0f}, below {Measured.blurred_face:.0f}")
        if abs(turn) > Measured.extreme_turn:
            yield Finding(photo, "extreme pose", "the face is seen from the side")
        elif not Measured.least_nod <= nod <= Measured.most_nod:
            way = "thrown back" if nod < Measured.least_nod else "bent down"
            yield Finding(photo, "extreme pose", f"the head is {way}")


def _advice(gallery: Gallery) -> Iterator[Advice]:
    if len(gallery.names) > 1:
        for first, second in find_same_person(gallery.left_one_out, gallery.labels):
            yield Advice(gallery.names[second], f"looks like the same person as {gallery.names[first]}")
    turns = np.array([turn_and_nod(points)[0] for points in gallery.keypoints])
    similarities = gallery.embeddings @ gallery.embeddings.T
    for label, name in enumerate(gallery.names):
        rows = np.flatnonzero(gallery.labels == label)
        if len(rows) < Measured.enough_photos:
            photos = "1 photo" if len(rows) == 1 else f"{len(rows)} photos"
            yield Advice(name, f"{photos}; add {Measured.enough_photos - len(rows)} or more")
        if len(rows) < 2:
            continue
        if np.abs(turns[rows]).max() < Measured.turned_face:
            yield Advice(name, "all photos are frontal; add some from the side")
        elif (turns[rows] > -Measured.turned_face).all() or (turns[rows] < Measured.turned_face).all():
            side = "left" if turns[rows].mean() < 0 else "right"
            other = "right" if side == "left" else "left"
            yield Advice(name, f"no photo is turned to the {other} of the picture; add some")
        own = similarities[np.ix_(rows, rows)][np.triu_indices(len(rows), 1)]
        if len(rows) >= 4 and np.median(own) > Measured.same_shoot:
            yield Advice(
                name, "the photos are much alike, as if from one shoot; add other days, light and make-up"
            )
