"""Clips: the drawn people move, with the exact truth of every frame."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ive_segmentation.demo.canvas import Canvas, pick_colour
from ive_segmentation.demo.heads import Look, random_look
from ive_segmentation.demo.identities import MEMBERS, Identity, stranger
from ive_segmentation.demo.moves import Course, Part, Prop, hand_over, play
from ive_segmentation.demo.outfits import Outfit, random_outfit
from ive_segmentation.demo.people import SOLE, draw_person
from ive_segmentation.demo.places import draw_place
from ive_segmentation.demo.scenes import frame_people, lay_thing, lit, random_grain, random_light
from ive_segmentation.demo.seen import read_canvas
from ive_segmentation.demo.things import HELD, THING_COLOURS
from ive_segmentation.demo.truth import Scene

ACTIONS = ("walk", "cross", "turn", "leave", "handover")
"""What people do in a shot, and what holds for the whole clip."""
MOVES = (*ACTIONS, "cuts", "twins", "strangers")
PAIRED = ("cross", "handover")
"""Actions that take two."""
APART = 5.5
"""Neighbours stand at most this far apart, in head half widths."""
FPS = 24
"""Frames per second."""


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a clip, with numbers that stay the same through all of it.

    Attributes:
        index: Of the frame, from 0.
        shot: Number of the shot, from 0; it changes at a cut.
        scene: The picture and its truth. Who is hidden or has left is not in it.
        person_ids: For each of the scene's persons, a number that is the person's in every shot.
        thing_ids: For each of the scene's things, a number that is the thing's, whoever holds it.
        thing_owners: For each of the scene's things, the id of the person whose it is, also while that
            person is not seen; None for nobody's.
    """

    index: int
    shot: int
    scene: Scene
    person_ids: tuple[int, ...]
    thing_ids: tuple[int, ...]
    thing_owners: tuple[int | None, ...]


@dataclass
class Cast:
    """Who plays: the faces, heads and clothes, and what they hold.

    Attributes:
        people, looks, outfits: Of each person.
        props: Everything that is held in the clip.
        holds: For each person's two arms, an index of the props or -1; what the last shot left.
        passed: The prop that changes hands, its giver, the giver's arm, and who takes it; or None.
    """

    people: list[Identity]
    looks: list[Look]
    outfits: list[Outfit]
    props: list[Prop]
    holds: np.ndarray
    passed: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Shot:
    """One shot, ready to be drawn.

    Attributes:
        place: The canvas with everything that does not move.
        loose: Labels of the things on it.
        stage: Who is in it and where they go, from the back to the front.
        light, grain: Of its pictures.
    """

    place: Canvas
    loose: list[int]
    stage: list[tuple[int, Course]]
    light: np.ndarray
    grain: np.ndarray


def draw_clip(
    seed: int,
    people: int | None = None,
    seconds: float = 5.0,
    size: tuple[int, int] = (480, 360),
    fps: int = FPS,
    moves: Sequence[str] | None = None,
) -> Iterator[ClipFrame]:
    """Draw a clip, one frame at a time; the same arguments always give the same frames.

    Args:
        seed: Everything random comes from it.
        people: How many, 1 to 6; by default 2 to 5, drawn at random.
        seconds: How long.
        size: Width and height in pixels.
        fps: Frames per second.
        moves: What happens, of `MOVES`, and nothing else; by default drawn at random. Each action happens
            once.

    Yields:
        The frames in order.

    Raises:
        ValueError: If a move is unknown or takes more people than there are, or the clip is too short for
            its shots.
    """
    rng = np.random.default_rng(seed)
    count = people or int(rng.choice([2, 3, 4, 5], p=[0.2, 0.35, 0.3, 0.15]))
    chosen = _choose_moves(rng, seconds, count) if moves is None else list(moves)
    if unknown := set(chosen) - set(MOVES):
        raise ValueError(f"{sorted(unknown)} are no moves; there are {MOVES}")
    if count < 2 and set(chosen) & set(PAIRED):
        raise ValueError(f"{PAIRED} take two people")
    total = round(seconds * fps)
    shots = (2 if seconds < 6 else int(rng.integers(2, 4))) if "cuts" in chosen else 1
    if total < 4 * shots:
        raise ValueError(f"{total} frames are too few for {shots} shots")
    ends = np.round((np.arange(1, shots + 1) + rng.uniform(-0.15, 0.15, shots)) * total / shots).astype(int)
    ends[-1] = total
    cast = _choose_cast(rng, count, chosen)
    actions = [move for move in chosen if move in ACTIONS]
    ids: dict[tuple[object, ...], int] = {}
    start = 0
    for number, end in enumerate(ends):
        shot = _stage(rng, cast, actions[number::shots], int(end) - start, size, fps)
        for frame in range(int(end) - start):
            noise = random_grain(np.random.default_rng((seed, start + frame)), shot.grain.shape[:2], most=1)
            yield _draw(cast, shot, number, start, frame, noise, ids)
        for person, course in shot.stage:
            cast.holds[person] = course.holds[-1]
        start = int(end)


