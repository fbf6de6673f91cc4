"""The clean text -> a row of tokens: names, things and the little words between, in any of the languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ive_segmentation.language.members import name_key
from ive_segmentation.language.names import Names
from ive_segmentation.language.prompt import EVERYONE, UNKNOWN
from ive_segmentation.language.running import Piece, is_hangul, split
from ive_segmentation.language.things import Kind, Word, known, singular

LONGEST_PHRASE = 5
"""Words of the longest phrase worth looking up ("people i do not know")."""

MIN_NAME = 3
"""Letters of the shortest name that is read out of a longer word."""

_HANGUL = "\u1100-\u11ff\uac00-\ud7a3"
_THAI = "\u0e00-\u0e7f"
_JAPANESE = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
_T_SHIRT = "(?<![a-zA-Z0-9])[TtYy](?=[\u30a0-\u30ff])"
_LATIN = rf"[^\s',&+;\-{_HANGUL}{_THAI}{_JAPANESE}]"
_PARTS = re.compile(
    "|".join(
        (
            rf"(?P<running>[{_HANGUL}]+(?: [{_HANGUL}]+)*|[{_THAI}]+(?: [{_THAI}]+)*"
            rf"|(?:{_T_SHIRT}|[{_JAPANESE}])+(?: (?:{_T_SHIRT}|[{_JAPANESE}])+)*)",
            r"(?P<count>\d+(?:人|名|명|คน))",
            rf"(?P<own>'[sS](?!{_LATIN})|')",
            r"(?P<and>[,&+])",
            r"(?P<stop>;)",
            rf"(?P<latin>{_LATIN}+(?:'(?![sS](?!{_LATIN})){_LATIN}+)*)",
        )
    )
)
_LOOKS_LIKE_AN_ADJECTIVE = re.compile("(?:ed|ing|ful|less|ish|ous|able|ible|aphic|istic|like)$")


@dataclass(frozen=True)
class Token:
    """A piece of the text and what it does.

    Attributes:
        kind: Its letter in the patterns of `parse.py`.
        text: The words as typed (after `normalise`).
        english: How SAM 3 is told, for a thing; the meaning, for a little word.
        people: The member meant, for a name, or `EVERYONE` or `UNKNOWN`; several where it could be any.
        but: Who is left out of `EVERYONE`, likewise.
        mended: Whether the name was read through a typing mistake.
        understood: Whether the words are in the lexicon.
        foreign: Whether it is not written in Latin letters.
        being: Whether it is a person or an animal.
    """

    kind: Kind
    text: str
    english: str = ""
    people: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    mended: bool = False
    understood: bool = True
    foreign: bool = False
    being: bool = False

    @property
    def looks_like_a_name(self) -> bool:
        """Whether it is an unknown word with a capital, and neither an abbreviation nor plainly a look."""
        return (
            not self.understood
            and self.text[0].isupper()
            and not (len(self.text) <= 3 and self.text.isupper())
            and not _LOOKS_LIKE_AN_ADJECTIVE.search(self.text.lower())
        )


_OWN = Token(Kind.OF_THE_ONE_BEFORE, "s", english="'s")


def tokenize(text: str, names: Names) -> list[Token]:
    """Cut a text into tokens.

    Args:
        text: What `normalise` returned.
        names: The members.

    Returns:
        The tokens in order.
    """
    parts = list(_PARTS.finditer(text))
    tokens: list[Token] = []
    at = 0
    while at < len(parts):
        if parts[at].lastgroup == "latin":
            found, taken = _latin(text, parts, at, names)
        else:
            found, taken = list(_other(parts[at], names)), 1
        tokens += found
        at += taken
    return tokens


def _latin(text: str, parts: list[re.Match[str]], at: int, names: Names) -> tuple[list[Token], int]:
    """Read the longest known phrase that starts at a Latin word, else the word alone."""
    for count in range(min(LONGEST_PHRASE, _words_in_a_row(parts, at)), 0, -1):
        phrase = text[parts[at].start() : parts[at + count - 1].end()]
        after = parts[at + count] if at + count < len(parts) else None
        found = (
            _name(phrase, at == 0, after, names)
            or _known(phrase)
            or _own_without_apostrophe(phrase, names)
            or _with_honorific(phrase, names)
        )
        if found:
            return found, count
    word = parts[at][0]
    if found := _mended(word, names):
        return found, 1
    return [Token(Kind.THING, word, english=word.lower(), understood=False, foreign=not _is_latin(word))], 1


def _is_latin(word: str) -> bool:
    """Whether SAM 3 can read it: no letter of another script, which would find nothing, or anything."""
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in word if letter.isalpha())


def _words_in_a_row(parts: list[re.Match[str]], at: int) -> int:
    end = at
    while end < len(parts) and parts[end].lastgroup == "latin":
        end += 1
    return end - at


def _name(phrase: str, begins: bool, after: re.Match[str] | None, names: Names) -> list[Token]:
    """Read a phrase as a name; an ordinary word ("An", "Rose") only where a name must stand."""
    people, spelled = names.find(name_key(phrase)), phrase in names.spellings
    first, _, rest = phrase.partition(" ")
    is_whole = bool(rest) and phrase.casefold() in names.typed
    if rest and not is_whole and names.find(name_key(first)) and known(name_key(rest)):
        return []  # Rob in a dress is not Robin
    if people and not is_whole and (ordinary := known(name_key(phrase))):
        owns = after is not None and (after.lastgroup == "own" or (spelled and _goes_on(after, names)))
        word = None if after is None else known(name_key(after[0]))
        # A capital at the beginning proves nothing, an accent does: Rose held by Winter, Rosé holding a mic.
        capital = ordinary.kind is not Kind.FILLER and not (begins and phrase.isascii())
        acts = word and word.kind is Kind.HOLDING and after and after[0].lower().endswith("ing")
        goes_on = word and (word.kind is Kind.AND or (capital and word.kind in {Kind.HOLDING, Kind.FILLER}))
        ends = after is None or after.lastgroup in {"and", "stop"} or goes_on or acts
        if not owns and not (ends and spelled):
            return []
    return [Token(Kind.NAME, phrase, people=people)] if people else []


def _goes_on(part: re.Match[str], names: Names) -> bool:
    """Whether it begins, with no space before it, as a Korean or Japanese word goes on: Winter의."""
    if part.lastgroup != "running" or part.string[part.start() - 1 : part.start()] == " ":
        return False
    first = next(iter(split(part[0], names, follows_a_word=True)), None)
    return first is not None and first.start == 0 and first.word is not None and first.word.particle


def _known(phrase: str) -> list[Token]:
    word = known(name_key(phrase))
    if not word or (" " in phrase and word.spelling not in {"", phrase.lower()}):
        return []
    if phrase.lower().endswith(" s"):  # the mic S. Coups is holding: no plural
        return []
    as_typed = word.kind is Kind.LOOK or word.being
    return [_token(word, phrase, singular(phrase.lower()) if as_typed else word.english)]


def _own_without_apostrophe(phrase: str, names: Names) -> list[Token]:
    people = names.find(name_key(phrase[:-1])) if phrase[-1] in "sS" else ()
    name = Token(Kind.NAME, phrase[:-1], people=people)
    return [name, _OWN] if people else []


def _with_honorific(phrase: str, names: Names) -> list[Token]:
    """Read a name and what is said behind it in one word: reichan; not Anya, a family's alone."""
    for cut in range(MIN_NAME, len(phrase)):
        name, rest = phrase[:cut], known(name_key(phrase[cut:]))
        people = names.find(name_key(name))
        if people and rest and rest.kind is Kind.HONORIFIC and not names.is_family_name(name_key(name)):
            return [Token(Kind.NAME, name, people=people), _token(rest, phrase[cut:], rest.english)]
    return []


