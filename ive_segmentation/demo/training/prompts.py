"""What is asked of a drawn scene while training, and which of its parts are the answer."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from ive_segmentation.demo.canvas import PALETTE
from ive_segmentation.demo.things import CONCEPTS, HELD

COLOURS = tuple(PALETTE)
SYNONYMS: dict[str, tuple[str, ...]] = {
    "person": ("woman", "girl", "human", "idol"),
    "shirt": ("t-shirt", "top", "blouse"),
    "pants": ("trousers", "jeans"),
    "jacket": ("coat", "blazer"),
    "hat": ("cap",),
    "shoe": ("sneaker", "boot"),
    "bag": ("handbag", "purse"),
    "microphone": ("mic",),
    "phone": ("smartphone",),
    "bouquet": ("flowers",),
    "lightstick": ("light stick",),
}
"""Other words people type for a concept."""
NEVER = (
    "guitar", "dog", "cat", "car", "umbrella", "chair", "book", "cup", "ball", "tree", "bicycle", "table",
    "bottle", "watch", "scarf", "belt", "glove", "tie", "laptop", "piano", "horse", "bird", "lamp",
    "pizza", "sword", "drum", "airplane", "apple", "banana", "bear", "bed", "bench", "boat", "bridge",
    "broom", "bucket", "bus", "cake", "camera", "candle", "carrot", "castle", "cow", "crown", "curtain",
    "desk", "door", "duck", "elephant", "fan", "fence", "fire hydrant", "fish", "flag", "fork",
    "fountain", "fridge", "frog", "giraffe", "goat", "grass", "hammer", "house", "ice cream", "key",
    "keyboard", "knife", "lion", "mirror", "monkey", "moon", "motorcycle", "mountain", "mouse",
    "mushroom", "oven", "painting", "paper", "parrot", "pencil", "pillow", "plane", "plate", "potato",
    "rabbit", "ring", "river", "road", "robot", "rocket", "rope", "sandwich", "saw", "sheep", "ship",
    "sink", "snake", "sofa", "spoon", "stairs", "star", "suitcase", "sun", "surfboard", "swing", "teapot",
    "telescope", "tent", "tiger", "toilet", "towel", "tower", "toy", "train", "truck", "trumpet",
    "turtle", "vase", "violin", "wall", "wheel", "whale", "window", "zebra",
)  # fmt: skip
"""Things never drawn: nothing may be found. Many, so that a word never heard is taken for one of them."""
SOUNDS = (
    "ba",
    "cle",
    "di",
    "fo",
    "gu",
    "ka",
    "lor",
    "mi",
    "nep",
    "oo",
    "pla",
    "qui",
    "rit",
    "sta",
    "te",
    "vu",
    "xi",
)
"""Syllables of words that do not exist, asked for as often as those."""
WEIGHT: dict[str, float] = {
    "person": 2.0, "face": 0.6, "hair": 2.0, "shirt": 2.6, "skirt": 1.1, "pants": 0.9, "dress": 1.4,
    "jacket": 1.9, "hat": 0.9, "shoe": 3.2, "glasses": 1.6, "necklace": 2.0, "bag": 3.0, "microphone": 7.0,
    "phone": 4.5, "bouquet": 6.5, "lightstick": 6.5,
}  # fmt: skip
"""How often a present concept is asked for, relative to the others: small and rare things need more
lessons."""
CROWDED = 3.0
"""How much oftener persons are asked for where one stands before another: two are easily taken for one."""
TINY, SOUGHT = 2e-3, 3.0
"""Share of a picture below which a held thing is easily missed, and how much oftener it is asked for then."""
BEFORE, HIDING = 0.5, 0.7
"""Of two persons' boxes, from where on one is said to stand before the other, and to hide much of her."""
PERSON, FACE = CONCEPTS.index("person"), CONCEPTS.index("face")
GLASSES = CONCEPTS.index("glasses")
HELD_INDEX = {CONCEPTS.index(name) for name in HELD}
TINTED = [name for name in CONCEPTS if name not in ("person", "face", "hair")]


@dataclass(frozen=True)
class Asked:
    """A prompt's words and, per instance that answers it, the values of the label map it is made of.

    What it asks for is the `concept`, however it is called; empty where nothing answers.
    """

    words: str
    answers: tuple[tuple[int, ...], ...]
    concept: str = ""


