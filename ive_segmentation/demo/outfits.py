"""What is worn below the head."""

from dataclasses import dataclass

import numpy as np

from ive_segmentation.demo.canvas import Colour, pick_colour

Named = tuple[str, Colour]
"""A colour by its word and its RGB."""


@dataclass(frozen=True)
class Outfit:
    """What is worn below the head; colours are a word and RGB, where nothing else is said.

    Attributes:
        top: Colour of the shirt or, with `bottom` "dress", of the dress.
        pattern: What is on it: plain, stripes, heart, collar or buttons.
        accent: RGB of the pattern.
        sleeve: Length of the sleeves: 0 hardly any, 1 to the elbow, 2 to the wrist.
        bottom: skirt, pants or dress.
        bottom_colour: Colour of the skirt or the pants.
        jacket: Its colour, or None.
        shoes: sneaker, boot or pump.
        shoe_colour: Colour of both.
        necklace: Its colour, or None.
    """

    top: Named
    pattern: str
    accent: Colour
    sleeve: int
    bottom: str
    bottom_colour: Named
    jacket: Named | None
    shoes: str
    shoe_colour: Named
    necklace: Named | None


def random_outfit(rng: np.random.Generator) -> Outfit:
    """Garments drawn at random; neighbouring garments differ in colour."""
    top = pick_colour(rng)
    others = [
        name
        for name in ("white", "black", "grey", "red", "pink", "yellow", "green", "blue", "purple", "brown")
        if name != top[0]
    ]
    bottom = pick_colour(rng, tuple(others))
    jacket = pick_colour(rng, tuple(n for n in others if n != bottom[0])) if rng.random() < 0.27 else None
    return Outfit(
        top=top,
        pattern=str(
            rng.choice(["plain", "stripes", "heart", "collar", "buttons"], p=[0.36, 0.2, 0.16, 0.16, 0.12])
        ),
        accent=pick_colour(rng)[1],
        sleeve=int(rng.integers(3)),
        bottom=str(rng.choice(["skirt", "pants", "dress"], p=[0.36, 0.36, 0.28])),
        bottom_colour=bottom,
        jacket=jacket,
        shoes=str(rng.choice(["sneaker", "boot", "pump"])),
        shoe_colour=pick_colour(rng),
        necklace=random_necklace(rng, top[0]),
    )


def random_necklace(rng: np.random.Generator, top: str) -> Named | None:
    """A necklace now and then, never in the colour it lies on."""
    names = tuple(name for name in ("yellow", "white", "red", "blue", "green") if name != top)
    return pick_colour(rng, names) if rng.random() < 0.28 else None
