"""The words the reader knows: things and looks with their English, and the little words between them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from ive_segmentation.language.members import name_key


class Kind(StrEnum):
    """What a word does in a prompt; the letters make the patterns of `parse.py`."""

    NAME = "N"
    PRONOUN = "R"
    THING = "T"
    BODY = "Y"
    PLACE = "L"
    OF_THE_ONE_BEFORE = "S"
    OF_THE_ONE_AFTER = "B"
    HOLDING = "H"
    WITH = "W"
    AT = "P"
    AND = "A"
    STOP = ";"
    BEYOND = "X"
    WHICH = "Q"
    # These are gone before the patterns are tried.
    LOOK = "l"
    SOMEONE = "s"
    TOGETHER = "t"
    IN_THE_PICTURE = "p"
    ITS = "i"
    ALL = "a"
    HONORIFIC = "h"
    FILLER = "f"
    FILM = "m"


THINGS = {Kind.THING, Kind.BODY, Kind.PLACE, Kind.LOOK}
"""What noun phrases are made of."""


@dataclass(frozen=True)
class Word:
    """One entry of the lexicon.

    Attributes:
        kind: What it does in a prompt.
        english: How SAM 3 is told, or for little words their meaning.
        particle: Whether it counts only behind another word.
        being: Whether it is a person or an animal, which may own things without being a member.
        spelling: A little word as it must be written ("t hat" is not "that"); empty for things.
    """

    kind: Kind
    english: str
    particle: bool = False
    being: bool = False
    spelling: str = ""


_THINGS = {"body": Kind.BODY, "colour": Kind.LOOK, "look": Kind.LOOK, "place": Kind.PLACE, "maker": Kind.LOOK}
_LITTLE = {
    "and": Kind.AND,
    "cross": Kind.AND,
    "of_the_one_before": Kind.OF_THE_ONE_BEFORE,
    "of_the_one_after": Kind.OF_THE_ONE_AFTER,
    "of": Kind.OF_THE_ONE_AFTER,
    "holding": Kind.HOLDING,
    "having": Kind.HOLDING,
    "wearing": Kind.HOLDING,
    "with": Kind.WITH,
    "on": Kind.WITH,
    "in": Kind.WITH,
    "place": Kind.AT,
    "beyond": Kind.BEYOND,
    "without": Kind.BEYOND,
    "except": Kind.BEYOND,
    "but": Kind.BEYOND,
    "rest": Kind.BEYOND,
    "everyone": Kind.NAME,
    "everything": Kind.NAME,
    "who": Kind.SOMEONE,
    "someone": Kind.SOMEONE,
    "member": Kind.SOMEONE,
    "one": Kind.SOMEONE,
    "holding hands": Kind.TOGETHER,
    "in_the_picture": Kind.IN_THE_PICTURE,
    "unknown": Kind.NAME,
    "pronoun": Kind.PRONOUN,
    "its": Kind.ITS,
    "all": Kind.ALL,
    "which": Kind.WHICH,
    "filler": Kind.FILLER,
    "film": Kind.FILM,
    "honorific": Kind.HONORIFIC,
}
_IRREGULAR = {
    "people": "person",
    "men": "man",
    "cameramen": "cameraman",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "mice": "mouse",
    "ties": "tie",
    "scarves": "scarf",
    "knives": "knife",
    "leaves": "leaf",
    "wolves": "wolf",
    "wives": "wife",
    "ladies": "lady",
    "hoodies": "hoodie",
    "beanies": "beanie",
    "selfies": "selfie",
    "cookies": "cookie",
    "movies": "movie",
    "gas": "gas",
    "canvas": "canvas",
    "heroes": "hero",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "mangoes": "mango",
}
_PLURALS = (("ies$", "y"), ("(ss|sh|ch|x|zz)es$", r"\1"), ("([^sui])s$", r"\1"))
"""Endings, the first that fits counts, and what stands in their place in the singular."""


@cache
def lexicon() -> dict[str, Word]:
    """Return every known word by its key (`name_key`), built once from things.toml and words.toml."""
    words: dict[str, Word] = {}
    things = _read("things.toml")
    for group, names in things.pop("ordinary").items():
        kind = _THINGS.get(group, Kind.THING)
        words |= {name_key(name): Word(kind, name, being=group == "being") for name in names}
    for group, entries in things.items():
        for english, spellings in entries.items():
            word = Word(_THINGS.get(group, Kind.THING), english, being=group == "being")
            words |= {name_key(text): word for texts in ([english], *spellings.values()) for text in texts}
    for group, spellings in _read("words.toml").items():
        meaning = group.removeprefix("particle_")
        if meaning not in _LITTLE:
            continue
        english = "'s" if meaning == "of_the_one_before" else meaning
        particle = meaning != group or meaning == "of_the_one_before"
        texts = [text for texts in spellings.values() for text in texts]
        words |= {name_key(text): Word(_LITTLE[meaning], english, particle, spelling=text) for text in texts}
    return words


@cache
def others() -> frozenset[str]:
    """Return the keys of names that are near a member's and other people's: no typing mistakes."""
    return frozenset(name_key(name) for names in _read("words.toml")["others"].values() for name in names)


@cache
def families() -> frozenset[str]:
    """Return the keys of families' names that are words of English too."""
    return frozenset(name_key(name) for names in _read("words.toml")["families"].values() for name in names)


@cache
def beside_a_noun() -> dict[str, str]:
    """Return the English of nouns that are looks beside another, by their keys: 새 is a bird, 새 신발 new."""
    looks = _read("words.toml")["beside_a_noun"]
    return {name_key(noun): look for look, nouns in looks.items() for noun in nouns}


def known(key: str) -> Word | None:
    """Look a key up as it is, then as an English plural."""
    return lexicon().get(key) or lexicon().get(singular(key))


def singular(noun: str) -> str:
    """Return an English noun in the singular, the form in which SAM 3 was taught its concepts.

    Pairs that are one thing (glasses, pants, jeans) are in the lexicon as they are and stay.

    Example:
        >>> singular("shoes"), singular("dresses"), singular("glasses"), singular("dress")
        ('shoe', 'dress', 'glasses', 'dress')
    """
    if noun in lexicon():
        return noun
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if len(noun) < 4:
        return noun
    for stem in (noun.removesuffix("s"), noun.removesuffix("es")):
        if stem != noun and (_is_thing(stem) or _IRREGULAR.get(stem) == stem):
            return stem
    return next((re.sub(*rule, noun) for rule in _PLURALS if re.search(rule[0], noun)), noun)


def _is_thing(noun: str) -> bool:
    word = lexicon().get(noun)
    return word is not None and word.kind in {Kind.THING, *_THINGS.values()}


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
