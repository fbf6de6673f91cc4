"""Things of people whom a prompt names: "Yujin's phone" says that Yujin has one, so more is done to find it.

It is looked for again in a crop round her; if it is still not there, an instance of which SAM 3 is less sure
is taken; and at last one that somebody else has the better claim on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ive_segmentation.answers import clean_instances, meant, things_of
from ive_segmentation.language import EVERYONE, UNKNOWN, Request
from ive_segmentation.persons import measured
from ive_segmentation.possession.body import Body, Box
from ive_segmentation.possession.region import place_back, region_of_interest, worth_another_look
from ive_segmentation.possession.things import things_to_holders, things_to_owners
from ive_segmentation.possession.worn import worn_place
from ive_segmentation.result import PERSON, Image, Person, Segment, left_to_right
from ive_segmentation.segmentation.instances import Instance, mostly_same
from ive_segmentation.segmentation.sam3 import Features, Sam3
from ive_segmentation.settings import Measured


def presume(
    sam3: Sam3,
    image: Image,
    features: Features,
    requests: Sequence[Request],
    persons: Sequence[Person],
    bodies: Sequence[Body | None],
    things: Mapping[str, list[Segment]],
) -> dict[str, list[Segment]]:
    """Find things of the people whom a prompt names, given that it says they have them.

    Args:
        sam3: The model.
        image: (H, W, 3) uint8, RGB.
        features: The same picture as SAM 3 sees it.
        requests: All of the prompt.
        persons: Everyone in the picture.
        bodies: The same, measured.
        things: By noun, the instances found on the whole picture, and whose each is.

    Returns:
        By noun, the instances to answer those requests with that `is_of_the_named` is true of. Nouns that are
        asked for in no such request are left out.

    Raises:
        SegmentationError: If SAM 3 cannot answer.
        CheckpointError: If its text encoder is needed and cannot be loaded.
    """
    presumed = {}
    # All who are asked for one thing are looked at together: what one of them has cannot go to another.
    for concept, request in of_the_named(requests).items():
        found = look_again(sam3, image, request, persons, things[concept])
        found = doubtful(sam3, features, request, persons, bodies, found)
        presumed[concept] = contested(request, requests, persons, bodies, found)
    return presumed


def is_of_the_named(request: Request) -> bool:
    """Tell whether a request is for a thing of people it names, members or strangers.

    Args:
        request: Any.

    Returns:
        False for people themselves, for a thing whoever has it, and for everyone's: not everyone has one.
    """
    return bool(request.thing and request.people) and EVERYONE not in request.people


def of_the_named(requests: Sequence[Request]) -> dict[str, Request]:
    """Join the requests that ask for the same thing of people they name.

    Args:
        requests: All of a prompt.

    Returns:
        By thing one request, for all who are named for it, in the order of the prompt.
    """
    people: dict[str, list[str]] = {}
    for request in requests:
        if request.thing and is_of_the_named(request):
            people.setdefault(request.thing, []).extend(request.people)
    return {thing: Request(tuple(dict.fromkeys(who)), thing) for thing, who in people.items()}


def look_again(
    sam3: Sam3,
    image: Image,
    request: Request,
    persons: Sequence[Person],
    things: list[Segment],
) -> list[Segment]:
    """Look once more, in a crop round each named person, for a thing that was not found, or found too small.

    The closer look sees people better too, above all their hands, so it also decides whose a thing is.

    Args:
        sam3: The model.
        image: (H, W, 3) uint8, RGB.
        request: A thing of named people.
        persons: Everyone in the picture.
        things: The instances found on the whole picture.

    Returns:
        The things, left to right. What a closer look found to be somebody's takes the place of all that she
        had before, and of the same thing in anybody else's hands.

    Raises:
        SegmentationError: If SAM 3 cannot answer.
        CheckpointError: If its text encoder is needed and cannot be loaded.
    """
    assert request.thing is not None
    size = (image.shape[0], image.shape[1])
    crops = _crops(request, persons, things, size, sam3.resolution)
    looks = sam3.encode_all([image[top:bottom, left:right] for left, top, right, bottom in crops.values()])
    claimed: list[tuple[float, Segment]] = []
    for (owner, crop), features in zip(crops.items(), looks, strict=True):
        seen, around = sam3.find(features, [request.thing, PERSON])
        bodies = measured(_seen_closer(persons, clean_instances(around, features.size), crop))
        offset = np.array([*crop[:2], *crop[:2]], dtype=np.float32)
        found = [
            Instance(place_back(mask, crop, size), box + offset, score)
            for mask, box, score in clean_instances(seen, features.size)
        ]
        verdicts = things_to_owners(request.thing, [instance.mask for instance in found], bodies)
        claimed += [
            (verdict.claim, Segment(request.thing, *instance, owner, persons[owner].member))
            for instance, verdict in zip(found, verdicts, strict=True)
            if verdict.owner == owner
        ]
    # Each of two looks may give one thing to the person it looks at.
    closer: list[Segment] = []
    for _, thing in sorted(claimed, key=lambda pair: -pair[0]):
        if not _among(thing, closer):
            closer.append(thing)
    looked_at = {thing.owner for thing in closer}
    kept = [thing for thing in things if thing.owner not in looked_at and not _among(thing, closer)]
    return left_to_right(kept + closer)


def _crops(
    request: Request, persons: Sequence[Person], things: Sequence[Segment], size: tuple[int, int], side: int
) -> dict[int, Box]:
    """Where a closer look pays: by person the crop, xyxy in pixels; `side` is that of SAM 3's square."""
    crops = {}
    for owner in meant(request, persons):
        body = persons[owner].mask
        if body is not None:
            crop = region_of_interest(body, size)
            hers = [thing.mask for thing in things if thing.owner == owner]
            largest = max(hers, key=np.count_nonzero, default=None)
            if worth_another_look(largest, crop, size, input_side=side):
                crops[owner] = crop
    return crops


