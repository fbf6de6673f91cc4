"""What is where: SAM 3, asked with words. A picture is encoded once; the next question is nearly free.

The vision encoder is nearly all of SAM 3's time (PLAN.md, "What a look costs"), so its output is kept
for the last few pictures, all new questions about a picture go through the decoder in one pass, and what
was answered once is not asked again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import transformers
from torch import Tensor
from transformers import Sam3Processor
from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput

from ive_segmentation.images import content_hash
from ive_segmentation.segmentation.checkpoints import damaged, locate
from ive_segmentation.segmentation.devices import (
    SegmentationError,
    TooLittleMemoryError,
    choose_device,
    choose_precision,
    memory_errors,
)
from ive_segmentation.segmentation.instances import Answer
from ive_segmentation.segmentation.normalising import spread_group_norms
from ive_segmentation.segmentation.recordings import Recordings, keep_sizes_at_hand
from ive_segmentation.segmentation.rounding import keep_boxes_exact
from ive_segmentation.segmentation.weights import load_part
from ive_segmentation.segmentation.words import Reader, Words
from ive_segmentation.settings import Measured, Settings

T = TypeVar("T")


class Question(NamedTuple):
    """What is asked of a picture: a noun phrase, and an example's box or None (cx, cy, w, h as shares)."""

    concept: str
    example: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False, repr=False)  # its arrays would fill pages
