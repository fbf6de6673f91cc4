"""What a video shows, once all of it was seen: every frame as a result, with the names and owners settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.answers import answer, together
from ive_segmentation.identity.matching import Match
from ive_segmentation.language import Prompt
from ive_segmentation.result import PERSON, FaceBox, Person, Result, Segment
from ive_segmentation.video.names import Span
from ive_segmentation.video.owners import OwnerSpan
from ive_segmentation.video.records import Record, Sighting
from ive_segmentation.video.timeline import Who


class Sight(NamedTuple):
    """Where one member is, frame by frame; the arguments of `fancam.camera_path`.

    Attributes:
        heads, bodies: (N, 4) float32 xyxy, pixels; NaN where she is not seen.
        shots: (N,) int.
        size: (H, W) of the frames, pixels.
        seconds: (N,) float64, rising.
    """

    heads: NDArray[np.float32]
    bodies: NDArray[np.float32]
    shots: NDArray[np.int_]
    size: tuple[int, int]
    seconds: NDArray[np.float64]


NO_KEYPOINTS = np.zeros((5, 2), np.float32)


class Story:
    """Names and owners by track and frame."""

    def __init__(
        self, size: tuple[int, int], prompt: Prompt, names: Sequence[Span], owners: Sequence[OwnerSpan]
    ) -> None:
        """Sort the names and owners by track.

        Args:
            size: (H, W) of the frames, pixels.
            prompt: What was asked.
            names: Of the person tracks.
            owners: Of the thing tracks.
        """
        self.size = size
        self.prompt = prompt
        self._names: dict[int, list[Span]] = defaultdict(list)
        self._owners: dict[int, list[OwnerSpan]] = defaultdict(list)
        for span in names:
            self._names[span.track].append(span)
        for owned in owners:
            self._owners[owned.thing].append(owned)

    def name(self, track: int, frame: int) -> Span | None:
        """Who a person track is in a frame; None before its first frame and after its last."""
        return next((span for span in self._names[track] if span.first <= frame <= span.last), None)

    def owner(self, thing: int, frame: int) -> int | None:
        """The person track that a thing track belongs to in a frame."""
        return next((span.owner for span in self._owners[thing] if span.first <= frame <= span.last), None)

    def presence(self, records: Iterable[Record], step: float) -> Iterator[tuple[float, float, set[Who]]]:
        """Tell who is on screen when.

        Args:
            records: All of them, in order.
            step: Seconds that the last frame lasts.

        Yields:
            Start and end of each frame in seconds, and whom it shows.
        """
        shown: tuple[float, set[Who]] | None = None
        for record in records:
            if shown is not None:
                yield shown[0], record.second, shown[1]
            spans = [self.name(sighting.track, record.index) for sighting in record.of(PERSON)]
            shown = record.second, {Who(span.member, span.stranger) if span else Who(None) for span in spans}
        if shown is not None:
            yield shown[0], shown[0] + step, shown[1]

    def sight_of(self, member: str, records: Iterable[Record]) -> Sight:
        """Tell where a member is in every frame, as the fancam wants to know it.

        Args:
            member: Her folder name.
            records: All N of them, in order.

        Returns:
            Her head and her box in each frame, NaN where she is not seen.
        """
        heads, bodies, shots, seconds = [], [], [], []
        away = np.full(4, np.nan, np.float32)
        for record in records:
            hers = [
                sighting
                for sighting in record.of(PERSON)
                if (span := self.name(sighting.track, record.index)) and span.member == member
            ]
            heads.append(hers[0].head if hers and hers[0].head is not None else away)
            bodies.append(hers[0].box if hers else away)
            shots.append(record.shot)
            seconds.append(record.second)
        return Sight(
            np.array(heads).reshape(-1, 4),
            np.array(bodies).reshape(-1, 4),
            np.array(shots, int),
            self.size,
            np.array(seconds),
        )

    def result(self, record: Record) -> Result:
        """Tell a frame as if it were a picture.

        Args:
            record: What was seen in it.

        Returns:
            Everyone who is visible, left to right, then the owners of things who are not, and the masks asked
            for. A person's face is where the head is, and the similarity of the match is the track's
            confidence: no single face decided it.
        """
        visible = record.of(PERSON)
        persons = [self._person(sighting, record.index) for sighting in visible]
        places = {sighting.track: place for place, sighting in enumerate(visible)}
        got: list[list[Segment]] = []
        for request in self.prompt.requests:
            things: list[Segment] = []
            for sighting in record.of(request.thing) if request.thing and request.thing != PERSON else ():
                owner = self.owner(sighting.track, record.index)
                if owner is not None and owner not in places:
                    # She is hidden or was missed in this frame; what is hers stays hers.
                    places[owner] = len(persons)
                    persons.append(self._hidden(owner, sighting, record.index))
                place = None if owner is None else places[owner]
                member = None if place is None else persons[place].member
                things.append(
                    Segment(sighting.concept, sighting.mask, sighting.box, sighting.score, place, member)
                )
            got.append(answer(request, persons, things))
        return Result(self.size, self.prompt, tuple(persons), tuple(together(got)), (), {})

    def _person(self, sighting: Sighting, frame: int) -> Person:
        face = None if sighting.head is None else FaceBox(sighting.head, NO_KEYPOINTS, 0.0)
        named = self._named(sighting.track, frame)
        return Person(sighting.box, sighting.mask, sighting.score, face, *named)

    def _hidden(self, track: int, thing: Sighting, frame: int) -> Person:
        return Person(thing.box, None, 0.0, None, *self._named(track, frame))

    def _named(self, track: int, frame: int) -> tuple[Match | None, int | None]:
        """Who it is, as a match, and a stranger's number."""
        span = self.name(track, frame)
        if span is None:
            return None, None
        match = Match(span.member, span.confidence, None, None, (), span.confidence, span.member)
        return match, span.stranger
