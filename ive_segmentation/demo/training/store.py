"""Scenes and clips drawn ahead of training: JPEG pictures, PNG label maps, in .npz shards without pickle."""

import itertools
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from ive_segmentation.demo.clips import draw_clip
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.seen import SLIVER
from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.training.prompts import COLOURS, HIDING, answers, crowded, tiny
from ive_segmentation.demo.truth import Scene

SIZES = ((480, 480), (560, 420), (420, 560), (640, 448), (640, 480), (512, 384))
SHARD = 250
CLIP_FRAMES, CLIP_RATE = 10, 2
"""Frames taken of one clip and how many a second: far enough apart to differ."""
FIRST_CLIP, FIRST_CROSSING = 3_000_000, 5_000_000
"""Training clips have the seeds from here on, and those of which only the crossings are taken from there."""


@dataclass(frozen=True)
class Labelled:
    """A picture and what each of its pixels belongs to.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8; 0 is the background, i the part in row i - 1 of `parts`.
        parts: (N, 3) int16: index in `CONCEPTS`, owner (-1: nobody's; a number that stays the same through
            a clip), index in `COLOURS` (-1: none).
    """

    image: np.ndarray
    labels: np.ndarray
    parts: np.ndarray


def label(scene: Scene, numbers: Sequence[int] | None = None) -> Labelled:
    """A scene with its masks folded into one map: the parts of one picture never share a pixel.

    `numbers` are those of the scene's persons through a clip; by default their order.
    """
    called = range(len(scene.persons)) if numbers is None else numbers
    labels = np.zeros(scene.image.shape[:2], np.uint8)
    parts: list[tuple[int, int, int]] = []

    def paint(concept: str, mask: np.ndarray | None, owner: int | None, colour: str | None = None) -> None:
        if mask is not None:
            shade = COLOURS.index(colour) if colour in COLOURS else -1
            parts.append((CONCEPTS.index(concept), -1 if owner is None else called[owner], shade))
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
    return label(draw_scene(seed, size=size, holding=float(rng.choice([0.35, 0.7]))))


def _still_scenes(start: int, count: int) -> Iterator[Labelled]:
    return (training_scene(seed) for seed in range(start, start + count))


def _frames(seed: int) -> Iterator[Labelled]:
    for frame in draw_clip(seed, seconds=CLIP_FRAMES / CLIP_RATE, fps=CLIP_RATE):
        yield label(frame.scene, frame.person_ids)


def _moving_scenes(start: int, count: int) -> Iterator[Labelled]:
    """Frames of clips: people who turn, walk and cross, which no still scene shows."""
    for clip in range(start // CLIP_FRAMES, (start + count) // CLIP_FRAMES):
        yield from _frames(FIRST_CLIP + clip)


def _crossings(start: int, count: int) -> Iterator[Labelled]:
    """Frames of clips in which one hides much of another: one in five, but 112 of 122 with one missed."""
    drawn = (frame for seed in itertools.count(FIRST_CROSSING + start) for frame in _frames(seed))
    hiding = (one for one in drawn if crowded(one.labels, answers(one.parts, "person"), HIDING))
    return itertools.islice(hiding, count)


KINDS: dict[str, Callable[[int, int], Iterator[Labelled]]] = {
    "scenes": _still_scenes,
    "clips": _moving_scenes,
    "crossings": _crossings,
}
"""What can be drawn ahead: group pictures, frames of clips, and of those the crossings alone."""


def _pack(values: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(values), np.cumsum([0, *map(len, values)])


def _hard(drawn: Labelled) -> bool:
    """Whether something in the picture is easily missed."""
    shares = np.bincount(drawn.labels.ravel(), minlength=len(drawn.parts) + 1)[1:] / drawn.labels.size
    seen = shares >= SLIVER
    return bool(tiny(drawn.parts[seen], shares[seen]))


def _write_shard(folder: Path, kind: str, start: int) -> Path:
    target = folder / f"{kind}-{start:07d}-{SHARD}.npz"
    if target.exists():
        return target
    cv2.setNumThreads(1)
    images, maps, parts, hard = [], [], [], []
    for number, drawn in enumerate(KINDS[kind](start, SHARD), start):
        quality = int(np.random.default_rng([number, 8]).integers(70, 99))
        images.append(
            cv2.imencode(".jpg", drawn.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].ravel()
        )
        maps.append(cv2.imencode(".png", drawn.labels)[1].ravel())
        parts.append(drawn.parts.ravel())
        hard.append(_hard(drawn))
    arrays: dict[str, Any] = {"hard": np.array(hard)}
    for name, values in (("images", images), ("maps", maps), ("parts", parts)):
        arrays[name], arrays[f"{name}_at"] = _pack(values)
    unfinished = target.with_suffix(".tmp.npz")
    np.savez(unfinished, **arrays)
    unfinished.rename(target)
    return target


def draw_ahead(folder: Path, wanted: dict[str, int]) -> list[Path]:
    """Draw what SAM 3 learns from into shards, one on each core; those already there are kept.

    Args:
        folder: Where to.
        wanted: How many pictures of each kind of `KINDS`; whole shards are drawn.

    Returns:
        The shards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, kind, start) for kind, count in wanted.items() for start in range(0, count, SHARD)]
    with multiprocessing.get_context("spawn").Pool() as pool:
        return list(tqdm(pool.imap(_write_job, jobs), total=len(jobs), desc="drawing scenes", unit="shard"))


def _write_job(job: tuple[Path, str, int]) -> Path:
    return _write_shard(*job)


class Store:
    """All scenes of some shards, kept encoded in memory; `hard` (N,) bool says which show what is missed."""

    def __init__(self, paths: list[Path]) -> None:
        self.shards = []
        for path in paths:
            with np.load(path, allow_pickle=False) as arrays:
                self.shards.append({name: arrays[name] for name in arrays.files})
        self.hard = np.concatenate([shard["hard"] for shard in self.shards])

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
