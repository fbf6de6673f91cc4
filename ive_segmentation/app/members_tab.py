"""The third tab: who is in the bank, what was left out and why, and adding photos."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from ive_segmentation.app.adding import Added, add_photos
from ive_segmentation.app.asking import Live, PageError, in_words, step_by_step
from ive_segmentation.app.bank_health import what_harms_it, what_it_holds
from ive_segmentation.app.events import ONE_BANK, QUIET
from ive_segmentation.app.presenting import for_day_and_night, hint, note, notices_of
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.language import names_to_show
from ive_segmentation.output.bank_figures import (
    face_map,
    reliability_curve,
    score_curves,
    similarity_heat_map,
)
from ive_segmentation.output.naming import counted
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.settings import load_settings

# HEIC and AVIF by suffix: not every system knows them as pictures.
_PHOTOS = ["image", ".heic", ".heif", ".avif"]
_BOXED: dict[str, Any] = {"container": True, "padding": True, "apply_default_css": False}
_DRAWN = (
    "These members are drawn, and photos of real people would not be known among them. Make a folder of "
    "photos for each of yours in {dataset} and start the program again."
)


def members_tab(live: Live, tab: gr.Tab, notices: gr.HTML) -> None:
    """Lay the tab out and connect it; called inside the page's `gr.Tab`.

    Args:
        live: Whose bank.
        tab: The tab; what it shows is made when it is opened.
        notices: The top of the page, which may say that there is no bank.
    """
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            bank = gr.HTML(elem_id="bank", **_BOXED)
            harm = gr.HTML(hint("Looking for photos that harm the bank …"), elem_id="harm", **_BOXED)
        with gr.Column(scale=5, min_width=320):
            # Photos of real people would not be known among drawn ones.
            takes_photos = not live.pipeline.demo
            gr.HTML(hint(_where(live.pipeline)), elem_id="where", elem_classes="ive-flush")
            member = gr.Dropdown(
                _choices(live.pipeline),
                value=None,
                label="Member",
                info="Choose one, or type the name of a new one.",
                allow_custom_value=True,
                interactive=takes_photos,
                elem_id="member",
            )
            photos = gr.File(
                label="Photos",
                file_count="multiple",
                file_types=_PHOTOS,
                height=160,
                interactive=takes_photos,
                elem_id="photos",
            )
            add = gr.Button(
                "Add and rebuild the bank", variant="primary", interactive=takes_photos, elem_id="add"
            )
            rebuild = gr.Button("Rebuild the bank", elem_id="rebuild")
            said = gr.HTML(elem_id="members-said", elem_classes="ive-flush")
    _show_the_bank(live)

    working: dict[str, Any] = {"api_visibility": "private", "show_progress_on": said, **ONE_BANK}

    def rebuilt(progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        return _rebuild(live, progress, None)

    def added(who: str | None, files: list[str] | None, progress: gr.Progress = gr.Progress()) -> list[Any]:  # noqa: B008
        try:
            news = add_photos(live.pipeline.settings, who or "", [Path(file) for file in files or []])
            if not news.written:
                raise PageError(f"Nothing was added. {' '.join(news.refused)}")
        except Exception as error:  # whatever it is, the page says it
            return [note([in_words(error)], "bad"), gr.skip(), gr.skip()]
        return _rebuild(live, progress, news)

    tab.select(
        lambda: [what_it_holds(live.pipeline), gr.Dropdown(_choices(live.pipeline))],
        None,
        [bank, member],
        **QUIET,
    )
    tab.select(lambda: what_harms_it(live.pipeline), None, harm, **QUIET)
    for button, function, inputs in ((rebuild, rebuilt, None), (add, added, [member, photos])):
        button.click(function, inputs, [said, member, photos], **working).then(
            lambda: [
                notices_of(live.pipeline),
                what_it_holds(live.pipeline),
                what_harms_it(live.pipeline),
            ],
            None,
            [notices, bank, harm],
            **QUIET,
        )


def _show_the_bank(live: Live) -> None:
    """Lay out the bank's figures, which are drawn when somebody wants to see them."""
    with gr.Accordion("The bank in pictures", open=False, elem_id="pictures") as pictures:
        with gr.Row():
            likeness = gr.Plot(label="How alike the members are", min_width=400)
            curves = gr.Plot(label="Known faces and strangers", min_width=400)
            sureness = gr.Plot(label="How sure, and how often right", min_width=400)
        faces = gr.HTML(elem_id="face-map", **_BOXED)
    pictures.expand(
        lambda: _in_pictures(live.pipeline),
        None,
        [likeness, curves, sureness, faces],
        api_visibility="private",
    )


def _rebuild(live: Live, progress: gr.Progress, news: Added | None) -> list[Any]:
    added = []
    if news is not None:
        were = "was" if len(news.written) == 1 else "were"
        added = [f"{counted(len(news.written), 'photo')} {were} added to {news.folder.name}.", *news.refused]
    try:
        pipeline = live.rebuild(step_by_step(progress))
    except Exception as error:  # whatever it is, the page says it
        return [note([*added, in_words(error)], "bad"), gr.skip(), gr.skip()]
    report = pipeline.report
    assert report is not None
    # What was just added and cannot be used is said here, not only in the list.
    unused = [
        f"{item.photo}: {item.reason}"
        for item in report.left_out
        if news and Path(item.photo).name in news.written
    ]
    odd = [words for words in report.warnings if news and news.folder.name in words]
    lines = [
        *added,
        *unused,
        *odd,
        *([f"Every photo was read anew: {report.rebuilt}."] if report.rebuilt else []),
    ]
    done = f"The bank holds {counted(report.photos, 'photo')} ({report.read}, {report.seconds:.1f} s)"
    kind = "warn" if unused or odd or (news and news.refused) else "good"
    return [
        note(lines, kind, done),
        gr.Dropdown(_choices(pipeline)),
        gr.File(None) if news else gr.skip(),
    ]


def _in_pictures(pipeline: Pipeline) -> list[Any]:
    if pipeline.gallery is None:
        return [None, None, None, hint("There is no bank yet: the notice at the top says why.")]
    return _drawn(pipeline.gallery, pipeline.settings.dataset, tuple(names_to_show(pipeline.members).items()))


@lru_cache(maxsize=1)  # ten seconds on two cores
def _drawn(gallery: Gallery, dataset: Path, names: tuple[tuple[str, str], ...]) -> list[Any]:
    title = '<p class="ive-title">Every face of the bank: alike is near. Point at one to see its photo.</p>'
    figures = (similarity_heat_map(gallery, dict(names)), score_curves(gallery), reliability_curve(gallery))
    for figure in figures:
        for_day_and_night(figure).update_layout(title=None, margin={"t": 40, "r": 10})  # the box has one
    return [*figures, title + face_map(gallery, dataset, dict(names))]


def _choices(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [
        (f"{member.name} ({member.folder})" if member.name != member.folder else member.name, member.folder)
        for member in pipeline.members
    ]


def _where(pipeline: Pipeline) -> str:
    if pipeline.demo:
        return _DRAWN.format(dataset=load_settings().dataset)
    return (
        f"Photos are written to {pipeline.settings.dataset} and stay on this machine. "
        "Fifteen or more of each member, alone, from several occasions, work best."
    )
