"""The bank in pictures, for people who would rather look than read. Everything is drawn on this machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ive_segmentation.identity.calibration import reliability
from ive_segmentation.identity.gallery import Gallery
from ive_segmentation.output.overlay import color_of
from ive_segmentation.output.thumbnails import photo_thumbnail

BELOW = {"orientation": "h", "yanchor": "top", "y": -0.3}
"""Where a legend takes no room from curves that are drawn small."""
GREY = "#8b8b95"
"""Legible on white and on black: a figure does not know how the page is lit."""
KNOWN, STRANGE = "#0072B2", "#D55E00"
"""Colours of the two curves, told apart with any colour vision (Okabe and Ito, 2008)."""
THUMBNAIL = 96
MAP_SIDE = 600
PICTURED = 500
"""Faces of the map that show their photo: each of those has to be opened, and is 6 kB of the page."""
READABLE = 25
"""Members up to which there is room for a number in each field of the heat map."""
LONGEST_LABEL = 12
"""Letters of a name beside the heat map: longer ones would leave it no room."""


def member_similarities(gallery: Gallery) -> NDArray[np.float32]:
    """Average how alike the photos of two members are.

    Args:
        gallery: The bank.

    Returns:
        (K, K) mean similarity in the gallery's space; on the diagonal among a member's own photos, NaN where
        there is only one.
    """
    similarities = gallery.points @ gallery.points.T
    np.fill_diagonal(similarities, np.nan)
    result = np.full((len(gallery.names),) * 2, np.nan, np.float32)
    for one in range(len(gallery.names)):
        for other in range(len(gallery.names)):
            block = similarities[np.ix_(gallery.labels == one, gallery.labels == other)]
            if not np.isnan(block).all():
                result[one, other] = np.nanmean(block)
    return result


def similarity_heat_map(gallery: Gallery, names: Mapping[str, str]) -> go.Figure:
    """Draw how alike the members are; a bright field off the diagonal is a pair that is easily confused.

    Args:
        gallery: The bank.
        names: What to call the members, by folder name.

    Returns:
        A plotly figure.
    """
    shown = [names.get(name, name) for name in gallery.names]
    ticks = {"tickvals": shown, "ticktext": [_label(name) for name in shown]}
    values = member_similarities(gallery)
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=shown,
            y=shown,
            text=np.round(values, 2),
            texttemplate="%{text:.2f}" if len(values) <= READABLE else None,
            showscale=len(values) > READABLE,  # the numbers say it, and need the room
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
            colorscale="Viridis",
        )
    )
    figure.update_layout(
        title="How alike the members' photos are", xaxis=ticks, yaxis={"autorange": "reversed", **ticks}
    )
    return figure


def _label(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1].rstrip()}…"


def score_curves(gallery: Gallery) -> go.Figure:
    """Draw the scores of known faces and of strangers, and the threshold between them.

    Args:
        gallery: The bank.

    Returns:
        A plotly figure: per score the share of known faces named rightly, and of strangers named, if the
        threshold stood there. With fewer than three members there are no strangers to show.
    """
    trials = gallery.trials
    clear = trials.lead >= gallery.calibration.margin
    scores = np.linspace(float(trials.similarity.min()), float(trials.similarity.max()), 200)
    figure = go.Figure()
    for label, asked, counted, colour in (
        ("known faces, named rightly", ~trials.stranger, trials.right & clear, KNOWN),
        ("strangers, named", trials.stranger, clear, STRANGE),
    ):
        if asked.any():
            shares = [float((counted & (trials.similarity >= score))[asked].mean()) for score in scores]
            figure.add_scatter(x=scores, y=shares, name=label, line={"color": colour})
    threshold = gallery.calibration.threshold
    line = {"dash": "dash", "color": GREY}
    # Above the field no curve runs through the word.
    figure.add_vline(x=threshold, line=line, annotation_text="threshold", annotation_position="top")
    figure.update_layout(
        title="What a threshold would let through",
        xaxis_title="score",
        yaxis_title="share",
        yaxis_tickformat=".0%",
        legend=BELOW,
    )
    return figure


def reliability_curve(gallery: Gallery) -> go.Figure:
    """Draw how often names were right against how sure the bank was of them.

    Args:
        gallery: The bank. Every face is scored as if it were new; the three numbers that turn scores into
            confidence were fitted on the same scores, so new pictures may lie a little further off.

    Returns:
        A plotly figure: on the dashed line names are right as often as it is sure of them.
    """
    trials = gallery.trials
    confidence = gallery.calibration.confidence(trials.similarity, trials.lead)
    curve = reliability(confidence, trials.right, trials.stranger)
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="ideal", line={"dash": "dash", "color": GREY})
    figure.add_scatter(
        x=curve.said,
        y=curve.right,
        mode="lines+markers",
        name="this bank",
        line={"color": KNOWN},
        marker={"size": [6 + 30 * weight for weight in curve.weights]},
    )
    figure.update_layout(
        title="How sure, and how often right",
        xaxis_title=f"confidence, mean error {curve.error:.0%}",
        yaxis_title="named rightly",
        xaxis_tickformat=".0%",
        yaxis_tickformat=".0%",
        legend=BELOW,
    )
    return figure


def face_map(gallery: Gallery, dataset: Path, names: Mapping[str, str]) -> str:
    """Draw all faces on a plane, near to each other where they are alike; pointing at one shows its photo.

    Args:
        gallery: The bank.
        dataset: Where its photos are.
        names: What to call the members, by folder name.

    Returns:
        HTML with an inline SVG that loads nothing: the thumbnails are part of it. Beyond 500 faces, the
        others show their photo's name.
    """
    members = list(names)  # in this order they have their colours in every picture
    places = _plane(gallery) * (MAP_SIDE - 80) + 40
    dots = []
    every = math.ceil(len(gallery.photos) / PICTURED)
    for row, photo in enumerate(gallery.photos):
        x, y = places[row]
        left, top = min(x + 8, MAP_SIDE - THUMBNAIL), min(y + 8, MAP_SIDE - THUMBNAIL)
        box = tuple(gallery.boxes[row].tolist())
        source = photo_thumbnail(dataset / photo, box) if row % every == 0 else None
        picture = (
            f'<image x="{left:.1f}" y="{top:.1f}" width="{THUMBNAIL}" height="{THUMBNAIL}" href="{source}"/>'
            if source
            else ""
        )
        dots.append(
            f'<g class="face"><circle cx="{x:.1f}" cy="{y:.1f}" r="6" '
            f'fill="{color_of(gallery.members[row], members)}"><title>{escape(photo)}</title></circle>'
            f"{picture}</g>"
        )
    for label, name in enumerate(gallery.names):
        hers = places[gallery.labels == label]
        x, y = hers[:, 0].mean(), hers[:, 1].min() - 12
        dots.append(f'<text x="{x:.1f}" y="{y:.1f}">{escape(names.get(name, name))}</text>')
    legend = " ".join(
        f'<span style="color:{color_of(name, members)}">&#9679;</span> {escape(names.get(name, name))}'
        for name in gallery.names
    )
    return (
        "<style>.ive-map .face image{display:none;pointer-events:none}"
        ".ive-map .face:hover image{display:block}"
        ".ive-map text{text-anchor:middle;pointer-events:none;fill:currentColor;"
        "stroke:var(--block-background-fill);stroke-width:3px;paint-order:stroke}</style>"
        f'<div class="ive-map"><p>{legend}</p><svg viewBox="0 0 {MAP_SIDE} {MAP_SIDE}" role="img" '
        f'style="max-width:100%" aria-label="Map of the faces in the bank">{"".join(dots)}</svg></div>'
    )


def _plane(gallery: Gallery) -> NDArray[np.float32]:
    """The two directions in which the faces differ most, scaled to 0..1."""
    centred = gallery.points - gallery.points.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = np.zeros((len(centred), 2), np.float32)
    flat[:, : min(2, len(directions))] = centred @ directions[:2].T
    low, high = flat.min(axis=0), flat.max(axis=0)
    return (flat - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
