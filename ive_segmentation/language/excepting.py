"""Members left out of everyone: "everyone except Rei", 레이 빼고 모두, レイ以外, ทุกคนยกเว้นเรย์."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ive_segmentation.language.prompt import EVERYONE
from ive_segmentation.language.things import THINGS, Kind
from ive_segmentation.language.tokens import Token, is_thai

EXCEPT, REST = ("except", "but"), "rest"
"""The English of the words that leave out, and of those for everyone who is not left out."""
_ALL = "(?:rE|Er|E|r)"
_NAMES = "N(?:A?N)*"
_EXCEPTIONS = [
    re.compile(pattern)
    for pattern in (
        # everyone except Rei and Liz
        rf"{_ALL}A?x(?P<but>{_NAMES})(?=A(?!N)|$)",
        # everyone except Rei's shoes; behind a list of names they could be another wish
        rf"{_ALL}A?x(?P<but>N)(?=S[TYLl])",
        # everyone's shoes except Rei's and Liz's
        rf"{_ALL}(?P<hers>S[TYLl](?:A?[TYLl])*)A?x(?P<but>NS?(?:A?NS?)*)$",
        # ยกเว้นเรย์
        r"^x(?P<but>N)$",
        # 레이 빼고 모두; 레이 빼고 모두의 신발
        rf"(?:^|(?<=A))(?P<but>{_NAMES})z[AS]?{_ALL}(?=[ASTYLl]|$)",
        # レイ以外; レイ以外の靴; レイ以外のメンバー, of which the last word is gone
        rf"(?:^|(?<=A))(?P<but>{_NAMES})z(?:S$|(?=A|S[TYLl]|$))",
    )
]
"""By the letters of `_letter`: E is everyone, r the rest, x leaves out those behind it, z those before it."""


def except_those_named(tokens: Sequence[Token]) -> list[Token]:
    """Make one name of everyone and those who are left out.

    Args:
        tokens: One sentence of `condense`.

    Returns:
        The tokens, with one name for everyone, whose `but` says who is left out. Where that is not clear, the
        tokens as they were: a word that leaves out is still among them, and `parse` refuses it.
    """
    letters = "".join(map(_letter, tokens))
    found = next((match for pattern in _EXCEPTIONS if (match := pattern.search(letters))), None)
    if not found or re.search("[Erxz]", letters[: found.start()] + letters[found.end() :]):
        return list(tokens)
    those = tokens[slice(*found.span("but"))]
    left_out = tuple(dict.fromkeys(person for token in those for person in token.people))
    hers = range(*found.span("hers")) if "hers" in found.re.groupindex else range(0)
    text = " ".join(tokens[at].text for at in range(*found.span()) if at not in hers)
    everyone = Token(Kind.NAME, text, people=(EVERYONE,), but=left_out)
    return [*tokens[: found.start()], everyone, *(tokens[at] for at in hers), *tokens[found.end() :]]


def leaves_out(token: Token) -> bool:
    """Tell whether a word leaves people out, or means those who were not."""
    return token.kind is Kind.BEYOND and token.english in {*EXCEPT, REST}


def _letter(token: Token) -> str:
    if leaves_out(token):
        if token.english == REST:
            return "r"
        return "z" if token.foreign and not is_thai(token.text) else "x"
    is_anyone = token.kind in THINGS and token.english == "person"
    return "E" if is_anyone or token.people == (EVERYONE,) else token.kind
