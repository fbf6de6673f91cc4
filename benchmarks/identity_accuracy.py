"""How well faces are named: `python -m benchmarks.identity_accuracy DATASET --faces PACK`.

Takes any folder with one folder of photos per person, and any face pack. Everything is measured on photos
that the rule has not seen: what is fitted is fitted without them. The plain rules are printed beside it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, groupby
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from ive_segmentation import images
from ive_segmentation.identity.bank import build_bank
from ive_segmentation.identity.calibration import (
    calibrate,
    default_calibration,
    leave_one_out,
    reliability,
    run_trials,
)
from ive_segmentation.identity.faces import FaceModel, load_faces
from ive_segmentation.identity.gallery import Gallery, load_gallery
from ive_segmentation.identity.matching import match_faces, member_log_odds
from ive_segmentation.identity.space import Floats, Labels, fit_space, member_scores, too_small, unit
from ive_segmentation.settings import Measured, Settings
from ive_segmentation.video.names import Names

Interval = tuple[float, float, float]
Rule = Callable[[Floats, Floats, Labels], Floats]

RATES = (0.01, 0.05)
TILE = 512
GROUP = 6
ROUNDS = 3
DRAWS = 1000
LOOKS = 3
TRACKS = (1, 2, 3, 5)
"""Looks at a face in a video."""
TRACKS_DRAWN = 30
PARTS = 3
"""Photos are dealt into so many parts; each in turn is met by a bank of the rest."""
SMALL = (
    *((1,), (5,), (15,), (3,) * 2, (13,) * 2, (4,) * 3, (9,) * 3, (13,) * 3, (8,) * 4, (13,) * 5),
    *((16, 4, 4, 4, 4), (16, 16, 3, 3, 3), (16, 16, 16, 3, 3)),
)
"""Photos of each member in banks of few."""
SMALL_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Faces:
    """The gallery's faces as the rules need them."""

    plain: Floats
    mirrored: Floats
    labels: Labels
    members: int


def nearest(probes: Floats, gallery: Floats, labels: Labels) -> Floats:
    """The plain rule: a member's score is the similarity of the nearest photo."""
    similarities = probes @ gallery.T
    return np.stack([similarities[:, labels == k].max(axis=1) for k in range(labels.max() + 1)], axis=1)


def three_best(probes: Floats, gallery: Floats, labels: Labels) -> Floats:
    """The mean of each member's three best similarities, nothing fitted."""
    return member_scores(probes @ gallery.T, labels, int(labels.max()) + 1)


def program(probes: Floats, gallery: Floats, labels: Labels) -> Floats:
    """The program's rule: the mean of the three best in a space fitted to the gallery."""
    space = fit_space(gallery, labels)
    return three_best(space.project(probes), space.project(gallery), labels)


RULES: dict[str, tuple[Rule, bool, bool]] = {
    # The rule, whether the gallery is averaged with mirror images, whether a margin is asked for.
    "nearest neighbour": (nearest, False, False),
    "three best": (three_best, False, False),
    "three best, mirrored gallery": (three_best, True, False),
    "program": (program, True, True),
}


def wilson(hits: int, trials: int) -> Interval:
    """Share and its 95% interval (Wilson 1927)."""
    z, share = 1.96, hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
    return share, float(middle - half), float(middle + half)


def closed_set(rule: Rule, faces: Faces, gallery: Floats) -> Interval:
    """Leave one photo out: how often the best member is the right one."""
    right = 0
    for row in range(len(faces.labels)):
        rest = np.arange(len(faces.labels)) != row
        scores = rule(faces.plain[row : row + 1], gallery[rest], faces.labels[rest])
        right += int(scores[0].argmax() == faces.labels[row])
    return wilson(right, len(faces.labels))


