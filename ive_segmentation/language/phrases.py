"""The tokens of one sentence -> the few that carry meaning: settled names, noun phrases, what joins them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ive_segmentation.language.members import name_key
from ive_segmentation.language.names import Names
from ive_segmentation.language.prompt import EVERYONE
from ive_segmentation.language.things import Kind, known, singular
from ive_segmentation.language.tokens import Token, is_thai

THINGS = {Kind.THING, Kind.BODY, Kind.PLACE, Kind.LOOK}
_ARTICLES = {"a", "an", "the"}
_JOINING_NAMES = {"with": Kind.AND, "w": Kind.AND, "on": Kind.OF_THE_ONE_AFTER}


def condense(tokens: Sequence[Token], names: Names) -> tuple[list[Token], list[str]]:
    """Drop the words that say nothing, settle who is meant, and make one token of each noun phrase.

    Args:
        tokens: One sentence of `tokenize`.
        names: The members.

    Returns:
        Tokens of the kinds that the patterns of `parse.py` know, and messages about words left out.

    Raises:
        PromptError: If a name could be several members, or is nobody's.
    """
    _refuse_strangers(tokens, names)
    spoken = [token for token in tokens if token.kind is not Kind.FILLER]
    rows = groupby(_with_joined_looks(_resolved(spoken)), key=lambda token: token.kind in THINGS)
    condensed: list[Token] = []
    messages: list[str] = []
    for is_noun_phrase, row in rows:
        if is_noun_phrase:
            phrase, left_out = _noun_phrase(list(row), names)
            condensed.append(phrase)
            messages += left_out
        else:
            condensed += row
    return _settled(condensed, names), messages


def _refuse_strangers(tokens: Sequence[Token], names: Names) -> None:
    """Refuse a word that must be a name and is no member's.

    An unknown English word is a name where it has a capital ("Karina"), where it owns something ("karina's
    shirt") and where it stands in a list with a member ("karina and rei"), unless an article or an owner
    makes it a thing ("the guitarist's shirt", "Rei's Birkin"). SAM 3 reads English, so an unknown Korean,
    Thai or Japanese word is of no use to it: beside a member ("원영의 예쁘장한 셔츠") it can be left out,
    elsewhere it may be a name.
    """
    kinds = "".join(token.kind for token in tokens)
    for at, token in enumerate(tokens):
        owns = kinds[at + 1 : at + 2] == Kind.OF_THE_ONE_BEFORE
        if token.foreign:
            is_stranger = owns or Kind.NAME not in kinds
        else:
            has_article = at > 0 and tokens[at - 1].text.lower() in _ARTICLES
            is_owned = kinds[:at].rstrip("".join(THINGS)).endswith(Kind.OF_THE_ONE_BEFORE)
            is_listed = kinds[:at].endswith("NA") or kinds.startswith("AN", at + 1)
            looks_so = token.looks_like_a_name and not is_owned
            is_stranger = not has_article and (owns or is_listed or looks_so)
        if is_stranger and not token.understood:
            raise names.nobody(token.text)


def _resolved(tokens: Sequence[Token]) -> Iterator[Token]:
    """Read the words whose meaning hangs on their neighbours."""
    kinds = [token.kind for token in tokens]
    for at, token in enumerate(tokens):
        before, after = kinds[max(at - 1, 0) : at], kinds[at + 1 : at + 2]
        read = token
        if token.kind is Kind.WITH and Kind.NAME in after:
            read = replace(token, kind=_JOINING_NAMES.get(token.text.lower(), Kind.WITH))
        elif token.kind is Kind.OF_THE_ONE_BEFORE and Kind.LOOK in before:
            read = replace(token, kind=Kind.FILLER)  # the の of 黒のドレス: a look owns nothing
        elif token.kind is Kind.HONORIFIC:
            kind = Kind.FILLER if Kind.NAME in (*before, *after) else Kind.THING
            read = replace(token, kind=kind, english=token.text.lower(), understood=not token.foreign)
        elif token.kind is Kind.ALL:
            kind = Kind.FILLER if THINGS.intersection(after) else Kind.NAME
            read = replace(token, kind=kind, people=(EVERYONE,))
        if read.kind is not Kind.FILLER:
            yield read


def _with_joined_looks(tokens: Iterator[Token]) -> list[Token]:
    """Make "and" part of the phrase between looks, so that "black and white dress" stays one thing."""
    joined: list[Token] = []
    and_after_looks: Token | None = None
    only_looks = False
    for token in tokens:
        if and_after_looks and token.kind in THINGS:
            joined[-1] = replace(and_after_looks, kind=Kind.LOOK, english="and")
        is_and = token.kind is Kind.AND
        and_after_looks = token if is_and and only_looks else None
        starts = not joined or joined[-1].kind not in THINGS
        only_looks = token.kind is Kind.LOOK and (starts or only_looks)
        joined.append(token)
    return joined


def _noun_phrase(words: Sequence[Token], names: Names) -> tuple[Token, list[str]]:
    """Make one English noun phrase: looks first, the head last and in the singular."""
    text = " ".join(word.text for word in words)
    left_out = [word.text for word in words if word.foreign and not word.understood]
    words = [word for word in words if word.understood or not word.foreign]
    nouns = [word for word in words if word.kind is not Kind.LOOK]
    if left_out and not nouns:
        raise names.nobody(left_out[0])
    head = nouns[0 if is_thai(text) else -1] if nouns else words[-1]
    if any(word.foreign for word in words):
        looks = [word for word in words if word.kind is Kind.LOOK]
        words = [*looks, *(reversed(nouns) if is_thai(text) else nouns)]
    english = [word.english for word in words]
    if not words[-1].understood:
        english[-1] = singular(english[-1])
    messages = [
        f'Left out "{word}", which is not in the vocabulary: write it in English.' for word in left_out
    ]
    return replace(head, text=text, english=" ".join(english)), messages


def with_compounds(words: Sequence[str]) -> list[str]:
    """Use the one name of a thing whose parts were read apart: 손 가방 is a handbag, not a hand bag."""
    joined = list(words[:1])
    for word in words[1:]:
        compound = known(name_key(joined[-1] + word))
        if compound and compound.kind in THINGS - {Kind.LOOK} and not compound.being:
            joined[-1] = compound.english
        else:
            joined.append(word)
    return joined


def _settled(tokens: Sequence[Token], names: Names) -> list[Token]:
    """Read names side by side together, then insist on one member each.

    "Kim" could be two members, "Kim Jiwonn" is one, "Jang Yujin" is none; the group's name beside a member's
    ("IVE Wonyoung") says nothing.
    """
    settled: list[Token] = []
    for token in tokens:
        before = settled[-1] if settled else None
        if before and before.kind is token.kind is Kind.NAME:
            settled[-1:] = _side_by_side(before, token, names)
        else:
            settled.append(token)
    for token in settled:
        if token.kind is Kind.NAME and len(token.people) > 1:
            raise names.ambiguous(token.text, token.people)
    return settled


def _side_by_side(one: Token, other: Token, names: Names) -> list[Token]:
    if one.people == (EVERYONE,):
        return [other]
    if other.people == (EVERYONE,):
        return [one]
    both = tuple(person for person in one.people if person in other.people)
    text = f"{one.text} {other.text}"
    if both:
        return [replace(one, text=text, people=both, mended=one.mended or other.mended)]
    if names.is_family_name(name_key(one.text)):
        raise names.nobody(text)
    return [one, other]
