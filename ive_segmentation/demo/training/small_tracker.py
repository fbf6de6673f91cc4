"""SAM 3's tracker made small, beside the small detector, and its way through the frames of a batch.

`transformers` follows one instance at a time and learns nothing; here several instances of one clip go
through the same layers side by side, and gradients flow back through the memory.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import Sam2VideoVideoProcessor, Sam3VideoConfig, Sam3VideoModel, Sam3VideoProcessor

from ive_segmentation.demo.training.small_sam3 import (
    CELLS,
    NECK,
    SIDE,
    config,
    go_on_from,
    processor,
    scale_to_width,
)

#: Past frames whose masks are remembered, frames that began or confirmed a track among them.
MEMORIES, CONFIRMED = 4, 2


def video_config() -> Sam3VideoConfig:
    """Detector and tracker under one config, as facebook/sam3 has it."""
    detector: Any = config()
    return Sam3VideoConfig(
        detector_config=detector.to_dict(),
        tracker_config={
            "model_type": "sam3_tracker_video",
            "image_size": SIDE,
            "vision_config": detector.vision_config.to_dict(),
            "prompt_encoder_config": {"hidden_size": NECK, "image_size": SIDE, "mask_input_channels": 8},
            "mask_decoder_config": {
                "hidden_size": NECK,
                "mlp_dim": 2 * NECK,
                "num_attention_heads": 2,
                "iou_head_hidden_dim": NECK,
                "dynamic_multimask_via_stability": False,
            },
            # One answer per frame: of three, only the one believed best would learn.
            "multimask_output_for_tracking": False,
            "num_maskmem": MEMORIES,
            "max_cond_frame_num": CONFIRMED,
            "max_object_pointers_in_encoder": 8,
            "memory_attention_hidden_size": NECK,
            "memory_attention_num_layers": 2,
            "memory_attention_feed_forward_hidden_size": 2 * NECK,
            "memory_attention_dropout": 0.0,
            "memory_attention_rope_dropout": 0.0,
            "memory_encoder_hidden_size": NECK,
            "memory_encoder_output_channels": NECK,
            # Two coarse steps in place of four fine ones cost a third of the time.
            "mask_downsampler_stride": 4,
            "mask_downsampler_kernel_size": 7,
            "mask_downsampler_padding": 3,
            "mask_downsampler_embed_dim": NECK,
            "memory_fuser_embed_dim": NECK,
            "memory_fuser_intermediate_dim": 2 * NECK,
        },
        low_res_mask_size=CELLS,
        # The library confirms a track by a memory of its mask at half strength, which this tracker never saw.
        recondition_every_nth_frame=0,
        new_det_thresh=0.5,
    )


def tracking_model(detector: Path) -> Sam3VideoModel:
    """The detector of a checkpoint with a new tracker beside it; only the tracker learns.

    The tracker's view of a picture begins as the detector's (their necks are alike).
    """
    model = Sam3VideoModel(video_config())
    model.set_attn_implementation("eager")
    scale_to_width(model.tracker_model)
    go_on_from(model.detector_model, detector)
    model.tracker_neck.load_state_dict(model.detector_model.vision_encoder.neck.state_dict())
    with torch.no_grad():
        for block in model.tracker_model.memory_encoder.memory_fuser.layers:
            block.scale.fill_(0.1)  # the library begins with 0: nothing within would learn
        # What is not believed to be there has no mask and would learn nothing.
        model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(3.0)
    model.detector_model.requires_grad_(False)
    return model


@dataclass
class Followed:
    """What the tracker says of B instances in one frame.

    Attributes:
        masks: (B, M, M) logits; of no use where `present` says no.
        present: (B,) logits of "it can be seen".
    """

    masks: torch.Tensor
    present: torch.Tensor


@dataclass
class _Session:
    """As much of the library's session as its memory reads; several instances count as one object."""

    output_dict_per_obj: dict[int, dict[str, dict[int, dict[str, torch.Tensor]]]] = field(
        default_factory=lambda: {0: {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}}
    )


