"""Where on the body things are worn, and how many of them one person can wear."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ive_segmentation.possession.body import Body


@dataclass(frozen=True)
class Place:
    """Where the middle of a worn thing is to be expected.

    Attributes:
        top: Highest level, in face heights below the chin (negative is above it).
        bottom: Lowest level, likewise.
        half_width: Furthest distance from the body's middle line, in face heights.
        most: How many one person wears at once, or None where pieces and layers make counting useless.
        at_feet: The levels count from the feet instead of the chin.
    """

    top: float
    bottom: float
    half_width: float
    most: int | None = None
    at_feet: bool = False


HEAD = Place(-2.6, -0.6, 1.0)
ONE_ON_HEAD = Place(-2.6, -0.6, 1.0, most=1)
HAIR = Place(-2.6, 2.5, 1.2)
FACE = Place(-1.1, 0.0, 0.7)
ONE_ON_FACE = Place(-1.1, 0.0, 0.7, most=1)
EARS = Place(-1.0, 0.4, 0.9, most=2)
NECK = Place(-0.3, 1.3, 0.9)
TORSO = Place(0.0, 4.5, 1.6)
WHOLE = Place(0.0, 6.5, 1.8)
WAIST = Place(0.8, 4.5, 1.4)
LEGS = Place(0.8, 7.0, 2.0)
ARMS = Place(-3.5, 6.0, 3.5)
ANYWHERE = Place(-3.5, 9.0, 3.5)
SHINS = Place(-3.0, 0.8, 2.5, at_feet=True)
FEET = Place(-1.0, 0.8, 2.5, at_feet=True)
PAIR_ON_FEET = Place(-1.0, 0.8, 2.5, most=2, at_feet=True)


def _by_word(places: dict[Place, str]) -> dict[str, Place]:
    return {word: place for place, words in places.items() for word in words.split()}


WORN = _by_word(
    {
        ONE_ON_HEAD: "hat cap beanie beret helmet crown tiara visor fedora bonnet turban",
        HEAD: "hairpin hairband headband headscarf headphone headset earmuff ribbon bow bandana veil hood",
        HAIR: "hair wig ponytail pigtail braid bun bangs scrunchie",
        FACE: "face head beard moustache mustache",
        ONE_ON_FACE: "glasses sunglasses eyeglasses goggles mask",
        EARS: "earring ear earphone earbud in-ear",
        NECK: "necklace choker scarf tie necktie bowtie collar pendant",
        TORSO: "shirt t-shirt tshirt tee blouse top sweater hoodie sweatshirt cardigan vest jacket blazer "
        "jersey polo turtleneck flannel anorak windbreaker bolero poncho bra bralette corset tank suit "
        "tuxedo suspenders sash lanyard apron",
        WHOLE: "dress coat peacoat parka raincoat gown nightgown jumpsuit tracksuit bodysuit kimono yukata "
        "hanbok cheongsam qipao sari robe bathrobe cape uniform",
        WAIST: "belt",
        LEGS: "skirt kilt tutu petticoat pants sweatpants trousers culotte jeans shorts leggings tights "
        "stocking leg",
        ANYWHERE: "clothes clothing outfit costume overalls pajamas swimsuit bikini underwear lingerie "
        "jewelry",
        SHINS: "anklet",
        PAIR_ON_FEET: "shoe sneaker boot sandal heel slipper loafer moccasin clog flip-flop flop flat "
        "jane marten",
        FEET: "sock",
    }
)
"""Things that are worn where they are worn; what is not named here is taken as held."""

PARTS = _by_word(
    {
        ONE_ON_FACE: "face head",
        FACE: "eye eyebrow forehead nose mouth lip cheek chin",
        NECK: "neck",
        TORSO: "shoulder back chest belly stomach midriff torso",
        WHOLE: "body",
        WAIST: "waist",
        ARMS: "arm elbow sleeve hand wrist finger nail",
        LEGS: "lap thigh knee",
        SHINS: "calf shin ankle",
        PAIR_ON_FEET: "foot feet",
        FEET: "toe",
        ANYWHERE: "lace",
    }
)
"""Parts of the body, and lace, which must be the last word: a hand fan is none, face paint is no face."""


def worn_place(concept: str) -> Place | None:
    """Where a thing is worn, by the last word of its name that the table knows ("white shirts" is a shirt).

    Args:
        concept: An English noun phrase.

    Returns:
        The place on the body, or None for things that are held.
    """
    words = re.findall(r"[a-z-]+", concept.lower())[::-1]
    for index, word in enumerate(words):
        table = WORN if index else WORN | PARTS
        for form in (word, word.removesuffix("s"), word.removesuffix("es")):
            if form in table:
                return table[form]
    return None


def fit(place: Place, middle: NDArray[np.float64], body: Body) -> float:
    """How well a thing's middle lies where such a thing is worn on this body.

    Args:
        place: Where the thing is worn.
        middle: The thing's middle, (2,) xy in pixels.
        body: The person.

    Returns:
        1 inside the place, falling to 0 within one face height outside it.
    """
    level = (middle[1] - (body.feet if place.at_feet else body.chin[1])) / body.unit
    aside = abs(middle[0] - body.chin[0]) / body.unit
    outside = max(place.top - level, level - place.bottom, aside - place.half_width, 0.0)
    return float(max(0.0, 1.0 - outside))
