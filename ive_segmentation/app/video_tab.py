"""The second tab: a video and a prompt in; the video with names, a timeline and a fancam out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ive_segmentation.app.asking import Live, PageError, in_words, step_by_step
from ive_segmentation.app.cache import answer_folder, new_folder
from ive_segmentation.app.demo_pictures import draw_clip_once
from ive_segmentation.app.events import QUIET, VIDEOS
from ive_segmentation.app.examples import example_prompts
from ive_segmentation.app.following import Run, SoFar, StoppedError
from ive_segmentation.app.players import SIDE, measures, player, titled
from ive_segmentation.app.presenting import (
    downloads,
    for_day_and_night,
    found,
    hint,
    into_focus,
    into_view,
    note,
    under_way,
)
from ive_segmentation.language import names_to_show
from ive_segmentation.output.naming import called, counted, title
from ive_segmentation.output.thumbnails import thumbnail
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import PERSON
from ive_segmentation.video.drawing import FANCAM
from ive_segmentation.video.follow import Followed, follow
from ive_segmentation.video.reading import probe
from ive_segmentation.video.timeline import timeline_chart

EMPTY = (
    "The answer appears here: the video with what was found, who is on screen when, and all files to "
    "download. A frame of it shows as soon as there is one."
)
NO_SAM3 = "Videos need SAM 3, which is not loaded. The notice at the top says what to do."
ALSO = [
    ("Fancam, 9:16, of the first member named", FANCAM),
    ("Mask, white on black", "mask"),
    ("Cutout with alpha, for editors", "cutout"),
    ("JSON, a line for each frame", "json"),
]
"""What is made on request; the overlay always is."""

Fills = dict[Any, Any]
"""What an event puts into components; those it does not name stay as they are."""


@dataclass(frozen=True)
class Parts:
    """The components that events read or fill.

    Attributes:
        film: The video asked about.
        clip: Draws one to try.
        about: That video, to look at, or what is wrong with it.
        prompt: What is asked.
        also: What is made besides the overlay.
        start: Second of the video to begin at.
        end: Second to end at.
        run: Asks.
        stop: Ends what was begun.
        said: Words about the answer, or how far it is.
        stage: A frame with what is known so far.
        overlay: The video with what was found.
        chart: Who is on screen when.
        fancam: The video that follows one member.
        files: All files of the answer.
    """

    film: gr.File
    clip: gr.Button
    about: gr.HTML
    prompt: gr.Textbox
    also: gr.CheckboxGroup
    start: gr.Number
    end: gr.Number
    run: gr.Button
    stop: gr.Button
    said: gr.HTML
    stage: gr.HTML
    overlay: gr.HTML
    chart: gr.Plot
    fancam: gr.HTML
    files: gr.File

    @property
    def asked(self) -> list[Any]:
        """The components that a question is read from."""
        return [self.film, self.prompt, self.also, self.start, self.end]

    @property
    def answer(self) -> list[Any]:
        """The components that a question or a new video changes."""
        told = [self.said, self.stage, self.overlay, self.chart, self.fancam, self.files]
        return [*told, self.run, self.stop]


def video_tab(live: Live) -> None:
    """Lay the tab out and connect it; called inside the page's `gr.Tab`.

    Args:
        live: Who answers.
    """
    parts = _lay_out(live.pipeline)
    runs: dict[str, Run] = {}
    _read_videos(live, parts, runs)
    _answer_prompts(live, parts, runs)


def _lay_out(pipeline: Pipeline) -> Parts:
    examples = example_prompts(pipeline.members)
    able = pipeline.sam3 is not None
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            # Any suffix: whether it is a video is said by what is in it, and in our words.
            film = gr.File(label="Video", height=150, elem_id="film")
            clip = gr.Button(
                "Draw a clip to try", size="sm", visible=pipeline.demo and able, elem_id="film-clip"
            )
            about = gr.HTML(elem_id="film-about", elem_classes="ive-flush")
            prompt = gr.Textbox(
                label="Who, or what of whose",
                placeholder=examples[min(1, len(examples) - 1)],
                max_lines=3,
                elem_id="film-prompt",
            )
            run = gr.Button("Find it", variant="primary", size="lg", interactive=able, elem_id="film-run")
            gr.Examples([[text] for text in examples], prompt, label="Ways to ask")
            with gr.Accordion("Fancam, other files, only a part of it", open=False, elem_id="film-more"):
                also = gr.CheckboxGroup(ALSO, label="Also make", elem_id="film-also")
                with gr.Row():
                    start = gr.Number(0, label="From second", minimum=0, min_width=120, elem_id="film-start")
                    end = gr.Number(
                        None, label="To second (empty: its end)", min_width=120, elem_id="film-end"
                    )
        with gr.Column(scale=6, min_width=320, elem_id="film-answer"):
            said = gr.HTML(_unasked(pipeline), elem_id="film-said", elem_classes="ive-flush")
            stop = gr.Button(visible=False, size="lg", elem_id="film-stop")
            stage = gr.HTML(visible=False, elem_id="film-stage", elem_classes="ive-flush")
            fancam = gr.HTML(visible=False, elem_id="film-fancam", elem_classes="ive-flush")
            overlay = gr.HTML(visible=False, elem_id="film-overlay", elem_classes="ive-flush")
            chart = gr.Plot(show_label=False, visible=False, elem_id="film-chart")
            files = gr.File(
                label="Download",
                file_count="multiple",
                interactive=False,
                visible=False,
                elem_id="film-files",
                elem_classes="ive-files",
            )
    return Parts(
        film, clip, about, prompt, also, start, end, run, stop, said, stage, overlay, chart, fancam, files
    )


def _unasked(pipeline: Pipeline) -> str:
    """What stands in the answer's place before there is one."""
    return note([NO_SAM3], "warn") if pipeline.sam3 is None else hint(EMPTY)


