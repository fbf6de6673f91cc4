"""The tokens of one sentence -> the few that carry meaning: settled names, noun phrases, and what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from ive_segmentation.language.names import Names
from ive_segmentation.language.prompt import EVERYONE
from ive_segmentation.language.things import Kind, singular
from ive_segmentation.language.tokens import Token, is_thai

THINGS = {Kind.THING, Kind.BODY, Kind.PLACE, Kind.LOOK}
_ARTICLES = {"a", "an", "the"}
_JOINING = {"with": Kind.AND, "w": Kind.AND, "on": Kind.OF_THE_ONE_AFTER}


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
    tokens = _resolve(_without_fillers(tokens))
    messages: list[str] = []
    condensed: list[Token] = []
    for is_thing, group in groupby(_joined_looks(tokens), key=lambda token: token.kind in THINGS):
        row = list(group)
        if is_thing:
            row = [_noun_phrase(row, messages)]
        condensed += row
    return _settled(condensed, names), messages


def _refuse_strangers(tokens: Sequence[Token], names: Names) -> None:
    """Refuse a word that must be a name and is no member's.

    A word nobody knows is a name where it has a capital ("Karina"; small letters make it a thing), where it
    owns something without an article ("karina's shirt", but "the guitarist's shirt"), or, in a language whose
    things are all looked up, where a member would stand ("카리나의 셔츠", "เสื้อของคารีนา").
    """
    kinds = [token.kind for token in tokens]
    for at, token in enumerate(tokens):
        if token.understood:
            continue
        before, after = "".join(kinds[:at])[-1:], "".join(kinds[at + 1 :])[:1]
        owns = after == Kind.OF_THE_ONE_BEFORE and not any(
            word.text.lower() in _ARTICLES for word in tokens[:at]
        )
        stands_for_owner = token.foreign and (after == Kind.HOLDING or before == Kind.OF_THE_ONE_AFTER)
        if token.looks_like_a_name or owns or stands_for_owner:
            raise names.nobody(token.text)


def _without_fillers(tokens: Sequence[Token]) -> list[Token]:
    kept: list[Token] = []
    spoken = [token for token in tokens if token.kind is not Kind.FILLER]
    for at, token in enumerate(spoken):
        near = {word.kind for word in (*spoken[max(at - 1, 0) : at], *spoken[at + 1 : at + 2])}
        after = spoken[at + 1].kind if at + 1 < len(spoken) else None
        if token.kind is Kind.HONORIFIC and Kind.NAME not in near:
            kept.append(replace(token, kind=Kind.THING, english=token.text.lower()))
        elif token.kind is Kind.ALL and after not in THINGS:
            kept.append(replace(token, kind=Kind.NAME, people=(EVERYONE,)))
        elif token.kind not in {Kind.HONORIFIC, Kind.ALL}:
            kept.append(token)
    return kept


def _resolve(tokens: Sequence[Token]) -> list[Token]:
    """Read "with" and "on" before a name, and drop the の of 黒のドレス: a look owns nothing."""
    resolved: list[Token] = []
    for at, token in enumerate(tokens):
        after = tokens[at + 1].kind if at + 1 < len(tokens) else None
        if token.kind is Kind.WITH and after is Kind.NAME:
            token = replace(token, kind=_JOINING.get(token.text.lower(), Kind.WITH))
        if token.kind is Kind.OF_THE_ONE_BEFORE and resolved and resolved[-1].kind is Kind.LOOK:
            continue
        resolved.append(token)
    return resolved


def _joined_looks(tokens: Sequence[Token]) -> list[Token]:
    """Keep "black and white dress" one thing: "and" between looks, when no noun came before, is part of the phrase."""
    joined: list[Token] = []
    for at, token in enumerate(tokens):
        after = tokens[at + 1].kind if at + 1 < len(tokens) else None
        phrase_so_far = joined[_start_of_phrase(joined) :]
        only_looks = phrase_so_far and all(word.kind is Kind.LOOK for word in phrase_so_far)
        if token.kind is Kind.AND and only_looks and after in THINGS:
            token = Token(Kind.LOOK, token.text, english="and")
        joined.append(token)
    return joined


def _start_of_phrase(tokens: Sequence[Token]) -> int:
    start = len(tokens)
    while start and tokens[start - 1].kind in THINGS:
        start -= 1
    return start


def _noun_phrase(words: Sequence[Token], messages: list[str]) -> Token:
    """Make one English noun phrase: looks first, the head last and in the singular."""
    text = " ".join(word.text for word in words)
    thai = is_thai(words[0].text)
    nouns = [word for word in words if word.kind is not Kind.LOOK]
    known = [word for word in nouns if word.understood]
    if known and any(word.foreign for word in nouns):
        for word in nouns:
            if word.foreign and not word.understood:
                messages.append(
                    f'Left out "{word.text}", a word not in the vocabulary; English goes to SAM 3 as it is.'
                )
        nouns = [word for word in nouns if word.understood or not word.foreign]
    elif unknown := [word.text for word in nouns if word.foreign]:
        messages.append(
            f'"{" ".join(unknown)}" is not in the vocabulary and goes to SAM 3 as it is; try it in English.'
        )
    head = nouns[0 if thai else -1] if nouns else words[-1]
    if any(word.foreign for word in words):
        looks = [word for word in words if word.kind is Kind.LOOK]
        words = [*looks, *(reversed(nouns) if thai else nouns)]
    english = [word.english for word in words]
    english[-1] = english[-1] if words[-1].understood else singular(english[-1])
    return replace(head, text=text, english=" ".join(english), kind=head.kind)


def _settled(tokens: Sequence[Token], names: Names) -> list[Token]:
    """Read names side by side together ("Kim" could be two, "Kim Jiwonn" is one), then insist on one member each."""
    settled: list[Token] = []
    for token in tokens:
        if token.kind is Kind.NAME and settled and settled[-1].kind is Kind.NAME:
            before = settled[-1]
            both = tuple(person for person in before.people if person in token.people)
            if both:
                unsettled = before.unsettled and token.unsettled and len(both) > 1
                text, mended = f"{before.text} {token.text}", before.mended or token.mended
                settled[-1] = replace(before, text=text, people=both, unsettled=unsettled, mended=mended)
                continue
        settled.append(token)
    for token in settled:
        if token.unsettled:
            raise names.ambiguous(token.text, token.people)
    return settled
