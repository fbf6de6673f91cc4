"""What is where: SAM 3, asked with words. A picture is encoded once; the next question is nearly free.

The vision encoder is nearly all of SAM 3's time (38 of 42 s in fp32 on two cores), so its output is kept
for the last few pictures, and all concepts of one prompt go through the decoder in one pass.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import supervision as sv
import torch
import transformers
from torch import Tensor
from torch.nn import functional
from transformers import Sam3Processor
from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput
from transformers.utils.logging import disable_progress_bar

from ive_segmentation.errors import UserError
from ive_segmentation.images import content_hash
from ive_segmentation.segmentation.checkpoints import CheckpointError, locate, model_class
from ive_segmentation.settings import Settings

WORDS_LENGTH = 32
"""Tokens SAM 3's text encoder takes (Sam3Processor pads to the same)."""


class SegmentationError(UserError):
    """SAM 3 cannot answer: out of memory, or a concept it cannot take."""


@dataclass(frozen=True, eq=False)
class Features:
    """One picture as SAM 3's vision encoder sees it.

    Attributes:
        size: (H, W) of the picture, pixels.
        levels: Feature pyramid, finest first, each (1, C, h, w) on the model's device.
        position: (1, C, h, w) position encoding of the coarsest level.
    """

    size: tuple[int, int]
    levels: tuple[Tensor, ...]
    position: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes the pyramid takes on its device."""
        return sum(level.nbytes for level in self.levels)

    def repeated(self, count: int) -> Sam3VisionEncoderOutput:
        """Return the features as the model takes them, `count` times along the batch axis, without a copy."""
        # Sam3Model.forward leaves out the last entry of both tuples, the pyramid's level it does not use.
        levels: tuple[Any, ...] = (*(level.expand(count, -1, -1, -1) for level in self.levels), None)
        positions: tuple[Any, ...] = (self.position.expand(count, -1, -1, -1), None)
        return Sam3VisionEncoderOutput(fpn_hidden_states=levels, fpn_position_encoding=positions)


class Instance(NamedTuple):
    """One row of `Detections`.

    Attributes:
        mask: (H, W) bool at the picture's size.
        box: (4,) float32, xyxy, pixels.
        score: Class times presence, 0 to 1.
    """

    mask: npt.NDArray[np.bool_]
    box: npt.NDArray[np.float32]
    score: float


@dataclass(frozen=True, eq=False)
class Words:
    """A noun phrase as SAM 3's text encoder sees it: embedding (1, T, C) and which tokens count (1, T)."""

    embedding: Tensor
    attention: Tensor


