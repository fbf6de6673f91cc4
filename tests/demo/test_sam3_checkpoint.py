"""The built-in SAM 3 checkpoint: in SAM 3's own format, and it knows scenes it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam3Model, Sam3Processor

from benchmarks.demo_quality import best_overlaps
from ive_segmentation.demo import CHECKPOINTS
from ive_segmentation.demo.scenes import draw_scene
from ive_segmentation.demo.stand_in import demo_notice
from ive_segmentation.loading import load_pipeline
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.segmentation.instances import instances
from ive_segmentation.segmentation.sam3 import Sam3
from ive_segmentation.settings import Settings, load_settings

CHECKPOINT = CHECKPOINTS / "sam3"
UNSEEN = 1_600_000
"""First seed of scenes that neither training nor the benchmark draws."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset without photos."""
    return tmp_path_factory.mktemp("Dataset")


@pytest.fixture(scope="module")
def demo(empty: Path) -> Pipeline:
    """What a fresh clone runs on: no photos, no checkpoint of one's own."""
    return load_pipeline(load_settings(dataset=empty))


@pytest.fixture
def sam3(demo: Pipeline) -> Sam3:
    assert demo.sam3 is not None
    return demo.sam3


def test_a_fresh_clone_has_all_it_needs(demo: Pipeline, empty: Path) -> None:
    assert demo.demo
    assert demo.notices == {"demo": demo_notice(empty)}
    # Photos in another folder than the one that is read would change nothing.
    assert f"put photos into {empty} " in demo_notice(empty)
    assert "put photos into Dataset/ " in demo_notice(Settings.dataset)
    assert Path(demo.settings.sam3) == CHECKPOINT


