"""Faces in a picture and their embeddings, by InsightFace. Only here are pictures in BGR order."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import io
import logging
import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import cv2
import numpy as np
import onnxruntime
from insightface.app import FaceAnalysis
from insightface.model_zoo import landmark
from insightface.utils.face_align import norm_crop
from numpy.typing import NDArray
from supervision import box_iou_batch

from ive_segmentation.identity.packs import KNOWN_PACKS, FaceError, find_pack
from ive_segmentation.identity.recogniser import Recogniser
from ive_segmentation.identity.space import unit
from ive_segmentation.settings import Settings

__all__ = ["Face", "FaceError", "FaceModel", "FoundFace", "load_faces"]

logger = logging.getLogger(__name__)

# InsightFace's alignment calls a function that scikit-image has deprecated, once for every face.
warnings.filterwarnings("ignore", category=FutureWarning, module="insightface")

# InsightFace opens every model of a pack before it leaves out what is not asked for, and reads a pickle for
# one of them.
landmark.get_object = lambda _name: None

DETECTOR_SIDE = 640
"""The longer side at which faces are looked for, InsightFace's own choice."""
CLOSE_UP_SIDE = 128
"""The longer side at which close-ups are looked for that fill the picture (two of the 113 real photos show a
face only here). It places keypoints badly: from it alone 74% of faces are named, from the other 87%, both at
5% of strangers, so of two sightings of a face InsightFace's way, to take the surer, is not followed."""
SAME_FACE = 0.3
"""Boxes that share more of their union than this are one face (the detector's own limit is 0.4)."""
STRIDE = 64
"""The shorter side is rounded up to this; the detector needs 32, fewer shapes suit a GPU better."""
SMALLEST_SIDE = 8
"""No face can be found in a strip that is narrower than this after scaling."""

Picture = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a picture."""

    box: NDArray[np.float32]
    """(4,) corners x1, y1, x2, y2 in pixels."""
    keypoints: NDArray[np.float32] = field(repr=False)
    """(5, 2) x, y in pixels: eyes, tip of the nose, corners of the mouth; left in the picture first."""
    score: float
    """How sure the detector is, 0 to 1."""
    embedding: NDArray[np.float32] = field(repr=False)
    """(D,) of length one; D is the recogniser's."""


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face that is not embedded yet."""

    box: NDArray[np.float32]
    """As `Face.box`."""
    keypoints: NDArray[np.float32]
    """As `Face.keypoints`."""
    score: float
    """As `Face.score`."""
    crop: Picture
    """(side, side, 3) uint8, BGR: the face turned upright and cut out for the recogniser."""


@dataclass(frozen=True)
class Models:
    """What finds and what embeds faces."""

    detector: Any
    """InsightFace's own, of the class that its model zoo makes of the pack's ONNX file."""
    recogniser: Recogniser
    """InsightFace's, in batches."""


