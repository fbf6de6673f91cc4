"""When a face is somebody's: threshold, margin and confidence, learnt from the bank's own photos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from ive_segmentation.identity.misplaced import find_misplaced, find_same_person, whom_they_show
from ive_segmentation.identity.space import Floats, Labels, fit_space, member_scores
from ive_segmentation.settings import Measured

FOLDS = 128
"""At most this many refits for known faces and for strangers each, so that a large bank is not slow."""


FEW_NAMED = 0.5
"""Share of a bank's own photos below which something is wrong: a weak pack names 0.68 of the six's."""

RULE = 7
"""Raised whenever `calibrate` gives other numbers for the same photos: older banks are calibrated again."""


@dataclass(frozen=True, eq=False)
class Trials:
    """Faces put to the bank as if they were new."""

    similarity: Floats
    """(T,) score of the best member."""
    rival: Floats
    """(T,) score of the runner-up."""
    right: NDArray[np.bool_]
    """(T,) whether the best member is the true one; never for a stranger."""
    stranger: NDArray[np.bool_]
    """(T,) whether the face's own member was taken out of the bank."""

    @property
    def lead(self) -> Floats:
        """(T,) how far the best member is ahead of the runner-up."""
        return self.similarity - self.rival


@dataclass(frozen=True)
class Reliability:
    """How well the confidence agrees with how often names are right."""

    error: float
    """Expected calibration error over ten bins (Naeini et al., AAAI 2015), 0 to 1."""
    said: tuple[float, ...]
    """Mean confidence of each bin that holds a face."""
    right: tuple[float, ...]
    """Share of the bin's faces that were named rightly."""
    weights: tuple[float, ...]
    """The bin's share of all faces."""


@dataclass(frozen=True)
class Calibration:
    """What a score means in this bank."""

    threshold: float
    """A face that scores less is Unknown."""
    margin: float
    """So is one that is not this far ahead of the runner-up."""
    bias: float
    """Confidence is the logistic of bias + slope * similarity + lead_slope * lead."""
    slope: float
    """Log-odds per unit of similarity."""
    lead_slope: float
    """Log-odds per unit of lead."""
    false_accepts: float
    """The share of strangers' faces that may be named, as it was asked for, 0 to 1."""
    origin: str
    """Where the numbers come from, in words."""
    warning: str | None = None
    """What the user should know of them; None where all is well."""
    rule: int = 0
    """`RULE` of the program that calibrated; 0 in banks from before it was kept."""

    def confidence(self, similarity: Any, lead: Any) -> Any:
        """Probability that the best member is the true one.

        Args:
            similarity: Its score, a number or an array.
            lead: How far it is ahead of the runner-up.

        Returns:
            0 to 1, in the shape of the arguments.
        """
        return expit(self.log_odds(similarity, lead))

    def log_odds(self, similarity: Any, lead: Any) -> Any:
        """The same as the logarithm of its odds, in which looks at one face add up.

        Args:
            similarity: The member's score, a number or an array.
            lead: How far it is ahead of the best other one; negative where it is behind.

        Returns:
            Positive where it is rather this member than not, in the shape of the arguments.
        """
        return self.bias + self.slope * similarity + self.lead_slope * lead


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], stranger: NDArray[np.bool_]
) -> Reliability:
    """Compare what the confidence said with what was right.

    Args:
        confidence: (T,) 0 to 1.
        right: (T,) whether the name was right; never for a stranger.
        stranger: (T,) which faces are strangers'; they count as much as all known faces together, as when
            the confidence was fitted.

    Returns:
        The curve and its error.
    """
    weights = np.where(stranger, 0.5 / max(stranger.sum(), 1), 0.5 / max((~stranger).sum(), 1))
    weights /= weights.sum()
    bins = np.minimum((confidence * 10).astype(int), 9)
    curve = [
        (
            float(np.average(confidence[held], weights=weights[held])),
            float(np.average(right[held], weights=weights[held])),
            float(weights[held].sum()),
        )
        for held in (bins == place for place in range(10))
        if held.any()
    ]
    said, was, weight = zip(*curve, strict=True)
    error = sum(abs(a - b) * share for a, b, share in curve)
    return Reliability(error, said, was, weight)


