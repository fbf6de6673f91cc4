"""Text in, `Prompt` out: normalise, find the words, read clause by clause.

A text that names nobody is a plain concept and goes to SAM 3 as it is, with plurals made singular and words
of other languages translated. A text that names somebody fits a pattern below, or is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from ive_segmentation.language.excepting import EXCEPT, REST, except_those_named, leaves_out
from ive_segmentation.language.members import Member
from ive_segmentation.language.names import Names, names_of
from ive_segmentation.language.normalise import normalise
from ive_segmentation.language.phrases import condense, names_a_person, with_compounds
from ive_segmentation.language.prompt import EVERYONE, UNKNOWN, Prompt, PromptError, Request
from ive_segmentation.language.things import THINGS, Kind
from ive_segmentation.language.tokens import Token, is_thai, tokenize

_THING = "[TYLl](?:[BPW][TYLl])*"
_WHO = "(?P<who>N(?:S?AN|N)*|R)"
_WHAT = f"(?P<what>{_THING}(?:A{_THING})*)"
_HERS = f"(?P<what>{_THING}(?:S{_THING})*(?:A?H{_THING}|A{_THING}(?![BNPRSW]|H{_THING}))*)"
"""Parts of the patterns; the single letters are kinds of tokens (`Kind`): N a name, T a thing, A "and" ..."""

_CLAUSES = {
    name: re.compile(pattern.replace(" ", ""))
    for name, pattern in {
        # what Wonyoung is wearing
        "which": f"Q {_WHO} (?P<verb>H) (?=A|$)",
        # the mic in Wonyoung's hand
        "on her": f"{_WHAT} [BPW] {_WHO} S Y (?=A|$)",
        # the shirt of Wonyoung, เสื้อของวอนยอง
        "of her": f"{_WHAT} B {_WHO} S? (?=A|$|{_THING} B)",
        # the mic Wonyoung is holding
        "she holds": f"{_WHAT} {_WHO} S? H (?=A|$)",
        # 마이크를 든 원영
        "holder": f"{_WHAT} (?P<verb>H) {_WHO} (?=A|$)",
        # Wonyoung on stage
        "somewhere": f"{_WHO} (?P<where>W?L(?:AL)*|P {_THING}) (?=A|$)",
        # 制服のレイ
        "clad": f"(?P<where>{_THING}(?:A{_THING})*) S {_WHO} (?=A|$)",
        # 원영이 들고 있는 마이크, วอนยองถือไมค์, Wonyoung in a white dress, 원영 손에 든 마이크
        "holding": f"{_WHO} (?P<verb>S?Y?H|W) R? {_HERS} (?:[PW]RY)? H? (?=A|$|N(?!A|$))",
        # Wonyoung's shirt; Rei's ring on her finger
        "hers": f"{_WHO} S {_HERS} (?:[PW]RY)? (?=[AN]|$)",
        # 원영 가방
        "before": f"{_WHO} {_HERS} (?:H(?!N))? (?=[AN]|$)",
        # เสื้อวอนยอง
        "behind": f"{_WHAT} {_WHO} (?=[AN]|$|{_THING} N)",
        # Wonyoung
        "herself": f"{_WHO} (?=A|$)",
        # a microphone, a woman in red
        "concept": f"(?P<what>{_THING}(?:[BHPSWX]{_THING})*) (?=A|$)",
    }.items()
}

_FOREIGN = {"holder", "clad"}
"""Not said in English, where "dog's Rei" would be something else."""
_OWNING = {"hers", "before", "behind", "of her"}
_IN_NO_TITLE = {"without", EXCEPT[0], REST}
"""What is beyond a prompt even where nobody is named."""
_WHOLE = "full body"
"""The thing that means the person herself."""


class _Clause(NamedTuple):
    """A row of tokens that fits one of the patterns, in its parts."""

    name: str
    who: list[Token]
    things: list[list[Token]]
    verb: list[Token]
    where: list[Token]


def parse(text: str, members: Sequence[Member]) -> Prompt:
    """Read what a text asks for, in English, Korean, Thai or Japanese.

    Three levels: a concept ("microphone"), people ("Wonyoung", "everyone except Rei", "strangers"), their
    things ("Wonyoung's white shirt and Yujin's bag"). Several of each may stand in one text.

    An unknown word is taken for a name, and the text refused, where it has a capital ("Karina"), owns
    something ("karina's shirt") or stands in a list with members; otherwise it is a thing. A long name with a
    typing mistake is read as the member, and a message says so.

    Args:
        text: What the user typed.
        members: Who can be named.

    Returns:
        The prompt, with at least one request.

    Raises:
        PromptError: If the text is empty, too long or not text, or if it cannot be read without guessing.

    Example:
        >>> liz = Member("Kim_Jiwon", "Liz", ("Liz", "리즈"))
        >>> parse("리즈의 하얀 가방", [liz]).requests
        (Request(people=('Kim_Jiwon',), thing='white bag', but=()),)
    """
    names = names_of(tuple(members))
    requests: list[Request] = []
    messages: list[str] = []
    typed = tokenize(normalise(text), names)
    for sentence in _split(_closed_by_films(typed), Kind.STOP):
        beyond = [token for token in sentence if token.kind is Kind.BEYOND and not leaves_out(token)]
        if beyond and any(token.kind is Kind.NAME for token in sentence):
            raise _beyond(beyond[0])
        condensed, left_out = condense(sentence, names)
        tokens = except_those_named(condensed)
        messages += [_mended(token, names) for token in condensed if token.mended] + left_out
        messages += [_not_her(token) for token in sentence if _is_spelled_as_a_name(token, names)]
        begins = next((token.kind for token in tokens if token.kind is not Kind.AND), None)
        # "Rei's shoes. Her hat." is hers; a pronoun further on need not be anybody's who was named.
        if (requests and begins is Kind.PRONOUN) or any(token.kind is Kind.NAME for token in tokens):
            for clause in _clauses(tokens):
                requests += _requests(clause, requests)
                messages += _doubts(clause, names)
        else:
            requests += _concepts(tokens)
    if not requests:
        raise PromptError(f'"{text.strip()}" names nobody and nothing. Type a name, a thing, or both.')
    return Prompt(text, tuple(dict.fromkeys(requests)), tuple(dict.fromkeys(messages)), _star(typed))


def _star(tokens: Sequence[Token]) -> str | None:
    """Return the member named in the wish for a fancam, or else last before it ("Rei's hat, her fancam")."""
    before: list[str] = []
    for wish in _split(tokens, Kind.AND, Kind.STOP):
        named = [token.people[0] for token in wish if token.people]
        if any(token.kind is Kind.FILM for token in wish):
            if any(map(leaves_out, tokens)):
                raise PromptError("A fancam follows one member, and nobody can be left out. Name her.")
            return next((one for one in [*named, *before[-1:]] if one not in {EVERYONE, UNKNOWN}), None)
        before += named
    return None


def _closed_by_films(tokens: Sequence[Token]) -> list[Token]:
    """End a sentence behind "Rei's fancam": what an "and" adds is another wish, and not shared with her."""
    closed: list[Token] = []
    before = Kind.FILLER
    for token in tokens:
        ends = before is Kind.FILM and token.kind is Kind.AND
        kind = Kind.STOP if ends else Kind.FILLER if token.kind is Kind.FILM else token.kind
        closed.append(replace(token, kind=kind))
        before = token.kind
    return closed


def _split(tokens: Sequence[Token], *kinds: Kind) -> Iterator[list[Token]]:
    """Yield the rows of tokens between those of some kinds, empty rows left out."""
    for is_between, row in groupby(tokens, key=lambda token: token.kind not in kinds):
        if is_between:
            yield list(row)


def _clauses(tokens: list[Token]) -> Iterator[_Clause]:
    """Read a sentence that names somebody; every token must be part of a clause."""
    letters = "".join(token.kind for token in tokens)
    if beyond := re.search("P(?=N)", letters):
        raise _beyond(tokens[beyond.start()])
    if unread := next(filter(leaves_out, tokens), None):
        raise _beyond(unread)
    at = 0
    while at < len(letters):
        if letters[at] == Kind.AND:
            at += 1
            continue
        found = ((name, pattern.match(letters, at)) for name, pattern in _CLAUSES.items())
        name, match = next(((name, match) for name, match in found if match), ("", None))
        if not match or (name in _FOREIGN and not tokens[match.start("who") - 1].foreign):
            raise _unreadable(tokens)
        parts = {part: tokens[slice(*match.span(part))] for part in match.re.groupindex if match[part]}
        between = (Kind.AND,) if name == "concept" else (Kind.AND, Kind.HOLDING)
        things = list(_split(parts["what"], *between)) if "what" in parts else []
        who = parts.get("who", [])
        if who and things and match.start("who") < match.start("what") and (again := _named_again(who)):
            yield _Clause("herself", who[:again], [], [], [])  # "Rei, Rei's shirt": two wishes, and one owner
            who = who[again:]
        yield _Clause(name, who, things, parts.get("verb", []), parts.get("where", []))
        at = match.end()


def _named_again(who: Sequence[Token]) -> int:
    """Return the place of the first name that stood in the row before; 0 where none did."""
    named = [token.people for token in who]
    return next((at for at, people in enumerate(named) if people and people in named[:at]), 0)


def _beyond(token: Token) -> PromptError:
    if token.english in EXCEPT:
        return PromptError(
            f'"{token.text}" cannot be asked like this: members and strangers can be left out of everyone, '
            'and nothing else. Write one wish like "everyone except Rei", or name whom and what you want.'
        )
    if token.english == REST:
        return PromptError(
            f'It is not clear whom "{token.text}" leaves out. Write it like "everyone except Rei".'
        )
    return PromptError(
        f'"{token.text}" cannot be asked: nothing is found by what it has not, or stands beside. '
        "Name the people and things you want."
    )


def _no_thing(look: Token, said: str) -> PromptError:
    return PromptError(f'"{look.text}" is no thing. Name what is {said}, for example: {said} shirt.')


def _unreadable(tokens: Sequence[Token]) -> PromptError:
    typed = " ".join(token.text for token in tokens).replace(" '", "'")
    return PromptError(
        f'It is not clear whose is what in "{typed}". '
        "Write it like \"Rei's white shirt and Liz's bag\", with a comma between wishes."
    )


def _requests(clause: _Clause, earlier: Sequence[Request]) -> list[Request]:
    return [replace(group, thing=thing) for group in _people(clause.who, earlier) for thing in _asked(clause)]


def _people(who: Sequence[Token], earlier: Sequence[Request]) -> list[Request]:
    """Return the members named as one group, everyone and the unknown apart; nobody at all is a group too."""
    if who and who[0].kind is Kind.PRONOUN:
        before = [request for request in earlier if request.people]
        if not before or before[-1].but:  # everyone except Rei, and her hat
            raise PromptError(f'It is not clear who "{who[0].text}" is. Write the name instead.')
        return [before[-1]]
    named = list(dict.fromkeys(person for token in who for person in token.people))
    members = tuple(person for person in named if person not in {EVERYONE, UNKNOWN})
    groups = list(dict.fromkeys(members if person in members else (person,) for person in named)) or [()]
    left_out = tuple(dict.fromkeys(person for token in who for person in token.but))
    return [Request(people, None, left_out if people == (EVERYONE,) else ()) for people in groups]


def _asked(clause: _Clause) -> list[str | None]:
    """Return the things of a clause in English; None stands for the people themselves."""
    if clause.name == "which":
        if clause.verb[0].english != "wearing":
            raise PromptError(
                "Held things have no name in common. Type the thing, for example: a microphone."
            )
        return ["clothes"]
    is_title = clause.name == "behind" and all(
        token.being or token.kind in {Kind.LOOK, Kind.PLACE} for row in clause.things for token in row
    )  # "singer Wonyoung", "pretty Rei", "dancing Liz"
    if is_title or not clause.things:
        return [None]
    things = [_thing(row, clause) for row in clause.things]
    if not clause.who:  # "Rei, full body": it is hers who was named
        return [thing for thing in things if thing != _WHOLE]
    return [None if thing == _WHOLE else thing for thing in things]


def _thing(row: Sequence[Token], clause: _Clause) -> str:
    """Write one thing of a clause in English, or refuse what stands beside a name and need not be a thing."""
    thing = _english(row)
    is_somebody = clause.name == "holding" and thing.split()[-1] == "person"
    if is_somebody or (clause.name in _OWNING and names_a_person(row[0])):
        raise _beyond(row[0])  # the person on Rei's right, or in her arms, is not Rei's
    if row[-1].kind is Kind.LOOK and clause.who:
        if not clause.verb:
            raise _no_thing(row[-1], thing)
        return f"{thing} clothes"  # "Rei in pink"
    if clause.name in {"before", "behind"} and not row[-1].understood and clause.who[0].kind is Kind.NAME:
        owner = clause.who[0].text
        raise PromptError(
            f'"{row[-1].text}" may be a thing or not. If it is, write "{owner}\'s {row[-1].text}".'
        )
    return thing


def _concepts(tokens: Sequence[Token]) -> Iterator[Request]:
    """Read a sentence that names nobody: one concept for each side of an "and"."""
    found = False
    for row in _split(tokens, Kind.AND):
        for token in row:
            is_title = len(row) > 1 and not token.foreign and token.english not in _IN_NO_TITLE
            if token.kind is Kind.BEYOND and not is_title:  # no smoking
                raise _beyond(token)
        pronouns = [token.text for token in row if token.kind is Kind.PRONOUN]
        if pronouns and not found:
            raise PromptError(f'It is not clear who "{pronouns[0]}" is. Write the name instead.')
        meant = [at for at, token in enumerate(row) if token.kind in THINGS | {Kind.BEYOND}]
        if any(row[at].kind in THINGS for at in meant):
            found = True
            phrase = row[meant[0] : meant[-1] + 1]
            if row[0].kind is Kind.WHICH and phrase[-1].kind is Kind.LOOK:
                raise _no_thing(phrase[-1], _english(phrase))  # everything in red
            thing = _english([token for token in phrase if token.kind is not Kind.PRONOUN])
            yield Request((), "person" if thing == _WHOLE else thing)


def _english(tokens: Sequence[Token]) -> str:
    """Write a noun phrase and what hangs on it: "cup of coffee", "person holding microphone"."""
    is_holding = [token.kind is Kind.HOLDING and token.foreign for token in tokens]
    if is_holding == [False, True, False] and not is_thai(tokens[1].text):
        tokens = tokens[::-1]  # Korean and Japanese say first what is held
    words = ""
    for before, token, after in zip([tokens[0], *tokens], tokens, [*tokens[1:], tokens[-1]], strict=False):
        if token.english == "having" and (token.foreign or after.understood):  # not "having fun"
            words += " with" if after.kind is Kind.BODY else " holding"
        elif token.kind is Kind.OF_THE_ONE_BEFORE:
            words += "'s" if before.being or not token.foreign else ""  # レースのドレス is a lace dress
        else:
            is_verb = token.kind is Kind.HOLDING and token.english != "having"
            is_translated = token.foreign or is_verb or token.kind in THINGS
            words += " " + (token.english if is_translated else token.text.lower())
    return " ".join(with_compounds(words.removeprefix("'s").split()))


def _mended(token: Token, names: Names) -> str:
    return f'Read "{token.text}" as {names.show(token.people)}.'


def _is_spelled_as_a_name(token: Token, names: Names) -> bool:
    """Whether a word of the language is written with a capital as a member's name is: Winter, Rose."""
    return token.kind is not Kind.NAME and token.text[0].isupper() and token.text.casefold() in names.called


def _not_her(token: Token) -> str:
    return f'Read "{token.text}" as a word. If she is meant, write "{token.text}\'s" or the name alone.'


def _doubts(clause: _Clause, names: Names) -> Iterator[str]:
    """Yield what the user should know where a text could have meant something else."""
    if clause.where:
        yield f'Left out "{_english(clause.where)}": people are looked for in the whole picture.'
    if clause.name == "holder" or (clause.verb and clause.verb[-1].kind is Kind.WITH):
        things = names.show([thing for thing in _asked(clause) if thing])
        who = names.show(clause.who[0].people, but=clause.who[0].but)
        yield f"Read as the {things} of {who}; for the person type only the name."
