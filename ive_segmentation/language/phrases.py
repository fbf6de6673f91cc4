"""The tokens of one sentence -> the few that carry meaning: settled names, noun phrases, what joins them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from ive_segmentation.language.members import name_key
from ive_segmentation.language.names import Names
from ive_segmentation.language.neighbours import ANY_NOUN, letters, read_by_neighbours, standing
from ive_segmentation.language.prompt import EVERYONE, UNKNOWN
from ive_segmentation.language.things import THINGS, Kind, beside_a_noun, families, known, singular
from ive_segmentation.language.tokens import Token, is_thai

_ARTICLES = {"a", "an", "the"}
_PEOPLE = {"person", "woman", "man", "girl", "boy", "singer", "dancer", "idol", "rapper", "vocalist"}
_SIDES = {"left", "right"}
_A_VERB = re.compile("(줘|요|해|게|줄래|할래|[てでいるすくかうねよ])$")
"""How a Korean or Japanese sentence ends, and hardly any noun."""
_A_WISH = re.compile("[가-힣](줘|주세|드려|습니다|줄래|할래)$|[\u3041-\u9fff](て|たい|ほしい|ます|する)$")
"""The same behind a name alone, where only what ends no name may be left out; a last 요 or か is apart."""
_ON_A_BODY = re.compile("(?<!l)YS(?=l*T)")
"""A part of the body that nothing else is said of, "'s" and a thing, by their kinds."""
_A_LIST = re.compile("[TY]l+(?=[TY])")
"""A noun, looks and a noun, by their kinds."""
_A_QUESTION = re.compile(f"(?=.*{ANY_NOUN}){ANY_NOUN}*(?P<who>s){ANY_NOUN}*H")
"""Who, what she has, and that she has it, in the order of 누가 마이크를 들고 있어."""
_JOINED_LOOKS = re.compile(f"(?<!{ANY_NOUN})l+(?P<and>A){ANY_NOUN}+")
"""Looks that begin a phrase, "and" and the rest of it."""
_OWNED = re.compile(f"S{ANY_NOUN}*<")
"""Where a word stands behind an owner, as `standing` writes it."""


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
    tokens = _with_one_and(tokens)
    _refuse_strangers(tokens, names)
    spoken = [
        token
        for at, token in enumerate(tokens)
        if token.kind is not Kind.FILLER and not _owns_nothing(token, tokens[at + 1 :])
    ]
    spoken = [token for at, token in enumerate(spoken) if not _is_a_number(spoken, at)]
    spoken = _with_who_last(_without_bodies(spoken))
    read = _with_lists(_with_joined_looks(list(read_by_neighbours(spoken))))
    rows = groupby(read, key=lambda token: token.kind in THINGS)
    condensed: list[Token] = []
    messages: list[str] = []
    for is_noun_phrase, row in rows:
        words = list(row)
        if condensed and condensed[-1].kind is Kind.NAME and _is_a_wish(words):
            messages.append(_left_out(words[0].text))
        elif is_noun_phrase:
            phrase, left_out = _noun_phrase(words, names)
            condensed.append(phrase)
            messages += left_out
        else:
            condensed += words
    return _settled(condensed, names), messages


def _owns_nothing(token: Token, after: Sequence[Token]) -> bool:
    """Whether it makes an owner, and only words that say nothing follow: Wonyoung's fancam."""
    return token.kind is Kind.OF_THE_ONE_BEFORE and {word.kind for word in after} == {Kind.FILLER}


def _is_a_number(tokens: Sequence[Token], at: int) -> bool:
    """Whether it counts, or dates a video, and is no part of a name: all 6 members, 240115 Wonyoung."""
    before = tokens[at - 1 : at]
    is_named = any(word.kind in THINGS and not word.foreign and not word.text.isdecimal() for word in before)
    return tokens[at].text.isdecimal() and len(tokens) > 1 and not is_named


def _without_bodies(tokens: list[Token]) -> list[Token]:
    """Leave out the part of the body that a thing is worn on: 耳のピアス is an earring."""
    kept = list(tokens)
    for match in reversed(list(_ON_A_BODY.finditer(letters(tokens)))):
        if tokens[match.start()].foreign:
            del kept[slice(*match.span())]
    return kept


def _with_who_last(tokens: list[Token]) -> list[Token]:
    """Put who a Korean or Japanese question asks for where it would say so: 마이크 들고 있는 누구."""
    question = _A_QUESTION.fullmatch(letters(tokens))
    if not question or not tokens[-1].foreign or is_thai(tokens[-1].text):
        return tokens
    who = question.start("who")
    return [*tokens[:who], *tokens[who + 1 :], tokens[who]]


def _with_one_and(tokens: Sequence[Token]) -> list[Token]:
    """Leave out an "and" behind a comma, "shirt, pants, and shoes" is one list; not before "and the dog"."""
    kept: list[Token] = []
    is_joined = False
    for at, token in enumerate(tokens):
        begins_anew = any(map(_is_article, tokens[at + 1 : at + 2]))
        if begins_anew or not (is_joined and token.kind is Kind.AND):
            kept.append(token)
        if token.kind is not Kind.FILLER:
            is_joined = token.kind is Kind.AND
    return kept


def _is_article(token: Token) -> bool:
    return token.text.lower() in _ARTICLES


