"""The first tab: a picture and a prompt in, names, masks and evidence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ive_segmentation.app.asking import (
    Live,
    PageError,
    ask,
    in_words,
    keep,
    read_picture,
    shown,
    step_by_step,
    unopened,
    who,
)
from ive_segmentation.app.demo_pictures import copied
from ive_segmentation.app.events import ONE_ANSWER, ONE_LOOK, QUIET
from ive_segmentation.app.examples import example_prompts
from ive_segmentation.app.pointing import NOBODY, PersonMap, person_map
from ive_segmentation.app.presenting import (
    EMPTY,
    downloads,
    hint,
    into_view,
    masks,
    note,
    summary,
    table_of_faces,
)
from ive_segmentation.language import Member, names_to_show
from ive_segmentation.video.frames import duration, frame_at

_ANOTHER = "The picture changed before there was an answer. Ask again."
PHOTO_HEIGHT = "clamp(200px, 30vh, 340px)"
"""On a low screen the picture gives way, and the button that asks is seen without scrolling."""
POINT_HINT = "Click a person in the picture to fill in who is meant."


@dataclass(frozen=True)
class Parts:
    """The components that events read or fill.

    Attributes:
        photo: The picture asked about.
        drawn: Pictures to try.
        point: Words about the picture itself.
        prompt: What is asked.
        run: Asks.
        video: Where a frame may be taken from.
        second: Which frame.
        said: Words about the answer.
        overlay: The picture with what was found.
        gallery: Cutouts and masks.
        files: All files of the answer.
        faces: The table of faces.
        places: A `PersonMap` of the picture, once its persons are known.
    """

    photo: gr.Image
    drawn: gr.Dataset
    point: gr.HTML
    prompt: gr.Textbox
    run: gr.Button
    video: gr.File
    second: gr.Slider
    said: gr.HTML
    overlay: gr.Image
    gallery: gr.Gallery
    files: gr.File
    faces: gr.HTML
    places: gr.State

    @property
    def answer(self) -> list[Any]:
        """What an answer fills, in the order of `_nothing` and of what `_answer_prompts` returns."""
        return [self.said, self.overlay, self.gallery, self.files, self.faces, self.places]


def picture_tab(live: Live, pictures: Sequence[str]) -> None:
    """Lay the tab out and connect it; called inside the page's `gr.Tab`.

    Args:
        live: Who answers.
        pictures: Paths of pictures to try, none where the user has their own.
    """
    parts = _lay_out(live.pipeline.members, pictures)
    _answer_prompts(live, parts)
    _read_uploads(live, parts, pictures)
    _name_who_is_clicked(live, parts)
    _take_frames(live, parts)


def _lay_out(members: Sequence[Member], pictures: Sequence[str]) -> Parts:
    examples = example_prompts(members)
    with gr.Row(elem_id="ask"):
        with gr.Column(scale=5, min_width=320):
            photo = gr.Image(
                label="Picture",
                sources=["upload", "clipboard"],
                height=PHOTO_HEIGHT,
                elem_id="photo",
                buttons=["fullscreen"],
            )
            unopened(photo)
            drawn = gr.Dataset(
                label="Drawn pictures to try",
                components=[gr.Image(render=False)],
                samples=[[path] for path in pictures],
                type="index",
                visible=bool(pictures),
                elem_id="drawn",
            )
            point = gr.HTML(elem_id="point", elem_classes="ive-flush")
            prompt = gr.Textbox(
                label="Who, or what of whose",
                placeholder=examples[min(1, len(examples) - 1)],
                max_lines=3,
                elem_id="prompt",
            )
            run = gr.Button("Find it", variant="primary", size="lg", elem_id="run")
            gr.Examples([[text] for text in examples], prompt, label="Ways to ask")
            with gr.Accordion("Take a frame of a video instead", open=False, elem_id="frames"):
                video = gr.File(label="Video", file_types=["video"], height=150, elem_id="video")
                second = gr.Slider(0, 1, 0, step=0.1, label="Second", visible=False, elem_id="second")
        with gr.Column(scale=6, min_width=320):
            said = gr.HTML(hint(EMPTY), elem_id="said", elem_classes="ive-flush")
            overlay = gr.Image(
                label="Answer", interactive=False, visible=False, elem_id="overlay", buttons=["fullscreen"]
            )
            files = gr.File(
                label="Download",
                file_count="multiple",
                interactive=False,
                visible=False,
                height=240,  # cuts through a row: there is more
                elem_id="files",
                elem_classes="ive-files",
            )
            gallery = gr.Gallery(
                label="Cutouts and masks",
                visible=False,
                columns=4,
                height="auto",
                object_fit="contain",
                elem_id="masks",
                elem_classes="ive-masks",
                buttons=["download", "fullscreen"],
            )
    faces = gr.HTML(visible=False, elem_id="faces", padding=True, container=True, apply_default_css=False)
    places = gr.State(None, time_to_live=3600)
    return Parts(
        photo, drawn, point, prompt, run, video, second, said, overlay, gallery, files, faces, places
    )


def _answer_prompts(live: Live, parts: Parts) -> None:
    def answered(
        path: str | None,
        text: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[str | None, list[Any]]:
        pipeline = live.pipeline
        try:
            found = ask(pipeline, path, text, step_by_step(progress))
            result = found.result
            pictures = masks(found, pipeline)
            drawn, *rest, described = found.files
            return path, [
                summary(found, pipeline),
                gr.Image(str(drawn), visible=True),
                gr.Gallery(pictures, visible=bool(pictures)),
                downloads([found.archive, drawn, described, *rest]),
                gr.HTML(table_of_faces(found.image, result.persons, pipeline), visible=True),
                person_map(result.persons, result.size, (path, pipeline.gallery)),
            ]
        except Exception as error:  # whatever it is, the page says it
            return path, [note([in_words(error)], "bad"), *_nothing()]

    def told(late: tuple[str | None, list[Any]], path: str | None) -> list[Any]:
        asked, answer = late
        if asked == path:
            return answer
        # An answer may take a minute, and the picture be another one by then.
        return [note([_ANOTHER], "warn"), *[gr.skip()] * (len(answer) - 1)]

    late = gr.State(None, time_to_live=3600)
    asked = [parts.run.click, parts.prompt.submit]
    gr.on(asked, js=into_view("said"), **QUIET)
    gr.on(
        asked,
        answered,
        [parts.photo, parts.prompt],
        late,
        show_progress_on=parts.said,
        api_visibility="private",
        trigger_mode="always_last",  # what is asked meanwhile is answered next
        **ONE_ANSWER,
    ).then(told, [late, parts.photo], parts.answer, **QUIET).then(js=into_view("said"), **QUIET)


def _read_uploads(live: Live, parts: Parts, pictures: Sequence[str]) -> None:
    def uploaded(path: str | None) -> list[Any]:
        try:
            picture = shown(read_picture(live.pipeline, path), path or "")
        except Exception as error:
            return [None, note([in_words(error)], "bad"), *_cleared()]
        return [picture, hint(POINT_HINT), *_cleared()]

    filled = [parts.photo, parts.point, *parts.answer]
    parts.photo.upload(uploaded, parts.photo, filled, **QUIET)
    # A copy for each click: Gradio removes what somebody has opened a day later.
    parts.drawn.click(lambda place: uploaded(copied(pictures[place])), parts.drawn, filled, **QUIET)
    parts.photo.clear(lambda: ["", *_cleared()], None, [parts.point, *parts.answer], **QUIET)


def _name_who_is_clicked(live: Live, parts: Parts) -> None:
    def clicked(
        path: str | None, known: PersonMap | None, event: gr.SelectData
    ) -> tuple[Any, str, PersonMap | None]:
        pipeline = live.pipeline
        try:
            of = path, pipeline.gallery
            if known is None or known.of != of:
                found = who(pipeline, path)
                known = person_map(found.persons, found.size, of)
            index = known.at(*event.index)
            if index == NOBODY:
                raise PageError("Nobody was found there. Click a face, or type who is meant.")
        except Exception as error:
            return gr.skip(), note([in_words(error)], "warn"), known
        member = known.members[index]
        if member is None:
            words = "This is nobody the bank knows. “unknown” asks for everyone who is not a member."
            return "unknown", note([words]), known
        name = names_to_show(pipeline.members).get(member, member)
        return name, note([f"This is {name}. Add a thing to ask for it: {name}'s shirt."]), known

    for picture in (parts.photo, parts.overlay):
        picture.select(
            clicked,
            [parts.photo, parts.places],
            [parts.prompt, parts.point, parts.places],
            show_progress_on=parts.prompt,
            api_visibility="private",
            **ONE_LOOK,
        )


def _take_frames(live: Live, parts: Parts) -> None:
    def limit() -> int:
        return live.pipeline.settings.max_pixels

    def frame(path: str, second: float) -> str:
        return keep(frame_at(path, second, max_pixels=limit()))

    def opened(path: str | None) -> list[Any]:
        if path is None:
            return [gr.skip(), gr.Slider(visible=False), "", *_cleared()]
        try:
            slider = gr.Slider(
                value=0, maximum=max(round(duration(path, max_pixels=limit()), 1), 0.1), visible=True
            )
            return [frame(path, 0.0), slider, hint(POINT_HINT), *_cleared()]
        except Exception as error:
            return [gr.skip(), gr.Slider(visible=False), note([in_words(error)], "bad"), *_cleared()]

    def chosen(path: str | None, second: float) -> list[Any]:
        try:
            return [frame(path or "", second), hint(POINT_HINT), *_cleared()]
        except Exception as error:
            return [gr.skip(), note([in_words(error)], "bad"), *_cleared()]

    photo, point, answer = parts.photo, parts.point, parts.answer
    parts.video.change(opened, parts.video, [photo, parts.second, point, *answer], **QUIET)
    parts.second.release(chosen, [parts.video, parts.second], [photo, point, *answer], **QUIET)


def _cleared() -> list[Any]:
    return [hint(EMPTY), *_nothing()]


def _nothing() -> list[Any]:
    return [
        gr.Image(None, visible=False),
        gr.Gallery(None, visible=False),
        gr.File(None, visible=False),
        gr.HTML("", visible=False),
        None,
    ]
