"""A SAM 3 of the real architecture made small, with random weights, as `save_pretrained` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Sam2VideoVideoProcessor,
    Sam3Config,
    Sam3ImageProcessor,
    Sam3LiteTextConfig,
    Sam3LiteTextModel,
    Sam3Model,
    Sam3Processor,
    Sam3VideoConfig,
    Sam3VideoModel,
    Sam3VideoProcessor,
)

from ive_segmentation.demo.training.small_sam3 import tokenizer

NARROW = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
WIDTH = 128
"""Channels: transformers has half of them, the memory's, written into its attention."""

EASILY_SATISFIED: dict[str, Any] = {
    "score_threshold_detection": 0.2,
    "new_det_thresh": 0.2,
    "high_conf_thresh": 0.0,
    "high_iou_thresh": 0.0,
    "max_num_objects": 4,
    "hotstart_delay": 0,
}
"""Thresholds that random weights, which are sure of nothing, can pass."""


def write_small_sam3(folder: Path, seed: int = 0, resolution: int = 112) -> Path:
    """Write the checkpoint and return its folder."""
    torch.manual_seed(seed)
    Sam3Model(_detector(resolution)).save_pretrained(folder)
    size = {"height": resolution, "width": resolution}
    Sam3Processor(Sam3ImageProcessor(size=size), tokenizer()).save_pretrained(folder)
    return folder


def write_small_sam3_video(folder: Path, seed: int = 0, resolution: int = 112, **settings: Any) -> Path:
    """Write a checkpoint as facebook/sam3 is: detector and tracker, in one file, under one config.

    Args:
        folder: Where to.
        seed: Of the weights.
        resolution: Side of the square that frames are squashed to, pixels.
        **settings: Of `Sam3VideoConfig`, in place of those in `EASILY_SATISFIED`.

    Returns:
        The folder.
    """
    torch.manual_seed(seed)
    detector: Any = _detector(resolution, width=WIDTH)
    config = Sam3VideoConfig(
        detector_config=detector.to_dict(),
        tracker_config={
            "model_type": "sam3_tracker_video",
            "image_size": resolution,
            "vision_config": detector.vision_config.to_dict(),
            "prompt_encoder_config": {
                "hidden_size": WIDTH,
                "image_size": resolution,
                "mask_input_channels": 4,
            },
            "mask_decoder_config": {
                "hidden_size": WIDTH,
                "mlp_dim": 64,
                "num_attention_heads": 2,
                "iou_head_hidden_dim": 32,
            },
            "memory_attention_hidden_size": WIDTH,
            "memory_attention_num_layers": 1,
            "memory_attention_feed_forward_hidden_size": 64,
            "memory_encoder_hidden_size": WIDTH,
            "memory_encoder_output_channels": WIDTH // 2,
            "mask_downsampler_embed_dim": WIDTH,
            "memory_fuser_embed_dim": WIDTH,
            "memory_fuser_intermediate_dim": 64,
        },
        **{**EASILY_SATISFIED, "low_res_mask_size": 4 * resolution // 14, **settings},
    )
    model = Sam3VideoModel(config)
    with torch.no_grad():
        # Larger than transformers draws them, else every memory weighs the same and none of them anything;
        # and sure that what is followed is still there, else every mask but the first is empty.
        for weight in model.tracker_model.parameters():
            weight.mul_(5.0 if weight.ndim > 1 else 1.0)
        model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(20.0)
    model.save_pretrained(folder)
    # transformers names the tracker's weights "tracker_model.tracker_model."; facebook/sam3 is older.
    weights = load_file(folder / "model.safetensors")
    named = {
        name.replace("tracker_model.tracker_model.", "tracker_model."): weights[name] for name in weights
    }
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})
    size = {"height": resolution, "width": resolution}
    Sam3VideoProcessor(
        Sam3ImageProcessor(size=size), Sam2VideoVideoProcessor(size=size), tokenizer()
    ).save_pretrained(folder)
    return folder


def write_small_lite_text(folder: Path, seed: int = 0, resolution: int = 112) -> Path:
    """Write a SAM 3 with the small text encoder, as its authors hand it out.

    That is: a text encoder of convolutions and attention with 77 places, and an image processor that does not
    say what it is.

    Args:
        folder: Where to; what is of the same name there is replaced.
        seed: Of the weights.
        resolution: Side of the square that pictures are squashed to, pixels.

    Returns:
        The folder.
    """
    torch.manual_seed(seed)
    detector = _detector(resolution).to_dict()
    text = {**NARROW, "vocab_size": 514, "projection_dim": 32, "num_hidden_layers": 3}
    parts: dict[str, Any] = {"text_config": {**text, "max_position_embeddings": 77}}
    for part in ("vision", "geometry_encoder", "detr_encoder", "detr_decoder", "mask_decoder"):
        parts[f"{part}_config"] = _plain(detector[f"{part}_config"])
    Sam3LiteTextModel(Sam3LiteTextConfig(**parts)).save_pretrained(folder)
    size = {"height": resolution, "width": resolution}
    Sam3Processor(Sam3ImageProcessor(size=size), tokenizer()).save_pretrained(folder)
    processor = json.loads((folder / "processor_config.json").read_text())
    del processor["image_processor"]["image_processor_type"]
    (folder / "processor_config.json").write_text(json.dumps(processor))
    return folder


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a part's config, without the name of the model it belonged to."""
    return {
        name: _plain(value) if isinstance(value, dict) and name == "backbone_config" else value
        for name, value in config.items()
        if name != "model_type" or value == "sam3_vit_model"
    }


def _detector(resolution: int, width: int = 32) -> Sam3Config:
    side = resolution // 14
    wide = {**NARROW, "hidden_size": width}
    return Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                **NARROW,
                "num_hidden_layers": 2,
                "image_size": resolution,
                "pretrain_image_size": resolution,
                "patch_size": 14,
                "window_size": 4,
                "global_attn_indexes": [1],
            },
            "fpn_hidden_size": width,
            "backbone_feature_sizes": [[4 * side] * 2, [2 * side] * 2, [side] * 2],
        },
        text_config={
            "model_type": "clip_text_model",
            **NARROW,
            "vocab_size": 514,
            "projection_dim": 32,
            "num_hidden_layers": 1,
            "max_position_embeddings": 32,
            "bos_token_id": 512,
            "eos_token_id": 513,
            "pad_token_id": 513,
        },
        geometry_encoder_config={**wide, "num_layers": 1},
        detr_encoder_config={**wide, "num_layers": 1, "dropout": 0.0},
        detr_decoder_config={**wide, "num_layers": 2, "num_queries": 10, "dropout": 0.0},
        mask_decoder_config={"hidden_size": width, "num_attention_heads": 2, "num_upsampling_stages": 3},
    )
