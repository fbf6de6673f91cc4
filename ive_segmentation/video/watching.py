"""The first pass over a video: everything is tracked, faces are looked at where a name is still wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ive_segmentation.demo.drawn import refuse_photos
from ive_segmentation.identity.matching import member_log_odds
from ive_segmentation.identity.quality import quality_of
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.possession.body import measure
from ive_segmentation.possession.faces import faces_to_persons
from ive_segmentation.possession.things import things_to_owners
from ive_segmentation.result import PERSON, Image
from ive_segmentation.video.heads import HAIR, Box, Heads, hair_of
from ive_segmentation.video.names import Names
from ive_segmentation.video.owners import Owners
from ive_segmentation.video.reading import Frame
from ive_segmentation.video.records import Record, Sighting
from ive_segmentation.video.shots import Cuts
from ive_segmentation.video.tracks import Tracked, Tracker

DARK = 16
"""Standard deviation of a frame's values below which it shows nothing yet: videos often begin in black."""


class Watched(NamedTuple):
    """A frame, what was seen in it, and whose each thing track seems to be in it, by person track."""

    frame: Frame
    record: Record
    owners: dict[int, int | None]


def watch(
    frames: Iterable[Frame],
    tracker: Tracker,
    pipeline: Pipeline,
    names: Names,
    owners: Owners,
    *,
    unasked: Collection[str] = (),
) -> Iterator[Watched]:
    """Follow everyone and everything through a video.

    Args:
        frames: In order.
        tracker: Made for "person" and the things asked for.
        pipeline: For its face models and gallery, where it has them.
        names: Is told who was visible, and what was seen of faces.
        owners: Is told whose each thing seems to be.
        unasked: Concepts that are followed and not reported: hair, because a fancam shows all of a head.

    Yields:
        Every frame with what was seen in it.

    Raises:
        NotDrawnError: If a built-in model is given a real video.
        SegmentationError: If the tracker cannot look at a frame.
        VideoError: As `read`, where the frames are from there.
    """
    cuts, heads, shot = Cuts(), Heads(), 0
    unjudged = pipeline.drawn_only
    for frame in frames:
        if unjudged and frame.image.std() > DARK:
            refuse_photos(frame.image)
            unjudged = False
        if cuts.is_cut(frame.image):
            shot += 1
            tracker.cut()
        tracked = tracker.follow(frame.image)
        persons = [instance for instance in tracked if instance.concept == PERSON]
        locks = [instance for instance in tracked if instance.concept == HAIR]
        hair = hair_of(persons, locks)
        told = [instance for instance in tracked if instance.concept not in unasked]
        boxes = np.array([person.box for person in persons], np.float32).reshape(-1, 4)
        names.saw(frame.index, [person.track for person in persons], boxes)
        if any(names.wants_look(person.track, frame.index) for person in persons):
            _look_at_faces(frame, persons, hair, pipeline, names, heads)
        given = _give_things(frame.index, told, persons, heads, owners)
        sightings = tuple(
            Sighting.of(
                instance,
                heads.head(instance, hair.get(instance.track)) if instance.concept == PERSON else None,
            )
            for instance in told
        )
        yield Watched(frame, Record(frame.index, frame.second, shot, sightings), given)
    if unjudged:  # it was dark to its end
        refuse_photos(frame.image)


def _look_at_faces(
    frame: Frame,
    persons: Sequence[Tracked],
    hair: Mapping[int, Box],
    pipeline: Pipeline,
    names: Names,
    heads: Heads,
) -> None:
    """Look at every face of a frame: finding one costs as much as finding all."""
    if pipeline.faces is None or pipeline.gallery is None:
        return
    image: Image = frame.image
    found = pipeline.faces.find(image)
    holders = faces_to_persons(
        np.array([face.box for face in found]),
        np.array([face.keypoints for face in found]),
        [person.mask for person in persons],
    )
    shown = [
        (face, persons[holder]) for face, holder in zip(found, holders, strict=True) if holder is not None
    ]
    embeddings = pipeline.faces.embed([face.crop for face, _ in shown])
    odds = member_log_odds(embeddings, pipeline.gallery)
    points = pipeline.gallery.space.project(embeddings)
    for (face, person), row, point in zip(shown, odds, points, strict=True):
        names.add_look(person.track, frame.index, row, quality_of(face), point)
        heads.seen(person, face.box, hair.get(person.track))
    for track in {person.track for person in persons} - {person.track for _, person in shown}:
        names.add_look(track, frame.index, None)


def _give_things(
    index: int, tracked: Sequence[Tracked], persons: Sequence[Tracked], heads: Heads, owners: Owners
) -> dict[int, int | None]:
    """Say of each thing whose it is in this frame alone; votes over many frames decide."""
    given: dict[int, int | None] = {}
    concepts = dict.fromkeys(instance.concept for instance in tracked if instance.concept != PERSON)
    if not concepts:
        return given
    bodies = measure([person.mask for person in persons], [heads.face(person) for person in persons])
    for concept in concepts:
        things = [instance for instance in tracked if instance.concept == concept]
        verdicts = things_to_owners(concept, [thing.mask for thing in things], bodies)
        for thing, verdict in zip(things, verdicts, strict=True):
            given[thing.track] = None if verdict.owner is None else persons[verdict.owner].track
            owners.add(index, thing.track, given[thing.track], verdict.claim)
    return given
