"""Words whose meaning hangs on their neighbours: "one", "member", "all", "on", "holding hands"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ive_segmentation.language.members import name_key
from ive_segmentation.language.prompt import EVERYONE, PromptError
from ive_segmentation.language.things import THINGS, Kind
from ive_segmentation.language.tokens import Token, is_thai

Reading = Callable[[Token, Sequence[Token]], list[Token]]
"""A word, and all that stands before it -> the tokens that it is there."""


def letters(tokens: Sequence[Token]) -> str:
    """Write each token as its kind's letter; a being is b, a place of several words, "on the left", d."""
    return "".join(
        "b" if token.being else "d" if token.kind is Kind.PLACE and " " in token.text else token.kind
        for token in tokens
    )


def standing(tokens: Sequence[Token], at: int) -> str:
    """Write a token as its script (<e>, in Thai <t>, in Korean and Japanese <k>) between its neighbours."""
    token = tokens[at]
    script = "e" if not token.foreign else "t" if is_thai(token.text) else "k"
    return f"{letters(tokens[:at])}<{script}>{letters(tokens[at + 1 :])}"


def read_by_neighbours(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens of a sentence, each word of the table below as what it is where it stands.

    Raises:
        PromptError: If "one" stands for a thing that was not named.
    """
    for at, token in enumerate(tokens):
        readings = () if token.kind in THINGS else _READINGS.get(token.english, ())
        where = standing(tokens, at) if readings else ""
        found = next((reading for place, reading in readings if re.search(place, where)), None)
        yield from found(token, tokens[:at]) if found else [token]


def _as(kind: Kind, **fields: Any) -> Reading:
    return lambda token, _: [replace(token, kind=kind, **fields)]


def _nothing(*_: object) -> list[Token]:
    return []


def _as_typed(token: Token, _: Sequence[Token]) -> list[Token]:
    """A title without a name: a word like any other, which only the lexicon's English lets SAM 3 read."""
    return [replace(token, kind=Kind.THING, english=token.text.lower(), understood=not token.foreign)]


def _in_the_picture(token: Token, _: Sequence[Token]) -> list[Token]:
    noun = name_key(token.text).removeprefix("in").removeprefix("the").removeprefix("this")
    return [
        replace(token, kind=Kind.WITH, text="in"),
        replace(token, kind=Kind.THING, text=noun, english=noun),
    ]


def _the_thing_before(token: Token, before: Sequence[Token]) -> list[Token]:
    things = [other for other in before if other.kind is Kind.THING]
    if not things:
        raise PromptError(f'It is not clear what "{token.text}" is. Write the thing instead.')
    return [replace(things[-1], text=token.text)]


_everyone = _as(Kind.NAME, people=(EVERYONE,))
_somebody = _as(Kind.THING, english="person", being=True)

ANY_NOUN = "[TYLldb]"
"""What `letters` writes for `THINGS`."""
_ALL_OF_IT = rf"N.*{ANY_NOUN}(A?<e>|<[tk]>)(A|$)"
"""Behind a thing of somebody: Rei's shoes, all of them."""
_ANOTHER = f"A<e>[HW]|^<e>[HW]{ANY_NOUN}+AN"
"""Beside one who is named: Rei and someone with a mic."""
_SAID_OF_HER = "^<e>[HWLds]|^<t>[HLTYl]|H<k>$"
"""Before or, in Korean and Japanese, behind what a person has, where she is or how she looks."""

_READINGS: dict[str, list[tuple[str, Reading]]] = {
    "with": [("<.>N", _as(Kind.AND))],  # Rei with Liz
    "of": [("^<e>N", _nothing)],  # close-up of Rei
    "on": [("^<e>N", _nothing), ("<.>N", _as(Kind.OF_THE_ONE_AFTER))],  # focus on Rei, the hat on Rei
    "cross": [("N<.>N", _as(Kind.AND)), ("", _as_typed)],  # Rei x Liz; an adidas x gucci bag
    "'s": [("l<.>|[hs]<.>N", _nothing)],  # 黒のドレス, リーダーのユジン: neither owns
    "its": [("N.*A<.>", _as(Kind.PRONOUN)), ("", _nothing)],  # レイとその靴; その靴
    "in_the_picture": [(f"<.>{ANY_NOUN}", _in_the_picture), ("", _nothing)],  # in the picture frame
    "honorific": [("[Nb]<.>|<.>S?N", _nothing), ("", _as_typed)],  # レイさん, スタッフさん, リーダーのユジン
    "everything": [(_ALL_OF_IT, _nothing)],  # Rei's shoes, all of them
    "all": [(f"{_ALL_OF_IT}|<.>{ANY_NOUN}", _nothing), ("", _everyone)],  # Rei's clothes all; all bags
    "holding hands": [  # of members it says nothing, but nobody is found by whose hand she holds
        ("N<.>", _nothing),
        ("N", _as(Kind.BEYOND)),
        ("", _as(Kind.THING)),
    ],
    "who": [  # who is holding the mic
        ("<k>.*[NA].*H", _as(Kind.BEYOND)),
        ("N", _nothing),
        (_SAID_OF_HER, _somebody),
        ("", _nothing),
    ],
    "someone": [(_ANOTHER, _somebody), ("N", _nothing), (_SAID_OF_HER, _somebody), ("", _nothing)],
    "member": [
        (_ANOTHER, _somebody),
        ("N", _nothing),  # IVE member Wonyoung
        ("^<e>S|[BT]<t>$|^<k>(S|.*[TY]$)", _everyone),  # member's shoes, รองเท้าของสมาชิก, 멤버 신발
        (f"{ANY_NOUN}S?<e>|{ANY_NOUN}S?<k>$|{_SAID_OF_HER}", _somebody),  # blonde member, 金髪のメンバー
        ("", _nothing),
    ],
    "one": [
        (f"^[^T]*(?:{_ANOTHER})", _somebody),
        (f"(N.*|.(?=.*N))<e>(?!{ANY_NOUN})", _the_thing_before),  # Rei's pink dress and Liz's blue one
        ("N", _nothing),  # which one is Rei
        (f"{ANY_NOUN}S?<e>|^<e>[HWds]", _somebody),  # the blonde one; one tree is a number
        ("", _nothing),
    ],
}
"""Words of words.toml, by the names they have there: where they stand, as `standing` writes it, and what they
are there. The first place that fits counts; where none does, a word stays what it was."""
