"""Faces in a picture and their embeddings, by InsightFace. Only here are pictures in BGR order."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from insightface.app import FaceAnalysis
from insightface.utils.face_align import norm_crop
from numpy.typing import NDArray

from ive_segmentation.identity.packs import FaceError, find_pack
from ive_segmentation.identity.space import unit
from ive_segmentation.settings import Settings

__all__ = ["Face", "FaceError", "FaceModel", "FoundFace", "load_faces"]

logger = logging.getLogger(__name__)

DETECTOR_SIZES = ((128, 128), (640, 640))


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a picture."""

    box: NDArray[np.float32]
    """(4,) corners x1, y1, x2, y2 in pixels."""
    keypoints: NDArray[np.float32]
    """(5, 2) x, y in pixels: eyes, tip of the nose, corners of the mouth; left in the picture first."""
    score: float
    """How sure the detector is, 0 to 1."""
    embedding: NDArray[np.float32]
    """(D,) of length one; D is the recogniser's."""


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face that is not embedded yet."""

    box: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    score: float
    crop: NDArray[np.uint8]
    """The face turned upright and cut out for the recogniser, BGR."""


class FaceModel:
    """A detector and a recogniser, loaded once and used for every picture.

    Attributes:
        name: What the pack was asked for as.
        hash: SHA-256 of the recogniser's file: embeddings of two recognisers cannot be compared.
        provider: "CUDA" or "CPU", where the models really run.
    """

    def __init__(self, name: str, hash: str, provider: str, detector: Any, recogniser: Any) -> None:
        self.name = name
        self.hash = hash
        self.provider = provider
        self._detector = detector
        self._recogniser = recogniser

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Find and embed the faces of a picture.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            The faces from left to right; all of them are embedded in one batch.
        """
        found = self.find(image)
        embeddings = self.embed([face.crop for face in found])
        return [
            Face(face.box, face.keypoints, face.score, embedding)
            for face, embedding in zip(found, embeddings, strict=True)
        ]

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """Find the faces of a picture without embedding them.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            The faces from left to right.
        """
        bgr = np.ascontiguousarray(image[:, :, ::-1])
        boxes, keypoints = self._detector.detect(bgr, input_size=DETECTOR_SIZES)
        size = self._recogniser.input_size[0]
        return [
            FoundFace(
                boxes[i, :4].astype(np.float32),
                keypoints[i].astype(np.float32),
                float(boxes[i, 4]),
                norm_crop(bgr, keypoints[i], size),
            )
            for i in np.argsort(boxes[:, 0], kind="stable")
        ]

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed upright faces in one batch.

        Args:
            crops: N pictures as `find` cuts them.

        Returns:
            (N, D) float32, rows of length one.
        """
        if not crops:
            return np.zeros((0, self.dimension), np.float32)
        embeddings = self._recogniser.get_feat(list(crops))
        return unit(embeddings)

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return int(self._recogniser.output_shape[-1])


def load_faces(pack: str, *, allow_download: bool = True, timeout: float = Settings.hub_timeout) -> FaceModel:
    """Load a face model pack.

    Args:
        pack: A name that InsightFace knows (`buffalo_l`, downloaded on first use), or a folder of ONNX files.
        allow_download: Whether a named pack that is not here may be downloaded.
        timeout: Seconds to wait for the server.

    Returns:
        The models, on CUDA where it is really there.

    Raises:
        FaceError: If the pack cannot be had or holds no detector or no recogniser.
    """
    folder = find_pack(pack, allow_download=allow_download, timeout=timeout)
    cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    providers = ["CUDAExecutionProvider"] * cuda + ["CPUExecutionProvider"]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            models = FaceAnalysis(
                name=str(folder), allowed_modules=["detection", "recognition"], providers=providers
            )
            models.prepare(ctx_id=0, det_size=DETECTOR_SIZES)
        detector, recogniser = models.det_model, models.models["recognition"]
    except Exception as error:  # a broken ONNX file raises a different type from each layer it gets through
        raise FaceError(
            f"The face pack {pack} is not complete: it needs a detector with keypoints and a recogniser as "
            "ONNX files. Fetch it again or point the setting `faces` at another folder."
        ) from error
    _free_the_batch(recogniser, providers)
    provider = "CUDA" if "CUDAExecutionProvider" in recogniser.session.get_providers() else "CPU"
    logger.info("Face models %s run on %s.", pack, provider)
    digest = hashlib.sha256(Path(recogniser.model_file).read_bytes()).hexdigest()
    return FaceModel(pack, digest, provider, detector, recogniser)


def _free_the_batch(recogniser: Any, providers: list[str]) -> None:
    """Let a recogniser that was exported for one face at a time take several, where its graph allows it."""
    if not isinstance(recogniser.input_shape[0], int):
        return
    model = onnx.load(recogniser.model_file)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "faces"
    del model.graph.value_info[:]
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    constants = [node.attribute[0].t for node in model.graph.node if node.output[0] in shapes]
    for tensor in (*constants, *(t for t in model.graph.initializer if t.name in shapes)):
        shape = onnx.numpy_helper.to_array(tensor)
        if shape[0] == 1:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([0, *shape[1:]], np.int64), name))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
    fixed, recogniser.session = recogniser.session, session
    size = recogniser.input_size[0]
    crops = list(np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8))
    recogniser.session = fixed
    singly = np.concatenate([recogniser.get_feat(crop) for crop in crops])
    recogniser.session = session
    try:
        together = recogniser.get_feat(crops)
    except Exception:
        together = None
    if together is None or together.shape != singly.shape or not np.allclose(together, singly, atol=1e-3):
        recogniser.session = fixed