class FaceModel:
    """A detector and a recogniser, loaded once and used for every picture, by any number of threads.

    Attributes:
        name: What the pack was asked for as.
        hash: SHA-256 of the recogniser's file: embeddings of two recognisers cannot be compared.
        dimension: Length of an embedding.
    """

    def __init__(self, name: str, models: Models, on_cpu: Callable[[], Models]) -> None:
        """Keep the models.

        Args:
            name: What the pack was asked for as.
            models: As loaded.
            on_cpu: Loads them once more, for when the GPU they run on cannot go on.
        """
        self.name = name
        self.hash = models.recogniser.hash
        self.dimension = models.recogniser.dimension
        self._models = models
        self._on_cpu = on_cpu
        self._moving = Lock()

    @property
    def provider(self) -> str:
        """Where the models really run: "CUDA" or "CPU"."""
        return self._models.recogniser.provider

    def detect(self, image: Picture) -> list[Face]:
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

    def find(self, image: Picture) -> list[FoundFace]:
        """Find the faces of a picture without embedding them.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            The faces from left to right.
        """
        height, width = (round(side * DETECTOR_SIDE / max(image.shape[:2])) for side in image.shape[:2])
        if min(height, width) < SMALLEST_SIDE:
            return []
        shrinks = max(image.shape[:2]) > DETECTOR_SIDE
        small = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        # Only the small picture and the faces are turned to BGR: for a whole photo that would take longer.
        boxes, keypoints = self._look(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        back = np.array([image.shape[1] / width, image.shape[0] / height], np.float32)
        faces = []
        for i in np.argsort(boxes[:, 0], kind="stable"):
            box = (boxes[i, :4] * np.tile(back, 2)).astype(np.float32)
            points = (keypoints[i] * back).astype(np.float32)
            crop = cv2.cvtColor(norm_crop(image, points, self._models.recogniser.side), cv2.COLOR_RGB2BGR)
            faces.append(FoundFace(box, points, float(boxes[i, 4]), crop))
        return faces

    def _look(self, picture: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes with scores (N, 5) and keypoints (N, 5, 2) in a BGR picture of the detector's size."""
        height, width = picture.shape[:2]
        share = CLOSE_UP_SIDE / DETECTOR_SIDE
        whole, smaller = _canvas(width, height), _canvas(width * share, height * share)
        boxes, keypoints = self._work(lambda models: models.detector.detect(picture, input_size=whole))
        close, points = self._work(lambda models: models.detector.detect(picture, input_size=smaller))
        if len(close) and len(boxes):
            new = box_iou_batch(close[:, :4], boxes[:, :4]).max(axis=1) <= SAME_FACE
            close, points = close[new], points[new]
        return np.concatenate([boxes, close]), np.concatenate([keypoints, points])

    def embed(self, crops: Sequence[Picture]) -> NDArray[np.float32]:
        """Embed upright faces in one batch.

        Args:
            crops: N pictures as `find` cuts them.

        Returns:
            (N, D) float32, rows of length one.
        """
        if not crops:
            return np.zeros((0, self.dimension), np.float32)
        return unit(self._work(lambda models: models.recogniser(crops)))

    def _work(self, task: Callable[[Models], T]) -> T:
        """Do something with the models; on the CPU from now on if the GPU fails (it may be full)."""
        models = self._models
        try:
            return task(models)
        except Exception as error:  # ONNX Runtime has a type of its own for each kind of failure
            if models.recogniser.provider == "CPU":
                raise
            with self._moving:
                here = self._models if self._models is not models else self._on_cpu()
                done = task(here)  # what fails here too is no fault of the GPU's
                if self._models is models:  # no other thread found out before
                    logger.warning("The face models go on on the CPU, because the GPU failed (%s)", error)
                    self._models = here
            return done


def _canvas(width: float, height: float) -> tuple[int, int]:
    """The smallest canvas the detector takes; InsightFace's own is square, and often a third of it empty."""
    return math.ceil(width / STRIDE) * STRIDE, math.ceil(height / STRIDE) * STRIDE


def load_faces(
    pack: str,
    *,
    device: str = Settings.device,
    allow_download: bool = True,
    timeout: float = Settings.hub_timeout,
) -> FaceModel:
    """Load a face model pack.

    Args:
        pack: A name that InsightFace knows (`buffalo_l`, downloaded on first use), or a folder of ONNX files.
        device: Where SAM 3 is wanted: "auto", or a device torch knows ("cuda", "cuda:1", "cpu").
        allow_download: Whether a named pack that is not here may be downloaded.
        timeout: Seconds to wait for the server.

    Returns:
        The models, on CUDA where it is wanted, really there and has room, else on the CPU.

    Raises:
        FaceError: If the pack cannot be had or holds no detector or no recogniser.
    """
    folder = find_pack(pack, allow_download=allow_download, timeout=timeout)
    if glob.has_magic(str(folder)):
        raise FaceError(f"InsightFace cannot read {folder}: its path has one of [ ? *. Give it another name.")
    *gpu, cpu = _providers(device)
    try:
        try:
            models = _load(folder, [*gpu, cpu])
        except Exception as error:
            if not gpu:
                raise
            logger.warning("The face models do not run on the GPU (%s), so they run on the CPU", error)
            models = _load(folder, [cpu])
    except Exception as error:  # a broken ONNX file raises a different type from each layer it gets through
        is_fetched = pack in KNOWN_PACKS
        remedy = f"Delete the folder {folder} and start again," if is_fetched else "Put in what is missing,"
        raise FaceError(
            f"The face pack {pack} is not complete: it needs a detector with keypoints and a recogniser as "
            f"ONNX files. {remedy} or point IVE_FACES at another folder."
        ) from error
    logger.info("Face models %s run on %s.", pack, models.recogniser.provider)
    return FaceModel(pack, models, lambda: _load(folder, [cpu]))


def _load(folder: Path, providers: list[Any]) -> Models:
    """The detector and the recogniser of a folder, having worked once; raises whatever any layer raises."""
    options = onnxruntime.SessionOptions()
    # Threads that spin while they wait take the cores from whatever else runs, decoding to begin with.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with contextlib.redirect_stdout(io.StringIO()):  # with CUDA, what fails to be preloaded is printed
        models = FaceAnalysis(
            name=str(folder),
            allowed_modules=["detection", "recognition"],
            providers=providers,
            sess_options=options,
        )
        models.prepare(ctx_id=0)
    if not models.det_model.use_kps:
        raise ValueError("no keypoints")
    models.det_model.detect(np.zeros((STRIDE, STRIDE, 3), np.uint8), input_size=(STRIDE, STRIDE))
    return Models(models.det_model, Recogniser(models.models["recognition"], options))


def _providers(device: str) -> list[Any]:
    wanted, _, number = device.partition(":")
    here = "CUDAExecutionProvider" in onnxruntime.get_available_providers() and _has_nvidia_driver()
    if wanted not in ("auto", "cuda") or not here:
        return ["CPUExecutionProvider"]
    # The exhaustive search would start anew for each shape of picture.
    cuda = {"device_id": number or "0", "cudnn_conv_algo_search": "HEURISTIC"}
    return [("CUDAExecutionProvider", cuda), "CPUExecutionProvider"]


def _has_nvidia_driver() -> bool:
    """Without one, asking ONNX Runtime for CUDA prints an error in red for every model, and uses the CPU."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True
