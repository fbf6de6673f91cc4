"""Who a track is: looks at its face add up, and a name covers the whole track, or its part up to a swap."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax
from supervision import box_iou_batch

from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.settings import Measured
from ive_segmentation.video.assigning import assign, together
from ive_segmentation.video.changes import best_labels
from ive_segmentation.video.looks import Doubles, Look, costs_of_change, weigh
from ive_segmentation.video.strangers import Part, number_strangers
from ive_segmentation.video.swaps import History, Piece, Splits, find_splits, find_take_overs


@dataclass(frozen=True)
class Span:
    """A part of a track that is one person.

    Attributes:
        track: The track.
        first: Its first frame.
        last: Its last frame, included.
        member: The member's folder name, or None: Unknown.
        confidence: How probable that is, 0 to 1, among the members who are nobody else in these frames.
        stranger: A number, the same wherever this person is Unknown; None for a member, and where too little
            was seen of the face in this part.
    """

    track: int
    first: int
    last: int
    member: str | None
    confidence: float
    stranger: int | None = None


@dataclass(eq=False)
class _Track:
    """What is remembered of a track.

    Attributes:
        left: Left side of its box where it began, x in pixels; 0 where no boxes were told.
        runs: First and last frame of each stretch without a gap in which it was seen.
        looks: Its faces, in order of time.
        overlaps: (frame, track, IoU) wherever its box overlapped another's by much.
        looked: The last frame in which its face was looked for.
        sure: Whether its name is clear, and its last face agrees.
        evidence: (K + 1,) of the preview's name; the last is of a face that is nobody's, 0.
    """

    evidence: Doubles
    left: float = 0.0
    runs: list[tuple[int, int]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    overlaps: list[tuple[int, int, float]] = field(default_factory=list)
    looked: int | None = None
    sure: bool = False


class Names:
    """Collects looks while a video goes by, then names every track."""

    def __init__(
        self,
        members: Sequence[str],
        rate: float,
        same_face: float = Measured.match_threshold + Measured.stranger_lead,
    ) -> None:
        """Begin a video.

        Args:
            members: The members' folder names, in the order of the log-odds (`Gallery.names`).
            rate: Frames per second, roughly.
            same_face: Similarity from which on two tracks' faces are one stranger's.
        """
        self._members = tuple(members)
        self._rate = rate
        self._same_face = same_face
        self._tracks: dict[int, _Track] = defaultdict(lambda: _Track(np.zeros(len(self._members) + 1)))

    @classmethod
    def of(cls, gallery: Gallery | None, rate: float) -> Names:
        """Begin a video in which a gallery's members are named.

        Args:
            gallery: The bank; with None everybody is Unknown.
            rate: Frames per second, roughly.

        Returns:
            Names that knows strangers again by the gallery's own measure.
        """
        if gallery is None:
            return cls((), rate)
        return cls(gallery.names, rate, gallery.calibration.threshold + Measured.stranger_lead)

    def saw(self, frame: int, tracks: Sequence[int], boxes: NDArray[np.float32] | None = None) -> None:
        """Remember who was visible; call it once for every frame, in order.

        Args:
            frame: Its number.
            tracks: The N person tracks that it shows.
            boxes: (N, 4) xyxy, pixels: where boxes overlap, tracks may have swapped, and strangers who
                appear at once are numbered from left to right.
        """
        for row, track in enumerate(tracks):
            runs = self._tracks[track].runs
            if not runs and boxes is not None:
                self._tracks[track].left = float(boxes[row, 0])
            if runs and runs[-1][1] == frame - 1:
                runs[-1] = (runs[-1][0], frame)
            else:
                runs.append((frame, frame))
        if boxes is None or len(tracks) < 2:
            return
        shares = box_iou_batch(boxes, boxes)
        for one, other in np.argwhere(shares >= Measured.crossing_overlap):
            if one != other:
                touched = (frame, tracks[other], float(shares[one, other]))
                self._tracks[tracks[one]].overlaps.append(touched)

    def wants_look(self, track: int, frame: int) -> bool:
        """Say whether to look for the track's face now: often while unsure, rarely once sure.

        Args:
            track: A track that is visible now.
            frame: This frame.

        Returns:
            Whether it is time.
        """
        known = self._tracks[track]
        if known.looked is None:
            return True
        touched = bool(known.overlaps and known.looks) and known.overlaps[-1][0] > known.looks[-1].frame
        age = (frame - known.runs[0][0]) / self._rate if known.runs else 0.0
        if known.sure and not touched:
            wait = Measured.look_sure
        elif not known.looks and age < 1.0:
            wait = Measured.look_new
        else:
            wait = Measured.look_unsure
        return (frame - known.looked) >= wait * self._rate - 0.5

    def add_look(
        self,
        track: int,
        frame: int,
        odds: NDArray[np.float32] | None,
        quality: float = 1.0,
        point: NDArray[np.float32] | None = None,
    ) -> None:
        """Add what was seen when a track's face was looked for.

        Args:
            track: The track.
            frame: The frame.
            odds: (K,) log-odds per member (`member_log_odds`); None where no face was seen.
            quality: From `quality_of`, 0 to 1.
            point: (D,) the face in the gallery's space, by which strangers are known again.
        """
        known = self._tracks[track]
        known.looked = frame if known.looked is None else max(known.looked, frame)
        if odds is None or not self._members:
            return
        look = Look.at(frame, odds, quality, point)
        insort(known.looks, look, key=lambda seen: (seen.frame, seen.quality, seen.odds.tobytes()))
        recent = known.looks[-Measured.look_recent :]
        table = weigh(recent, len(self._members), self._rate)
        labels = best_labels(table, costs_of_change(recent, known.overlaps))
        known.evidence = table[np.flatnonzero(labels != labels[-1]).max(initial=-1) + 1 :].sum(axis=0)
        second, best = np.sort(known.evidence)[-2:]
        agrees = int(table[-1].argmax()) == int(known.evidence.argmax())
        # More than one look alone can say.
        known.sure = bool(agrees and best - second > Measured.look_cap)

    def now(self, tracks: Sequence[int]) -> dict[int, str | None]:
        """Name the tracks that are visible now, as far as is known, for a preview.

        Args:
            tracks: The person tracks of this frame.

        Returns:
            Per track the member's folder name or None; no member twice.
        """
        if not tracks:
            return {}
        evidence = np.stack([self._tracks[track].evidence[:-1] for track in tracks]) - Measured.name_evidence
        evidence[evidence <= 0] = -1.0  # never better than no name, nor as good
        unnamed = np.zeros((len(tracks), len(tracks)))
        _, given = linear_sum_assignment(np.hstack([evidence, unnamed]), maximize=True)
        names = [*self._members, *[None] * len(tracks)]
        return {track: names[member] for track, member in zip(tracks, given, strict=True)}

    def settle(self) -> list[Span]:
        """Name all tracks, when the whole video has been seen.

        Returns:
            Spans by track and time. They cover every track from its first frame to its last without a gap,
            and no member is on two tracks in a frame that shows both.
        """
        seen = {track: known for track, known in sorted(self._tracks.items()) if known.runs}
        histories = {track: self._history(known) for track, known in seen.items()}
        splits = find_splits(histories, len(self._members))
        pieces, evidence = self._pieces(histories, splits)
        if more := find_take_overs(pieces, evidence, histories):
            splits = {track: inner | more.get(track, {}) for track, inner in splits.items()}
            pieces, evidence = self._pieces(histories, splits)
        return self._numbered(self._named(pieces, evidence))

    def _history(self, known: _Track) -> History:
        table = weigh(known.looks, len(self._members), self._rate)
        labels = best_labels(table, costs_of_change(known.looks, known.overlaps))
        frames = np.array([look.frame for look in known.looks], int)
        return History(known.runs[0][0], known.runs[-1][1], frames, table, labels, known.overlaps)

    def _pieces(self, histories: Mapping[int, History], splits: Splits) -> tuple[list[Piece], Doubles]:
        """The parts of all tracks between splits, and the evidence (P, K + 1) for who each is."""
        pieces: list[Piece] = []
        evidence: list[Doubles] = []
        nothing = np.zeros(len(self._members) + 1)
        for track, known in histories.items():
            inner = sorted(splits[track])
            part_of = np.searchsorted(inner, known.frames, side="right")
            for part, (start, stop) in enumerate(pairwise([known.first, *inner, known.last + 1])):
                priors = [splits[track][edge] for edge in (start, stop) if edge in inner]
                pieces.append((track, start, stop - 1))
                evidence.append(np.sum([nothing, *known.evidence[part_of == part], *priors], axis=0))
        return pieces, np.array(evidence).reshape(-1, len(nothing))

    def _named(self, pieces: Sequence[Piece], table: Doubles) -> list[Span]:
        """Assign all pieces, join neighbours that turn out to be the same, and say how sure that is."""
        seen = [self._runs(*piece) for piece in pieces]
        given = assign(table[:, :-1] - Measured.name_evidence, seen)
        taken = _taken(given, seen)
        names: list[str | None] = [*self._members, None]
        labels = [int(member) % len(names) for member in given]  # minus one is the last one: Unknown
        spans: list[Span] = []
        for (track, label), places in groupby(range(len(pieces)), lambda at: (pieces[at][0], labels[at])):
            part = [*places]
            others = {other for at in part for other in taken[at]} - {label}
            open_to = [one for one in range(len(names)) if one not in others]
            said = table[part].sum(axis=0)
            said[-1] = Measured.name_evidence
            shares = softmax(said[open_to])
            first, last = pieces[part[0]][1], pieces[part[-1]][2]
            spans.append(Span(track, first, last, names[label], float(shares[open_to.index(label)])))
        return spans

    def _numbered(self, spans: Sequence[Span]) -> list[Span]:
        """Give every stranger a number, the same wherever her face is."""
        strangers = [span for span in spans if span.member is None]
        numbers = number_strangers([self._part(span) for span in strangers], self._same_face)
        number_of = dict(zip(strangers, numbers, strict=True))
        return [replace(span, stranger=number_of.get(span)) for span in spans]

    def _part(self, span: Span) -> Part:
        looks = [
            (look.quality, look.point)
            for look in self._tracks[span.track].looks
            if span.first <= look.frame <= span.last and look.point is not None
        ]
        return Part(
            self._runs(span.track, span.first, span.last),
            self._tracks[span.track].left,
            sum(quality for quality, _ in looks),
            np.sum([quality * point.astype(np.float32) for quality, point in looks], axis=0),
        )

    def _runs(self, track: int, first: int, last: int) -> list[tuple[int, int]]:
        clipped = [(max(start, first), min(end, last)) for start, end in self._tracks[track].runs]
        return [(start, end) for start, end in clipped if start <= end]


def _taken(given: NDArray[np.intp], seen: Sequence[Sequence[tuple[int, int]]]) -> list[set[int]]:
    """Per piece the members that other pieces bear in frames they share with it."""
    taken: list[set[int]] = [set() for _ in seen]
    for clique in together(seen):
        for part in clique:
            taken[part] |= {int(given[other]) for other in clique if other != part and given[other] >= 0}
    return taken