@dataclass(frozen=True, eq=False)
class OpenSet:
    """Trials with one member away: known faces (their photo left out) and her photos as strangers."""

    score: Floats
    lead: Floats
    right: NDArray[np.bool_]
    stranger: NDArray[np.bool_]

    def rate(self, false_accepts: float, margin_quantile: float | None, rows: Any = slice(None)) -> float:
        """Share of known faces that are named, and rightly, where that share of strangers is named."""
        score, lead = self.score[rows], self.lead[rows]
        right, stranger = self.right[rows], self.stranger[rows]
        margin = 0.0 if margin_quantile is None else np.quantile(lead[stranger], margin_quantile)
        clear = np.where(lead >= margin, score, -1.0)
        threshold = np.sort(clear[stranger])[::-1][int(false_accepts * stranger.sum())]
        return float((right & (clear > threshold))[~stranger].mean())

    def interval(self, false_accepts: float, margin_quantile: float | None) -> Interval:
        """The rate and its 95% bootstrap interval, known faces and strangers drawn anew."""
        random = np.random.default_rng(0)
        known, strangers = np.flatnonzero(~self.stranger), np.flatnonzero(self.stranger)
        drawn = [
            self.rate(
                false_accepts,
                margin_quantile,
                np.concatenate([random.choice(known, len(known)), random.choice(strangers, len(strangers))]),
            )
            for _ in range(DRAWS)
        ]
        low, high = np.quantile(drawn, (0.025, 0.975))
        return self.rate(false_accepts, margin_quantile), float(low), float(high)


def open_set(rule: Rule, faces: Faces, gallery: Floats) -> OpenSet:
    """Leave one member out at a time."""
    rows: list[tuple[float, float, bool, bool]] = []
    for away in range(faces.members):
        there = faces.labels != away
        labels = faces.labels - (faces.labels > away)
        for row in range(len(labels)):
            rest = there & (np.arange(len(labels)) != row)
            scores = rule(faces.plain[row : row + 1], gallery[rest], labels[rest])[0]
            second, first = np.sort(scores)[-2:]
            right = bool(there[row] and scores.argmax() == labels[row])
            rows.append((first, first - second, right, not there[row]))
    score, lead, right_, stranger = (np.array(column) for column in zip(*rows, strict=True))
    return OpenSet(score, lead, right_.astype(bool), stranger.astype(bool))


def as_deployed(faces: Faces, false_accepts: float) -> dict[str, Any]:
    """Calibrate on five members, and meet the sixth: what the bank promises against what happens."""
    named = known = accepted = strangers = 0
    confidence: list[float] = []
    truth: list[bool] = []
    strange: list[bool] = []
    for away in range(faces.members):
        there = faces.labels != away
        labels = (faces.labels - (faces.labels > away))[there]
        plain, gallery = faces.plain[there], faces.mirrored[there]
        trials = run_trials(plain, gallery, labels, leave_one_out(plain, gallery, labels))
        calibration = calibrate(trials, len(labels), faces.members - 1, false_accepts)
        ranked = np.sort(program(faces.plain[~there], gallery, labels), axis=1)
        score, lead = ranked[:, -1], ranked[:, -1] - ranked[:, -2]
        accepted += int(((score >= calibration.threshold) & (lead >= calibration.margin)).sum())
        strangers += len(score)
        own = ~trials.stranger
        passed = (trials.similarity >= calibration.threshold) & (trials.lead >= calibration.margin)
        named += int((passed & trials.right)[own].sum())
        known += int(own.sum())
        confidence += [
            *calibration.confidence(score, lead),
            *calibration.confidence(trials.similarity[own], trials.lead[own]),
        ]
        truth += [*np.zeros(len(score), bool), *trials.right[own]]
        strange += [*np.ones(len(score), bool), *np.zeros(int(own.sum()), bool)]
    curve = reliability(np.array(confidence), np.array(truth), np.array(strange))
    return {
        "named": named / known,
        "strangers_named": accepted / strangers,
        "expected_calibration_error": curve.error,
        "reliability": asdict(curve),
    }


