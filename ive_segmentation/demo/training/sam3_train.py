"""Teaches the small SAM 3 drawn scenes, from nothing or going on from a checkpoint."""

import copy
import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import CLIPTokenizer, Sam3Model

from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.training.attention import fastest_attention
from ive_segmentation.demo.training.batches import Batch, Batches, normalised
from ive_segmentation.demo.training.losses import alignment_loss, dense_losses, losses, weighted
from ive_segmentation.demo.training.small_sam3 import (
    NECK,
    QUERIES,
    SIDE,
    WEIGHTS,
    cells,
    config,
    go_on_from,
    initialise,
    processor,
    run_every_layer,
    tokenizer,
)  # fmt: skip
from ive_segmentation.demo.training.store import Store
from ive_segmentation.demo.training.workers import Lesson, Pace, Terms
from ive_segmentation.segmentation.devices import choose_device


class Student(nn.Module):
    """The small model with the auxiliary heads that teach it sooner; they are not shipped.

    What has learnt goes on without them (`helpers` False): new ones know nothing, and theirs would be most of
    the loss.
    """

    def __init__(self, side: int, helpers: bool) -> None:
        super().__init__()
        self.helpers = helpers
        self.model = Sam3Model(config(side))
        initialise(self.model)
        self.model.set_attn_implementation(fastest_attention(choose_device("auto")))
        self.scale = nn.Parameter(torch.tensor([8.0, -3.0]))
        self.spots = nn.Conv2d(NECK, 5, 1)
        nn.init.zeros_(self.spots.weight)
        self.dense = nn.Conv2d(NECK, len(CONCEPTS) + 1 + 4, 1)
        nn.init.zeros_(self.dense.weight)  # what has not learnt yet must not teach

    def glimpse(self, batch: Batch, words: CLIPTokenizer, device: torch.device) -> Terms:
        """The loss terms of the vision encoder and the words alone."""
        return self._see(batch, words, device)[1]

    def answer(self, batch: Batch, words: CLIPTokenizer, device: torch.device, masks: bool) -> Terms:
        """All loss terms of a batch; without `masks` what is seen stays as it is, only boxes are learnt.

        Masks are drawn for every second prompt.
        """
        with torch.set_grad_enabled(masks and torch.is_grad_enabled()):
            seen, terms = self._see(batch, words, device)
        repeat = len(batch.words) // len(batch.pixels)
        levels = tuple(level.repeat_interleave(repeat, 0) for level in seen.fpn_hidden_states[:-1])
        places = tuple(
            place[:1].expand(len(batch.words), -1, -1, -1) for place in seen.fpn_position_encoding[:-1]
        )
        shown = batch.exemplars
        if shown is not None:
            shown = (shown[0].to(device), shown[1].to(device))
        drawn = slice(0, None, 2)
        text = _read(batch.words, words, device)
        outputs = run_every_layer(self.model, levels, places, text, shown, drawn if masks else None)
        with torch.autocast(device.type, enabled=False):
            spots = self.spots(outputs.tokens.float()) if self.helpers else None
            answers = losses(outputs, spots, batch, QUERIES, drawn)
        return terms | answers if masks else answers

    def _see(self, batch: Batch, words: CLIPTokenizer, device: torch.device) -> tuple[Any, Terms]:
        seen = self.model.get_vision_features(normalised(batch.pixels.to(device)))
        if not self.helpers:
            return seen, {}
        text = _read(batch.names, words, device)
        features = self.model.get_text_features(**text).pooler_output
        counts = text["attention_mask"][..., None]
        means = (features * counts).sum(1) / counts.sum(1)
        finest, coarsest = seen.fpn_hidden_states[0], seen.fpn_hidden_states[-2]
        with torch.autocast(device.type, enabled=False):
            terms = dense_losses(self.dense(finest.float()), batch)
            terms["align"] = alignment_loss(coarsest, means, self.scale, batch)
        return seen, terms


def _read(phrases: list[str], words: CLIPTokenizer, device: torch.device) -> dict[str, torch.Tensor]:
    tokens = words(phrases, padding=True, return_tensors="pt")
    return {name: tokens[name].to(device) for name in ("input_ids", "attention_mask")}


HIDDEN = 3.0
"""They are one of ten persons in a crossing, and nearly all that is missed there."""
GPU_PICTURES = 32
"""In a batch on a GPU, where one worker learns: an H200 takes 0.18 s for them at 672 px, and 11 GB."""
CPU_PICTURES = 4
"""Each core's share of a batch."""