def _read_videos(live: Live, parts: Parts, runs: dict[str, Run]) -> None:
    def changed(path: str | None, request: gr.Request) -> Fills:
        _stop(runs, request)
        about = ""
        try:
            if path:
                video = probe(path, max_pixels=live.pipeline.settings.max_pixels)
                about = player(video.path, "Video", "It can be followed all the same.")
                about += hint(measures(video))
        except Exception as error:  # whatever it is, the page says it
            about = note([in_words(error)], "bad")
        # What a header says may be too short: an end is what the user gives.
        whole = {parts.start: 0.0, parts.end: None}
        return {parts.about: about, parts.said: _unasked(live.pipeline), **whole, **_nothing(parts)}

    def drawn(progress: gr.Progress = gr.Progress()) -> Fills:  # noqa: B008
        try:
            return {parts.film: draw_clip_once(step_by_step(progress))}
        except Exception as error:
            return {parts.about: note([in_words(error)], "bad")}

    filled = [parts.about, parts.start, parts.end, *parts.answer]
    parts.film.change(changed, parts.film, filled, **QUIET)
    parts.clip.click(
        drawn, None, [parts.film, parts.about], show_progress_on=parts.film, api_visibility="private"
    )


def _answer_prompts(live: Live, parts: Parts, runs: dict[str, Run]) -> None:
    def begun(request: gr.Request) -> Fills:
        if str(request.session_hash) in runs:  # Enter was pressed once more
            return {parts.said: gr.skip()}
        runs[str(request.session_hash)] = Run()
        return {
            parts.run: gr.Button(visible=False),
            parts.stop: gr.Button("Stop", interactive=True, visible=True),
            parts.said: under_way(0.0, "Waiting for its turn"),
            **_nothing(parts),
        }

    def followed(
        path: str | None,
        text: str,
        also: list[str],
        start: float | None,
        end: float | None,
        request: gr.Request,
    ) -> Iterator[Fills]:
        pipeline = live.pipeline
        run = runs[str(request.session_hash)]

        def work() -> Followed:
            if pipeline.sam3 is None:
                raise PageError(NO_SAM3)
            if not path:
                raise PageError("There is no video yet. Upload one first.")
            with _kept(Path(path)) as film, answer_folder() as folder:
                return follow(
                    pipeline,
                    film,
                    text,
                    folder,
                    formats={"overlay", *also} - {FANCAM},
                    start=start,
                    end=end,
                    fancam=FANCAM in also,
                    progress=run.progress,
                    preview=run.preview,
                )

        try:
            for news in run.watch(work):
                if isinstance(news, SoFar):
                    yield _so_far(news, parts)
                else:
                    yield _done(news, text, parts, pipeline)
        except Exception as error:  # whatever it is, the page says it
            kind = "" if isinstance(error, StoppedError) else "bad"
            yield {parts.said: note([in_words(error)], kind), **_ready(parts), **_nothing(parts)}
        finally:
            del runs[str(request.session_hash)]

    def stopped(request: gr.Request) -> gr.Button:
        _stop(runs, request)
        return gr.Button("Stopping …", interactive=False)

    parts.stop.click(stopped, None, parts.stop, queue=False, **QUIET)
    asked = [parts.run.click, parts.prompt.submit]
    begins = gr.on(asked, begun, None, parts.answer, **QUIET)
    begins.then(js=into_focus("film-stop"), **QUIET).then(js=into_view("film-said"), **QUIET)
    ends = begins.then(followed, parts.asked, parts.answer, **QUIET, **VIDEOS)
    ends.then(js=into_focus("film-run"), **QUIET).then(js=into_view("film-said"), **QUIET)