def small_banks(gallery: Gallery, sizes: Sequence[tuple[int, ...]] = SMALL) -> dict[str, dict[str, float]]:
    """Banks of few members and photos, drawn at random, that meet everybody else's photos one by one."""
    random = np.random.default_rng(0)
    met: dict[str, dict[str, float]] = {}
    for photos in sizes:
        known: list[bool] = []
        strangers: list[bool] = []
        for _ in range(SMALL_ROUNDS):
            there = random.choice(len(gallery.names), len(photos), replace=False)
            drawn = [random.permutation(gallery.rows[member]) for member in there]
            rows = np.concatenate([own[:count] for own, count in zip(drawn, photos, strict=True)])
            bank = _only(gallery, rows)
            for row in np.setdiff1d(np.arange(len(gallery.photos)), rows):
                match = match_faces(gallery.plain[[row]], bank)[0]
                if gallery.labels[row] in there:
                    known.append(match.member == gallery.members[row])
                else:
                    strangers.append(match.member is not None)
        met[" + ".join(f"{len(list(same))} × {count}" for count, same in groupby(photos))] = {
            "known": float(np.mean(known)),
            "strangers": float(np.mean(strangers)),
            "threshold": bank.calibration.threshold,
        }
    return met


def _only(gallery: Gallery, rows: NDArray[np.intp]) -> Gallery:
    """A bank that was built from some of the photos alone."""
    names, labels = np.unique(gallery.labels[rows], return_inverse=True)
    plain, embeddings = gallery.plain[rows], gallery.embeddings[rows]
    if too_small(np.bincount(labels)):
        calibration = default_calibration(Settings.false_accept_rate)
    else:
        trials = run_trials(plain, embeddings, labels, leave_one_out(plain, embeddings, labels))
        calibration = calibrate(trials, len(rows), len(names), Settings.false_accept_rate)
    counts = dict(zip((gallery.names[name] for name in names), np.bincount(labels).tolist(), strict=True))
    return Gallery(
        embeddings=embeddings,
        plain=plain,
        members=tuple(gallery.members[row] for row in rows),
        photos=tuple(gallery.photos[row] for row in rows),
        boxes=gallery.boxes[rows],
        keypoints=gallery.keypoints[rows],
        sharpness=gallery.sharpness[rows],
        face_counts=gallery.face_counts[rows],
        report=replace(gallery.report, members=counts, calibration=calibration),
    )


