"""SAM 3's own tracker, frame after frame, in memory that does not grow.

`transformers` keeps every frame and every output of a session for ever and has no way to let them go, so long
videos run out of memory (issues 169, 495 and 511 of facebookresearch/sam3). What is never read again is let
go here after every frame, all of it in `prune`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import supervision as sv
import torch
from scipy.special import expit, logit
from torch.nn import functional
from transformers import (
    Sam2VideoVideoProcessor,
    Sam3VideoConfig,
    Sam3VideoInferenceSession,
    Sam3VideoProcessor,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ive_segmentation.result import Image
from ive_segmentation.segmentation.devices import memory_errors
from ive_segmentation.segmentation.sam3 import Sam3
from ive_segmentation.segmentation.weights import load_tracker
from ive_segmentation.settings import Measured
from ive_segmentation.video.cleaning import clean_here
from ive_segmentation.video.tracks import Tracked

POINTER = ("object_pointer",)
MEMORY = ("maskmem_features", "maskmem_pos_enc", *POINTER)
"""What the memory attention reads of a past frame; the masks beside it are larger and never read again."""


class SessionTracker:
    """Follows with `Sam3VideoModel`, whose detector is the loaded SAM 3: only the tracker is loaded anew."""

    how = "SAM 3's own tracker"

    def __init__(self, sam3: Sam3, concepts: Sequence[str]) -> None:
        clean_here()
        self._sam3 = sam3
        sam3.make_room()  # a video takes all there is for long, and has no use for what was asked before
        with memory_errors(sam3.device, "SAM 3's tracker"):
            self._model = load_tracker(sam3.folder, sam3.dtype, sam3.resolution).to(sam3.device).eval()
        self._model.detector_model = sam3.model
        for least in ("score_threshold_detection", "new_det_thresh"):
            # As much surer, in log-odds, than the checkpoint's 0.5 as pictures are asked to be.
            asked = expit(logit(getattr(self._model, least)) + logit(sam3.threshold))
            setattr(self._model, least, float(asked))
        self._processor = Sam3VideoProcessor(
            sam3.processor.image_processor, Sam2VideoVideoProcessor(), sam3.processor.tokenizer
        )
        self._words = dict(zip(concepts, sam3.read(concepts), strict=True))
        self._session = self._begin()
        self._frame = 0
        self._seen: dict[int, int] = {}

    def follow(self, image: Image) -> list[Tracked]:
        """Find the instances of the next frame, and say which were there before.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            One for each instance that is seen, of all concepts.

        Raises:
            SegmentationError: If the device's memory does not hold one more frame.
        """
        with memory_errors(self._sam3.device, "one more frame"), torch.inference_mode():
            out = self._model(self._session, frame_idx=self._frame, frame=self._sam3.pixels([image])[0])
            tracked = _tracked(self._session, out, (image.shape[0], image.shape[1]))
        self._seen.update((instance.track, self._frame) for instance in tracked)
        for track in self._gone():
            self._session.remove_object(track)
        prune(self._session, self._frame, self._model.config)
        self._seen = {track: self._seen[track] for track in self._session.obj_ids if track in self._seen}
        self._frame += 1
        return tracked

    def cut(self) -> None:
        """Begin a new shot: a new session, in which numbers go on where they were."""
        numbers = self._session.max_obj_id
        self._session = self._begin()
        self._session.max_obj_id = numbers
        self._frame = 0
        self._seen.clear()

    def _begin(self) -> Sam3VideoInferenceSession:
        session = self._processor.init_video_session(
            inference_device=self._sam3.device, dtype=self._sam3.dtype
        )
        for concept, words in self._words.items():
            number = session.add_prompt(concept)
            session.prompt_embeddings[number] = BaseModelOutputWithPooling(pooler_output=words.embedding)
            session.prompt_attention_masks[number] = words.attention
        return session

    def _gone(self) -> set[int]:
        """Choose what to follow no longer: what has not been seen for long, and what was a mistake.

        Given the frames one by one, the library follows whatever it ever found to the end, and each costs as
        much time and memory as one that is seen. For whole videos it has a rule for new tracks: those that
        detections do not confirm, and those that follow what another one does, go. It holds here too.
        """
        session, config, frame = self._session, self._model.config, self._frame
        first = session.obj_first_frame_idx
        gone = {
            track
            for track in session.obj_ids
            if frame - self._seen.get(track, first[track]) >= Measured.unseen_frames
        }
        for track, frames in session.unmatched_frame_inds.items():
            if len(frames) >= config.hotstart_unmatch_thresh and _is_new(track, session, frame, config):
                gone.add(track)
        for (_, track), frames in session.overlap_pair_to_frame_inds.items():
            if len(frames) >= config.hotstart_dup_thresh and _is_new(track, session, frame, config):
                gone.add(track)
        return gone


def prune(session: Sam3VideoInferenceSession, frame: int, config: Sam3VideoConfig) -> None:
    """Let go what will not be read again after a frame.

    The one place that knows what the session keeps. What stays is what `Sam3TrackerVideoModel` reads of the
    past in `_gather_memory_frame_outputs` and `_get_object_pointers`, what `Sam3VideoModel` notes of the
    tracks that live, and the number of frames. Of conditioning frames only the closest stay, as Meta's
    tracker reads them (`max_cond_frames_in_attn`); the library would read the pointers of all there ever
    were, and most of those are further away than any that it was trained on.

    Args:
        session: Of transformers 5.23.
        frame: The frame that was just followed, counted from 0.
        config: How many frames the memory attention reads, and how long a track is new.
    """
    frames: Any = session.processed_frames
    frames[frame] = None  # not deleted, because their number is read
    session.obj_id_to_tracker_score_frame_wise.clear()
    session.suppressed_obj_ids.clear()
    for track in set(session.obj_id_to_score) - set(session.obj_ids):
        for notes in (session.obj_id_to_score, session.obj_first_frame_idx, session.trk_keep_alive):
            del notes[track]
    for track in list(session.unmatched_frame_inds):
        if not _is_new(track, session, frame, config):
            del session.unmatched_frame_inds[track]
    for pair in list(session.overlap_pair_to_frame_inds):
        if not _is_new(pair[1], session, frame, config):
            del session.overlap_pair_to_frame_inds[pair]

    tracker: Any = config.tracker_config
    memory_from = frame + 2 - tracker.num_maskmem
    pointer_from = frame + 2 - tracker.max_object_pointers_in_encoder
    for number, outputs in session.output_dict_per_obj.items():
        session.mask_inputs_per_obj[number].clear()
        session.frames_tracked_per_obj[number].clear()
        conditioning, tracked = outputs["cond_frame_outputs"], outputs["non_cond_frame_outputs"]
        for past in list(tracked):
            if past < min(memory_from, pointer_from):
                del tracked[past]
        for past in sorted(conditioning)[: -tracker.max_cond_frame_num]:
            if past < memory_from:
                del conditioning[past]
        for past, output in (*conditioning.items(), *tracked.items()):
            _forget(output, MEMORY if past >= memory_from or past in conditioning else POINTER)


def _is_new(track: int, session: Sam3VideoInferenceSession, frame: int, config: Sam3VideoConfig) -> bool:
    """Whether a track that lives began so lately that it may still prove a mistake."""
    return track in session.obj_ids and session.obj_first_frame_idx[track] > frame - config.hotstart_delay


def _forget(output: dict[str, Any], but: Sequence[str]) -> None:
    """Keep some tensors of a frame's output, and no storage they share with those of other instances."""
    for name in list(output):
        if name not in but:
            del output[name]
        elif output[name].untyped_storage().nbytes() > output[name].nbytes:
            output[name] = output[name].clone()


