"""The exact truth of a drawn scene, and its COCO form."""

from dataclasses import dataclass

import numpy as np

from ive_segmentation.coco import encode
from ive_segmentation.demo.things import CONCEPTS


@dataclass(frozen=True)
class DrawnPerson:
    """One person of a scene; masks are (H, W) bool and hold what is visible.

    Attributes:
        identity: The member's folder name, or None for a stranger.
        mask: The person with what is worn, without what is held.
        face, hair: Parts of the mask (the face with its glasses); None where nothing of them is visible.
        face_box: Xyxy float32 pixels, None when turned away, hidden, or cut off.
        keypoints: (5, 2) float32 pixels in InsightFace's order, None with the box.
        face_visible: Share of the face's own area that is seen, 0 to 1.
    """

    identity: str | None
    mask: np.ndarray
    face: np.ndarray | None
    hair: np.ndarray | None
    face_box: np.ndarray | None
    keypoints: np.ndarray | None
    face_visible: float


@dataclass(frozen=True)
class DrawnThing:
    """One thing of a scene.

    Attributes:
        concept: One of `CONCEPTS`.
        mask: (H, W) bool: what is visible of it.
        owner: Index of the scene's person, None for nobody's.
        colour: A word of `PALETTE`, or None.
        grip_seen: False where the hand that holds it is hidden by somebody else or out of the picture: then
            even a careful viewer can only guess whose it is.
    """

    concept: str
    mask: np.ndarray
    owner: int | None
    colour: str | None = None
    grip_seen: bool = True


@dataclass(frozen=True)
class Scene:
    """A drawn picture with its truth.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        persons: From the back to the front.
        things: What is worn, held, or lies about.
    """

    image: np.ndarray
    persons: list[DrawnPerson]
    things: list[DrawnThing]

    def instances(self, concept: str) -> list[np.ndarray]:
        """The visible masks of everything a concept of `CONCEPTS` names, faces and hair included."""
        if concept == "person":
            return [person.mask for person in self.persons]
        if concept in ("face", "hair"):
            parts = [getattr(person, concept) for person in self.persons]
            return [part for part in parts if part is not None]
        return [thing.mask for thing in self.things if thing.concept == concept]


def box_of(mask: np.ndarray) -> np.ndarray:
    """The box (4,) float32, xyxy pixels, round a mask (H, W) bool that holds at least one pixel."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1], np.float32)


def _annotation(index: int, concept: str, mask: np.ndarray, **extra: object) -> dict[str, object]:
    x0, y0, x1, y1 = (float(v) for v in box_of(mask))
    return {
        "id": index,
        "image_id": 1,
        "category_id": CONCEPTS.index(concept) + 1,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": encode(mask),
        **extra,
    }


def to_coco(scene: Scene) -> dict[str, object]:
    """The scene's truth as a COCO dataset of one image.

    Persons carry `identity`, `face_bbox` (xywh) and `face_keypoints`; things and parts carry `owner`, the
    annotation id of the person they belong to (None for nobody's), and `colour`.
    """
    height, width = scene.image.shape[:2]
    annotations: list[dict[str, object]] = []
    for person in scene.persons:
        box, points = person.face_box, person.keypoints
        annotations.append(
            _annotation(
                len(annotations) + 1,
                "person",
                person.mask,
                identity=person.identity,
                face_bbox=None if box is None else [*map(float, box[:2]), *map(float, box[2:] - box[:2])],
                face_keypoints=None if points is None else points.astype(float).tolist(),
                face_visible=person.face_visible,
            )
        )
    parts = [
        DrawnThing(concept, mask, owner)
        for owner, person in enumerate(scene.persons)
        for concept, mask in (("face", person.face), ("hair", person.hair))
        if mask is not None
    ]
    for thing in [*parts, *scene.things]:
        owner = None if thing.owner is None else thing.owner + 1
        extra = {"owner": owner, "colour": thing.colour, "grip_seen": thing.grip_seen}
        annotations.append(_annotation(len(annotations) + 1, thing.concept, thing.mask, **extra))
    return {
        "info": {"description": "Drawn by ive_segmentation.demo; nobody in it is real."},
        "images": [{"id": 1, "file_name": "scene.png", "width": width, "height": height}],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(CONCEPTS)],
        "annotations": annotations,
    }
