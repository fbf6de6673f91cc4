"""Training batches: crops, flips and light of stored scenes, prompts, and their targets."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ive_segmentation.demo.seen import SLIVER
from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.training.prompts import (
    HELD_INDEX,
    PERSON,
    SYNONYMS,
    answers,
    ask,
    crowded,
    faceless,
    tiny,
)
from ive_segmentation.demo.training.store import Labelled, Store

HARD = 6.0
"""How much oftener a picture is shown in which something is easily missed: one of five is."""
GRIP, GRIP_REACH = 10.0, 0.025
"""How much more a person's pixels count near what is held, and how near, as a share of the picture's side: a
hand is a hundredth of a mask, and decides whose the thing is."""


@dataclass
class Batch:
    """`pictures` images with `len(words) / pictures` prompts each, prompts of one picture side by side.

    Attributes:
        pixels: (B, 3, S, S) uint8, RGB.
        words: The B*K prompts.
        names: A word for each of `CONCEPTS`, now and then another than the first that comes to mind.
        counts: Per prompt the number of its instances, n of them in all.
        boxes: (n, 4) float32 xyxy in 0..1, prompt by prompt.
        masks: (n, M, M) uint8, in the same order: how much of each cell is theirs, 255 is all of it.
        weights: (n,) float32, how much each of them counts, likewise.
        classes: (B, M, M) int64, index of the concept of each cell plus one, 0 for the background.
        extents: (B, 4, M, M) float32, how far from each cell its person's box reaches left, up, right and
            down, in widths and heights of the picture; NaN where nobody is.
        stress: (B, M, M) float32, how much each cell counts in a mask: 1, and `GRIP` more on hands.
        exemplars: (B*K, 1, 4) float32 cxcywh and (B*K, 1) int64 labels (-10: none), or None.
    """

    pixels: torch.Tensor
    words: list[str]
    names: list[str]
    counts: list[int]
    boxes: torch.Tensor
    masks: torch.Tensor
    weights: torch.Tensor
    classes: torch.Tensor
    extents: torch.Tensor
    stress: torch.Tensor
    exemplars: tuple[torch.Tensor, torch.Tensor] | None


def cut(scene: Labelled, rng: np.random.Generator) -> Labelled:
    """Sometimes a part of the picture: round one person, as the pipeline's second look does, or anywhere."""
    height, width = scene.labels.shape
    chance = rng.random()
    if chance < 0.65:
        return scene
    people = answers(scene.parts, "person")
    if chance < 0.85 and people:
        mask = np.isin(scene.labels, people[int(rng.integers(len(people)))])
        if not mask.any():
            return scene
        ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x0, x1, y0, y1 = xs[0], xs[-1] + 1, ys[0], ys[-1] + 1
        left, right, up, down = rng.uniform(-0.05, 0.5, 4) * (
            x1 - x0,
            x1 - x0,
            (y1 - y0) * 0.7,
            (y1 - y0) * 0.7,
        )
        x0, x1, y0, y1 = x0 - left, x1 + right, y0 - up, y1 + down
    else:
        w, h = width * rng.uniform(0.45, 1.0), height * rng.uniform(0.45, 1.0)
        x0, y0 = rng.uniform(0, width - w), rng.uniform(0, height - h)
        x1, y1 = x0 + w, y0 + h
    xs0, ys0 = max(0, int(x0)), max(0, int(y0))
    xs1, ys1 = min(width, max(int(x1), xs0 + 48)), min(height, max(int(y1), ys0 + 48))
    window = np.s_[ys0:ys1, xs0:xs1]
    return Labelled(scene.image[window], scene.labels[window], scene.parts)


def _light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gain = rng.normal(1, 0.05, 3) * rng.normal(1, 0.12)
    levels = np.arange(256)[:, None] * gain + rng.normal(0, 10)
    table = np.rint(levels.clip(0, 255)).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(image), table[:, None])


