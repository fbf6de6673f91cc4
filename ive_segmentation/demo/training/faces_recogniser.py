"""The face recogniser of the built-in pack: 112x112 in, 512 numbers out, learned from strangers alone."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ive_segmentation.demo.training.faces_crops import CROP, draw_crops, recogniser_batch
from ive_segmentation.demo.training.fitting import Batch, Residual, conv, export, fit

EMBEDDING = 512
SCALE = 32.0
MARGIN = 0.35
"""Scale and margin of the softmax over identities, after CosFace (Wang et al., 2018)."""
STEPS, PEOPLE, EACH, SEED = 6000, 6000, 12, 0
"""Batches, identities to tell apart, crops of each, and what all of it is drawn by."""


class FaceRecogniser(nn.Module):
    """A small residual network whose last map is summed place by place (MobileFaceNet, Chen et al., 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            conv(3, 24, 2),
            conv(24, 48, 2),
            Residual(48),
            conv(48, 96, 2),
            Residual(96),
            conv(96, 128, 2),
            Residual(128),
            # Where a feature sits says whose it is, so each place of the 7x7 map keeps a weight of its own.
            nn.Conv2d(128, 256, 7, groups=128, bias=False),
            nn.BatchNorm2d(256),
            nn.Flatten(),
            nn.Linear(256, EMBEDDING, bias=False),
            nn.BatchNorm1d(EMBEDDING),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Embed aligned faces.

        Args:
            x: (B, 3, 112, 112) float32 RGB, (value - 127.5) / 127.5.

        Returns:
            (B, 512), of no particular length.
        """
        return self.trunk(x)


class Teacher(nn.Module):
    """The recogniser with what it is taught by: one direction per identity, and the identities' traits."""

    def __init__(self, people: int, traits: int) -> None:
        super().__init__()
        self.recogniser = FaceRecogniser()
        self.directions = nn.Parameter(torch.randn(people, EMBEDDING) * 0.05)
        self.traits = nn.Linear(EMBEDDING, traits)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """CosFace over the identities, plus the squared error of the traits read off the embedding.

        The traits are the drawing's own parameters: they teach, from the first step on and for every pair of
        people, how unlike two faces are, which the identities alone show slowly.
        """
        images = batch["image"].contiguous(memory_format=torch.channels_last)
        embedding = functional.normalize(self.recogniser(images).float())
        cosine = embedding @ functional.normalize(self.directions).T
        person = batch["person"]
        margin = MARGIN * functional.one_hot(person, len(self.directions))
        identity = functional.cross_entropy(SCALE * (cosine - margin).float(), person)
        told = self.traits(embedding * EMBEDDING**0.5).float()
        trait = functional.mse_loss(told, batch["traits"])
        right = (cosine.argmax(1) == person).float().mean()
        figures = {"identity": identity.item(), "traits": trait.item(), "right": right.item()}
        return identity + 5 * trait, figures


def train_recogniser(out: Path, work: Path) -> None:
    """Train the recogniser on strangers alone and write `rec.onnx`.

    Args:
        out: Folder of the pack.
        work: Where the crops (2.7 GB) and the state of an unfinished run are kept.
    """
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    size = f"{PEOPLE}x{EACH}"  # what was drawn or learnt of another number is not gone on with
    crops, traits = draw_crops(work / f"crops-{size}.npy", PEOPLE, EACH, SEED)
    teacher = Teacher(PEOPLE, traits.shape[1]).to(memory_format=torch.channels_last)

    def batch(rng: np.random.Generator) -> Batch:
        return recogniser_batch(crops, traits, rng, 64)

    fit(teacher, batch, teacher.loss, steps=STEPS, rate=2e-3, state=work / f"recogniser-{size}.pt", seed=SEED)
    export(teacher.recogniser, torch.zeros(2, 3, CROP, CROP), out / "rec.onnx", ["embedding"], {0: "batch"})