def _tracked(session: Sam3VideoInferenceSession, out: Any, size: tuple[int, int]) -> list[Tracked]:
    """The answer of the library's `postprocess_outputs`, mask by mask: of 18 in 4K all at once take 2 GiB."""
    shown = out.obj_id_to_mask.keys() - set(out.suppressed_obj_ids or ()) - session.hotstart_removed_obj_ids
    surest_first = sorted(shown, key=lambda track: (-out.obj_id_to_tracker_score.get(track, 0.0), track))
    taken: dict[int, torch.Tensor] = {}
    tracked: list[Tracked] = []
    for track in surest_first:
        prompt = session.obj_id_to_prompt_id[track]
        mask = functional.interpolate(out.obj_id_to_mask[track][None], size, mode="bilinear")[0, 0] > 0
        # What a surer one of the same concept has is not another's too.
        earlier = taken.get(prompt, torch.zeros_like(mask))
        mask, taken[prompt] = mask & ~earlier, mask | earlier
        if mask.any():
            pixels = mask.cpu().numpy()
            box = sv.mask_to_xyxy(pixels[None], coordinate_convention="exclusive")[0].astype(np.float32)
            score = float(out.obj_id_to_score[track])
            tracked.append(Tracked(track, session.prompts[prompt], pixels, box, score))
    return sorted(tracked, key=lambda one: one.track)