class Features:
    """One picture as SAM 3's vision encoder sees it, and what was answered about it so far.

    Attributes:
        size: (H, W) of the picture, pixels.
        levels: Feature pyramid, finest first, each (1, C, h, w) on the model's device.
        position: (1, C, h, w) position encoding of the coarsest level.
        answers: By question; filled by `Sam3`.
    """

    size: tuple[int, int]
    levels: tuple[Tensor, ...]
    position: Tensor
    answers: dict[Question, Answer] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes that the pyramid and the answers take on their device."""
        answers = sum(answer.nbytes for answer in self.answers.values())
        return sum(level.nbytes for level in self.levels) + self.position.nbytes + answers


class Sam3:
    """SAM 3 on one device, asked by words or by an example; safe to share between threads.

    Attributes:
        model: The network of `transformers`, without the text encoder; a tracker shares it.
        processor: What squashes pictures and takes words apart.
        device: Where the vision encoder and the decoder are.
        dtype: The precision that the model computes in.
        folder: The checkpoint it was loaded from.
        resolution: Side of the square, in pixels, that every picture is squashed to.
        threshold: The score above which an instance counts by itself, 0 to 1.
        warm: False until the first look is over, where the settings ask for compiling: that look does it.
    """

    def __init__(
        self, model: Any, processor: Sam3Processor, reader: Reader, device: torch.device, settings: Settings
    ) -> None:
        self.model = model.to(device).eval()
        keep_boxes_exact(model)
        keep_sizes_at_hand(model.detr_encoder)
        if device.type == "cuda":
            spread_group_norms(model)
        if settings.compile:
            model.vision_encoder.compile(dynamic=False)
        self.processor = processor
        self.device = device
        self.dtype: torch.dtype = model.dtype
        self.folder = reader.folder
        self.resolution = int(processor.image_processor.size["height"])
        self.threshold = settings.sam3_threshold
        self.warm = not settings.compile
        self._reader = reader
        self._settings = settings
        self._recordings = Recordings(device)
        self._pictures: OrderedDict[str, Features] = OrderedDict()
        self._lock = RLock()

    def pixels(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Squash pictures to what the vision encoder takes.

        Args:
            images: Each (H, W, 3) uint8, RGB.

        Returns:
            (N, 3, resolution, resolution), on the device and in the precision of the model.
        """
        pixels = self.processor.image_processor(
            images=[np.array(image, order="C") for image in images],
            return_tensors="pt",
            device=self.device,
        ).pixel_values
        return pixels.to(self.device, self.dtype)

    def read(self, concepts: Sequence[str]) -> list[Words]:
        """Return noun phrases as the decoder takes them.

        Args:
            concepts: English noun phrases.

        Returns:
            One for each.

        Raises:
            SegmentationError: If a phrase is too long for the text encoder.
            CheckpointError: If the text encoder is needed and cannot be loaded.
        """
        with self._lock:
            return self._reader.read(concepts)

    def encode_uncached(self, image: npt.NDArray[np.uint8]) -> Features:
        """Look at a picture that will not come again, such as a frame of a video: nothing is kept.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            As `encode` returns it.

        Raises:
            SegmentationError: If the device's memory does not hold one picture.
        """
        with self._lock:
            return self._in_batches([image], 1, self._encode_batch)[0]

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
        return self.encode_all([image])[0]

    def encode_all(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Features]:
        """Look at several pictures, those not seen before in as few passes as the settings allow.

        Args:
            images: Each (H, W, 3) uint8, RGB.

        Returns:
            One for each picture, as `encode` returns it.

        Raises:
            SegmentationError: If the device's memory does not hold one picture.
        """
        keys = [content_hash(image) for image in images]
        pictures = dict(zip(keys, images, strict=True))
        with self._lock:
            seen = {key: self._pictures[key] for key in pictures if key in self._pictures}
            new = [key for key in pictures if key not in seen]
            at_once = self._settings.pictures_per_pass if self.device.type == "cuda" else 1
            looks = self._in_batches([pictures[key] for key in new], at_once, self._encode_batch)
            seen.update(zip(new, looks, strict=True))
            for key in pictures:
                self._pictures[key] = seen[key]
                self._pictures.move_to_end(key)
            self._forget_old_pictures()
        return [seen[key] for key in keys]

    def find(self, features: Features, concepts: Sequence[str], least: float | None = None) -> list[Answer]:
        """Find every instance of each concept, all concepts in one decoder pass.

        Args:
            features: What `encode` returned.
            concepts: English noun phrases.
            least: Score (class times presence) above which an instance counts, 0 to 1; None for `threshold`.
                Nothing is kept below `Measured.doubtful` times that.

        Returns:
            One answer per concept, best instance first; `instances` brings it to the picture's size.

        Raises:
            SegmentationError: If a phrase is too long for the text encoder, or memory runs out.
            CheckpointError: If the text encoder is needed and cannot be loaded.
        """
        return self._ask(features, [Question(concept) for concept in concepts], least)

    def find_like(
        self, features: Features, concept: str, examples: Sequence[npt.NDArray[np.float32]]
    ) -> list[Answer]:
        """Find what a concept names, once for each example box given with it.

        In SAM 3 a box is an example: everything like it is returned, not only what lies in it.

        Args:
            features: What `encode` returned.
            concept: An English noun phrase.
            examples: One box (4,) xyxy in pixels per question.

        Returns:
            One answer per example, as `find` returns them.

        Raises:
            SegmentationError: As `find`.
            CheckpointError: As `find`.
        """
        height, width = features.size
        questions = []
        for box in examples:
            left, top, right, bottom = (box / [width, height, width, height]).tolist()
            centred = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
            questions.append(Question(concept, centred))
        return self._ask(features, questions)

    def make_room(self) -> None:
        """Forget the pictures seen and the passes recorded: all memory that can be given back."""
        with self._lock:
            self._pictures.clear()
            self._recordings.clear()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _encode_batch(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Features]:
        pixels = self.pixels(images)
        # What torch.compile made is launched quickly as it is.
        *levels, position = (
            self._vision_features(pixels)
            if self._settings.compile
            else self._recordings.run(self._vision_features, pixels)
        )
        self.warm = True
        # Copied, because a row of a batch would keep the whole batch in memory.
        return [
            Features(
                (image.shape[0], image.shape[1]),
                tuple(level[row : row + 1].clone() for level in levels),
                position,
            )
            for row, image in enumerate(images)
        ]

    @torch.inference_mode()
    def _vision_features(self, pixels: Tensor) -> tuple[Tensor, ...]:
        seen = self.model.get_vision_features(pixels)
        return (*seen.fpn_hidden_states[:-1], seen.fpn_position_encoding[-2][:1])

    def _forget_old_pictures(self) -> None:
        kept = sum(features.nbytes for features in self._pictures.values())
        while kept > self._settings.feature_cache_bytes and len(self._pictures) > 1:
            kept -= self._pictures.popitem(last=False)[1].nbytes

    def _ask(
        self, features: Features, questions: Sequence[Question], least: float | None = None
    ) -> list[Answer]:
        least = self.threshold if least is None else least
        with self._lock:
            new = [question for question in dict.fromkeys(questions) if question not in features.answers]
            found = self._in_batches(
                new, self._settings.questions_per_pass, lambda part: self._decode(features, part)
            )
            features.answers.update(zip(new, found, strict=True))
            return [features.answers[question].from_score(least) for question in questions]

    def _in_batches(self, rows: Sequence[T], batch: int, work: Callable[[Sequence[T]], list]) -> list:
        """Work through the rows, halving the batch when the device's memory runs out."""
        done: list = []
        while len(done) < len(rows):
            try:
                with memory_errors(self.device):
                    done += work(rows[len(done) : len(done) + batch])
            except TooLittleMemoryError:
                self.make_room()
                if batch == 1:
                    raise
                batch //= 2
        return done

    def _decode(self, features: Features, questions: Sequence[Question]) -> list[Answer]:
        """Put questions that all have an example, or all have none, to the decoder."""
        words = self._reader.read([question.concept for question in questions])
        inputs = (
            *features.levels,
            features.position,
            torch.cat([word.attention for word in words]),
            torch.cat([word.embedding for word in words]),
        )
        if questions[0].example:
            examples = torch.tensor([[question.example] for question in questions])
            found = self._run_decoder(*inputs, examples=examples.to(self.device, self.dtype))
        else:
            found = self._recordings.run(self._run_decoder, *inputs)
        scores, boxes, logits = found
        with torch.inference_mode():
            return [self._kept(*one) for one in zip(scores.cpu(), boxes.cpu(), logits, strict=True)]

    @torch.inference_mode()
    def _run_decoder(self, *inputs: Tensor, examples: Tensor | None = None) -> tuple[Tensor, ...]:
        """Scores (N, Q), boxes (N, Q, 4) and mask logits (N, Q, h, w) of N questions about one picture.

        Args:
            *inputs: The levels of the pyramid, the coarsest one's position encoding, each of batch one, the
                words' attention mask (N, T) and their embeddings (N, T, C).
            examples: (N, 1, 4) cxcywh as shares of the picture's sides, or None.
        """
        *levels, position, attention, embeddings = inputs
        count = len(embeddings)
        boxes: dict[str, Tensor] = {}
        if examples is not None:
            ones = torch.ones(examples.shape[:2], dtype=torch.long, device=self.device)
            boxes = {"input_boxes": examples, "input_boxes_labels": ones}
        # Sam3Model.forward leaves out the last entry of both tuples, the pyramid's level it does not use.
        repeated: tuple[Any, ...] = (*(level.expand(count, -1, -1, -1) for level in levels), None)
        places: tuple[Any, ...] = (position.expand(count, -1, -1, -1), None)
        out = self.model(
            vision_embeds=Sam3VisionEncoderOutput(fpn_hidden_states=repeated, fpn_position_encoding=places),
            text_embeds=transformers.modeling_outputs.BaseModelOutputWithPooling(pooler_output=embeddings),
            attention_mask=attention,
            **boxes,
        )
        scores = (out.pred_logits.sigmoid() * out.presence_logits.sigmoid()).float()
        return scores, out.pred_boxes.float(), out.pred_masks

    def _kept(self, scores: Tensor, boxes: Tensor, logits: Tensor) -> Answer:
        """What anybody may ask for of one question's Q instances, best first."""
        kept = torch.nonzero(scores > Measured.doubtful * self.threshold).flatten()
        kept = kept[scores[kept].argsort(descending=True, stable=True)]
        return Answer(scores[kept], boxes[kept], logits[kept])