def _seen_closer(persons: Sequence[Person], found: Sequence[Instance], crop: Box) -> list[Person]:
    """The persons; whoever was found in the crop again has, within it, the mask that was found there."""
    left, top, right, bottom = crop
    window = slice(top, bottom), slice(left, right)

    def closer(person: Person) -> Person:
        if person.mask is None:
            return person
        her = next((one.mask for one in found if mostly_same(one.mask, person.mask[window])), None)
        if her is None:
            return person
        mask = person.mask.copy()
        mask[window] = her
        return replace(person, mask=mask)

    return [closer(person) for person in persons]


def doubtful(
    sam3: Sam3,
    features: Features,
    request: Request,
    persons: Sequence[Person],
    bodies: Sequence[Body | None],
    things: list[Segment],
) -> list[Segment]:
    """Give a named member who has nothing surer what SAM 3 is less sure of.

    Args:
        sam3: The model.
        features: The picture as SAM 3 sees it.
        request: A thing of named people; nothing is presumed of the strangers among them.
        persons: Everyone in the picture.
        bodies: The same, measured.
        things: The instances found, on the whole picture and closely.

    Returns:
        The things, left to right, and what was found for members who had none.

    Raises:
        SegmentationError: If SAM 3 cannot answer.
        CheckpointError: If its text encoder is needed and cannot be loaded.
    """
    assert request.thing is not None
    without = _without(request, persons, things)
    if not without:
        return things
    (found,) = sam3.find(features, [request.thing], Measured.doubtful * sam3.threshold)
    every = things_of(request.thing, clean_instances(found, features.size), persons, bodies)
    # Whose the surer ones are is decided already, and was decided without these.
    unsure = [thing for thing in every if thing.owner in without and thing.score <= sam3.threshold]
    return left_to_right(things + unsure)


def contested(
    request: Request,
    asked: Sequence[Request],
    persons: Sequence[Person],
    bodies: Sequence[Body | None],
    things: list[Segment],
) -> list[Segment]:
    """Give a named member who has none a held thing that may be hers, though another has the better claim.

    A hand is a hundredth of a person's mask, and the part of it that SAM 3 is most likely to give to somebody
    else; what it holds goes with it. For worn things this rule won nothing (PLAN.md).

    Args:
        request: A thing of named people; nothing is presumed of the strangers among them.
        asked: All requests of the prompt; nothing is taken from anyone who is asked for as well.
        persons: Everyone in the picture.
        bodies: The same, measured.
        things: The instances found, and whose each is if nothing is presumed.

    Returns:
        The things, in the same order. Of each that is given now, `rival` is whoever else it may belong to.
    """
    assert request.thing is not None
    without = sorted(_without(request, persons, things))
    owners = {place for one in asked if one.thing == request.thing for place in meant(one, persons)}
    free = [place for place, thing in enumerate(things) if thing.owner not in owners]
    if not without or not free or worn_place(request.thing) is not None:
        return things
    verdicts = things_to_holders(request.thing, [things[place].mask for place in free], bodies, without)
    given = list(things)
    for place, verdict in zip(free, verdicts, strict=True):
        if verdict.owner is not None:
            given[place] = replace(
                things[place],
                owner=verdict.owner,
                member=persons[verdict.owner].member,
                rival=verdict.rival,
            )
    return given


def _without(request: Request, persons: Sequence[Person], things: Sequence[Segment]) -> set[int]:
    """Indices of the members a request names who are in the picture and own none of the things.

    Whoever is there twice, as in a collage, owns what either of the two does.
    """
    members = Request(tuple(who for who in request.people if who != UNKNOWN), None)
    having = {persons[thing.owner].member for thing in things if thing.owner is not None}
    return {
        place
        for place in meant(members, persons)
        if persons[place].mask is not None and persons[place].member not in having
    }


def _among(thing: Segment, others: Sequence[Segment]) -> bool:
    """Whether one of the others shows the same thing."""
    return any(mostly_same(thing.mask, other.mask) for other in others)