def _choose_moves(rng: np.random.Generator, seconds: float, count: int) -> list[str]:
    possible = [move for move in ACTIONS if count > 1 or move not in PAIRED]
    most = min(len(possible), max(1, int(seconds / 2)))
    actions = rng.permutation(possible)[: int(rng.integers(min(2, most), most + 1))]
    chances = {"cuts": 0.6, "twins": 0.35, "strangers": 0.4}
    return [*map(str, actions), *(name for name, chance in chances.items() if rng.random() < chance)]


def _choose_cast(rng: np.random.Generator, count: int, moves: list[str]) -> Cast:
    people = [MEMBERS[str(name)] for name in rng.permutation(list(MEMBERS))[:count]]
    if "strangers" in moves:
        for i in range(max(1, count // 2)):
            people[i] = stranger(rng)
    outfits = [random_outfit(rng) for _ in range(count)]
    if "twins" in moves:
        outfits = [outfits[0]] * count
    props: list[Prop] = []
    holds = np.full((count, 2), -1)
    passed = None
    busy: set[tuple[int, int]] = set()
    if "handover" in moves:
        giver, taker = (int(i) for i in rng.permutation(count)[:2])
        arm = int(rng.integers(2))
        kind = str(rng.choice(["microphone", "bag"]))
        props.append((kind, pick_colour(rng, THING_COLOURS.get(kind))))
        holds[giver, arm] = 0
        passed = (0, giver, arm, taker)
        busy = {(giver, arm), (taker, 1 - arm)}
    for person in range(count):
        arm = int(rng.integers(2))
        if rng.random() < 0.4 and (person, arm) not in busy:
            kind = str(rng.choice(HELD))
            holds[person, arm] = len(props)
            props.append((kind, pick_colour(rng, THING_COLOURS.get(kind))))
    return Cast(people, [random_look(rng) for _ in range(count)], outfits, props, holds, passed)


def _stage(
    rng: np.random.Generator,
    cast: Cast,
    actions: list[str],
    frames: int,
    size: tuple[int, int],
    fps: int,
) -> Shot:
    """Choose a place and a framing, put the people there, and let them act."""
    width, height = size
    count = len(cast.people)
    near = ["wide", "medium", "close"] if set(actions) <= {"turn"} else ["wide", "medium"]
    framed = str(rng.choice(near))
    order = [int(i) for i in rng.permutation(count)]
    if framed == "close":
        order = order[: min(count, 2)]
    passing: list[int] = []
    if "handover" in actions and cast.passed is not None:
        _, giver, arm, taker = cast.passed
        passing = [giver, taker]  # the taker's hand closes over the thing
        order = [i for i in order if i not in passing]
        spot = int(rng.integers(len(order) + 1))
        order[spot:spot] = passing if arm else passing[::-1]
    count = len(order)
    framing = frame_people(rng, framed, count, size)
    place = draw_place(rng, width, height, framing.floor)
    loose = []
    if framed == "wide" and rng.random() < 0.5:
        loose.append(lay_thing(rng, place, framing.unit, framing.head_y + framing.unit * (SOLE - 0.3)))
    depths = np.sort(rng.uniform(-0.45, 0.35, count))
    if passing:
        depths[-2:] = depths[-1]  # hands that meet are equally near
    back_to_front = [int(i) for i in rng.permutation([i for i in order if i not in passing])]
    back_to_front += passing
    gap = min(width / count, APART * framing.unit)
    spots = width / 2 + (np.arange(count) - (count - 1) / 2 + rng.uniform(-0.1, 0.1, count)) * gap
    parts: dict[int, Part] = {}
    levels: dict[int, float] = {}
    for depth, person in zip(depths, back_to_front, strict=True):
        unit = framing.unit * (1 + 0.16 * float(depth))
        parts[person] = Part(unit, {0.0: float(spots[order.index(person)])})
        levels[person] = framing.head_y + framing.unit * float(depth)
        for arm in (0, 1):
            parts[person].holds[arm][0.0] = int(cast.holds[person, arm])
    seconds = frames / fps
    _direct(rng, cast, actions, [(i, parts[i]) for i in order], seconds, width)
    sway, beat = float(rng.choice([0.3, 1.0, 2.5])), float(rng.uniform(0.7, 1.1))
    courses = []
    for person in back_to_front:
        parts[person].gesture(rng, seconds, cast.props)
        courses.append((person, play(rng, parts[person], levels[person], frames, fps, sway, beat)))
    return Shot(place, loose, courses, random_light(rng), random_grain(rng, (height, width), most=2))


def _direct(
    rng: np.random.Generator,
    cast: Cast,
    actions: list[str],
    line: list[tuple[int, Part]],
    seconds: float,
    width: int,
) -> None:
    """Give each action its actors, `line` being everybody from left to right, and its time.

    Actions with different actors happen together; where nobody is free, they follow one another.
    """
    acts: list[list[tuple[str, list[Part]]]] = [[]]
    # The pair of a hand-over is settled; who crosses must find two neighbours free.
    for action in sorted(actions, key=("handover", "cross", "leave", "turn", "walk").index):
        busy = [part for _, actors in acts[-1] for part in actors]
        actors = _free_actors(rng, cast, action, line, busy)
        if actors is None:
            acts.append([])
            actors = _free_actors(rng, cast, action, line, [])
        assert actors is not None
        acts[-1].append((action, actors))
    span = seconds / len(acts)
    for number, act in enumerate(acts):
        for action, actors in act:
            start = number * span + float(rng.uniform(0.06, 0.12)) * span
            end = (number + 1) * span - float(rng.uniform(0.06, 0.12)) * span
            _act(rng, cast, action, actors, (start, end), width)


def _free_actors(
    rng: np.random.Generator, cast: Cast, action: str, line: list[tuple[int, Part]], busy: list[Part]
) -> list[Part] | None:
    """Who could do it: the pair of a hand-over, two neighbours to cross, the outermost to leave, anybody."""
    parts = [part for _, part in line]
    if action == "handover" and cast.passed is not None:
        _, giver, _, taker = cast.passed
        groups = [[dict(line)[giver], dict(line)[taker]]]
    elif action == "cross":
        groups = [[a, b] for a, b in pairwise(parts)]
    elif action == "leave":
        groups = [[parts[0]], [parts[-1]]]
    else:
        groups = [[part] for part in parts]
    free = [group for group in groups if not any(part is other for part in group for other in busy)]
    return free[int(rng.integers(len(free)))] if free else None


def _act(
    rng: np.random.Generator,
    cast: Cast,
    action: str,
    actors: list[Part],
    time: tuple[float, float],
    width: int,
) -> None:
    (start, end), first = time, actors[0]
    if action == "turn":
        first.turn(start, end, float(rng.choice([-1, 1])))
    elif action == "leave":
        first.leave(start, end, width)
    elif action == "handover" and cast.passed is not None:
        hand_over(first, actors[1], cast.passed[2], start, end, width)
    elif action == "cross":
        here, there = first.place, actors[1].place
        # Rather slowly, and in the middle of the time.
        pace = min(end - start, max(0.8, abs(here - there) / first.unit / 2.6))
        begin = (start + end - pace) / 2
        first.go(begin, begin + pace, there)
        actors[1].go(begin, begin + pace, here)
    else:
        edge = min(1.8 * first.unit, width / 2)
        spots = rng.uniform(edge, width - edge, 8)
        far = float(spots[np.argmax(np.abs(spots - first.place) < 0.45 * width)])
        first.go(start, start + min(end - start, max(0.8, abs(far - first.place) / first.unit / 2.6)), far)


def _draw(
    cast: Cast,
    shot: Shot,
    number: int,
    start: int,
    frame: int,
    noise: np.ndarray,
    ids: dict[tuple[object, ...], int],
) -> ClipFrame:
    """Draw one frame; `ids` numbers every thing when it is first seen."""
    canvas = shot.place.copy()
    drawn = []
    source: dict[int, tuple[object, ...]] = {label: ("loose", number, label) for label in shot.loose}
    for i, (person, course) in enumerate(shot.stage):
        at = (float(course.x[frame]), float(course.y[frame]), course.unit)
        look = course.look(frame, cast.looks[person])
        pose = course.pose(frame, cast.props)
        parts = draw_person(canvas, i, cast.people[person], look, cast.outfits[person], pose, *at)
        drawn.append(parts)
        arms = course.arms(frame)
        shoes = [label for label in parts.worn if canvas.table[label].concept == "shoe"]
        for label in parts.worn:
            foot = arms[shoes.index(label)] if label in shoes else 0
            source[label] = ("worn", person, canvas.table[label].concept, foot)
        held = [int(course.holds[frame, arm]) for arm in arms]
        for label, prop in zip(parts.held, (prop for prop in held if prop >= 0), strict=True):
            source[label] = ("held", prop)
    image = lit(canvas.image, shot.light, shot.grain + noise)
    seen = read_canvas(canvas, image, [cast.people[person] for person, _ in shot.stage], drawn, shot.loose)
    owners = [canvas.table[label].owner for label in seen.labels]
    return ClipFrame(
        index=start + frame,
        shot=number,
        scene=seen.scene,
        person_ids=tuple(shot.stage[i][0] for i in seen.cast),
        thing_ids=tuple(ids.setdefault(source[label], len(ids)) for label in seen.labels),
        thing_owners=tuple(None if owner is None else shot.stage[owner][0] for owner in owners),
    )