def known_again(faces: Faces, lead: float) -> dict[str, float]:
    """Leave two members out at a time, three photos a part, and tell which parts would be one stranger's.

    As `Names` does in a video, but in a video a face changes less than between photos of years.
    """
    random = np.random.default_rng(0)
    joined: dict[str, list[bool]] = {"same": [], "different": []}
    for away in combinations(range(faces.members), 2):
        there = ~np.isin(faces.labels, away)
        labels = np.unique(faces.labels[there], return_inverse=True)[1]
        plain, gallery = faces.plain[there], faces.mirrored[there]
        trials = run_trials(plain, gallery, labels, leave_one_out(plain, gallery, labels))
        calibration = calibrate(trials, len(labels), faces.members - 2, Settings.false_accept_rate)
        points = fit_space(gallery, labels).project(faces.plain)
        for _ in range(ROUNDS):
            mixed = [random.permutation(np.flatnonzero(faces.labels == member)) for member in away]
            parts = [rows[: len(rows) // LOOKS * LOOKS].reshape(-1, LOOKS) for rows in mixed]
            whose = np.repeat(away, [len(part) for part in parts])
            means = unit(points[np.concatenate(parts)].sum(axis=1))
            one, other = np.triu_indices(len(whose), 1)
            alike = (means @ means.T)[one, other] >= calibration.threshold + lead
            same = whose[one] == whose[other]
            joined["same"] += alike[same].tolist()
            joined["different"] += alike[~same].tolist()
    return {which: float(np.mean(pairs)) for which, pairs in joined.items()}


def tracks_named(gallery: Gallery) -> dict[int, dict[str, float]]:
    """Leave one member out, and a part of everybody's photos: how tracks that show these are named.

    Looks are far apart, so each counts in full; but a video's are more alike than photos of years.
    """
    random = np.random.default_rng(0)
    known: dict[int, list[bool]] = {looks: [] for looks in TRACKS}
    strangers: dict[int, list[bool]] = {looks: [] for looks in TRACKS}
    for away in range(len(gallery.names)):
        dealt = [random.permutation(rows) for rows in gallery.rows]
        for part in range(PARTS):
            met = [rows if member == away else rows[part::PARTS] for member, rows in enumerate(dealt)]
            bank = _only(gallery, np.setdiff1d(np.arange(len(gallery.photos)), np.concatenate(met)))
            for member, rows in enumerate(met):
                odds = member_log_odds(gallery.plain[rows], bank)
                for looks in TRACKS:
                    for _ in range(TRACKS_DRAWN):
                        name = _named(bank, odds[random.permutation(len(rows))[:looks]])
                        if member == away:
                            strangers[looks].append(name is not None)
                        else:
                            known[looks].append(name == gallery.names[member])
    return {
        looks: {"known": float(np.mean(known[looks])), "strangers": float(np.mean(strangers[looks]))}
        for looks in TRACKS
    }


def _named(bank: Gallery, odds: Floats) -> str | None:
    """The name of a track whose face said that, every ten seconds."""
    names = Names.of(bank, rate=1.0)
    for second, row in enumerate(odds):
        names.saw(10 * second, [0])
        names.add_look(0, 10 * second, row)
    return names.settle()[0].member


def tiled_groups(dataset: Path, gallery: Gallery, faces: FaceModel) -> dict[str, Interval]:
    """Group pictures tiled from one photo of each of up to six members; those photos leave the gallery."""
    random = np.random.default_rng(0)
    found = right = single = total = 0
    for _ in range(ROUNDS):
        orders = [random.permutation(np.flatnonzero(gallery.labels == k)) for k in range(len(gallery.names))]
        for group in range(max(map(len, orders))):
            chosen = random.permutation([order[group % len(order)] for order in orders])[:GROUP]
            detected = faces.detect(tiles([images.load(dataset / gallery.photos[row]) for row in chosen]))
            owners = [_largest(detected, place) for place in range(len(chosen))]
            seen = [(row, face) for row, face in zip(chosen, owners, strict=True) if face is not None]
            rest = gallery.without({gallery.photos[row] for row in chosen})
            together = match_faces([face for _, face in seen], rest, threshold=-1.0, margin=-2.0)
            apart = match_faces(
                [face for _, face in seen], rest, one_to_one=False, threshold=-1.0, margin=-2.0
            )
            truth = [gallery.members[row] for row, _ in seen]
            right += sum(match.member == name for match, name in zip(together, truth, strict=True))
            single += sum(match.member == name for match, name in zip(apart, truth, strict=True))
            found += len(seen)
            total += len(chosen)
    return {
        "faces found": wilson(found, total),
        "each face alone": wilson(single, found),
        "one to one": wilson(right, found),
        "one to one, of all faces": wilson(right, total),
    }


def tiles(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Up to six pictures in two rows of squares."""
    canvas = np.full((2 * TILE, 3 * TILE, 3), 255, np.uint8)
    for place, picture in enumerate(pictures):
        scale = TILE / max(picture.shape[:2])
        size = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        top, left = TILE * (place // 3), TILE * (place % 3)
        canvas[top : top + size[1], left : left + size[0]] = small
    return canvas


def _largest(detected: list[Any], place: int) -> Any:
    """Of the faces in a tile the largest: the photos are of one person."""
    inside = [
        face
        for face in detected
        if (face.box[0] + face.box[2]) // (2 * TILE) == place % 3
        and (face.box[1] + face.box[3]) // (2 * TILE) == place // 3
    ]
    return max(inside, key=lambda face: face.box[2] - face.box[0], default=None)


def measure(dataset: Path, pack: str, *, quick: bool = False) -> dict[str, Any]:
    models = load_faces(pack)
    with tempfile.TemporaryDirectory() as bank:
        report = build_bank(dataset, models, bank)
        gallery = load_gallery(bank, models.hash)
    faces = Faces(gallery.plain, gallery.embeddings, gallery.labels, len(gallery.names))
    sides = {True: faces.mirrored, False: faces.plain}
    result: dict[str, Any] = {
        "photos": report.photos,
        "left out": {item.photo: item.reason for item in report.left_out},
        "no face found": sum(item.reason == "no face found" for item in report.left_out),
        "closed set": {name: closed_set(rule, faces, sides[side]) for name, (rule, side, _) in RULES.items()},
    }
    if quick:
        return result
    result["open set"] = {}
    for name, (rule, side, margin) in RULES.items():
        trials = open_set(rule, faces, sides[side])
        quantile = Measured.margin_quantile if margin else None
        result["open set"][name] = {rate: trials.interval(rate, quantile) for rate in RATES}
    result["as deployed"] = {rate: as_deployed(faces, rate) for rate in RATES}
    leads = (0.0, Measured.stranger_lead)
    result["known again"] = {lead: known_again(faces, lead) for lead in leads}
    result["small banks"] = small_banks(gallery)
    result["tracks"] = tracks_named(gallery)
    result["tiled groups"] = tiled_groups(dataset, gallery, models)
    result["calibration"] = asdict(report.calibration)
    return result


def _percent(interval: Interval) -> str:
    return f"{interval[0]:6.1%}  ({interval[1]:.1%} to {interval[2]:.1%})"


def main(
    dataset: Annotated[Path, typer.Argument(help="A folder with one folder of photos per person.")],
    faces: Annotated[str, typer.Option(help="Face pack: a name or a folder.")] = Settings.faces,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    quick: Annotated[bool, typer.Option(help="Only leave-one-photo-out.")] = False,
) -> None:
    result = measure(dataset, faces, quick=quick)
    if as_json:
        print(json.dumps(result, indent=1))
        return
    print(f"{result['photos']} photos in the bank, {result['no face found']} without a detectable face")
    for photo, reason in result["left out"].items():
        print(f"  left out: {photo}: {reason}")
    print("\nLeave one photo out, top 1 (95% interval)")
    for name, interval in result["closed set"].items():
        print(f"  {name:30s} {_percent(interval)}")
    if quick:
        return
    print("\nLeave one member out: others named rightly, at that share of her photos named (95% interval)")
    for name, rates in result["open set"].items():
        for rate, interval in rates.items():
            print(f"  {name:30s} at {rate:.0%}: {_percent(interval)}")
    print("\nThe bank calibrates itself on the others, then meets her")
    for rate, values in result["as deployed"].items():
        print(
            f"  asked {rate:.0%}: {values['strangers_named']:.1%} of strangers named, {values['named']:.1%} "
            f"of known faces named rightly, calibration error {values['expected_calibration_error']:.3f}"
        )
    print(f"\nTwo strangers, {LOOKS} photos a part: pairs of parts that would be one person")
    for lead, values in result["known again"].items():
        print(f"  threshold + {lead:.1f}: {values['same']:.1%} of the same, {values['different']:.1%} of two")
    print("\nSmall banks, members × photos of each")
    for size, values in result["small banks"].items():
        print(
            f"  {size:15s} {values['strangers']:.1%} of strangers named, {values['known']:.1%} of known "
            f"faces rightly, threshold {values['threshold']:.2f}"
        )
    print("\nA member away and a third of all photos: tracks of a video that show these")
    for looks, values in result["tracks"].items():
        print(
            f"  {looks} looks: {values['strangers']:.1%} of her tracks named, "
            f"{values['known']:.1%} of the others rightly"
        )
    print("\nGroups of six, tiled from photos that are not in the bank (95% interval)")
    for name, interval in result["tiled groups"].items():
        print(f"  {name:30s} {_percent(interval)}")
    print(f"\n{result['calibration']['origin']}")


if __name__ == "__main__":
    typer.run(main)
