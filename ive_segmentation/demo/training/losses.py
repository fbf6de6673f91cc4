"""SAM 3's losses on every decoder layer: DETR's set prediction, masks, presence, and two dense helpers."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch.nn import functional

from ive_segmentation.demo.things import CONCEPTS
from ive_segmentation.demo.training.batches import Batch
from ive_segmentation.demo.training.small_sam3 import EveryLayer, coarse_masks

WEIGHTS = {
    "class": 1.5,
    "box": 5.0,
    "giou": 2.0,
    "mask": 5.0,
    "dice": 3.0,
    "coarse mask": 3.0,
    "coarse dice": 2.0,
    "presence": 1.0,
    "semantic": 2.0,
    "dense": 1.0,
    "extent": 3.0,
    "align": 2.0,
    "spot": 2.0,
    "spot box": 3.0,
    "spot giou": 2.0,
}
"""Weights of the terms: DETR's (Carion et al. 2020) where it has them."""


def _cxcywh(boxes: torch.Tensor) -> torch.Tensor:
    return torch.cat([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], -1)


def _giou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Generalised IoU of boxes xyxy whose leading axes broadcast."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return inter / (union + 1e-6) - (hull - union) / (hull + 1e-6)


def _dice(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    p = logits.sigmoid()
    return 1 - (2 * (p * target).sum(-1) + 1) / (p.sum(-1) + target.sum(-1) + 1)


def _entropy(logits: torch.Tensor, target: torch.Tensor, stress: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each mask's pixels, each counted `stress` times, over their number."""
    return functional.binary_cross_entropy_with_logits(logits, target, stress, reduction="none").mean(-1)


@torch.no_grad()
def match(
    out: EveryLayer,
    boxes: torch.Tensor,
    counts: list[int],
    coarse: torch.Tensor | None,
    small: torch.Tensor,
    drawn: slice,
) -> torch.Tensor:
    """The query of each target, after each layer: (L, N, T) int64, the cheapest assignment (Hungarian).

    Args:
        out: What the model says.
        boxes: (N, T, 4), padded.
        counts: How many of the T are real.
        coarse: (L, K, Q, P) mask logits of the prompts that have masks, by patch; None where none has.
        small: (K, T, P) their true masks, padded, 0 to 1.
        drawn: Which prompts these are.
    """
    layers, prompts, _, _ = out.boxes.shape
    cost = (-2 * out.logits.sigmoid())[..., None].repeat(1, 1, 1, boxes.shape[1])
    if coarse is not None:
        shapes = coarse.sigmoid()
        both = torch.einsum("lkqp,ktp->lkqt", shapes, small)
        total = shapes.sum(-1)[..., None] + small.sum(-1)[None, :, None]
        cost[:, drawn] -= 3 * ((2 * both + 1) / (total + 1))
    cost = cost + 5 * (_cxcywh(out.boxes)[..., None, :] - _cxcywh(boxes)[None, :, None]).abs().sum(-1)
    cost -= 2 * _giou(out.boxes[..., None, :], boxes[None, :, None])
    table = torch.nan_to_num(cost, 1e4).cpu().numpy()
    chosen = np.zeros((layers, prompts, boxes.shape[1]), np.int64)
    for n, count in enumerate(counts):
        for layer in range(layers if count else 0):
            queries, target = linear_sum_assignment(table[layer, n, :, :count])
            chosen[layer, n, target] = queries
    return torch.from_numpy(chosen).to(out.boxes.device)


def padded(values: torch.Tensor, counts: list[int], most: int, filler: float) -> torch.Tensor:
    """What each prompt has, side by side: (N, T, ...), where T is what the richest has, but at least 1.

    Args:
        values: (n, ...), prompt by prompt.
        counts: Of N prompts, how many of the n are theirs.
        most: Bounds T; what a prompt has beyond it is left out.
        filler: What stands where a prompt has less than T.
    """
    each = torch.tensor(counts)
    rows = torch.arange(len(counts)).repeat_interleave(each)
    places = torch.arange(len(rows)) - (each.cumsum(0) - each)[rows]
    fitting = places < most
    shape = (len(counts), max(1, min(most, max(counts))), *values.shape[1:])
    out = torch.full(shape, filler, dtype=values.dtype, device=values.device)
    # All at once: on a GPU every assignment takes as long to start as a prompt's takes to do.
    out[rows[fitting].to(out.device), places[fitting].to(out.device)] = values[fitting.to(out.device)]
    return out


def dense_losses(dense: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """The terms of the auxiliary head, whose output (B, C + 4, M, M) holds class logits and extents.

    They teach the vision encoder all concepts of a picture at once, before any prompt can be answered.
    """
    logits, reach = dense.float().split([dense.shape[1] - 4, 4], 1)
    truth = batch.extents.to(dense.device)
    owned = ~truth.isnan()
    return {
        "dense": functional.cross_entropy(logits, batch.classes.to(dense.device)),
        "extent": functional.smooth_l1_loss(reach[owned], truth[owned], beta=0.1)
        if owned.any()
        else reach.sum() * 0,
    }


def concept_cover(batch: Batch) -> torch.Tensor:
    """How much of each patch every concept covers, (B, len(CONCEPTS), M / 4, M / 4) float32, 0 to 1."""
    cover = functional.one_hot(batch.classes, len(CONCEPTS) + 1)[..., 1:].permute(0, 3, 1, 2).float()
    cover[:, CONCEPTS.index("person")] = (~batch.extents[:, 0].isnan()).float()
    cover[:, CONCEPTS.index("face")] += cover[:, CONCEPTS.index("glasses")]
    return functional.avg_pool2d(cover, 4)


def alignment_loss(
    coarse: torch.Tensor, words: torch.Tensor, scale: torch.Tensor, batch: Batch
) -> torch.Tensor:
    """Ask of every patch and every concept whether the patch's feature points where the word's does.

    Told this directly, the model learns within minutes what the words mean; from the prompts' answers
    alone that takes it most of an hour (the trial's plateau).

    Args:
        coarse: (B, C, M / 4, M / 4), the pyramid's coarsest level, which meets the text in the encoder.
        words: (len(CONCEPTS), C), a text feature for every concept.
        scale: (2,) factor and offset from cosine to logit.
        batch: The truth.
    """
    cosine = torch.einsum(
        "bchw,kc->bkhw",
        functional.normalize(coarse.float(), dim=1),
        functional.normalize(words.float(), dim=1),
    )
    truth = concept_cover(batch).to(coarse.device)
    logits = cosine * scale[0] + scale[1]
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    # Common and rare concepts weigh alike: each by how much of it there is in the batch.
    positive = (entropy * truth).sum((0, 2, 3)) / (truth.sum((0, 2, 3)) + 1)
    negative = (entropy * (1 - truth)).sum((0, 2, 3)) / ((1 - truth).sum((0, 2, 3)) + 1)
    # A cosine leaves the length free, and the decoder's attention, which does not normalise what it looks
    # at, saturates when it drifts (seen: logits of standard deviation 150, hardly any entropy).
    length = coarse.float().square().mean().log().square()
    return positive.mean() + 3 * negative.mean() + 0.1 * length


def spot_losses(
    spots: torch.Tensor, boxes: torch.Tensor, masks: torch.Tensor, real: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Every patch says whether it shows an answer and where its box is: dense lessons for the encoder.

    One query per answer is little to learn from; heads like this one, asked of every patch, make
    detection transformers learn several times sooner (Co-DETR, Zong et al. 2023).

    Args:
        spots: (N, 5, M / 4, M / 4): a logit, and how far the box reaches left, up, right and down, before
            a softplus.
        boxes: (N, T, 4) xyxy in 0..1, padded.
        masks: (N, T, M, M), padded.
        real: (N, T), which targets are.
    """
    side = spots.shape[-1]
    cover = functional.avg_pool2d(masks, 4) * real[..., None, None]
    most, whose = cover.max(1)
    shown = most > 0.3
    entropy = functional.binary_cross_entropy_with_logits(spots[:, 0], most.clamp(0, 1), reduction="none")
    weight = (spots[:, 0].sigmoid() - most).abs().detach() ** 1.5
    terms = {"spot": (entropy * weight).sum() / (most.sum() + 1)}
    middle = (torch.arange(side, device=spots.device) + 0.5) / side
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    here = torch.stack([x, y, x, y], -1)
    sign = torch.tensor([-1, -1, 1, 1], device=spots.device)
    reach = functional.softplus(spots[:, 1:].permute(0, 2, 3, 1) - 2)
    predicted = (here + sign * reach)[shown]
    place = whose.flatten(1)[..., None].expand(-1, -1, 4)
    truth = torch.gather(boxes, 1, place).unflatten(1, (side, side))[shown]
    count = max(1, int(shown.sum()))
    terms["spot box"] = (predicted - truth).abs().sum() / count
    terms["spot giou"] = (1 - _giou(predicted, truth)).sum() / count
    return terms


def losses(
    out: EveryLayer, spots: torch.Tensor | None, batch: Batch, most: int, drawn: slice
) -> dict[str, torch.Tensor]:
    """The terms of the prompts' answers, unweighted.

    Args:
        out: What the model says.
        spots: As in `spot_losses`; None for no terms of theirs.
        batch: The truth.
        most: Bounds the targets of one prompt (the number of queries does in any case).
        drawn: The prompts that `out` has masks for.
    """
    device = out.boxes.device
    counts = [min(count, most) for count in batch.counts]
    boxes = padded(batch.boxes.to(device), batch.counts, most, 0.5)
    masks = padded(batch.masks.to(device).float() / 255, batch.counts, most, 0.0)
    weights = padded(batch.weights.to(device), batch.counts, most, 0.0)
    real = weights > 0
    layers = out.boxes.shape[0]
    total = max(1, sum(counts)) * layers
    coarse = None if out.pixels is None else coarse_masks(out).flatten(3)
    small = functional.avg_pool2d(masks[drawn], 4).flatten(2)
    chosen = match(out, boxes, counts, coarse, small, drawn)

    hit = torch.zeros_like(out.logits)
    hit.scatter_add_(2, chosen, real.float().expand(layers, -1, -1))
    hit.clamp_(max=1)
    counted = torch.ones_like(out.logits)
    counted.scatter_add_(2, chosen, ((weights - 1) * real).expand(layers, -1, -1))
    there = real.any(1)
    terms: dict[str, torch.Tensor] = {}
    # A query is asked "are you one of them?" only where there are some; "are there any?" is the presence's
    # question. So the product of the two is a probability (SAM 3's presence head, Carion et al. 2025).
    entropy = functional.binary_cross_entropy_with_logits(out.logits, hit, counted, reduction="none")
    terms["class"] = entropy[:, there].sum() / total

    predicted = torch.gather(out.boxes, 2, chosen[..., None].expand(-1, -1, -1, 4))
    terms["box"] = ((_cxcywh(predicted) - _cxcywh(boxes)).abs().sum(-1) * weights).sum() / total
    terms["giou"] = ((1 - _giou(predicted, boxes)) * weights).sum() / total

    present = there.float()[None, :, None].expand_as(out.presence)
    terms["presence"] = functional.binary_cross_entropy_with_logits(out.presence, present)
    if spots is not None:
        terms |= spot_losses(spots, boxes, masks, real)
    if coarse is not None:
        stress = batch.stress.to(device).repeat_interleave(len(counts) // len(batch.stress), 0)[drawn]
        terms |= mask_losses(out, coarse, small, masks[drawn], stress, chosen[:, drawn], weights[drawn])
    return terms


def mask_losses(
    out: EveryLayer,
    coarse: torch.Tensor,
    small: torch.Tensor,
    masks: torch.Tensor,
    stress: torch.Tensor,
    chosen: torch.Tensor,
    weights: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The terms of the masks, unweighted, for the D prompts that have some.

    Args:
        out: What the model says, with masks.
        coarse: (L, D, Q, m*m) logits at the patches' resolution.
        small: (D, N, m*m) float32, the truth at that resolution.
        masks: (D, N, M, M) float32, the truth.
        stress: (D, M, M) float32, how much each pixel counts.
        chosen: (L, D, N) int64, the query of each target.
        weights: (D, N) float32, how much each target counts; 0 where there is none.
    """
    assert out.pixels is not None
    assert out.embeddings is not None
    assert out.offsets is not None
    assert out.semantic is not None
    layers, real = len(coarse), weights > 0
    keep, shown = real.expand(layers - 1, -1, -1), max(1, int(real.sum()))
    terms: dict[str, torch.Tensor] = {}
    # The layers before the last are shown the patches' masks alone: a sixteenth of the work.
    index = chosen[:-1, ..., None].expand(-1, -1, -1, coarse.shape[-1])
    less = functional.avg_pool2d(stress, 4).flatten(1)[:, None].expand_as(small)
    shapes, truth, counts = (
        torch.gather(coarse[:-1], 2, index)[keep],
        small.expand(layers - 1, -1, -1, -1)[keep],
        less.expand(layers - 1, -1, -1, -1)[keep],
    )
    often = weights.expand(layers - 1, -1, -1)[keep]
    terms["coarse mask"] = (_entropy(shapes, truth, counts) * often).sum() / (shown * layers)
    terms["coarse dice"] = (_dice(shapes, truth) * often).sum() / (shown * layers)

    picked = torch.gather(
        out.embeddings[-1], 1, chosen[-1, ..., None].expand(-1, -1, out.embeddings.shape[-1])
    )
    raised = torch.gather(out.offsets[-1], 1, chosen[-1, ..., None])
    shapes = (torch.bmm(picked, out.pixels.flatten(2).to(picked.dtype)).float() + raised)[real]
    truth = masks.flatten(2)[real]
    counts = stress.flatten(1)[:, None].expand(-1, masks.shape[1], -1)[real]
    terms["mask"] = (_entropy(shapes, truth, counts) * weights[real]).sum() / shown
    terms["dice"] = (_dice(shapes, truth) * weights[real]).sum() / shown

    union = masks.amax(1).flatten(1)
    flat = out.semantic.flatten(1)
    terms["semantic"] = functional.binary_cross_entropy_with_logits(flat, union) + _dice(flat, union)[
        real.any(1)
    ].sum() / len(flat)
    return terms


def weighted(terms: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The terms as the optimiser sees them."""
    return {name: WEIGHTS[name] * value for name, value in terms.items()}