def _mended(phrase: str, names: Names) -> list[Token]:
    for typed, own in ((phrase, []), (phrase[:-1], [_OWN])):
        if (not own or phrase[-1] in "sS") and (people := names.mend(name_key(typed))):
            return [Token(Kind.NAME, typed, people=people, mended=True), *own]
    return []


def _other(part: re.Match[str], names: Names) -> Iterator[Token]:
    if part.lastgroup != "running":
        kinds = {
            "own": Kind.OF_THE_ONE_BEFORE,
            "and": Kind.AND,
            "stop": Kind.STOP,
            "count": Kind.FILLER,
        }
        yield Token(kinds[part.lastgroup or ""], part[0], english="'s" if part.lastgroup == "own" else "")
        return
    before = part.string[: part.start()].rstrip()[-1:]
    last: Piece | None = None
    for piece in split(part[0], names, follows_a_word=before.isalnum()):
        text = part[0][piece.start : piece.end]
        if (
            last
            and last.end < piece.start
            and not is_hangul(text[0])
            and _is_thing(last)
            and _is_thing(piece)
        ):
            yield Token(Kind.AND, " ")  # Thai and Japanese put no space between words: it makes a list
        last = piece
        if piece.people:
            yield Token(Kind.NAME, text, people=piece.people, foreign=True)
        elif piece.word:
            yield replace(_token(piece.word, text, piece.word.english), foreign=True)
        else:
            mended = _mended(text, names)
            yield from mended or [Token(Kind.THING, text, english=text, understood=False, foreign=True)]


def _is_thing(piece: Piece) -> bool:
    return piece.word is not None and piece.word.kind in {Kind.THING, Kind.BODY}


def is_thai(text: str) -> bool:
    """Return whether a text is written in Thai, where the thing comes before what is said of it."""
    return "\u0e00" <= text[0] <= "\u0e7f"


def _token(word: Word, text: str, english: str) -> Token:
    if word.kind is Kind.NAME:
        return Token(Kind.NAME, text, english, people=(UNKNOWN if english == "unknown" else EVERYONE,))
    return Token(word.kind, text, english=english, being=word.being)
