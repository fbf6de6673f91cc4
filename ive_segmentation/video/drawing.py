"""The second pass over a video: every frame again, now with names and owners settled, into the files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ive_segmentation.coco import encode
from ive_segmentation.language import Member, names_to_show
from ive_segmentation.output.cutout import cutout
from ive_segmentation.output.naming import plain_name
from ive_segmentation.output.overlay import overlay
from ive_segmentation.result import PERSON, Mask, Result
from ive_segmentation.video.fancam import camera_path, crop, output_size
from ive_segmentation.video.formats import Format
from ive_segmentation.video.reading import Frame, Video
from ive_segmentation.video.records import Record
from ive_segmentation.video.sound import SoundFormat
from ive_segmentation.video.story import Story
from ive_segmentation.video.writing import MP4, PRORES, VideoFormat, lines_writer, video_writer

Write = Callable[[Frame, Record, Result], None]
FANCAM = "fancam"
"""What is made of one member, beside the formats."""


@dataclass(frozen=True)
class Outputs:
    """What to write.

    Attributes:
        folder: Where to.
        formats: Of `Format`.
        star: Folder name of the member whom the fancam follows; None for no fancam.
    """

    folder: Path
    formats: Collection[str]
    star: str | None

    @property
    def sounds(self) -> list[SoundFormat]:
        """The sound formats of those files that have sound."""
        forms = [_KINDS[Format(name)].form for name in self.formats]
        forms += [MP4] if self.star is not None else []
        return [form.sound for form in forms if form is not None]

    def files(self, members: Sequence[Member]) -> dict[str, Path]:
        """Name the files by format, "fancam" among them."""
        names = [(str(name), _KINDS[name].file) for name in Format if name in self.formats]
        if self.star is not None:
            called = names_to_show(members).get(self.star, self.star)
            names.append((FANCAM, f"fancam_{plain_name(called)}.mp4"))
        return {name: self.folder / file for name, file in names}

    def places(self, members: Sequence[Member]) -> set[Path]:
        """All files that any answer in the folder may have; of fancams only the one asked for."""
        return {self.folder / kind.file for kind in _KINDS.values()} | set(self.files(members).values())

    def clear(self, members: Sequence[Member], written: Collection[Path]) -> None:
        """Take away what an earlier answer left in the folder; fancams that are not asked for now stay.

        Args:
            members: As for `files`.
            written: What was written now.
        """
        for older in self.places(members) - set(written):
            # What somebody is just looking at stays on Windows, and is no reason to fail at the end.
            with suppress(OSError):
                older.unlink(missing_ok=True)


def draw(
    frames: Iterable[Frame],
    video: Video,
    records: Iterable[Record],
    story: Story,
    members: Sequence[Member],
    outputs: Outputs,
    done: Callable[[], None],
) -> tuple[dict[str, Path], set[tuple[str | None, str]]]:
    """Write what was asked for.

    Args:
        frames: The same that were watched.
        video: Their file.
        records: What was seen in each; read once more for a fancam, whose camera knows what comes.
        story: Who is who, and whose is what.
        members: For names and colours.
        outputs: What to write.
        done: Called after every frame.

    Returns:
        The files by format ("fancam" among them), and which concepts of which members were found at all.
        Where anything is raised while frames are drawn, no file is left.

    Raises:
        WriteError: If a file cannot be written.
        VideoError: If the video cannot be read any more.
    """
    files = outputs.files(members)
    found: set[tuple[str | None, str]] = set()
    with ExitStack() as opened:
        writers: list[Write] = []
        for name, path in files.items():
            if name == FANCAM:
                assert outputs.star is not None
                writers.append(opened.enter_context(_fancam(path, video, story, records, outputs.star)))
            else:
                kind = _KINDS[Format(name)]
                writers.append(opened.enter_context(kind.write(path, video, story, members)))
        for frame, record in zip(frames, records, strict=True):
            result = story.result(record)
            for write in writers:
                write(frame, record, result)
            found |= {(segment.member, segment.concept) for segment in result.segments}
            done()
    return files, found


@contextmanager
def _overlay(path: Path, video: Video, _story: Story, members: Sequence[Member]) -> Iterator[Write]:
    with video_writer(path, MP4, video) as write:
        yield lambda frame, _, result: write(overlay(frame.image, result, members, similarities=False), frame)


@contextmanager
def _mask(path: Path, video: Video, story: Story, _members: Sequence[Member]) -> Iterator[Write]:
    with video_writer(path, MP4, video) as write:
        yield lambda frame, _, result: write(_union(result, story.size), frame)


@contextmanager
def _cutout(path: Path, video: Video, story: Story, _members: Sequence[Member]) -> Iterator[Write]:
    with video_writer(path, PRORES, video) as write:
        yield lambda frame, _, result: write(
            cutout(frame.image, _union(result, story.size), crop=False), frame
        )


@contextmanager
def _json(path: Path, _video: Video, _story: Story, _members: Sequence[Member]) -> Iterator[Write]:
    with lines_writer(path) as write:
        yield lambda _, record, result: write(_line(record, result))


@contextmanager
def _fancam(path: Path, video: Video, story: Story, records: Iterable[Record], star: str) -> Iterator[Write]:
    heads, bodies, shots, (height, width), seconds = story.sight_of(star, records)
    # As a player shows it: 9:16 there, whatever a pixel's own shape.
    aspect = np.array([float(video.pixel_aspect), 1] * 2)
    shown = (height, round(width * aspect[0]))
    windows = camera_path(heads * aspect, bodies * aspect, shots, shown, seconds) / aspect
    size = output_size(shown)
    square = replace(video, pixel_aspect=Fraction(1))
    with video_writer(path, MP4, square, size=size) as write:
        yield lambda frame, record, _: write(crop(frame.image, windows[record.index], size), frame)


@dataclass(frozen=True)
class _Kind:
    """A kind of file: its name, how it is packed if it is a video, and who writes it."""

    file: str
    form: VideoFormat | None
    write: Callable[[Path, Video, Story, Sequence[Member]], AbstractContextManager[Write]]


_KINDS = {
    Format.overlay: _Kind("overlay.mp4", MP4, _overlay),
    Format.mask: _Kind("mask.mp4", MP4, _mask),
    Format.cutout: _Kind("cutout.mov", PRORES, _cutout),
    Format.json: _Kind("frames.jsonl", None, _json),
}


def _union(result: Result, size: tuple[int, int]) -> Mask:
    union = np.zeros(size, bool)
    for segment in result.segments:
        union |= segment.mask
    return union


def _line(record: Record, result: Result) -> dict[str, Any]:
    """One frame as JSON types; masks are COCO RLE, boxes xyxy in pixels."""
    tracks = [sighting.track for sighting in record.of(PERSON)]
    return {
        "frame": record.index,
        "second": round(record.second, 6),
        "shot": record.shot,
        "persons": [
            {
                "track": track,
                "member": person.member,
                "stranger": person.stranger,
                "confidence": round(person.match.confidence, 4) if person.match else None,
                "box": [round(float(side), 2) for side in person.box],
            }
            for track, person in zip(tracks, result.persons, strict=False)  # the hidden ones come after
        ],
        "segments": [
            {
                "concept": segment.concept,
                "member": segment.member,
                "stranger": None if segment.owner is None else result.persons[segment.owner].stranger,
                "track": None
                if segment.owner is None or segment.owner >= len(tracks)
                else tracks[segment.owner],
                "score": round(segment.score, 4),
                "box": [round(float(side), 2) for side in segment.box],
                "mask": encode(segment.mask),
            }
            for segment in result.segments
        ],
    }
