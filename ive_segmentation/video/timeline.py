"""Who is on screen when: intervals, as a table and as a chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go

from ive_segmentation.output.overlay import color_of
from ive_segmentation.output.writing import write_whole
from ive_segmentation.settings import Measured

UNKNOWN = "Unknown"
ROW_HEIGHT, FRAME_HEIGHT = 36, 100  # pixels of the chart: a member's row, and title and axis


@dataclass(frozen=True)
class Interval:
    """A time on screen.

    Attributes:
        member: The member's folder name, or None: somebody Unknown.
        start: Seconds of the video.
        end: Seconds, when the last frame that shows her is replaced by the next.
    """

    member: str | None
    start: float
    end: float


def intervals(
    frames: Iterable[tuple[float, float, Collection[str | None]]], gap: float = Measured.timeline_gap
) -> list[Interval]:
    """Join the frames that show a member.

    Args:
        frames: Start and end of each frame in seconds, in order, and the members it shows; None where it
            shows somebody Unknown.
        gap: Seconds; who is away for less has been there all the time.

    Returns:
        Intervals by start, those of a member at least `gap` apart.
    """
    done: list[Interval] = []
    going: dict[str | None, Interval] = {}
    for start, end, shown in frames:
        for member in set(shown):
            last = going.get(member)
            if last is not None and start - last.end >= gap:
                done.append(last)
                last = None
            going[member] = Interval(member, start if last is None else last.start, end)
    return sorted([*done, *going.values()], key=lambda one: (one.start, one.member is None, one.member or ""))


def write_timeline(path: Path, shown: Sequence[Interval], names: Mapping[str, str] | None = None) -> None:
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
    table.writerows([_name(one, names), f"{one.start:.3f}", f"{one.end:.3f}"] for one in shown)
    # With the mark at its beginning spreadsheets read it as UTF-8: names may be in Korean.
    write_whole(path, file.getvalue().encode("utf-8-sig"))


def timeline_chart(
    shown: Sequence[Interval], members: Sequence[str], names: Mapping[str, str] | None = None
) -> go.Figure:
    """Draw the timeline, one row for each member who is on screen, in the colours of the overlay.

    Args:
        shown: From `intervals`.
        members: Folders of all members, in the order the overlay has them in.
        names: What to call the members, by folder name.

    Returns:
        A plotly figure.
    """
    figure = go.Figure()
    rows = [member for member in (*members, None) if any(one.member == member for one in shown)]
    for member in rows:
        own = [one for one in shown if one.member == member]
        figure.add_bar(
            y=[_name(one, names) for one in own],
            x=[one.end - one.start for one in own],
            base=[one.start for one in own],
            orientation="h",
            marker={"color": color_of(member, members)},
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


def _name(one: Interval, names: Mapping[str, str] | None) -> str:
    return UNKNOWN if one.member is None else (names or {}).get(one.member, one.member)
