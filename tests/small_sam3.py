"""A SAM 3 of the real architecture made small, with random weights, as `save_pretrained` writes it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPTokenizer, Sam3Config, Sam3ImageProcessor, Sam3Model, Sam3Processor

START, END = "<|startoftext|>", "<|endoftext|>"


def byte_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer without merges: its 256 byte symbols, each also as the end of a word."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]
    entries = [*symbols, *(f"{symbol}</w>" for symbol in symbols), START, END]
    return CLIPTokenizer(vocab={entry: number for number, entry in enumerate(entries)}, merges=[])


def write_small_sam3(folder: Path, seed: int = 0, resolution: int = 112) -> Path:
    """Write the checkpoint and return its folder."""
    torch.manual_seed(seed)
    side = resolution // 14
    narrow = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                **narrow,
                "num_hidden_layers": 2,
                "image_size": resolution,
                "pretrain_image_size": resolution,
                "patch_size": 14,
                "window_size": 4,
                "global_attn_indexes": [1],
            },
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[4 * side] * 2, [2 * side] * 2, [side] * 2],
        },
        text_config={
            "model_type": "clip_text_model",
            **narrow,
            "vocab_size": 514,
            "projection_dim": 32,
            "num_hidden_layers": 1,
            "max_position_embeddings": 32,
            "bos_token_id": 512,
            "eos_token_id": 513,
            "pad_token_id": 513,
        },
        geometry_encoder_config={**narrow, "num_layers": 1},
        detr_encoder_config={**narrow, "num_layers": 1, "dropout": 0.0},
        detr_decoder_config={**narrow, "num_layers": 2, "num_queries": 10, "dropout": 0.0},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2, "num_upsampling_stages": 3},
    )
    Sam3Model(config).save_pretrained(folder)
    size = {"height": resolution, "width": resolution}
    Sam3Processor(Sam3ImageProcessor(size=size), byte_tokenizer()).save_pretrained(folder)
    return folder
