"""Who is on screen when: joined, written, drawn."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ive_segmentation.output.overlay import color_of
from ive_segmentation.settings import Measured
from ive_segmentation.video.timeline import (
    STRANGERS,
    Interval,
    Who,
    intervals,
    timeline_chart,
    write_timeline,
)
from ive_segmentation.writing import WriteError

MEMBERS = ("Jang_Wonyoung", "Naoi_Rei")
Presence = list[set[str | None]]


def frames(shown: Presence, second: float = 0.1) -> list[tuple[float, float, set[Who]]]:
    return [
        (round(i * second, 6), round((i + 1) * second, 6), {Who(member) for member in here})
        for i, here in enumerate(shown)
    ]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([], []),
        ([set(), set()], []),
        ([{"Rei"}] * 10, [("Rei", 0.0, 1.0)]),
        ([{"Rei"}] * 3 + [set()] * 4 + [{"Rei"}] * 3, [("Rei", 0.0, 1.0)]),
        ([{"Rei"}] * 3 + [set()] * 5 + [{"Rei"}] * 2, [("Rei", 0.0, 0.3), ("Rei", 0.8, 1.0)]),
        ([{"Rei", None}] * 2 + [{None}] * 3, [("Rei", 0.0, 0.2), (None, 0.0, 0.5)]),
        ([set()] * 9 + [{"Rei"}], [("Rei", 0.9, 1.0)]),
    ],
    ids=["no frames", "nobody", "all along", "short gap", "long gap", "with a stranger", "last frame only"],
)
def test_intervals(shown: Presence, expected: list[tuple[str | None, float, float]]) -> None:
    assert intervals(frames(shown)) == [Interval(*one) for one in expected]


def test_frames_may_last_differently_long() -> None:
    rei = Who("Rei")
    uneven: list[tuple[float, float, list[Who]]] = [(0, 2, [rei]), (2, 2.01, []), (2.01, 5, [rei])]
    assert intervals(uneven) == [Interval("Rei", 0.0, 5.0)]


def test_strangers_are_told_apart() -> None:
    first, second = Who(None, 1), Who(None, 2)
    shown = [(0.0, 1.0, [first, second]), (1.0, 2.0, [second]), (2.0, 3.0, [first])]
    assert intervals(shown) == [
        Interval(None, 0.0, 1.0, 1),
        Interval(None, 0.0, 2.0, 2),
        Interval(None, 2.0, 3.0, 1),
    ]


@given(st.lists(st.sets(st.sampled_from(["A", "B", None])), max_size=60))
def test_every_frame_that_shows_a_member_is_in_one_of_her_intervals(shown: Presence) -> None:
    found = intervals(frames(shown))
    for start, end, who in frames(shown):
        for person in who:
            assert sum(one.who == person and one.start <= start and end <= one.end for one in found) == 1
    for member in ("A", "B", None):
        own = [one for one in found if one.member == member]
        ends = [(one.end, other.start) for one, other in pairwise(own)]
        assert all(start - end >= Measured.timeline_gap for end, start in ends)


SHOWN = [
    Interval("Jang_Wonyoung", 0.0, 1.2345),
    Interval(None, 0.5, 2.0),
    Interval("Naoi_Rei", 3.0, 4.0),
    Interval(None, 3.5, 4.0, 2),
]


def test_the_table_is_read_back(tmp_path: Path) -> None:
    write_timeline(tmp_path / "out" / "timeline.csv", SHOWN, {"Naoi_Rei": "레이, Rei"})
    with (tmp_path / "out" / "timeline.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["member", "start", "end"],
            ["Jang_Wonyoung", "0.000", "1.234"],
            ["Unknown", "0.500", "2.000"],
            ["레이, Rei", "3.000", "4.000"],
            ["Unknown 2", "3.500", "4.000"],
        ]


def test_a_table_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        write_timeline(tmp_path / "file" / "timeline.csv", SHOWN, {})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_chart_has_a_row_for_each_who_was_seen_in_her_colour() -> None:
    figure = timeline_chart(SHOWN[:3], MEMBERS, {"Naoi_Rei": "Rei"})
    assert [bar.y[0] for bar in figure.data] == ["Jang_Wonyoung", "Rei", "Unknown"]
    assert [bar.marker.color for bar in figure.data] == [
        color_of(member, MEMBERS) for member in (*MEMBERS, None)
    ]
    assert len({bar.marker.color for bar in figure.data}) == 3
    assert [(bar.base[0], bar.x[0]) for bar in figure.data] == [(0.0, 1.2345), (3.0, 1.0), (0.5, 1.5)]
    assert not timeline_chart([], MEMBERS, {}).data


def test_the_strangers_who_are_there_longest_have_rows_and_the_others_share_one() -> None:
    crowd = [Interval(None, 0.0, 1.0 + (number % 15), number) for number in range(1, 31)]
    bars = timeline_chart([*crowd, Interval(None, 2.0, 3.0)], MEMBERS, {}).data
    longest = [number for number in range(1, 31) if number % 15 >= 10]
    assert [bar.y[0] for bar in bars] == [*(f"Unknown {number}" for number in longest), "Unknown"]
    assert [len(bar.y) for bar in bars] == [1] * STRANGERS + [21]
