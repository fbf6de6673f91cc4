"""One training loop and one way to ONNX, for both networks of the face pack."""

from collections.abc import Callable
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ive_segmentation.segmentation.devices import computes_bfloat16

Batch = dict[str, Tensor]
WARM_UP = 300
"""Steps over which the learning rate rises."""


def conv(cin: int, cout: int, stride: int = 1, kernel: int = 3, act: bool = True) -> nn.Sequential:
    """Convolution, batch normalisation, and (with `act`) a rectifier."""
    layers: list[nn.Module] = [
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(cout),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if act else nn.Sequential(*layers)


class Residual(nn.Module):
    """Two 3x3 convolutions round which the input goes straight on (He et al., 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(conv(width, width), conv(width, width, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return torch.relu(x + self.change(x))


def fit(
    model: nn.Module,
    batch: Callable[[np.random.Generator], Batch],
    loss: Callable[[Batch], tuple[Tensor, dict[str, float]]],
    *,
    steps: int,
    rate: float,
    state: Path,
    seed: int,
    every: int = 100,
) -> None:
    """Train `model` in place with AdamW, its rate rising in a line and falling as a cosine.

    The batch of a step depends on the seed and the step alone, so a run that is stopped goes on from
    `state` as if it had not been. It computes in bfloat16 where the device does so natively.

    Args:
        model: Everything with weights to learn, the loss's own included.
        batch: Draws one batch, tensors on the CPU.
        loss: The scalar to make small, and figures for the progress line.
        steps: How many batches.
        rate: Highest learning rate.
        state: Where to keep what a resumed run needs; written every `every` steps.
        seed: Of the batches.
        every: Steps between two writings of `state`.
    """
    device = next(model.parameters()).device
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    parts: dict[str, Any] = {"model": model, "optimiser": optimiser}
    start = 0
    if state.exists():
        saved = torch.load(state, map_location=device, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        start = saved["step"]
    bf16 = computes_bfloat16(device)
    model.train()
    means: dict[str, float] = {}
    line = tqdm(range(start, steps), desc=state.stem, initial=start, total=steps, mininterval=5)
    for step in line:
        tensors = {k: v.to(device) for k, v in batch(np.random.default_rng((seed, step))).items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            value, figures = loss(tensors)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / WARM_UP) * (1 + cos(pi * step / steps)) / 2
        optimiser.step()
        for name, figure in figures.items():
            means[name] = 0.98 * means.get(name, figure) + 0.02 * figure
        line.set_postfix({k: f"{v:.3f}" for k, v in means.items()}, refresh=False)
        if (step + 1) % every == 0 or step + 1 == steps:
            unfinished = state.with_suffix(".part")
            torch.save({k: p.state_dict() for k, p in parts.items()} | {"step": step + 1}, unfinished)
            unfinished.rename(state)


def export(model: nn.Module, example: Tensor, path: Path, outputs: list[str], moving: dict[int, str]) -> None:
    """Write `model` as ONNX under a temporary name, then rename.

    Args:
        model: Takes one image tensor.
        example: (B, 3, H, W) float32.
        path: The file to write.
        outputs: Names of the outputs, in order.
        moving: Axes of the input that may change, and their names.
    """
    unfinished = path.with_suffix(".part")
    shapes = dict.fromkeys(moving, torch.export.Dim.DYNAMIC)
    program = torch.onnx.export(
        model.eval().cpu(),
        (example,),
        dynamo=True,
        input_names=["input"],
        output_names=outputs,
        dynamic_shapes=(shapes,),
        opset_version=18,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    proto = program.model_proto
    for axis, name in moving.items():
        proto.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    # The exporter notes in every node which line of which file it came from; that concerns nobody else.
    for node in proto.graph.node:
        del node.metadata_props[:]
    del proto.graph.value_info[:]
    onnx.checker.check_model(proto)
    unfinished.write_bytes(proto.SerializeToString())
    unfinished.rename(path)
