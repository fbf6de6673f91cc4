"""Galleries made of numbers, for rules that need no photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.identity.calibration import Calibration
from ive_segmentation.identity.gallery import BankReport, Gallery
from ive_segmentation.identity.space import unit

CALIBRATION = Calibration(0.3, 0.1, -6.0, 20.0, 10.0, 0.01, "made up for a test")


def clusters(
    members: int, photos: int, *, dimension: int = 32, spread: float = 0.6, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Unit vectors round one direction per member."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(members, dimension)))
    labels = np.repeat(np.arange(members), photos)
    noise = unit(random.normal(size=(len(labels), dimension)))
    return unit(centres[labels] + spread * noise), labels


def gallery_of(embeddings: NDArray[np.float32], members: list[str]) -> Gallery:
    """A gallery as `load_gallery` would return it."""
    count = len(members)
    report = BankReport(
        dataset="",
        faces="made up",
        recogniser="0",
        members={name: members.count(name) for name in members},
        left_out=(),
        embedded=count,
        removed=0,
        rebuilt=None,
        calibration=CALIBRATION,
        warnings=(),
        seconds=0.0,
    )
    frontal = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
    return Gallery(
        embeddings=embeddings,
        plain=embeddings,
        members=tuple(members),
        photos=tuple(f"{name}/{row}.jpg" for row, name in enumerate(members)),
        boxes=np.tile(np.array([0, 0, 100, 100], np.float32), (count, 1)),
        keypoints=np.tile(frontal, (count, 1, 1)),
        sharpness=np.full(count, 1000, np.float32),
        face_counts=np.ones(count, np.intp),
        report=report,
    )


def cluster_gallery(members: int = 6, photos: int = 8, *, seed: int = 0) -> Gallery:
    """A gallery of `clusters`, its members called A, B, C ..."""
    embeddings, labels = clusters(members, photos, seed=seed)
    return gallery_of(embeddings, [chr(ord("A") + label) for label in labels])