@contextmanager
def _kept(upload: Path) -> Iterator[Path]:
    """Give an upload a second name while it is followed: Gradio removes it a day after it came."""
    film = new_folder() / upload.name
    try:
        try:
            os.link(upload, film)
        except FileNotFoundError as error:
            raise PageError(
                "The video is gone: uploads are kept for a day or until the page starts anew. "
                "Upload it again."
            ) from error
        except OSError:  # a file system without hard links
            shutil.copy(upload, film)
        yield film
    finally:
        shutil.rmtree(film.parent, ignore_errors=True)


def _stop(runs: dict[str, Run], request: gr.Request) -> None:
    run = runs.get(str(request.session_hash))
    if run is not None:
        run.stop()


def _so_far(seen: SoFar, parts: Parts) -> Fills:
    fills: Fills = {parts.said: under_way(seen.share, seen.words)}
    if seen.picture is not None:
        picture = f'<img src="{thumbnail(seen.picture, side=SIDE)}" alt="The frame looked at last">'
        fills[parts.stage] = gr.HTML(picture, visible=True)
    return fills


def _done(answer: Followed, text: str, parts: Parts, pipeline: Pipeline) -> Fills:
    names = names_to_show(pipeline.members)
    titles = [
        title(concept, called(member, None, names) if member or concept == PERSON else None)
        for member, concept in answer.found
    ]
    kind = "good" if titles and not answer.messages else "warn"
    frames = counted(answer.frames, "frame")
    how = f"Followed through {frames} in {answer.seconds:.0f} s, tracked by {answer.how}."
    chart = timeline_chart(answer.intervals, list(names), names)
    fancam = answer.files.get(FANCAM)
    return {
        **_ready(parts),
        parts.said: note([*answer.messages, how], kind, found(titles, text)),
        parts.stage: gr.HTML("", visible=False),
        parts.overlay: gr.HTML(titled(answer.files["overlay"], "Answer"), visible=True),
        parts.chart: gr.Plot(for_day_and_night(chart), visible=bool(answer.intervals)),
        parts.fancam: gr.HTML(fancam and titled(fancam, "Fancam"), visible=fancam is not None),
        parts.files: downloads([*answer.files.values()]),
    }


def _ready(parts: Parts) -> Fills:
    return {parts.run: gr.Button(visible=True), parts.stop: gr.Button(visible=False)}


def _nothing(parts: Parts) -> Fills:
    return {
        parts.stage: gr.HTML("", visible=False),
        parts.overlay: gr.HTML("", visible=False),
        parts.chart: gr.Plot(None, visible=False),
        parts.fancam: gr.HTML("", visible=False),
        parts.files: gr.File(None, visible=False),
    }