def _refuse_strangers(tokens: Sequence[Token], names: Names) -> None:
    """Refuse a word that must be a name and is no member's.

    An unknown English word is a name where it has a capital ("Karina"), where it owns something ("karina's
    shirt") and where it stands in a list with a member ("karina and rei"), unless an article or an owner
    makes it a thing ("the guitarist's shirt", "Rei's Birkin"). SAM 3 reads English, so an unknown Korean,
    Thai or Japanese word is of no use to it: beside a member ("원영의 예쁘장한 셔츠") it can be left out,
    elsewhere it may be a name.
    """
    for at, token in enumerate(tokens):
        where = standing(tokens, at)
        has_article = any(map(_is_article, tokens[at - 1 : at]))
        owns = ">S" in where
        if token.foreign:
            is_stranger = owns or "N" not in where
        else:
            looks_so = token.looks_like_a_name and not _OWNED.search(where)
            is_stranger = not has_article and (owns or looks_so or "NA<" in where or ">AN" in where)
        if is_stranger and not token.understood:
            raise names.nobody(token.text)
        if not has_article and ">N" in where:
            _refuse_another_family(token, tokens[at + 1], names)


def _refuse_another_family(token: Token, name: Token, names: Names) -> None:
    """Refuse a member's name behind a family's that is a word and not hers: Park Jiwon is no Kim Jiwon.

    A word that says nothing ("so", "an") is a family's name only with its capital.
    """
    key = name_key(token.text)
    is_family = key in families() and (token.kind is not Kind.FILLER or token.text[0].isupper())
    theirs = {EVERYONE, UNKNOWN, *names.find(key)}
    if is_family and not theirs.intersection(name.people):
        raise names.nobody(f"{token.text} {name.text}")


def _with_joined_looks(tokens: Sequence[Token]) -> list[Token]:
    """Make "and" part of the phrase between looks, so that "black and white dress" stays one thing."""
    joined = list(tokens)
    for looks in _JOINED_LOOKS.finditer(letters(tokens)):
        at = looks.start("and")
        joined[at] = replace(tokens[at], kind=Kind.LOOK, english="and")
    return joined


def _with_lists(tokens: Sequence[Token]) -> list[Token]:
    """Put an "and" where a Korean, Thai or Japanese list has none: 검은 모자 흰 신발, เสื้อดำกางเกงขาว.

    A look between two nouns is such a list's border: it ends what is said of the first (Thai) or begins what
    is said of the second.
    """
    listed = list(tokens)
    for border in reversed(list(_A_LIST.finditer(letters(tokens)))):
        first, second = tokens[border.start()], tokens[border.end()]
        if all(noun.foreign and noun.understood for noun in (first, second)):
            place = border.end() if is_thai(first.text) else border.start() + 1
            listed.insert(place, Token(Kind.AND, " "))
    return listed


def _noun_phrase(words: Sequence[Token], names: Names) -> tuple[Token, list[str]]:
    """Make one English noun phrase: looks first, the head last and in the singular."""
    text = " ".join(word.text for word in words)
    last = words[0 if is_thai(text) else -1]
    is_verb = _A_VERB.search(last.text) and len(words) > 1
    if last.foreign and not last.understood and not is_verb:
        # What is unknown may be left out before its noun, not in its place.
        raise names.not_understood(last.text)
    left_out = [word.text for word in words if word.foreign and not word.understood]
    words = [word for word in words if word.understood or not word.foreign]
    nouns = [word for word in words if word.kind is not Kind.LOOK]
    if left_out and not nouns:
        raise names.not_understood(left_out[0])
    is_beside = any(word.kind is Kind.BODY or word.english in _SIDES for word in words)
    head = nouns[0 if is_thai(text) else -1] if nouns else words[-1]
    if any(word.foreign for word in words):
        looks = [word for word in words if word.kind is Kind.LOOK]
        nouns = [word if word is head else _as_a_look(word) for word in nouns]
        words = [*looks, *(reversed(nouns) if is_thai(text) else nouns)]
    english = [word.english for word in words]
    if not words[-1].understood:
        english[-1] = singular(english[-1])
    being = head.being and not is_beside
    return replace(head, text=text, english=" ".join(english), being=being), list(map(_left_out, left_out))


def _is_a_wish(words: Sequence[Token]) -> bool:
    """Whether a row is nothing but an unknown word that ends as what one asks to be done does."""
    (word, *others) = words
    return not others and not word.understood and bool(_A_WISH.search(word.text))


def _left_out(word: str) -> str:
    return f'Left out "{word}", which is not in the vocabulary: write it in English.'


def _as_a_look(noun: Token) -> Token:
    return replace(noun, english=beside_a_noun().get(name_key(noun.text), noun.english))


def names_a_person(token: Token) -> bool:
    """Tell whether a noun phrase is somebody, who belongs to nobody."""
    return token.kind in THINGS and token.english.split()[-1] in _PEOPLE


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
        if token.kind is Kind.NAME and _ends_in_the_group(settled):
            settled[-2:] = [token]
        elif before and before.kind is token.kind is Kind.NAME:
            settled[-1:] = _side_by_side(before, token, names)
        else:
            settled.append(token)
    for token in settled:
        if token.kind is Kind.NAME and len(token.people) > 1:
            raise names.ambiguous(token.text, token.people)
    return [token for at, token in enumerate(settled) if not _is_title(settled, at)]


def _ends_in_the_group(tokens: Sequence[Token]) -> bool:
    """Whether the next name would be the group's own member: IVE's Rei."""
    kinds = [token.kind for token in tokens[-2:]]
    return kinds == [Kind.NAME, Kind.OF_THE_ONE_BEFORE] and tokens[-2].people == (EVERYONE,)


def _is_title(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word says what the owner named behind it is: singer Yujin's mic."""
    is_somebody = tokens[at].being and names_a_person(tokens[at])
    return is_somebody and bool(re.search("(^|A)<.>NS", standing(tokens, at)))


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
