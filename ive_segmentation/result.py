"""What one picture and one prompt gave: persons, the masks asked for and whose they are, and how it went."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ive_segmentation.coco import decode, encode
from ive_segmentation.identity.matching import Evidence, Match
from ive_segmentation.language import Prompt, Request
from ive_segmentation.writing import write_whole

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Image = npt.NDArray[np.uint8]

PERSON = "person"
"""The noun SAM 3 is asked for to find people."""


@dataclass(frozen=True, eq=False)
class FaceBox:
    """Where a person's face is; the embedding stays behind, because results are made to be passed on.

    Attributes:
        box: (4,) float32, xyxy, pixels.
        keypoints: (5, 2) float32, xy, pixels: eyes, nose, mouth corners.
        score: The detector's confidence, 0 to 1.
    """

    box: FloatArray
    keypoints: FloatArray = field(repr=False)
    score: float


@dataclass(frozen=True, eq=False)
class Person:
    """One person in the picture: a SAM 3 instance, a face, or both.

    Attributes:
        box: (4,) float32, xyxy, pixels; the face's box where no instance was found.
        mask: (H, W) bool at the picture's size, or None where no instance was found.
        score: SAM 3's confidence in the instance, 0 where there is none.
        face: The face this person shows, or None.
        match: Whose face it is; None where no face is seen or no bank is loaded.
        stranger: The number by which somebody Unknown is known again in a video; None in a picture.
    """

    box: FloatArray
    mask: Mask | None = field(repr=False)
    score: float
    face: FaceBox | None
    match: Match | None
    stranger: int | None = None

    @property
    def member(self) -> str | None:
        """The member's folder name, or None for Unknown."""
        return self.match.member if self.match else None


@dataclass(frozen=True, eq=False)
class Segment:
    """One mask that was asked for.

    Attributes:
        concept: What it is: "person" or the thing's noun.
        mask: (H, W) bool at the picture's size.
        box: (4,) float32, xyxy, pixels: SAM 3's own, which may be some pixels off the mask's.
        score: SAM 3's confidence, 0 to 1.
        owner: Index into `Result.persons`: the person it is, wears or holds it; None for nobody's.
        member: The owner's folder name; None for Unknown or nobody.
        rival: Index of whoever else it may belong to, where only the prompt says that it is the owner's; else
            None.
    """

    concept: str
    mask: Mask = field(repr=False)
    box: FloatArray
    score: float
    owner: int | None
    member: str | None
    rival: int | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """Everything one prompt gave on one picture.

    Attributes:
        size: (H, W) of the picture, pixels.
        prompt: What was asked, as it was read.
        persons: Everyone found, left to right.
        segments: The masks asked for, in the order of the prompt's requests, then left to right.
        messages: Sentences for the user: what was corrected, not found, or uncertain.
        seconds: Wall time by step name.
    """

    size: tuple[int, int]
    prompt: Prompt
    persons: tuple[Person, ...]
    segments: tuple[Segment, ...]
    messages: tuple[str, ...]
    seconds: dict[str, float]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # compared by content, so not a key

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types; masks are COCO RLE.

        Returns:
            A dict that `from_dict` reads back equal.
        """
        return {
            "size": list(self.size),
            "prompt": {**asdict(self.prompt), "level": self.prompt.level},
            "persons": [
                {
                    "box": _floats(person.box),
                    "mask": None if person.mask is None else encode(person.mask),
                    "score": person.score,
                    "face": person.face
                    and {
                        "box": _floats(person.face.box),
                        "keypoints": [_floats(point) for point in person.face.keypoints],
                        "score": person.face.score,
                    },
                    "match": person.match and asdict(person.match),
                    "stranger": person.stranger,
                }
                for person in self.persons
            ],
            "segments": [
                {
                    "concept": segment.concept,
                    "mask": encode(segment.mask),
                    "box": _floats(segment.box),
                    "score": segment.score,
                    "owner": segment.owner,
                    "member": segment.member,
                    "rival": segment.rival,
                }
                for segment in self.segments
            ],
            "messages": list(self.messages),
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Result:
        """Read what `to_dict` wrote.

        Args:
            data: JSON types as `to_dict` returns them.

        Returns:
            The result, equal to the one written.
        """
        prompt = data["prompt"]
        return cls(
            size=(data["size"][0], data["size"][1]),
            prompt=Prompt(
                text=prompt["text"],
                requests=tuple(
                    Request(tuple(r["people"]), r["thing"], tuple(r.get("but", ())))
                    for r in prompt["requests"]
                ),
                messages=tuple(prompt["messages"]),
                star=prompt.get("star"),
            ),
            persons=tuple(
                Person(
                    box=_array(person["box"]),
                    mask=person["mask"] and decode(person["mask"]),
                    score=person["score"],
                    face=person["face"]
                    and FaceBox(
                        _array(person["face"]["box"]),
                        _array(person["face"]["keypoints"]),
                        person["face"]["score"],
                    ),
                    match=person["match"] and _match(person["match"]),
                    stranger=person.get("stranger"),
                )
                for person in data["persons"]
            ),
            segments=tuple(
                Segment(**{**segment, "mask": decode(segment["mask"]), "box": _array(segment["box"])})
                for segment in data["segments"]
            ),
            messages=tuple(data["messages"]),
            seconds=data["seconds"],
        )

    def save(self, path: Path) -> None:
        """Write the result as JSON, whole or not at all.

        Args:
            path: File to write; missing folders are made.

        Raises:
            WriteError: If it cannot be written.
        """
        write_whole(path, json.dumps(self.to_dict(), ensure_ascii=False, indent=1).encode())

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read a result that `save` wrote.

        Args:
            path: The JSON file.

        Returns:
            The result, equal to the one saved.
        """
        return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))


Shown = TypeVar("Shown", Person, Segment)


def left_to_right(shown: Iterable[Shown]) -> list[Shown]:
    """Sort persons or masks by the middles of their boxes."""
    return sorted(shown, key=lambda one: float(one.box[0] + one.box[2]))


def _floats(values: FloatArray) -> list[float]:
    return [float(value) for value in values]


def _array(values: Any) -> FloatArray:
    return np.asarray(values, dtype=np.float32)


def _match(data: dict[str, Any]) -> Match:
    return Match(**{**data, "evidence": tuple(Evidence(**photo) for photo in data["evidence"])})
