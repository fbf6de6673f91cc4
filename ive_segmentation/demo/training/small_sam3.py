"""SAM 3's architecture made small, its byte-level tokenizer, and its outputs after every decoder layer."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from transformers import CLIPTokenizer, Sam3Config, Sam3ImageProcessor, Sam3Model, Sam3Processor
from transformers.masking_utils import create_bidirectional_mask
from transformers.models.sam3.modeling_sam3 import box_cxcywh_to_xyxy, inverse_sigmoid

SIDE = 672
"""Side of the square, in pixels, that the finished model squashes pictures to."""
PATCH, WINDOW, QUERIES, TEXT = 14, 12, 20, 32
NECK = 64
"""Channels of everything behind the vision encoder."""
WEIGHTS = "model.safetensors"
"""The file of a checkpoint that holds its weights."""
EVERY = slice(None)
"""Masks for all prompts."""


def cells(side: int) -> int:
    """Cells of a mask's side: the finest level of the feature pyramid is four times the patch grid."""
    return side // PATCH * 4


def config(side: int = SIDE) -> Sam3Config:
    """The small model, for pictures squashed to a square of so many pixels."""
    finest = cells(side)
    attention = {"hidden_size": NECK, "num_attention_heads": 2}
    return Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 192,
                "intermediate_size": 576,
                "num_hidden_layers": 6,
                "num_attention_heads": 3,
                "image_size": side,
                "pretrain_image_size": side,
                "patch_size": PATCH,
                "window_size": WINDOW,
                "global_attn_indexes": [2, 5],
            },
            "fpn_hidden_size": NECK,
            "backbone_feature_sizes": [[finest] * 2, [finest // 2] * 2, [finest // 4] * 2],
        },
        text_config={
            "model_type": "clip_text_model",
            "vocab_size": 514,
            "hidden_size": 64,
            "intermediate_size": 128,
            "projection_dim": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": TEXT,
            "hidden_act": "gelu",
            "bos_token_id": 512,
            "eos_token_id": 513,
            "pad_token_id": 513,
        },
        geometry_encoder_config={**attention, "num_layers": 1, "intermediate_size": 128, "dropout": 0.0},
        detr_encoder_config={**attention, "num_layers": 2, "intermediate_size": 192, "dropout": 0.0},
        detr_decoder_config={
            **attention, "num_layers": 3, "num_queries": QUERIES, "intermediate_size": 192, "dropout": 0.0,
        },
        mask_decoder_config={**attention, "num_upsampling_stages": 3},
    )  # fmt: skip


@torch.no_grad()
def initialise(model: Sam3Model) -> None:
    """Start every layer at the scale of its own width; the library's 0.02 everywhere suits 1,024 wide ones.

    With 0.02 the neck's four narrow layers pass on a three-hundredth of what they are given. Weights are
    normal with 1 / sqrt(inputs) (LeCun et al. 1998), queries begin spread over the picture, as in deformable
    DETR (Zhu et al. 2021).
    """
    for name, module in model.named_modules():
        if name.startswith("text_encoder"):
            continue
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            inputs = (
                module.weight.shape[0] if isinstance(module, nn.ConvTranspose2d) else module.weight[0].numel()
            )
            nn.init.normal_(module.weight, std=inputs**-0.5)
    decoder = model.detr_decoder
    nn.init.normal_(decoder.query_embed.weight)
    nn.init.normal_(decoder.presence_token.weight)
    assert decoder.box_head.layer3 is not None
    nn.init.zeros_(decoder.box_head.layer3.weight)
    middles = torch.rand(QUERIES, 2) * 0.8 + 0.1
    decoder.reference_points.weight.copy_(torch.logit(torch.cat([middles, torch.full((QUERIES, 2), 0.3)], 1)))
    # A product of two unit features over NECK channels would start with masks of plus or minus sqrt(NECK).
    last = model.mask_decoder.mask_embedder.layers[-1]
    assert isinstance(last, nn.Linear)
    nn.init.normal_(last.weight, std=1 / NECK)


def go_on_from(model: Sam3Model, folder: Path) -> None:
    """Give `model` the weights of a checkpoint that was trained on as many pixels or others.

    Where it saw another number of patches, their places are interpolated (Dosovitskiy et al. 2021).
    """
    weights = load_file(folder / WEIGHTS)
    name = "vision_encoder.backbone.embeddings.position_embeddings"
    places = weights[name].float()
    side, wanted = (round(table.shape[1] ** 0.5) for table in (places, model.get_parameter(name)))
    square = places.transpose(1, 2).unflatten(2, (side, side))
    resized = functional.interpolate(square, size=(wanted, wanted), mode="bicubic", align_corners=False)
    weights[name] = resized.flatten(2).transpose(1, 2)
    model.load_state_dict(weights)


def tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with the 256 bytes (inside and at the end of a word) as its whole vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=TEXT)


def processor(side: int = SIDE) -> Sam3Processor:
    """What prepares pictures and words for the small model, at run time and in training alike."""
    images = Sam3ImageProcessor(
        size={"height": side, "width": side}, mask_size={"height": cells(side), "width": cells(side)}
    )
    return Sam3Processor(images, tokenizer())


