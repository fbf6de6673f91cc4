"""A drawn world with exact ground truth, and the small checkpoints that know it."""

from pathlib import Path

from ive_segmentation.demo.dataset import draw_dataset_once

__all__ = ["CHECKPOINTS", "draw_dataset_once"]

#: The checkpoints that ship: `faces`, an InsightFace pack, and `sam3`.
CHECKPOINTS = Path(__file__).parent / "checkpoints"
