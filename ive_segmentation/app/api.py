"""The page's functions for programs: `gradio_client` calls /segment and /identify."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ive_segmentation.app.asking import Live, ask, in_words, unopened, who
from ive_segmentation.app.events import ONE_ANSWER, ONE_LOOK


def api(live: Live) -> None:
    """Offer the endpoints; called inside the page's `gr.Blocks`. What they need for that is not visible.

    Args:
        live: Who answers.
    """
    with gr.Row(visible=False):
        picture = unopened(gr.Image(label="picture"))
        prompt = gr.Textbox(label="prompt")
        result = gr.JSON(label="result")
        files = gr.File(label="files", file_count="multiple")
        people = gr.JSON(label="people")
        segment_button, identify_button = gr.Button("segment"), gr.Button("identify")

    def segment(picture: str | None, prompt: str | None) -> tuple[dict[str, Any], list[str]]:
        """Answer a prompt: result.json, and the files overlay, masks, cutouts, result.json, zip."""
        try:
            found = ask(live.pipeline, picture, prompt or "")
        except Exception as error:
            raise gr.Error(in_words(error), print_exception=False) from error
        return found.result.to_dict(), [str(file) for file in (*found.files, found.archive)]

    def identify(picture: str | None) -> list[dict[str, Any]]:
        """Name the faces of a picture, left to right; needs no SAM 3."""
        try:
            return who(live.pipeline, picture).to_dict()["persons"]
        except Exception as error:
            raise gr.Error(in_words(error), print_exception=False) from error

    segment_button.click(segment, [picture, prompt], [result, files], api_name="segment", **ONE_ANSWER)
    identify_button.click(identify, picture, people, api_name="identify", **ONE_LOOK)
