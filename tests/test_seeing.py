"""Everyone in a picture, and a closer look, with a SAM 3 that sees exactly what it is shown to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from ive_segmentation.demo.truth import box_of
from ive_segmentation.identity.faces import Face
from ive_segmentation.identity.matching import Match
from ive_segmentation.images import ImageError
from ive_segmentation.language import EVERYONE, Member, Prompt, Request
from ive_segmentation.persons import faces_alone, people
from ive_segmentation.pipeline import Pipeline
from ive_segmentation.presumed import look_again
from ive_segmentation.result import PERSON, Segment
from ive_segmentation.segmentation.instances import Answer, Instance
from ive_segmentation.settings import Settings
from tests.identity.galleries import cluster_gallery, clusters, gallery_of
from tests.possession.figures import rectangle
from tests.test_presumed import side_by_side

MEMBERS = (Member("Jang_Wonyoung", "Wonyoung", ("Wonyoung",)), Member("An_Yujin", "Yujin", ("Yujin",)))
SIZE = (400, 800)


def answered(masks: Sequence[np.ndarray], size: tuple[int, int], score: float = 0.9) -> Answer:
    """Masks as SAM 3 gives them."""
    sides = np.array([size[1], size[0]] * 2, np.float32)
    boxes = np.array([box_of(mask) / sides for mask in masks], np.float32).reshape(-1, 4)
    logits = torch.from_numpy(np.array(masks, bool).reshape(-1, *size)) * 12.0 - 6
    return Answer(torch.full((len(masks),), score), torch.from_numpy(boxes), logits)


@dataclass(eq=False)
class Seen:
    size: tuple[int, int]
    image: np.ndarray


class Sees:
    """Sees what the picture's colours say: things in red, persons in green, one a shade."""

    resolution, threshold, warm = 1008, 0.5, True

    def encode(self, image: np.ndarray) -> Seen:
        return Seen((image.shape[0], image.shape[1]), image)

    def encode_all(self, images: Sequence[np.ndarray]) -> list[Seen]:
        return [self.encode(image) for image in images]

    def find(self, seen: Seen, concepts: Sequence[str], least: float | None = None) -> list[Answer]:
        if least is not None:  # what it is less sure of is blue
            return [answered([seen.image[..., 2] > 0], seen.size, 0.3) for _ in concepts]
        layers = (seen.image[..., int(concept == PERSON)] for concept in concepts)
        return [
            answered([layer == shade for shade in np.unique(layer) if shade], seen.size) for layer in layers
        ]

    def find_like(self, seen: Seen, concept: str, examples: Sequence[np.ndarray]) -> list[Answer]:
        return [self.find(seen, [concept])[0] for _ in examples]


def picture(things: Sequence[np.ndarray] = (), persons: Sequence[np.ndarray] = ()) -> np.ndarray:
    image = np.zeros((*SIZE, 3), np.uint8)
    for layer, masks in enumerate((things, persons)):
        for shade, mask in enumerate(masks, 1):
            image[mask, layer] = shade
    return image


def a_face(left: int, top: int, side: int, embedding: np.ndarray | None = None) -> Face:
    across, down = np.array([0.3, 0.7, 0.5, 0.35, 0.65]), np.array([0.4, 0.4, 0.6, 0.75, 0.75])
    points = np.stack([left + across * side, top + down * side], 1).astype(np.float32)
    box = np.array([left, top, left + side, top + side], np.float32)
    return Face(box, points, 0.9, np.eye(4, dtype=np.float32)[0] if embedding is None else embedding)


