"""How well people are followed and named in drawn clips that nothing was trained or tuned on.

Run: python -m benchmarks.video_quality [--clips 20] [--first-seed 2000000] [--sam3 FOLDER]

Prints, over all clips: IDF1 of the names (a stranger counts by the number by which she is known again, and by
the track where she shows no face), as TrackEval computes it (the `trackers` library's own version); mask J,
the mean IoU of every visible person's mask with the one found for it (0 where none was); and the share of
frames in which a visible person bears the right name, those in which the face cannot be seen included. Then a
fancam of every member: in how many of the frames that show her the whole head, hair included, is in the
picture where it can be, and how hard the camera is moved, beside a crop that follows her box.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import supervision as sv
from scipy.optimize import linear_sum_assignment
from tqdm import tqdm
from trackers.eval.identity import aggregate_identity_metrics, compute_identity_metrics

from ive_segmentation.coco import decode, encode
from ive_segmentation.demo.clips import ClipFrame, draw_clip
from ive_segmentation.demo.stand_in import demo_settings
from ive_segmentation.demo.truth import DrawnPerson, box_of
from ive_segmentation.language import Prompt, Request
from ive_segmentation.loading import load_pipeline
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import PERSON
from ive_segmentation.settings import load_settings
from ive_segmentation.video.fancam import ASPECT, camera_path
from ive_segmentation.video.heads import HAIR
from ive_segmentation.video.names import Names, Span
from ive_segmentation.video.owners import Owners
from ive_segmentation.video.reading import Frame
from ive_segmentation.video.records import Records
from ive_segmentation.video.story import Sight, Story
from ive_segmentation.video.tracking import make_tracker
from ive_segmentation.video.watching import watch

FIRST_SEED = 2_000_000
FPS, SECONDS, SIZE = 24, 5.0, (480, 360)
FOUND = 0.5
"""IoU from which on a mask is the person's; what COCO, MOT and TrackEval count as found."""


@dataclass(frozen=True)
class TruePerson:
    """One visible person of a frame; `head` is the box of what is seen of it, `face` whether the face is."""

    number: int
    member: str | None
    rle: dict[str, Any]
    head: npt.NDArray[np.float32] | None
    face: bool


@dataclass
class Score:
    """What one clip gave; lists have one entry per frame, or per visible person and frame."""

    true_ids: list[npt.NDArray[np.int_]] = field(default_factory=list)
    our_ids: list[npt.NDArray[np.int_]] = field(default_factory=list)
    overlaps: list[npt.NDArray[np.float64]] = field(default_factory=list)
    jaccard: list[float] = field(default_factory=list)
    named: list[bool] = field(default_factory=list)
    named_without_face: list[bool] = field(default_factory=list)
    head_inside: list[bool] = field(default_factory=list)
    head_too_large: int = 0
    moved: list[tuple[float, float]] = field(default_factory=list)
    moved_with_box: list[tuple[float, float]] = field(default_factory=list)


def follow_clip(pipeline: Pipeline, seed: int) -> Score:
    """Follow and name everyone in one clip, and compare with the truth."""
    assert pipeline.sam3 is not None
    assert pipeline.gallery is not None
    truth: list[list[TruePerson]] = []
    names, owners = Names.of(pipeline.gallery, FPS), Owners(FPS)
    with Records() as records:
        frames = _frames(draw_clip(seed, seconds=SECONDS, size=SIZE, fps=FPS), truth)
        tracker = make_tracker(pipeline.sam3, [PERSON, HAIR])
        for watched in watch(frames, tracker, pipeline, names, owners, unasked={HAIR}):
            records.append(watched.record)
        prompt = Prompt(PERSON, (Request((), PERSON),))
        story = Story(SIZE[::-1], prompt, names.settle(), owners.settle())
        score = Score()
        numbers: dict[Any, int] = {}
        for record, true in zip(records, truth, strict=True):
            found = record.of(PERSON)
            spans = [story.name(sighting.track, record.index) for sighting in found]
            called = [span.member if span else None for span in spans]
            keys = [_identity(span, sighting.track) for span, sighting in zip(spans, found, strict=True)]
            score.our_ids.append(np.array([numbers.setdefault(key, len(numbers)) for key in keys], int))
            score.true_ids.append(np.array([person.number for person in true], int))
            table = _overlaps([decode(person.rle) for person in true], [sighting.mask for sighting in found])
            score.overlaps.append(table)
            pairs = dict(np.array(linear_sum_assignment(table, maximize=True)).T.tolist())
            for row, person in enumerate(true):
                overlap = float(table[row, pairs[row]]) if row in pairs else 0.0
                right = overlap >= FOUND and called[pairs[row]] == person.member
                score.jaccard.append(overlap)
                score.named.append(right)
                if not person.face:
                    score.named_without_face.append(right)
        for member in {person.member for true in truth for person in true if person.member}:
            _film(member, story.sight_of(member, records), truth, score)
    return score


