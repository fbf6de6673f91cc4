"""The promises to the user, kept from the picture to the masks, where every right mask is known.

The members are drawn, and the checkpoints are the built-in ones, on a picture in which they make no mistake:
what is tested is everything between a prompt and its answer.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ive_segmentation.demo.drawn import NotDrawnError
from ive_segmentation.demo.truth import Scene
from ive_segmentation.language import Request
from ive_segmentation.loading import load_bank
from ive_segmentation.persons import measured
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.presumed import doubtful
from ive_segmentation.result import Segment
from ive_segmentation.segmentation.sam3 import load_sam3


def _truth(trio: Scene, member: str, thing: str | None) -> np.ndarray:
    place = next(place for place, person in enumerate(trio.persons) if person.identity == member)
    if thing is None:
        return trio.persons[place].mask
    return next(drawn.mask for drawn in trio.things if drawn.owner == place and drawn.concept == thing)


def _iou(segment: Segment, truth: np.ndarray) -> float:
    return float(np.sum(segment.mask & truth) / np.sum(segment.mask | truth))


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("Wonyoung", [("Jang_Wonyoung", None)]),
        ("Wonyoung and Rei", [("Jang_Wonyoung", None), ("Naoi_Rei", None)]),
        ("Wonyoung's shirt", [("Jang_Wonyoung", "shirt")]),
        ("장원영의 셔츠", [("Jang_Wonyoung", "shirt")]),
        ("เสื้อของวอนยอง", [("Jang_Wonyoung", "shirt")]),
        ("ウォニョンのシャツ", [("Jang_Wonyoung", "shirt")]),
        ("Yujin and Rei's shirts", [("An_Yujin", "shirt"), ("Naoi_Rei", "shirt")]),
        ("everyone's shirt", [("Jang_Wonyoung", "shirt"), ("An_Yujin", "shirt"), ("Naoi_Rei", "shirt")]),
        ("everyone except Wonyoung", [("An_Yujin", None), ("Naoi_Rei", None)]),
        ("원영 빼고 모두의 셔츠", [("An_Yujin", "shirt"), ("Naoi_Rei", "shirt")]),
        ("person", [("Jang_Wonyoung", None), ("An_Yujin", None), ("Naoi_Rei", None)]),
        ("shirt", [("Jang_Wonyoung", "shirt"), ("An_Yujin", "shirt"), ("Naoi_Rei", "shirt")]),
    ],
)
def test_a_prompt_gives_the_right_pixels_and_nothing_else(
    pipeline: Pipeline, trio: Scene, prompt: str, wanted: list[tuple[str, str | None]]
) -> None:
    result = pipeline.segment(trio.image, prompt)
    got = {(segment.member, segment.concept): segment for segment in result.segments}
    assert len(result.segments) == len(wanted)
    assert set(got) == {(member, thing or "person") for member, thing in wanted}
    for member, thing in wanted:
        assert _iou(got[member, thing or "person"], _truth(trio, member, thing)) > 0.9
    assert result.messages == ()


def test_a_name_comes_with_its_evidence(pipeline: Pipeline, trio: Scene) -> None:
    result = pipeline.segment(trio.image, "Wonyoung")
    for person in result.persons:
        assert person.match is not None
        assert person.match.evidence
        assert all(photo.photo.startswith(f"{person.member}/") for photo in person.match.evidence)
        assert person.match.similarity > (person.match.runner_up_similarity or 0)


def test_who_is_no_member_is_unknown_and_never_guessed(
    pipeline: Pipeline, trio: Scene, tmp_path: Path
) -> None:
    others = shutil.ignore_patterns("Naoi_Rei")
    dataset = Path(shutil.copytree(pipeline.settings.dataset, tmp_path / "Dataset", ignore=others))
    settings = replace(pipeline.settings, dataset=dataset, bank=str(tmp_path / "bank"))
    assert pipeline.faces is not None
    report, gallery = load_bank(settings, pipeline.faces)
    without_rei = replace(pipeline, settings=settings, gallery=gallery, report=report)
    result = without_rei.segment(trio.image, "strangers")
    (stranger,) = result.segments
    assert stranger.member is None
    assert _iou(stranger, _truth(trio, "Naoi_Rei", None)) > 0.9
    assert without_rei.segment(trio.image, "Rei").messages == ("Rei was not found in this picture.",)


@pytest.mark.parametrize(
    ("chosen", "masks", "names"),
    [
        ({}, True, True),
        ({"faces": "buffalo_l"}, True, False),
        ({"sam3": "facebook/sam3"}, True, True),
        ({"sam3": "facebook/sam3", "faces": "buffalo_l"}, False, False),
        ({"sam3": "~nobody at home/sam3", "faces": "~nobody at home/faces"}, False, False),
    ],
)
def test_what_a_built_in_model_would_say_of_a_photo_is_refused_whoever_chose_it(
    pipeline: Pipeline, chosen: dict[str, str], masks: bool, names: bool
) -> None:
    assert not pipeline.demo
    waves = np.cumsum(np.cumsum(np.random.default_rng(0).normal(size=(200, 300, 3)), 0), 1)
    photo = ((waves - waves.min()) / np.ptp(waves) * 255).astype(np.uint8)
    # What is loaded stays: only where the models are said to come from differs.
    given = replace(pipeline, settings=replace(pipeline.settings, **chosen))  # type: ignore[arg-type]
    for refused, answer in (
        (masks, lambda: given.segment(photo, "person")),
        (names, lambda: given.identify(photo)),
    ):
        with pytest.raises(NotDrawnError, match="IVE_SAM3") if refused else nullcontext():
            answer()


def test_no_bank_of_real_photos_is_built_with_built_in_faces(
    pipeline: Pipeline, real_photos: Path, tmp_path: Path
) -> None:
    assert pipeline.faces is not None
    settings = replace(pipeline.settings, dataset=real_photos, bank=str(tmp_path / "bank"))
    with pytest.raises(NotDrawnError, match="IVE_FACES"):
        load_bank(settings, pipeline.faces)
    assert not (tmp_path / "bank").exists()


def test_what_is_not_there_is_said(pipeline: Pipeline, trio: Scene) -> None:
    assert pipeline.segment(trio.image, "guitar").messages == ("No guitar was found.",)
    assert pipeline.segment(trio.image, "Rei's hat").messages == ("No hat of Rei was found.",)
    assert pipeline.segment(trio.image, "Liz").messages == ("Liz was not found in this picture.",)


def test_of_a_named_person_what_is_less_sure_is_taken_where_nothing_is_surer(
    pipeline: Pipeline, trio: Scene, tmp_path: Path
) -> None:
    assert pipeline.sam3 is not None
    persons = pipeline.segment(trio.image, "person").persons
    shirts = list(pipeline.segment(trio.image, "shirt").segments)
    surest = max(shirt.score for shirt in shirts)
    picky = load_sam3(replace(pipeline.settings, sam3_threshold=surest, word_cache=tmp_path))
    features = picky.encode(trio.image)
    hers = Request(("Jang_Wonyoung",), "shirt")
    crowd = persons, measured(persons)
    (doubted,) = doubtful(picky, features, hers, *crowd, [])
    assert doubted.member == "Jang_Wonyoung"
    assert doubted.score <= picky.threshold
    assert _iou(doubted, _truth(trio, "Jang_Wonyoung", "shirt")) > 0.9
    assert doubtful(picky, features, hers, *crowd, shirts) is shirts
    # Nothing is decided anew of what is sure, but nobody's.
    unowned = [replace(shirt, owner=None, member=None) for shirt in shirts]
    assert doubtful(pipeline.sam3, features, hers, *crowd, unowned) == unowned


def test_a_doubtful_answer_says_so(pipeline: Pipeline, trio: Scene, tmp_path: Path) -> None:
    assert pipeline.sam3 is not None
    hers = min(pipeline.segment(trio.image, "shirt").segments, key=lambda shirt: shirt.score)
    settings = replace(pipeline.settings, sam3_threshold=hers.score, word_cache=tmp_path)
    picky = replace(pipeline, sam3=load_sam3(settings))
    assert hers.member not in {shirt.member for shirt in picky.segment(trio.image, "shirt").segments}
    result = picky.segment(trio.image, f"{hers.member}'s shirt")
    assert [segment.member for segment in result.segments] == [hers.member]
    assert len(result.messages) == 1
    assert "SAM 3 is only" in result.messages[0]


def test_the_second_prompt_looks_at_nothing_again(
    pipeline: Pipeline, trio: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pipeline.segment(trio.image, "Yujin")
    monkeypatch.setattr(pipeline.faces, "detect", None)
    second = pipeline.segment(trio.image, "Yujin")
    assert second.segments[0].mask.tolist() == first.segments[0].mask.tolist()
    assert second.seconds["encode"] < 0.5


def test_a_picture_of_nobody_is_looked_at_once_too(
    pipeline: Pipeline, trio: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = np.zeros_like(trio.image)
    sure_of_nothing = load_sam3(replace(pipeline.settings, sam3_threshold=1.0, word_cache=tmp_path))
    blind = replace(pipeline, sam3=sure_of_nothing)
    assert blind.segment(nobody, "Yujin").persons == ()
    monkeypatch.setattr(pipeline.faces, "detect", None)
    assert blind.segment(nobody, "Rei").persons == ()


@pytest.mark.parametrize("text", ["person", "Rei's shirt", "everyone's shoes"])
def test_what_was_asked_before_changes_no_answer(pipeline: Pipeline, trio: Scene, text: str) -> None:
    pipeline.segment(trio.image, "Yujin")
    after, alone = (one.segment(trio.image, text).to_dict() for one in (pipeline, replace(pipeline)))
    assert {**after, "seconds": None} == {**alone, "seconds": None}
