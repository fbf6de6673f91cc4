"""Members left out of everyone: "everyone except Rei", 레이 빼고 모두, レイ以外, ทุกคนยกเว้นเรย์."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ive_segmentation.language.prompt import EVERYONE
from ive_segmentation.language.things import THINGS, Kind
from ive_segmentation.language.tokens import Token, is_thai, named_again

EXCEPT, REST = "except", "rest"
"""The English of the words that leave out, and of those for everyone who is not left out."""
_ALL = "(?:E?r|r?E)"
_EXCEPTIONS = re.compile(
    # everyone except Rei and Liz; everyone's shoes except Rei's
    rf"(?:{_ALL}(?P<hers>S[TYLl](?:A?[TYLl])*)?A?|^)x(?P<but>N(?:A?N)*)(?(hers)S?)"
    # レイ以外; 레이 빼고 모두
    rf"|(?P<before>N(?:A?N)*)z(?:[AS]?{_ALL}|S$|(?=[AS]|$))"
)
"""By the letters of `_letter`: E is everyone, r the rest, x leaves out those behind it, z those before it."""


def except_those_named(tokens: Sequence[Token]) -> list[Token]:
    """Make one name of everyone and those who are left out.

    Args:
        tokens: One sentence of `condense`.

    Returns:
        The tokens, where that can be read with `Token.but` in place of the words that leave out.
    """
    folded = list(tokens)
    for found in reversed(list(_EXCEPTIONS.finditer("".join(map(_letter, tokens))))):
        begin, end = found.span()
        first, last = found.span("but" if found["but"] else "before")
        again = named_again(tokens[first:last])
        if again and found["but"]:  # everyone except Rei, Rei's hat
            end = last = first + again - (tokens[first + again - 1].kind is Kind.AND)
        elif again:  # 레이, 레이 빼고 모두
            begin = first = first + again
        left_out = tuple(person for token in tokens[first:last] for person in token.people)
        text = " ".join(token.text for token in tokens[begin:end])
        everyone = Token(Kind.NAME, text, people=(EVERYONE,), but=left_out)
        folded[begin:end] = [everyone, *tokens[slice(*found.span("hers"))]]
    return folded


def _letter(token: Token) -> str:
    if token.kind is Kind.BEYOND and token.english == EXCEPT:
        return "z" if token.foreign and not is_thai(token.text) else "x"
    if token.kind is Kind.BEYOND and token.english == REST:
        return "r"
    is_anyone = token.kind in THINGS and token.english == "person"
    return "E" if is_anyone or token.people == (EVERYONE,) else token.kind
