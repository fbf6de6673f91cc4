"""What holds for every text: a prompt or the one declared error, and a plain form that is stable."""

from __future__ import annotations

import contextlib
import tomllib
from importlib.resources import files
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ive_segmentation.language import EVERYONE, UNKNOWN, Prompt, PromptError, Request, load_members, parse
from ive_segmentation.settings import Settings

MEMBERS = load_members(Settings.dataset)
FOLDERS = {member.folder for member in MEMBERS}


def _words(table: Any) -> list[str]:
    """Collect every string of a TOML table, keys included: they are the English nouns."""
    if isinstance(table, str):
        return [table]
    values = [*table, *table.values()] if isinstance(table, dict) else table
    return [word for value in values for word in _words(value)]


def _vocabulary(name: str) -> list[str]:
    return _words(
        tomllib.loads(files("ive_segmentation.language").joinpath(name).read_text(encoding="utf-8"))
    )


NAMES = [alias for member in MEMBERS for alias in member.aliases]
STRANGERS = ["Karina", "karina", "카리나", "คารีน่า", "カリナ", "wonyong", "Yujn", "xylophone", "T", "3"]
MARKS = [" ", "'s", "’s", ",", "&", ";", ".", "-", "\n", "💜"]
word = st.one_of(
    *map(st.sampled_from, (NAMES, _vocabulary("things.toml"), _vocabulary("words.toml"), STRANGERS, MARKS))
)
sentence = st.lists(st.tuples(word, st.sampled_from(["", " ", " "])), max_size=8).map(
    lambda row: "".join(text + gap for text, gap in row)
)


def _read(text: str) -> Prompt | None:
    """Return the prompt, or None for the one declared error; any other exception fails the test."""
    with contextlib.suppress(PromptError):
        return parse(text, MEMBERS)
    return None


@given(st.text(max_size=400))
def test_any_text_is_a_prompt_or_the_declared_error(text: str) -> None:
    _read(text)


@given(sentence)
@settings(max_examples=500, derandomize=True)
def test_any_row_of_known_words_is_a_prompt_or_the_declared_error(text: str) -> None:
    prompt = _read(text)
    if prompt:
        assert prompt.text == text
        assert prompt.requests
        assert len(set(prompt.requests)) == len(prompt.requests)
        for request in prompt.requests:
            assert set(request.people) <= FOLDERS or request.people in {(EVERYONE,), (UNKNOWN,)}
            assert request.people or request.thing
            assert request.thing is None or request.thing == request.thing.strip() != ""


def _plainly(request: Request) -> str:
    """The same in plain English words."""
    words = {EVERYONE: "everyone", UNKNOWN: "unknown"}
    who = " and ".join(words.get(person, person) for person in request.people)
    plain = f"{who}'s {request.thing}" if who and request.thing else who or request.thing or ""
    if not request.but:
        return plain
    own = "'s" if request.thing else ""
    return f"{plain} except " + " and ".join(words.get(person, person) + own for person in request.but)


@given(sentence)
@settings(max_examples=500, derandomize=True)
def test_the_plain_form_of_a_prompt_asks_for_the_same(text: str) -> None:
    prompt = _read(text)
    if prompt:
        plain = "; ".join(map(_plainly, prompt.requests))
        assert parse(plain, MEMBERS).requests == prompt.requests


@given(sentence)
@settings(max_examples=200, derandomize=True)
def test_capitals_of_a_name_and_outer_space_change_nothing(text: str) -> None:
    prompt = _read(text)
    if prompt:
        assert parse(f"  {text} ", MEMBERS).requests == prompt.requests


owners = st.lists(st.sampled_from(sorted(FOLDERS)), min_size=1, max_size=3, unique=True)
nouns = st.sampled_from(
    ["shirt", "white bag", "microphone", "pants", "cup of coffee", "black and white dress"]
)


@given(owners, nouns)
def test_every_way_to_say_whose_a_thing_is_means_the_same(people: list[str], thing: str) -> None:
    who = " and ".join(people)
    ways = [
        f"{who}'s {thing}",
        f"the {thing} of {who}",
        f"{thing} worn by {who}",
        f"the {thing} {who} is holding",
    ]
    for way in ways:
        (request,) = parse(way, MEMBERS).requests
        assert (request.people, request.thing) == (tuple(people), thing), way
