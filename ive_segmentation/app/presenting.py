"""From a result to what is shown: sentences, a table of faces with their evidence, captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import gradio as gr
import plotly.graph_objects as go

from ive_segmentation.app.asking import Answer
from ive_segmentation.identity.matching import Match, describe_match
from ive_segmentation.language import names_to_show
from ive_segmentation.output.bank_figures import GREY
from ive_segmentation.output.naming import UNKNOWN_NAME, segment_title
from ive_segmentation.output.thumbnails import photo_thumbnail, thumbnail
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.result import FaceBox, Image, Person

_LINES = "rgba(139, 139, 149, 0.3)"
"""`GREY`, pale."""

EMPTY = (
    "The answer appears here: the picture with what was found, each mask and cutout to look at and download, "
    "and who is in it."
)


def hint(words: str) -> str:
    """Put quiet words beside what they explain.

    Args:
        words: Plain text.

    Returns:
        HTML.
    """
    return f'<p class="ive-hint">{escape(words)}</p>'


def note(lines: Sequence[str], kind: str = "", headline: str = "") -> str:
    """Put sentences into a box.

    Args:
        lines: The sentences, as plain text.
        kind: "good", "warn", "bad", or nothing.
        headline: What stands first, in bold.

    Returns:
        HTML; empty for no words.
    """
    words = [f"<strong>{escape(headline)}</strong>"] * bool(headline) + [escape(line) for line in lines]
    if not words:
        return ""
    # Screen readers speak a "status" only where one was before its words came.
    role = "alert" if kind else "status"
    return f'<div class="ive-note {kind}" role="{role}">{"".join(f"<p>{line}</p>" for line in words)}</div>'


def notices_of(pipeline: Pipeline) -> gr.HTML:
    """Say at the top of the page what is missing, or that this is the demo.

    Args:
        pipeline: Whose notices.

    Returns:
        The box; it is hidden where nothing is missing.
    """
    words = note([*pipeline.notices.values()])
    return gr.HTML(words, visible=bool(words), elem_id="notices", elem_classes="ive-flush")


def under_way(share: float, words: str) -> str:
    """Say how far something is.

    Args:
        share: Of the work, 0 to 1.
        words: What is being done, as plain text.

    Returns:
        HTML.
    """
    percent = round(100 * share)
    return (
        f'<div class="ive-note"><p>{escape(words)}</p><div class="ive-way" role="progressbar" '
        f'aria-label="Done" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}">'
        f'<div class="ive-bar" style="width: {percent}%"></div></div></div>'
    )


def into_view(element: str) -> str:
    """Write the JavaScript that scrolls to a part of the page, unless the upper half of the window shows it.

    Args:
        element: Its `elem_id`.

    Returns:
        A function, for an event's `js`.
    """
    return (
        f"() => {{ const part = document.getElementById('{element}'); "
        "const top = part.getBoundingClientRect().top; "
        "const still = matchMedia('(prefers-reduced-motion: reduce)').matches; "
        "if (top < 0 || top > innerHeight / 2) part.scrollIntoView({behavior: still ? 'auto' : 'smooth'}); }"
    )


def into_focus(element: str) -> str:
    """Write the JavaScript that moves the keyboard focus to an element where the one that had it is gone.

    Args:
        element: `elem_id` of what gets the focus.

    Returns:
        A function, for an event's `js`.
    """
    return (
        "() => { if (document.activeElement === document.body) "
        f"document.getElementById('{element}')?.focus({{preventScroll: true}}); }}"
    )


def for_day_and_night(figure: go.Figure) -> go.Figure:
    """Colour a figure so that it can be read whether the page is light or dark.

    Args:
        figure: It is changed.

    Returns:
        The same figure.
    """
    clear = "rgba(0, 0, 0, 0)"
    lines = {"gridcolor": _LINES, "zerolinecolor": _LINES}
    figure.update_layout(paper_bgcolor=clear, plot_bgcolor=clear, font_color=GREY)
    return figure.update_xaxes(**lines).update_yaxes(**lines)


def summary(answer: Answer, pipeline: Pipeline) -> str:
    """Say what was found, and what was not.

    Args:
        answer: What was asked and found.
        pipeline: For the names.

    Returns:
        HTML.
    """
    result = answer.result
    titles = [segment_title(segment, names_to_show(pipeline.members)) for segment in result.segments]
    seconds = sum(result.seconds.values())
    took = f" ({seconds:.1f} s)" if seconds >= 0.1 else ""
    kind = "good" if titles and not result.messages else "warn"
    return note(result.messages, kind, found(titles, result.prompt.text) + took)


def found(titles: Sequence[str], asked: str) -> str:
    """Say in a line what was found.

    Args:
        titles: What each thing is called; several may be called the same.
        asked: The prompt.

    Returns:
        "Found: Wonyoung’s shirt, 2 × shoes", or that there is nothing.
    """
    counts = Counter(titles)
    each = ", ".join(name if count == 1 else f"{count} × {name}" for name, count in counts.items())
    return f"Found: {each}" if each else f"No mask for “{asked}”"


def downloads(files: Sequence[Path]) -> gr.File:
    """Offer files, and say how many: the list shows the first of them.

    Args:
        files: At least two.

    Returns:
        What an event puts into the list.
    """
    return gr.File([str(file) for file in files], label=f"Download ({len(files)} files)", visible=True)


def masks(answer: Answer, pipeline: Pipeline) -> list[tuple[str, str]]:
    """List each cutout and mask with its caption.

    Args:
        answer: What was asked and found.
        pipeline: For the names.

    Returns:
        (path, caption), cutout before mask.
    """
    names = names_to_show(pipeline.members)
    pictures = []
    for number, segment in enumerate(answer.result.segments):
        mask, cutout = answer.files[1 + 2 * number : 3 + 2 * number]
        caption = segment_title(segment, names)
        pictures += [(str(cutout), caption), (str(mask), f"{caption}, mask")]
    return pictures


def table_of_faces(image: Image, persons: Sequence[Person], pipeline: Pipeline) -> str:
    """List everyone in the picture, with the gallery photos that are the evidence.

    Args:
        image: (H, W, 3) uint8, RGB.
        persons: Everyone found.
        pipeline: For names, gallery and dataset.

    Returns:
        HTML.
    """
    seen = [person for person in persons if person.face is not None]
    faceless = len(persons) - len(seen)
    if pipeline.faces is None:
        return hint("Faces were not looked for, so nobody is named: the notice at the top says why.")
    if not persons and pipeline.sam3 is None:
        return hint("No face was found in this picture.")
    if not persons:
        return hint("Nobody was found in this picture: no face, and no person.")
    if not seen:
        return hint("No face was found in this picture, so everyone in it is Unknown: nobody is guessed.")
    rows = "".join(_row(image, person.face, person.match, pipeline) for person in seen if person.face)
    others = "One more person shows" if faceless == 1 else f"{faceless} more persons show"
    return (
        '<table class="ive-table"><caption>Who is in the picture</caption><thead><tr>'
        '<th scope="col">Face</th><th scope="col">Who</th><th scope="col">Similarity</th>'
        '<th scope="col">Runner-up</th><th scope="col">Evidence: the nearest photos of the bank</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
        + (hint(f"{others} no face: Unknown, nobody is guessed.") if faceless else "")
    )


def _row(image: Image, face: FaceBox, match: Match | None, pipeline: Pipeline) -> str:
    names = names_to_show(pipeline.members)
    name, words = _wording(match, names)
    picture = thumbnail(image, tuple(face.box.tolist()))
    similarity = f"{match.similarity:.2f}" if match else ""
    rival = (
        f"{escape(names.get(match.runner_up, match.runner_up))} {match.runner_up_similarity:.2f}"
        if match and match.runner_up and match.runner_up_similarity is not None
        else ""
    )
    evidence = _evidence(match, pipeline) if match and match.member else ""
    return (
        f'<tr><td class="pic"><img class="ive-face" src="{picture}" alt=""></td>'
        f'<td class="who">{escape(name)}<span class="sub">{escape(words)}</span></td>'
        f"{_cell(similarity, 'Similarity', 'num')}{_cell(rival, 'Runner-up', 'num')}"
        f"{_cell(evidence, 'Evidence', 'wide')}</tr>"
    )


def _wording(match: Match | None, names: Mapping[str, str]) -> tuple[str, str]:
    """Who it is and how sure that is, and what to add where nobody is named."""
    if match is None:
        return UNKNOWN_NAME, "not compared: there is no bank"
    closest = names.get(match.candidate or "", match.candidate)
    unsure = match.member is None and closest
    return describe_match(match, names), f"closest is {closest}, but not for certain" if unsure else ""


def _cell(content: str, label: str, kind: str) -> str:
    return (
        f'<td class="{kind}" data-label="{label}">{content}</td>' if content else f'<td class="{kind}"></td>'
    )


def _evidence(match: Match, pipeline: Pipeline) -> str:
    boxes = (
        dict(zip(pipeline.gallery.photos, pipeline.gallery.boxes, strict=True)) if pipeline.gallery else {}
    )
    figures = []
    for photo in match.evidence:
        box = boxes.get(photo.photo)
        source = photo_thumbnail(
            pipeline.settings.dataset / photo.photo, None if box is None else tuple(box.tolist())
        )
        if source:
            label = escape(photo.photo)
            figures.append(
                f'<figure><img src="{source}" alt="{label}" title="{label}">'
                f"<figcaption>{photo.similarity:.2f}</figcaption></figure>"
            )
    return f'<div class="ive-evidence">{"".join(figures)}</div>' if figures else ""