@dataclass
class EveryLayer:
    """Outputs after each of L decoder layers for N prompts; boxes xyxy in 0..1.

    Attributes:
        logits: (L, N, Q); boxes: (L, N, Q, 4); presence: (L, N, 1).
        embeddings: (L, K, Q, C) to be multiplied with `pixels` (K, C, M, M): the masks' logits but for
        offsets: (L, K, Q, 1), to be added.
        semantic: (K, 1, M, M) logits of "belongs to some instance".
        tokens: (N, C, M / 4, M / 4), the encoder's view of the patches, the words taken in.

    `embeddings`, `offsets`, `pixels` and `semantic` are of the K prompts whose masks were asked for; None
    where there are none.
    """

    logits: torch.Tensor
    boxes: torch.Tensor
    presence: torch.Tensor
    tokens: torch.Tensor
    embeddings: torch.Tensor | None = None
    offsets: torch.Tensor | None = None
    pixels: torch.Tensor | None = None
    semantic: torch.Tensor | None = None


def run_every_layer(
    model: Sam3Model,
    levels: tuple[torch.Tensor, ...],
    positions: tuple[torch.Tensor, ...],
    text: dict[str, torch.Tensor],
    exemplars: tuple[torch.Tensor, torch.Tensor] | None,
    masks: slice | None = EVERY,
) -> EveryLayer:
    """`Sam3Model.forward` from its pyramid on, keeping what the intermediate layers say (deep supervision).

    Args:
        model: The model.
        levels: The three finest levels of the pyramid, one row per prompt.
        positions: Their position encodings, likewise.
        text: `input_ids` and `attention_mask` (N, T).
        exemplars: Boxes (N, 1, 4) cxcywh in 0..1 and labels (N, 1), -10 for none.
        masks: The prompts to draw masks for, which is half of the work; None: for none.
    """
    words = model.get_text_features(**text).pooler_output
    mask = text["attention_mask"].bool()
    if exemplars is not None:
        # torchvision's roi_align has no bfloat16 kernel on CPUs.
        with torch.autocast(words.device.type, enabled=False):
            shown = model.geometry_encoder(
                box_embeddings=exemplars[0],
                box_mask=exemplars[1] != -10,
                box_labels=exemplars[1].clamp(min=0),
                img_feats=tuple(level.float() for level in levels),
                img_pos_embeds=tuple(place.float() for place in positions),
            )
        words = torch.cat([words, shown.last_hidden_state], 1)
        mask = torch.cat([mask, shown.attention_mask], 1)
    encoded = model.detr_encoder(
        vision_features=[levels[-1]], text_features=words, vision_pos_embeds=[positions[-1]], text_mask=mask
    )
    decoded = model.detr_decoder(
        vision_features=encoded.last_hidden_state,
        text_features=encoded.text_features,
        vision_pos_encoding=encoded.pos_embeds_flattened,
        text_mask=mask,
        spatial_shapes=encoded.spatial_shapes,
    )
    queries = decoded.intermediate_hidden_states
    offsets = model.detr_decoder.box_head(queries)
    boxes = box_cxcywh_to_xyxy((inverse_sigmoid(decoded.reference_boxes) + offsets).float().sigmoid())
    logits = model.dot_product_scoring(queries, encoded.text_features, mask).squeeze(-1)
    out = EveryLayer(
        logits=logits.float(),
        boxes=boxes,
        presence=decoded.presence_logits.float(),
        tokens=encoded.last_hidden_state.transpose(1, 2).unflatten(2, levels[-1].shape[-2:]),
    )
    if masks is None:
        return out
    seen = encoded.last_hidden_state[masks]
    words, mask = words[masks], mask[masks]
    decoder = model.mask_decoder
    attended, _ = decoder.prompt_cross_attn(
        query=decoder.prompt_cross_attn_norm(seen),
        key=words,
        value=words,
        attention_mask=create_bidirectional_mask(
            config=decoder.config,
            inputs_embeds=seen,
            encoder_hidden_states=words,
            attention_mask=mask,
        ),
    )
    pixels = decoder._embed_pixels([level[masks] for level in levels], seen + attended)
    # The projection of every pixel is moved over to the few queries: e.(Wp + b) = (eW).p + e.b
    projection = decoder.instance_projection
    assert projection.bias is not None
    embeddings = decoder.mask_embedder(queries[:, masks])
    return replace(
        out,
        embeddings=embeddings @ projection.weight[:, :, 0, 0],
        offsets=(embeddings @ projection.bias[:, None]).float(),
        pixels=pixels,
        semantic=decoder.semantic_projection(pixels).float(),
    )


def coarse_masks(out: EveryLayer) -> torch.Tensor:
    """Mask logits (L, K, Q, M/4, M/4) at a resolution that is good enough to match by."""
    assert out.pixels is not None
    assert out.embeddings is not None
    assert out.offsets is not None
    pooled = functional.avg_pool2d(out.pixels.float(), 4)
    return torch.einsum("lnqc,nchw->lnqhw", out.embeddings.float(), pooled) + out.offsets[..., None]
