"""What is seen of what was drawn: the truth, read off the canvas."""

from dataclasses import dataclass

import numpy as np

from ive_segmentation.demo.canvas import Canvas
from ive_segmentation.demo.identities import Identity
from ive_segmentation.demo.people import Drawn
from ive_segmentation.demo.truth import DrawnPerson, DrawnThing, Scene, box_of

FACE_SHOWN = 0.42
"""A face counts as shown from this share of its own area on; the fringe alone hides up to a third."""
SLIVER = 2.5e-4
"""Slivers are no instance: the least visible pixels, as a share of the picture."""


@dataclass(frozen=True)
class Seen:
    """A scene, and where its parts come from.

    Attributes:
        scene: The picture and its truth.
        cast: For each of the scene's persons, the index among all who were drawn.
        labels: For each of the scene's things, its value of the label map.
    """

    scene: Scene
    cast: tuple[int, ...]
    labels: tuple[int, ...]


def read_canvas(
    canvas: Canvas, image: np.ndarray, cast: list[Identity], drawn: list[Drawn], loose: list[int]
) -> Seen:
    """Find out what can be seen of everything that was drawn.

    Args:
        canvas: Where it was drawn.
        image: (H, W, 3) uint8 RGB, the canvas's picture as it is to be shown.
        cast: Who was drawn, from the back to the front.
        drawn: What drawing each of them left on the canvas.
        loose: Labels of the things that nobody holds.

    Returns:
        The scene, without the persons and things of which too little is seen.
    """
    sliver = SLIVER * canvas.labels.size
    found = [_person(canvas, who, parts, sliver) for who, parts in zip(cast, drawn, strict=True)]
    kept = tuple(i for i, person in enumerate(found) if person is not None)
    things: list[DrawnThing] = []
    labels: list[int] = []
    for value in [*loose, *(v for parts in drawn for v in (*parts.worn, *parts.held))]:
        entry, mask = canvas.table[value], canvas.labels == value
        if mask.sum() > sliver:
            owner = kept.index(entry.owner) if entry.owner in kept else None
            grip_seen = _grip_seen(canvas, value, drawn)
            things.append(DrawnThing(entry.concept, mask, owner, entry.colour, grip_seen))
            labels.append(value)
    scene = Scene(image, [person for person in found if person is not None], things)
    return Seen(scene, kept, tuple(labels))


def _visible(canvas: Canvas, values: list[int]) -> np.ndarray:
    chosen = np.zeros(256, bool)
    chosen[values] = True
    return chosen[canvas.labels]


def _grip_seen(canvas: Canvas, value: int, drawn: list[Drawn]) -> bool:
    grip = next((parts.grips[value] for parts in drawn if value in parts.grips), None)
    if grip is None:
        return True
    (x, y), (height, width) = np.floor(grip).astype(int), canvas.labels.shape
    inside = 0 <= x < width and 0 <= y < height
    return bool(inside and canvas.table[canvas.labels[y, x]].owner == canvas.table[value].owner)


def _person(canvas: Canvas, who: Identity, drawn: Drawn, sliver: float) -> DrawnPerson | None:
    mask = _visible(canvas, [drawn.body, drawn.face, drawn.hair, *drawn.worn])
    if mask.sum() < 8 * sliver:
        return None
    glasses = [v for v in drawn.worn if canvas.table[v].concept == "glasses"]
    face, hair = _visible(canvas, [drawn.face, *glasses]), _visible(canvas, [drawn.hair])
    share = float(face.sum() / drawn.face_area) if drawn.face_area else 0.0
    points = drawn.keypoints
    height, width = face.shape
    if points is not None and share >= FACE_SHOWN and (points > 0).all() and (points < (width, height)).all():
        box, points = box_of(face), points.astype(np.float32)
    else:
        box, points = None, None
    return DrawnPerson(
        identity=who.member,
        mask=mask,
        face=face if face.sum() > sliver else None,
        hair=hair if hair.sum() > sliver else None,
        face_box=box,
        keypoints=points,
        face_visible=min(1.0, share),
    )
