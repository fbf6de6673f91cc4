"""Passes through SAM 3 recorded as CUDA graphs: one launch in place of a thousand.

On a GPU the decoder computes for some 6 ms and its thousand kernels take Python 21 ms to launch (H200, full
size, bfloat16); played back, they are launched at once (https://pytorch.org/blog/accelerating-pytorch-with-cuda-graphs).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

Tensors = tuple[Tensor, ...]
LARGEST_BATCH = 2
"""Rows of a pass that is recorded: a new picture (one), the person and a thing (two). Others are rare."""
FIRST_PASSES = 2
"""Passes before the recording, in which libraries choose kernels and allocate what they keep."""


class Recording:
    """One pass with tensors of fixed shapes, recorded on their GPU."""

    def __init__(self, work: Callable[..., Tensors], inputs: Tensors) -> None:
        self._inputs = tuple(tensor.clone() for tensor in inputs)
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(FIRST_PASSES):
                work(*self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._outputs = work(*self._inputs)

    def __call__(self, *inputs: Tensor) -> Tensors:
        """Return what the pass gives for these inputs, shaped as the first ones; the caller's to keep."""
        for kept, given in zip(self._inputs, inputs, strict=True):
            kept.copy_(given)
        self._graph.replay()
        return tuple(output.clone() for output in self._outputs)


class Recordings:
    """Runs passes, on a GPU from recordings made when a shape is first seen; call it from one thread."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._made: dict[Any, Recording | None] = {}

    def run(self, work: Callable[..., Tensors], *inputs: Tensor) -> Tensors:
        """Run a pass in inference mode.

        Args:
            work: Computes tensors from tensors on the device, the same way each time, waiting for nothing.
            *inputs: What it is given; the first axis of the last one is the batch.

        Returns:
            What `work` returns. Where it cannot be recorded (no GPU, no memory, or a library that waits for
            the GPU half-way) it is simply called.
        """
        with torch.inference_mode():
            if self._device.type != "cuda" or len(inputs[-1]) > LARGEST_BATCH:
                return work(*inputs)
            key = (work, *(tensor.shape for tensor in inputs))
            if key not in self._made:
                self._made[key] = self._record(work, inputs)
            recording = self._made[key]
            return recording(*inputs) if recording else work(*inputs)

    def clear(self) -> None:
        """Forget all recordings, and with them the memory on the GPU that each keeps for itself."""
        self._made.clear()

    def _record(self, work: Callable[..., Tensors], inputs: Tensors) -> Recording | None:
        try:
            with torch.cuda.device(self._device):
                return Recording(work, inputs)
        except RuntimeError:  # what torch raises for all three
            logger.warning("A pass of SAM 3 could not be recorded, so it takes longer", exc_info=True)
            return None


def keep_sizes_at_hand(encoder: Any) -> None:
    """Let SAM 3's DETR encoder note the size of its feature map on the CPU, where it is asked for.

    `transformers` puts it on the GPU, and its decoder fetches it back twice in every layer: each time Python
    waits until the GPU has caught up, and no pass could be recorded.

    Args:
        encoder: `Sam3Model.detr_encoder`, changed in place; it is given one level, as `Sam3Model` does.
    """

    def one_level(features: list[Tensor], places: list[Tensor]) -> Tensors:
        ((level,), (place,)) = features, places
        flat, spots = (tensor.flatten(2).transpose(1, 2) for tensor in (level, place))
        return flat, spots, torch.tensor([level.shape[-2:]])

    encoder._prepare_multilevel_features = one_level
