"""The picture with what was found drawn on it: soft masks with an outline, boxes, names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import supervision as sv
from PIL import Image, ImageFont

# Okabe and Ito, "Color Universal Design" (2008): told apart with every kind of colour vision. The last is
# for those who are nobody we know.
_MEMBER_COLORS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_COLORS = [sv.Color.from_hex(color) for color in (*_MEMBER_COLORS, "#9A9A9A")]
_MASK_OPACITY = 0.4

# Sizes relative to the picture's (the square root of its area), chosen by eye: a label on a 12-megapixel
# photo that the page shows 1,000 pixels wide is then about 22 pixels high.
_LINE_PER_PIXEL = 1 / 600
_FONT_PER_PIXEL = 1 / 40
_SMALLEST_FONT = 11

# Fonts by the name of their file, which Pillow looks for in the system's font folders; best first.
_FONTS = {
    "thai": (
        re.compile("[\u0e00-\u0e7f]"),
        ("NotoSansThai-Regular.ttf", "Garuda.ttf", "Loma.ttf", "LeelawUI.ttf", "Thonburi.ttc", "tahoma.ttf"),
    ),
    "korean and japanese": (
        re.compile("[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u4e00-\u9fff\uac00-\ud7af]"),
        ("NotoSansCJK-Regular.ttc", "NotoSansCJKkr-Regular.otf", "AppleSDGothicNeo.ttc", "malgun.ttf",
         "NanumGothic.ttf", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf"),
    ),
    "letters with accents, Greek, Cyrillic": (
        re.compile("[\u00c0-\u052f\u1e00-\u1fff]"),
        ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "Arial.ttf", "LiberationSans-Regular.ttf"),
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Drawing:
    """One thing to draw.

    Attributes:
        mask: bool (H, W) of the picture's size, or None where only the box is known.
        box: float (4,), xyxy in pixels.
        label: What to write at the box; empty for nothing.
        color_key: Folder of the member (a thing takes its owner's); None is Unknown and drawn in grey.
    """

    mask: np.ndarray | None
    box: np.ndarray
    label: str
    color_key: str | None


def draw(image: np.ndarray, drawings: Sequence[Drawing], members: Sequence[str]) -> np.ndarray:
    """Draw masks, boxes and labels on a copy of the picture.

    Args:
        image: RGB uint8 (H, W, 3).
        drawings: What to draw, in pixels of this picture.
        members: Folders of all members, in an order that does not change from picture to picture: a
            member's place in it decides the colour.

    Returns:
        RGB uint8 (H, W, 3).
    """
    scene = image.copy()
    if not drawings:
        return scene
    side = float(np.sqrt(scene.shape[0] * scene.shape[1]))
    line = max(1, round(side * _LINE_PER_PIXEL))

    # supervision takes arrays for BGR and ours are RGB: it gets its colours the other way round.
    palette = sv.ColorPalette([sv.Color(color.b, color.g, color.r) for color in _COLORS])

    masked = [drawing for drawing in drawings if drawing.mask is not None]
    if masked:
        masks, lookup = _masks_of(masked), _colors_of(masked, members)
        scene = sv.MaskAnnotator(palette, _MASK_OPACITY).annotate(scene, masks, lookup)
        scene = sv.PolygonAnnotator(palette, line).annotate(scene, masks, lookup)
    scene = sv.BoxAnnotator(palette, line).annotate(scene, _boxes_of(drawings), _colors_of(drawings, members))

    labelled = [drawing for drawing in drawings if drawing.label]
    return _write_labels(scene, labelled, members, side) if labelled else scene


def color_of(color_key: str | None, members: Sequence[str]) -> str:
    """Tell which colour a member is drawn in.

    Args:
        color_key: Folder of the member; None is Unknown.
        members: As for `draw`.

    Returns:
        "#rrggbb".
    """
    return _COLORS[_place(color_key, members)].as_hex()


def font_for(text: str) -> str | None:
    """Find a font of this system that can draw the text.

    Args:
        text: A label in any language.

    Returns:
        Name of the font's file, as `PIL.ImageFont.truetype` takes it; None stands for Pillow's built-in
        font: right for Latin letters, empty boxes for others where the system has no font for them.
    """
    for script, (letters, _) in _FONTS.items():
        if letters.search(text):
            return _installed(script)
    return None


@cache
def _installed(script: str) -> str | None:
    for name in _FONTS[script][1]:
        try:
            ImageFont.truetype(name, 12)
        except OSError:
            continue
        return name
    return None


def _write_labels(
    scene: np.ndarray, drawings: Sequence[Drawing], members: Sequence[str], side: float
) -> np.ndarray:
    fonts = [font_for(drawing.label) for drawing in drawings]
    # Fonts of other scripts draw Latin letters too, and labels in one font make room for each other.
    common = next((font for font in fonts if font), None)
    fonts = [font or common for font in fonts]
    picture = Image.fromarray(scene)
    for font in dict.fromkeys(fonts):
        group = [drawing for drawing, its in zip(drawings, fonts, strict=True) if its == font]
        labels = [drawing.label for drawing in group]
        size = _font_size(labels, font, side, scene.shape[1])
        annotator = sv.RichLabelAnnotator(
            sv.ColorPalette(_COLORS), text_color=_text_colors(), font_path=font, font_size=size,
            text_padding=max(2, size // 4), smart_position=True,
        )  # fmt: skip
        picture = annotator.annotate(picture, _boxes_of(group), labels, _colors_of(group, members))
    return np.array(picture)


def _font_size(labels: Sequence[str], font: str | None, side: float, width: int) -> int:
    size = max(_SMALLEST_FONT, round(side * _FONT_PER_PIXEL))
    face = ImageFont.truetype(font, size) if font else ImageFont.load_default(size)
    widest = max(face.getlength(label) for label in labels)
    return max(_SMALLEST_FONT, min(size, int(size * 0.9 * width / max(widest, 1))))


def _boxes_of(drawings: Sequence[Drawing]) -> sv.Detections:
    return sv.Detections(np.array([drawing.box for drawing in drawings], np.float32).reshape(-1, 4))


def _masks_of(drawings: Sequence[Drawing]) -> sv.Detections:
    """Masks as run lengths within their bounds, so that nothing of N pictures' size is ever made."""
    masks = [drawing.mask for drawing in drawings if drawing.mask is not None]
    bounds = [sv.mask_to_xyxy(mask[None]) for mask in masks]
    compact = [
        sv.CompactMask.from_dense(mask[None], bound, mask.shape)
        for mask, bound in zip(masks, bounds, strict=True)
    ]
    return sv.Detections(np.concatenate(bounds).astype(np.float32), mask=sv.CompactMask.merge(compact))


def _colors_of(drawings: Sequence[Drawing], members: Sequence[str]) -> np.ndarray:
    return np.array([_place(drawing.color_key, members) for drawing in drawings], int)


def _place(color_key: str | None, members: Sequence[str]) -> int:
    """Index into the colours; the last for who is no member."""
    return members.index(color_key) % len(_MEMBER_COLORS) if color_key in members else len(_MEMBER_COLORS)


def _text_colors() -> sv.ColorPalette:
    """Black on the light colours, white on the dark ones (luma of ITU-R BT.601): WCAG's 4.5 to 1 at least."""
    luma = [0.299 * color.r + 0.587 * color.g + 0.114 * color.b for color in _COLORS]
    return sv.ColorPalette([sv.Color.BLACK if value > 100 else sv.Color.WHITE for value in luma])
