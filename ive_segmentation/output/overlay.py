"""The picture with what was found drawn on it: soft masks with an outline, boxes, labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import supervision as sv
from PIL import Image, ImageDraw, ImageFont

from ive_segmentation.language import Member, names_to_show
from ive_segmentation.output.labels import place_labels
from ive_segmentation.output.naming import called, title
from ive_segmentation.result import PERSON, Person, Result, Segment
from ive_segmentation.result import Image as Pixels

# Okabe and Ito, "Color Universal Design" (2008): told apart with every kind of colour vision. The last is
# for those who are nobody we know: white, because what is grey looks as if it were left out.
_MEMBER_COLORS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_COLORS = [sv.Color.from_hex(color) for color in (*_MEMBER_COLORS, "#FFFFFF")]
_MASK_OPACITY = 0.4

# Sizes relative to the picture's (the square root of its area), chosen by eye: letters of a picture that the
# page shows 600 pixels wide are then about 15 pixels high.
_LINE_PER_PIXEL = 1 / 450
_FONT_PER_PIXEL = 1 / 34
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
        color_key: Folder of the member (a thing takes its owner's); None is Unknown and drawn in white.
        framed: Whether its box is drawn. Of a thing the outline is enough: a box would run through others.
    """

    mask: np.ndarray | None
    box: np.ndarray
    label: str
    color_key: str | None
    framed: bool = True


def overlay(image: Pixels, result: Result, members: Sequence[Member], *, similarities: bool = True) -> Pixels:
    """Draw a result on its picture: the masks asked for, and the name at every face.

    Args:
        image: (H, W, 3) uint8, RGB.
        result: What was found in it.
        members: For names and colours.
        similarities: Whether to write each beside its name.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    names = names_to_show(members)
    masks = [
        Drawing(
            segment.mask,
            segment.box,
            _segment_label(segment, result.persons, names),
            segment.member,
            framed=segment.concept == PERSON,
        )
        for segment in result.segments
    ]
    faces = [
        Drawing(None, person.face.box, _person_label(person, names, similarities), person.member)
        for person in result.persons
        if person.face
    ]
    return draw(image, masks + faces, [member.folder for member in members])


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
    line = max(2, round(side * _LINE_PER_PIXEL))

    # supervision takes arrays for BGR and ours are RGB: it gets its colours the other way round.
    palette = sv.ColorPalette([sv.Color(color.b, color.g, color.r) for color in _COLORS])

    masked = [drawing for drawing in drawings if drawing.mask is not None]
    if masked:
        masks, lookup = _masks_of(masked), _colors_of(masked, members)
        scene = sv.MaskAnnotator(palette, _MASK_OPACITY).annotate(scene, masks, lookup)
        # On a ground of the mask's own colour a line is seen by what lies on both sides of it.
        for colors, thickness in ((sv.Color.BLACK, line + 2), (palette, line)):
            scene = sv.PolygonAnnotator(colors, thickness).annotate(scene, masks, lookup)
    framed = [drawing for drawing in drawings if drawing.framed]
    for colors, thickness in ((sv.Color.BLACK, line + 2), (palette, line)):
        box_annotator = sv.BoxAnnotator(colors, thickness)
        scene = box_annotator.annotate(scene, _boxes_of(framed), _colors_of(framed, members))
    return _with_labels(scene, drawings, members, side)


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


def _segment_label(segment: Segment, persons: Sequence[Person], names: Mapping[str, str]) -> str:
    if segment.owner is None:
        return segment.concept
    owner = persons[segment.owner]
    if segment.concept == PERSON and owner.face:
        return ""  # the name stands at the face
    return title(segment.concept, called(owner.member, owner.stranger, names))


def _person_label(person: Person, names: Mapping[str, str], similarities: bool) -> str:
    if person.match is None:
        return "face"
    name = called(person.member, person.stranger, names)
    return f"{name} {person.match.similarity:.2f}" if similarities else name


def _with_labels(
    scene: np.ndarray, drawings: Sequence[Drawing], members: Sequence[str], side: float
) -> np.ndarray:
    """Write the labels: names at faces first; the labels of things then keep clear of them."""
    labelled = sorted(
        (drawing for drawing in drawings if drawing.label), key=lambda one: one.mask is not None
    )
    if not labelled:
        return scene
    fonts = _fonts([drawing.label for drawing in labelled], side, scene.shape[1])
    padding = max(2, round(fonts[0].size / 4))
    sizes = [
        (round(font.getlength(drawing.label)) + 2 * padding, sum(font.getmetrics()) + 2 * padding)
        for drawing, font in zip(labelled, fonts, strict=True)
    ]
    places = place_labels(
        [drawing.box for drawing in labelled],
        sizes,
        (scene.shape[0], scene.shape[1]),
        faces=[one.box for one in drawings if one.mask is None],
        things=[one.mask for one in drawings if one.mask is not None and not one.framed],
        persons=[one.mask for one in drawings if one.mask is not None and one.framed],
    )
    picture = Image.fromarray(scene)
    pen = ImageDraw.Draw(picture)
    grounds = _colors_of(labelled, members)
    for drawing, font, (x, y), (wide, high), ground in zip(
        labelled, fonts, places, sizes, grounds, strict=True
    ):
        color = _COLORS[ground]
        pen.rectangle((x, y, x + wide - 1, y + high - 1), fill=color.as_hex())
        pen.text((x + padding, y + padding), drawing.label, fill=_text_color(color), font=font)
    return np.array(picture)


def _fonts(labels: Sequence[str], side: float, width: int) -> list[ImageFont.FreeTypeFont]:
    """A font for each label, all of one size, in which the widest fits into the picture."""
    names = [font_for(label) for label in labels]
    # Fonts of other scripts draw Latin letters too, and labels look alike in one.
    common = next((name for name in names if name), None)
    names = [name or common for name in names]
    size = max(_SMALLEST_FONT, round(side * _FONT_PER_PIXEL))
    widest = max(_font(name, size).getlength(label) for name, label in zip(names, labels, strict=True))
    size = max(_SMALLEST_FONT, min(size, int(size * 0.9 * width / max(widest, 1))))
    return [_font(name, size) for name in names]


@cache
def _font(name: str | None, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _boxes_of(drawings: Sequence[Drawing]) -> sv.Detections:
    return sv.Detections(np.array([drawing.box for drawing in drawings], np.float32).reshape(-1, 4))


def _masks_of(drawings: Sequence[Drawing]) -> sv.Detections:
    """Masks as run lengths within their bounds, so that no array of N pictures' size is ever made."""
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


def _text_color(ground: sv.Color) -> str:
    """Black on the light colours, white on the dark ones (luma of ITU-R BT.601): WCAG's 4.5 to 1 at least."""
    return "black" if 0.299 * ground.r + 0.587 * ground.g + 0.114 * ground.b > 100 else "white"
