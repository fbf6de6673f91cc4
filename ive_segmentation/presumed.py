"""What a prompt itself says: that who it names has the thing. So there is more to be done than to look once.

It is looked for again, closely; taken where SAM 3 is not sure of it; taken from who has the better claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ive_segmentation.answers import clean_instances, meant, things_of
from ive_segmentation.language import EVERYONE, UNKNOWN, Request
from ive_segmentation.persons import measured
from ive_segmentation.possession.body import Body
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
    """Do for things of people whom a prompt names what is not done for others.

    Args:
        sam3: The model.
        image: (H, W, 3) uint8, RGB.
        features: The same picture as SAM 3 sees it.
        requests: All of the prompt.
        persons: Everyone in the picture.
        bodies: The same, measured.
        things: By noun, the instances found on the whole picture, and whose each is.

    Returns:
        By noun of those that are asked for so, the instances, and whose each is to those who are named.

    Raises:
        SegmentationError: If SAM 3 cannot answer.
    """
    presumed = {}
    # For all who are asked for one thing together: what one of them has, no other can be given.
    for concept, request in of_the_named(requests).items():
        found = look_again(sam3, image, request, persons, things[concept])
        found = doubtful(sam3, features, request, persons, bodies, found)
        presumed[concept] = contested(request, requests, persons, bodies, found)
    return presumed


def is_of_the_named(request: Request) -> bool:
    """Tell whether a request is for a thing of people it names; nothing is presumed of everyone.

    Args:
        request: Any.

    Returns:
        False also where it is for people themselves.
    """
    return bool(request.thing and request.people) and EVERYONE not in request.people


def of_the_named(requests: Sequence[Request]) -> dict[str, Request]:
    """Put those requests together that ask for the same thing of people they name.

    Args:
        requests: All of a prompt.

    Returns:
        By thing, one of all who are named for it, in the order of the prompt.
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
    """Look once more, closely, for what a named person should have and was not found, or found too small.

    The closer look sees people better too, a hand most of all, so whose a thing is, is judged by that.

    Args:
        sam3: The model.
        image: (H, W, 3) uint8, RGB.
        request: A thing of named people; nothing is looked for again on behalf of everyone.
        persons: Everyone in the picture.
        things: The instances found on the whole picture.

    Returns:
        The things, left to right, with those of each person looked at closely replaced by what the closer
        look found, which nobody else has any longer.
    """
    if not is_of_the_named(request):
        return things
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
    # Two looks may each find that one thing is hers whom they look at.
    closer: list[Segment] = []
    for _, thing in sorted(claimed, key=lambda pair: -pair[0]):
        if not _among(thing, closer):
            closer.append(thing)
    looked_at = {thing.owner for thing in closer}
    kept = [thing for thing in things if thing.owner not in looked_at and not _among(thing, closer)]
    return left_to_right(kept + closer)


def _crops(
    request: Request, persons: Sequence[Person], things: Sequence[Segment], size: tuple[int, int], side: int
) -> dict[int, tuple[int, int, int, int]]:
    """By person the crop, xyxy in pixels, where a closer look pays; `side` is that of SAM 3's square."""
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


def _seen_closer(
    persons: Sequence[Person], found: Sequence[Instance], crop: tuple[int, int, int, int]
) -> list[Person]:
    """The persons, each with her mask in the crop as a look at the crop found it, where it found her."""
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
    """Take what SAM 3 is less sure of for a named person who has nothing surer: the prompt says she has it.

    Args:
        sam3: The model.
        features: The picture as SAM 3 sees it.
        request: A thing of members; nothing is presumed of everyone, nor of strangers.
        persons: Everyone in the picture.
        bodies: The same, measured.
        things: The instances found, on the whole picture and closely.

    Returns:
        The things, left to right, with those of each person who had none.
    """
    if not is_of_the_named(request):
        return things
    assert request.thing is not None
    without = _without(request, persons, things)
    if not without:
        return things
    (found,) = sam3.find(features, [request.thing], Measured.doubtful * sam3.threshold)
    every = things_of(request.thing, clean_instances(found, features.size), persons, bodies)
    # Whose the surer ones are was decided among themselves.
    unsure = [thing for thing in every if thing.owner in without and thing.score <= sam3.threshold]
    return left_to_right(things + unsure)


def contested(
    request: Request,
    asked: Sequence[Request],
    persons: Sequence[Person],
    bodies: Sequence[Body | None],
    things: list[Segment],
) -> list[Segment]:
    """Give a named person who holds none what may be in her hand: the prompt says that she has one.

    A hand is a hundredth of a person's mask and the first part of it to go to somebody else, and what it
    holds goes with it. What is worn lies on a body, and is no clearer for being asked for (PLAN.md).

    Args:
        request: A thing of members; nothing is presumed of everyone, nor of strangers.
        asked: All requests of the prompt; nothing is taken from anyone who is asked for as well.
        persons: Everyone in the picture.
        bodies: The same, measured.
        things: The instances found, and whose each is by itself.

    Returns:
        The things, for each person who had none one that may be hers, and whose it may be instead its rival.
    """
    if not is_of_the_named(request):
        return things
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
    """Indices of the members a request names who are there and own none of the things, in any place."""
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
