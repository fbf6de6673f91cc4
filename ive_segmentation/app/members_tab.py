"""The second tab: who is in the bank, what was left out and why, and adding photos."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from ive_segmentation.app.adding import Added, add_photos
from ive_segmentation.app.asking import Live, PageError, in_words, step_by_step
from ive_segmentation.app.presenting import hint, names_of, note
from ive_segmentation.app.thumbnails import photo_thumbnail
from ive_segmentation.pipeline import Pipeline

# HEIC and AVIF by suffix: not every system knows them as pictures.
_PHOTOS = ["image", ".heic", ".heif", ".avif"]


def members_tab(live: Live, tab: gr.Tab) -> None:
    """Lay the tab out and connect it; called inside the page's `gr.Tab`.

    Args:
        live: Whose bank.
        tab: The tab; what it shows is made when it is opened.
    """
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            bank = gr.HTML(elem_id="bank", container=True, padding=True, apply_default_css=False)
        with gr.Column(scale=5, min_width=320):
            gr.HTML(hint(_where(live.pipeline)))
            member = gr.Dropdown(
                _choices(live.pipeline),
                value=None,
                label="Member",
                info="Choose one, or type the name of a new one.",
                allow_custom_value=True,
                elem_id="member",
            )
            photos = gr.File(
                label="Photos", file_count="multiple", file_types=_PHOTOS, height=160, elem_id="photos"
            )
            add = gr.Button("Add and rebuild the bank", variant="primary", elem_id="add")
            rebuild = gr.Button("Rebuild the bank", elem_id="rebuild")
            said = gr.HTML(elem_id="members-said")

    def show() -> str:
        return counts_table(live.pipeline) + left_out_table(live.pipeline)

    def rebuilt(progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        return _rebuild(live, progress, None, show)

    def added(who: str | None, files: list[str] | None, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        try:
            news = add_photos(live.pipeline.settings, who or "", [Path(file) for file in files or []])
            if not news.written:
                raise PageError(f"Nothing was added. {' '.join(news.refused)}")
        except Exception as error:
            return [note([in_words(error)], "bad"), show(), gr.skip(), gr.skip()]
        return _rebuild(live, progress, news, show)

    working: dict[str, Any] = {
        "api_visibility": "private",
        "concurrency_limit": 1,
        "concurrency_id": "bank",
        "show_progress_on": said,
    }
    shown = [said, bank, member, photos]
    tab.select(show, None, bank, api_visibility="private", show_progress="hidden")
    rebuild.click(rebuilt, None, shown, **working)
    add.click(added, [member, photos], shown, **working)


def counts_table(pipeline: Pipeline) -> str:
    """List the members and how many photos speak for each.

    Args:
        pipeline: Whose bank.

    Returns:
        HTML.
    """
    report = pipeline.report
    if report is None:
        return note(["There is no bank yet: the notice at the top says why."], "warn")
    names = names_of(pipeline)
    most = max(report.members.values(), default=1) or 1
    rows = "".join(
        f'<tr><td class="who wide">{escape(names.get(folder, folder))}'
        f'<span class="sub">{escape(folder)}</span></td>'
        f'<td class="num wide">{count} photos'
        f'<div class="ive-bar" style="width:{100 * count / most:.0f}%"></div></td></tr>'
        for folder, count in report.members.items()
    )
    warnings = note(report.warnings, "warn")
    return (
        f'<table class="ive-table ive-counts"><caption>{report.photos} photos in the bank</caption>'
        f"<tbody>{rows}</tbody></table>{warnings}"
    )


def left_out_table(pipeline: Pipeline) -> str:
    """List the photos that are not in the bank, and why.

    Args:
        pipeline: Whose bank.

    Returns:
        HTML.
    """
    report = pipeline.report
    if report is None:
        return ""
    rows = [(item.photo, item.reason) for item in report.left_out]
    return photo_table("Left out", rows, pipeline, "No photo was left out.")


def photo_table(caption: str, rows: Sequence[tuple[str, str]], pipeline: Pipeline, otherwise: str) -> str:
    """List photos of the dataset, each with a small picture and a reason.

    Args:
        caption: What they have in common.
        rows: Path relative to the dataset, and the reason.
        pipeline: For the dataset.
        otherwise: What to say where there are none.

    Returns:
        HTML.
    """
    if not rows:
        return hint(otherwise)
    body = []
    for photo, reason in rows:
        source = photo_thumbnail(pipeline.settings.dataset / photo)
        picture = f'<img class="ive-face" src="{source}" alt="" loading="lazy">' if source else ""
        body.append(
            f'<tr><td class="pic">{picture}</td>'
            f'<td>{escape(photo)}<span class="sub">{escape(reason)}</span></td></tr>'
        )
    return (
        f'<table class="ive-table"><caption>{escape(caption)} ({len(rows)})</caption>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _rebuild(live: Live, progress: gr.Progress, news: Added | None, show: Any) -> list[Any]:
    added = []
    if news is not None:
        count = "1 photo was" if len(news.written) == 1 else f"{len(news.written)} photos were"
        added = [f"{count} added to {news.folder.name}.", *news.refused]
    try:
        pipeline = live.rebuild(step_by_step(progress))
    except Exception as error:
        return [note([*added, in_words(error)], "bad"), show(), gr.skip(), gr.skip()]
    report = pipeline.report
    assert report is not None
    # What was just added and cannot be used is said here, not only in the list.
    unused = [
        f"{item.photo}: {item.reason}"
        for item in report.left_out
        if news and Path(item.photo).name in news.written
    ]
    lines = [*added, *unused, *([report.rebuilt] if report.rebuilt else [])]
    done = f"The bank holds {report.photos} photos ({report.embedded} new, {report.seconds:.1f} s)"
    kind = "warn" if unused or (news and news.refused) else "good"
    emptied = gr.File(None) if news else gr.skip()
    return [note(lines, kind, done), show(), gr.Dropdown(_choices(pipeline)), emptied]


def _choices(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [
        (f"{member.name} ({member.folder})" if member.name != member.folder else member.name, member.folder)
        for member in pipeline.members
    ]


def _where(pipeline: Pipeline) -> str:
    return (
        f"Photos are written to {pipeline.settings.dataset} and stay on this machine. "
        "Twenty or more of each member, alone, from several occasions, work best."
    )
