"""From a picture and a prompt to a result: who is there, what is where, whose it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from ive_segmentation.answers import answer, clean_instances, explain, things_of, together
from ive_segmentation.demo import is_built_in
from ive_segmentation.demo.drawn import refuse_photos
from ive_segmentation.identity.faces import Face, FaceModel
from ive_segmentation.identity.gallery import BankReport, Gallery
from ive_segmentation.identity.matching import Match, match_faces
from ive_segmentation.images import load
from ive_segmentation.language import Member, Prompt, parse
from ive_segmentation.patience import Progress, silent
from ive_segmentation.persons import faces_alone, measured, people
from ive_segmentation.possession.body import Body
from ive_segmentation.presumed import is_of_the_named, presume
from ive_segmentation.result import PERSON, Image, Person, Result, Segment
from ive_segmentation.segmentation.sam3 import Features, Sam3
from ive_segmentation.settings import Settings

WARMING_UP = "Looking at the picture; the first time SAM 3 is compiled, which takes a minute or so"


@dataclass(frozen=True)
class Pipeline:
    """Everything loaded that a prompt may need; what could not be loaded is None, and a notice says why.

    Attributes:
        settings: The knobs.
        members: Who can be named.
        faces: Detects and embeds faces.
        gallery: The members' embeddings.
        report: What the last build of the bank did, and what it left out.
        sam3: Finds what words name.
        notices: Sentences for the user: that this is the "demo", or why "names" or "masks" are missing.
        demo: Whether the drawn demo stands in for photos and models of the user's own.
    """

    settings: Settings
    members: tuple[Member, ...]
    faces: FaceModel | None = None
    gallery: Gallery | None = None
    report: BankReport | None = None
    sam3: Sam3 | None = None
    notices: Mapping[str, str] = field(default_factory=dict)
    demo: bool = False
    _met: WeakKeyDictionary[Features, tuple[list[Person], list[Body | None]]] = field(
        default_factory=WeakKeyDictionary, init=False, compare=False, repr=False
    )
    """Who is in the picture that was asked about last, for the next question about it."""

    @property
    def drawn_only(self) -> bool:
        """Whether a model that answers is a built-in one, which knows drawn people only."""
        return is_built_in(self.settings.sam3) or is_built_in(self.settings.faces)

    def segment(self, image: Image, prompt: str | Prompt, progress: Progress = silent) -> Result:
        """Answer a prompt on one picture.

        Args:
            image: (H, W, 3) uint8, RGB.
            prompt: What is asked, as text or already read.
            progress: Called with the share done (0 to 1) and the step that begins.

        Returns:
            Persons, the masks asked for, and messages. Without SAM 3 the persons are their faces alone.

        Raises:
            ImageError: If the picture is another kind of array.
            PromptError: If the text cannot be read without guessing.
            NotDrawnError: If a built-in model is given a real photo.
            SegmentationError: If SAM 3 cannot answer.
            CheckpointError: If a new word needs SAM 3's text encoder, and it cannot be loaded.
        """
        image = load(image, max_pixels=self.settings.max_pixels)
        read = parse(prompt, self.members) if isinstance(prompt, str) else prompt
        size = (image.shape[0], image.shape[1])
        seconds: dict[str, float] = {}

        if self.sam3 is None:
            progress(0.0, "Looking for faces")
            with _timed("faces", seconds):
                faces, matches = self.identify(image)
            persons = faces_alone(faces, matches)
            said = f"No masks: SAM 3 is not loaded. {self._without_masks(persons)}"
            return Result(size, read, tuple(persons), (), (*read.messages, said), seconds)

        if self.drawn_only:
            refuse_photos(image)
        progress(0.0, "Looking at the picture" if self.sam3.warm else WARMING_UP)
        with _timed("encode", seconds):
            features = self.sam3.encode(image)

        # A GPU is still looking at the picture while the CPU looks for faces.
        progress(0.6, "Looking for faces")
        met = self._met.get(features)
        with _timed("faces", seconds):
            faces, matches = ([], []) if met else self._name(image)

        concepts = list(dict.fromkeys(read.concepts if met else (PERSON, *read.concepts)))
        if concepts:
            progress(0.7, f"Looking for {', '.join(concepts)}")
        with _timed("find", seconds):
            found = {
                concept: clean_instances(said, features.size)
                for concept, said in zip(concepts, self.sam3.find(features, concepts), strict=True)
            }

        progress(0.8, "Finding out whose is what")
        with _timed("possession", seconds):
            if met is None:
                persons = people(self.sam3, features, found[PERSON], faces, matches)
                met = persons, measured(persons)
                self._met.clear()
                self._met[features] = met
            persons, bodies = met
            things = {
                concept: things_of(concept, found[concept], persons, bodies) for concept in read.concepts
            }

        progress(0.9, "Looking again, closely")
        with _timed("look again", seconds):
            presumed = presume(self.sam3, image, features, read.requests, persons, bodies, things)

        got: list[list[Segment]] = []
        messages = list(read.messages)
        for request in read.requests:
            those = (presumed if is_of_the_named(request) else things).get(request.thing or "", [])
            got.append(answer(request, persons, those))
            messages += explain(
                request, persons, those, got[-1], self.members, self.sam3.threshold,
                comparing=self.faces is not None and self.gallery is not None,
            )  # fmt: skip
        progress(1.0, "Done")
        told = tuple(dict.fromkeys(messages))
        return Result(size, read, tuple(persons), tuple(together(got)), told, seconds)

    def identify(self, image: Image) -> tuple[list[Face], Sequence[Match | None]]:
        """Find the faces of a picture and name them, all together.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            The faces, left to right, and whose each is; None for each where there is no bank.

        Raises:
            ImageError: If the picture is another kind of array.
            NotDrawnError: If a built-in model is given a real photo.
        """
        image = load(image, max_pixels=self.settings.max_pixels)
        if is_built_in(self.settings.faces):
            refuse_photos(image)
        return self._name(image)

    def _name(self, image: Image) -> tuple[list[Face], Sequence[Match | None]]:
        faces = self.faces.detect(image) if self.faces else []
        if self.gallery is None:
            return faces, [None] * len(faces)
        return faces, match_faces(faces, self.gallery, one_to_one=not self.settings.collage)

    def _without_masks(self, persons: Sequence[Person]) -> str:
        """What there is to see without masks."""
        if self.faces is None:
            return "The face models are not loaded either, so nobody is named."
        if not persons:
            return "No face was found either."
        if self.gallery is None:
            return "The faces are shown without names: there is no bank of photos."
        return "Names, boxes and similarities are shown."


@contextmanager
def _timed(step: str, seconds: dict[str, float]) -> Iterator[None]:
    """Note the wall time of the block under the name of the step."""
    begin = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - begin
