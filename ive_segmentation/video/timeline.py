"""Who is on screen when: intervals, as a table and as a chart."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go

from ive_segmentation.output.naming import called
from ive_segmentation.output.overlay import color_of
from ive_segmentation.settings import Measured
from ive_segmentation.writing import write_whole

STRANGERS = 10  # rows of them in the chart: a crowd may have hundreds
ROW_HEIGHT, FRAME_HEIGHT = 36, 100  # pixels of the chart: a member's row, and title and axis


class Who(NamedTuple):
    """Somebody on screen: a member by her folder name, or a stranger by the number she is known again by."""

    member: str | None
    stranger: int | None = None


@dataclass(frozen=True)
class Interval:
    """A time on screen.

    Attributes:
        member: The member's folder name, or None: somebody Unknown.
        start: Seconds of the video.
        end: Seconds, when the last frame that shows her is replaced by the next.
        stranger: The number by which somebody Unknown is known again, if her face was seen.
    """

    member: str | None
    start: float
    end: float
    stranger: int | None = None

    @property
    def who(self) -> Who:
        """The person, who may be on screen at other times too."""
        return Who(self.member, self.stranger)


def intervals(frames: Iterable[tuple[float, float, Collection[Who]]]) -> list[Interval]:
    """Join the frames that show the same person.

    Args:
        frames: Start and end of each frame in seconds, in order, and whom it shows.

    Returns:
        Intervals by start, those of one person at least `Measured.timeline_gap` apart; who is away
        for less has been there all the time.
    """
    done: list[Interval] = []
    going: dict[Who, Interval] = {}
    for start, end, shown in frames:
        for who in set(shown):
            last = going.get(who)
            if last is not None and start - last.end >= Measured.timeline_gap:
                done.append(last)
                last = None
            going[who] = Interval(who.member, start if last is None else last.start, end, who.stranger)
    return sorted(
        [*done, *going.values()],
        key=lambda one: (one.start, one.member is None, one.member or "", one.stranger or 0),
    )


def write_timeline(path: Path, shown: Sequence[Interval], names: Mapping[str, str]) -> None:
    """Write the timeline as CSV: member, start, end, in seconds with three decimals; whole or not at all.

    Args:
        path: Where to.
        shown: From `intervals`.
        names: What to call the members, by folder name.

    Raises:
        WriteError: If it cannot be written.
    """
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["member", "start", "end"])
    table.writerows([called(*one.who, names), f"{one.start:.3f}", f"{one.end:.3f}"] for one in shown)
    # With the mark at its beginning spreadsheets read it as UTF-8: names may be in Korean.
    write_whole(path, file.getvalue().encode("utf-8-sig"))


def timeline_chart(shown: Sequence[Interval], members: Sequence[str], names: Mapping[str, str]) -> go.Figure:
    """Draw the timeline, one row for each member who is on screen, in the colours of the overlay.

    Below are the strangers who are on screen longest, and all others in one row.

    Args:
        shown: From `intervals`.
        members: Folders of all members, in the order the overlay has them in.
        names: What to call the members, by folder name.

    Returns:
        A plotly figure.
    """
    figure = go.Figure()
    times: dict[Who, float] = defaultdict(float)
    for one in shown:
        times[one.who] += one.end - one.start
    strangers = [who for who in times if who.stranger is not None]
    longest = sorted(strangers, key=lambda who: -times[who])[:STRANGERS]
    alone = [*map(Who, members), *sorted(longest, key=itemgetter(1))]
    rows = {who: [one for one in shown if one.who == who] for who in alone if who in times}
    if others := [one for one in shown if one.member is None and one.who not in longest]:
        rows[Who(None)] = others
    for who, own in rows.items():
        figure.add_bar(
            y=[called(*who, names)] * len(own),
            x=[one.end - one.start for one in own],
            base=[one.start for one in own],
            orientation="h",
            marker={"color": color_of(who.member, members)},
            customdata=[one.end for one in own],
            hovertemplate="%{y}: %{base:.1f} s to %{customdata:.1f} s<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        title="Who is on screen when",
        xaxis_title="seconds",
        yaxis={"autorange": "reversed", "ticksuffix": " "},
        margin={"l": 20, "r": 20, "t": 50, "b": 45},
        barmode="overlay",
        height=FRAME_HEIGHT + ROW_HEIGHT * max(len(rows), 1),
    )
    return figure
