"""The vocabulary: large enough in every language, and nothing in it means two things."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from importlib.resources import files
from typing import Any

import pytest

from ive_segmentation.language import load_members, parse
from ive_segmentation.language.members import name_key
from ive_segmentation.language.things import singular
from ive_segmentation.settings import Settings

MEMBERS = load_members(Settings.dataset)


def _things() -> dict[str, Any]:
    text = files("ive_segmentation.language").joinpath("things.toml").read_text(encoding="utf-8")
    return {group: entries for group, entries in tomllib.loads(text).items() if group != "ordinary"}


@pytest.mark.parametrize("language", ["korean", "thai", "japanese"])
def test_each_language_names_at_least_sixty_things_and_a_dozen_colours(language: str) -> None:
    things = _things()
    assert (
        sum(language in spellings for group in ("worn", "held") for spellings in things[group].values()) >= 60
    )
    assert sum(language in spellings for spellings in things["colour"].values()) >= 12


def test_no_word_means_two_things() -> None:
    meanings = defaultdict(set)
    for entries in _things().values():
        for english, spellings in entries.items():
            for word in (english, *(word for words in spellings.values() for word in words)):
                meanings[name_key(word)].add(english)
    assert {word: found for word, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("english", "word"),
    [
        (english, word)
        for group in ("worn", "held", "body")
        for english, spellings in _things()[group].items()
        for language in ("korean", "thai", "japanese")
        for word in spellings[language]
    ],
)
def test_every_thing_can_be_asked_of_a_member_and_alone(english: str, word: str) -> None:
    owned = {"ก": f"{word}ของวอนยอง", "가": f"원영의 {word}"}.get(_alphabet(word), f"ウォニョンの{word}")
    hers, anyones = (None, "person") if english == "full body" else (english, english)
    assert parse(owned, MEMBERS).requests[0].thing == hers
    assert parse(word, MEMBERS).requests[0].thing == anyones


def _alphabet(word: str) -> str:
    return "ก" if "\u0e00" <= word[-1] <= "\u0e7f" else "가" if "\uac00" <= word[-1] <= "\ud7a3" else "あ"


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("shoes", "shoe"),
        ("dresses", "dress"),
        ("watches", "watch"),
        ("boxes", "box"),
        ("ties", "tie"),
        ("berries", "berry"),
        ("scarves", "scarf"),
        ("gloves", "glove"),
        ("women", "woman"),
        ("people", "person"),
        ("men", "man"),
        ("lenses", "lens"),
        ("buses", "bus"),
        ("canvases", "canvas"),
        ("roses", "rose"),
        ("heroes", "hero"),
        ("canoes", "canoe"),
        ("bees", "bee"),
        ("cameras", "camera"),
        ("glasses", "glasses"),
        ("pants", "pants"),
        ("jeans", "jeans"),
        ("headphones", "headphones"),
        ("dress", "dress"),
        ("lens", "lens"),
        ("bus", "bus"),
        ("tennis", "tennis"),
    ],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one
    assert singular(one) == one