class Sam3:
    """SAM 3 on one device, asked by words or by an example; safe to share between threads."""

    def __init__(
        self, model: Any, processor: Sam3Processor, device: torch.device, settings: Settings
    ) -> None:
        self._text_encoder, self._text_projection = model.text_encoder, model.text_projection
        # Words are encoded once ever, so their 353M parameters never take the GPU's memory.
        model.text_encoder = model.text_projection = None
        self._model = model.to(device).eval()
        self._processor = processor
        self._device = device
        self._settings = settings
        self._words: dict[str, Words] = {}
        self._pictures: OrderedDict[str, Features] = OrderedDict()
        self._lock = RLock()

    @property
    def device(self) -> torch.device:
        """Where the vision encoder and the decoder are."""
        return self._device

    @property
    def dtype(self) -> torch.dtype:
        """The precision the model computes in."""
        return self._model.dtype

    @property
    def resolution(self) -> int:
        """Side of the square, in pixels, that every picture is squashed to."""
        return int(self._processor.image_processor.size["height"])

    def encode(self, image: npt.NDArray[np.uint8]) -> Features:
        """Look at a picture once; the features of the last few pictures are kept.

        A second thread that asks for a picture being encoded waits for it instead of encoding it again.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            What `find` and `find_like` need to know of the picture.

        Raises:
            SegmentationError: If the device's memory does not hold one picture.
        """
        key = content_hash(image)
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = self._see(image)
                self._forget_old_pictures()
            self._pictures.move_to_end(key)
            return self._pictures[key]

    def find(self, features: Features, concepts: Sequence[str]) -> list[sv.Detections]:
        """Find every instance of each concept, all concepts in one decoder pass.

        Args:
            features: What `encode` returned.
            concepts: English noun phrases.

        Returns:
            One `Detections` per concept: xyxy (N, 4) float32 pixels, mask (N, H, W) bool at the
            picture's size, confidence (N,) float32; best first.

        Raises:
            SegmentationError: If a phrase is too long for the text encoder, or memory runs out.
        """
        with self._lock:
            words = [self._read(concept) for concept in concepts]
            return self._in_batches(len(words), lambda part: self._decode(features, words[part]))

    def find_like(
        self, features: Features, concept: str, examples: Sequence[npt.NDArray[np.float32]]
    ) -> list[sv.Detections]:
        """Find what a concept names, once for each example box given with it.

        In SAM 3 a box is an example: everything like it is returned, not only what lies in it.

        Args:
            features: What `encode` returned.
            concept: An English noun phrase.
            examples: One box (4,) xyxy in pixels per question.

        Returns:
            One `Detections` per example, as `find` returns them.

        Raises:
            SegmentationError: As `find`.
        """
        if not examples:
            return []
        height, width = features.size
        boxes = torch.tensor(np.stack(examples) / [width, height, width, height], dtype=torch.float32)
        centred = torch.cat([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], dim=1)[:, None]
        with self._lock:
            words = [self._read(concept)] * len(examples)
            return self._in_batches(
                len(examples), lambda part: self._decode(features, words[part], centred[part])
            )

    def _see(self, image: npt.NDArray[np.uint8]) -> Features:
        pixels = self._processor.image_processor(
            images=np.array(image, order="C"), return_tensors="pt", device=self._device
        ).pixel_values
        try:
            with torch.inference_mode():
                seen = self._model.get_vision_features(pixels.to(self._device, self.dtype))
        except torch.OutOfMemoryError as error:
            self._pictures.clear()
            raise self._out_of_memory() from error
        return Features(
            (image.shape[0], image.shape[1]),
            tuple(seen.fpn_hidden_states[:-1]),
            seen.fpn_position_encoding[-2],
        )

    def _forget_old_pictures(self) -> None:
        kept = sum(features.nbytes for features in self._pictures.values())
        while kept > self._settings.feature_cache_bytes and len(self._pictures) > 1:
            kept -= self._pictures.popitem(last=False)[1].nbytes

    def _read(self, concept: str) -> Words:
        if concept not in self._words:
            tokens = self._processor.tokenizer(
                concept, padding="max_length", max_length=WORDS_LENGTH, return_tensors="pt"
            )
            if tokens.input_ids.shape[1] > WORDS_LENGTH:
                raise SegmentationError(
                    f"“{concept[:40]}…” is too long for SAM 3, which reads {WORDS_LENGTH} tokens. "
                    "Ask in fewer words."
                )
            with torch.inference_mode():
                hidden = self._text_encoder(
                    input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
                ).last_hidden_state
                embedding = self._text_projection(hidden)
            self._words[concept] = Words(
                embedding.to(self._device, self.dtype), tokens.attention_mask.to(self._device)
            )
        return self._words[concept]

    def _in_batches(self, count: int, decode: Callable[[slice], list[sv.Detections]]) -> list[sv.Detections]:
        """Decode `count` questions, halving the batch when the device's memory runs out."""
        found: list[sv.Detections] = []
        batch = self._settings.questions_per_pass
        while len(found) < count:
            try:
                found += decode(slice(len(found), len(found) + batch))
            except torch.OutOfMemoryError as error:
                self._pictures.clear()
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()
                if batch == 1:
                    raise self._out_of_memory() from error
                batch //= 2
        return found

    def _decode(
        self, features: Features, words: Sequence[Words], examples: Tensor | None = None
    ) -> list[sv.Detections]:
        boxes: dict[str, Tensor] = {}
        if examples is not None:
            boxes["input_boxes"] = examples.to(self._device, self.dtype)
            boxes["input_boxes_labels"] = torch.ones(
                examples.shape[:2], dtype=torch.long, device=self._device
            )
        with torch.inference_mode():
            out = self._model(
                vision_embeds=features.repeated(len(words)),
                text_embeds=transformers.modeling_outputs.BaseModelOutputWithPooling(
                    pooler_output=torch.cat([word.embedding for word in words])
                ),
                attention_mask=torch.cat([word.attention for word in words]),
                **boxes,
            )
            scores = out.pred_logits.sigmoid() * out.presence_logits.sigmoid()
            return [
                self._detections(features.size, *answer)
                for answer in zip(scores.float(), out.pred_boxes.float(), out.pred_masks, strict=True)
            ]

    def _detections(
        self, size: tuple[int, int], scores: Tensor, boxes: Tensor, logits: Tensor
    ) -> sv.Detections:
        kept = torch.nonzero(scores > self._settings.sam3_threshold).flatten()
        kept = kept[scores[kept].argsort(descending=True)]
        if not len(kept):
            return empty_detections(size)
        height, width = size
        limits = torch.tensor([width, height, width, height], device=boxes.device)
        masks = np.empty((len(kept), height, width), dtype=bool)
        for row, mask in enumerate(_at_size(logits[kept].float().sigmoid(), size)):
            masks[row] = mask
        seen = masks.any(axis=(1, 2))
        return sv.Detections(
            xyxy=(boxes[kept] * limits).clamp(min=0).minimum(limits).cpu().numpy()[seen],
            mask=masks[seen],
            confidence=scores[kept].cpu().numpy()[seen],
        )

    def _out_of_memory(self) -> SegmentationError:
        return SegmentationError(
            f"The memory of {self._device} is not enough for this picture. Close other programs that use it, "
            "or set IVE_DEVICE=cpu."
        )


