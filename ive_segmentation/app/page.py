"""The page: what stands on it, from top to bottom."""

from __future__ import annotations

import gradio as gr

from ive_segmentation.app.api import api
from ive_segmentation.app.asking import Live
from ive_segmentation.app.cache import page_folder
from ive_segmentation.app.demo_pictures import draw_pictures
from ive_segmentation.app.events import QUIET
from ive_segmentation.app.members_tab import members_tab
from ive_segmentation.app.picture_tab import picture_tab
from ive_segmentation.app.presenting import notices_of
from ive_segmentation.app.video_tab import video_tab
from ive_segmentation.pipeline import Pipeline

_HEAD = (
    '<div class="ive-head"><h1>IVE Segmentation</h1>'
    "<p>Name a member, or something of hers, and get exactly those pixels.</p></div>"
)
ON_LOAD = """() => {
  addEventListener("beforeunload", (event) => {
    // Where the connection broke the work is lost already, and Gradio loads the page anew.
    const broken = document.querySelector(".toast-body.error");
    if (document.querySelector("#film-stop") && !broken) event.preventDefault();
  });
  // A file dropped beside the box for it would take the page's place.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  addEventListener("paste", (event) => {
    const {files, types} = event.clipboardData;
    const input = document.querySelector("#photo input[type=file]");
    if (!files.length || types.includes("text/plain") || !input?.closest("#photo").offsetParent) return;
    input.files = files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
  });
  document.querySelectorAll("#drawn button").forEach((button, place) => {
    button.ariaLabel = `Drawn picture ${place + 1}`;
  });
}"""
"""What Gradio lacks: a question before a video's work is lost, pictures from the clipboard, names."""
_HOUR, _DAY = 3600, 86400


def build_page(pipeline: Pipeline) -> gr.Blocks:
    """Build the page round a pipeline.

    Args:
        pipeline: Who answers; what it lacks, its notices say at the top of the page.

    Returns:
        The page, not yet served: `launch` does that.

    Raises:
        WriteError: If the demo's pictures cannot be drawn into the user's cache.
    """
    page_folder()
    live = Live(pipeline)
    with gr.Blocks(title="IVE Segmentation", analytics_enabled=False, delete_cache=(_HOUR, _DAY)) as page:
        gr.HTML(_HEAD, elem_id="head", elem_classes="ive-flush")
        notices = notices_of(pipeline)
        with gr.Tab("Picture"):
            picture_tab(live, draw_pictures() if pipeline.demo else [])
        with gr.Tab("Video"):
            video_tab(live)
        with gr.Tab("Members") as tab:
            members_tab(live, tab, notices)
        api(live)
        page.load(lambda: notices_of(live.pipeline), None, notices, js=ON_LOAD, **QUIET)
    return page.queue(max_size=32)
