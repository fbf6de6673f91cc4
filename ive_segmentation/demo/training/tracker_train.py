"""Teaches the small tracker to follow drawn people and things, beside a detector that learns no more."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional
from transformers import Sam3VideoModel

from ive_segmentation.demo.things import CONCEPTS, HELD
from ive_segmentation.demo.training.batches import lit, normalised, resized
from ive_segmentation.demo.training.losses import dice
from ive_segmentation.demo.training.prompts import HELD_INDEX, PERSON
from ive_segmentation.demo.training.small_sam3 import CELLS, SIDE, detector_hash
from ive_segmentation.demo.training.small_tracker import export, follow, tracking_model
from ive_segmentation.demo.training.store import WALK_FRAMES, Labelled, Store
from ive_segmentation.demo.training.workers import Lesson, Pace, Terms

#: Things that can be told by concept and owner; who has two of a kind is asked for neither.
SINGLE = ("hair", "shirt", "skirt", "pants", "dress", "jacket", "hat", *HELD)


@dataclass(frozen=True)
class Walk:
    """Frames of one clip and B instances in them.

    Attributes:
        pixels: (T, 3, S, S) float32, normalised.
        masks: (T, B, M, M) float32, 0 to 1; all 0 where the instance is not seen.
    """

    pixels: torch.Tensor
    masks: torch.Tensor


def instances(scene: Labelled) -> dict[tuple[int, int], tuple[int, ...]]:
    """What can be followed in a frame, by concept and owner: the values of the label map it is made of."""
    found: dict[tuple[int, int], tuple[int, ...]] = {}
    for row, (concept, owner, _) in enumerate(scene.parts.tolist()):
        if owner < 0:
            continue
        if concept not in HELD_INDEX:
            found[PERSON, owner] = (*found.get((PERSON, owner), ()), row + 1)
        if CONCEPTS[concept] in SINGLE:
            found[concept, owner] = (*found.get((concept, owner), ()), row + 1)
    return {key: values for key, values in found.items() if key[0] == PERSON or len(values) == 1}


def walk(frames: list[Labelled], most: int, rng: np.random.Generator) -> Walk:
    """A lesson out of some frames of a clip, mirrored or not, all in one light.

    Args:
        frames: in order.
        most: how many instances at most; half of them persons, where there are enough.
        rng: decides everything.
    """
    mirrored, seed = bool(rng.random() < 0.5), int(rng.integers(2**31))
    pixels, masks = [], []
    chosen: list[tuple[int, int]] = []
    for number, whole in enumerate(frames):
        frame = resized(whole, SIDE)
        image, labels = lit(frame.image, np.random.default_rng(seed)), frame.labels
        if mirrored:
            image, labels = image[:, ::-1], np.ascontiguousarray(labels[:, ::-1])
        there = instances(whole)
        if number == 0:
            seen = [key for key, values in there.items() if (_cover(labels, values) >= 0.5).any()]
            keys = [seen[i] for i in rng.permutation(len(seen))]
            persons, things = [k for k in keys if k[0] == PERSON], [k for k in keys if k[0] != PERSON]
            chosen = [*persons[: most // 2], *things, *persons[most // 2 :]][:most]
        pixels.append(normalised(image))
        masks.append([_cover(labels, there.get(key, ())) for key in chosen])
    return Walk(torch.stack(pixels), torch.from_numpy(np.array(masks, np.float32)))


def _cover(labels: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    chosen = np.zeros(256, np.float32)
    chosen[list(values)] = 1
    return cv2.resize(chosen[labels], (CELLS, CELLS), interpolation=cv2.INTER_AREA)


def terms_of(model: Sam3VideoModel, lesson: Walk, since: int = 0) -> Terms:
    """Cross-entropy and dice of the masks where the instance is seen, and whether it is.

    Args:
        model: detector and tracker.
        lesson: what is followed.
        since: as in `follow`.
    """
    device = model.tracker_model.no_object_pointer.device
    lesson = Walk(lesson.pixels.to(device), lesson.masks.to(device))
    followed = follow(model, lesson.pixels, lesson.masks[0] >= 0.5, since)
    masks = torch.stack([each.masks for each in followed])
    present = torch.stack([each.present for each in followed])
    truth = lesson.masks[1:]
    there = truth.flatten(2).amax(2) >= 0.5
    terms = {"present": functional.binary_cross_entropy_with_logits(present, there.float())}
    # Where the tracker says that nothing is there, its mask is a constant: that is the other term's lesson.
    shown = there & (present > 0)
    logits, wanted = masks[shown].flatten(1), truth[shown].flatten(1)
    if len(logits):
        entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        terms["mask"] = 10 * entropy.mean()
        terms["dice"] = 2 * dice(logits, wanted).mean()
    return terms


@dataclass
class TrackerLesson(Lesson):
    """Follow what a mask marks in one frame through the next ones.

    Attributes:
        shards: clips, "walks" of `store.draw_ahead`.
        detector: the checkpoint whose detector sees.
        out: folder of the checkpoint of both.
        frames: of a lesson, at most four frames of the clip apart; more than are remembered.
        instances: at most, of a lesson.
    """

    shards: list[Path]
    detector: Path
    out: Path
    frames: int = 6
    instances: int = 3
    name = "tracker"

    @property
    def origin(self) -> str:
        """The detector that sees."""
        return f"{self.name} beside {detector_hash(self.detector)}"

    def begin(self) -> Sam3VideoModel:
        """The detector with a new tracker."""
        self._store = Store(self.shards)
        return tracking_model(self.detector).train()

    def terms(self, student: Sam3VideoModel, step: int, rng: np.random.Generator) -> Terms:  # noqa: ARG002
        """The weighted terms of a step."""
        clip = int(rng.integers(len(self._store) // WALK_FRAMES)) * WALK_FRAMES
        apart, since = int(rng.choice([1, 1, 2, 3, 4])), int(rng.choice([0, 0, 0, 4, 20, 80]))
        start = int(rng.integers(WALK_FRAMES - apart * (self.frames - 1)))
        order = range(start, start + apart * self.frames, apart)
        chosen = [self._store[clip + i] for i in (order if rng.random() < 0.5 else reversed(order))]
        lesson = walk(chosen, self.instances, rng)
        if not lesson.masks.shape[1]:
            return {"present": student.tracker_model.no_object_pointer.sum() * 0}
        return terms_of(student, lesson, since)

    def finish(self, student: Sam3VideoModel) -> None:
        """Write the checkpoint."""
        export(student, self.out)


PACE = Pace(steps=3000, rate=1e-3, warmup=100, fall=0.5)