def answers(parts: np.ndarray, concept: str, colour: str | None = None) -> tuple[tuple[int, ...], ...]:
    """The instances of a concept, each as values of the label map; `parts` as in `Labelled`."""
    index = CONCEPTS.index(concept)
    rows = range(len(parts))
    if concept == "person":
        owned = [r for r in rows if parts[r, 1] >= 0 and int(parts[r, 0]) not in HELD_INDEX]
        owners = dict.fromkeys(int(parts[r, 1]) for r in owned)
        return tuple(tuple(r + 1 for r in owned if parts[r, 1] == owner) for owner in owners)
    if concept == "face":
        return tuple(
            (r + 1, *(g + 1 for g in rows if parts[g, 0] == GLASSES and parts[g, 1] == parts[r, 1]))
            for r in rows
            if parts[r, 0] == FACE
        )
    shade = None if colour is None else COLOURS.index(colour)
    return tuple((r + 1,) for r in rows if parts[r, 0] == index and shade in (None, parts[r, 2]))


def crowded(labels: np.ndarray, people: tuple[tuple[int, ...], ...], share: float = BEFORE) -> bool:
    """Whether the box of anyone's visible part shares `share` of the smaller one of the two with another's.

    Args:
        labels: (H, W) uint8, the label map.
        people: Per person, her values in it.
        share: 0 to 1.
    """
    boxes = [cv2.boundingRect(np.isin(labels, values).astype(np.uint8)) for values in people]
    for (x, y, w, h), (u, v, across, down) in combinations(boxes, 2):
        width, height = min(x + w, u + across) - max(x, u), min(y + h, v + down) - max(y, v)
        if width > 0 and height > 0 and width * height >= share * min(w * h, across * down):
            return True
    return False


def faceless(parts: np.ndarray, values: Collection[int]) -> bool:
    """Whether nothing is seen of a person's face, `values` being hers in the label map."""
    return FACE not in parts[[value - 1 for value in values], 0]


def tiny(parts: np.ndarray, shares: np.ndarray) -> set[str]:
    """The held things of which so little is seen that they are easily missed.

    Args:
        parts: As in `Labelled`.
        shares: (N,) of the picture that each part covers, 0 to 1.
    """
    held = np.isin(parts[:, 0], list(HELD_INDEX))
    return {CONCEPTS[int(i)] for i in parts[held & (shares < TINY), 0]}


def _nothing(rng: np.random.Generator, absent: list[str]) -> str:
    """A word for which there is nothing in the picture: drawn elsewhere, never, or no word at all."""
    chance = rng.random()
    if absent and chance < 0.5:
        return str(rng.choice(absent))
    if chance < 0.75:
        return str(rng.choice(NEVER))
    return "".join(rng.choice(SOUNDS, int(rng.integers(1, 4))))


def ask(
    rng: np.random.Generator,
    parts: np.ndarray,
    count: int,
    crossing: bool = False,
    sought: Collection[str] = (),
) -> list[Asked]:
    """`count` prompts for one picture: mostly what is there, sometimes what is not.

    Args:
        rng: Decides everything.
        parts: As in `Labelled`.
        count: How many.
        crossing: Whether persons stand before others.
        sought: Concepts to ask for oftener.
    """
    present = sorted({CONCEPTS[int(i)] for i in parts[:, 0]})
    absent = [name for name in CONCEPTS if name not in present]
    chosen: list[str] = []
    if present:
        more = dict.fromkeys(sought, SOUGHT) | ({"person": CROWDED} if crossing else {})
        weights = np.array([WEIGHT[name] * more.get(name, 1.0) for name in present])
        some = min(count, len(present))
        chosen = list(rng.choice(present, some, replace=False, p=weights / weights.sum()))
    asked: list[Asked] = []
    for i in range(count):
        if i >= len(chosen) or rng.random() < 0.24:
            asked.append(Asked(_nothing(rng, absent), ()))
            continue
        concept = str(chosen[i])
        words = concept
        if rng.random() < 0.18 and concept in SYNONYMS:
            words = str(rng.choice(SYNONYMS[concept]))
        if concept in TINTED and rng.random() < 0.2:
            shades = [COLOURS[int(c)] for k, _, c in parts if CONCEPTS[int(k)] == concept and c >= 0]
            colour = str(rng.choice(shades)) if shades and rng.random() < 0.75 else str(rng.choice(COLOURS))
            asked.append(Asked(f"{colour} {words}", answers(parts, concept, colour), concept))
        else:
            asked.append(Asked(words, answers(parts, concept), concept))
    return asked