def leave_one_out(probes: Floats, gallery: Floats, labels: Labels) -> Floats:
    """Score each photo against the bank without it; the space is fitted without it too.

    Args:
        probes: (N, D) the photos' faces as they would be seen in a new picture.
        gallery: (N, D) the same faces as the bank keeps them.
        labels: (N,) the member of each, 0 to K - 1.

    Returns:
        (N, K) scores; minus one where a member has no other photo.
    """
    members = int(labels.max()) + 1
    scores = np.full((len(labels), members), -1.0, np.float32)
    for away in _folds(np.arange(len(labels)), min(len(labels), FOLDS)):
        if not away.all():
            scores[away] = _ask(probes[away], gallery[~away], labels[~away], members)
    return scores


def run_trials(probes: Floats, gallery: Floats, labels: Labels, known: Floats) -> Trials:
    """Put each photo to the bank twice: without that photo, and without all photos of its member.

    Members left out one at a time are the hardest strangers there are: they look like the rest of the group.
    Photos that are probably in the wrong folder are not asked as strangers: whoever they show may well be in
    the bank when "their" member is away. And a member is no stranger while a second folder shows her, so all
    folders that seem to be the same person's are taken out together.

    Args:
        probes: (N, D) the photos' faces as they would be seen in a new picture.
        gallery: (N, D) the same faces as the bank keeps them.
        labels: (N,) the member of each, 0 to K - 1.
        known: (N, K) from `leave_one_out`.

    Returns:
        N trials of known faces, then those of strangers (none with fewer than three members).
    """
    members = int(labels.max()) + 1
    misplaced = find_misplaced(known, labels)
    doubtful = np.isin(np.arange(len(labels)), list(misplaced))
    shown = whom_they_show(labels, misplaced)
    same = np.eye(members, dtype=bool)
    for one, other in find_same_person(known, labels):
        same[one, other] = same[other, one] = True
    strangers = [np.zeros((0, members), np.float32)]
    if members > 2:
        for away in _folds(labels, min(members, FOLDS)):
            asked = away & ~doubtful
            hers = np.flatnonzero(same[labels[away]].any(axis=0))
            there = ~(away | np.isin(shown, hers))
            if len(np.unique(labels[there])) > 1:  # the lead over nobody is no lead
                strangers.append(_ask(probes[asked], gallery[there], labels[there], members))
    scores = np.concatenate([known, *strangers])
    ranked = np.sort(scores, axis=1)
    stranger = np.arange(len(scores)) >= len(known)
    right = np.zeros(len(scores), bool)
    right[: len(known)] = known.argmax(axis=1) == labels
    rival = ranked[:, -2] if members > 1 else np.full(len(ranked), -1.0, np.float32)
    return Trials(ranked[:, -1], rival, right, stranger)


