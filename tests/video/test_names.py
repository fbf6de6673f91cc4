"""Names over time, as small stories, and the algebra of the rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ive_segmentation.identity.faces import FoundFace
from ive_segmentation.identity.quality import quality_of
from ive_segmentation.settings import Measured
from ive_segmentation.video.assigning import assign, together
from ive_segmentation.video.looks import Look as Kept
from ive_segmentation.video.names import Names, Span

RATE = 10.0
MEMBERS = ("Gaeul", "Rei", "Wonyoung", "Yujin")


def like(name: str | None, odds: float = 4.0) -> np.ndarray:
    """Log-odds of a face that looks like a member, or like nobody."""
    row = np.full(len(MEMBERS), -4.0, np.float32)
    if name is not None:
        row[MEMBERS.index(name)] = odds
    return row


Look = tuple[int, int, np.ndarray]  # track, frame, log-odds


def looks(track: int, frames: Sequence[int], name: str | None, odds: float = 4.0) -> list[Look]:
    return [(track, frame, like(name, odds)) for frame in frames]


def told(
    tracks: dict[int, tuple[int, int]],
    seen: Sequence[Look],
    touching: Sequence[tuple[int, int]] = (),
    crossing: int | None = None,
) -> list[Span]:
    """Play a story: tracks with their first and last frame, looks, and where two boxes come closest."""
    names = Names(MEMBERS, RATE)
    for frame in range(
        min(first for first, _ in tracks.values()), max(last for _, last in tracks.values()) + 1
    ):
        here = [track for track, (first, last) in tracks.items() if first <= frame <= last]
        left = {
            track: 30.0 * abs(frame - crossing) if crossing is not None and (track, 0) in touching else 0.0
            for track in here
        }
        boxes = np.array([[left[track], 0, left[track] + 60, 100] for track in here], np.float32)
        names.saw(frame, here, boxes if crossing is not None else None)
    for look in seen:
        names.add_look(*look)
    return names.settle()


def parts(spans: Sequence[Span]) -> list[tuple[int, int, int, str | None]]:
    return [(span.track, span.first, span.last, span.member) for span in spans]


STORIES = {
    "seen at frame 3 only: named from the first to the last": (
        {1: (0, 90)},
        looks(1, [3], "Rei"),
        [(1, 0, 90, "Rei")],
    ),
    "never seen: Unknown": ({1: (5, 20)}, [], [(1, 5, 20, None)]),
    "a stranger: Unknown": ({1: (0, 90)}, looks(1, range(0, 90, 5), None), [(1, 0, 90, None)]),
    "weak looks that agree add up against one strong wrong look": (
        {1: (0, 90)},
        looks(1, range(0, 90, 9), "Rei", 1.5) + looks(1, [44], "Yujin", 5.0),
        [(1, 0, 90, "Rei")],
    ),
    "one wrong look at the end splits nothing": (
        {1: (0, 90)},
        looks(1, range(0, 80, 10), "Rei") + looks(1, [90], "Yujin", 9.0),
        [(1, 0, 90, "Rei")],
    ),
    "a swap at 50: both split": (
        {1: (0, 99), 2: (0, 99)},
        looks(1, range(0, 50, 5), "Rei")
        + looks(1, range(50, 99, 5), "Yujin")
        + looks(2, range(0, 50, 5), "Yujin")
        + looks(2, range(50, 99, 5), "Rei"),
        [(1, 0, 47, "Rei"), (1, 48, 99, "Yujin"), (2, 0, 47, "Yujin"), (2, 48, 99, "Rei")],
    ),
    "a swap of which only one shows her face afterwards": (
        {1: (0, 99), 2: (0, 99)},
        looks(1, range(0, 50, 5), "Rei")
        + looks(1, range(50, 99, 5), "Yujin")
        + looks(2, range(0, 50, 5), "Yujin"),
        [(1, 0, 47, "Rei"), (1, 48, 99, "Yujin"), (2, 0, 47, "Yujin"), (2, 48, 99, "Rei")],
    ),
    "a swap of which only one showed her face before": (
        {1: (0, 99), 2: (0, 99)},
        looks(1, range(0, 50, 5), "Rei")
        + looks(1, range(50, 99, 5), "Yujin")
        + looks(2, range(50, 99, 5), "Rei"),
        [(1, 0, 47, "Rei"), (1, 48, 99, "Yujin"), (2, 0, 47, "Yujin"), (2, 48, 99, "Rei")],
    ),
    "a track that jumps to a stranger": (
        {1: (0, 99)},
        looks(1, range(0, 50, 5), "Rei") + looks(1, range(50, 99, 5), None),
        [(1, 0, 47, "Rei"), (1, 48, 99, None)],
    ),
    "three change places in a ring": (
        {1: (0, 99), 2: (0, 99), 3: (0, 99)},
        [
            look
            for track, before, after in ((1, "Rei", "Yujin"), (2, "Yujin", "Gaeul"), (3, "Gaeul", "Rei"))
            for frames, name in ((range(track, 50, 5), before), (range(50 + track, 99, 5), after))
            for look in looks(track, frames, name)
        ],
        [
            (track, first, last, name)
            for track, before, after in ((1, "Rei", "Yujin"), (2, "Yujin", "Gaeul"), (3, "Gaeul", "Rei"))
            for first, last, name in ((0, 49, before), (50, 99, after))
        ],
    ),
    "two in one frame like Rei: the better one is Rei, the other nobody": (
        {1: (0, 50), 2: (30, 90)},
        looks(1, [10, 40], "Rei", 2.0) + looks(2, [35, 80], "Rei", 3.0),
        [(1, 0, 50, None), (2, 30, 90, "Rei")],
    ),
    "two in one frame like Rei: the other is her next best": (
        {1: (0, 50), 2: (30, 90)},
        [(1, 40, np.array([-4, 3, 2.5, -4], np.float32)), *looks(2, [35, 80], "Rei", 3.0)],
        [(1, 0, 50, "Wonyoung"), (2, 30, 90, "Rei")],
    ),
    "one look that hardly speaks for Rei: Unknown": (
        {1: (0, 50)},
        looks(1, [40], "Rei", 1.4),
        [(1, 0, 50, None)],
    ),
    "two of them, far apart: Rei": (
        {1: (0, 50)},
        looks(1, [10, 40], "Rei", 1.4),
        [(1, 0, 50, "Rei")],
    ),
    "left and came back: both are Rei": (
        {1: (0, 40), 2: (60, 90)},
        looks(1, [10], "Rei") + looks(2, [70], "Rei"),
        [(1, 0, 40, "Rei"), (2, 60, 90, "Rei")],
    ),
    "Rei until another track is she: too few looks to split it alone": (
        {1: (0, 60), 2: (40, 60)},
        looks(1, range(0, 40, 3), "Rei", 5.0)
        + looks(1, range(43, 60, 4), None)
        + looks(2, range(41, 60, 3), "Rei", 5.0),
        [(1, 0, 39, "Rei"), (1, 40, 60, None), (2, 40, 60, "Rei")],
    ),
    "a chain of three like Rei: nobody twice in a frame, and Rei where she alone is like her": (
        {1: (0, 40), 2: (30, 70), 3: (60, 90)},
        looks(1, [35], "Rei", 3.0) + looks(2, [50], "Rei", 4.0) + looks(3, [65], "Rei", 3.0),
        [(1, 0, 40, "Rei"), (2, 30, 40, None), (2, 41, 59, "Rei"), (2, 60, 70, None), (3, 60, 90, "Rei")],
    ),
    "Rei on a track whose last frames are another's, and on the one that found her again": (
        {1: (0, 40), 2: (30, 90)},
        looks(1, [10], "Rei", 3.0) + looks(2, [50, 80], "Rei", 4.0),
        [(1, 0, 29, "Rei"), (1, 30, 40, None), (2, 30, 90, "Rei")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    tracks, seen, expected = STORIES[story]
    assert parts(told(tracks, seen)) == expected


def test_a_swap_lies_where_the_two_were_closest() -> None:
    seen = (
        looks(1, [0, 10, 20, 30], "Rei") + looks(1, [70, 80, 90], "Yujin")
        + looks(2, [0, 10, 20, 30], "Yujin") + looks(2, [70, 80, 90], "Rei")
    )  # fmt: skip
    spans = told({1: (0, 99), 2: (0, 99)}, seen, [(1, 0)], crossing=61)
    assert {span.first for span in spans} == {0, 61}


UNCLEAR = [(2, frame, like("Yujin", odds)) for frame, odds in ((3, 1.5), (20, -3.0), (35, 1.0))]


@pytest.mark.parametrize(
    ("crossing", "seen_of_2", "names_of_2"),
    [
        pytest.param(50, UNCLEAR, ["Yujin", "Rei"], id="hardly a face of the other one"),
        pytest.param(50, looks(2, [3, 20, 35], None), [None], id="the other one is surely a stranger"),
        pytest.param(50, [], [None], id="the other one never shows her face"),
        pytest.param(None, UNCLEAR, [None], id="they did not meet"),
    ],
)
def test_who_swapped_with_a_face_that_says_little(
    crossing: int | None, seen_of_2: list[Look], names_of_2: list[str | None]
) -> None:
    seen = looks(1, range(0, 50, 5), "Rei") + looks(1, range(55, 99, 5), "Yujin")
    spans = told({1: (0, 99), 2: (0, 99)}, seen + seen_of_2, [(1, 0)], crossing)
    assert [span.member for span in spans if span.track == 2] == names_of_2


@pytest.mark.parametrize(("crossing", "names"), [(None, {"Rei"}), (50, {"Rei", "Yujin"})])
def test_fewer_looks_show_a_swap_where_two_have_crossed(crossing: int | None, names: set[str]) -> None:
    seen = looks(1, range(0, 50, 10), "Rei") + looks(1, [90], "Yujin", 5.0)
    spans = told({1: (0, 99), 2: (0, 99)}, seen, [(1, 0)], crossing)
    assert {span.member for span in spans if span.track == 1} == names


def test_confidence_grows_with_looks_and_knows_who_is_taken() -> None:
    once, often = (told({1: (0, 99)}, looks(1, frames, "Rei", 1.0))[0] for frames in ([5], [5, 40, 80]))
    assert 0.5 < once.confidence < often.confidence < 1
    between = np.array([-4, 2, 2, -4], np.float32)
    alone = told({1: (0, 99)}, [(1, 5, between)])[0]
    beside = told({1: (0, 99), 2: (0, 99)}, [(1, 5, between), *looks(2, [5, 50], "Wonyoung")])[0]
    assert beside.member == "Rei"
    assert alone.confidence < 0.5 < beside.confidence


def test_looks_are_often_until_sure_then_rare_and_often_again_after_a_touch() -> None:
    names = Names(MEMBERS, RATE)
    asked = []
    for frame in range(100):
        names.saw(frame, [1])
        if names.wants_look(1, frame):
            asked.append(frame)
            names.add_look(1, frame, like("Rei") if frame >= 5 else None)
    gaps = np.diff(asked)
    assert asked[0] == 0
    assert gaps[0] == round(Measured.look_new * RATE)
    assert gaps[-1] == round(Measured.look_sure * RATE)
    boxes = np.array([[0, 0, 60, 100], [30, 0, 90, 100]], np.float32)
    assert not names.wants_look(1, asked[-1] + 4)
    names.saw(asked[-1] + 4, [1, 2], boxes)
    assert names.wants_look(1, asked[-1] + 4)


def test_a_back_is_not_asked_for_its_face_in_every_frame() -> None:
    names = Names(MEMBERS, RATE)
    asked = 0
    for frame in range(100):
        names.saw(frame, [1])
        if names.wants_look(1, frame):
            asked += 1
            names.add_look(1, frame, None)
    assert asked < 60


def test_the_preview_names_nobody_twice_and_follows_a_swap() -> None:
    names = Names(MEMBERS, RATE)
    assert names.now([]) == {}
    assert names.now([7]) == {7: None}
    for frame in (0, 30):  # as at the end, one look that hardly speaks for her is not enough
        names.add_look(3, frame, like("Gaeul", 1.4))
        assert names.now([3]) == {3: "Gaeul" if frame else None}
    for frame in range(0, 300, 15):
        names.add_look(1, frame, like("Rei"))
        names.add_look(2, frame, like("Rei", 3.0))
    assert names.now([1, 2]) == {1: "Rei", 2: None}
    for frame in range(300, 330, 10):
        names.add_look(1, frame, like("Yujin"))
    assert names.now([1, 2]) == {1: "Yujin", 2: "Rei"}


def test_a_bank_of_many_members_keeps_a_few_numbers_per_look() -> None:
    names = Names([str(member) for member in range(2000)], RATE)
    names.saw(0, [1, 2])
    for track in (1, 2):
        odds = np.full(2000, -9, np.float32)
        odds[1000 + track] = 4
        names.add_look(track, 0, odds)
    assert [span.member for span in names.settle()] == ["1001", "1002"]
    assert len(Kept.at(0, odds, 1.0, None).odds) == Measured.shortlist < len(odds)


def test_no_members_and_no_frames() -> None:
    assert Names((), RATE).settle() == []
    names = Names((), RATE)
    names.saw(0, [1])
    names.add_look(1, 0, np.zeros(0, np.float32))
    assert parts(names.settle()) == [(1, 0, 0, None)]


FRONTAL = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
SHARP = np.random.default_rng(0).integers(0, 255, (112, 112, 3), np.uint8)


@pytest.mark.parametrize(
    ("width", "nose", "crop", "expected"),
    [
        (100, (50, 60), SHARP, 0.9),
        (30, (50, 60), SHARP, 0.45),
        (100, (50, 60), np.zeros_like(SHARP), 0.0),
        (100, (78, 60), SHARP, 0.45),
        (100, (22, 60), SHARP, 0.45),
        (100, (50, 47), SHARP, 0.45),
        (100, (50, 79.2), SHARP, 0.9 * Measured.most_nod / 0.98),
    ],
    ids=["good", "small", "blurred", "from the side", "from the other side", "thrown back", "bent down"],
)
def test_quality(width: int, nose: tuple[float, float], crop: np.ndarray, expected: float) -> None:
    points = FRONTAL.copy()
    points[2] = nose
    face = FoundFace(np.array([0, 0, width, 100], np.float32), points, 0.9, crop)
    assert quality_of(face) == pytest.approx(expected, abs=1e-4)


def test_what_was_seen_before_a_swap_is_not_the_strangers_face() -> None:
    names = Names(MEMBERS, RATE)
    for frame in range(100):
        names.saw(frame, [1] if frame < 90 else [2])
    for frame in range(0, 50, 5):
        names.add_look(1, frame, like("Rei"), 1.0, face(0.0))
    for frame in range(50, 90, 5):
        names.add_look(1, frame, like(None), 1.0, face(1.0))
    names.add_look(2, 95, like(None), 1.0, face(1.0))
    told = [(span.member, span.stranger) for span in names.settle()]
    assert told == [("Rei", None), (None, 1), (None, 1)]


def test_a_poor_look_is_outweighed() -> None:
    names = Names(MEMBERS, RATE)
    names.saw(0, [1])
    for frame in (10, 20):
        names.saw(frame, [2])
    names.add_look(1, 0, like(None), 0.9, face(1.0))
    names.add_look(2, 10, like(None), 0.9, face(1.0))
    names.add_look(2, 20, like(None), 0.1, face(-0.9))
    assert [span.stranger for span in names.settle()] == [1, 1]


def test_who_only_brushes_past_has_not_crossed() -> None:
    names = Names(MEMBERS, RATE)
    touching = np.array([[0, 0, 60, 100], [45, 0, 105, 100]], np.float32)
    for frame in range(100):
        names.saw(frame, [1, 2], touching)
    for look in looks(1, range(0, 50, 10), "Rei") + looks(1, [90], "Yujin", 5.0):
        names.add_look(*look)
    assert {span.member for span in names.settle() if span.track == 1} == {"Rei"}


# Random stories: up to five tracks that come and go, and looks at them.
track_frames = st.lists(st.sets(st.integers(0, 30), min_size=1), min_size=1, max_size=5)
some_looks = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, 30), st.integers(0, 2), st.floats(-6, 6, width=32), st.floats(0, 1)
    ),
    max_size=40,
)


def random_story(visible: list[set[int]], seen: list[tuple[int, int, int, float, float]]) -> list[Span]:
    names = Names(MEMBERS, RATE)
    for frame in range(31):
        names.saw(frame, [track for track, frames in enumerate(visible) if frame in frames])
    for track, frame, member, odds, quality in seen:
        names.add_look(track, frame, like(MEMBERS[member], odds), quality)
    return names.settle()


@given(track_frames, some_looks, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_looks_in_any_order_give_the_same(
    visible: list[set[int]], seen: list[tuple[int, int, int, float, float]], random: np.random.Generator
) -> None:
    mixed = list(seen)
    random.shuffle(mixed)
    assert random_story(visible, mixed) == random_story(visible, seen)


@given(track_frames, some_looks)
@settings(max_examples=100, deadline=None)
def test_spans_cover_each_track_once_and_no_name_is_twice_in_a_frame(
    visible: list[set[int]], seen: list[tuple[int, int, int, float, float]]
) -> None:
    spans = random_story(visible, seen)
    for track, frames in enumerate(visible):
        own = [span for span in spans if span.track == track]
        assert (own[0].first, own[-1].last) == (min(frames), max(frames))
        assert all(one.last + 1 == other.first and one.member != other.member for one, other in pairwise(own))
    for frame in range(31):
        here = [
            span.member
            for span in spans
            if span.first <= frame <= span.last and frame in visible[span.track] and span.member
        ]
        assert len(here) == len(set(here))
    assert all(0 <= span.confidence <= 1 for span in spans)


@given(
    st.lists(st.lists(st.integers(-3, 5), min_size=2, max_size=2), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), min_size=5, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_the_assignment_is_the_best_there_is(rows: list[list[int]], places: list[tuple[int, int]]) -> None:
    evidence = np.array(rows, float)
    seen = [[(first, first + length)] for first, length in places[: len(rows)]]
    cliques = together(seen)

    def worth(given_members: tuple[int, ...]) -> float:
        for clique in cliques:
            named = [given_members[part] for part in clique if given_members[part] >= 0]
            if len(named) != len(set(named)):
                return -1.0
        return sum(evidence[part, member] for part, member in enumerate(given_members) if member >= 0)

    best = max(
        worth(choice) for choice in np.ndindex(*[3] * len(rows)) for choice in [tuple(m - 1 for m in choice)]
    )
    assert worth(tuple(int(member) for member in assign(evidence, seen))) == pytest.approx(best)


def face(similarity: float) -> np.ndarray:
    """A face that is so much like `face(1)`."""
    return np.array([similarity, (1 - similarity**2) ** 0.5], np.float32)


Shown = tuple[
    int, int, int, list[tuple[int, float, float]]
]  # track, first, last, its looks: frame, likeness, quality

STRANGERS: dict[str, tuple[list[Shown], list[int | None]]] = {
    "after a cut the same face again, and somebody else": (
        [(1, 0, 9, [(0, 1.0, 0.9)]), (2, 10, 19, [(10, 0.9, 0.9)]), (3, 20, 29, [(20, 0.2, 0.9)])],
        [1, 1, 2],
    ),
    "side by side all the time, seen at different moments: two": (
        [(1, 0, 99, [(5, 1.0, 0.9), (20, 1.0, 0.9)]), (2, 0, 99, [(60, 1.0, 0.9), (90, 1.0, 0.9)])],
        [1, 2],
    ),
    "a poor look is outweighed by good ones": (
        [(1, 0, 9, [(0, 1.0, 0.9)]), (2, 10, 29, [(10, 1.0, 0.9), (20, 0.1, 0.1)])],
        [1, 1],
    ),
    "too little seen of the face, or nothing": (
        [(1, 0, 9, [(0, 1.0, 0.4)]), (2, 10, 19, [(10, 1.0, 0.9)]), (3, 20, 29, [])],
        [None, 1, None],
    ),
    "who comes first is number one": (
        [(1, 20, 29, [(20, 1.0, 0.9)]), (2, 10, 19, [(10, 0.1, 0.9)]), (3, 0, 9, [(0, 1.0, 0.9)])],
        [1, 2, 1],
    ),
}


def strangers(story: list[Shown], **told: float) -> list[int | None]:
    names = Names(MEMBERS, RATE, **told)
    for frame in range(1 + max(last for _, _, last, _ in story)):
        names.saw(frame, [track for track, first, last, _ in story if first <= frame <= last])
    for track, _, _, seen in story:
        for frame, likeness, quality in seen:
            names.add_look(track, frame, like(None), quality, face(likeness))
    return [span.stranger for span in sorted(names.settle(), key=lambda span: span.track)]


@pytest.mark.parametrize(("story", "expected"), STRANGERS.values(), ids=STRANGERS.keys())
def test_strangers_are_known_again(story: list[Shown], expected: list[int | None]) -> None:
    assert strangers(story) == expected


def test_who_appear_at_once_are_numbered_from_left_to_right() -> None:
    names = Names(MEMBERS, RATE)
    lefts = {1: 200, 2: 100, 3: 0}
    names.saw(0, [*lefts], np.array([[left, 0, left + 50, 100] for left in lefts.values()], np.float32))
    for track, likeness in zip(lefts, (1.0, 0.1, -0.9), strict=True):
        names.add_look(track, 0, like(None), 0.9, face(likeness))
    assert [span.stranger for span in names.settle()] == [3, 2, 1]


def test_how_alike_a_stranger_must_be_is_what_it_is_told() -> None:
    story: list[Shown] = [(1, 0, 9, [(0, 1.0, 0.9)]), (2, 10, 19, [(10, 0.7, 0.9)])]
    assert strangers(story, same_face=0.69) == [1, 1]
    assert strangers(story, same_face=0.71) == [1, 2]


def test_of_a_crowd_those_are_known_again_whose_faces_say_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Measured, "most_strangers", 2)
    story: list[Shown] = [
        (track, 10 * track, 10 * track + 9, [(10 * track, 1.0, quality)])
        for track, quality in enumerate([0.6, 0.9, 0.7, 0.8])
    ]
    assert strangers(story) == [None, 1, None, 1]


def test_a_member_has_no_number() -> None:
    names = Names(MEMBERS, RATE)
    names.saw(0, [1, 2])
    names.add_look(1, 0, like("Rei"), 0.9, face(1.0))
    names.add_look(2, 0, like(None), 0.9, face(1.0))
    assert [(span.member, span.stranger) for span in names.settle()] == [("Rei", None), (None, 1)]