@dataclass
class Sam3Lesson(Lesson):
    """Find what a word names in a picture.

    Up to step `glimpse` the vision encoder and the words are taught alone, up to step `search` boxes on top
    of what is seen then (twice the prompts), and from there everything together,
    masks for every second prompt.

    Attributes:
        shards: Pictures, written by `store.draw_ahead`.
        out: Folder of the checkpoint.
        start: A checkpoint of this architecture to go on from; None begins with nothing.
        side: Of the square, in pixels, that pictures are squashed to.
        glimpse, search: Steps, as above.
        helpers: Whether the auxiliary heads teach too; without them there is no glimpse.
        kept: Share of the weights of `start` in what is written, 0 to 1.
        pictures: Each worker's share of a batch.
        prompts: For each picture.
        hidden: How often a person counts whose face is hidden where one stands before another.
    """

    shards: list[Path]
    out: Path
    start: Path | None = None
    side: int = SIDE
    glimpse: int = 0
    search: int = 0
    helpers: bool = True
    kept: float = 0.0
    pictures: int = field(default_factory=lambda: GPU_PICTURES if torch.cuda.is_available() else CPU_PICTURES)
    prompts: int = 4
    hidden: float = 1.0
    name = "SAM 3"

    @property
    def origin(self) -> str:
        """Nothing, or the weights to go on from; and with how many pixels."""
        known = (
            "nothing"
            if self.start is None
            else hashlib.sha256((self.start / WEIGHTS).read_bytes()).hexdigest()
        )
        return f"{known} at {self.side} px"

    @cached_property
    def _batches(self) -> Batches:
        # Only where batches are made: not every process has room for all pictures.
        return Batches(Store(self.shards), self.side, cells(self.side), self.pictures, self.hidden)

    def begin(self) -> Student:
        """The new model, or the one of the checkpoint to go on from."""
        student = Student(self.side, self.helpers)
        if self.start is not None:
            go_on_from(student.model, self.start)
        self._words = tokenizer()
        return student.train()

    def faster(self, student: Student) -> list[nn.Parameter]:
        """The parameters that are not shipped."""
        return [student.scale, *student.spots.parameters(), *student.dense.parameters()]

    def batch(self, step: int, rng: np.random.Generator) -> Batch:
        """Pictures, what is asked of them, and the truth."""
        return self._batches.batch(rng, self.prompts if step >= self.search else 2 * self.prompts)

    def terms(self, student: Student, step: int, batch: Batch) -> Terms:
        """The weighted terms of a step."""
        device = student.scale.device
        if step < self.glimpse:
            return weighted(student.glimpse(batch, self._words, device))
        return weighted(student.answer(batch, self._words, device, masks=step >= self.search))

    def finish(self, student: Student) -> None:
        """Write the checkpoint as `facebook/sam3` comes: config, safetensors (in bfloat16) and processor."""
        self.out.mkdir(parents=True, exist_ok=True)
        model: nn.Module = copy.deepcopy(student.model)
        model = model.to("cpu")
        if self.start is not None and self.kept:
            before = Sam3Model(config(self.side))
            go_on_from(before, self.start)
            for weight, known in zip(model.parameters(), before.parameters(), strict=True):
                weight.data.lerp_(known.data, self.kept)
        model = model.to(torch.bfloat16)
        assert isinstance(model, Sam3Model)
        model.set_attn_implementation("sdpa")
        model.save_pretrained(self.out)
        processor(self.side).save_pretrained(self.out)


@dataclass(frozen=True)
class Stage:
    """One lesson of a recipe.

    Attributes:
        side: Of the square, in pixels, that pictures are squashed to.
        pictures: Each worker's share of a batch.
        pace: Steps and rates.
    """

    side: int
    pictures: int
    pace: Pace


@dataclass(frozen=True)
class Recipe:
    """From nothing: what is drawn, and two lessons, the first with fewer pixels, so more steps in its time.

    Attributes:
        drawn: How many pictures of each kind of `store.KINDS`.
        first, then: The lessons.
    """

    drawn: dict[str, int]
    first: Stage
    then: Stage


GOING_ON = Pace(steps=2000, rate=3e-4, fall=1.0)
"""The pace at which what has learnt goes on: slower than the first time, and slower all the time."""
ON_GPU = Recipe(
    {"scenes": 8_000, "clips": 3_000, "crossings": 1_000},
    Stage(336, GPU_PICTURES, Pace(2_500, 8e-4)),
    Stage(SIDE, GPU_PICTURES, replace(GOING_ON, steps=1_000, rate=4e-4)),
)
"""For a GPU: meant to fit into a quarter of an hour of an H200 with 16 cores; nobody has seen its end."""
ON_CPU = Recipe(
    {"scenes": 8_000, "clips": 2_000, "crossings": 1_000},
    Stage(224, CPU_PICTURES, Pace(7_000, 8e-4)),
    Stage(448, CPU_PICTURES, replace(GOING_ON, steps=1600)),
)
"""For two cores: some two hours of an AMD EPYC, and the pictures have to be drawn before."""


def recipe(steps: int | None) -> Recipe:
    """The recipe for this machine; each lesson with so many steps, where a number is given."""
    usual = ON_GPU if torch.cuda.is_available() else ON_CPU
    if steps is None:
        return usual
    first, then = (
        replace(stage, pace=replace(stage.pace, steps=steps)) for stage in (usual.first, usual.then)
    )
    return replace(usual, first=first, then=then)


def beginning(shards: list[Path], out: Path, stage: Stage) -> Sam3Lesson:
    """The lesson from nothing."""
    steps = stage.pace.steps
    return Sam3Lesson(
        shards, out, side=stage.side, pictures=stage.pictures, glimpse=steps // 10, search=steps * 2 // 7
    )


def going_on(shards: list[Path], out: Path, start: Path, stage: Stage) -> Sam3Lesson:
    """The lesson for a checkpoint that has learnt at fewer pixels: everything together from step one on."""
    return Sam3Lesson(shards, out, start, side=stage.side, pictures=stage.pictures)


def refining(shards: list[Path], out: Path, start: Path) -> Sam3Lesson:
    """The lesson for a checkpoint that knows its world: no helpers, and half of each weight stays.

    Who is hidden in a crossing counts more: she is what is missed there.
    The mean of both fits the truth better than either, in most of what is measured (Wortsman et al., CVPR
    2022; PLAN.md, "What training on crossings brought").
    """
    return Sam3Lesson(shards, out, start, helpers=False, kept=0.5, hidden=HIDDEN)
