"""What a request gets: the masks that answer it, and the words that say what was not found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ive_segmentation.language import EVERYONE, UNKNOWN, Member, Request, names_to_show
from ive_segmentation.output.naming import asked_for
from ive_segmentation.possession.body import Body
from ive_segmentation.possession.things import things_to_owners
from ive_segmentation.result import PERSON, Person, Segment, left_to_right
from ive_segmentation.segmentation.instances import Answer, Instance, clean, instances, mostly_same
from ive_segmentation.settings import Measured

_BODILESS = (
    "the face was found, but no body that it belongs to.",
    "faces were found, but no bodies that they belong to.",
)


def things_of(
    concept: str, found: Sequence[Instance], persons: Sequence[Person], bodies: Sequence[Body | None]
) -> list[Segment]:
    """Say whose each instance of a thing is.

    Args:
        concept: The thing's noun.
        found: SAM 3's instances of it.
        persons: Everyone in the picture.
        bodies: The same, measured.

    Returns:
        One segment per instance, left to right; the owner is an index into `persons`.
    """
    verdicts = things_to_owners(concept, [instance.mask for instance in found], bodies)
    segments = [
        Segment(concept, *instance, owner, None if owner is None else persons[owner].member)
        for instance, owner in zip(found, (verdict.owner for verdict in verdicts), strict=True)
    ]
    return left_to_right(segments)


def clean_instances(found: Answer, size: tuple[int, int]) -> list[Instance]:
    """Turn an answer of SAM 3 into instances, without duplicates and without specks of one on another.

    Args:
        found: Instances of one concept.
        size: (H, W) of the picture that was looked at, pixels.

    Returns:
        The instances, at that size.
    """
    return instances(clean(found, Measured.same_instance), size)


def meant(request: Request, persons: Sequence[Person]) -> list[int]:
    """List the persons of the picture whom a request means.

    Args:
        request: Whom it asks for, and whom not.
        persons: Everyone in the picture.

    Returns:
        Indices of persons, rising.
    """
    if EVERYONE in request.people:
        return [
            place for place, person in enumerate(persons) if (person.member or UNKNOWN) not in request.but
        ]
    return [
        place
        for place, person in enumerate(persons)
        if person.member in request.people or (person.member is None and UNKNOWN in request.people)
    ]


def answer(request: Request, persons: Sequence[Person], things: Sequence[Segment]) -> list[Segment]:
    """Pick the masks a request asks for.

    Args:
        request: Whom and what it asks for.
        persons: Everyone in the picture.
        things: The instances of the request's thing; empty where it asks for people.

    Returns:
        The masks, left to right.
    """
    if request.thing is None or (not request.people and request.thing == PERSON):
        wanted = meant(request, persons) if request.people else range(len(persons))
        return [
            Segment(PERSON, person.mask, person.box, person.score, place, person.member)
            for place in wanted
            if (person := persons[place]).mask is not None
        ]
    if not request.people:
        return list(things)
    wanted = meant(request, persons)
    return [thing for thing in things if thing.owner in wanted]


def together(answers: Iterable[Sequence[Segment]]) -> list[Segment]:
    """Join the answers of several requests: a mask that more than one of them got is there once.

    Args:
        answers: What each request got.

    Returns:
        All masks, in the order of the requests. Where the same mask came without an owner and with one, it
        has the owner.
    """
    segments: list[Segment] = []
    for got in answers:
        earlier = len(segments)
        for one in got:
            alike = (place for place in range(earlier) if segments[place].concept == one.concept)
            same = next((place for place in alike if mostly_same(one.mask, segments[place].mask)), None)
            if same is None:
                segments.append(one)
            elif segments[same].owner is None:  # "phone, Rei's phone": that it is hers is not lost
                segments[same] = one
    return segments


def not_left_out(request: Request, found: Collection[str | None], names: Mapping[str, str]) -> list[str]:
    """Warn of who was to be left out and was not found: she may be among the others, without a name.

    Args:
        request: Whom it asks for, and whom not.
        found: The folder names of everyone found; None for whoever has no name.
        names: What to call the members, by folder name.

    Returns:
        A sentence, or none.
    """
    absent = ", ".join(names.get(who, who) for who in request.but if who not in {*found, UNKNOWN})
    if not found or not absent:
        return []
    return [f"Not found, so not left out: {absent}.{' Check those without a name.' if None in found else ''}"]


def explain(
    request: Request,
    persons: Sequence[Person],
    things: Sequence[Segment],
    answers: Sequence[Segment],
    members: Sequence[Member],
    sure: float,
    *,
    comparing: bool = True,
) -> list[str]:
    """Say in words what a request did not get, and what it got with doubt.

    Args:
        request: Whom and what it asks for.
        persons: Everyone in the picture.
        things: The instances of the request's thing, whoever owns them.
        answers: The masks it got.
        members: For the names to show.
        sure: The score above which SAM 3 is sure of an instance, 0 to 1.
        comparing: Whether there are face models and a bank to compare faces with.

    Returns:
        Sentences, none where everything was found.
    """
    if not request.people:
        return [] if answers else [f"No {request.thing} was found."]
    names = names_to_show(members)
    if request.but and not comparing:
        return [_unnameable(who, names) for who in request.but]
    missing = []
    other = " else" if request.but else ""
    for who in request.people:
        hers = meant(replace(request, people=(who,)), persons)
        if not hers and request.but and persons:
            missing.append(f"Nobody{other} was found in this picture.")
        elif not hers:
            known = comparing or who == EVERYONE  # everyone is found without a bank
            missing.append(_nobody(who, names, persons) if known else _unnameable(who, names))
        elif all(persons[place].mask is None for place in hers):
            missing.append(f"{_subject(who, names)}{other}: {_BODILESS[len(hers) > 1]}")
        elif request.thing and not any(segment.owner in hers for segment in answers):
            missing.append(f"No {request.thing} of {asked_for(who, names)}{other} was found.")
    unclear = sum(thing.owner is None for thing in things)
    if unclear and missing:
        missing.append(f"{unclear} × {request.thing} could not be given to anyone for certain.")
    doubts = [
        f"{asked_for(segment.member, names) if segment.member else 'Unknown'}: "
        f"SAM 3 is only {segment.score:.0%} sure of this {request.thing}."
        for segment in answers
        if request.thing and segment.score <= sure
    ]
    for segment in answers:
        rival = None if segment.rival is None else persons[segment.rival].member
        if segment.member and segment.rival is not None and rival != segment.member:
            whose = names.get(rival or "", "somebody else")
            doubts.append(f"{asked_for(segment.member, names)}: this {request.thing} may be {whose}'s.")
    left_in = not_left_out(request, {person.member for person in persons}, names)
    return left_in + missing + list(dict.fromkeys(doubts))


def _subject(who: str, names: dict[str, str]) -> str:
    """As `asked_for`, where a sentence begins with it."""
    return {EVERYONE: "Everyone", UNKNOWN: "Strangers"}.get(who) or asked_for(who, names)


def _unnameable(who: str, names: dict[str, str]) -> str:
    return f"{_subject(who, names)} cannot be looked for: faces cannot be compared with a bank of photos."


def _nobody(who: str, names: dict[str, str], persons: Sequence[Person]) -> str:
    if not persons:
        return "Nobody was found in this picture."
    if who == UNKNOWN:
        return "Nobody unknown was found in this picture: every face is a member's."
    if not any(person.face for person in persons):
        return f"{asked_for(who, names)} cannot be looked for: no face was found in this picture."
    return f"{asked_for(who, names)} was not found in this picture."