def load_sam3(settings: Settings) -> Sam3:
    """Load the checkpoint of the settings onto the best device there is.

    Args:
        settings: Reads sam3, device, precision, resolution, word_cache, hub_timeout and what `Sam3` reads.

    Returns:
        The model, ready to be asked. Its text encoder is loaded when a new phrase needs it.

    Raises:
        CheckpointError: If the checkpoint cannot be had or read.
        SegmentationError: If the device does not hold it, or it cannot work at the resolution.
    """
    device = choose_device(settings.device)
    dtype = choose_precision(settings.precision, device)
    folder = locate(settings.sam3, settings.hub_timeout)
    model = load_part(folder, dtype, text=False)
    try:
        processor = Sam3Processor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # json and tokenizers each raise their own for a broken file
        raise damaged(folder, error) from error
    _set_resolution(settings.resolution, model, processor)
    reader = Reader(folder, processor.tokenizer, device, dtype, settings.word_cache)
    with memory_errors(device, "SAM 3"):
        return Sam3(model, processor, reader, device, settings)


def _set_resolution(resolution: int, model: Any, processor: Sam3Processor) -> None:
    """Set the side of the square that pictures are squashed to; 0 leaves it as trained."""
    config = model.config.vision_config
    patch = config.backbone_config.patch_size
    if resolution and (resolution % patch or resolution < 2 * patch):
        raise SegmentationError(
            f"SAM 3 cannot look at {resolution} px, because it sees patches of {patch} px. "
            f"Set IVE_RESOLUTION to {max(round(resolution / patch), 2) * patch}."
        )
    if resolution:
        config.image_size = resolution
        processor.image_processor.size = {"height": resolution, "width": resolution}
    for layer in model.vision_encoder.backbone.layers:
        # Also as trained, because loading in bfloat16 rounds the positions: 23⅔ becomes 23.625.
        layer.position_ids = layer.precompute_positions(layer.config, layer.window_size)
