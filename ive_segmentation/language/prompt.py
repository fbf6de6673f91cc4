"""What a text asks for: the types that leave this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ive_segmentation.errors import UserError

EVERYONE = "*"
"""Stands in `Request.people` for every person in the picture."""
UNKNOWN = "?"
"""Stands in `Request.people` for the persons that match no member."""

Level = Literal["concept", "identity", "possession"]


class PromptError(UserError):
    """A text that cannot be read without guessing."""


@dataclass(frozen=True)
class Request:
    """One thing asked of some people.

    Attributes:
        people: Folder names of members in the order they were named, or `(EVERYONE,)`, or `(UNKNOWN,)`,
            or `()` where nobody is named.
        thing: English noun phrase for SAM 3, in the singular; None means the people themselves.
        but: Folder names of members, or `UNKNOWN`, who are left out of `(EVERYONE,)`.
    """

    people: tuple[str, ...]
    thing: str | None
    but: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """A text, read.

    Attributes:
        text: The words as they were typed.
        requests: What they ask for, at least one, in the order of the text.
        messages: What the user should be told about the reading: a mended typing mistake, a word left out.
        star: Folder name of the member whose fancam is asked for; None where none is.
    """

    text: str
    requests: tuple[Request, ...]
    messages: tuple[str, ...] = ()
    star: str | None = None

    @property
    def level(self) -> Level:
        """How much of the program the prompt needs: SAM 3 alone, faces too, or the owners of things too."""
        named = [request for request in self.requests if request.people]
        if not named:
            return "concept"
        return "possession" if any(request.thing for request in named) else "identity"

    @property
    def names_somebody(self) -> bool:
        """Whether it matters who is who: a member is named, or those who are none."""
        return any(who != EVERYONE for request in self.requests for who in (*request.people, *request.but))

    @property
    def concepts(self) -> tuple[str, ...]:
        """The distinct things asked for, in the order of the text."""
        return tuple(dict.fromkeys(request.thing for request in self.requests if request.thing))
