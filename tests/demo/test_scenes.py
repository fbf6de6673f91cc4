"""The drawn world: the same seed draws the same picture, and its truth is exact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from typer.testing import CliRunner

from ive_segmentation.demo.commands import demo_app
from ive_segmentation.demo.dataset import draw_dataset_once, solo_picture
from ive_segmentation.demo.identities import MEMBERS, stranger
from ive_segmentation.demo.people import draw_face
from ive_segmentation.demo.scenes import SHOTS, draw_scene
from ive_segmentation.demo.things import CONCEPTS, HELD, WORN
from ive_segmentation.demo.truth import box_of, to_coco
from ive_segmentation.images import load
from ive_segmentation.writing import WriteError

SEEDS = range(2_500_000, 2_500_012)


def test_the_same_seed_draws_the_same_picture_in_another_process() -> None:
    code = (
        "from ive_segmentation.demo.scenes import draw_scene; import hashlib, sys;"
        "sys.stdout.write(hashlib.sha256(draw_scene(2500000).image.tobytes()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": salt},
        ).stdout
        for salt in ("1", "2")
    }
    assert len(digests) == 1
    assert not np.array_equal(draw_scene(2_500_000).image, draw_scene(2_500_001).image)


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_is_consistent(seed: int) -> None:
    scene = draw_scene(seed)
    size = scene.image.shape[:2]
    assert scene.image.dtype == np.uint8
    everyone = np.zeros(size, int)
    for person in scene.persons:
        everyone += person.mask
        assert person.mask.shape == size
        for part in (person.face, person.hair):
            assert part is None or not (part & ~person.mask).any()
    assert everyone.max(initial=0) <= 1, "two persons share a pixel"
    things = np.zeros(size, int)
    for thing in scene.things:
        things += thing.mask
        assert thing.mask.any()
        assert thing.concept in (*WORN, *HELD)
        assert thing.owner is None or thing.owner in range(len(scene.persons))
        if thing.owner is not None and thing.concept in WORN:
            assert not (thing.mask & ~scene.persons[thing.owner].mask).any(), (
                "what is worn is part of the person"
            )
        else:
            assert not (thing.mask & (everyone > 0)).any(), "what is held or lies about is part of nobody"
    assert things.max(initial=0) <= 1, "two things share a pixel"


@pytest.mark.parametrize("seed", SEEDS)
def test_faces_are_where_they_are_said_to_be(seed: int) -> None:
    for person in draw_scene(seed).persons:
        assert (person.face_box is None) == (person.keypoints is None)
        if person.face_box is None or person.keypoints is None or person.face is None:
            continue
        np.testing.assert_array_equal(person.face_box, box_of(person.face))
        left, right, nose, mouth_left, mouth_right = person.keypoints
        assert left[0] < right[0]
        assert mouth_left[0] < mouth_right[0]
        assert left[1] < nose[1] < mouth_left[1]
        assert (person.keypoints >= person.face_box[:2] - 2).all()
        assert (person.keypoints <= person.face_box[2:] + 2).all()


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("shot", SHOTS)
def test_as_many_people_as_asked_for(count: int, shot: str) -> None:
    shown = [len(draw_scene(seed, people=count, shot=shot).persons) for seed in SEEDS]
    assert max(shown) == count
    assert np.mean(shown) > 0.9 * count


def test_the_world_holds_what_the_possession_problem_needs() -> None:
    scenes = [draw_scene(seed) for seed in range(2_500_000, 2_500_080)]
    concepts = {thing.concept for scene in scenes for thing in scene.things}
    assert concepts == {*WORN, *HELD}
    assert set(CONCEPTS) == {*concepts, "person", "face", "hair"}
    persons = [person for scene in scenes for person in scene.persons]
    assert {person.identity for person in persons} == {None, *MEMBERS}
    assert any(person.face_box is None for person in persons)
    assert any(thing.owner is None for scene in scenes for thing in scene.things)
    for scene in scenes:
        named = [person.identity for person in scene.persons if person.identity]
        assert len(named) == len(set(named)), "one member is not two people"


def test_twins_wear_the_same() -> None:
    scene = draw_scene(2_500_000, people=4, shot="wide", twins=1.0)
    for concept in ("shirt", "dress", "skirt", "pants", "jacket"):
        assert len({thing.colour for thing in scene.things if thing.concept == concept}) <= 1


@pytest.mark.parametrize(
    ("knobs", "hidden"), [({"away": 1.0}, True), ({"away": 0.0, "hidden": 0.0, "holding": 0.0}, False)]
)
def test_who_faces_away_shows_no_face(knobs: dict[str, float], hidden: bool) -> None:
    faces = [draw_scene(seed, people=1, shot="medium", **knobs).persons[0].face_box for seed in SEEDS]  # type: ignore[arg-type]
    assert all(box is None for box in faces) if hidden else sum(box is not None for box in faces) >= 9


def test_coco_reads_the_truth(tmp_path: Path) -> None:
    scene = draw_scene(2_500_003, people=4)
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(to_coco(scene)))
    coco = COCO(file)
    assert len(coco.getAnnIds(catIds=coco.getCatIds(["person"]))) == len(scene.persons)
    for entry in coco.loadAnns(coco.getAnnIds()):
        assert entry["area"] == coco.annToMask(entry).sum()
    persons = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(["person"])))
    for person, entry in zip(scene.persons, persons, strict=True):
        assert (person.identity, person.face_visible) == (entry["identity"], entry["face_visible"])
        np.testing.assert_array_equal(coco.annToMask(entry), person.mask)
        if person.face_box is None:
            assert entry["face_bbox"] is entry["face_keypoints"] is None
        else:
            left, top, width, height = entry["face_bbox"]
            np.testing.assert_allclose([left, top, left + width, top + height], person.face_box, rtol=1e-6)
            np.testing.assert_array_equal(entry["face_keypoints"], person.keypoints)
        for concept, part in (("face", person.face), ("hair", person.hair)):
            parts = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds([concept])))
            hers = [coco.annToMask(one) for one in parts if one["owner"] == entry["id"]]
            np.testing.assert_array_equal(hers, [] if part is None else [part])
    things = coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds([*WORN, *HELD])))
    for thing, entry in zip(scene.things, things, strict=True):
        owner = None if thing.owner is None else thing.owner + 1
        assert (owner, thing.colour, thing.grip_seen) == (entry["owner"], entry["colour"], entry["grip_seen"])
        assert coco.cats[entry["category_id"]]["name"] == thing.concept
        np.testing.assert_array_equal(coco.annToMask(entry), thing.mask)


def test_faces_of_anyone_in_any_look() -> None:
    rng = np.random.default_rng(0)
    for who in (*MEMBERS.values(), stranger(rng)):
        image, points = draw_face(rng, who, size=120)
        assert image.shape == (120, 120, 3)
        assert points.shape == (5, 2)
        assert ((points > 0) & (points < 120)).all()


def test_the_scene_command_writes_picture_and_truth(tmp_path: Path) -> None:
    answer = CliRunner().invoke(demo_app, ["scene", "--seed", "7", "--people", "3", "--out", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
    image = load(tmp_path / "scene.png")
    truth = json.loads((tmp_path / "truth.json").read_text())
    np.testing.assert_array_equal(image, draw_scene(7, people=3, size=(960, 720)).image)
    assert truth["images"] == [{"id": 1, "file_name": "scene.png", "width": 960, "height": 720}]


def test_the_dataset_command_writes_the_six_folders(tmp_path: Path) -> None:
    answer = CliRunner().invoke(demo_app, ["dataset", "--out", str(tmp_path), "--pictures", "2"])
    assert answer.exit_code == 0, answer.output
    assert {folder.name for folder in tmp_path.iterdir() if folder.is_dir()} == set(MEMBERS)
    assert all(len(list((tmp_path / member).glob("*.jpg"))) == 2 for member in MEMBERS)
    assert "nobody real" in (tmp_path / "README.txt").read_text()


def test_the_dataset_is_drawn_once_and_whole(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()  # as a killed process might leave it
    (folder / "An_Yujin").mkdir()
    draw_dataset_once(folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}
    assert len(times) == 6 * 20
    draw_dataset_once(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")} == times
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_dataset_that_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        draw_dataset_once(tmp_path / "file" / "demo")


def test_solo_pictures_differ() -> None:
    assert not np.array_equal(solo_picture("Naoi_Rei", 0), solo_picture("Naoi_Rei", 3))
