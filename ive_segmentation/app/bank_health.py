"""The bank in words and small pictures: photos per member, those left out, what harms it, what it lacks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from ive_segmentation.app.presenting import hint, note
from ive_segmentation.identity.audit import Audit, audit
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.language import names_to_show
from ive_segmentation.output.naming import counted
from ive_segmentation.output.thumbnails import photo_thumbnail
from ive_segmentation.pipeline import Pipeline

SHOWN = 200
"""Photos of a list that are shown: each is opened for its small picture."""
_LEFT_OUT = ("left out", "duplicate")
"""Kinds of findings that the list of what was left out has already."""


def what_it_holds(pipeline: Pipeline) -> str:
    """List the members and how many photos speak for each, then the photos left out and why.

    Args:
        pipeline: Whose bank.

    Returns:
        HTML.
    """
    report = pipeline.report
    if report is None:
        return note(["There is no bank yet: the notice at the top says why."], "warn")
    names = names_to_show(pipeline.members)
    most = max(report.members.values(), default=1) or 1
    rows = "".join(
        f'<tr><td class="who wide">{escape(names.get(folder, folder))}'
        f'<span class="sub">{escape(folder)}</span></td>'
        f'<td class="num wide">{counted(count, "photo")}'
        f'<div class="ive-bar" style="width:{100 * count / most:.0f}%"></div></td></tr>'
        for folder, count in report.members.items()
    )
    held = counted(report.photos, "photo")
    counts = (
        f'<table class="ive-table ive-counts"><caption>{held} in the bank</caption>'
        f"<tbody>{rows}</tbody></table>"
    )
    left_out = ((item.photo, item.reason) for item in report.left_out)
    return counts + note(report.warnings, "warn") + _photo_table("Left out, and why", left_out, pipeline)


def what_harms_it(pipeline: Pipeline) -> str:
    """List the photos in the bank that harm it, each with the reason, and what members' photos lack.

    Args:
        pipeline: Whose bank.

    Returns:
        HTML; empty where there is no bank.
    """
    if pipeline.gallery is None:
        return ""
    found = _audit(pipeline.gallery)
    names = names_to_show(pipeline.members)
    harmful = [
        (item.photo, f"{item.kind}: {item.reason}") for item in found.findings if item.kind not in _LEFT_OUT
    ]
    wanting: dict[str, list[str]] = defaultdict(list)
    for item in found.advice:
        wanting[item.reason].append(names.get(item.member, item.member))
    advice = "".join(
        f"<li><strong>{escape(', '.join(members))}</strong>: {escape(reason)}</li>"
        for reason, members in wanting.items()
    )
    return (
        _photo_table("Worth a look", harmful, pipeline)
        + (f'<p class="ive-title">What to add</p><ul class="ive-list">{advice}</ul>' if advice else "")
    ) or hint(
        "Nothing in the bank looks harmful: no photo in a wrong folder, blurred, small or from the side."
    )


@lru_cache(maxsize=1)
def _audit(gallery: Gallery) -> Audit:
    return audit(gallery)


def _photo_table(caption: str, rows: Iterable[tuple[str, str]], pipeline: Pipeline) -> str:
    """List photos of the dataset, each with a small picture and a reason; nothing where there are none."""
    body = []
    rows = list(rows)
    for photo, reason in rows[:SHOWN]:
        source = photo_thumbnail(pipeline.settings.dataset / photo)
        picture = (
            f'<img class="ive-face" src="{source}" alt="">' if source else '<span class="ive-face"></span>'
        )
        body.append(
            f'<tr><td class="pic">{picture}</td>'
            f'<td>{escape(photo)}<span class="sub">{escape(reason)}</span></td></tr>'
        )
    if not body:
        return ""
    more = hint(f"The first {SHOWN} are shown.") if len(rows) > SHOWN else ""
    return (
        f'<table class="ive-table ive-photos"><caption>{escape(caption)} ({len(rows)})</caption>'
        f"<tbody>{''.join(body)}</tbody></table>{more}"
    )
