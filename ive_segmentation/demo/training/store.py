"""Scenes drawn ahead of training: JPEG pictures and PNG label maps in .npz shards, without pickle."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from ive_segmentation.demo.canvas import PALETTE
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.truth import Scene

COLOURS = tuple(PALETTE)
SIZES = ((480, 480), (560, 420), (420, 560), (640, 448), (640, 480), (512, 384))
SHARD = 250


@dataclass(frozen=True)
class Labelled:
    """A picture and what each of its pixels belongs to.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8; 0 is the background, i the part in row i - 1 of `parts`.
        parts: (N, 3) int16: index in `CONCEPTS`, owner (-1: nobody's), index in `COLOURS` (-1: none).
    """

    image: np.ndarray
    labels: np.ndarray
    parts: np.ndarray


def label(scene: Scene) -> Labelled:
    """A scene with its masks folded into one map: the parts of one picture never share a pixel."""
    labels = np.zeros(scene.image.shape[:2], np.uint8)
    parts: list[tuple[int, int, int]] = []

    def paint(concept: str, mask: np.ndarray | None, owner: int | None, colour: str | None = None) -> None:
        if mask is not None:
            shade = COLOURS.index(colour) if colour in COLOURS else -1
            parts.append((CONCEPTS.index(concept), -1 if owner is None else owner, shade))
            labels[mask] = len(parts)

    for owner, person in enumerate(scene.persons):
        paint("person", person.mask, owner)
        paint("face", person.face, owner)
        paint("hair", person.hair, owner)
    for thing in scene.things:
        paint(thing.concept, thing.mask, thing.owner, thing.colour)
    return Labelled(scene.image, labels, np.array(parts, np.int16).reshape(-1, 3))


def training_scene(seed: int) -> Labelled:
    """The training scene of a seed; the picture's shape and the share of held things vary with it."""
    rng = np.random.default_rng([seed, 7])
    size = SIZES[int(rng.integers(len(SIZES)))]
    return label(draw_scene(seed, size=size, holding=float(rng.choice([0.35, 0.6]))))


def _pack(values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(values), np.cumsum([0, *map(len, values)])


def _write_shard(folder: Path, start: int, count: int) -> Path:
    target = folder / f"scenes-{start:07d}-{count}.npz"
    if target.exists():
        return target
    cv2.setNumThreads(1)
    images, maps, parts = [], [], []
    for seed in range(start, start + count):
        drawn = training_scene(seed)
        quality = int(np.random.default_rng([seed, 8]).integers(60, 96))
        images.append(
            cv2.imencode(".jpg", drawn.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].ravel()
        )
        maps.append(cv2.imencode(".png", drawn.labels)[1].ravel())
        parts.append(drawn.parts.ravel())
    arrays: dict[str, Any] = {}
    for name, values in (("images", images), ("maps", maps), ("parts", parts)):
        arrays[name], arrays[f"{name}_at"] = _pack(values)
    unfinished = target.with_suffix(".tmp.npz")
    np.savez(unfinished, **arrays)
    unfinished.rename(target)
    return target


def draw_ahead(folder: Path, count: int, first_seed: int = 0, workers: int = 2) -> list[Path]:
    """Write `count` scenes into shards under `folder` (those already there are kept); their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(first_seed, first_seed + count, SHARD)
    job = partial(_write_shard, folder, count=SHARD)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return list(tqdm(pool.imap(job, starts), total=len(starts), desc="drawing scenes", unit="shard"))


class Store:
    """All scenes of some shards, kept encoded in memory."""

    def __init__(self, paths: list[Path]) -> None:
        self.shards = []
        for path in paths:
            with np.load(path, allow_pickle=False) as arrays:
                self.shards.append({name: arrays[name] for name in arrays.files})

    def __len__(self) -> int:
        return len(self.shards) * SHARD

    def __iter__(self) -> Iterator[Labelled]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Labelled:
        shard, at = self.shards[index // SHARD], index % SHARD

        def piece(name: str) -> np.ndarray:
            ends = shard[f"{name}_at"]
            return shard[name][ends[at] : ends[at + 1]]

        image = cv2.imdecode(piece("images"), cv2.IMREAD_COLOR)
        labels = cv2.imdecode(piece("maps"), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert labels is not None
        return Labelled(image[:, :, ::-1], labels, piece("parts").reshape(-1, 3))