class Faces:
    """Face models that find the faces they are given."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def detect(self, _image: np.ndarray) -> list[Face]:
        return self.faces


LEFT, MIDDLE, RIGHT = (rectangle(x, 100, x + 200, 390) for x in (0, 250, 500))
FACES = {"left": a_face(60, 110, 60), "middle": a_face(310, 110, 60), "shirt": a_face(310, 250, 40)}


@pytest.mark.parametrize(
    ("found", "alike", "faces", "expected"),
    [
        pytest.param(
            [RIGHT, LEFT], [], ["left"], [(0, True), (500, False)], id="who is turned away is there too"
        ),
        pytest.param(
            [LEFT], [MIDDLE], ["left", "middle"], [(0, True), (250, True)], id="asked for by her face"
        ),
        pytest.param(
            [MIDDLE], [MIDDLE], ["middle", "shirt"], [(310, True), (250, True)], id="not one body twice"
        ),
        pytest.param(
            [], [MIDDLE], ["middle", "shirt"], [(310, True), (250, True)], id="nor where both ask for it"
        ),
    ],
)
def test_everyone(
    found: list[np.ndarray], alike: list[np.ndarray], faces: list[str], expected: list[tuple[int, bool]]
) -> None:
    sees: Any = Sees()
    there = people(
        sees,
        sees.encode(picture(persons=alike)),
        [Instance(mask, box_of(mask), 0.9) for mask in found],
        [FACES[face] for face in faces],
        [None] * len(faces),
    )
    assert [(int(person.box[0]), person.face is not None) for person in there] == expected
    bodies = [person.mask for person in there if person.mask is not None]
    assert len({mask.tobytes() for mask in bodies}) == len(bodies) > 0


def _is(member: str | None, sure: float = 0.99) -> Match:
    return Match(member, 0.8, None, None, (), sure, "Jang_Wonyoung")


@pytest.mark.parametrize(
    ("found", "faces", "matches", "expected"),
    [
        pytest.param(
            [MIDDLE],
            [a_face(310, 110, 60), a_face(360, 250, 60)],
            [_is(None), _is("Jang_Wonyoung")],
            ["Jang_Wonyoung", None],
            id="her face on a shirt",
        ),
        pytest.param(
            [LEFT, MIDDLE],
            [a_face(60, 110, 60), a_face(310, 110, 40)],
            [_is(None), _is("Jang_Wonyoung")],
            ["Jang_Wonyoung", None],
            id="she on a poster",
        ),
        pytest.param(
            [LEFT, MIDDLE],
            [a_face(60, 110, 60), a_face(310, 110, 50)],
            [_is(None), _is("Jang_Wonyoung")],
            [None, "Jang_Wonyoung"],
            id="nearly as large: who is more like her",
        ),
        pytest.param(
            [LEFT, MIDDLE],
            [a_face(60, 110, 60), a_face(310, 110, 40)],
            [_is(None, 0.9), _is("Jang_Wonyoung")],
            [None, "Jang_Wonyoung"],
            id="somebody in front who is a little like her",
        ),
        pytest.param(
            [],
            [a_face(60, 110, 60), a_face(310, 110, 40)],
            [_is(None), _is("Jang_Wonyoung")],
            ["Jang_Wonyoung", None],
            id="without bodies",
        ),
        pytest.param(
            [MIDDLE],
            [a_face(10, 10, 200), a_face(310, 110, 40)],
            [_is("Jang_Wonyoung"), _is(None)],
            ["Jang_Wonyoung", None],
            id="a close-up before a poster",
        ),
        pytest.param(
            [MIDDLE],
            [a_face(310, 110, 60), a_face(600, 50, 100)],
            [_is(None), _is("Jang_Wonyoung")],
            ["Jang_Wonyoung", None],
            id="a larger poster on the wall",
        ),
        pytest.param(
            [LEFT, MIDDLE],
            [a_face(60, 110, 60), a_face(310, 110, 40)],
            [_is("Jang_Wonyoung"), _is("Jang_Wonyoung")],
            ["Jang_Wonyoung", "Jang_Wonyoung"],
            id="a collage",
        ),
    ],
)
def test_a_picture_of_her_does_not_take_her_name(
    found: list[np.ndarray], faces: list[Face], matches: list[Match], expected: list[str | None]
) -> None:
    sees: Any = Sees()
    instances = [Instance(mask, box_of(mask), 0.9) for mask in found]
    for order in (slice(None), slice(None, None, -1)):
        there = (
            people(sees, sees.encode(picture()), instances, faces[order], matches[order])
            if found
            else faces_alone(faces[order], matches[order])
        )
        named = {float(person.face.box[0]): person.member for person in there if person.face is not None}
        assert [named[float(face.box[0])] for face in faces] == expected


NEAR, FAR, YUJINS = (
    rectangle(110, 200, 118, 208), rectangle(110, 200, 124, 214), rectangle(390, 200, 400, 210),
)  # fmt: skip
SECOND = rectangle(130, 200, 140, 210)


@pytest.mark.parametrize(
    ("from_afar", "closely", "expected"),
    [
        pytest.param([], [NEAR], [NEAR], id="what was not found is looked for"),
        pytest.param([(FAR, 0)], [NEAR], [NEAR], id="what was found too small is found again, once"),
        pytest.param([(FAR, 0)], [], [FAR], id="what is not found again stays"),
        pytest.param([(YUJINS, 1)], [NEAR], [NEAR, YUJINS], id="what is another's stays"),
        pytest.param([], [NEAR, SECOND], [NEAR, SECOND], id="two"),
    ],
)
def test_a_closer_look(
    from_afar: list[tuple[np.ndarray, int]], closely: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    sees: Any = Sees()
    persons = side_by_side()
    things = [
        Segment("phone", mask, box_of(mask), 0.9, owner, persons[owner].member) for mask, owner in from_afar
    ]
    got = look_again(sees, picture(closely), Request(("Jang_Wonyoung",), "phone"), persons, things)
    wanted = [box_of(mask).tolist() for mask in expected]
    assert [box_of(phone.mask).tolist() for phone in got] == wanted
    assert [phone.box.round().tolist() for phone in got] == wanted
    assert [phone.member for phone in got] == [
        "An_Yujin" if mask is YUJINS else "Jang_Wonyoung" for mask in expected
    ]


@pytest.mark.parametrize(("collage", "names"), [(False, ["A", None]), (True, ["A", "A"])])
def test_in_a_collage_one_member_may_be_several(collage: bool, names: list[str | None]) -> None:
    gallery = cluster_gallery()
    faces: Any = Faces(*(a_face(left, 110, 60, gallery.plain[0]) for left in (170, 370)))
    _, matches = Pipeline(Settings(collage=collage), (), faces=faces, gallery=gallery).identify(picture())
    assert sorted((match.member for match in matches if match), key=str) == names


@pytest.mark.parametrize(
    ("faces", "gallery", "says"),
    [
        (None, None, "The face models are not loaded either, so nobody is named."),
        (Faces(), cluster_gallery(), "No face was found either."),
        (Faces(a_face(310, 110, 60)), None, "The faces are shown without names: there is no bank of photos."),
        (
            Faces(a_face(310, 110, 60, cluster_gallery().plain[0])),
            cluster_gallery(),
            "Names, boxes and similarities are shown.",
        ),
    ],
)
def test_without_masks_what_is_shown_all_the_same_is_said(faces: Any, gallery: Any, says: str) -> None:
    pipeline = Pipeline(Settings(), MEMBERS, faces=faces, gallery=gallery)
    (said,) = pipeline.segment(picture(), Prompt("", (Request(("Jang_Wonyoung",), None),))).messages
    assert said == f"No masks: SAM 3 is not loaded. {says}"


@pytest.mark.parametrize("sam3", [None, Sees()], ids=["without SAM 3", "with"])
def test_another_kind_of_array_is_refused_in_words(sam3: Any) -> None:
    pipeline = Pipeline(Settings(), MEMBERS, faces=Faces(), sam3=sam3)  # type: ignore[arg-type]
    odd: Any
    for odd in (picture()[..., 0], picture().astype(np.float32), np.dstack([picture(), picture()])):
        with pytest.raises(ImageError, match="Give RGB uint8"):
            pipeline.segment(odd, "person")
        with pytest.raises(ImageError, match="Give RGB uint8"):
            pipeline.identify(odd)


def test_what_two_wishes_ask_for_is_answered_and_said_once() -> None:
    sees: Any = Sees()
    pipeline = Pipeline(Settings(), MEMBERS, sam3=sees)
    everyone = (EVERYONE,)
    wishes = (Request(everyone, None), Request((), PERSON), Request((), "hat"), Request(everyone, "hat"))
    twice = Prompt("", wishes)
    result = pipeline.segment(picture(persons=[LEFT, RIGHT]), twice)
    assert [segment.owner for segment in result.segments] == [0, 1]
    finds_nobody: Any = Faces()
    pipeline = Pipeline(Settings(), MEMBERS, faces=finds_nobody, gallery=cluster_gallery(), sam3=sees)
    both = (Request(everyone, "shirt"), Request(("Jang_Wonyoung",), None))
    assert pipeline.segment(picture(), Prompt("", both)).messages == ("Nobody was found in this picture.",)


@pytest.mark.parametrize("sam3", [None, Sees()], ids=["without SAM 3", "with"])
def test_what_was_corrected_is_said(sam3: Any) -> None:
    pipeline = Pipeline(Settings(), MEMBERS, sam3=sam3)
    read = Prompt("wonyong", (Request(("Jang_Wonyoung",), None),), ('Read "wonyong" as Wonyoung.',))
    assert pipeline.segment(picture(), read).messages[0] == 'Read "wonyong" as Wonyoung.'


@pytest.mark.parametrize(
    ("people", "found"),
    [((("An_Yujin",),), ["An_Yujin"]), (((EVERYONE,),), []), (((EVERYONE,), ("An_Yujin",)), ["An_Yujin"])],
    ids=["hers", "everyone's", "both"],
)
def test_what_is_presumed_of_the_named_is_not_of_everyone(
    people: tuple[tuple[str, ...], ...], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ive_segmentation.presumed.worth_another_look", lambda *_, **__: False)
    embeddings, _ = clusters(2, 4)
    gallery = gallery_of(embeddings, ["An_Yujin"] * 4 + ["Jang_Wonyoung"] * 4)
    faces: Any = Faces(*(a_face(left, 110, 60, embeddings[row]) for left, row in ((170, 0), (470, 4))))
    image = picture(persons=[rectangle(left, 100, left + 200, 390) for left in (100, 400)])
    image[200:220, 110:130, 2] = 1
    sees: Any = Sees()
    pipeline = Pipeline(Settings(), MEMBERS, sam3=sees, faces=faces, gallery=gallery)
    asked = Prompt("", tuple(Request(who, "phone") for who in people))
    assert [segment.member for segment in pipeline.segment(image, asked).segments] == found