def resized(scene: Labelled, side: int) -> Labelled:
    """The scene squashed to a square of `side` pixels, as SAM 3 does with any picture."""
    shrinks = scene.image.shape[0] > side
    image = cv2.resize(
        scene.image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    labels = cv2.resize(scene.labels, (side, side), interpolation=cv2.INTER_NEAREST)
    return Labelled(image, labels, scene.parts)


def targets(
    labels: np.ndarray, wanted: tuple[tuple[int, ...], ...], cells: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes (n, 4) xyxy in 0..1 and masks (n, cells, cells) of the wanted instances that can be seen.

    Masks are uint8, 255 for a cell that is all theirs: a batch of them goes from process to process.
    """
    side = labels.shape[0]
    boxes, masks = [], []
    for values in wanted:
        chosen = np.zeros(256, np.uint8)
        chosen[list(values)] = 255
        mask = cv2.LUT(labels, chosen)
        if cv2.countNonZero(mask) < SLIVER * side * side:
            continue
        x, y, w, h = cv2.boundingRect(mask)
        boxes.append([x / side, y / side, (x + w) / side, (y + h) / side])
        masks.append(cv2.resize(mask, (cells, cells), interpolation=cv2.INTER_AREA))
    return (
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.from_numpy(np.array(masks, np.uint8).reshape(-1, cells, cells)),
    )


def _extents(labels: np.ndarray, people: tuple[tuple[int, ...], ...]) -> torch.Tensor:
    """(4, M, M): see `Batch.extents`; `labels` (M, M) is the label map at the cells' resolution."""
    side = labels.shape[0]
    grid = (np.arange(side, dtype=np.float32) + 0.5) / side
    out = np.full((4, side, side), np.nan, np.float32)
    for values in people:
        mask = np.isin(labels, values)
        if mask.any():
            x, y, w, h = (v / side for v in cv2.boundingRect(mask.astype(np.uint8)))
            reach = np.broadcast_arrays(
                grid[None] - x, grid[:, None] - y, x + w - grid[None], y + h - grid[:, None]
            )
            out[:, mask] = np.stack(reach)[:, mask]
    return torch.from_numpy(out)


def hand_stress(labels: np.ndarray, parts: np.ndarray) -> torch.Tensor:
    """(M, M): see `Batch.stress`; `labels` (M, M) is the label map at the cells' resolution."""
    kinds = np.concatenate([[-1], parts[:, 0]])[labels]
    held = np.isin(kinds, list(HELD_INDEX))
    reach = 2 * round(GRIP_REACH * labels.shape[0]) + 1
    around = cv2.dilate(held.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return torch.from_numpy(1 + GRIP * ((around > 0) & (kinds == PERSON)).astype(np.float32))


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """0..255, uint8, to -1..1, float32 of the same shape: what Sam3ImageProcessor hands to the model."""
    return pixels.float() / 127.5 - 1


class Batches:
    """Batches of `pictures` stored scenes, squashed to `side` pixels; masks have `cells` cells a side.

    A person whose face is hidden counts `hidden` times where one stands before another.
    """

    def __init__(self, store: Store, side: int, cells: int, pictures: int, hidden: float) -> None:
        self.store, self.side, self.cells, self.pictures, self.hidden = store, side, cells, pictures, hidden
        odds = np.where(store.hard, HARD, 1.0)
        self._odds = odds / odds.sum()

    def batch(self, rng: np.random.Generator, prompts: int) -> Batch:
        """One batch with `prompts` prompts for each picture, everything random from `rng`."""
        pixels, words, boxes, masks, classes, extents, stress = [], [], [], [], [], [], []
        weights: list[float] = []
        for index in rng.choice(len(self.store), self.pictures, p=self._odds):
            scene = resized(cut(self.store[int(index)], rng), self.side)
            image, labels = _light(scene.image, rng), scene.labels
            if rng.random() < 0.5:
                image, labels = image[:, ::-1], np.ascontiguousarray(labels[:, ::-1])
            pixels.append(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))))
            seen = np.bincount(labels.ravel(), minlength=len(scene.parts) + 1)[1 : len(scene.parts) + 1]
            visible = seen >= SLIVER * self.side**2
            shown = scene.parts[visible]
            kept = np.flatnonzero(visible) + 1
            small = cv2.resize(labels, (self.cells, self.cells), interpolation=cv2.INTER_NEAREST)
            people = answers(scene.parts, "person")
            sought = tiny(shown, seen[visible] / labels.size)
            crossing = crowded(small, people)
            for asked in ask(rng, shown, prompts, crossing, sought):
                wanted = tuple(tuple(int(kept[v - 1]) for v in values) for values in asked.answers)
                found, shapes = targets(labels, wanted, self.cells)
                behind = crossing and asked.concept == "person"
                # What can be seen of it at all is an instance: none of the answers fell out of the targets.
                weights += [
                    self.hidden if behind and faceless(shown, values) else 1.0 for values in asked.answers
                ]
                words.append(asked.words)
                boxes.append(found)
                masks.append(shapes)
            concept = np.concatenate([[0], scene.parts[:, 0].astype(int) + 1])
            classes.append(torch.from_numpy(concept[small]))
            extents.append(_extents(small, people))
            stress.append(hand_stress(small, scene.parts))
        exemplars = self._exemplars(boxes, rng) if rng.random() < 0.15 else None
        dense = torch.stack(classes), torch.stack(extents), torch.stack(stress)
        names = [str(rng.choice((name, name, *SYNONYMS.get(name, ())))) for name in CONCEPTS]
        counts = [len(found) for found in boxes]
        # Merged, because every tensor costs a file descriptor on its way from one process to another.
        instances = torch.cat(boxes), torch.cat(masks), torch.tensor(weights)
        return Batch(torch.stack(pixels), words, names, counts, *instances, *dense, exemplars)

    @staticmethod
    def _exemplars(boxes: list[torch.Tensor], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """For two prompts of three, a roughly drawn box round one of the instances sought."""
        prompts = torch.full((len(boxes), 1, 4), 0.5)
        labels = torch.full((len(boxes), 1), -10, dtype=torch.long)
        for i, found in enumerate(boxes):
            if len(found) and rng.random() < 0.67:
                x0, y0, x1, y1 = found[int(rng.integers(len(found)))].tolist()
                w, h = x1 - x0, y1 - y0
                dx, dy, dw, dh = rng.normal(0, 0.06, 4)
                prompts[i, 0] = torch.tensor(
                    [(x0 + x1) / 2 + dx * w, (y0 + y1) / 2 + dy * h, w * (1 + dw), h * (1 + dh)]
                )
                labels[i, 0] = 1
        return prompts.clamp(0.01, 0.99), labels
