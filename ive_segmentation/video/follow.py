"""From a video and a prompt to files: one pass to see and to name, one to draw what was asked for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ive_segmentation.answers import not_left_out
from ive_segmentation.language import EVERYONE, UNKNOWN, Member, Prompt, names_to_show, parse
from ive_segmentation.output.naming import asked_for
from ive_segmentation.output.overlay import overlay
from ive_segmentation.patience import Progress, silent
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import PERSON, Image
from ive_segmentation.settings import Settings
from ive_segmentation.video.decoding import VideoError
from ive_segmentation.video.drawing import Outputs, draw
from ive_segmentation.video.formats import Format
from ive_segmentation.video.heads import HAIR
from ive_segmentation.video.names import Names, Span
from ive_segmentation.video.owners import Owners, OwnerSpan
from ive_segmentation.video.reading import Video, probe, read
from ive_segmentation.video.records import Records
from ive_segmentation.video.sound import sound_remark
from ive_segmentation.video.story import Story
from ive_segmentation.video.timeline import Interval, intervals, write_timeline
from ive_segmentation.video.tracking import make_tracker
from ive_segmentation.video.watching import Watched, watch
from ive_segmentation.writing import refuse_folder, spare

SEEING = 0.85
"""Share of the progress that the first pass is given; the second only decodes, draws and encodes."""
TIMELINE = "timeline.csv"
PREVIEW_EVERY = 2.0  # seconds
Preview = Callable[[Image], None]


@dataclass(frozen=True, eq=False)
class Followed:
    """What one prompt gave on one video.

    Attributes:
        files: What was written, by format; always a "timeline".
        intervals: Who is on screen when.
        messages: Sentences for the user: what was corrected, or never found.
        frames: How many were read.
        seconds: Wall time.
        how: Which tracker followed them, in words.
        found: Of whom what was found anywhere: folder names (None is Unknown, or nobody's) and concepts.
    """

    files: dict[str, Path]
    intervals: tuple[Interval, ...]
    messages: tuple[str, ...]
    frames: int
    seconds: float
    how: str
    found: tuple[tuple[str | None, str], ...] = ()


def follow(
    pipeline: Pipeline,
    path: str | Path,
    prompt: str | Prompt,
    out: Path,
    *,
    formats: Collection[str] = (Format.overlay,),
    start: float | None = None,
    end: float | None = None,
    fancam: bool = False,
    progress: Progress = silent,
    preview: Preview | None = None,
) -> Followed:
    """Answer a prompt over a video.

    Args:
        pipeline: Everything loaded; it needs SAM 3.
        path: The video file.
        prompt: What is asked, as text or already read.
        out: Folder for the files; made if missing.
        formats: Of `Format`.
        start: Seconds from the beginning of the video; None for its beginning.
        end: Seconds from the beginning; None for its end.
        fancam: Also a 9:16 video of the first member whom the prompt names; one is made all the same where
            the prompt says whose ("Rei's fancam").
        progress: Called with the share done (0 to 1), and words that say how long it may still take.
        preview: Called every two seconds with the last frame and what is known of it by then.

    Returns:
        The files and the timeline. Whatever `progress` or `preview` raise ends it, and no file is left.

    Raises:
        PromptError: If the text cannot be read without guessing.
        VideoError: If the video cannot be read, a fancam of nobody is asked for, there is no SAM 3, or no
            bank for a prompt that needs one.
        NotDrawnError: If a built-in model is given a real video.
        SegmentationError: If SAM 3 cannot answer.
        CheckpointError: If its tracker is damaged, or a new word needs its text encoder and that cannot be
            loaded.
        WriteError: If a file cannot be written.
    """
    begun = time.monotonic()
    if pipeline.sam3 is None:
        why = pipeline.notices.get("masks", "")
        raise VideoError(f"Videos need SAM 3, which is not loaded. {why}".strip())
    asked, video, outputs = plan(
        path, prompt, pipeline.members, out,
        formats=formats, start=start, end=end, fancam=fancam, max_pixels=pipeline.settings.max_pixels,
    )  # fmt: skip
    if pipeline.gallery is None and asked.names_somebody:
        why = pipeline.notices.get("names", "")
        raise VideoError(f"Nobody can be named: there is no bank of photos. {why}".strip())
    progress(0.0, "Getting ready to track")
    unasked = {HAIR} - set(asked.concepts) if outputs.star else set()
    tracker = make_tracker(pipeline.sam3, [PERSON, *asked.concepts, *unasked])
    rate = float(video.rate)
    names, owners = Names.of(pipeline.gallery, rate), Owners(rate)
    first_pass = _Pass(progress, 0.0, SEEING, _expected_frames(video, start, end), ", then it is drawn")
    shown = time.monotonic() - PREVIEW_EVERY
    with Records() as records:
        frames = read(video, start, end)  # at least one, or it raises
        for watched in watch(frames, tracker, pipeline, names, owners, unasked=unasked):
            records.append(watched.record)
            first_pass.done("Looking at")
            if preview is not None and time.monotonic() - shown >= PREVIEW_EVERY:
                preview(_glimpse(watched, video, asked, names, pipeline))
                shown = time.monotonic()
        lasts = float(watched.frame.duration * video.time_base)
        spans = names.settle()
        # Of who is not there no fancam is made: somebody else would be filmed under her name.
        there = any(span.member == outputs.star for span in spans)
        made = outputs if there else replace(outputs, star=None)
        story = Story(video.size, asked, spans, owners.settle())
        if made.star:
            progress(SEEING, "Planning where the fancam looks")
        second_pass = _Pass(progress, SEEING, 1.0, first_pass.count)
        files, found = draw(
            read(video, start, end), video, records, story, pipeline.members, made,
            lambda: second_pass.done("Drawing"),
        )  # fmt: skip
        times = intervals(story.presence(records, lasts))
    called = names_to_show(pipeline.members)
    files["timeline"] = out / TIMELINE
    if files["timeline"].exists():  # every answer has one; without it such files are the user's own
        outputs.clear(pipeline.members, files.values())
    write_timeline(files["timeline"], times, called)
    remarks = [_breaks_off(video, end, watched.frame.second + lasts), sound_remark(video, made.sounds)]
    messages = (*asked.messages, *_never_found(asked, found, times, called), *filter(None, remarks))
    return Followed(
        files,
        tuple(times),
        messages,
        frames=first_pass.count,
        seconds=time.monotonic() - begun,
        how=tracker.how,
        found=tuple(sorted(found, key=lambda one: (one[1], one[0] or ""))),
    )


class Plan(NamedTuple):
    """What is to be done, before anything is loaded for it."""

    asked: Prompt
    video: Video
    outputs: Outputs


def plan(
    path: str | Path,
    prompt: str | Prompt,
    members: Sequence[Member],
    out: Path,
    *,
    formats: Collection[str] = (Format.overlay,),
    start: float | None = None,
    end: float | None = None,
    fancam: bool = False,
    max_pixels: int = Settings.max_pixels,
) -> Plan:
    """Read a prompt and look at a video and a folder: what is wrong is refused here, not after all work.

    Args:
        path: The video file.
        prompt: What is asked, as text or already read.
        members: Who can be named.
        out: Folder for the files.
        formats: Of `Format`.
        start: Seconds from the beginning of the video; None for its beginning.
        end: Seconds from the beginning; None for its end.
        fancam: Also a 9:16 video of the first member whom the prompt names; one is made all the same where
            the prompt says whose ("Rei's fancam").
        max_pixels: Videos with larger frames are refused.

    Returns:
        What `follow` will do.

    Raises:
        PromptError, VideoError, WriteError: As `follow`.
    """
    if unknown := set(formats) - set(Format):
        raise VideoError(f"There is no format {min(unknown)}. Choose of: {', '.join(Format)}.")
    asked = parse(prompt, members) if isinstance(prompt, str) else prompt
    star = asked.star or (_star(asked, members) if fancam else None)
    video = probe(path, max_pixels=max_pixels)
    outputs = Outputs(out, frozenset(formats), star)
    places = {*outputs.places(members), out / TIMELINE}
    spare(video.path, out, {file.name for file in places}.__contains__)
    refuse_folder(out, places)
    next(read(video, start, end))
    return Plan(asked, video, outputs)


def _star(prompt: Prompt, members: Sequence[Member]) -> str:
    """Folder name of the first member whom a prompt names."""
    known = {member.folder for member in members}
    named = [person for request in prompt.requests for person in request.people if person in known]
    if not named:
        raise VideoError("A fancam follows one member, and the prompt names none. Put her name into it.")
    return named[0]


def _glimpse(watched: Watched, video: Video, prompt: Prompt, names: Names, pipeline: Pipeline) -> Image:
    """Draw a frame with what is known of it while the video goes by."""
    frame, record, owners = watched
    index = record.index
    now = names.now([sighting.track for sighting in record.of(PERSON)])
    story = Story(
        video.size,
        prompt,
        [Span(track, index, index, member, 0.0) for track, member in now.items()],
        [OwnerSpan(thing, index, index, owner) for thing, owner in owners.items()],
    )
    return overlay(frame.image, story.result(record), pipeline.members, similarities=False)


def _never_found(
    prompt: Prompt,
    found: Collection[tuple[str | None, str]],
    times: Collection[Interval],
    names: Mapping[str, str],
) -> Iterator[str]:
    """Say what the whole video did not show of what was asked for."""
    seen = {interval.member for interval in times}
    for request in prompt.requests:
        thing = request.thing or PERSON
        if not request.people and not any(concept == thing for _, concept in found):
            yield f"No {thing} was found in this video."
        yield from not_left_out(request, seen, names)
        everyone = {one for one in seen if (one or UNKNOWN) not in request.but}
        for who in request.people:
            someone = asked_for(who, names) + (" else" if request.but else "")
            hers = {EVERYONE: everyone, UNKNOWN: seen & {None}}.get(who, seen & {who})
            if not hers:
                found_nobody = f"Nobody was found in this video who is {someone}."
                yield {
                    EVERYONE: f"Nobody {'else ' if seen else ''}was found in this video.",
                    UNKNOWN: "Nobody unknown was found in this video.",
                }.get(who, found_nobody)
            elif not any(member in hers and concept == thing for member, concept in found):
                yield f"No {thing} of {someone} was found in this video."


def _breaks_off(video: Video, end: float | None, until: float) -> str | None:
    """Say that pictures are missing, of a video that was read to its end or to `end`; both in seconds."""
    if video.pictured is None:
        return None
    expected = min(video.pictured, math.inf if end is None else end)
    # Headers are not exact to the frame.
    if until > expected - max(0.5, 2 / float(video.rate)):
        return None
    return f"The video breaks off after {until:.1f} of {expected:.1f} s: the rest is missing or damaged."


class _Pass:
    """Counts frames, and says how far it is and how long it may still take."""

    def __init__(self, progress: Progress, begin: float, end: float, total: int, then: str = "") -> None:
        self.count, self._then = 0, then
        self._progress, self._begin, self._end, self._total = progress, begin, end, total
        self._started = time.monotonic()

    def done(self, doing: str) -> None:
        self.count += 1
        share = min(self.count / self._total, 1.0)
        left = (time.monotonic() - self._started) * (1 - share) / share
        words = f"{doing} frame {self.count} of {max(self._total, self.count)}, {_about(left)} left"
        self._progress(self._begin + (self._end - self._begin) * share, words + self._then)


def _about(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"about {round(seconds / size)} {unit}"
    return f"about {round(seconds)} s"


def _expected_frames(video: Video, start: float | None, end: float | None) -> int:
    share = (min(end or video.seconds, video.seconds) - (start or 0.0)) / max(video.seconds, 1e-6)
    return max(1, round(video.frames * min(max(share, 0.0), 1.0)))