def calibrate(trials: Trials, photos: int, members: int, false_accepts: float) -> Calibration:
    """Derive threshold, margin and confidence.

    The margin is the lead that `margin_quantile` of the strangers do not have; the threshold is then the
    score that no more than the wanted share of all strangers exceed. Where nearly all known faces score more
    than that, it is moved up into the gap, nearer to the known: the few strangers a bank can play with itself
    do not show how like a member the next one may look, and a guess is worse than "Unknown". The confidence
    is a logistic regression on score and lead over known faces and strangers in equal weight.

    Args:
        trials: From `run_trials`.
        photos: How many photos the bank has; it is not `too_small`.
        members: How many members.
        false_accepts: Share of strangers that may be named, 0 to 1.

    Returns:
        The calibration; where no photo is in the right folder, the stated defaults and a warning.
    """
    strangers, known = trials.stranger, ~trials.stranger
    if not strangers.any():
        return replace(
            default_calibration(false_accepts),
            origin="default: no photo is surely of its folder's member",
            warning="Photos are as like other folders' as their own: threshold and margin are defaults. "
            "Give each member a folder of her own; one folder for each occasion does not work.",
        )
    lead = trials.lead
    margin = float(np.quantile(lead[strangers], Measured.margin_quantile))
    clear = np.where(lead[strangers] >= margin, trials.similarity[strangers], -1.0)
    allowed = min(int(false_accepts * strangers.sum()), int((clear > -1.0).sum()) - 1)
    threshold = float(np.nextafter(np.sort(clear)[::-1][allowed], np.float32(2)))
    if (known & trials.right).any():
        least_known = float(np.quantile(trials.similarity[known & trials.right], Measured.gap_quantile))
        threshold += Measured.gap_share * max(least_known - threshold, 0.0)
    bias, slope, lead_slope = _logistic(trials)
    named = known & trials.right & (trials.similarity >= threshold) & (lead >= margin)
    share = named.sum() / max(known.sum(), 1)
    warnings = []
    if allowed == 0:
        warnings.append(
            f"{int(strangers.sum())} photos cannot show a false-accept rate of {false_accepts:.1%}, and more "
            "strangers may be named. Add photos, or allow a higher rate."
        )
    if share < FEW_NAMED:
        warnings.append(
            f"Only {share:.0%} of the bank's own photos are named, and many faces will be Unknown: members "
            "look alike to the face models, or a folder holds somebody else. Look through the folders."
        )
    origin = (
        f"calibrated on {photos} photos of {members} members for {false_accepts:.1%} false accepts; "
        f"names {share:.0%} of them"
    )
    warning = " ".join(warnings) or None
    return Calibration(threshold, margin, bias, slope, lead_slope, false_accepts, origin, warning, RULE)


def default_calibration(false_accepts: float) -> Calibration:
    """What holds where the bank is too small to calibrate itself.

    Args:
        false_accepts: The rate that was asked for.

    Returns:
        The threshold and margin of `Measured`, with a warning that says so.
    """
    slope = Measured.match_slope
    return Calibration(
        threshold=Measured.match_threshold,
        margin=Measured.match_margin,
        bias=-slope * Measured.match_threshold,
        slope=slope,
        lead_slope=0.0,
        false_accepts=false_accepts,
        origin="default: too few photos to calibrate",
        warning=(
            f"The bank is too small to calibrate itself, which takes {Measured.calibration_members} members "
            f"with {Measured.calibration_photos} photos each: threshold {Measured.match_threshold} and "
            f"margin {Measured.match_margin} are defaults. With more photos more faces are named."
        ),
        rule=RULE,
    )


def _folds(groups: NDArray[np.intp], folds: int) -> list[NDArray[np.bool_]]:
    return [groups % folds == fold for fold in range(folds)]


# The matrices are small and many: on a busy machine several threads wait for each other most of the time.
@threadpool_limits.wrap(limits=1)
def _ask(probes: Floats, gallery: Floats, labels: Labels, members: int) -> Floats:
    present, there = np.unique(labels, return_inverse=True)
    space = fit_space(gallery, there)
    scores = np.full((len(probes), members), -1.0, np.float32)
    scores[:, present] = member_scores(space.project(probes) @ space.project(gallery).T, there, len(present))
    return scores


def _logistic(trials: Trials) -> tuple[float, float, float]:
    features = np.stack([np.ones(len(trials.right)), trials.similarity, trials.lead], axis=1)
    signs = np.where(trials.right, 1.0, -1.0)
    weights = np.where(trials.stranger, 0.5 / trials.stranger.sum(), 0.5 / (~trials.stranger).sum())

    def loss(slopes: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        agreed = signs * (features @ slopes)
        # A little ridge keeps the slopes finite where known faces and strangers do not overlap at all.
        value = weights @ np.logaddexp(0, -agreed) + 1e-5 * slopes @ slopes
        return float(value), 2e-5 * slopes - (weights * signs * expit(-agreed)) @ features

    # Neither a better score nor a longer lead may speak against a name, as they can in a few photos.
    bounds = Bounds([-np.inf, 0.0, 0.0], np.inf)
    fitted = minimize(
        loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}
    )
    bias, slope, lead_slope = fitted.x
    return float(bias), float(slope), float(lead_slope)
