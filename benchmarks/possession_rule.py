"""Owner accuracy of the possession rule on true masks, beside the plain "whatever overlaps the person's box".

The hardest scenes of the drawn world: three to six people who overlap, most dressed alike, most hands full,
things on the floor. The rule was tuned on seeds below 1,000; figures are reported from 1,000,000 up.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.things import HELD
from ive_segmentation.demo.truth import Scene
from ive_segmentation.possession.body import measure
from ive_segmentation.possession.things import things_to_owners

SIZE = (800, 500)
SHOTS = ("wide", "wide", "wide", "medium", "medium")


class Verdict(NamedTuple):
    """Whether the rule and the plain rule found the right owner of one thing."""

    group: str
    rule: bool
    plain: bool
    wrong_person: bool


def hardest_scene(seed: int) -> Scene:
    """Three to six people in a narrow picture, most dressed alike, most hands full."""
    rng = np.random.default_rng(seed)
    return draw_scene(
        seed,
        people=int(rng.integers(3, 7)),
        size=SIZE,
        shot=str(rng.choice(SHOTS)),
        twins=0.7,
        holding=0.6,
    )


def loosened(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask grown (or, below zero, shrunk) by so many pixels; unchanged where nothing would be left."""
    if not pixels:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(pixels) + 1,) * 2)
    moved = (cv2.dilate if pixels > 0 else cv2.erode)(mask.view(np.uint8), disc) > 0
    return moved if moved.any() else mask


def plain_owner(thing: np.ndarray, persons: Sequence[np.ndarray]) -> int | None:
    """The person whose box holds most of the thing."""
    shares = []
    for mask in persons:
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        shares.append(np.count_nonzero(thing[y : y + height, x : x + width]))
    return int(np.argmax(shares)) if shares and max(shares) > 0 else None


def judge(scene: Scene, looseness: int, rng: np.random.Generator) -> list[Verdict]:
    """Ask both rules for every thing of a scene, each mask loosened by itself by up to so many pixels."""

    def loose(mask: np.ndarray, least: int) -> np.ndarray:
        return loosened(mask, int(rng.integers(least, looseness + 1)) if looseness else 0)

    persons = [loose(person.mask, -looseness) for person in scene.persons]
    bodies = measure(persons, [person.face_box for person in scene.persons])
    verdicts = []
    for concept in dict.fromkeys(thing.concept for thing in scene.things):
        things = [thing for thing in scene.things if thing.concept == concept]
        # A microphone is a few pixels across: shrunk by more than one it would vanish.
        masks = [loose(thing.mask, max(-1, -looseness)) for thing in things]
        for thing, mask, found in zip(things, masks, things_to_owners(concept, masks, bodies), strict=True):
            if thing.owner is None:
                group = "on the floor"
            elif not thing.grip_seen:
                group = "grip hidden"
            else:
                group = concept
            wrong = found.owner is not None and found.owner != thing.owner
            verdicts.append(
                Verdict(group, found.owner == thing.owner, plain_owner(mask, persons) == thing.owner, wrong)
            )
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--first", type=int, default=1_000_000, help="first seed")
    parser.add_argument("--looseness", type=int, nargs="*", default=[0, 1, 2, 3], help="pixels")
    arguments = parser.parse_args()
    verdicts: dict[int, list[Verdict]] = defaultdict(list)
    for seed in tqdm(range(arguments.first, arguments.first + arguments.scenes), unit="scene"):
        scene = hardest_scene(seed)
        for looseness in arguments.looseness:
            verdicts[looseness] += judge(scene, looseness, np.random.default_rng([seed, looseness]))
    for looseness, found in verdicts.items():
        print(f"\nright owner, masks loose by up to {looseness} px")
        print(f"{'':24}{'things':>7}{'rule':>8}{'plain':>8}{'wrong person':>14}")
        groups = {group: [v for v in found if v.group == group] for group in sorted({v.group for v in found})}
        seen = [v for v in found if v.group != "grip hidden"]
        held = [v for v in seen if v.group in HELD]
        for name, chosen in {**groups, "held, grip seen": held, "all, grip seen": seen, "all": found}.items():
            if chosen:
                rule, plain, wrong = (
                    np.mean([getattr(v, key) for v in chosen]) for key in ("rule", "plain", "wrong_person")
                )
                print(f"{name:24}{len(chosen):7d}{rule:8.3f}{plain:8.3f}{wrong:14.3f}")


if __name__ == "__main__":
    main()