def test_transformers_loads_it_unchanged() -> None:
    load: Any = Sam3Model.from_pretrained
    model, report = load(CHECKPOINT, dtype=torch.float32, use_safetensors=True, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    processor = Sam3Processor.from_pretrained(CHECKPOINT)
    image = draw_scene(UNSEEN, people=2, shot="medium").image
    inputs = processor(images=image, text="person", return_tensors="pt")
    with torch.inference_mode():
        outputs = model.eval()(**inputs)
    (found,) = processor.post_process_instance_segmentation(
        outputs, threshold=0.5, mask_threshold=0.5, target_sizes=[image.shape[:2]]
    )
    assert len(found["masks"])
    assert found["masks"].shape[1:] == image.shape[:2]


def test_it_is_small_enough_to_ship() -> None:
    assert sum(file.stat().st_size for file in CHECKPOINT.iterdir()) < 10_000_000
    assert not [file for file in CHECKPOINT.iterdir() if file.suffix not in (".json", ".safetensors", ".txt")]


@pytest.mark.parametrize(("concept", "least"), [("person", 0.75), ("face", 0.7), ("shirt", 0.6)])
def test_it_finds_what_is_there(sam3: Sam3, concept: str, least: float) -> None:
    """Mean IoU over everything drawn; `demo_quality` has the figures of 300 scenes."""
    overlaps = []
    for seed in range(UNSEEN, UNSEEN + 8):
        scene = draw_scene(seed, people=2, shot="medium", away=0, hidden=0)
        features = sam3.encode(scene.image)
        (answer,) = sam3.find(features, [concept])
        found = [instance.mask for instance in instances(answer, features.size)]
        overlaps += best_overlaps(scene.instances(concept), found)
    assert np.mean(overlaps) >= least


def test_what_was_never_drawn_is_not_found(sam3: Sam3) -> None:
    found = 0
    for seed in range(UNSEEN, UNSEEN + 8):
        (answer,) = sam3.find(sam3.encode(draw_scene(seed).image), ["kite"])
        found += len(answer.scores)
    assert found <= 1


def test_names_and_possessions_on_the_drawn_demo(demo: Pipeline) -> None:
    """What is given is hers; not all of it is found (the model card has the share)."""
    answered = asked = 0
    for seed in range(UNSEEN, UNSEEN + 7):
        members = ("Jang_Wonyoung", "Naoi_Rei")
        scene = draw_scene(seed, members=members, shot="medium", twins=0, away=0, hidden=0)
        place = next(i for i, person in enumerate(scene.persons) if person.identity == "Jang_Wonyoung")
        (segment,) = demo.segment(scene.image, "Wonyoung").segments
        assert best_overlaps([scene.persons[place].mask], [segment.mask])[0] > 0.8
        thing = next(t for t in scene.things if t.owner == place and t.concept in ("dress", "skirt"))
        given = demo.segment(scene.image, f"Wonyoung's {thing.concept}").segments
        asked += 1
        answered += len(given)
        for worn in given:
            assert worn.member == "Jang_Wonyoung"
            assert best_overlaps([thing.mask], [worn.mask])[0] > 0.8
    assert asked / 2 < answered <= asked


def test_nobody_is_shown_twice_and_what_is_hers_is_not_held_against_her(demo: Pipeline) -> None:
    # In this scene the model answers with one of the six in two instances.
    result = demo.segment(draw_scene(1_700_132).image, "Rei's skirt")
    assert len(result.persons) == 6
    assert [segment.member for segment in result.segments] == ["Naoi_Rei"]


def test_a_speck_of_one_thing_on_another_gives_her_only_what_she_holds(demo: Pipeline) -> None:
    # Here the microphone at her feet has a speck on the one in her hand.
    scene = draw_scene(1_700_000, size=(640, 480))
    (segment,) = demo.segment(scene.image, "Wonyoung's microphone").segments
    (hers,) = (thing for thing in scene.things if thing.owner == 0 and thing.concept == "microphone")
    assert best_overlaps([hers.mask], [segment.mask])[0] > 0.7


@pytest.mark.parametrize(
    ("seed", "place", "concept"),
    [(1_700_443, 0, "phone"), (1_700_541, 3, "phone"), (1_700_669, 1, "lightstick")],
)
def test_a_hand_that_was_taken_for_anothers_is_hers_when_looked_at_closely(
    demo: Pipeline, seed: int, place: int, concept: str
) -> None:
    scene = draw_scene(seed, size=(640, 480))
    hers = next(thing for thing in scene.things if thing.owner == place and thing.concept == concept)
    member = scene.persons[place].identity
    everyones = demo.segment(scene.image, concept).segments
    assert not any(segment.member == member for segment in everyones)
    given = demo.segment(scene.image, f"{member}'s {concept}")
    assert [segment.member for segment in given.segments] == [member]
    assert best_overlaps([hers.mask], [given.segments[0].mask])[0] > 0.7
    assert given.messages == ()  # nobody's claim is as good as hers


def test_what_a_closer_look_makes_hers_is_no_longer_anothers(demo: Pipeline) -> None:
    image = draw_scene(1_700_443, size=(640, 480)).image
    assert [phone.member for phone in demo.segment(image, "phone").segments] == ["Jang_Wonyoung"]
    both = demo.segment(image, "Yujin and Wonyoung's phones")
    assert [phone.member for phone in both.segments] == ["An_Yujin"]
    in_turn = demo.segment(image, "Yujin's phone and Wonyoung's phone")
    assert [phone.member for phone in in_turn.segments] == ["An_Yujin"]


def test_what_she_may_hold_is_hers_if_she_is_asked_for(demo: Pipeline) -> None:
    scene = draw_scene(1_700_225, size=(640, 480))
    given = demo.segment(scene.image, "Wonyoung's microphone")
    (microphone,) = given.segments
    assert microphone.member == "Jang_Wonyoung"
    assert given.persons[microphone.rival or 0].member == "Kim_Gaeul"
    assert given.messages == ("Wonyoung: this microphone may be Gaeul's.",)
    (asked_for_both,) = demo.segment(scene.image, "Wonyoung's microphone and Gaeul's microphone").segments
    assert (asked_for_both.member, asked_for_both.rival) == ("Kim_Gaeul", None)
