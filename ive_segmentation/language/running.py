"""Korean, Thai and Japanese, where words run together: find the words in a stretch of letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ive_segmentation.language.names import Names
from ive_segmentation.language.things import Kind, Word, lexicon

LONGEST = 20
"""Letters of the longest word worth looking up."""
SURE = 5
"""A shorter thing or name does not count where it touches unknown letters: no レイ in レイク."""
UNKNOWN_LETTER = 10
UNKNOWN_WORD = 30
"""Costs, beside 1 for a known word: few unknown words first, then few unknown letters, then few words."""

_CONTENT = {Kind.NAME, Kind.THING, Kind.BODY, Kind.PLACE, Kind.LOOK, Kind.HONORIFIC}


@dataclass(frozen=True)
class Piece:
    """Letters `start` to `end` of a stretch: a member's name, a known word, or neither."""

    start: int
    end: int
    people: tuple[str, ...] = ()
    word: Word | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is a name or a word of the lexicon."""
        return bool(self.people or self.word)

    @property
    def is_particle(self) -> bool:
        """Whether it counts only behind another word."""
        return self.word is not None and self.word.particle

    @property
    def is_content(self) -> bool:
        """Whether it names somebody or something, and does not only hold the others together."""
        return bool(self.people) or (self.word is not None and self.word.kind in _CONTENT)


@dataclass(frozen=True)
class _Path:
    """The cheapest way found so far to read the letters up to the end of a piece."""

    cost: int
    piece: Piece
    before: _Path | None


def split(text: str, names: Names, follows_a_word: bool = False) -> list[Piece]:
    """Cut a stretch of one script into the cheapest row of names, known words and unknown rests.

    It is a shortest path over the letters, so a short word inside a longer one cannot win.

    Args:
        text: Letters of one script. Spaces separate Korean words; elsewhere they mean nothing.
        names: The members.
        follows_a_word: Whether a word of another script stands right before: particles may come first.

    Returns:
        The pieces in order, with positions in `text`; neighbouring unknown letters are one piece.
    """
    places = [place for place, letter in enumerate(text) if letter != " "]
    letters = "".join(text[place] for place in places).casefold()
    gaps = {0, len(letters), *(i for i in range(1, len(places)) if places[i] > places[i - 1] + 1)}
    ending_at: list[list[_Path]] = [[] for _ in range(len(letters) + 1)]
    for start in range(len(letters)):
        for piece in _pieces_from(start, letters, names):
            before = [path for path in ending_at[start] if _may_follow(piece, path.piece, letters, gaps)]
            if start == 0:
                if follows_a_word or not piece.is_particle:
                    ending_at[piece.end].append(_Path(_cost(piece), piece, None))
            elif before:
                cheapest = min(before, key=lambda path: path.cost + _cost(piece, path.piece))
                cost = cheapest.cost + _cost(piece, cheapest.piece)
                ending_at[piece.end].append(_Path(cost, piece, cheapest))
    path: _Path | None = min(ending_at[-1], key=lambda path: path.cost)
    pieces: list[Piece] = []
    while path:
        pieces.insert(0, path.piece)
        path = path.before
    return [_placed(piece, places) for piece in _joined(pieces, gaps)]


def _pieces_from(start: int, letters: str, names: Names) -> Iterator[Piece]:
    yield Piece(start, start + 1)
    for end in range(start + 1, min(start + LONGEST, len(letters)) + 1):
        key = letters[start:end]
        if people := names.find(key):
            yield Piece(start, end, people=people)
        elif word := lexicon().get(key):
            yield Piece(start, end, word=word)


def _cost(piece: Piece, before: Piece | None = None) -> int:
    if piece.is_known:
        return 1
    return UNKNOWN_LETTER if before and not before.is_known else UNKNOWN_LETTER + UNKNOWN_WORD


def _may_follow(piece: Piece, before: Piece, letters: str, gaps: set[int]) -> bool:
    if piece.is_particle:
        fills_its_word = piece.start not in gaps or piece.end in gaps
        return fills_its_word and not before.is_particle
    if piece.start in gaps:
        return True
    crosses_a_gap = any(piece.start < gap < piece.end for gap in gaps)
    if crosses_a_gap and piece.is_content and is_hangul(letters[piece.start]):
        return False  # there is no 이마 in 유진이 마이크
    if piece.is_known == before.is_known:
        return True
    known = piece if piece.is_known else before
    if is_hangul(letters[piece.start]):
        return False
    same_letters = _script(letters[piece.start]) == _script(letters[piece.start - 1])
    return not (same_letters and known.is_content and known.end - known.start < SURE)


def _script(letter: str) -> str:
    """Return the kind of letter: words change there in Japanese even where no space stands."""
    if "\u3040" <= letter <= "\u309f":
        return "hiragana"
    if "\u30a0" <= letter <= "\u30ff" or letter.isascii():
        return "katakana"
    return "hangul" if is_hangul(letter) else "thai" if "\u0e00" <= letter <= "\u0e7f" else "kanji"


def is_hangul(letter: str) -> bool:
    """Return whether a letter is a Korean syllable or a part of one."""
    return "\uac00" <= letter <= "\ud7a3" or "\u1100" <= letter <= "\u11ff"


def _joined(pieces: list[Piece], gaps: set[int]) -> list[Piece]:
    """Make one piece of unknown letters in a row, but not across a space."""
    joined: list[Piece] = []
    for piece in pieces:
        continues = bool(joined) and not (piece.is_known or joined[-1].is_known or piece.start in gaps)
        joined.append(Piece(joined.pop().start, piece.end) if continues else piece)
    return joined


def _placed(piece: Piece, places: list[int]) -> Piece:
    return Piece(places[piece.start], places[piece.end - 1] + 1, piece.people, piece.word)
