"""Where tracks changed persons: a swap in a crossing splits both of them, in the same frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.settings import Measured
from ive_segmentation.video.looks import Doubles

Piece = tuple[int, int, int]
"""A track, and the first and the last frame of a part of it."""
Splits = dict[int, dict[int, Doubles]]
"""Per track, by first frame of each new part, the log-odds (K + 1,) to add on either side."""


@dataclass(frozen=True, eq=False)
class History:
    """What is known of one track when the video is over.

    Attributes:
        first: Its first frame.
        last: Its last frame.
        frames: (L,) the frames in which its face was seen, in order.
        evidence: (L, K + 1) log-odds of each member there, weighted; the last column is Unknown's, 0.
        labels: (L,) who it is at each of them, as far as the track alone can say.
        overlaps: (frame, track, IoU) wherever its box overlapped another's by much.
    """

    first: int
    last: int
    frames: NDArray[np.int_]
    evidence: Doubles
    labels: NDArray[np.intp]
    overlaps: Sequence[tuple[int, int, float]]

    def can_split(self, moment: int) -> bool:
        """Whether it has a frame before this one, and this one or a later."""
        return self.first < moment <= self.last

    def says(self, member: int, first: int, last: int) -> float:
        """What the looks in some frames, first and last included, say for a member."""
        part = slice(*np.searchsorted(self.frames, [first, last + 1]))
        return float(self.evidence[part, member].sum())


@dataclass(frozen=True)
class _Change:
    """A track that is `before` at the look in frame `early`, and `after` at the next look, in `late`."""

    track: int
    early: int
    late: int
    before: int
    after: int


def find_splits(histories: Mapping[int, History], unknown: int) -> Splits:
    """Find out where tracks must be split.

    Every change of a track's own labels splits it. Another track that bears one of the two names there, but
    has not shown its face on both sides, may be the one that was swapped with, and so may one that it met and
    whose face says too little to bear a name: it is split too, and both its parts are given a little evidence
    for both names, more for its own. Who it is in the end is decided by who everybody else is.

    Args:
        histories: By track.
        unknown: The label that is nobody; members have the labels 0 to `unknown` - 1.

    Returns:
        The splits of every track.
    """
    crossings = [(changes, _moment(changes, histories)) for changes in _crossings(_changes(histories))]
    splits: Splits = {track: {} for track in histories}
    for changes, moment in crossings:
        for change in changes:
            if histories[change.track].can_split(moment):
                splits[change.track][moment] = np.zeros(unknown + 1)
    for changes, moment in crossings:
        for change in changes:
            if unknown in (change.before, change.after):
                continue
            for track, known in histories.items():
                if known.can_split(moment) and moment not in splits[track]:
                    hint = _part_in_swap(known, change, moment, unknown)
                    if hint is not None:
                        splits[track][moment] = hint
    return splits


def find_take_overs(pieces: Sequence[Piece], evidence: Doubles, histories: Mapping[int, History]) -> Splits:
    """Find tracks that are a member only before another track that is she begins, or only after it ends.

    Alone such a track has too little to show for a change; but nobody is on two tracks in one frame. Its
    looks in that time must not speak for her, and less than the other's; where neither track shows its face
    then, the one that is more surely she stays whole.

    Args:
        pieces: All parts of all tracks between the splits that are known.
        evidence: (P, K + 1) log-odds for who each part is; the last column is Unknown's.
        histories: By track.

    Returns:
        The splits of those tracks; nothing is added to their evidence.
    """
    splits: Splits = defaultdict(dict)
    tracks, begins, ends = np.array(pieces).reshape(-1, 3).T
    clear = evidence.max(axis=1) > Measured.look_cap / 2
    for (track, first, last), whole in zip(pieces, evidence, strict=True):
        for place in np.flatnonzero(clear & (tracks != track) & (begins <= last) & (ends >= first)):
            other, begun, ended = pieces[int(place)]
            member = int(evidence[place].argmax())
            shared = max(first, begun), min(last, ended)
            its, others = (histories[one].says(member, *shared) for one in (track, other))
            if its > 0 or (its, whole[member]) >= (others, evidence[place, member]):
                continue
            # What of it was before that one began, and what is since it ended.
            for edge, alone in ((begun, (first, begun - 1)), (ended + 1, (ended + 1, last))):
                if first < edge <= last and histories[track].says(member, *alone) > Measured.look_cap / 2:
                    splits[track][edge] = np.zeros(evidence.shape[1])
    return splits


def _part_in_swap(known: History, change: _Change, moment: int, unknown: int) -> Doubles | None:
    """The evidence (K + 1,) given to both parts of a track where another changed; None if it took no part.

    It took part if it bears one of the two names, or none and may still have been swapped.
    """
    pair = [change.before, change.after]
    looks_before = int(np.searchsorted(known.frames, moment))
    # Who it is at the last look before, or at the first one where there is none.
    own = int([*known.labels[max(looks_before - 1, 0) :], unknown][0])
    if own not in pair and not (own == unknown and _may_have_swapped(known, change, looks_before)):
        return None
    hint = np.zeros(unknown + 1)
    hint[pair] = Measured.look_cap / 2
    if own in pair:
        hint[own] = Measured.look_cap
    return hint


def _may_have_swapped(known: History, change: _Change, looks_before: int) -> bool:
    """Whether a track met the one that changed, between that one's looks, and its faces hint at a swap."""
    met = any(
        other == change.track and change.early <= frame <= change.late for frame, other, _ in known.overlaps
    )
    before = known.evidence[:looks_before, change.after]
    after = known.evidence[looks_before:, change.before]
    against = min(before.sum(), after.sum()) < -Measured.look_cap / 2
    return met and not against and max(before.max(initial=0), after.max(initial=0)) > 0


def _changes(histories: Mapping[int, History]) -> list[_Change]:
    return [
        _Change(track, int(frames[at]), int(frames[at + 1]), int(labels[at]), int(labels[at + 1]))
        for track, known in histories.items()
        for frames, labels in [(known.frames, known.labels)]
        for at in np.flatnonzero(labels[1:] != labels[:-1])
    ]


def _crossings(changes: Iterable[_Change]) -> list[list[_Change]]:
    """Changes that happened together: they share a name, and a time in which all of them fit."""
    crossings: list[list[_Change]] = []
    for change in sorted(changes, key=lambda one: (one.early, one.late, one.track)):
        for crossing in crossings:
            names = {name for one in crossing for name in (one.before, one.after)}
            early, late = _window([*crossing, change])
            if early < late and names & {change.before, change.after}:
                crossing.append(change)
                break
        else:
            crossings.append([change])
    return crossings


def _window(crossing: Sequence[_Change]) -> tuple[int, int]:
    return max(change.early for change in crossing), min(change.late for change in crossing)


def _moment(crossing: Sequence[_Change], histories: Mapping[int, History]) -> int:
    """The first frame after a swap: where boxes overlapped most, else in the middle between the looks."""
    early, late = _window(crossing)
    swapped = {change.track for change in crossing}
    touches = [
        (share, -abs(2 * frame - early - late), frame)
        for track in swapped
        for frame, other, share in histories[track].overlaps
        if early <= frame <= late and (len(swapped) == 1 or other in swapped)
    ]
    return max(max(touches)[2], early + 1) if touches else (early + late + 1) // 2
