"""Which member a word means: exactly, through a typing mistake, or not at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from ive_segmentation.language.members import Member, name_key
from ive_segmentation.language.prompt import EVERYONE, UNKNOWN, PromptError
from ive_segmentation.language.things import known, others

MIN_LETTERS = 5
"""Shorter names are never read out of a mistyped word: "lip" and "lid" are one letter from Liz."""
MIN_SYLLABLES = 3
"""The same for Hangul, where a letter is a syllable: 원형 (round) is one sound from 원영."""
LETTERS_PER_MISTAKE = 5
"""One mistake is forgiven per so many letters, a similarity of at least 80%: wonyong, Yujn, gauel."""
KOREAN = re.compile(
    "(?:남궁|황보|제갈|선우|"
    "[김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민나진지엄채원천방공현함여추])"
    "([가-힣]{2})"
)
"""A family's name and a given one, as Koreans write them: without a space. These families, the most common of
the census of 2015 and four of two syllables, are nearly everyone's."""
CLOSEST = 3
"""So many members are named to the user who typed a name that is nobody's."""
NEAR = 65
"""Likeness in percent from which a name is worth offering: Jisoo is not close to Liz."""
MOST_SHOWN = 8
"""So many members are named where none is near."""


class Names:
    """The members of a dataset, by every way their names are written.

    Attributes:
        members: The members by folder name.
        spellings: Their names exactly as they are written, and as `normalise` leaves them: I.N is two words.
        typed: The same without capitals.
        called: What each is called first, likewise: her folder's name, and the name that is shown.
    """

    def __init__(self, members: tuple[Member, ...]) -> None:
        self.members = {member.folder: member for member in members}
        self._folders: dict[str, tuple[str, ...]] = {}
        aliases = {member.folder: [*member.aliases, *_given_names(member)] for member in members}
        for folder, written in aliases.items():
            for key in {name_key(alias) for alias in written} - {""}:
                self._folders[key] = (*self._folders.get(key, ()), folder)
        # Who is called just so comes before those who are called so among other things: Minji, Kim Minji.
        for key, folders in self._folders.items():
            just_so = [folder for folder in folders if key in self._whole(folder)]
            self._folders[key] = tuple(just_so) or folders
        self._sounds = {key: _sounds(key) for key in self._folders if _is_long(key)}
        every = [alias for written in aliases.values() for alias in written]
        self.spellings = frozenset(every) | {" ".join(alias.replace(".", " ").split()) for alias in every}
        self.typed = frozenset(map(str.casefold, self.spellings))
        self.called = frozenset(
            name.casefold() for member in members for name in (member.folder, member.name)
        )

    def _whole(self, folder: str) -> set[str]:
        return {name_key(folder), name_key(self.members[folder].name)}

    def find(self, key: str) -> tuple[str, ...]:
        """Return the folders of the members who are called exactly this, usually one or none."""
        return self._folders.get(key, ())

    def mend(self, key: str) -> tuple[str, ...]:
        """Return the folders of the members whose name this is with a typing mistake.

        A mistake is a letter too many, too few, another, or two swapped (optimal string alignment).
        Words of the lexicon, and names of other people that it knows of, are never mistakes.

        Args:
            key: A word as `name_key` gives it.

        Returns:
            Folders of the members at the smallest distance: several where they tie, none where all are far.
        """
        if not key or known(key) or key in others():
            return ()
        typed = _sounds(key)
        distances = {}
        for alias, sounds in self._sounds.items():
            allowed = len(sounds) // LETTERS_PER_MISTAKE
            distance = OSA.distance(typed, sounds, score_cutoff=allowed)
            if distance <= allowed and typed[0] == sounds[0]:
                distances[alias] = distance
        nearest = min(distances.values(), default=0)
        found = (self._folders[alias] for alias, distance in distances.items() if distance == nearest)
        return tuple(dict.fromkeys(folder for folders in found for folder in folders))

    def show(self, folders: Iterable[str], last: str = "and", but: Sequence[str] = ()) -> str:
        """Write members, or anything else, as a list for the user: "Liz and Rei", "everyone except Gaeul"."""
        called = {EVERYONE: "everyone", UNKNOWN: "strangers"} | {
            folder: member.name for folder, member in self.members.items()
        }
        names = [called.get(folder, folder) for folder in folders]
        listed = f" {last} ".join(", ".join(names).rsplit(", ", 1))
        return f"{listed} except {self.show(but)}" if but else listed

    def is_family_name(self, key: str) -> bool:
        """Return whether a word is only the first part of a folder's or an entry's name."""
        for member in self.members.values():
            written = [member.folder, *(alias for alias in member.aliases if "_" in alias)]
            families = {name_key(re.split(r"[\s_]", name)[0]) for name in written}
            whole = {*map(name_key, written), *self._whole(member.folder)}
            if key in families - whole:
                return True
        return False

    def ambiguous(self, word: str, folders: Iterable[str]) -> PromptError:
        """Return the error for a name that several members answer to."""
        return PromptError(f'"{word}" could be {self.show(folders, last="or")}. Write the whole name.')

    def nobody(self, word: str) -> PromptError:
        """Return the error for a name that is no member's, with the members who may be meant."""
        if not self.members:
            return PromptError(
                f'"{word}" is nobody: there are no members yet. Add a folder of photos to the dataset.'
            )
        names = self._closest(word)
        said = f"The closest name{'s are' if len(names) > 1 else ' is'} {self.show(names)}"
        thing = 'put "the" before it' if word[0].isascii() else "this vocabulary lacks it: use English"
        is_whole_name = " " in word  # a family's and a given one
        advice = "" if is_whole_name else f"; if it is a thing, {thing}"
        return PromptError(
            f'"{word}" is no member. {said if names else self._every_name()}: type one of them, '
            f"or add a folder of photos for {word}{advice}."
        )

    def not_understood(self, word: str) -> PromptError:
        """Return the error for a word beside a member's name: another's name with a mistake, or any word."""
        if self._closest(word):
            return self.nobody(word)
        return PromptError(
            f'"{word}" is neither a member nor in the vocabulary: use English, or leave it out.'
        )

    def _closest(self, word: str) -> list[str]:
        """Return the folders of the members whose names are near a word, the nearest first."""
        choices = {alias: folder for folder, member in self.members.items() for alias in member.aliases}
        ranked = process.extract(
            _sounds(name_key(word)),
            choices.keys(),
            scorer=fuzz.ratio,
            limit=None,
            processor=lambda text: _sounds(name_key(text)),
            score_cutoff=NEAR,
        )
        return list(dict.fromkeys(choices[alias] for alias, _, _ in ranked))[:CLOSEST]

    def _every_name(self) -> str:
        rest = len(self.members) - MOST_SHOWN
        more = [f"{rest} more"] if rest > 0 else []
        return f"The members are {self.show([*list(self.members)[:MOST_SHOWN], *more])}"


@lru_cache(maxsize=8)
def names_of(members: tuple[Member, ...]) -> Names:
    """Return the names of some members, indexed once per set of members."""
    return Names(members)


def _given_names(member: Member) -> list[str]:
    """What friends call her whose names are written without a space, unless it is a word: 하얀 is white."""
    wholes = (KOREAN.fullmatch(unicodedata.normalize("NFC", alias)) for alias in member.aliases)
    return [whole[1] for whole in wholes if whole and not known(whole[1])]


def _sounds(key: str) -> str:
    return unicodedata.normalize("NFD", key)


def _is_long(key: str) -> bool:
    return len(key) >= (MIN_SYLLABLES if re.fullmatch("[가-힣]+", key) else MIN_LETTERS)
