"""The recogniser, taking several faces at once even where its file was written for one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

TOLERANCE = 1e-3
"""Difference between faces embedded together and one by one that is still rounding (outputs are near one)."""


class Recogniser:
    """InsightFace's recogniser, in batches.

    Attributes:
        hash: SHA-256 of its file.
        provider: "CUDA" or "CPU", where it really runs.
        side: Its input is this many pixels wide and high.
        dimension: Length of its embeddings.
    """

    def __init__(self, model: Any, options: Any) -> None:
        self._model = model
        self.hash = hashlib.sha256(Path(model.model_file).read_bytes()).hexdigest()
        self.provider = "CUDA" if "CUDAExecutionProvider" in model.session.get_providers() else "CPU"
        self.side = int(model.input_size[0])
        crops = list(np.random.default_rng(0).integers(0, 256, (2, self.side, self.side, 3), np.uint8))
        self._batched = not isinstance(model.input_shape[0], int)
        singly = np.concatenate([model.get_feat(crop) for crop in crops])
        self.dimension = singly.shape[1]
        if not self._batched:
            self._free_the_batch(options, crops, singly)

    def __call__(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed upright faces.

        Args:
            crops: N pictures (side, side, 3) uint8, BGR.

        Returns:
            (N, D) float32, of any length.
        """
        if self._batched:
            return self._model.get_feat(list(crops))
        return np.concatenate([self._model.get_feat(crop) for crop in crops])

    def _free_the_batch(self, options: Any, crops: list[Any], singly: NDArray[np.float32]) -> None:
        """Take several faces at once if that gives what one at a time gives."""
        fixed = self._model.session
        try:
            graph = _without_fixed_batch(onnx.load(self._model.model_file))
            providers = fixed.get_providers()
            self._model.session = onnxruntime.InferenceSession(
                graph.SerializeToString(),
                options,
                providers=providers,
                provider_options=[fixed.get_provider_options()[name] for name in providers],
            )
            self._batched = np.allclose(self._model.get_feat(crops), singly, atol=TOLERANCE)
        except Exception:  # whatever the graph does with its batch of one, one at a time still works
            self._batched = False
        if not self._batched:
            self._model.session = fixed


def _without_fixed_batch(model: Any) -> Any:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "faces"
    del model.graph.value_info[:]
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    constants = [node.attribute[0].t for node in model.graph.node if node.output[0] in shapes]
    for tensor in (*constants, *(tensor for tensor in model.graph.initializer if tensor.name in shapes)):
        shape = onnx.numpy_helper.to_array(tensor)
        if shape[0] == 1:  # zero stands for "as many as came in"
            free = np.array([0, *shape[1:]], np.int64)
            tensor.CopyFrom(onnx.numpy_helper.from_array(free, tensor.name))
    return model
