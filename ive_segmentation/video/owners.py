"""Whose a thing is over time: every frame votes, and a thing that is handed over changes owner once."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ive_segmentation.settings import Measured
from ive_segmentation.video.changes import best_labels


@dataclass(frozen=True)
class OwnerSpan:
    """Frames in which a thing has one owner.

    Attributes:
        thing: Track of the thing.
        first: First frame.
        last: Last frame, included.
        owner: Track of the person, or None: nobody's.
    """

    thing: int
    first: int
    last: int
    owner: int | None


class Owners:
    """Collects the possession rule's votes while a video goes by, then decides."""

    def __init__(self, rate: float) -> None:
        """Begin a video.

        Args:
            rate: Frames per second, roughly.
        """
        # One wrong frame must not be enough, however few frames a second has.
        self._cost = max(Measured.owner_change * rate, 1.5)
        self._votes: dict[int, list[tuple[int, int, float]]] = defaultdict(list)

    def add(self, frame: int, thing: int, owner: int | None, claim: float) -> None:
        """Add what `things_to_owners` says of one frame.

        Args:
            frame: Its number.
            thing: Track of the thing; one vote per frame.
            owner: Track of the person, or None where it is nobody's.
            claim: The owner's claim, or the best one where it is nobody's, 0 to 1. A vote for an owner weighs
                the claim; one for nobody weighs 1 less the claim, because a thing that somebody nearly holds
                is probably held.
        """
        insort(
            self._votes[thing],
            (frame, -1 if owner is None else owner, claim if owner is not None else 1 - claim),
        )

    def settle(self) -> list[OwnerSpan]:
        """Decide, when the whole video has been seen.

        Returns:
            Spans by thing and time. They cover every thing from its first frame to its last without a gap;
            neighbours differ.
        """
        return [span for thing, votes in sorted(self._votes.items()) for span in self._decide(thing, votes)]

    def _decide(self, thing: int, votes: Sequence[tuple[int, int, float]]) -> list[OwnerSpan]:
        owners, labels = np.unique([owner for _, owner, _ in votes], return_inverse=True)
        evidence = np.zeros((len(votes), len(owners)))
        evidence[np.arange(len(votes)), labels] = [weight for _, _, weight in votes]
        path = best_labels(evidence, self._cost)
        starts = [0, *(np.flatnonzero(path[1:] != path[:-1]) + 1).tolist()]
        frames = [*(votes[start][0] for start in starts), votes[-1][0] + 1]
        return [
            OwnerSpan(thing, first, end - 1, None if owners[path[start]] < 0 else int(owners[path[start]]))
            for start, (first, end) in zip(starts, pairwise(frames), strict=True)
        ]
