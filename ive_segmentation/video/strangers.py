"""Who is the same stranger: Unknown parts of tracks, joined by their faces across cuts and absences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ive_segmentation.video.assigning import Runs, together


def number_strangers(faces: NDArray[np.float32], seen: Sequence[Runs], least: float) -> list[int]:
    """Number the people whom no name was given to, the same one alike wherever she is.

    Faces are joined while the mean similarity between two groups of them is large enough (UPGMA, Sokal and
    Michener 1958); parts that are visible together are never one person.

    Args:
        faces: (P, D) what each part of a track looks like, rows of length one.
        seen: Per part the frames that show it.
        least: Similarity from which on two faces are one person's.

    Returns:
        P numbers, from 1 in the order of `faces`.
    """
    if len(faces) < 2:
        return [1] * len(faces)
    distances = np.maximum(1.0 - faces.astype(np.float64) @ faces.T, 0.0)
    # So far that one such pair keeps the mean of any two groups apart.
    apart = 2.0 * len(faces) ** 2
    for clique in together(seen):
        for one, other in permutations(clique, 2):
            distances[one, other] = apart
    tree = linkage(squareform(distances, checks=False), "average")
    groups = fcluster(tree, 1.0 - least, "distance").tolist()
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups), 1)}
    return [numbers[group] for group in groups]