def _identity(span: Span | None, track: int) -> str | int:
    """Who somebody is said to be: a member, a stranger who is known again, or whoever this track is."""
    if span is None or (span.member is None and span.stranger is None):
        return track
    return span.member or f"stranger {span.stranger}"


def _film(member: str, sight: Sight, truth: list[list[TruePerson]], score: Score) -> None:
    """Make a fancam of one member, and count."""
    found = not np.isnan(sight.heads).all()
    windows = camera_path(*sight)
    for window, true in zip(windows, truth, strict=True):
        for person in true:
            if person.member == member and person.head is not None:
                width, height = person.head[2:] - person.head[:2]
                if width > min(SIZE[0], SIZE[1] * ASPECT) or height > SIZE[1]:
                    score.head_too_large += 1
                    continue
                x1, y1, x2, y2 = person.head - window
                score.head_inside.append(found and bool(min(x1, y1) >= 0 and max(x2, y2) <= 0))
    if not found:
        return
    middles = (windows[:, :2] + windows[:, 2:]) / 2
    boxes = (sight.bodies[:, :2] + sight.bodies[:, 2:]) / 2
    known = np.flatnonzero(~np.isnan(boxes[:, 0]))
    followed = boxes[known[np.searchsorted(known, np.arange(len(boxes)), side="right").clip(1) - 1]]
    width = float(windows[0, 2] - windows[0, 0])
    score.moved.append(_peaks(middles / width, sight.shots))
    score.moved_with_box.append(_peaks(followed / width, sight.shots))


def _peaks(path: npt.NDArray[np.float64], shots: npt.NDArray[np.int_]) -> tuple[float, float]:
    """Peak acceleration and jerk within the shots, in crop widths and seconds."""
    peaks = [0.0, 0.0]
    for shot in np.unique(shots):
        for at, order in enumerate((2, 3)):
            steps = np.diff(path[shots == shot], order, axis=0) * FPS**order
            peaks[at] = max(peaks[at], float(np.linalg.norm(steps, axis=1).max(initial=0.0)))
    return peaks[0], peaks[1]


def _frames(clip: Iterator[ClipFrame], truth: list[list[TruePerson]]) -> Iterator[Frame]:
    for drawn in clip:
        people = zip(drawn.person_ids, drawn.scene.persons, strict=True)
        truth.append(
            [
                TruePerson(
                    number, person.identity, encode(person.mask), _head(person), person.face_box is not None
                )
                for number, person in people
            ]
        )
        second = Fraction(drawn.index, FPS)
        yield Frame(drawn.index, drawn.index, 1, float(second), drawn.scene.image)


def _head(person: DrawnPerson) -> npt.NDArray[np.float32] | None:
    parts = [part for part in (person.face, person.hair) if part is not None]
    return box_of(np.logical_or.reduce(parts)) if parts else None


def _overlaps(true: list[npt.NDArray[np.bool_]], found: list[npt.NDArray[np.bool_]]) -> Any:
    if not true or not found:
        return np.zeros((len(true), len(found)))
    return sv.mask_iou_batch(np.stack(true), np.stack(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--sam3", help="another checkpoint than the built-in one")
    arguments = parser.parse_args()
    settings = demo_settings(load_settings())
    if arguments.sam3:
        settings = load_settings(
            dataset=settings.dataset, bank=settings.bank, faces=settings.faces, sam3=arguments.sam3
        )
    pipeline = load_pipeline(settings)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.clips)
    scores = [follow_clip(pipeline, seed) for seed in tqdm(seeds, unit="clip")]
    identity = aggregate_identity_metrics(
        [compute_identity_metrics(s.true_ids, s.our_ids, s.overlaps, FOUND) for s in scores]
    )
    jaccard = np.concatenate([s.jaccard for s in scores])
    named = np.concatenate([s.named for s in scores])
    hidden = np.concatenate([s.named_without_face for s in scores])
    print(f"{arguments.clips} clips, {len(jaccard)} sightings of persons, {len(hidden)} without a face shown")
    print(f"IDF1                                   {identity['IDF1']:.3f}   at least 0.95")
    print(f"mask J                                 {jaccard.mean():.3f}   at least 0.75")
    print(f"name right, of all sightings           {named.mean():.3f}   at least 0.98")
    print(f"name right, of those without a face    {hidden.mean():.3f}")
    inside = np.concatenate([s.head_inside for s in scores])
    too_large = sum(s.head_too_large for s in scores)
    print(f"fancam: the head wholly in the picture {inside.mean():.3f}   at least 0.99")
    print(f"    left out: {too_large} of {too_large + len(inside)} heads are larger than any 9:16 picture")
    ours = np.concatenate([s.moved for s in scores])
    plain = np.concatenate([s.moved_with_box for s in scores])
    print("fancam: peaks in crop widths and seconds, beside those of a crop that follows the box")
    for at, what in enumerate(("acceleration", "jerk")):
        for kind, take in (("median of members", np.median), ("largest", np.max)):
            ahead = f"    {what}, {kind}"
            print(f"{ahead:34} {take(ours[:, at]):9.2f}   beside {take(plain[:, at]):9.2f}")


if __name__ == "__main__":
    main()
