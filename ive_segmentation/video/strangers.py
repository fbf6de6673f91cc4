"""Who is the same stranger: Unknown parts of tracks, joined by their faces across cuts and absences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ive_segmentation.identity.space import Floats, unit
from ive_segmentation.settings import Measured
from ive_segmentation.video.assigning import Runs, together


class Part(NamedTuple):
    """A part of a track that is nobody known.

    Attributes:
        runs: The frames that show it.
        left: Where it was when its track began, x in pixels.
        clear: How much its face says, the sum of the qualities of all looks at it.
        face: (D,) the sum of the looks in the gallery's space, each times its quality.
    """

    runs: Runs
    left: float
    clear: float
    face: NDArray[np.float32]


def number_strangers(parts: Sequence[Part], least: float) -> list[int | None]:
    """Number the people whom no name was given to, the same one alike wherever her face is seen.

    Faces are joined while the mean similarity between two groups of them is large enough (UPGMA, Sokal and
    Michener 1958); parts that are visible together are never one person.

    Args:
        parts: P of them.
        least: Similarity from which on two parts' faces are one person's.

    Returns:
        P numbers, counted from 1 in the order in which people appear, from left to right where they appear at
        once. None where too little was seen of a face, and beyond `most_strangers` for those seen least.
    """
    clear = [at for at, part in enumerate(parts) if part.clear >= Measured.stranger_quality]
    kept = sorted(clear, key=lambda at: -parts[at].clear)[: Measured.most_strangers]
    kept.sort(key=lambda at: (parts[at].runs[0][0], parts[at].left))
    faces = unit(np.array([parts[at].face for at in kept]))
    groups = _groups(faces, [parts[at].runs for at in kept], least)
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups), 1)}
    number_of = {at: numbers[group] for at, group in zip(kept, groups, strict=True)}
    return [number_of.get(at) for at in range(len(parts))]


def _groups(faces: Floats, seen: Sequence[Runs], least: float) -> list[int]:
    """Which group each of the faces (N, D) belongs to."""
    if len(faces) < 2:
        return [1] * len(faces)
    distances = np.maximum(1.0 - faces.astype(np.float64) @ faces.T, 0.0)
    # Far enough apart that one such pair keeps any two groups' mean above the bound.
    apart = 2.0 * len(faces) ** 2
    for clique in together(seen):
        for one, other in permutations(clique, 2):
            distances[one, other] = apart
    tree = linkage(squareform(distances, checks=False), "average")
    return [int(group) for group in fcluster(tree, 1.0 - least, "distance")]