def follow(
    model: Sam3VideoModel, pixels: torch.Tensor, first: torch.Tensor, since: int = 0
) -> list[Followed]:
    """Follow instances through a clip, as `Sam3VideoModel` does frame by frame, with gradients.

    Args:
        model: detector and tracker.
        pixels: (T, 3, S, S), the frames.
        first: (B, M, M) bool, the instances' masks in the first frame.
        since: how many frames lie between the first and the second, as far as the memory knows.

    Returns:
        One for each frame but the first.
    """
    tracker: Any = model.tracker_model
    with torch.no_grad():
        seen = model.detector_model.get_vision_features(pixels)
    maps, places = model.get_vision_features_for_tracker(seen)
    session = _Session()
    outputs = session.output_dict_per_obj[0]
    followed = []
    for frame in range(len(pixels)):
        views = [view[:, frame : frame + 1].expand(-1, len(first), -1) for view in maps]
        fine = [
            view.permute(1, 2, 0).unflatten(2, size)
            for view, size in zip(views[:-1], tracker.backbone_feature_sizes[:-1], strict=True)
        ]
        if frame == 0:
            coarse = views[-1].permute(1, 2, 0).unflatten(2, tracker.backbone_feature_sizes[-1])
            # As floats, as the library's session has them: a mask of bools grows when it is made larger.
            said = tracker._use_mask_as_output(coarse, fine, first[:, None].to(pixels.dtype))
            masks = said.high_res_masks
        else:
            place = places[-1][:, :1].expand(-1, len(first), -1)
            remembered = _remember(tracker, session, since + frame, views[-1], place)
            said = tracker._single_frame_forward(image_embeddings=[*fine, remembered], multimask_output=False)
            masks = said.pred_masks.reshape(len(first), 1, CELLS, CELLS)
            followed.append(Followed(masks[:, 0].float(), said.object_score_logits.float().flatten()))
        there = torch.where((masks > 0).flatten(1).any(1), 10.0, -10.0)[:, None, None]
        features, where = tracker._encode_new_memory(views[-1], masks, there, is_mask_from_pts=False)
        kind = "cond_frame_outputs" if frame == 0 else "non_cond_frame_outputs"
        pointer = said.object_pointer
        if frame == 0:
            # The library takes the best of three tokens for one instance: here it does for all pairs of them.
            pointer = pointer[range(len(first)), range(len(first))]
        outputs[kind][since * (frame > 0) + frame] = {
            "maskmem_features": features, "maskmem_pos_enc": where, "object_pointer": pointer.flatten(1),
        }  # fmt: skip
    return followed


def _remember(
    tracker: Any, session: _Session, frame: int, view: torch.Tensor, place: torch.Tensor
) -> torch.Tensor:
    """`_prepare_memory_conditioned_features` of the library for B instances side by side."""
    past = tracker._gather_memory_frame_outputs(session, 0, frame)
    memories, positions = tracker._build_memory_attention_inputs(past, view.device)
    offsets, tokens, most = tracker._get_object_pointers(session, 0, frame, None, view.device, streaming=True)
    pointers, pointed = tracker._process_object_pointers(
        offsets, tokens, most, view.shape[1], NECK, view.device
    )
    remembered = tracker.memory_attention(
        current_vision_features=view,
        current_vision_position_embeddings=place,
        memory=torch.cat([*memories, pointers]).to(view.dtype),
        memory_posision_embeddings=torch.cat([*positions, pointed]),
        num_object_pointer_tokens=len(pointers),
    )
    return remembered[0].transpose(1, 2).unflatten(2, tracker.backbone_feature_sizes[-1])


def export(model: Sam3VideoModel, folder: Path) -> None:
    """Write detector and tracker as facebook/sam3 comes: one config, safetensors (bfloat16), processor."""
    folder.mkdir(parents=True, exist_ok=True)
    stored: Any = Sam3VideoModel(video_config())
    stored = stored.to(torch.bfloat16)
    stored.load_state_dict(model.state_dict())
    stored.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    # transformers names the tracker's weights "tracker_model.tracker_model."; facebook/sam3 is older.
    named = {
        name.replace("tracker_model.tracker_model.", "tracker_model."): weights[name] for name in weights
    }
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})
    small = processor()
    size = {"height": SIDE, "width": SIDE}
    Sam3VideoProcessor(
        small.image_processor, Sam2VideoVideoProcessor(size=size), small.tokenizer
    ).save_pretrained(folder)
