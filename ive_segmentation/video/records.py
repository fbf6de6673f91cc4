"""What the first pass over a video keeps of each frame: a line in a temporary file, and nothing in memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.coco import decode, encode
from ive_segmentation.result import Mask
from ive_segmentation.video.tracks import Tracked
from ive_segmentation.writing import write_errors


@dataclass(frozen=True, eq=False)
class Sighting:
    """One tracked instance in one frame, its mask as run lengths.

    Attributes:
        track: Its number in this video.
        concept: The noun phrase that found it.
        box: float32 (4,), xyxy in pixels.
        score: 0 to 1.
        head: float32 (4,), xyxy in pixels, where a person's head is or probably is; None for things.
        rle: COCO's compressed run lengths of the mask.
    """

    track: int
    concept: str
    box: NDArray[np.float32]
    score: float
    head: NDArray[np.float32] | None
    rle: dict[str, Any]

    @classmethod
    def of(cls, tracked: Tracked, head: NDArray[np.float32] | None) -> Sighting:
        """Keep what was tracked; `head` as in the attributes."""
        return cls(tracked.track, tracked.concept, tracked.box, tracked.score, head, encode(tracked.mask))

    @property
    def mask(self) -> Mask:
        """The mask, bool (H, W)."""
        return decode(self.rle)


@dataclass(frozen=True, eq=False)
class Record:
    """One frame: its number, its second in the video, the shot it belongs to, and what was seen."""

    index: int
    second: float
    shot: int
    sightings: tuple[Sighting, ...]

    def of(self, concept: str) -> list[Sighting]:
        """The sightings of one concept, left to right."""
        found = [sighting for sighting in self.sightings if sighting.concept == concept]
        return sorted(found, key=lambda sighting: float(sighting.box[0] + sighting.box[2]))


class Records:
    """Records in the order of the frames, in a file that is gone when the `with` block ends."""

    def __enter__(self) -> Records:
        self._folder = Path(tempfile.gettempdir())
        with write_errors(self._folder):
            self._file = tempfile.TemporaryFile("w+", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the buffer is written first, to a file that goes
            self._file.close()

    def append(self, record: Record) -> None:
        """Keep a record.

        Args:
            record: Of the next frame.

        Raises:
            WriteError: If the disk is full.
        """
        sightings = [
            [s.track, s.concept, s.box.tolist(), s.score, None if s.head is None else s.head.tolist(), s.rle]
            for s in record.sightings
        ]
        with write_errors(self._folder):
            self._file.write(json.dumps([record.index, record.second, record.shot, sightings]) + "\n")

    def __iter__(self) -> Iterator[Record]:
        """Read all records from the first on; none may be appended meanwhile."""
        with write_errors(self._folder):  # what is still in the buffer is written now
            self._file.seek(0)
        for line in self._file:
            index, second, shot, sightings = json.loads(line)
            yield Record(index, second, shot, tuple(_sighting(*values) for values in sightings))


def _sighting(
    track: int, concept: str, box: Sequence[float], score: float, head: Sequence[float] | None, rle: Any
) -> Sighting:
    place = None if head is None else np.array(head, np.float32)
    return Sighting(track, concept, np.array(box, np.float32), score, place, rle)
