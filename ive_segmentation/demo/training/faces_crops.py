"""Aligned faces of people nobody knows, drawn many times over: what the recogniser learns from."""

from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import torch
from insightface.utils import face_align
from tqdm import tqdm

from ive_segmentation.demo.canvas import Canvas, Colour, Pen, ellipse, pick_colour
from ive_segmentation.demo.identities import NOSES, SKINS, Identity, stranger
from ive_segmentation.demo.people import draw_face
from ive_segmentation.demo.training.faces_pictures import shaded
from ive_segmentation.demo.training.fitting import Batch

CROP = 112
"""Side of an aligned face, as ArcFace's recognisers take it."""
KEYPOINT_NOISE = 0.02
"""Standard deviation of the detector's keypoints in shares of the face's side."""
COVERED = 0.35
"""Share of the faces before which something is."""
EACH_COVERED = (0.1, 0.1, 0.3, 0.25, 0.25)
"""How often it is before each keypoint: the eyes, the nose, the corners of the mouth."""
HALF_HIDDEN = 0.35
"""Share of the faces, each time they are shown, before which somebody's head, shoulder or arm is then."""
UNITS = (11.0, 90.0)
"""Half a head's width in pixels, smallest and largest: faces of 24 px and more."""


def traits(who: Identity) -> np.ndarray:
    """The identity's features as numbers (T,) float32; noses one-hot, beauty marks left out."""
    values = [value for value in astuple(who)[1:-1] if not isinstance(value, str)]
    return np.hstack([*values, [who.nose == nose for nose in NOSES]]).astype(np.float32)


def draw_crop(who: Identity, rng: np.random.Generator) -> np.ndarray:
    """One aligned face (112, 112, 3) uint8 RGB in a new look, sometimes with something before it."""
    unit = float(np.exp(rng.uniform(*np.log(UNITS))))
    image, keypoints = draw_face(rng, who, size=int(5.2 * unit), unit=unit)
    if rng.random() < COVERED:
        # A microphone, a phone, somebody's arm: before the mouth or a cheek, now and then before an eye.
        x, y = keypoints[int(rng.choice(5, p=EACH_COVERED))] + rng.uniform(-0.5, 0.5, 2) * unit
        rx, ry = rng.uniform(0.2, 0.5, 2) * unit
        blob = ellipse(x, y, rx, ry, tilt=rng.uniform(0, 180))
        Pen.at(Canvas(image), 0, 0, 1).fill(blob, pick_colour(rng)[1], outline=0.04 * unit)
    noise = rng.standard_normal((5, 2)) * KEYPOINT_NOISE * 2 * unit
    return face_align.norm_crop(image, (keypoints + noise).astype(np.float32), CROP)


def draw_crops(path: Path, people: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `each` faces of every one of `people` strangers, or take them from `path` if they are there.

    Args:
        path: The .npy file that keeps them.
        people: P, how many identities.
        each: K, pictures of each.
        seed: Of identities and pictures.

    Returns:
        Crops (P, K, 112, 112, 3) uint8 RGB, read from disk as they are used, and traits (P, T) float32 with
        mean 0 and variance 1 over the people.
    """
    who = [stranger(np.random.default_rng((seed, person))) for person in range(people)]
    if not path.exists():
        unfinished = path.with_suffix(".part")
        shape = (people, each, CROP, CROP, 3)
        crops = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
        for person in tqdm(range(people), desc="drawing faces", mininterval=5):
            rng = np.random.default_rng((seed, person, 1))
            for i in range(each):
                crops[person, i] = draw_crop(who[person], rng)
        crops.flush()
        unfinished.rename(path)
    values = np.stack([traits(person) for person in who])
    return np.load(path, mmap_mode="r"), (values - values.mean(0)) / (values.std(0) + 1e-6)


def recogniser_batch(crops: np.ndarray, values: np.ndarray, rng: np.random.Generator, count: int) -> Batch:
    """Random crops, shaded anew and shifted a little.

    Args:
        crops: (P, K, 112, 112, 3) uint8 RGB.
        values: (P, T) float32 traits.
        rng: Decides everything.
        count: B, how many.

    Returns:
        image (B, 3, 112, 112) float32 as the recogniser wants it, person (B,) int64, traits (B, T) float32.
    """
    people = rng.integers(len(crops), size=count)
    pictures = rng.integers(crops.shape[1], size=count)
    images = np.stack([_moved(crops[p, i], rng) for p, i in zip(people, pictures, strict=True)])
    return {
        "image": (torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() - 127.5)
        / 127.5,
        "person": torch.from_numpy(people),
        "traits": torch.from_numpy(values[people]),
    }


def _half_hidden(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The crop with somebody before a side of the face or across it, in any colour or that of skin."""
    out = crop.copy()
    colour: Colour = pick_colour(rng)[1] if rng.random() < 0.6 else SKINS[int(rng.integers(len(SKINS)))]
    angle = rng.uniform(0, 2 * np.pi)
    towards = np.array([np.cos(angle), np.sin(angle)])
    centre = np.array([0.5, 0.55]) * CROP
    near = rng.uniform(-0.05, 0.28) * CROP  # from the middle of the face to the edge of what hides it
    if rng.random() < 0.6:
        radius = rng.uniform(0.25, 1.2) * CROP
        x, y = centre + towards * (near + radius)
        bulk = ellipse(x, y, radius, radius * rng.uniform(0.8, 1.6))
    else:
        thick, along = rng.uniform(0.1, 0.25) * CROP, 2 * CROP * np.array([-towards[1], towards[0]])
        inner, outer = centre + towards * near, centre + towards * (near + thick)
        bulk = np.stack([inner - along, inner + along, outer + along, outer - along])
    Pen.at(Canvas(out), 0, 0, 1).fill(bulk, colour, outline=rng.uniform(0.5, 2.5))
    return out


def _moved(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The crop as an inexact alignment would turn and shift it, sometimes blurred or half hidden, shaded."""
    matrix = cv2.getRotationMatrix2D((CROP / 2, CROP / 2), rng.normal(0, 2.5), rng.normal(1, 0.03))
    matrix = matrix + np.array([[0, 0, 1], [0, 0, 1]]) * rng.normal(0, 1.2, (2, 1))
    out = cv2.warpAffine(crop, matrix, (CROP, CROP), flags=cv2.INTER_LINEAR)
    if rng.random() < 0.2:
        small = int(rng.integers(28, 80))
        out = cv2.resize(cv2.resize(out, (small, small), interpolation=cv2.INTER_AREA), (CROP, CROP))
    return shaded(_half_hidden(out, rng) if rng.random() < HALF_HIDDEN else out, rng)