def _at_size(probabilities: Tensor, size: tuple[int, int]) -> Iterator[npt.NDArray[np.bool_]]:
    """Bring masks (N, h, w) to the picture's size one at a time: no float array of N pictures ever exists."""
    # Interpolating probabilities and then cutting at 0.5 is what Sam3Processor's own post-processing does.
    for mask in probabilities:
        large = functional.interpolate(mask[None, None], size=size, mode="bilinear", align_corners=False)
        yield (large[0, 0] > 0.5).cpu().numpy()


def empty_detections(size: tuple[int, int]) -> sv.Detections:
    """Return detections of nothing that still carry a mask array, so that they can be merged and sliced.

    Args:
        size: (H, W) of the picture, pixels.

    Returns:
        Detections with xyxy (0, 4), mask (0, H, W), confidence (0,).
    """
    return sv.Detections(
        xyxy=np.empty((0, 4), dtype=np.float32),
        mask=np.empty((0, *size), dtype=bool),
        confidence=np.empty(0, dtype=np.float32),
    )


def instances(found: sv.Detections) -> list[Instance]:
    """Take detections apart row by row.

    Args:
        found: What `Sam3.find` returned: with masks and confidence.

    Returns:
        One instance per row, in the same order.
    """
    assert isinstance(found.mask, np.ndarray)
    assert found.confidence is not None
    return [
        Instance(mask, box.astype(np.float32), float(score))
        for mask, box, score in zip(found.mask, found.xyxy, found.confidence, strict=True)
    ]


def load_sam3(settings: Settings) -> Sam3:
    """Load the checkpoint of the settings onto the best device there is.

    Args:
        settings: Reads sam3, device, precision, hub_timeout and what `Sam3` reads.

    Returns:
        The model, ready to be asked.

    Raises:
        CheckpointError: If the checkpoint cannot be had or read.
        SegmentationError: If the device does not hold it.
    """
    device = choose_device(settings.device)
    folder = locate(settings.sam3, settings.hub_timeout)
    disable_progress_bar()
    try:
        model, report = getattr(transformers, model_class(folder)).from_pretrained(
            folder,
            dtype=choose_precision(settings.precision, device),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        processor = Sam3Processor.from_pretrained(folder, local_files_only=True)
    except (
        Exception
    ) as error:  # safetensors, json, tokenizers and torch each raise their own for a broken file
        raise _corrupt(folder, f"{type(error).__name__}: {str(error).splitlines()[0][:120]}") from error
    if report["missing_keys"]:
        raise _corrupt(folder, f"{len(report['missing_keys'])} weights are missing")
    try:
        return Sam3(model, processor, device, settings)
    except torch.OutOfMemoryError as error:
        raise SegmentationError(
            f"{folder.name} does not fit into the memory of {device}. Close other programs that use it, "
            "or set IVE_DEVICE=cpu."
        ) from error


def _corrupt(folder: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"The SAM 3 checkpoint in {folder} is damaged or incomplete ({reason}). Delete it and fetch it again."
    )


def choose_device(wanted: str) -> torch.device:
    """Choose where SAM 3 runs.

    Args:
        wanted: "auto", or a device torch knows ("cuda", "cuda:1", "mps", "cpu").

    Returns:
        The wanted device; for "auto" CUDA where it is there, else the CPU.

    Raises:
        SegmentationError: If the wanted device is not there.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SegmentationError(
            f"There is no device {wanted!r} on this machine. Set IVE_DEVICE to auto, cuda or cpu."
        ) from error
    return device


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """Choose the dtype SAM 3 computes in.

    Args:
        wanted: "auto", "float32" or "bfloat16".
        device: Where it will run.

    Returns:
        For "auto" bfloat16 on CUDA and on CPUs that compute it natively (16 s against 38 s a picture on
        two cores with AVX512-BF16), else float32.

    Raises:
        SegmentationError: If the wanted name is none of the three.
    """
    precisions = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if wanted == "auto":
        native = device.type == "cuda" or (device.type == "cpu" and _cpu_has_bfloat16())
        return torch.bfloat16 if native else torch.float32
    if wanted not in precisions:
        raise SegmentationError(f"IVE_PRECISION={wanted!r} is unknown. Set it to auto, float32 or bfloat16.")
    return precisions[wanted]


def _cpu_has_bfloat16() -> bool:
    # torch publishes no such question; where a version lacks these two, float32 is always right.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)
